from datetime import date
from decimal import Decimal

from catalogue.models import Book
from orders.models import Order
from orders.reports import best_sellers, revenue_since


def test_revenue_counts_what_was_paid(order: Order) -> None:
    assert revenue_since(date(2020, 1, 1)) == Decimal("17.98")


def test_revenue_leaves_cancelled_orders_out(order: Order) -> None:
    Order.objects.update(status=Order.Status.CANCELLED)

    assert revenue_since(date(2020, 1, 1)) == Decimal(0)


def test_best_sellers_are_counted_in_copies(order: Order, book: Book) -> None:
    assert best_sellers(10) == [(book.isbn, 2)]
