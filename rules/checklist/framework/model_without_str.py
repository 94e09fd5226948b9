"""A model does not say how its rows are called.

Without `__str__` the admin, every choice of a form, logs and error pages show `Book object (7)`.
Return what people know a row by.

Bad:
```python
from django.db import models


class Book(models.Model):  # flagged
    title = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=8, decimal_places=2)

    def reprice(self, price):
        self.price = price
```
Good:
```python
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=8, decimal_places=2)

    def __str__(self):
        return self.title

    def reprice(self, price):
        self.price = price
```
Good: it comes from a base, or is not needed.
```python
from django.db import models


class Named(models.Model):
    name = models.CharField(max_length=100)

    class Meta:
        abstract = True

    def __str__(self):
        return self.name


class Author(Named):
    born = models.DateField()


class Writer(Author):
    class Meta:
        proxy = True
```
Good: a table between two others, and a base that nobody knows.
```python
from django.db import models
from library.models import Entry


class Authorship(models.Model):
    book = models.ForeignKey("Book", on_delete=models.CASCADE)
    author = models.ForeignKey("Author", on_delete=models.CASCADE)
    position = models.IntegerField(default=0)


class Note(Entry):
    text = models.TextField()
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.admin_sites import AdminSites
from rules.facts.django_models import Model
from rules.facts.model_class import ModelClass
from rules.facts.model_habits import ModelHabits
from rules.facts.python_classes import Classes
from rules.kit import Confidence, Fix, Flag, Here, InsertBefore, Project, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="FWK108",
    severity=Severity.NOTICE,
    frameworks=("django",),
    checklist=("django.model-design",),
    fix="suggestion",
    peers=("ruff:DJ008", "flake8:DJ08", "pylint:E5101"),
)

_NAMES = ("name", "title", "label", "username", "email", "slug", "code", "subject", "number", "key")
_TEXTS = frozenset({"CharField", "TextField", "SlugField", "EmailField"})
_RELATIONS = frozenset({"ForeignKey", "OneToOneField"})
_PLAIN = frozenset({"django.db.models.Model", "django.contrib.gis.db.models.Model", "object"})
_BETWEEN = 2  # relations of a table that joins two others


@rule.on(ModelClass, words=("Model", "models"))
def check(found: ModelClass, here: Here) -> Iterator[Flag]:
    model = found.model
    if model is None or model.abstract or model.proxy or here.is_test or here.is_migration:
        return
    if not found.fields or _is_known_by_name(model, found, here) or _joins(model):
        return
    habits: ModelHabits = here.project.facts(ModelHabits)
    yield Flag(
        found.node,
        f"A `{model.name}` is shown as `{model.name} object (1)` in the admin, forms and logs. "
        "Give it a `__str__`.",
        fix=_fix(found, model),
        confidence=None if habits.named and _is_seen(model, here) else Confidence.HOTSPOT,
    )


def _is_known_by_name(model: Model, found: ModelClass, here: Here) -> bool:
    """Whether it, or something that it builds on, says how it is called; or may."""
    names = {e.name.value for e in found.node.body.body if isinstance(e, cst.FunctionDef)}
    if "__str__" in names or any(
        isinstance(each, cst.SimpleStatementLine) and "__str__" in here.source(each)
        for each in found.node.body.body
    ):
        return True
    classes: Classes = here.project.facts(Classes)
    foreign = [each for each in classes.lineage(model.key) if each not in classes.by_name]
    return bool(classes.methods(model.key, "__str__")) or any(e not in _PLAIN for e in foreign)


def _is_seen(model: Model, here: Here) -> bool:
    """Whether it has a name to be shown by, or the admin shows it."""
    if any(each in model.fields and model.fields[each].type in _TEXTS for each in _NAMES):
        return True
    sites: AdminSites = here.project.facts(AdminSites)
    return any(model.key in sites.models_of(each) for each in here.project.facts(_Admins))


class _Admins:
    """The classes of a project whose names say that they are of the admin."""

    @classmethod
    def gather(cls, project: Project) -> tuple[str, ...]:
        classes: Classes = project.facts(Classes)
        return tuple(each for each in classes.by_name if each.endswith("Admin"))


def _joins(model: Model) -> bool:
    kinds = [each.type for each in model.fields.values()]
    return sum(1 for each in kinds if each in _RELATIONS) >= _BETWEEN and not (
        _TEXTS.intersection(kinds)
    )


def _fix(found: ModelClass, model: Model) -> Fix | None:
    """Before the first method, where there is one and a field to show."""
    shown = next((e for e in _NAMES if e in model.fields and model.fields[e].type in _TEXTS), None)
    first = next((e for e in found.node.body.body if isinstance(e, cst.FunctionDef)), None)
    if (
        shown is None
        or first is None
        or first.decorators
        or "null" in model.fields[shown].record.keywords
    ):
        return None
    return Fix((InsertBefore(first, ("def __str__(self):", f"    return self.{shown}", "")),))
