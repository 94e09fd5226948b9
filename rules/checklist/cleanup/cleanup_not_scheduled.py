"""Exports or temporary uploads are written, and nothing ever deletes them.

Each export and each half of an upload stays on the disk or in the bucket: with the data of people
who may have asked to be forgotten. Delete them when they are old, in a task that runs every day,
or let the storage expire them.

Bad:
```python shop/exports.py
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage


def export(orders, user):
    name = default_storage.save(f"exports/{user.pk}.csv", ContentFile(orders))  # flagged
    return default_storage.url(name)
```
Good:
```python shop/exports.py
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage


def export(orders, user):
    name = default_storage.save(f"exports/{user.pk}.csv", ContentFile(orders))
    return default_storage.url(name)
```
```python shop/tasks.py
from celery import shared_task


@shared_task
def delete_old_exports():
    ...
```
Bad:
```python app/reports.py
from flask import current_app


def report(rows, number):
    path = f"/srv/shop/reports/{number}.csv"
    with open(path, "w") as file:  # flagged
        file.write(rows)
    return path
```
Good:
```python app/reports.py
import tempfile


def report(rows, send):
    with tempfile.TemporaryFile("w") as file:
        file.write(rows)
        send(file)
```
Good: what stays because it is wanted, what is always the same file, and what is only read.
```python shop/files.py
from django.core.files.storage import default_storage


def keep(book, cover, text):
    default_storage.save(f"covers/{book.pk}.jpg", cover)
    with open("/srv/shop/reports/latest.csv", "w") as file:
        file.write(text)
    with open(f"/srv/shop/reports/{book.pk}.csv") as file:
        return file.read()
```
Good: the function deletes it itself.
```python shop/send.py
import os


def send(rows, mail, number):
    path = f"/srv/shop/exports/{number}.csv"
    with open(path, "w") as file:
        file.write(rows)
    mail(path)
    os.remove(path)
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.console import is_run_by_hand, is_terminal_program
from rules.facts.housekeeping import Housekeeping
from rules.kit import (
    Confidence,
    Flag,
    Here,
    Rule,
    Severity,
    argument,
    dotted,
    find,
    string,
)

rule = Rule(
    __name__,
    __doc__,
    code="CLN117",
    severity=Severity.NOTICE,
    checklist=("cleanup.media", "cleanup.scheduled"),
    scope="project",
    confidence=Confidence.HOTSPOT,
)

_PASSING = re.compile(
    r"(^|[/\"'_])(exports?|reports?|tmp[-_]?uploads?|temp[-_]?(uploads?|files?)|temporary|chunks|previews?)/"
)
_STORAGES = frozenset({"django.core.files.storage.default_storage"})
_REMOVAL = re.compile(r"(?i)remove|unlink|rmtree|delete|clean|rename|replace|move")


@rule.on(cst.Call, calls=("save",), words=("default_storage",))
def check_storage(call: cst.Call, here: Here) -> Iterator[Flag]:
    owner = call.func.value if isinstance(call.func, cst.Attribute) else None
    if owner is None or not here.names(owner) & _STORAGES:
        return
    yield from _judge(call, argument(call, 0, "name"), here)


@rule.on(cst.Call, calls=("open",), words=("exports", "reports", "temp_uploads", "tmp_uploads"))
def check_open(call: cst.Call, here: Here) -> Iterator[Flag]:
    mode = string(argument(call, 1, "mode")) or ""
    if "builtins.open" in here.names(call.func) and mode[:1] in ("w", "x"):
        yield from _judge(call, argument(call, 0, "file"), here)


def _judge(call: cst.Call, path: cst.BaseExpression | None, here: Here) -> Iterator[Flag]:
    function = here.function(call)
    if path is None or function is None or here.is_test or here.is_migration:
        return
    value = here.value_of(path)
    if not isinstance(value, cst.FormattedString | cst.Call | cst.BinaryOperation):
        return
    found = _PASSING.search(here.source(value))
    if found is None or is_run_by_hand(here) or is_terminal_program(here):
        return
    if any(_REMOVAL.search(dotted(each.func)) for each in find(function.body, cst.Call)):
        return
    known: Housekeeping = here.project.facts(Housekeeping)
    if not known.cleaners:
        yield Flag(
            call,
            f"Files below `{found[2]}/` pile up: nothing in this project deletes old ones. Delete them "
            "in a scheduled task, or let the storage expire them.",
        )
