"""Deleting a row leaves its file behind.

Django deletes the row and keeps the file of a `FileField`; so does saving another file in its
place. What nobody refers to any more stays in the storage, and may still be fetched by whoever
knows the address. Delete it in a `post_delete` receiver, or install django-cleanup.

Bad:
```python shop/models.py
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=100)
    cover = models.ImageField(upload_to="covers/")  # flagged
```
Good:
```python shop/models.py
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=100)
    cover = models.ImageField(upload_to="covers/")

    def delete(self, *args, **kwargs):
        self.cover.delete(save=False)
        return super().delete(*args, **kwargs)
```
Good: a library sees to it.
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop", "django_cleanup.apps.CleanupConfig"]
```
```python shop/models.py
from django.db import models


class Book(models.Model):
    cover = models.ImageField(upload_to="covers/")
```
Good: a receiver deletes it.
```python shop/models.py
from django.db import models


class Book(models.Model):
    cover = models.ImageField(upload_to="covers/")
```
```python shop/signals.py
from django.db.models.signals import post_delete
from django.dispatch import receiver

from shop.models import Book


@receiver(post_delete, sender=Book)
def delete_cover(sender, instance, **kwargs):
    instance.cover.delete(save=False)
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.file_removal import FileRemoval
from rules.facts.model_class import ModelClass
from rules.kit import Flag, Here, Rule, Severity, find

rule = Rule(
    __name__,
    __doc__,
    code="CLN118",
    severity=Severity.NOTICE,
    frameworks=("django",),
    checklist=("cleanup.media",),
    scope="project",
    default=False,
)


@rule.on(ModelClass, words=("FileField", "ImageField"))
def check(model: ModelClass, here: Here) -> Iterator[Flag]:
    if model.model is None or model.model.abstract or here.is_test or here.is_migration:
        return
    own = [
        (name, node)
        for name, node in model.fields.items()
        if name in model.model.fields
        and model.model.fields[name].type in ("FileField", "ImageField")
    ]
    if not own or _deletes(model.node):
        return
    removal: FileRemoval = here.project.facts(FileRemoval)
    if removal.serves(model.node.name.value):
        return
    for name, node in own:
        yield Flag(
            node,
            f"When a `{model.node.name.value}` is deleted or gets another `{name}`, the old file stays "
            "in the storage. Delete it in a `post_delete` receiver, or install django-cleanup.",
        )


def _deletes(node: cst.ClassDef) -> bool:
    return any(each.name.value == "delete" for each in find(node.body, cst.FunctionDef))
