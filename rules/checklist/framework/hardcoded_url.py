"""An address of the project is written out, where its route has a name.

When the route moves, everything that asks for its name moves with it; an address that is written out
leads to error 404, and no test of the route tells. Use `reverse`, `url_for` or the tag of the
templates.

Bad:
```python shop/urls.py
from django.urls import path

from shop import views

urlpatterns = [
    path("orders/", views.orders, name="orders"),
    path("orders/new/", views.new, name="new-order"),
]
```
```python shop/views.py
from django.shortcuts import redirect


def new(request):
    return redirect("/orders/")  # flagged
```
```html shop/templates/shop/menu.html
{% extends "base.html" %}
<a href="/orders/">Orders</a> <!-- flagged -->
<a href="/orders/new/?from=menu">New</a> <!-- flagged -->
```
Good:
```python shop/urls.py
from django.urls import path

from shop import views

urlpatterns = [
    path("orders/", views.orders, name="orders"),
    path("orders/new/", views.new, name="new-order"),
]
```
```python shop/views.py
from django.shortcuts import redirect


def new(request):
    return redirect("orders")
```
```html shop/templates/shop/menu.html
{% extends "base.html" %}
<a href="{% url 'orders' %}">Orders</a>
<a href="{% url 'new-order' %}?from=menu">New</a>
```
Bad: Flask.
```python shop/pages.py
from flask import Blueprint, redirect

pages = Blueprint("pages", __name__, url_prefix="/shop")


@pages.route("/orders")
def orders():
    return "orders"


@pages.route("/new")
def new():
    return redirect("/shop/orders")  # flagged
```
Good:
```python shop/pages.py
from flask import Blueprint, redirect, url_for

pages = Blueprint("pages", __name__, url_prefix="/shop")


@pages.route("/orders")
def orders():
    return "orders"


@pages.route("/new")
def new():
    return redirect(url_for("pages.orders"))
```
Good: names, addresses elsewhere, and paths that are nobody's.
```python shop/urls.py
from django.urls import include, path

from shop import views

urlpatterns = [
    path("orders/", views.orders, name="orders"),
    path("admin/", include("shop.admin_urls")),
]
```
```python shop/views.py
from django.shortcuts import redirect


def new(request):
    if request.GET:
        return redirect("https://example.org/orders/")
    if request.POST:
        return redirect("/help/")
    return redirect("orders")
```
```html shop/templates/shop/menu.html
<a href="https://example.org/orders/">Orders</a>
<a href="/help/">Help</a>
<a href="/">Shop</a>
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.named_routes import NamedRoutes
from rules.kit import (
    Fix,
    Flag,
    Here,
    Replace,
    ReplaceLines,
    Rule,
    Severity,
    TextFile,
    argument,
    string,
)

rule = Rule(
    __name__,
    __doc__,
    code="FWK104",
    severity=Severity.WARNING,
    checklist=("django.hardcoded-urls", "flask.url-for"),
    scope="project",
    fix="suggestion",
    files=("*.html", "*.jinja2", "*.jinja", "*.j2"),
)

_REDIRECTS = frozenset(
    {"django.shortcuts.redirect", "flask.redirect", "django.http.HttpResponseRedirect"}
    | {"django.http.HttpResponsePermanentRedirect", "fastapi.responses.RedirectResponse"}
    | {"starlette.responses.RedirectResponse", "quart.redirect"}
)
_LINK = re.compile(
    r"\b(?:href|action)=(?P<quote>[\"'])(?P<path>/[^\"'{}<>\s?#]{1,200})(?P<rest>[^\"'{}<>]{0,300})(?P=quote)"
)


@rule.on(
    cst.Call,
    calls=("redirect", "HttpResponseRedirect", "HttpResponsePermanentRedirect", "RedirectResponse"),
)
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    given = argument(call, 0, "to") or argument(call, 0, "url")
    path = string(given) or ""
    if (
        given is None
        or not path.startswith("/")
        or here.is_test
        or not here.names(call.func) & _REDIRECTS
    ):
        return
    name = _name_of(path, here)
    if name:
        short = "django.shortcuts.redirect" in here.names(call.func)
        fix = Fix((Replace(given, f'"{name}"'),)) if short and path.isprintable() else None
        yield Flag(call, _message(path, name), fix=fix if "?" not in path else None)


@rule.on(TextFile)
def check_template(file: TextFile, here: Here) -> Iterator[Flag]:
    if "templates/" not in file.path and "{%" not in file.text and "{{" not in file.text:
        return
    if '="/' not in file.text and "='/" not in file.text:
        return
    for number, line in enumerate(file.lines, start=1):
        for match in _LINK.finditer(line) if "/" in line else ():
            name = _name_of(match["path"], here)
            if name and match["path"] != "/":
                yield Flag(
                    number, _message(match["path"], name), fix=_fix(file, number, match, name)
                )
                break


def _name_of(path: str, here: Here) -> str:
    routes: NamedRoutes = here.project.facts(NamedRoutes)
    return routes.names.get(path.partition("?")[0].partition("#")[0], "")


def _message(path: str, name: str) -> str:
    return (
        f"`{path[:80]}` is the route `{name[:60]}`: when it moves, this leads nowhere. Ask for it by its "
        "name."
    )


def _fix(file: TextFile, number: int, match: re.Match[str], name: str) -> Fix | None:
    if "{% load" not in file.text and "{% extends" not in file.text and "{% url" not in file.text:
        return None
    line = file.lines[number - 1]
    tag = "{% url '" + name + "' %}" if match["quote"] == '"' else '{% url "' + name + '" %}'
    new = line[: match.start("path")] + tag + line[match.end("path") :]
    return Fix((ReplaceLines(number, number, (new,)),))
