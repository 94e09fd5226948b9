"""The tests work on a database that others use.

A test that deletes all orders does so there. Give the tests a database of their own: SQLite in
memory, a container, or a name that only tests use; and take back what a test wrote.

Bad:
```python tests/conftest.py
import pytest
from sqlalchemy import create_engine


@pytest.fixture
def engine():
    return create_engine("postgresql://shop:pw@db.company.com/shop")  # flagged
```
Bad: the application's own database, with nothing taken back.
```python shop/database.py
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql://localhost/shop")
SessionLocal = sessionmaker(bind=engine)
```
```python tests/conftest.py
import pytest

from shop.database import SessionLocal


@pytest.fixture
def session():
    session = SessionLocal()  # flagged
    yield session
    session.close()
```
Good: of their own, and taken back.
```python shop/database.py
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql://localhost/shop")
SessionLocal = sessionmaker(bind=engine)
```
```python tests/conftest.py
import pytest

from shop.database import SessionLocal


@pytest.fixture
def session():
    session = SessionLocal()
    yield session
    session.rollback()
    session.close()
```
Good: local servers, containers and URLs for tests.
```python tests/conftest.py
import pytest
from sqlalchemy import create_engine


@pytest.fixture(params=["sqlite://", "postgresql://postgres:postgres@localhost/test", "postgresql://db/test_shop"])
def engine(request):
    return create_engine(request.param)


@pytest.fixture
def server():
    return create_engine("postgresql://shop:shop@postgres.ci.company.com/shop_test")
```
```python tests/test_url.py
from shop.urls import parse


def test_parse():
    assert parse("postgresql://a:b@db.company.com/shop").host == "db.company.com"
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import libcst as cst

from rules.kit import Flag, Here, Rule, Severity, dotted, find, string

rule = Rule(
    __name__,
    __doc__,
    code="TST116",
    severity=Severity.ERROR,
    checklist=("tests.database", "deploy.isolation"),
    scope="project",
)

_LOCAL = re.compile(
    r"(?i)^(localhost|127\.|0\.0\.0\.0|::1|host\.docker|10\.|192\.168\.)|^[\w-]+$|\.(local|test|localhost|internal)$|example\.(com|org)$"
)
_TEST_NAME = re.compile(r"(?i)test|\bci\b|_ci|tmp|temp|dummy|fake|mock")
_TAKES_BACK = re.compile(
    r"(?i)rollback|drop_all|truncate|begin_nested|delete\(|create_all|savepoint|transaction|in_memory|sqlite"
    r"|override|patch|\.bind\b|configure\(|create_engine|test_?db|testcontainers|TESTING|test_database|drop_database"
)


@rule.on(cst.Call, calls=("create_engine", "create_async_engine", "connect", "from_url"))
def check_url(call: cst.Call, here: Here) -> Iterator[Flag]:
    if not here.is_test or not call.args:
        return
    name = here.name(call.func)
    if not name.startswith(
        ("sqlalchemy.", "psycopg", "asyncpg.", "sqlmodel.", "dj_database_url", "pymysql")
    ):
        return
    url = string(here.value_of(call.args[0].value)) or ""
    host = _host(url)
    if "://" not in url or not host or _LOCAL.search(host) or _TEST_NAME.search(url):
        return
    message = (
        f"The tests work on the database at `{host}`, which others use: what a test deletes is gone "
        "there. Give them a database of their own."
    )
    yield Flag(call, message)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


@rule.on(cst.FunctionDef, words=("fixture",))
def check_session(function: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    if not here.path.endswith("conftest.py") or not _is_fixture(function):
        return
    if not any(True for _ in find(function.body, cst.Yield)) or here.module is None:
        return
    if _TAKES_BACK.search(here.module.code):
        return
    for call in find(function.body, cst.Call):
        made = here.name(call.func)
        if (
            not re.search(r"(^|\.)(SessionLocal|async_session|AsyncSessionLocal)$", made)
            or call.args
        ):
            continue
        if "." in made and not made.startswith(("sqlalchemy.", f"{here.module_name}.")):
            message = (
                f"`{function.name.value}` opens a session on the application's own database and takes "
                "nothing back: what one test writes the next one finds. Roll back, on a database for tests."
            )
            yield Flag(call, message)
            return


def _is_fixture(function: cst.FunctionDef) -> bool:
    names = (
        dotted(each.decorator.func if isinstance(each.decorator, cst.Call) else each.decorator)
        for each in function.decorators
    )
    return any(name.rpartition(".")[2] == "fixture" for name in names)
