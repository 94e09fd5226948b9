"""The test run: a database in memory."""

from shop.settings.base import *  # noqa: F403

SECRET_KEY = "insecure-for-tests-only"
ALLOWED_HOSTS = ["testserver"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
PARTNER_KEYS = ["a-partner", "another-partner"]
