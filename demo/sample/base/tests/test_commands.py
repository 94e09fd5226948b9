from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone

from orders.models import Order


def test_only_old_orders_are_cancelled(order: Order) -> None:
    old = Order.objects.create(
        customer=order.customer, placed_at=timezone.now() - timedelta(days=61)
    )

    call_command("cancel_stale_orders")

    cancelled = Order.objects.filter(status=Order.Status.CANCELLED)
    assert list(cancelled) == [old]
