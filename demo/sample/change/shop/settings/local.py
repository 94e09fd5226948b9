"""A developer's own machine: SQLite, and pages that explain their errors."""

from shop.settings.base import *  # noqa: F403
from shop.settings.base import BASE_DIR

DEBUG = True
SECRET_KEY = "insecure-for-local-use-only"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
COURIER_WEBHOOK_SECRET = "insecure-for-local-use-only"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
