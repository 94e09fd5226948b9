"""A route is added to the application itself, where others belong to blueprints or routers.

The project sorts its routes by area; one that hangs on the application is found nowhere, has no
prefix, no tags and none of the guards that its area shares. Add it to a blueprint or router.

Bad:
```python shop/orders.py
from fastapi import APIRouter

router = APIRouter(prefix="/orders")


@router.get("/{key}")
def order(key: int):
    return key
```
```python shop/main.py
from fastapi import FastAPI

from shop.orders import router

app = FastAPI()
app.include_router(router)


@app.get("/invoices/{key}")  # flagged
def invoice(key: int):
    return key


@app.get("/health")
def health():
    return "ok"
```
Good:
```python shop/orders.py
from fastapi import APIRouter

router = APIRouter(prefix="/orders")


@router.get("/{key}")
def order(key: int):
    return key


@router.get("/{key}/invoice")
def invoice(key: int):
    return key
```
```python shop/main.py
from fastapi import FastAPI

from shop.orders import router

app = FastAPI()
app.include_router(router)
```
Good: a project that has no such parts.
```python app.py
from flask import Flask

app = Flask(__name__)


@app.route("/orders/<int:key>")
def order(key):
    return str(key)
```
Good: pages of the application as a whole.
```python shop/parts.py
from flask import Blueprint

pages = Blueprint("pages", __name__)
```
```python shop/app.py
from flask import Flask


def create_app():
    app = Flask(__name__)

    @app.route("/")
    def index():
        return "shop"

    @app.route("/robots.txt")
    def robots():
        return "User-agent: *"

    return app
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.route import Route
from rules.facts.web_layout import WebLayout
from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="FWK119",
    severity=Severity.NOTICE,
    checklist=("quality.modular-structure", "ninja.schemas", "flask.blueprints", "fastapi.routers"),
    scope="project",
)

_APPLICATIONS = frozenset({"flask.Flask", "fastapi.FastAPI", "apiflask.APIFlask", "quart.Quart"})
_OF_THE_WHOLE = re.compile(
    r"^/?$|health|ping|status|alive|ready|live|heartbeat|favicon|robots|sitemap|metrics|docs|redoc|openapi"
    r"|version|static|media|assets|well-known|manifest|service-worker|sw\.js|debug|<path:|\{[^}]{1,60}:path\}"
    r"|^/\{[^}]{0,60}\}$|upload|info$|\.(txt|xml|json|ico)$"
)


@rule.on(Route, words=("FastAPI", "Flask", "APIFlask", "Quart"))
def check(route: Route, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_script or not isinstance(route.node.func, cst.Attribute):
        return
    if route.path is None or _OF_THE_WHOLE.search(route.path):
        return
    if not here.names(route.node.func.value) & _APPLICATIONS:
        return
    layout: WebLayout = here.project.facts(WebLayout)
    if layout.parts - {here.path}:
        yield Flag(
            route.node,
            f"`{route.path[:80]}` hangs on the application itself; other routes of this project belong "
            "to blueprints or routers. Add it to the one of its area.",
        )
