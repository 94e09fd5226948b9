"""A service or repository speaks HTTP.

What raises `HTTPException` or takes a `Request` can only be used by a route: a task, a command or a
socket has to catch status codes or make up a request. Raise an error of the project's own, and let
a handler turn it into a status.

Bad:
```python shop/services/orders.py
from fastapi import HTTPException, Request


def order(session, key):
    found = session.get("orders", key)
    if found is None:
        raise HTTPException(404, "no such order")  # flagged
    return found


def owner(request: Request):  # flagged
    return request.headers["user"]
```
Good:
```python shop/services/orders.py
class OrderNotFound(Exception): ...


def order(session, key):
    found = session.get("orders", key)
    if found is None:
        raise OrderNotFound(key)
    return found
```
Bad: Flask.
```python shop/repositories/books.py
from flask import abort


def book(session, key):
    return session.get("books", key) or abort(404)  # flagged
```
Good:
```python shop/repositories/books.py
def book(session, key):
    return session.get("books", key)
```
Good: dependencies, handlers and routes, whatever their folder is called.
```python shop/services/auth.py
from fastapi import Depends, HTTPException
from fastapi.security import OAuth2PasswordBearer

scheme = OAuth2PasswordBearer(tokenUrl="token")


def current_user(token: str = Depends(scheme)):
    if not token:
        raise HTTPException(401)
    return token
```
```python shop/services/routes.py
from fastapi import APIRouter, HTTPException

router = APIRouter()


@router.get("/orders")
def orders():
    raise HTTPException(501)
```
Good: a request to somebody else.
```python shop/services/rates.py
from urllib.request import Request, urlopen


def rates(request: Request):
    return urlopen(request, timeout=5)
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.layers import is_inner
from rules.kit import Flag, Here, Rule, Severity, find, walk_own

rule = Rule(
    __name__,
    __doc__,
    code="FWK107",
    severity=Severity.NOTICE,
    checklist=("quality.separation", "errors.custom"),
    scope="project",
)

_RAISES = frozenset(
    {
        "fastapi.HTTPException",
        "fastapi.exceptions.HTTPException",
        "starlette.exceptions.HTTPException",
    }
    | {"flask.abort", "werkzeug.exceptions.abort", "ninja.errors.HttpError", "quart.abort"}
)
_REQUESTS = frozenset({"fastapi.Request", "starlette.requests.Request", "fastapi.requests.Request"})
_ASIDE = re.compile(
    r"(?i)(^|[/_])(auth\w{0,20}|security|dependenc(y|ies)|deps|routes?|routers?|api|middleware|handlers?|errors?|exceptions?|views?)([/_.]|$)"
)


@rule.on(cst.Call, calls=("HTTPException", "abort", "HttpError"))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if not _is_service(here) or not here.names(call.func) & _RAISES:
        return
    function = here.function(call)
    if function is None or _is_of_framework(function, here):
        return
    if _first(function, here) is not call:
        return
    name = min(here.names(call.func) & _RAISES).rpartition(".")[2]
    yield Flag(
        call,
        f"`{function.name.value}` is of a service and answers with `{name}`: only a route can use it. Raise "
        "an error of the project, and let a handler turn it into a status.",
    )


@rule.on(cst.FunctionDef, words=("Request",))
def check_parameter(function: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    if not _is_service(here) or _is_of_framework(function, here):
        return
    for each in function.params.params:
        note = each.annotation.annotation if each.annotation is not None else None
        if note is not None and here.names(note) & _REQUESTS:
            yield Flag(
                function,
                f"`{function.name.value}` is of a service and takes a `Request`: a task or a command has "
                "none. Give it the values that it needs.",
            )
            return


def _first(function: cst.FunctionDef, here: Here) -> cst.Call | None:
    """The first answer that the function makes: one finding is enough for all of them."""
    calls = (each for each in walk_own(function.body) if isinstance(each, cst.Call))
    return next((each for each in calls if here.names(each.func) & _RAISES), None)


def _is_service(here: Here) -> bool:
    folders = here.path.rpartition("/")
    return is_inner(here.path) and not _ASIDE.search(f"/{folders[2]}")


def _is_of_framework(function: cst.FunctionDef, here: Here) -> bool:
    """Whether the framework itself calls it: a route, a dependency, a handler, a guard."""
    if function.decorators:
        return True
    given = [e.default for e in function.params.params if e.default is not None]
    notes = [e.annotation for e in function.params.params if e.annotation is not None]
    words = {n.value for each in (*given, *notes) for n in find(each, cst.Name)}
    calls_next = any(isinstance(e, cst.Name) and e.value == "call_next" for e in walk_own(function))
    return bool(words & {"Depends", "Security", "Header", "Cookie"}) or calls_next
