"""A route that invites guessing may be asked without limit.

The project limits other routes, and leaves out the one that takes passwords, tokens or codes: there
an attacker tries as many as the server can answer. Limit it too.

Bad:
```python
from fastapi import APIRouter, Request
from slowapi import Limiter

limiter = Limiter(key_func=str)
router = APIRouter()


@router.get("/search")
@limiter.limit("10/minute")
def search(request: Request, q: str):
    return find(q)


@router.post("/login")  # flagged
def login(request: Request, name: str, password: str):
    return check(name, password)
```
Good:
```python
from fastapi import APIRouter, Request
from slowapi import Limiter

limiter = Limiter(key_func=str)
router = APIRouter()


@router.get("/search")
@limiter.limit("10/minute")
def search(request: Request, q: str):
    return find(q)


@router.post("/login")
@limiter.limit("5/minute")
def login(request: Request, name: str, password: str):
    return check(name, password)
```
Bad: Django REST framework.
```python shop/views.py
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView


class Search(APIView):
    throttle_classes = [AnonRateThrottle]

    def get(self, request):
        return find(request)


class PasswordReset(APIView):
    def post(self, request):
        return reset(request)
```
```python shop/urls.py
from django.urls import path

from shop.views import PasswordReset, Search

urlpatterns = [
    path("search/", Search.as_view()),
    path("password-reset/", PasswordReset.as_view()),  # flagged
]
```
Good: everything is limited, or nothing is by this project.
```python shop/settings.py
REST_FRAMEWORK = {"DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"]}
INSTALLED_APPS = ["shop"]
```
```python shop/api.py
from flask import Blueprint

pages = Blueprint("pages", __name__)


@pages.post("/login")
def login():
    return check()
```
Good: the name of a page that takes nothing.
```python
from flask import Blueprint
from flask_limiter import Limiter

limiter = Limiter(str)
pages = Blueprint("pages", __name__)


@pages.get("/login-help")
def login_help():
    return "help"


@pages.post("/tokens/<int:key>/rename")
@limiter.limit("5/minute")
def rename(key):
    return str(key)
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.limiters import Limiters
from rules.facts.python_classes import Classes
from rules.facts.route import Route
from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="FWK128",
    severity=Severity.NOTICE,
    checklist=("drf.throttling", "security.endpoints"),
    scope="project",
)

_GUESSED = re.compile(
    r"(?i)(^|/)(login|signin|sign-in|log-in|token|signup|sign-up|register|(forgot|reset)[-_]password"
    r"|password[-_](reset|forgot)|otp|verify[-_](code|otp)|two[-_]factor|2fa|mfa|magic[-_]link)/?$"
)
_LIMITS = re.compile(r"(?i)limit|throttl|axes")


@rule.on(Route)
def check(route: Route, here: Here) -> Iterator[Flag]:
    if route.includes or not route.path or not _GUESSED.search(route.path) or here.is_test:
        return
    if route.methods and not route.methods & {"post", "put", "patch"}:
        return
    limiters: Limiters = here.project.facts(Limiters)
    if not limiters.some or limiters.all or _is_limited(route, here):
        return
    yield Flag(
        route.node,
        f"`{route.path[:60]}` takes guesses without limit, while other routes of this project are limited. "
        "Limit it too.",
    )


def _is_limited(route: Route, here: Here) -> bool:
    """Whether something limits the handler, or may: a view of somebody else's."""
    handler = route.handler
    if _LIMITS.search(here.source(route.node)):
        return True
    if isinstance(handler, cst.FunctionDef):
        decorators = " ".join(here.source(each.decorator) for each in handler.decorators)
        return bool(_LIMITS.search(decorators) or _LIMITS.search(here.source(handler.params)))
    classes: Classes = here.project.facts(Classes)
    key = classes.find(route.target) if route.target else ""
    if not key:
        return True
    for each in classes.lineage(key):
        if each not in classes.by_name:
            continue
        record = classes.by_name[each][1]
        names = [*(f.name for f in record.fields), *record.decorators]
        names += [d for m in record.methods for d in (*m.decorators, m.name)]
        if any(_LIMITS.search(name) for name in (*names, each)):
            return True
    return False
