"""A parameter of the query is parsed by hand.

`int(request.args["page"])` answers `?page=two` with error 500, and the documentation does not know
of the parameter. The framework converts, checks and documents it.

Bad:
```python
from flask import Blueprint, request

books = Blueprint("books", __name__)


@books.get("/books")
def index():
    page = int(request.args.get("page", 1))  # flagged
    return str(page)
```
Good:
```python
from flask import Blueprint, request

books = Blueprint("books", __name__)


@books.get("/books")
def index():
    page = request.args.get("page", 1, type=int)
    return str(page)
```
Bad: FastAPI.
```python
from fastapi import APIRouter, Request

router = APIRouter()


@router.get("/books")
def index(request: Request):
    page = int(request.query_params.get("page", 1))  # flagged
    sort = request.query_params["sort"]  # flagged
    return page, sort
```
Good:
```python
from fastapi import APIRouter

router = APIRouter()


@router.get("/books")
def index(sort: str, page: int = 1):
    return page, sort
```
Good: a parameter is passed on as it is, an error is expected, or all of them are read.
```python
from fastapi import APIRouter, Request
from flask import Blueprint, request as sent

books = Blueprint("books", __name__)
router = APIRouter()


@books.get("/books")
def index():
    word = sent.args.get("q", "")
    try:
        page = int(sent.args["page"])
    except ValueError:
        page = 1
    return f"{word} {page}"


@router.get("/all")
def all_of(request: Request):
    return dict(request.query_params)
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.network_calls import is_handled
from rules.facts.route import Route
from rules.kit import Fix, Flag, Here, Replace, Rule, Severity, dotted, find, keyword

rule = Rule(
    __name__,
    __doc__,
    code="FWK135",
    severity=Severity.NOTICE,
    checklist=("fastapi.validation",),
    fix="suggestion",
    yields_to=("SEC135",),
)

_CASTS = ("int", "float")
_FLASK = frozenset(
    {"flask.request.args.get", "flask.request.args", "quart.request.args.get", "quart.request.args"}
)


@rule.on(cst.Call, calls=_CASTS, words=("args",))
def check_flask(call: cst.Call, here: Here) -> Iterator[Flag]:
    if len(call.args) != 1 or here.is_test or here.function(call) is None:
        return
    value = call.args[0].value
    given = (
        value.func
        if isinstance(value, cst.Call)
        else value.value
        if isinstance(value, cst.Subscript)
        else None
    )
    if given is None or not here.names(given) & _FLASK or is_handled(call, here):
        return
    cast = dotted(call.func)
    yield Flag(
        call,
        f"`{cast}()` raises for whatever is no number, and the caller gets error 500. "
        f"Let `request.args.get(..., type={cast})` convert it.",
        fix=_fix(call, value, cast, here),
    )


@rule.on(Route, words=("query_params",))
def check_fastapi(route: Route, here: Here) -> Iterator[Flag]:
    function = route.handler
    if route.framework != "fastapi" or not isinstance(function, cst.FunctionDef) or here.is_test:
        return
    for each in find(function.body, cst.Call, cst.Subscript):
        name = _read(each)
        if name:
            yield Flag(
                each,
                f"`{name}` of the query is read by hand: nothing checks it, and the documentation does not "
                "know it. Declare it as a parameter of the function.",
            )


def _read(node: cst.CSTNode) -> str:
    """The name of the parameter that is read, if one is."""
    match node:
        case cst.Call(func=func, args=[cst.Arg(value=cst.SimpleString() as key), *_]):
            return _text(key) if dotted(func).endswith("request.query_params.get") else ""
        case cst.Subscript(
            value=owner,
            slice=[cst.SubscriptElement(slice=cst.Index(value=cst.SimpleString() as key))],
        ):
            return _text(key) if dotted(owner).endswith("request.query_params") else ""
        case _:
            return ""


def _text(node: cst.SimpleString) -> str:
    value = node.evaluated_value
    return value[:40] if isinstance(value, str) else ""


def _fix(call: cst.Call, value: cst.BaseExpression, cast: str, here: Here) -> Fix | None:
    if not isinstance(value, cst.Call) or keyword(value, "type") is not None:
        return None
    source = here.source(value)
    if "\n" in source or not source.endswith(")"):
        return None
    return Fix((Replace(call, f"{source[:-1].rstrip(', ')}, type={cast})"),))
