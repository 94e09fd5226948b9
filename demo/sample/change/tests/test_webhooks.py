import hashlib
import hmac
import json

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from orders.models import Order


def deliver(client: Client, body: bytes, key: str) -> HttpResponse:
    signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    return client.post(
        reverse("orders:parcel-shipped"),
        data=body,
        content_type="application/json",
        headers={"X-Courier-Signature": signature},
    )


def test_a_signed_delivery_ships_the_order(client: Client, order: Order) -> None:
    body = json.dumps({"tracking_code": "HB-1"}).encode()

    answer = deliver(client, body, settings.COURIER_WEBHOOK_SECRET)

    order.refresh_from_db()
    assert answer.status_code == 204
    assert order.status == Order.Status.SHIPPED


def test_a_forged_delivery_changes_nothing(client: Client, order: Order) -> None:
    answer = deliver(client, b'{"tracking_code": "HB-1"}', "guessed")

    order.refresh_from_db()
    assert answer.status_code == 403
    assert order.status == Order.Status.PLACED


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"not JSON"])
def test_a_signed_delivery_that_says_nothing_is_refused(client: Client, body: bytes) -> None:
    answer = deliver(client, body, settings.COURIER_WEBHOOK_SECRET)

    assert answer.status_code == 400
