"""A route of the API says nothing of itself.

The documentation that the framework makes shows its address and nothing else. A docstring, a summary
or a tag tells readers what it is for and where it belongs.

Bad:
```python
from fastapi import APIRouter

router = APIRouter()


@router.post("/orders/{key}/close")  # flagged
def close(key: int) -> None:
    finish(key)
```
Good:
```python
from fastapi import APIRouter

router = APIRouter()


@router.post("/orders/{key}/close")
def close(key: int) -> None:
    "Close an order, so that it can be sent."
    finish(key)
```
Good: the words stand elsewhere, or nobody is to read them.
```python
from fastapi import APIRouter

books = APIRouter(tags=["books"])
router = APIRouter()


@books.get("/books")
def index() -> list[str]:
    return []


@router.get("/orders", summary="All orders")
def orders() -> list[str]:
    return []


@router.get("/internal", include_in_schema=False)
def internal() -> None:
    return None
```
Good: a framework that makes no documentation.
```python
from flask import Blueprint

pages = Blueprint("pages", __name__)


@pages.get("/orders")
def orders():
    return "orders"
```
Good: the application shows no documentation.
```python shop/app.py
from fastapi import FastAPI

app = FastAPI(openapi_url=None)


@app.get("/healthz")
async def alive() -> dict[str, str]:
    return {"status": "alive"}
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.api_documentation import ApiDocumentation
from rules.facts.route import Route
from rules.kit import Flag, Here, Rule, Severity, dotted, has_star_kwargs, keyword

rule = Rule(
    __name__,
    __doc__,
    code="FWK137",
    severity=Severity.NOTICE,
    frameworks=("fastapi", "ninja"),
    checklist=("fastapi.docs",),
    scope="project",
    default=False,
)

_SAYS = ("summary", "description", "tags", "operation_id")


@rule.on(Route, words=("fastapi", "ninja"))
def check(route: Route, here: Here) -> Iterator[Flag]:
    function = route.handler
    if route.framework not in ("fastapi", "ninja") or not isinstance(function, cst.FunctionDef):
        return
    if here.is_test or "websocket" in dotted(route.node.func) or function.get_docstring():
        return
    if _says(route.node) or dotted(keyword(route.node, "include_in_schema")) == "False":
        return
    if isinstance(route.node.func, cst.Attribute):
        owner = here.value_of(route.node.func.value)
        if isinstance(owner, cst.Call) and _says(owner):
            return
    documentation: ApiDocumentation = here.project.facts(ApiDocumentation)
    if documentation.hidden:
        return
    yield Flag(
        route.node,
        f"The documentation shows the address of `{function.name.value}` and nothing else. Give it a "
        "docstring, or a summary and a tag.",
    )


def _says(call: cst.Call) -> bool:
    return has_star_kwargs(call) or any(keyword(call, each) is not None for each in _SAYS)
