"""A view or service goes to the database around the ORM.

SQL on a cursor knows nothing of models: it is not renamed with them, skips their managers, signals
and validation, and gives tuples that only their order explains. Use the model, or put the statement
into a manager with a name.

Bad:
```python shop/models.py
from django.db import models


class Order(models.Model):
    total = models.IntegerField()
```
```python shop/views.py
from django.db import connection
from django.http import JsonResponse


def close(request, key):
    with connection.cursor() as cursor:  # flagged
        cursor.execute("UPDATE shop_order o SET closed = now() FROM shop_cart c WHERE c.id = %s", [key])
    return JsonResponse({})
```
Good:
```python shop/models.py
from django.db import models


class Order(models.Model):
    total = models.IntegerField()
```
```python shop/views.py
from django.http import JsonResponse
from django.utils import timezone

from shop.models import Order


def close(request, key):
    Order.objects.filter(cart_id=key).update(closed=timezone.now())
    return JsonResponse({})
```
Good: what the ORM cannot say, reports, and checks of health.
```python shop/models.py
from django.db import models


class Order(models.Model):
    total = models.IntegerField()
```
```python shop/services.py
from django.db import connection


def alive():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def lock(key):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def tree(key):
    with connection.cursor() as cursor:
        cursor.execute("WITH RECURSIVE t AS (SELECT 1) SELECT * FROM t", [key])
```
```python shop/reports/views.py
from django.db import connection


def sums():
    with connection.cursor() as cursor:
        cursor.execute("SELECT day, sum(total) FROM shop_order GROUP BY day")
```
Good: a project without models, and a migration.
```python shop/migrations/0002_close.py
from django.db import connection


def forwards(apps, editor):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE shop_order SET closed = now()")
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.django_models import Models
from rules.kit import Confidence, Flag, Here, Rule, Severity, find, string

rule = Rule(
    __name__,
    __doc__,
    code="FWK105",
    severity=Severity.NOTICE,
    frameworks=("django",),
    checklist=("django.direct-db",),
    yields_to=("DBQ117", "SEC101"),
)

_PLACES = re.compile(
    r"(^|/)(views?|viewsets?|api|apis|services?|serializers|endpoints|routes|handlers|forms|resolvers)(\.py$|/)"
)
_ASIDE = re.compile(
    r"(?i)(^|[/_])(reports?|reporting|analytics|stats?|statistics|metrics|health\w{0,10}|db|sql)([/_.]|$)"
)
_CURSORS = frozenset({"django.db.connection.cursor", "django.db.connections.cursor"})
_VENDOR = re.compile(
    r"(?i)\b(pg_\w{1,60}|copy|vacuum|analyze|explain|listen|notify|lock|refresh|recursive|lateral|partition"
    r"|truncate|set|show|create|drop|alter|grant|nextval|setval|on conflict|over|unnest|generate_series"
    r"|information_schema|tablesample|skip locked|call|do)\b"
)
_WRITES_SET = re.compile(r"(?i)^\s*update\b")
_PLAIN = re.compile(
    r"(?i)^\s*(select\b.{0,2000}?\bfrom|insert\s+into|update|delete\s+from)\s", re.DOTALL
)


@rule.on(cst.Call, calls=("cursor",), words=("connection", "connections"))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if not here.names(call.func) & _CURSORS or not _PLACES.search(here.path):
        return
    function = here.function(call)
    if function is None or here.is_test or here.is_migration or here.is_script:
        return
    models: Models = here.project.facts(Models)
    if _ASIDE.search(here.path) or not models.by_key:
        return
    statements = _statements(function, here)
    if not statements or not all(_is_plain(each) for each in statements):
        return
    yield Flag(
        call,
        f"`{function.name.value}` speaks SQL around the models: it skips their managers and signals, and "
        "is not renamed with them. Use the model, or give the statement a name in a manager.",
        confidence=None if len(statements) == 1 else Confidence.HOTSPOT,
    )


def _statements(function: cst.FunctionDef, here: Here) -> list[str]:
    found = []
    for each in find(function.body, cst.Call):
        match each:
            case cst.Call(func=cst.Attribute(attr=cst.Name(value="execute")), args=[first, *_]):
                text = string(here.value_of(first.value))
                found.append(text if text is not None else "?")
    return found


def _is_plain(statement: str) -> bool:
    if _PLAIN.match(statement) is None:
        return False
    words = statement
    if _WRITES_SET.match(statement):
        words = re.sub(r"(?i)\bset\b", "", statement, count=1)
    return _VENDOR.search(words) is None
