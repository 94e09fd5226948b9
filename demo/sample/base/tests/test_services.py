import pytest

from catalogue.models import Book
from orders.models import Customer, Order
from orders.services import OutOfStock, UnknownBook, place_order


def test_an_order_takes_its_copies_out_of_the_stock(book: Book, customer: Customer) -> None:
    order = place_order(customer, {book.isbn: 2})

    book.refresh_from_db()
    assert book.stock == 3
    assert [line.quantity for line in order.lines.all()] == [2]


@pytest.mark.parametrize(
    ("quantities", "error"),
    [({"9780547773742": 6}, OutOfStock), ({"9780000000000": 1}, UnknownBook)],
)
def test_an_order_that_cannot_be_filled_leaves_nothing_behind(
    book: Book, customer: Customer, quantities: dict[str, int], error: type[Exception]
) -> None:
    with pytest.raises(error):
        place_order(customer, quantities)

    book.refresh_from_db()
    assert book.stock == 5
    assert not Order.objects.exists()
