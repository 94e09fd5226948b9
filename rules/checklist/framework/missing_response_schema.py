"""A route answers with whatever its function happens to hold.

Without a response model every column of a row goes out, also the ones added tomorrow, and the
documentation of the API says nothing of the answer. Declare a schema for what it returns.

Bad:
```python
from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from shop.models import User

router = APIRouter()


@router.get("/users/{key}")  # flagged
def user(key: int, session: Session = Depends()):
    found = session.get(User, key)
    return found


@router.get("/users")  # flagged
def users(session: Session = Depends()):
    rows = session.query(User).all()
    return {"users": rows, "count": len(rows)}
```
Good:
```python
from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from shop.models import User
from shop.schemas import UserOut

router = APIRouter()


@router.get("/users/{key}", response_model=UserOut)
def user(key: int, session: Session = Depends()):
    found = session.get(User, key)
    return found


@router.get("/users")
def users(session: Session = Depends()) -> list[UserOut]:
    return session.query(User).all()
```
Good: answers that are no data, and words that are always the same.
```python
from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

router = APIRouter()


@router.get("/old")
def old():
    return RedirectResponse("/new")


@router.delete("/users/{key}", status_code=204)
def delete(key: int):
    return None


@router.get("/page", response_class=HTMLResponse)
def page():
    return render()


@router.get("/health")
def health():
    return {"status": "ok"}


@router.get("/raw")
def raw(key: int):
    return JSONResponse({"key": key})
```
Good: another framework.
```python
from flask import Blueprint

pages = Blueprint("pages", __name__)


@pages.get("/users/<int:key>")
def user(key):
    return {"key": key}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.call_chain import chain_of
from rules.facts.route import Route
from rules.kit import Flag, Here, Rule, Severity, dotted, find, has_star_kwargs, keyword, walk_own

rule = Rule(
    __name__,
    __doc__,
    code="FWK123",
    severity=Severity.NOTICE,
    frameworks=("fastapi", "ninja"),
    checklist=("ninja.schemas", "fastapi.schemas"),
    scope="project",
    peers=(),
)

_SAYS = ("response_model", "response_class", "response", "status_code", "responses")
_LOADS = frozenset(
    {"query", "execute", "scalars", "scalar", "exec", "objects", "first", "one", "one_or_none"}
    | {"scalar_one", "scalar_one_or_none", "fetch_one", "fetch_all", "find_one"}
)
_ASIDE = re.compile(r"health|ping|status|alive|ready|metrics|version|webhook|callback|^/?$")


@rule.on(Route, words=("fastapi", "ninja"))
def check(route: Route, here: Here) -> Iterator[Flag]:
    function = route.handler
    if route.framework not in ("fastapi", "ninja") or not isinstance(function, cst.FunctionDef):
        return
    if here.is_test or here.is_script or function.returns is not None or _says(route.node):
        return
    if "websocket" in dotted(route.node.func) or _ASIDE.search(route.path or ""):
        return
    what = next((found for each in _returned(function) if (found := _data(each, here))), "")
    if what:
        yield Flag(
            route.node,
            f"`{function.name.value}` answers with {what}, and nothing says what is in it: what is added "
            "tomorrow goes out too. Declare a schema for the answer.",
        )


def _says(call: cst.Call) -> bool:
    hidden = dotted(keyword(call, "include_in_schema")) == "False"
    return hidden or has_star_kwargs(call) or any(keyword(call, e) is not None for e in _SAYS)


def _returned(function: cst.FunctionDef) -> Iterator[cst.BaseExpression]:
    for each in walk_own(function.body):
        if isinstance(each, cst.Return) and each.value is not None:
            yield each.value


def _data(node: cst.BaseExpression, here: Here) -> str:
    """What kind of data an expression is, in words; empty where it may be anything."""
    value = here.value_of(node)
    if isinstance(value, cst.Dict):
        return "" if _is_constant(value) else "a dictionary"
    if isinstance(value, cst.Await | cst.Call | cst.Attribute):
        chain = chain_of(value, here)
        names = set(chain.names)
        if names & _LOADS or (names & {"get"} and "session" in dotted(chain.root).lower()):
            return "rows of the database"
    return ""


def _is_constant(node: cst.Dict) -> bool:
    """Whether every value is written out: `{"status": "ok"}`."""
    return not any(
        isinstance(inner, cst.Name | cst.Call | cst.Attribute)
        and dotted(inner) not in ("True", "False", "None")
        for each in node.elements
        for inner in find(each.value, cst.Name, cst.Call, cst.Attribute)
    )
