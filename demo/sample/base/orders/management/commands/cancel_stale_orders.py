from argparse import ArgumentParser
from datetime import timedelta

from django.core.management.base import BaseCommand
from django.utils import timezone

from orders.models import Order


class Command(BaseCommand):
    help = "Cancel orders that were placed long ago and never shipped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=60)

    def handle(self, *args: object, days: int, **options: object) -> None:
        stale = Order.objects.filter(
            status=Order.Status.PLACED,
            placed_at__lt=timezone.now() - timedelta(days=days),
        )
        cancelled = stale.update(status=Order.Status.CANCELLED)
        self.stdout.write(f"{cancelled} orders cancelled")
