"""SQL is written by hand where the ORM says the same.

The statement reads or writes one table that a model describes. Written by hand it is not checked
when a column is renamed, gives tuples and not objects, and skips the defaults, managers and
signals of the model.

Bad:
```python shop/models.py
from django.db import models


class Order(models.Model):
    open = models.BooleanField()
```
```python shop/services.py
from django.db import connection

from shop.models import Order


def open_orders():
    return Order.objects.raw("SELECT * FROM shop_order WHERE open = true")  # flagged


def close(number):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE shop_order SET open = false WHERE id = %s", [number])  # flagged
```
Bad: SQLAlchemy.
```python app/models.py
from sqlalchemy import Column, Integer
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
```
```python app/services.py
from sqlalchemy import text


def order(session, number):
    query = text("SELECT id FROM orders WHERE id = :number")
    return session.execute(query, {"number": number}).first()  # flagged
```
Good:
```python app/models.py
from sqlalchemy import Column, Integer
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
```
```python app/services.py
from sqlalchemy import select


def order(session, number):
    return session.scalar(select(Order.id).where(Order.id == number))
```
Good: what the ORM does not say as plainly.
```python shop/models.py
from django.db import models


class Order(models.Model):
    open = models.BooleanField()
```
```python shop/services.py
from django.db import connection


def report(cursor):
    cursor.execute("SELECT id, rank() OVER (ORDER BY id) FROM shop_order")
    cursor.execute("SELECT o.id FROM shop_order o JOIN shop_line l ON l.order_id = o.id")
    cursor.execute("INSERT INTO shop_order SELECT * FROM shop_archive")
    cursor.execute("SELECT id FROM shop_order WHERE data->>'a' = 'b' FOR UPDATE SKIP LOCKED")
    cursor.execute("VACUUM shop_order")
```
Good: a table that no model describes, and migrations.
```python shop/services.py
def rows(cursor):
    cursor.execute("SELECT name FROM legacy_customer WHERE id = 1")
```
```python shop/migrations/0002_open.py
def forwards(apps, editor):
    editor.execute("UPDATE shop_order SET open = true")
```
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from rules.facts.django_models import Models
from rules.facts.python_modules import Modules
from rules.kit import Flag, Here, Project, Rule, Severity, dotted, string

rule = Rule(
    __name__,
    __doc__,
    code="DBQ117",
    severity=Severity.NOTICE,
    checklist=("django.direct-db", "django.raw-sql", "database.raw-sql"),
)

_TABLE = r"[\"'`]?(?:\w+\.)?(?P<table>\w+)[\"'`]?"
_PLAIN = re.compile(
    rf"^\s*(?:SELECT\s[\w\s,.*\"`]{{1,400}}?\sFROM\s+{_TABLE}|(?:DELETE\s+FROM|UPDATE)\s+{_TABLE.replace('table', 'other')})"
    r"(?:\s+AS\s+\w+)?(?=\s|;|$)(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_SPECIAL = re.compile(
    r"\bjoin\b|\bunion\b|\bover\b|\bwith\b|\breturning\b|\bfor\s+(update|share)|\bconflict\b|\busing\b|::|->|@>"
    r"|~|@@|\bilike\b|\bany\s*\(|\barray\b|\binterval\b|\bcase\b|\bselect\b|\bgroup\s+by\b|\bhaving\b|\bonly\b"
    r"|\bregexp\b|\btablesample\b|\blateral\b|\brandom\(|\bctid\b|\bjson|\bnow\(|\bdate_|\bcast\(|,\s*\w+\s+\w+",
    re.IGNORECASE,
)
_CALLS = ("execute", "raw", "fetch", "fetchrow", "fetchval", "fetch_all", "fetch_one", "exec")


@dataclass(frozen=True)
class _Tables:
    """Models by the table that they describe."""

    models: Mapping[str, str]

    @classmethod
    def gather(cls, project: Project) -> "_Tables":
        models: Models = project.facts(Models)
        modules: Modules = project.facts(Modules)
        found = {}
        for each in models.by_key.values():
            if not each.abstract:
                named = each.options.get("db_table", "").strip("'\"")
                found[named or f"{each.app}_{each.name}".lower()] = each.name
        for record in modules.by_path.values():
            for one in record.classes:
                for field in one.fields:
                    if field.name == "__tablename__" and field.value:
                        found[field.value.strip("'\"")] = one.name
        return cls(found)


@rule.on(cst.Call, calls=_CALLS)
def check(node: cst.Call, here: Here) -> Iterator[Flag]:
    if not node.args or here.is_test or here.is_script or here.is_migration:
        return
    text = _statement(node.args[0].value, here)
    match = _PLAIN.match(text) if text is not None and len(text) < 2000 else None
    if match is None or _SPECIAL.search(match["rest"]):
        return
    tables: _Tables = here.project.facts(_Tables)
    table = match["table"] or match["other"]
    model = tables.models.get(table)
    if model is not None:
        message = (
            f"This statement says nothing that `{model}` cannot say, but breaks unseen when a "
            f"column of `{table}` is renamed; use the ORM."
        )
        yield Flag(node, message)


def _statement(node: cst.BaseExpression, here: Here) -> str | None:
    """The SQL of a text, also within `text(...)`."""
    value = here.value_of(node)
    if isinstance(value, cst.Call) and dotted(value.func).rpartition(".")[2] == "text":
        value = here.value_of(value.args[0].value) if value.args else value
    return string(value)
