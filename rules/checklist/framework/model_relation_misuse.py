"""A field of a model is of the wrong kind for what it holds.

A unique `ForeignKey` is a `OneToOneField`; a relation to Django's `User` breaks where the user
model is another one; money as a binary fraction loses cents: `0.1 + 0.2 != 0.3`.

Bad:
```python
from django.conf import settings
from django.contrib.auth.models import User
from django.db import models


class Account(models.Model):
    owner = models.ForeignKey(User, on_delete=models.CASCADE)  # flagged
    shelf = models.ForeignKey("Shelf", unique=True, on_delete=models.CASCADE)  # flagged
    balance = models.FloatField(default=0)  # flagged
```
Good:
```python
from django.conf import settings
from django.contrib.auth.models import User
from django.db import models


class Account(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    shelf = models.OneToOneField("Shelf", on_delete=models.CASCADE)
    balance = models.DecimalField(max_digits=12, decimal_places=2, default=0)
```
Bad: SQLAlchemy, and two relations that lead back by one name.
```python shop/tables.py
from sqlalchemy import Column, Float, Integer
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Invoice(Base):
    __tablename__ = "invoices"
    id = Column(Integer, primary_key=True)
    total_price = Column(Float)  # flagged
```
```python shop/models.py
from django.db import models


class Letter(models.Model):
    sender = models.ForeignKey("Person", related_name="letters", on_delete=models.CASCADE)
    receiver = models.ForeignKey("Person", related_name="letters", on_delete=models.CASCADE)  # flagged


class Person(models.Model):
    name = models.CharField(max_length=100)
```
Good:
```python shop/tables.py
from sqlalchemy import Column, Integer, Numeric
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Invoice(Base):
    __tablename__ = "invoices"
    id = Column(Integer, primary_key=True)
    total_price = Column(Numeric(12, 2))
```
Good: numbers that are no money, and relations that lead back by two names.
```python shop/models.py
from django.conf import settings
from django.db import models


class Trip(models.Model):
    driver = models.ForeignKey(settings.AUTH_USER_MODEL, related_name="+", on_delete=models.CASCADE)
    guest = models.ForeignKey(settings.AUTH_USER_MODEL, related_name="+", on_delete=models.CASCADE)
    total_weight = models.FloatField()
    price_elasticity = models.FloatField()
    tax_rate = models.FloatField()
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.model_class import Declaration, ModelClass
from rules.facts.user_model import UserModel
from rules.kit import (
    AddImport,
    Confidence,
    Fix,
    Flag,
    Here,
    Replace,
    Rule,
    Severity,
    dotted,
    keyword,
    string,
)
from rules.kit.build import argument

rule = Rule(
    __name__,
    __doc__,
    code="FWK110",
    severity=Severity.WARNING,
    frameworks=("django", "sqlalchemy"),
    checklist=("django.model-design", "django.user-model"),
    fix="suggestion",
    peers=(),
)

_MONEY = re.compile(
    r"(^|_)(price|prices|amount|balance|salary|wage|fee|cost|revenue|payment|paid|invoice_total"
    r"|subtotal|order_total|grand_total|discount_amount|credit_amount)$"
)
_OTHER_UNIT = re.compile(
    r"rate|ratio|percent|score|weight|count|token|point|usage|hours|time|cpu|energy"
)
_USER = "django.contrib.auth.models.User"
_RELATIONS = ("ForeignKey", "OneToOneField", "ManyToManyField")


@rule.on(
    ModelClass, words=("ForeignKey", "OneToOneField", "ManyToManyField", "FloatField", "Float")
)
def check(found: ModelClass, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_migration:
        return
    back: set[tuple[str, str]] = set()
    for name, node in found.fields.items():
        call = node.value
        if not isinstance(call, cst.Call):
            continue
        kind = dotted(call.func).rpartition(".")[2]
        if kind in _RELATIONS and found.framework == "django":
            yield from _relation(name, kind, call, back, here)
        elif _is_money(name, kind, node, here):
            yield _money(name, kind, call, here)


def _relation(
    name: str, kind: str, call: cst.Call, back: set[tuple[str, str]], here: Here
) -> Iterator[Flag]:
    target = argument(call, 0, "to")
    if kind == "ForeignKey" and dotted(keyword(call, "unique")) == "True":
        message = (
            f"A unique `ForeignKey` is a `OneToOneField`: `{name}` leads to one row, both ways."
        )
        yield Flag(call, message, fix=_one_to_one(call, here))
    users: UserModel = here.project.facts(UserModel)
    of_django = _USER in here.names(target) or string(target) == "auth.User"
    if target is not None and of_django and not users.is_djangos:
        fix = Fix(
            (Replace(target, "settings.AUTH_USER_MODEL"), AddImport("django.conf", "settings"))
        )
        yield Flag(
            call,
            f"`{name}` leads to Django's own `User`, and to nobody where the project has another user "
            "model. Write `settings.AUTH_USER_MODEL`.",
            fix=fix,
            confidence=Confidence.HOTSPOT if users.is_open else None,
        )
    related = string(keyword(call, "related_name"))
    if target is not None and related and not related.endswith("+"):
        key = (here.source(target), related)
        if key in back:
            message = f"Another relation of this model already leads back as `{related}`: one hides the other."
            yield Flag(call, message)
        back.add(key)


def _is_money(name: str, kind: str, node: Declaration, here: Here) -> bool:
    if not _MONEY.search(name) or _OTHER_UNIT.search(name) or not isinstance(node.value, cst.Call):
        return False
    if kind == "FloatField":
        return True
    if kind not in ("Column", "mapped_column"):
        return False
    given = [each.value for each in node.value.args if each.keyword is None]
    return any(
        dotted(each.func if isinstance(each, cst.Call) else each).rpartition(".")[2] == "Float"
        for each in given
    )


def _money(name: str, kind: str, call: cst.Call, here: Here) -> Flag:
    message = f"`{name}` is money, and a float loses cents: `0.1 + 0.2 != 0.3`. "
    if kind != "FloatField":
        return Flag(call, message + "Use `Numeric(12, 2)`.")
    given = here.source(call)[len(here.source(call.func)) :].strip()[1:-1].strip()
    func = here.source(call.func).replace("FloatField", "DecimalField")
    rest = f", {given}" if given else ""
    fix = Fix((Replace(call, f"{func}(max_digits=12, decimal_places=2{rest})"),))
    return Flag(call, message + "Use a `DecimalField`.", fix=None if "\n" in given else fix)


def _one_to_one(call: cst.Call, here: Here) -> Fix | None:
    func = here.source(call.func)
    if not func.endswith("models.ForeignKey"):
        return None
    kept = [e for e in call.args if e.keyword is None or e.keyword.value != "unique"]
    if kept and kept[-1] is not call.args[-1]:
        kept[-1] = kept[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    made = call.with_changes(
        func=cst.parse_expression(func.replace("ForeignKey", "OneToOneField")), args=kept
    )
    return Fix((Replace(call, made),))
