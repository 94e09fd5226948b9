"""A model does more than to know its data.

Methods that send mail or call other services make every test, migration and script that touches
the model reach out too, and the class grows with each feature that has anything to do with it.
Move them to a service that is given the row.

Bad:
```python
import requests
from django.core.mail import send_mail
from django.db import models


class Order(models.Model):  # flagged
    total = models.IntegerField()
    email = models.EmailField()

    def confirm(self):
        send_mail("Your order", "Thank you", None, [self.email])

    def ship(self):
        requests.post("https://ship.example.org", json={"order": self.pk}, timeout=5)

    def remind(self):
        send_mail("Still there?", "Your cart", None, [self.email])
```
Good:
```python shop/models.py
from django.db import models


class Order(models.Model):
    total = models.IntegerField()
    email = models.EmailField()
```
```python shop/services.py
from django.core.mail import send_mail


def confirm(order):
    send_mail("Your order", "Thank you", None, [order.email])
```
Good: much that it knows of itself, and a user that can be written to.
```python
from django.core.mail import send_mail
from django.db import models


class User(models.Model):
    name = models.CharField(max_length=100)
    email = models.EmailField()

    def __str__(self):
        return self.name

    @property
    def short_name(self):
        return self.name.split()[0]

    def email_user(self, subject, text):
        send_mail(subject, text, None, [self.email])
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.function_size import measure
from rules.facts.model_class import ModelClass
from rules.facts.side_effects import effect_of
from rules.kit import Flag, Here, Rule, Severity, find

rule = Rule(
    __name__,
    __doc__,
    code="FWK102",
    severity=Severity.NOTICE,
    frameworks=("django",),
    checklist=("django.fat-models",),
    scope="project",
)

_MOST_EFFECTS = 2  # methods that reach out
_MOST_STATEMENTS = 300


@rule.on(ModelClass)
def check(found: ModelClass, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_migration:
        return
    methods = [e for e in found.node.body.body if isinstance(e, cst.FunctionDef)]
    if not methods:
        return
    reaching = [each.name.value for each in methods if _reaches_out(each, here)]
    if len(reaching) > _MOST_EFFECTS:
        names = ", ".join(f"`{each}`" for each in reaching[:4])
        yield Flag(
            found.node,
            f"{len(reaching)} methods of `{found.node.name.value}` send mail or call other services: {names}. "
            "Move them to a service that is given the row.",
        )
        return
    total = sum(measure(each).statements for each in methods)
    if total > _MOST_STATEMENTS:
        yield Flag(
            found.node,
            f"`{found.node.name.value}` has {len(methods)} methods with {total} statements. Keep what it "
            "knows of itself, and move what others do with it to services.",
        )


def _reaches_out(method: cst.FunctionDef, here: Here) -> bool:
    if not here.mentions(("mail", "requests", "httpx", "urllib", "send_mail", "email_user")):
        return False
    return any(effect_of(each, here) in ("mail", "http") for each in find(method.body, cst.Call))
