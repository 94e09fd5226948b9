"""Start-up and shutdown are hooked in the old way.

`on_event` is deprecated in FastAPI and gone from later versions of Starlette. The two hooks share
nothing, so what one opens the other has to find in a global, and where a `lifespan` is given they
are not called at all. Write one `lifespan`.

Bad:
```python
from fastapi import FastAPI

app = FastAPI()


@app.on_event("startup")  # flagged
async def connect():
    app.state.pool = await make_pool()


@app.on_event("shutdown")  # flagged
async def disconnect():
    await app.state.pool.close()
```
Good:
```python
from contextlib import asynccontextmanager

from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app):
    app.state.pool = await make_pool()
    yield {"pool": app.state.pool}
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan)
```
Bad: given by calls and arguments.
```python
from fastapi import FastAPI
from starlette.applications import Starlette


def register(app: FastAPI):
    app.add_event_handler("startup", connect)  # flagged


site = Starlette(on_startup=[connect])  # flagged
```
Good: events of something else.
```python
from shop.signals import bus


@bus.on_event("startup")
def connect():
    bus.add_event_handler("startup", connect)
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.kit import Flag, Here, Kind, Rule, Severity, argument, dotted, keyword, string

rule = Rule(
    __name__,
    __doc__,
    code="FWK125",
    severity=Severity.NOTICE,
    frameworks=("fastapi", "starlette"),
    checklist=("fastapi.lifespan",),
    peers=(),
)

_OWNERS = ("fastapi.", "starlette.")
_EVENTS = ("startup", "shutdown")


@rule.on(cst.Call, calls=("on_event", "add_event_handler"))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    event = string(argument(call, 0, "event_type"))
    if event not in _EVENTS or not isinstance(call.func, cst.Attribute) or here.is_test:
        return
    if _is_application(call.func.value, here):
        yield _flag(call, f"`{call.func.attr.value}`")


@rule.on(cst.Call, calls=("FastAPI", "Starlette", "APIRouter"), words=("on_startup", "on_shutdown"))
def check_argument(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or not any(each.startswith(_OWNERS) for each in here.names(call.func)):
        return
    given = next((e for e in ("on_startup", "on_shutdown") if keyword(call, e) is not None), "")
    if given:
        yield _flag(call, f"`{given}`")


def _flag(node: cst.Call, what: str) -> Flag:
    return Flag(
        node,
        f"{what} is deprecated, and is not called where the application is given a `lifespan`. Put "
        "start-up and shutdown into one `lifespan` function.",
    )


def _is_application(node: cst.BaseExpression, here: Here) -> bool:
    if any(each.startswith(_OWNERS) for each in here.names(node)):
        return True
    if not isinstance(node, cst.Name):
        return False
    for each in here.bindings(node):
        if each.kind is Kind.PARAMETER and isinstance(each.node, cst.Param):
            note = each.node.annotation
            return note is not None and dotted(note.annotation).endswith(("FastAPI", "Starlette"))
    return False
