from django.contrib.auth.models import AbstractUser
from django.test import Client
from django.urls import reverse

from orders.models import Order


def test_a_clerk_sees_the_orders(client: Client, clerk: AbstractUser, order: Order) -> None:
    client.force_login(clerk)

    body = client.get(reverse("orders:list")).json()

    assert body["orders"] == [{"id": order.pk, "customer": "Ada", "status": "placed"}]


def test_a_clerk_sees_the_lines_of_an_order(
    client: Client, clerk: AbstractUser, order: Order
) -> None:
    client.force_login(clerk)

    body = client.get(reverse("orders:detail", args=[order.pk])).json()

    assert body["lines"] == [{"title": "A Wizard of Earthsea", "quantity": 2, "total": "17.98"}]


def test_a_stranger_sees_nothing(client: Client, order: Order) -> None:
    assert client.get(reverse("orders:list")).status_code == 403
    assert client.get(reverse("orders:detail", args=[order.pk])).status_code == 403


def test_a_clerk_downloads_the_export(client: Client, clerk: AbstractUser, order: Order) -> None:
    client.force_login(clerk)

    export = reverse("orders:export", args=["lines"])
    body = client.get(export, {"since": "2020-01-01"}).content.decode()

    assert "A Wizard of Earthsea" in body


def test_orders_are_counted_per_country(client: Client, clerk: AbstractUser, order: Order) -> None:
    client.force_login(clerk)

    body = client.get(reverse("orders:by-country"), {"country": "GB"}).json()

    assert body == {"country": "GB", "orders": 1}


def test_the_health_page_answers(client: Client) -> None:
    assert client.get(reverse("health")).content == b"ok"
