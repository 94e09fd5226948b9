"""A text of a model may be empty in two ways.

With `null=True` a missing text is sometimes `None` and sometimes `""`: every query that looks for
one of them misses the other, and code that forgets the difference raises. Django's way is the
empty text alone.

Bad:
```python
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=100)
    blurb = models.TextField(blank=True, null=True)  # flagged
    isbn = models.CharField(max_length=13, null=True, db_index=True)  # flagged
```
Good:
```python
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=100)
    blurb = models.TextField(blank=True, default="")
    isbn = models.CharField(max_length=13, default="", db_index=True)
```
Good: several rows without a value, where values are unique, need `None`.
```python
from django.db import models


class Book(models.Model):
    isbn = models.CharField(max_length=13, unique=True, null=True)
    number = models.CharField(max_length=13, null=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["number"], name="one_number")]
```
Good: `None` is one of the choices, or a default.
```python
from django.db import models


class Book(models.Model):
    binding = models.CharField(max_length=10, null=True, choices=[(None, "unknown"), ("h", "hard")])
    note = models.TextField(null=True, default=None)
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.model_class import ModelClass
from rules.facts.model_habits import ModelHabits
from rules.kit import Confidence, Fix, Flag, Here, Replace, Rule, Severity, dotted, keyword

rule = Rule(
    __name__,
    __doc__,
    code="FWK109",
    severity=Severity.NOTICE,
    frameworks=("django",),
    checklist=("django.model-design",),
    fix="suggestion",
    peers=("ruff:DJ001", "flake8:DJ01", "pylint:E5141"),
)

_TEXTS = frozenset(
    f"django.db.models.{kind}"
    for kind in ("CharField", "TextField", "SlugField", "EmailField", "URLField", "FilePathField")
)


@rule.on(ModelClass, words=("null",))
def check(found: ModelClass, here: Here) -> Iterator[Flag]:
    model = found.model
    if model is None or here.is_test or here.is_migration:
        return
    habits: ModelHabits = here.project.facts(ModelHabits)
    constraints = model.options.get("constraints", "") + model.options.get("unique_together", "")
    for name, node in found.fields.items():
        if model.fields[name].own not in _TEXTS or not isinstance(node.value, cst.Call):
            continue
        call = node.value
        if dotted(keyword(call, "null")) != "True" or _means_none(call, here):
            continue
        if f"'{name}'" in constraints or f'"{name}"' in constraints:
            continue
        yield Flag(
            call,
            f"`{name}` may be empty as `None` and as `''`, and each query finds one of them. Leave "
            '`null=True` out and let it default to `""`.',
            fix=_fix(call),
            confidence=Confidence.HOTSPOT if habits.nullable else None,
        )


def _means_none(call: cst.Call, here: Here) -> bool:
    """Whether `None` is there on purpose."""
    if dotted(keyword(call, "unique")) == "True" or dotted(keyword(call, "default")) == "None":
        return True
    choices = keyword(call, "choices")
    return choices is not None and "None" in here.source(here.value_of(choices))


def _fix(call: cst.Call) -> Fix | None:
    if keyword(call, "default") is not None:
        return None
    for each in call.args:
        if each.keyword is not None and each.keyword.value == "null":
            named = each.with_changes(
                keyword=cst.Name("default"),
                value=cst.SimpleString('""'),
                comma=cst.MaybeSentinel.DEFAULT,
            )
            return Fix((Replace(each, cst.Module([]).code_for_node(named)),))
    return None
