"""The admin of a model is slow to open, or lets a record be rewritten.

A relation to users is a list of all users in every form, thousands of lines long; a table without
`search_fields` can only be paged through; and whoever may change the record of what was done may
change what was done.

Bad:
```python shop/models.py
from django.conf import settings
from django.db import models


class Order(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    number = models.CharField(max_length=20)
```
```python shop/admin.py
from django.contrib import admin

from shop.models import Order


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):  # flagged
    search_fields = ["number"]
```
Good:
```python shop/models.py
from django.conf import settings
from django.db import models


class Order(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    number = models.CharField(max_length=20)
```
```python shop/admin.py
from django.contrib import admin

from shop.models import Order


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    raw_id_fields = ["owner"]
    search_fields = ["number"]
```
Bad: nothing to search by, and a record that may be rewritten.
```python shop/models.py
from django.db import models


class Customer(models.Model):
    email = models.EmailField()


class AuditLog(models.Model):
    text = models.TextField()
```
```python shop/admin.py
from django.contrib import admin

from shop.models import AuditLog, Customer


@admin.register(Customer)
class CustomerAdmin(admin.ModelAdmin):  # flagged
    list_display = ["email"]


@admin.register(AuditLog)
class AuditLogAdmin(admin.ModelAdmin):  # flagged
    search_fields = ["text"]
```
Good:
```python shop/models.py
from django.db import models


class Customer(models.Model):
    email = models.EmailField()


class AuditLog(models.Model):
    text = models.TextField()
```
```python shop/admin.py
from django.contrib import admin

from shop.models import AuditLog, Customer


@admin.register(Customer)
class CustomerAdmin(admin.ModelAdmin):
    list_display = ["email"]
    search_fields = ["email"]


@admin.register(AuditLog)
class AuditLogAdmin(admin.ModelAdmin):
    search_fields = ["text"]

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
```
Good: few rows, fields that are not in the form, and a base that may say it.
```python shop/models.py
from django.conf import settings
from django.db import models


class Country(models.Model):
    code = models.CharField(max_length=2)


class Order(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
```
```python shop/admin.py
from django.contrib import admin
from library.admin import LibraryAdmin

from shop.models import Country, Order


@admin.register(Country)
class CountryAdmin(admin.ModelAdmin):
    list_display = ["code"]


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    readonly_fields = ["owner"]
    search_fields = ["pk"]


class OtherOrderAdmin(LibraryAdmin):
    model = Order
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.admin_sites import AdminSites
from rules.facts.call_chain import is_lookup_table
from rules.facts.django_models import Model, Models
from rules.facts.python_classes import Classes
from rules.kit import Confidence, Fix, Flag, Here, InsertBefore, Rule, Severity, dotted

rule = Rule(
    __name__,
    __doc__,
    code="FWK111",
    severity=Severity.NOTICE,
    frameworks=("django",),
    checklist=("django.admin",),
    scope="project",
    fix="suggestion",
)

_HANDLES_RELATION = (
    "raw_id_fields", "autocomplete_fields", "readonly_fields", "fields", "fieldsets", "exclude", "form",
    "formfield_for_foreignkey", "get_readonly_fields", "get_form", "get_fields", "get_fieldsets",
    "has_change_permission", "formfield_overrides",
)  # fmt: skip
_PROTECTS = (
    "has_delete_permission",
    "has_change_permission",
    "readonly_fields",
    "get_readonly_fields",
)
_RECORD = re.compile(r"(Audit\w{0,20}|ActivityLog|EventLog|HistoryEntry|LoginHistory|AccessLog)$")
_BASES = frozenset({"django.contrib.admin.ModelAdmin", "django.contrib.admin.options.ModelAdmin"})
_USERS = ("settings.AUTH_USER_MODEL", "User", "get_user_model()", "'auth.User'")


@rule.on(cst.ClassDef, words=("ModelAdmin",))
def check(node: cst.ClassDef, here: Here) -> Iterator[Flag]:
    if not node.bases or here.is_test:
        return
    classes: Classes = here.project.facts(Classes)
    key = classes.find(f"{here.module_name}.{node.name.value}")
    line = classes.lineage(key) if key else ()
    foreign = [each for each in line if each not in classes.by_name]
    if not foreign or any(each not in _BASES for each in foreign):
        return
    said = {
        name
        for each in line
        if each in classes.by_name and each != key
        for name in _names(classes.by_name[each][1])
    }
    said |= set(_own_names(node))
    sites: AdminSites = here.project.facts(AdminSites)
    models: Models = here.project.facts(Models)
    for each in sites.models_of(key):
        model = models.by_key.get(each)
        if model is not None:
            yield from _of_model(node, model, said)
            return


def _own_names(node: cst.ClassDef) -> Iterator[str]:
    """What the class as it stands here sets and defines: a fix changes that first."""
    for line in node.body.body:
        if isinstance(line, cst.FunctionDef):
            yield line.name.value
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(each, cst.Assign):
                yield from (dotted(one.target) for one in each.targets)
            elif isinstance(each, cst.AnnAssign):
                yield dotted(each.target)


def _names(record: object) -> Iterator[str]:
    yield from (each.name for each in getattr(record, "fields", ()))
    yield from (each.name for each in getattr(record, "methods", ()))


def _of_model(node: cst.ClassDef, model: Model, said: set[str]) -> Iterator[Flag]:
    people = [
        name
        for name, field in model.fields.items()
        if field.type in ("ForeignKey", "OneToOneField")
        and _leads_to_users(field.record.args, field.record.keywords)
    ]
    if people and not said.intersection(_HANDLES_RELATION):
        yield Flag(
            node,
            f"The form of a `{model.name}` lists all users to choose `{people[0]}` from. Name it in "
            "`raw_id_fields` or `autocomplete_fields`.",
            fix=_fix(node, people),
        )
    elif _RECORD.search(model.name) and not said.intersection(_PROTECTS):
        yield Flag(
            node,
            f"Whoever may open a `{model.name}` here may change and delete it, and with it what was done. "
            "Deny both.",
        )
    elif not said & {"search_fields", "get_search_results"} and _is_searched(model):
        yield Flag(
            node,
            f"A `{model.name}` can only be found by paging through all of them. Give `search_fields`.",
            confidence=Confidence.HOTSPOT,
        )


def _leads_to_users(args: tuple[str, ...], keywords: dict[str, str]) -> bool:
    target = args[0] if args else keywords.get("to", "")
    return target in _USERS


def _is_searched(model: Model) -> bool:
    texts = sum(1 for each in model.fields.values() if each.type in ("CharField", "EmailField"))
    return bool(texts) and not is_lookup_table(model.name)


def _fix(node: cst.ClassDef, people: list[str]) -> Fix | None:
    first = node.body.body[0] if node.body.body else None
    if not isinstance(first, cst.SimpleStatementLine) or node.get_docstring() is not None:
        return None
    named = ", ".join(f'"{each}"' for each in people)
    return Fix((InsertBefore(first, (f"raw_id_fields = [{named}]",)),))
