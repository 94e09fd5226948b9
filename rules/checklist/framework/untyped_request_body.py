"""The body of a request is taken as it comes.

A `dict`, `Any` or `request.json()` holds whatever the caller sent: a missing key is an error 500, a
list where a number should be goes to the database, and the documentation knows nothing of it.
Declare a model.

Bad:
```python
from typing import Any

from fastapi import APIRouter, Body, Request

router = APIRouter()


@router.post("/orders")
def create(order: dict):  # flagged
    return order["total"]


@router.put("/orders/{key}")
async def change(key: int, order: dict[str, Any] = Body(...)):  # flagged
    return order["total"]


@router.patch("/orders/{key}")
async def patch(key: int, request: Request):
    order = await request.json()  # flagged
    return order["total"]
```
Good:
```python
from fastapi import APIRouter
from pydantic import BaseModel

router = APIRouter()


class Order(BaseModel):
    total: int


@router.post("/orders")
def create(order: Order):
    return order.total
```
Bad: Starlette and Ninja.
```python
from ninja import Router
from starlette.routing import Route

api = Router()


@api.post("/orders")
def create(request, order: dict):  # flagged
    return order["total"]


async def change(request):
    order = await request.json()  # flagged
    return order["total"]


routes = [Route("/orders", change, methods=["PUT"])]
```
Good:
```python
from ninja import Router, Schema

api = Router()


class Order(Schema):
    total: int


@api.post("/orders")
def create(request, order: Order):
    return order.total
```
Good: raw bytes are needed, or a model reads what came.
```python
from fastapi import APIRouter, Depends, Request

from shop.schemas import Order

router = APIRouter()


@router.post("/webhooks/payment")
async def paid(request: Request):
    check(request.headers["signature"], await request.body())
    event = await request.json()
    return event["type"]


@router.post("/orders")
async def create(request: Request):
    order = Order.model_validate(await request.json())
    return order.total


@router.get("/orders")
def index(filters: dict = Depends(parse)):
    return filters
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.raw_input import is_checked
from rules.facts.route import Route
from rules.facts.routes import by_decorator
from rules.kit import Flag, Here, Rule, Severity, dotted, find

rule = Rule(
    __name__,
    __doc__,
    code="FWK124",
    severity=Severity.WARNING,
    checklist=(
        "ninja.schemas",
        "flask.request-handling",
        "fastapi.schemas",
        "fastapi.validation",
        "security.form-validation",
    ),
    yields_to=("SEC135",),
)

_FRAMEWORKS = ("fastapi", "starlette", "ninja")
_WRITING = frozenset({"post", "put", "patch"})
_LOOSE = re.compile(r"^(typing\.)?(dict|Dict|Any|Mapping|MutableMapping)\b(?!\w)")
_FOREIGN = re.compile(
    r"(?i)webhook|hook|callback|event|notification|stripe|github|slack|telegram|proxy|signature|hmac|rpc"
)
_ELSEWHERE = re.compile(r"\b(Depends|Security|Query|Header|Path|Cookie|Form|File)\b")


@rule.on(Route, words=("fastapi", "starlette", "ninja"))
def check(route: Route, here: Here) -> Iterator[Flag]:
    function = route.handler
    if route.framework not in _FRAMEWORKS or not isinstance(function, cst.FunctionDef):
        return
    methods = route.methods or _methods(function)
    if here.is_test or here.is_script or (methods and not methods & _WRITING):
        return
    if _FOREIGN.search(f"{route.path or ''} {function.name.value} {here.path}") or is_checked(
        function
    ):
        return
    yield from _parameters(route, function, here)
    yield from _read_by_hand(function, here)


def _methods(function: cst.FunctionDef) -> frozenset[str]:
    for each in function.decorators:
        view = by_decorator(function, each.decorator)
        if view is not None:
            return view.methods
    return frozenset()


def _parameters(route: Route, function: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    if route.framework == "starlette":
        return
    for each in (*function.params.params, *function.params.kwonly_params):
        if each.annotation is None or not _LOOSE.match(here.source(each.annotation.annotation)):
            continue
        given = here.source(each.default) if each.default is not None else ""
        if _ELSEWHERE.search(given + here.source(each.annotation.annotation)):
            continue
        name = each.name.value
        if name in ("self", "request") or f"{{{name}" in (route.path or ""):
            continue
        yield Flag(
            each,
            f"`{name}` holds whatever the caller sends: nothing checks it, and the API does not say "
            "what belongs into it. Declare a model.",
        )


def _read_by_hand(function: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    for each in find(function.body, cst.Await):
        match each.expression:
            case cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value="json")), args=[]):
                if dotted(owner).rpartition(".")[2] == "request" and not _is_read(each, here):
                    yield Flag(
                        each,
                        f"`{function.name.value}` takes the body as it comes: a missing key is an error "
                        "500, and nothing checks the rest. Declare a model.",
                    )


def _is_read(node: cst.Await, here: Here) -> bool:
    """Whether the body is given to something that may check it."""
    return isinstance(here.parent(node), cst.Arg)
