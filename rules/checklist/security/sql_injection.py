"""SQL is put together from text that may come from outside.

Text that is pasted into a statement becomes part of the statement: a quote in a name is
enough to read other people's rows or to drop them. Give the database the statement with
placeholders and the values beside it; names of tables and columns come from a list of your
own, or are quoted by the driver (`sql.Identifier`, `quote_name`).

Bad:
```python shop/views.py
from django.db import connection
from django.http import JsonResponse

def search(request):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, title FROM shop_book WHERE title = '{request.GET['q']}'")  # flagged
        return JsonResponse({"books": cursor.fetchall()})
```
Good:
```python shop/views.py
from django.db import connection
from django.http import JsonResponse

def search(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, title FROM shop_book WHERE title = %s", [request.GET['q']])
        return JsonResponse({"books": cursor.fetchall()})
```
Bad:
```python shop/api.py
import sqlite3

from fastapi import FastAPI

app = FastAPI()

@app.get("/books/{author}")
def books(author: str):
    rows = sqlite3.connect("shop.db").cursor()
    rows.execute("SELECT title FROM book WHERE author = '%s'" % author)  # flagged
    return rows.fetchall()
```
Good:
```python shop/api.py
import sqlite3

from fastapi import FastAPI

app = FastAPI()

@app.get("/books/{author}")
def books(author: str):
    rows = sqlite3.connect("shop.db").cursor()
    rows.execute("SELECT title FROM book WHERE author = ?", [author])
    return rows.fetchall()
```
Bad: the statement grows on its way.
```python shop/views.py
from shop.models import Book

def index(request):
    query = "SELECT * FROM shop_book"
    order = request.GET.get("order", "title")
    query += " ORDER BY " + order
    return list(Book.objects.raw(query))  # flagged
```
Bad:
```python shop/views.py
from flask import Blueprint, request
from sqlalchemy import text

from shop.database import session

shop = Blueprint("shop", __name__)

@shop.route("/orders")
def orders():
    state = request.args["state"]
    return session.execute(text("SELECT * FROM orders WHERE state = '{}'".format(state))).all()  # flagged
```
Good:
```python shop/views.py
from flask import Blueprint, request
from sqlalchemy import text

from shop.database import session

shop = Blueprint("shop", __name__)

@shop.route("/orders")
def orders():
    state = request.args["state"]
    return session.execute(text("SELECT * FROM orders WHERE state = :state"), {"state": state}).all()
```
Bad: where the text comes from cannot be seen; this is a hotspot.
```python shop/stock.py
def count(cursor, title):
    cursor.execute("SELECT count(*) FROM book WHERE title = '" + title + "'")  # flagged
    return cursor.fetchone()[0]
```
Good: values go beside the statement.
```python shop/views.py
def search(request, cursor):
    ids = request.GET.getlist("id")
    marks = ", ".join(["%s"] * len(ids))
    cursor.execute(f"SELECT title FROM shop_book WHERE id IN ({marks})", ids)
```
Good: constants, names of models, numbers and what was looked up in a list.
```python shop/views.py
TABLE = "shop_book"
ORDERS = {"title": "title ASC", "price": "price DESC"}

def index(request, cursor, model):
    order = request.GET.get("order")
    if order not in ("title", "price"):
        order = "title"
    limit = int(request.GET.get("limit", 20))
    cursor.execute(f"SELECT * FROM {TABLE} ORDER BY {order} LIMIT {limit}")
    cursor.execute("SELECT * FROM %s" % model._meta.db_table)
    cursor.execute("SELECT * FROM shop_book ORDER BY " + ORDERS[request.GET["by"]])
    for column in ("title", "price"):
        cursor.execute(f"SELECT max({column}) FROM shop_book")
```
Good: the driver quotes names.
```python shop/views.py
from psycopg import sql

def vacuum(request, cursor, connection):
    table = request.POST["table"]
    cursor.execute(sql.SQL("VACUUM {}").format(sql.Identifier(table)))
    cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")
```
Good: not every `execute` is a database's.
```python shop/views.py
def run(request, command):
    command.execute("run " + request.POST["task"])
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.sql_placeholders import with_placeholders
from rules.facts.text_parts import Text, Tracer
from rules.kit import Confidence, Flag, Here, Rule, Severity, argument, dotted, keyword

rule = Rule(
    __name__,
    __doc__,
    code="SEC101",
    severity=Severity.ERROR,
    checklist=("security.sql-injection", "security.database", "database.raw-sql", "django.raw-sql"),
    fix="suggestion",
    defers=False,
    cwe=89,
    peers=("ruff:S608", "ruff:S610", "ruff:S611", "bandit:B608", "bandit:B610", "bandit:B611"),
)

_EXECUTE = ("execute", "executemany", "executescript", "exec_driver_sql", "mogrify", "copy_expert")
_FETCH = (
    "fetch",
    "fetchrow",
    "fetchval",
    "fetch_all",
    "fetch_one",
    "fetch_val",
    "iterate",
    "prepare",
)
_PANDAS = ("read_sql", "read_sql_query")
_EXTRA = ("where", "select", "tables", "order_by")
_TEXT = frozenset(
    {
        "sqlalchemy.text",
        "sqlalchemy.sql.text",
        "sqlalchemy.sql.expression.text",
        "flask_sqlalchemy.SQLAlchemy.text",
    }
)
_DATABASE = re.compile(
    r"(^|[._])(cursor|cur|curs|conn|connection|db|database|session|engine|pool|tx|transaction)s?\d*$",
    re.IGNORECASE,
)
_STATEMENT = re.compile(
    r"^[\s(;]*(?:--[^\n]*\n\s*)*(?:SELECT|INSERT\s+INTO|INSERT\s+OR|UPDATE|DELETE\s+FROM|WITH|CREATE|ALTER|DROP"
    r"|TRUNCATE|REPLACE\s+INTO|MERGE|GRANT|REVOKE|SET|SHOW|COPY|CALL|EXPLAIN|LOCK|VACUUM|ANALYZE"
    r"|REFRESH|PRAGMA|COMMENT\s+ON|REINDEX|NOTIFY|LISTEN|DO)\s",
    re.IGNORECASE,
)


@rule.on(cst.Call, calls=(*_EXECUTE, *_FETCH, *_PANDAS, "raw", "RawSQL", "text", "extra"))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_migration:
        return
    for statement in _statements(call, here):
        found = here.kept(Tracer).text(statement)
        if found.parts and _is_sql(call, found, here):
            yield _flag(call, statement, found, here)


def _statements(call: cst.Call, here: Here) -> Iterator[cst.BaseExpression]:
    """The arguments that a database takes for SQL."""
    name = call.func.attr.value if isinstance(call.func, cst.Attribute) else dotted(call.func)
    if name == "extra":
        yield from _of_extra(call, here)
        return
    if name == "text" and not (here.names(call.func) & _TEXT or dotted(call.func) == "db.text"):
        return
    first = argument(call, 0, "sql" if name in {*_PANDAS, "RawSQL"} else "query")
    if first is not None and not _speaks_for_itself(here.value_of(first), here):
        yield first


def _of_extra(call: cst.Call, here: Here) -> Iterator[cst.BaseExpression]:
    """What `.extra()` takes for SQL; the keys of `select` are names that Django quotes."""
    for each in _EXTRA:
        given = keyword(call, each)
        held = here.value_of(given) if given is not None else None
        if isinstance(held, cst.Dict):
            yield from (pair.value for pair in held.elements)
        elif given is not None:
            yield given


def _speaks_for_itself(node: cst.CSTNode, here: Here) -> bool:
    """`text(...)` is looked at where it stands, not once more where it is executed."""
    return isinstance(node, cst.Call) and bool(here.names(node.func) & _TEXT)


def _is_sql(call: cst.Call, found: Text, here: Here) -> bool:
    name = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
    if name == "extra" or _STATEMENT.match(found.constant):
        return True
    if name not in _EXECUTE or found.outside is None or not isinstance(call.func, cst.Attribute):
        return False
    owner = call.func.value
    return bool(_DATABASE.search(dotted(owner.func if isinstance(owner, cst.Call) else owner)))


def _flag(call: cst.Call, statement: cst.BaseExpression, found: Text, here: Here) -> Flag:
    part = found.outside or found.parts[0]
    sink = f"`{_short(call.func, here)}`"
    cure = "Pass values beside the statement and take names from a list of your own."
    if found.outside is not None:
        message = (
            f"`{_short(part.node, here)}` comes from the request and becomes part of the SQL of "
            f"{sink}: a caller can write statements of their own. {cure}"
        )
    else:
        message = (
            f"`{_short(part.node, here)}` becomes part of the SQL of {sink}; if a user can choose "
            f"it, they can write statements of their own. {cure}"
        )
    confidence = None if found.outside is not None else Confidence.HOTSPOT
    fix = with_placeholders(call, statement, here)
    return Flag(statement, message, fix=fix, confidence=confidence)


def _short(node: cst.CSTNode, here: Here) -> str:
    code = " ".join(here.source(node).split())
    return code if len(code) <= 60 else f"{code[:57]}…"
