"""A dependency is called by hand, or declared as others here are not.

FastAPI gives each request its own result of a dependency, closes what it opened, and puts a stub in
its place in tests. Called directly, none of that happens; a generator is not even started. Take it
as a parameter.

Bad:
```python
from typing import Annotated

from fastapi import APIRouter, Depends

router = APIRouter()


def get_session():
    session = make_session()
    yield session
    session.close()


@router.get("/orders")
def orders(session: Annotated[Session, Depends(get_session)]):
    return session.orders()


@router.get("/carts")
def carts(session: Session = Depends(get_session)):  # flagged
    return session.carts()
```
Good:
```python
from typing import Annotated

from fastapi import APIRouter, Depends

router = APIRouter()


def get_session():
    session = make_session()
    yield session
    session.close()


@router.get("/orders")
def orders(session: Annotated[Session, Depends(get_session)]):
    return session.orders()


@router.get("/carts")
def carts(session: Annotated[Session, Depends(get_session)]):
    return session.carts()
```
Bad:
```python
from fastapi import APIRouter, Depends

router = APIRouter()


def get_session():
    session = make_session()
    yield session
    session.close()


@router.get("/orders")
def orders(session=Depends(get_session)):
    return session.orders()


@router.get("/books")
def books():
    session = next(get_session())  # flagged
    return session.books()
```
Good:
```python
from fastapi import APIRouter, Depends

router = APIRouter()


def get_session():
    session = make_session()
    yield session
    session.close()


@router.get("/books")
def books(session=Depends(get_session)):
    return session.books()
```
Good: a file that declares all of them as defaults, and a dependency that builds on another.
```python
from fastapi import APIRouter, Depends

router = APIRouter()


def get_settings():
    return Settings()


def get_mailer():
    return Mailer(get_settings())


@router.get("/orders")
def orders(mailer=Depends(get_mailer), settings: Settings = Depends(get_settings)):
    return mailer.orders(settings)
```
Good: called outside of a request.
```python
from typing import Annotated

from fastapi import Depends, FastAPI


def get_settings():
    return Settings()


app = FastAPI(title=get_settings().title)


@app.get("/")
def index(settings: Annotated[Settings, Depends(get_settings)]):
    return settings.title
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.route import Route
from rules.kit import Fix, Flag, Here, Replace, Rule, Severity, dotted, find

rule = Rule(
    __name__,
    __doc__,
    code="FWK126",
    severity=Severity.WARNING,
    frameworks=("fastapi",),
    checklist=("fastapi.dependencies",),
    scope="project",
    fix="suggestion",
    peers=("ruff:FAST002",),
)


@rule.on(Route, words=("Depends",))
def check(route: Route, here: Here) -> Iterator[Flag]:
    function = route.handler
    if route.framework != "fastapi" or not isinstance(function, cst.FunctionDef) or here.is_test:
        return
    for each in find(function.body, cst.Call):
        name = dotted(each.func)
        if name and name in here.kept(_dependencies) and _opens(each, here):
            yield Flag(
                each,
                f"`{name}` is a dependency: called directly, it is neither closed after the request nor "
                f"replaced in tests. Take it as a parameter, `Depends({name})`.",
                peers=(),
            )
    if here.kept(_annotates):
        yield from _defaults(function, here)


def _dependencies(here: Here) -> frozenset[str]:
    """What this file gives to `Depends`, as it is written."""
    given = (each for each in here.find(cst.Call) if dotted(each.func).endswith("Depends"))
    return frozenset(dotted(each.args[0].value) for each in given if each.args) - {""}


def _annotates(here: Here) -> bool:
    """Whether the file declares dependencies in annotations too."""
    return any(
        dotted(each.value).endswith("Annotated") and "Depends" in here.source(each)
        for each in here.find(cst.Subscript)
    )


def _opens(call: cst.Call, here: Here) -> bool:
    """Whether the dependency opens something or asks for others: a plain function may be called."""
    if not isinstance(call.func, cst.Name):
        return False
    for each in here.bindings(call.func):
        node = each.node
        if isinstance(node, cst.FunctionDef):
            asks = "Depends(" in here.source(node.params)
            return asks or any(True for _ in find(node.body, cst.Yield))
    return False


def _defaults(function: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    for each in (*function.params.params, *function.params.kwonly_params):
        given = each.default
        if not isinstance(given, cst.Call) or each.annotation is None:
            continue
        if "fastapi.Depends" not in here.names(given.func):
            continue
        name = each.name.value
        yield Flag(
            each,
            f"Other dependencies of this file are declared with `Annotated`; `{name}` is a default, which "
            "lets the function be called without it.",
            severity=Severity.NOTICE,
            fix=_fix(each, function, here),
        )


def _fix(parameter: cst.Param, function: cst.FunctionDef, here: Here) -> Fix | None:
    """Where no parameter with a default stands before it."""
    params = function.params.params
    before = params[: params.index(parameter)] if parameter in params else ()
    if parameter.annotation is None or any(each.default is not None for each in before):
        return None
    kind = here.source(parameter.annotation.annotation)
    given = here.source(parameter.default) if parameter.default is not None else ""
    note = cst.Annotation(cst.parse_expression(f"Annotated[{kind}, {given}]"))
    made = parameter.with_changes(annotation=note, default=None, equal=cst.MaybeSentinel.DEFAULT)
    return Fix((Replace(function.params, function.params.deep_replace(parameter, made)),))
