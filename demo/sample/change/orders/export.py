"""The export for accounting: orders and their lines as CSV."""

import csv
from datetime import date
from typing import TextIO

from orders.models import Order, OrderLine


def write_orders(destination: TextIO, since: date) -> None:
    """Write one row per order placed since the given day."""
    orders = Order.objects.filter(placed_at__date__gte=since).order_by("pk")
    writer = csv.writer(destination)
    writer.writerow(["order", "invoice", "status", "customer"])
    for order in orders:
        writer.writerow([order.pk, order.invoice_number, order.status, order.customer.name])


def write_lines(destination: TextIO, since: date) -> None:
    """Write one row per line of an order placed since the given day."""
    lines = OrderLine.objects.filter(order__placed_at__date__gte=since).select_related("book")
    writer = csv.writer(destination)
    writer.writerow(["order", "isbn", "title", "quantity", "unit price"])
    for line in lines.order_by("pk"):
        writer.writerow(
            [line.order_id, line.book.isbn, line.book.title, line.quantity, line.unit_price]
        )
