"""ASGI entry point of the partners' side: Django is set up before its models are imported."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings.production")
django.setup()

from partners.app import app  # noqa: E402

__all__ = ["app"]
