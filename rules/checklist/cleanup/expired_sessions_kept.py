"""Expired sessions stay in the database for good.

Django deletes a session when somebody logs out, and at no other time. Everybody else's row stays,
with what the application kept in it, until the table is the largest one and each request looks
through it. Run `manage.py clearsessions` once a day, or keep sessions in the cache.

Bad:
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
INSTALLED_APPS = [
    "django.contrib.sessions",  # flagged
    "shop",
]
```
```text Dockerfile
FROM python:3.12
```
Good:
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
INSTALLED_APPS = [
    "django.contrib.sessions",
    "shop",
]
```
```text Dockerfile
FROM python:3.12
```
Good: something runs the command.
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
INSTALLED_APPS = ["django.contrib.sessions", "shop"]
```
```text Dockerfile
FROM python:3.12
```
```text deploy/crontab
0 4 * * * python manage.py clearsessions
```
Good: nothing shows that this project is a service, and not an application for others to install.
```python example/settings.py
ROOT_URLCONF = "example.urls"
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
INSTALLED_APPS = ["django.contrib.sessions", "shop"]
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.deployed_settings import DeployedSettings
from rules.facts.housekeeping import Housekeeping
from rules.facts.settings_module import SettingsModule
from rules.kit import Flag, Here, Rule, Severity, find, string

rule = Rule(
    __name__,
    __doc__,
    code="CLN116",
    severity=Severity.NOTICE,
    frameworks=("django",),
    checklist=("cleanup.scheduled", "cleanup.sessions"),
    scope="project",
)

_APP = "django.contrib.sessions"
_DATABASE = (f"{_APP}.backends.db", f"{_APP}.backends.cached_db")


@rule.on(SettingsModule, words=("INSTALLED_APPS",))
def check(settings: SettingsModule, here: Here) -> Iterator[Flag]:
    if settings.framework != "django" or here.is_test or here.is_script:
        return
    deployed: DeployedSettings = here.project.facts(DeployedSettings)
    served = [each for each in deployed.building_on(here.path) if each.deploys]
    if not served:
        return
    place = _place(settings)
    if place is None or _elsewhere(settings, here, served[0].speaks_of("SESSION_ENGINE")):
        return
    known: Housekeeping = here.project.facts(Housekeeping)
    if not known.sessions:
        yield Flag(
            place,
            "Sessions are kept in the database, and nothing in this repository runs `clearsessions`: "
            "expired ones stay for good. Schedule it daily, or keep sessions in the cache.",
        )


def _place(settings: SettingsModule) -> cst.CSTNode | None:
    """The entry that brings the sessions in."""
    for each in settings.assignments.get("INSTALLED_APPS", ()):
        for text in find(each.value, cst.SimpleString) if each.value is not None else ():
            if string(text) == _APP:
                return text
    return None


def _elsewhere(settings: SettingsModule, here: Here, is_chosen: bool) -> bool:  # noqa: FBT001
    """Whether sessions are kept in another place than the database, or may be."""
    last = settings.last("SESSION_ENGINE")
    if last is None or last.value is None:
        return is_chosen
    return string(here.value_of(last.value)) not in _DATABASE
