import pytest
from fastapi.testclient import TestClient

from catalogue.models import Book
from orders.models import Customer
from partners.app import app

pytestmark = pytest.mark.django_db(transaction=True)

KEY = {"X-Partner-Key": "a-partner"}


def wanted(book: Book, quantity: int) -> dict[str, object]:
    return {"customer_email": "ada@example.org", "quantities": {book.isbn: quantity}}


def test_a_partner_places_an_order(book: Book, customer: Customer) -> None:
    answer = TestClient(app).post("/orders", json=wanted(book, 1), headers=KEY)

    assert answer.status_code == 201
    assert answer.json()["status"] == "placed"


def test_more_than_the_stock_is_refused(book: Book, customer: Customer) -> None:
    answer = TestClient(app).post("/orders", json=wanted(book, 6), headers=KEY)

    assert answer.status_code == 409


def test_a_stranger_places_nothing(book: Book, customer: Customer) -> None:
    answer = TestClient(app).post(
        "/orders", json=wanted(book, 1), headers={"X-Partner-Key": "guessed"}
    )

    assert answer.status_code == 401
