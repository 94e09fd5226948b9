"""A file of rows for the database comes new, where the project makes rows with factories.

Whoever reads the test does not see the rows, and every new column of a model means an edit of
all such files. Make the rows in the test, with the factories that are there.

Bad:
```python tests/factories.py
import factory

from shop.models import Order


class OrderFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Order
```
```json shop/fixtures/test_orders.json flagged
[
  {"model": "shop.order", "pk": 1, "fields": {"total": 5}},
  {"model": "shop.order", "pk": 2, "fields": {"total": 7}}
]
```
```python tests/test_orders.py
from django.test import TestCase


class OrderTests(TestCase):
    fixtures = ["test_orders"]

    def test_total(self):
        self.assertEqual(self.order.total, 5)
```
Good:
```python tests/factories.py
import factory

from shop.models import Order


class OrderFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Order
```
```python tests/test_orders.py
from tests.factories import OrderFactory


def test_orders():
    assert OrderFactory(total=5).total == 5
```
Good: data that the application itself needs, other JSON, and projects without factories.
```python tests/factories.py
import factory

from shop.models import Order


class OrderFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Order
```
```json shop/fixtures/countries.json
[{"model": "shop.country", "pk": 1, "fields": {"code": "DE"}}]
```
```json tests/fixtures/answer.json
[{"total": 5}]
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.python_classes import Classes
from rules.facts.tests import Suite
from rules.kit import DataFile, Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="TST112",
    severity=Severity.NOTICE,
    checklist=("tests.factories",),
    files=("*/fixtures/*.json", "*/fixtures/*.yaml", "*/fixtures/*.yml", "fixtures/*.json"),
)

_REFERENCE = re.compile(
    r"(?i)initial|reference|countr|currenc|default|permission|group|site|flatpage|language|region|seed|demo"
)
_FACTORIES = frozenset(
    {"DjangoModelFactory", "SQLAlchemyModelFactory", "AsyncSQLAlchemyFactory", "ModelFactory"}
)


@rule.on(DataFile)
def check(file: DataFile, here: Here) -> Iterator[Flag]:
    name = file.path.rpartition("/")[2]
    if _REFERENCE.search(name) or not _is_rows(file.data):
        return
    stem = name.rpartition(".")[0]
    suite: Suite = here.project.facts(Suite)
    if not any(True for _ in suite.naming(stem)) and not _is_said(name, suite):
        return
    factory = _factory(here)
    if factory:
        message = (
            f"Rows for tests in a file of their own, while the project has factories (`{factory}`): the "
            "reader of the test does not see them. Make them in the test."
        )
        yield Flag(0, message, identity=f"fixture {name}")


def _is_rows(data: object) -> bool:
    """Whether the file is one that `loaddata` reads."""
    rows = data if isinstance(data, list) else []
    return bool(rows) and all(isinstance(r, dict) and {"model", "fields"} <= set(r) for r in rows)


def _is_said(name: str, suite: Suite) -> bool:
    return any(name in text for record in suite.by_path.values() for text in record.texts)


def _factory(here: Here) -> str:
    classes: Classes = here.project.facts(Classes)
    for key, (_, record) in classes.by_name.items():
        if any(base.rpartition(".")[2] in _FACTORIES for base in record.bases):
            return key.rpartition(".")[2]
    return ""
