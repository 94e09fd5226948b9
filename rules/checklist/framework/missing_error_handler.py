"""The project has errors of its own, and nothing turns them into answers.

An exception that no handler knows becomes error 500: the client learns nothing, and what was its
own mistake is counted as the server's. Register a handler for the project's own errors.

Bad:
```python shop/errors.py
class ShopError(Exception): ...


class SoldOut(ShopError): ...
```
```python shop/main.py
from fastapi import FastAPI

from shop.errors import SoldOut

app = FastAPI()  # flagged


@app.post("/orders/{key}")
def order(key: int):
    raise SoldOut(key)
```
Good:
```python shop/errors.py
class ShopError(Exception): ...


class SoldOut(ShopError): ...
```
```python shop/main.py
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from shop.errors import ShopError, SoldOut

app = FastAPI()


@app.exception_handler(ShopError)
def refused(request, error):
    return JSONResponse({"error": str(error)}, status_code=409)


@app.post("/orders/{key}")
def order(key: int):
    raise SoldOut(key)
```
Good: an error that is an answer already.
```python shop/errors.py
from fastapi import HTTPException


class SoldOut(HTTPException): ...


class Locked(HTTPException): ...
```
```python shop/main.py
from fastapi import FastAPI

app = FastAPI()
```
Good: handlers are registered in another way.
```python shop/errors.py
class ShopError(Exception): ...


class SoldOut(ShopError): ...


def register(app):
    app.register_error_handler(ShopError, lambda error: ("refused", 409))
```
```python shop/app.py
from flask import Flask

from shop.errors import register

app = Flask(__name__)
register(app)
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.error_handlers import HANDLERS
from rules.facts.python_classes import Classes
from rules.kit import Flag, Here, Project, Rule, Severity
from rules.kit.paths import is_script, is_test

rule = Rule(
    __name__,
    __doc__,
    code="FWK121",
    severity=Severity.NOTICE,
    checklist=("flask.error-handling", "fastapi.exceptions", "starlette.errors"),
    scope="project",
)

_KINDS = frozenset(
    {"fastapi.FastAPI", "flask.Flask", "starlette.applications.Starlette", "quart.Quart"}
)
_OF_TOOLS = re.compile(r"(^|/)(cli|commands|client|clients|sdk|config|settings|parsers?)(\.py$|/)")
_FEWEST = 2


class _Errors:
    """How many errors of its own a project has that no framework knows."""

    @classmethod
    def gather(cls, project: Project) -> int:
        classes: Classes = project.facts(Classes)
        found = 0
        for key, (path, _) in classes.by_name.items():
            if is_test(path) or is_script(path) or _OF_TOOLS.search(path):
                continue
            foreign = [each for each in classes.lineage(key) if each not in classes.by_name]
            plain = [each for each in foreign if each.rpartition(".")[2] == "Exception"]
            found += bool(plain) and len(plain) == len(foreign)
        return found


@rule.on(cst.Call, calls=("FastAPI", "Flask", "Starlette", "Quart"))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_script or not here.names(call.func) & _KINDS:
        return
    if any(
        each.keyword is not None and each.keyword.value == "exception_handlers"
        for each in call.args
    ):
        return
    errors = here.project.facts(_Errors)
    if errors >= _FEWEST and not here.project.records(HANDLERS):
        yield Flag(
            call,
            f"The project has {errors} errors of its own, and no handler turns any into an answer: clients "
            "get error 500 for each. Register a handler.",
        )
