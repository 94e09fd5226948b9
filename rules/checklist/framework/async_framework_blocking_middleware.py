"""Middleware or the lifespan of an application waits and stops the event loop.

Middleware runs for every request, so what it waits for is waited for by everybody; a lifespan
that waits keeps the server from starting or stopping in time. Await it, or move it to a thread.

Bad:
```python
import requests
from fastapi import FastAPI

app = FastAPI()


@app.middleware("http")
async def audit(request, call_next):
    requests.post("https://audit.example.org", json={"path": request.url.path}, timeout=2)  # flagged
    return await call_next(request)
```
Good:
```python
import httpx
from fastapi import FastAPI

app = FastAPI()
client = httpx.AsyncClient(timeout=2)


@app.middleware("http")
async def audit(request, call_next):
    await client.post("https://audit.example.org", json={"path": request.url.path})
    return await call_next(request)
```
Bad: as a class, and at the end of the lifespan.
```python
import subprocess
import time
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware


class Slow(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        with open("/srv/blocked.txt") as file:  # flagged
            blocked = file.read()
        time.sleep(0.1)  # flagged
        return await call_next(request)


class Plain:
    async def __call__(self, scope, receive, send):
        time.sleep(0.1)  # flagged
        await self.app(scope, receive, send)


@asynccontextmanager
async def lifespan(app):
    with open("/srv/config.json") as file:
        app.state.config = file.read()
    yield {"ready": True}
    subprocess.run(["upload-logs"])  # flagged


app = Starlette(lifespan=lifespan)
```
Good: what is read once at the start, and plain functions.
```python
import json
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app):
    app.state.config = json.loads(Path("config.json").read_text())
    yield {"ready": True}


app = FastAPI(lifespan=lifespan)
```
Good: another kind of dispatching.
```python
import time


class Queue:
    def dispatch(self, message):
        time.sleep(1)
        return message
```

"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.blocking import LASTS, loop_function, wait_of
from rules.kit import Flag, Here, Rule, Severity, dotted, find, keyword, string

rule = Rule(
    __name__,
    __doc__,
    code="FWK136",
    severity=Severity.WARNING,
    checklist=(
        "fastapi.lifespan",
        "starlette.structure",
        "performance.background-tasks",
    ),
)

_BASES = re.compile(r"Middleware$")
_APPLICATIONS = frozenset({"FastAPI", "Starlette", "Litestar", "Quart", "APIRouter"})


@rule.on(cst.Call, calls=LASTS, words=("middleware", "lifespan", "call_next", "receive"))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    function = loop_function(call, here)
    wait = wait_of(call, here) if function is not None else None
    if function is None or wait is None or here.is_test:
        return
    place = _place(function, here)
    if not place or (place == "lifespan" and wait.is_file):
        return
    who = "every request" if place == "middleware" else "the start or the end of the server"
    yield Flag(
        call,
        f"`{function.name.value}` {wait.what} and stops the event loop, at {who}. Await a call made "
        "for it, or use `asyncio.to_thread`.",
    )


def _place(function: cst.FunctionDef, here: Here) -> str:
    """Whether a function is middleware or a lifespan; empty for others."""
    names = [each.name.value for each in function.params.params]
    for each in function.decorators:
        match each.decorator:
            case cst.Call(func=cst.Attribute(attr=cst.Name(value="middleware")), args=args):
                return "middleware" if args and string(args[0].value) == "http" else ""
    if names[:4] == ["self", "scope", "receive", "send"] and function.name.value == "__call__":
        return "middleware"
    owner = here.around(function, cst.ClassDef)
    bases = [dotted(each.value) for each in owner.bases] if owner is not None else []
    if (
        function.name.value == "dispatch"
        and "call_next" in names
        and any(map(_BASES.search, bases))
    ):
        return "middleware"
    return "lifespan" if _is_lifespan(function, here) else ""


def _is_lifespan(function: cst.FunctionDef, here: Here) -> bool:
    made = any(dotted(e.decorator).endswith("asynccontextmanager") for e in function.decorators)
    if not made or here.module is None:
        return False
    name = function.name.value
    return name == "lifespan" or any(
        dotted(keyword(each, "lifespan")) == name
        for each in find(here.module, cst.Call)
        if dotted(each.func).rpartition(".")[2] in _APPLICATIONS
    )
