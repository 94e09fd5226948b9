from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser, Permission

from catalogue.models import Author, Book
from orders.models import Customer, Order, OrderLine


@pytest.fixture
def book(db: None) -> Book:
    author = Author.objects.create(name="Ursula K. Le Guin")
    return Book.objects.create(
        isbn="9780547773742",
        title="A Wizard of Earthsea",
        author=author,
        price=Decimal("8.99"),
        stock=5,
    )


@pytest.fixture
def customer(db: None) -> Customer:
    return Customer.objects.create(name="Ada", email="ada@example.org", country="GB")


@pytest.fixture
def order(book: Book, customer: Customer) -> Order:
    order = Order.objects.create(customer=customer, tracking_code="HB-1")
    OrderLine.objects.create(order=order, book=book, quantity=2, unit_price=book.price)
    return order


@pytest.fixture
def clerk(db: None) -> AbstractUser:
    user = get_user_model().objects.create_user("clerk")
    user.user_permissions.add(Permission.objects.get(codename="view_order"))
    return user
