import io
from datetime import date, timedelta

from django.utils import timezone

from orders.export import write_lines, write_orders
from orders.models import Order


def test_every_order_since_the_day_is_one_row(order: Order) -> None:
    Order.objects.create(customer=order.customer, placed_at=timezone.now() - timedelta(days=400))
    Order.objects.filter(pk=order.pk).update(invoice_number="HB-2026-1")
    destination = io.StringIO()

    write_orders(destination, since=timezone.localdate() - timedelta(days=30))

    assert destination.getvalue().splitlines()[1:] == [f"{order.pk},HB-2026-1,placed,Ada"]


def test_every_line_names_its_book(order: Order) -> None:
    destination = io.StringIO()

    write_lines(destination, since=date(2020, 1, 1))

    assert destination.getvalue().splitlines()[1:] == [
        f"{order.pk},9780547773742,A Wizard of Earthsea,2,8.99"
    ]
