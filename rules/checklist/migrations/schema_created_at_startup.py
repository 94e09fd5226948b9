"""The application makes its tables itself when it starts.

`create_all` makes tables that are missing and changes none that are there: after the next
change of a model the database and the code differ, and no migration says so. With several
workers it runs several times at once. Let Alembic make and change the schema, before the start.

Bad:
```python shop/main.py
from fastapi import FastAPI

from shop.database import Base, engine

Base.metadata.create_all(bind=engine)  # flagged
app = FastAPI()
```
Bad:
```python shop/app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()


def create_app():
    app = Flask(__name__)
    db.init_app(app)
    with app.app_context():
        db.create_all()  # flagged
    return app
```
Bad: when the application starts.
```python shop/api.py
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlmodel import SQLModel

from shop.database import engine


def create_db_and_tables():
    SQLModel.metadata.create_all(engine)  # flagged


@asynccontextmanager
async def lifespan(app: FastAPI):
    create_db_and_tables()
    yield {}


app = FastAPI(lifespan=lifespan)
```
```python shop/other.py
from fastapi import FastAPI

from shop.database import Base, engine

app = FastAPI()


@app.on_event("startup")
async def startup():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)  # flagged
```
Good: tests, scripts and commands.
```python tests/conftest.py
import pytest

from shop.database import Base, engine


@pytest.fixture
def tables():
    Base.metadata.create_all(engine)
    yield {}
    Base.metadata.drop_all(engine)
```
```python scripts/init_db.py
from shop.database import Base, engine

Base.metadata.create_all(engine)
```
```python shop/commands.py
import click

from shop.database import db


@click.command()
def init_db():
    db.create_all()
```
Good: where only tests or a developer's machine come by.
```python shop/setup_app.py
from shop.database import Base, engine, settings


def create_app():
    if settings.TESTING:
        Base.metadata.create_all(engine)


def prepare_database():
    Base.metadata.create_all(engine)
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.kit import Flag, Here, Rule, Severity, dotted, find
from rules.kit.paths import is_migration

rule = Rule(
    __name__,
    __doc__,
    code="MIG112",
    severity=Severity.WARNING,
    checklist=("database.schema-management",),
)

_STARTS = re.compile(
    r"(?i)^(create_app|make_app|build_app|app_factory|lifespan|startup|on_startup|start_?up_event)$"
)
_STARTING = re.compile(r"(?i)start|lifespan|before_first_request|before_serving")
_COMMANDS = re.compile(r"(?i)command|\bcli\b|click|typer|fixture|task")
_NOT_LIVE = re.compile(r"(?i)test|debug|\bdev|local|sqlite|demo|memory|__main__.{0,250}?arg[vs]")
_DEPTH = 3


@rule.on(cst.Attribute, words=("create_all",))
def check(node: cst.Attribute, here: Here) -> Iterator[Flag]:
    if node.attr.value != "create_all" or not _is_of_schema(node, here):
        return
    if here.is_test or here.is_script or here.is_migration or _is_conditional(node, here):
        return
    function = here.function(node)
    if function is not None and not _runs_at_start(function, here, _DEPTH):
        return
    when = "when the module is imported" if function is None else "when the application starts"
    known = any(is_migration(each) and "alembic" in each for each in here.project.paths)
    cure = (
        "leave that to the migrations" if known else "make and change them by migrations (Alembic)"
    )
    message = (
        f"`{here.source(node)}` makes missing tables {when} and changes none that are there, so "
        f"database and models drift apart; {cure}."
    )
    yield Flag(node, message)


def _is_of_schema(node: cst.Attribute, here: Here) -> bool:
    """Whether the tables are those of SQLAlchemy."""
    owner = dotted(node.value)
    if owner.rpartition(".")[2] == "metadata" or owner == "metadata":
        return True
    parent = here.parent(node)
    named = "flask_sqlalchemy" in here.name(node) or owner.rpartition(".")[2] in ("db", "database")
    return isinstance(parent, cst.Call) and parent.func is node and named


def _is_conditional(node: cst.CSTNode, here: Here) -> bool:
    """Whether it runs for tests or developers only."""
    at = here.around(node, cst.If)
    while at is not None:
        if _NOT_LIVE.search(here.source(at.test)):
            return True
        at = here.around(at, cst.If)
    return False


def _runs_at_start(function: cst.FunctionDef, here: Here, depth: int) -> bool:
    """Whether a start of the application leads to this function, in this file."""
    decorators = " ".join(here.source(each) for each in function.decorators)
    if _COMMANDS.search(decorators):
        return False
    name = function.name.value
    if _STARTS.search(name) or _STARTING.search(decorators):
        return True
    if depth == 0 or here.module is None:
        return False
    for call in find(here.module, cst.Call):
        if dotted(call.func) == name or (
            isinstance(call.func, cst.Attribute) and call.func.attr.value == "add_event_handler"
        ):
            if dotted(call.func) != name and name not in here.source(call):
                continue
            if _is_conditional(call, here):
                continue
            caller = here.function(call)
            if caller is None or (
                caller is not function and _runs_at_start(caller, here, depth - 1)
            ):
                return True
    return False
