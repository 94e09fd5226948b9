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
Bad: the statement is put together in another function.
```python shop/views.py
from shop.reports import sales

def report(request):
    return sales(request.GET["month"])  # flagged
```
```python shop/reports.py
from django.db import connection

def sales(month):
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(price) FROM sale WHERE month = '%s'" % month)  # flagged
        return cursor.fetchone()
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
Good: a statement whose values are bound, and fields of a form that let no text through.
```python shop/views.py
from django import forms
from django.db import connection
from flask import Blueprint, request
from sqlalchemy import text

from shop.database import session

shop = Blueprint("shop", __name__)

class Search(forms.Form):
    kind = forms.ChoiceField(choices=[("book", "Book"), ("film", "Film")])
    page = forms.IntegerField()

def listed(request):
    form = Search(request.GET)
    if form.is_valid():
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM %s" % form.cleaned_data["kind"])

@shop.post("/orders")
def orders():
    statement = text("SELECT * FROM orders WHERE state = :state")
    return session.execute(statement.bindparams(state=request.json["state"])).all()
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.sql_placeholders import with_placeholders
from rules.flow.domain import Call
from rules.flow.frame import Frame
from rules.flow.taint.report import flag
from rules.flow.taint.sinks import Sink
from rules.flow.taint.subject import TaintedCall
from rules.flow.values import Ref, Text, Value, choices
from rules.kit import Flag, Here, Rule, Severity

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
_TEXT = (
    "sqlalchemy.text",
    "sqlalchemy.sql.text",
    "sqlalchemy.sql.expression.text",
    "sqlalchemy.literal_column",
    "sqlalchemy.sql.expression.literal_column",
    "flask_sqlalchemy.SQLAlchemy().text",
)
_DATABASE = re.compile(
    r"(^|[._])(cursor|cur|curs|c|conn|connection|con|db|database|session|engine|pool|tx|transaction)s?\d*$",
    re.IGNORECASE,
)
_STATEMENT = re.compile(
    r"^[\s(;]*(?:--[^\n]*\n\s*)*(?:SELECT|INSERT\s+INTO|INSERT\s+OR|UPDATE|DELETE\s+FROM|WITH|CREATE|ALTER|DROP"
    r"|TRUNCATE|REPLACE\s+INTO|MERGE|GRANT|REVOKE|SET|SHOW|COPY|CALL|EXPLAIN|LOCK|VACUUM|ANALYZE"
    r"|REFRESH|PRAGMA|COMMENT\s+ON|REINDEX|NOTIFY|LISTEN|DO)\s",
    re.IGNORECASE,
)


def _is_sql(call: Call, frame: Frame) -> bool:
    """Whether what is executed is SQL: by its beginning, or by what executes it."""
    given = call.argument(0, "sql", "query", "statement", "operation")
    if given is None or any(isinstance(each, Ref) for each in choices(given)):
        return False
    if any(_begins_a_statement(each) for each in choices(given)):
        return True
    return call.method in _EXECUTE and _is_database(call)


def _begins_a_statement(value: Value) -> bool:
    start = value.start if isinstance(value, Text) else ""
    return bool(_STATEMENT.match(start))


def _is_database(call: Call) -> bool:
    func = call.node.func
    owner = getattr(func, "value", None)
    while owner is not None and not hasattr(owner, "id") and not hasattr(owner, "attr"):
        owner = getattr(owner, "func", getattr(owner, "value", None))
    name = getattr(owner, "attr", getattr(owner, "id", ""))
    return bool(_DATABASE.search(str(name))) or any(
        each in call.name for each in ("connect()", "cursor()", "Session()", "create_engine()")
    )


def _is_manager(call: Call, frame: Frame) -> bool:
    """`Book.objects.raw(...)`, not the `raw` of something else."""
    given = call.argument(0, "raw_query")
    return given is not None and any(
        _begins_a_statement(each) or each.marks for each in choices(given)
    )


class Statement(TaintedCall):
    family = "sql"
    hotspots = True
    sinks = (
        Sink(
            tuple(f"*.{each}" for each in (*_EXECUTE, *_FETCH)),
            (0, "sql", "query", "statement", "operation"),
            _is_sql,
        ),
        Sink(("*.raw",), (0, "raw_query"), _is_manager),
        Sink(("django.db.models.expressions.RawSQL", "django.db.models.RawSQL"), (0, "sql")),
        Sink(_TEXT, (0, "text")),
        Sink(("*.text",), (0, "text"), lambda call, _: bool(_owner_is_db(call))),
        Sink(
            ("pandas.read_sql", "pandas.read_sql_query", "polars.read_database"),
            (0, "sql", "query"),
        ),
        Sink(("*.extra",), ("where", "select", "tables", "order_by")),
    )


def _owner_is_db(call: Call) -> bool:
    return getattr(getattr(call.node.func, "value", None), "id", "") == "db"


@rule.on(Statement)
def check(found: Statement, here: Here) -> Iterator[Flag]:
    if found.called in _TEXT and not _is_statement_like(found):
        return
    name = _short(found.node.func, here) if isinstance(found.node, cst.Call) else found.called
    cure = "Pass values beside the statement and take names from a list of your own."
    fix = None
    if isinstance(found.node, cst.Call) and isinstance(found.argument, cst.BaseExpression):
        fix = None if found.elsewhere else with_placeholders(found.node, found.argument, here)
    yield flag(
        found,
        here,
        f"becomes part of the SQL of `{name}`: a caller can write statements of their own",
        cure,
        doubt=f"becomes part of the SQL of `{name}`",
        fix=fix,
    )


def _is_statement_like(found: Statement) -> bool:
    return found.is_proven or any(_begins_a_statement(each) for each in choices(found.value))


def _short(node: cst.CSTNode, here: Here) -> str:
    code = " ".join(here.source(node).split())
    return code if len(code) <= 60 else f"{code[:57]}…"
