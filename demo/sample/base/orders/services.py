"""What the shop does with orders, for the staff's side and the partners' side alike."""

from collections.abc import Mapping

from django.db import transaction
from django.db.models import F

from catalogue.models import Book
from orders.models import Customer, Order, OrderLine


class OutOfStock(Exception):
    """The shop holds fewer copies than were asked for."""


class UnknownBook(Exception):
    """No book has this ISBN."""


@transaction.atomic
def place_order(customer: Customer, quantities: Mapping[str, int]) -> Order:
    """Place one order over the given copies per ISBN, and take them out of the stock.

    Raises UnknownBook or OutOfStock, and then leaves everything as it was.
    """
    books = {
        book.isbn: book for book in Book.objects.select_for_update().filter(isbn__in=quantities)
    }
    order = Order.objects.create(customer=customer)
    lines = []
    for isbn, quantity in quantities.items():
        book = books.get(isbn)
        if book is None:
            raise UnknownBook(isbn)
        if book.stock < quantity:
            raise OutOfStock(isbn)
        book.stock = F("stock") - quantity
        lines.append(OrderLine(order=order, book=book, quantity=quantity, unit_price=book.price))
    OrderLine.objects.bulk_create(lines)
    Book.objects.bulk_update(books.values(), ["stock"])
    return order
