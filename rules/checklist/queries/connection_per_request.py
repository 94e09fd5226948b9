"""A request handler or a loop opens an engine, client or connection of its own.

An engine and most clients hold a pool: made for one request, the pool serves nobody else, each
request waits for a login, and under load the database refuses further connections. Make it once
when the application starts, and hand it to the handlers.

Bad:
```python app/api.py
from fastapi import APIRouter
from redis import Redis
from sqlalchemy import create_engine, text

router = APIRouter()


@router.get("/orders")
def orders():
    engine = create_engine(URL)  # flagged
    with engine.connect() as connection:
        return connection.execute(text("SELECT 1")).all()


@router.get("/stock")
def stock():
    return Redis.from_url(REDIS_URL).get("stock")  # flagged
```
Bad: a dependency that is not kept, a view of Django, and a loop.
```python app/dependencies.py
from sqlalchemy import create_engine
from sqlalchemy.orm import Session


def get_db():
    engine = create_engine(URL)  # flagged
    with Session(engine) as session:
        yield session
```
```python shop/views.py
import psycopg2
from pymongo import MongoClient


def report(request):
    connection = psycopg2.connect(DSN)  # flagged
    return render(request, "report.html", {"rows": read(connection)})


def copy_all(orders):
    for order in orders:
        MongoClient(URL).shop.orders.insert_one(order)  # flagged
```
Good:
```python app/api.py
from fastapi import APIRouter, Depends
from sqlalchemy import create_engine, text

router = APIRouter()
engine = create_engine(URL)


@router.get("/orders")
def orders():
    with engine.connect() as connection:
        return connection.execute(text("SELECT 1")).all()
```
Good: made once, in the life of the application or by a function that keeps it.
```python app/main.py
from contextlib import asynccontextmanager
from functools import lru_cache

import asyncpg
from fastapi import FastAPI
from sqlalchemy import create_engine


@lru_cache
def get_engine():
    return create_engine(URL)


@asynccontextmanager
async def lifespan(app):
    app.state.pool = await asyncpg.create_pool(URL)
    yield {}
    await app.state.pool.close()
```
Good: a client that takes its connections from a pool of all.
```python app/api.py
import redis

pool = redis.ConnectionPool.from_url(URL)


def stock(request):
    return redis.Redis(connection_pool=pool).get("stock")
```
Good: a try again until it works, scripts and one connection for each database.
```python app/start.py
import time

import psycopg2


def wait():
    while True:
        try:
            return psycopg2.connect(DSN)
        except psycopg2.OperationalError:
            time.sleep(1)


def open_all(urls):
    return {name: psycopg2.connect(url) for name, url in urls.items()}
```
Good: the handler of a check asks on purpose.
```python app/health.py
import psycopg2


def health(request):
    psycopg2.connect(DSN).close()
    return {"status": "ok"}
```

"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.connections import OPENERS, Opening, opening_of
from rules.facts.routes import view_of
from rules.kit import Confidence, Flag, Here, Kind, Rule, Severity, find, keyword

rule = Rule(
    __name__,
    __doc__,
    code="DBQ121",
    severity=Severity.WARNING,
    checklist=(
        "fastapi.dependencies",
        "fastapi.lifespan",
        "database.connection-pooling",
    ),
    cwe=400,
)

_LIBRARIES = (
    *("sqlalchemy", "sqlmodel", "redis", "aioredis", "pymongo", "motor", "elasticsearch", "kafka"),
    *("opensearchpy", "aiokafka", "confluent_kafka", "asyncpg", "psycopg", "psycopg2", "sqlite3"),
    *("aiosqlite", "MySQLdb", "pymysql", "mysql", "oracledb", "cx_Oracle", "pyodbc", "aiomysql"),
    *("psycopg_pool", "neo4j", "cassandra", "pika", "snowflake", "duckdb"),
)
_ON_PURPOSE = re.compile(
    r"health|ready|readiness|liveness|ping|status|check|test_conn|validate|probe|verify|setup|migrat"
)
_LOCAL_FILE = re.compile(r"sqlite|duckdb")
_KEEPS = re.compile(r"cache|once|singleton|memo|lifespan|startup|on_event")


@rule.on(cst.Call, calls=OPENERS, words=_LIBRARIES)
def check(node: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_script or here.is_migration:
        return
    function = here.function(node)
    if function is None:
        return
    opened = opening_of(node, here) if keyword(node, "connection_pool") is None else None
    if opened is None or _ON_PURPOSE.search(function.name.value) or _ON_PURPOSE.search(here.path):
        return
    serves = view_of(function, here) is not None or _is_dependency(function)
    if serves and not _is_kept(node, function, here):
        # A file is opened fast, and SQLite wants a connection for each thread anyway.
        confidence = Confidence.HOTSPOT if _LOCAL_FILE.search(opened.name) else None
        message = _said(opened, f"each request to `{function.name.value}`")
        yield Flag(node, message, confidence=confidence)
    elif opened.kind != "connection" or not _varies(node, here):
        loop = _loop_around(node, function, here)
        if loop is not None and not _ends_loop(node, loop, here) and not _varies(node, here):
            yield Flag(node, _said(opened, "each round of the loop"))


def _is_dependency(function: cst.FunctionDef) -> bool:
    """`get_db` that yields: what FastAPI runs for each request."""
    if not function.name.value.startswith("get_") or function.decorators:
        return False
    return any(True for _ in find(function.body, cst.Yield))


def _is_kept(node: cst.Call, function: cst.FunctionDef, here: Here) -> bool:
    """Whether a cache, an attribute or a global keeps what is opened for the next request."""
    if any(_KEEPS.search(here.source(each.decorator)) for each in function.decorators):
        return True
    for each in here.scopes.ancestors(node):
        if isinstance(each, cst.Assign):
            return any(
                isinstance(one.target, cst.Attribute | cst.Subscript) for one in each.targets
            ) or any(isinstance(one, cst.Global) for one in find(function.body, cst.Global))
        if each is function:
            break
    return _takes_address_of_caller(node, here)


def _takes_address_of_caller(node: cst.Call, here: Here) -> bool:
    """Whether where to connect to is a part of the request, so that no pool could be kept."""
    for each in node.args:
        for name in find(each.value, cst.Name):
            bound = here.bindings(name)
            if bound and any(one.kind in (Kind.PARAMETER, Kind.ELEMENT) for one in bound):
                return True
    return False


def _loop_around(node: cst.Call, function: cst.FunctionDef, here: Here) -> cst.CSTNode | None:
    for each in here.scopes.ancestors(node):
        if each is function or isinstance(each, cst.FunctionDef | cst.Lambda):
            return None
        if isinstance(each, cst.For | cst.While):
            return each
    return None


def _ends_loop(node: cst.Call, loop: cst.CSTNode, here: Here) -> bool:
    """Whether the loop is there to try until it works."""
    if isinstance(here.parent(node), cst.Return) or isinstance(loop, cst.While):
        return True
    inner = (cst.Break, cst.Return, cst.Try, cst.Continue)
    return any(True for _ in find(loop, *inner))


def _varies(node: cst.Call, here: Here) -> bool:
    """Whether each round connects to another place."""
    for each in node.args:
        for name in find(each.value, cst.Name):
            if here.function(name) is None:
                continue
            if any(
                one.kind is not Kind.IMPORT and one.kind is not Kind.PARAMETER
                for one in here.bindings(name)
                if not _is_global(name, here)
            ):
                return True
    return False


def _is_global(name: cst.Name, here: Here) -> bool:
    return bool(here.scopes.at_top(name.value))


def _said(opened: Opening, when: str) -> str:
    return (
        f"`{opened.name}` opens a new {opened.kind} for {when}, which waits for a login and serves "
        "nobody else; make it once when the application starts and hand it over."
    )
