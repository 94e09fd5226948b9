"""Figures for the monthly meeting."""

from datetime import date
from decimal import Decimal

from django.db.models import F, Sum

from orders.models import Order, OrderLine


def revenue_since(day: date) -> Decimal:
    """What customers paid for orders placed since the given day, cancelled orders left out."""
    sold = OrderLine.objects.filter(order__placed_at__date__gte=day).exclude(
        order__status=Order.Status.CANCELLED
    )
    total = sold.aggregate(total=Sum(F("quantity") * F("unit_price")))["total"]
    return total or Decimal(0)
