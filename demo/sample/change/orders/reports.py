"""Figures for the monthly meeting."""

from datetime import date
from decimal import Decimal

from django.db import connection
from django.db.models import F, Sum

from orders.models import Order, OrderLine

SOLD = (
    "SELECT isbn, SUM(quantity) AS copies FROM orders_orderline"
    " JOIN catalogue_book ON catalogue_book.id = book_id"
)
BY_COPIES = "GROUP BY isbn ORDER BY copies DESC, isbn LIMIT %s"


def revenue_since(day: date) -> Decimal:
    """What customers paid for orders placed since the given day, cancelled orders left out."""
    sold = OrderLine.objects.filter(order__placed_at__date__gte=day).exclude(
        order__status=Order.Status.CANCELLED
    )
    total = sold.aggregate(total=Sum(F("quantity") * F("unit_price")))["total"]
    return total or Decimal(0)


def best_sellers(limit: int) -> list[tuple[str, int]]:
    """The books of which most copies were ordered, as (ISBN, copies)."""
    with connection.cursor() as cursor:
        cursor.execute(f"{SOLD} {BY_COPIES}", [limit])
        return cursor.fetchall()
