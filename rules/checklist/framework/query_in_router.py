"""A route asks the database itself, where the others leave that to services or repositories.

In this project routes speak HTTP and the layer below speaks to the database. A query in a route is
missed when that layer is changed, cannot be used elsewhere, and needs a request to be tested.

Bad:
```python shop/services/orders.py
def order(session, key):
    return session.get("orders", key)
```
```python shop/services/books.py
def book(session, key):
    return session.get("books", key)
```
```python shop/routes/orders.py
from fastapi import APIRouter

from shop.services import orders

router = APIRouter()


@router.get("/orders/{key}")
def order(key: int, session):
    return orders.order(session, key)
```
```python shop/routes/books.py
from fastapi import APIRouter
from sqlalchemy import select

from shop.models import Book
from shop.services import books

router = APIRouter()


@router.get("/books/{key}")
def book(key: int, session):
    return books.book(session, key)


@router.get("/books")
def index(session):
    return session.scalars(select(Book)).all()  # flagged
```
Good:
```python shop/services/orders.py
def order(session, key):
    return session.get("orders", key)
```
```python shop/services/books.py
from sqlalchemy import select

from shop.models import Book


def book(session, key):
    return session.get("books", key)


def books(session):
    return session.scalars(select(Book)).all()
```
```python shop/routes/books.py
from fastapi import APIRouter

from shop.services import books

router = APIRouter()


@router.get("/books")
def index(session):
    return books.books(session)
```
Good: a project without such layers.
```python shop/routes/books.py
from fastapi import APIRouter
from sqlalchemy import select

from shop.models import Book

router = APIRouter()


@router.get("/books")
def index(session):
    return session.scalars(select(Book)).all()
```
Good: what only sounds like a query.
```python shop/services/orders.py
def order(session, key):
    return session.get("orders", key)
```
```python shop/services/books.py
def book(session, key):
    return session.get("books", key)
```
```python shop/routes/orders.py
from fastapi import APIRouter

from shop.services import orders

router = APIRouter()
```
```python shop/routes/books.py
from fastapi import APIRouter

from shop.services import books

router = APIRouter()


@router.get("/books/{key}")
def book(key: int, session, client):
    client.execute("reindex")
    session.commit()
    return books.book(session, key)
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.layers import Layers, is_inner
from rules.facts.route import Route
from rules.kit import Flag, Here, Rule, Severity, dotted, find

rule = Rule(
    __name__,
    __doc__,
    code="FWK106",
    severity=Severity.NOTICE,
    checklist=("quality.separation",),
    scope="project",
)

_SESSION = re.compile(r"(^|\.|_)(session|db|conn|connection)$")
_ASKS = frozenset({"query", "execute", "scalars", "scalar", "exec", "stream"})


@rule.on(Route, words=("session", "db"))
def check(route: Route, here: Here) -> Iterator[Flag]:
    function = route.handler
    if route.framework not in ("fastapi", "flask") or not isinstance(function, cst.FunctionDef):
        return
    if here.is_test or here.is_script or is_inner(here.path):
        return
    query = next((each for each in find(function.body, cst.Call) if _asks(each)), None)
    if query is None or not here.project.facts(Layers).layered:
        return
    yield Flag(
        query,
        f"`{function.name.value}` asks the database itself; the other routes of this project leave that to "
        "a service or repository. Move the query there.",
    )


def _asks(call: cst.Call) -> bool:
    match call.func:
        case cst.Attribute(value=owner, attr=cst.Name(value=name)):
            return name in _ASKS and bool(_SESSION.search(dotted(owner).lower()))
        case _:
            return False
