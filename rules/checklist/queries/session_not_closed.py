"""A session, connection or cursor is not closed if something fails in between.

The connection then stays with the one who failed: the pool runs dry, and the next requests wait
until they time out. Open it with `with`, or close it in `finally`.

Bad:
```python app/services.py
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def orders():
    session = SessionLocal()  # flagged
    found = session.query(Order).limit(100).all()
    session.close()
    return found


def get_db():
    db = SessionLocal()  # flagged
    yield db
    db.close()
```
Bad: connections and cursors.
```python shop/services.py
import psycopg2
from django.db import connection


def total():
    cursor = connection.cursor()  # flagged
    cursor.execute("SELECT sum(total) FROM shop_order")
    return cursor.fetchone()[0]


def old_total():
    old = psycopg2.connect(DSN)  # flagged
    return read(old)
```
Good:
```python app/services.py
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def orders():
    with SessionLocal() as session:
        return session.query(Order).limit(100).all()


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
```
Good: closed by `with` later on, by `closing`, or by whom it is given to.
```python shop/services.py
from contextlib import closing

import psycopg2
from django.db import connection


def total():
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(total) FROM shop_order")
        return cursor.fetchone()[0]


def old_total():
    old = psycopg2.connect(DSN)
    with closing(old):
        return read(old)


def connect():
    opened = psycopg2.connect(DSN)
    return opened


class Store:
    def __init__(self):
        self.connection = psycopg2.connect(DSN)
```
Good: a session of the thread, which the application gives back after each request.
```python app/services.py
from sqlalchemy.orm import scoped_session, sessionmaker

Session = scoped_session(sessionmaker())


def orders():
    session = Session()
    return session.query(Order).limit(100).all()
```
Good: tests and scripts end soon.
```python scripts/fill.py
import sqlite3

connection = sqlite3.connect("shop.db")
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.connections import opening_of
from rules.kit import Flag, Here, Rule, Severity, dotted, find, walk

rule = Rule(
    __name__,
    __doc__,
    code="DBQ122",
    severity=Severity.WARNING,
    checklist=("fastapi.dependencies", "database.connection-pooling"),
    cwe=404,
)

_LIBRARIES = (
    *("sqlalchemy", "sqlmodel", "psycopg", "psycopg2", "sqlite3", "pymysql", "MySQLdb", "mysql"),
    *("oracledb", "cx_Oracle", "pyodbc", "cursor", "SessionLocal", "async_session"),
)
_MAKERS = re.compile(r"(^|\.)(sessionmaker|async_sessionmaker)$")
_SCOPED = re.compile(r"scoped_session|SQLAlchemy$|flask_sqlalchemy")
_OPENS = re.compile(r"((session|db)\w{0,60}|connect(ion)?|cursor)$", re.IGNORECASE)
_LOCALS = re.compile(
    r"^(Async)?Session(Local|Maker|Factory)?$|^(async_)?session_?(local|maker|factory)$"
)
_SESSIONS = re.compile(
    r"^(sqlalchemy\.orm|sqlalchemy\.ext\.asyncio|sqlmodel)(\.\w+)*\.(Async)?Session$"
)
_ENGINES = re.compile(
    r"^(sqlalchemy|sqlmodel)\.(\w+\.)*create_(async_)?engine\.(connect|raw_connection)$"
)


@rule.on(cst.Assign, words=_LIBRARIES)
def check(node: cst.Assign, here: Here) -> Iterator[Flag]:
    value = node.value.expression if isinstance(node.value, cst.Await) else node.value
    if not isinstance(value, cst.Call) or not isinstance(node.targets[0].target, cst.Name):
        return
    if not _OPENS.search(dotted(value.func)) or len(node.targets) != 1:
        return
    if here.is_test or here.is_script or here.is_migration:
        return
    function = here.function(node)
    kind = _kind(value, here) if function is not None else ""
    if function is None or not kind:
        return
    name = node.targets[0].target.value
    if not _is_handed_on(name, node, function, here):
        message = (
            f"`{name}` is not given back if something fails in `{function.name.value}`, and stays "
            f"open; open the {kind} with `with`, or close it in `finally`."
        )
        yield Flag(node, message)


def _kind(call: cst.Call, here: Here) -> str:
    """What an assignment opens: by the driver, by the factory of sessions, or by a cursor."""
    last = dotted(call.func).rpartition(".")[2]
    if last == "cursor":
        return "cursor" if _is_django_connection(call, here) else ""
    names = here.names(call.func)
    if any(_SCOPED.search(each) for each in names):
        return ""
    if any(_MAKERS.search(each) or _SESSIONS.match(each) for each in names):
        if any("conn" in here.source(each.value) for each in call.args):
            return ""  # it borrows a connection of the caller's
        return "" if _is_scoped(call, here) else "session"
    if _LOCALS.match(last) and last not in ("Session", "AsyncSession") and not call.args:
        return "session" if isinstance(call.func, cst.Name) else ""
    by_name = re.search(r"(^|\.)engine\.(raw_)?connect(ion)?$", dotted(call.func))
    if by_name or any(_ENGINES.match(each) for each in names):
        return "connection"
    opened = opening_of(call, here) if last == "connect" else None
    return "connection" if opened is not None and opened.kind == "connection" else ""


def _is_scoped(call: cst.Call, here: Here) -> bool:
    """Whether the factory is wrapped: `scoped_session(sessionmaker())`."""
    made = here.value_of(call.func)
    return made is not call.func and "scoped_session" in here.source(made)


def _is_django_connection(call: cst.Call, here: Here) -> bool:
    owner = call.func.value if isinstance(call.func, cst.Attribute) else None
    return any(each.startswith("django.db.connection") for each in here.names(owner))


def _is_handed_on(name: str, node: cst.Assign, function: cst.FunctionDef, here: Here) -> bool:
    """Whether `with` or `finally` closes it, or somebody else has it now."""
    if any("fixture" in here.source(each.decorator) for each in function.decorators):
        return True
    return any(
        _is_closed(each, name) or (each is not node and _is_given(each, name))
        for each in walk(function.body)
    )


def _is_closed(node: cst.CSTNode, name: str) -> bool:
    match node:
        case cst.With(items=items):
            return any(_mentions(item, name) for item in items)
        case cst.Finally():
            return _mentions(node, name)
    return False


def _is_given(node: cst.CSTNode, name: str) -> bool:
    """Whether a statement or call hands the variable on, or keeps it."""
    match node:
        case cst.Return(value=value) if value is not None:
            return _holds(value, name)
        case cst.Assign(targets=targets, value=value):
            kept = any(isinstance(t.target, cst.Attribute | cst.Subscript) for t in targets)
            return kept and _holds(value, name)
        case cst.Call(func=func, args=args) if dotted(func).rpartition(".")[2] in _TAKERS:
            return any(_holds(arg.value, name) for arg in args)
        case cst.FunctionDef() | cst.Lambda():
            return _mentions(node, name)
        case cst.Global(names=names):
            return any(each.name.value == name for each in names)
    return False


_TAKERS = frozenset(
    {
        "closing",
        "aclosing",
        "enter_context",
        "enter_async_context",
        "push",
        "callback",
        "append",
        "add",
    }
    | {"set", "put", "addfinalizer", "partial", "setdefault", "register", "push_async_callback"}
)


def _mentions(node: cst.CSTNode, name: str) -> bool:
    return any(each.value == name for each in find(node, cst.Name))


def _holds(value: cst.BaseExpression, name: str) -> bool:
    """Whether a value is the variable, or a collection or object that is made with it."""
    match value:
        case cst.Name(value=found):
            return found == name
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            return any(_holds(each.value, name) for each in elements)
        case cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value="cursor"))):
            return _holds(owner, name)
        case cst.Call(func=cst.Name(value=func), args=args):
            return func[:1].isupper() and any(_holds(each.value, name) for each in args)
        case cst.Dict(elements=elements):
            return any(_holds(each.value, name) for each in elements)
    return False
