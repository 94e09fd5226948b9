"""Saving a row sets off something that whoever saves it cannot see.

A receiver that sends mail or calls another service does so for every import, test and correction in
the admin, inside the transaction that may still fail. Do it where the thing happens, or in a task
after `on_commit`.

Bad:
```python
import requests
from django.core.mail import send_mail
from django.db.models.signals import post_save
from django.dispatch import receiver

from shop.models import Order


@receiver(post_save, sender=Order)
def confirm(sender, instance, created, **kwargs):
    if created:
        send_mail("Your order", "Thank you", None, [instance.email])  # flagged


def ship(sender, instance, **kwargs):
    requests.post("https://ship.example.org", json={"order": instance.pk}, timeout=5)  # flagged


post_save.connect(ship, sender=Order)
```
Good:
```python
from django.core.mail import send_mail


def place(order):
    order.save()
    send_mail("Your order", "Thank you", None, [order.email])
```
Good: what keeps rows and caches together, and work that waits for the commit.
```python
from django.core.cache import cache
from django.core.mail import send_mail
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from shop.models import Order
from shop.tasks import confirm


@receiver([post_save, post_delete], sender=Order)
def forget(sender, instance, **kwargs):
    cache.delete(f"order:{instance.pk}")


@receiver(post_save, sender=Order)
def later(sender, instance, **kwargs):
    transaction.on_commit(lambda: confirm.delay(instance.pk))
    transaction.on_commit(lambda: send_mail("Your order", "Thanks", None, [instance.email]))
```
Good: signals that are meant for that.
```python
from django.contrib.auth.signals import user_login_failed
from django.core.mail import mail_admins
from django.dispatch import receiver


@receiver(user_login_failed)
def warn(sender, **kwargs):
    mail_admins("Login failed", "Look at it")
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.side_effects import LASTS, effect_of
from rules.kit import Flag, Here, Rule, Severity, dotted

rule = Rule(
    __name__,
    __doc__,
    code="FWK130",
    severity=Severity.NOTICE,
    frameworks=("django",),
    checklist=("django.signals",),
    scope="project",
)

_SIGNALS = re.compile(r"^(pre|post)_(save|delete|init)$|^m2m_changed$")
_WORDS = {"mail": "sends mail", "http": "calls another service", "file": "makes a file"}


@rule.on(
    cst.Call,
    calls=LASTS,
    words=("post_save", "pre_save", "post_delete", "pre_delete", "m2m_changed"),
)
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    around = here.around(call, cst.FunctionDef, cst.Lambda)
    if not isinstance(around, cst.FunctionDef) or here.is_test:
        return
    kind = effect_of(call, here)
    if kind and (_is_decorated(around, here) or around.name.value in here.kept(_connected)):
        yield Flag(
            call,
            f"Every save sets this off: `{around.name.value}` {_WORDS[kind]}, inside the transaction and "
            "unseen by whoever saves. Do it where the thing happens, or in a task after `on_commit`.",
        )


def _is_decorated(function: cst.FunctionDef, here: Here) -> bool:
    for each in function.decorators:
        match each.decorator:
            case cst.Call(func=func, args=[first, *_]) if "receiver" in dotted(func):
                listed = first.value
                given = (
                    [one.value for one in listed.elements]
                    if isinstance(listed, cst.List | cst.Tuple)
                    else [listed]
                )
                return any(_SIGNALS.match(dotted(one).rpartition(".")[2]) for one in given)
    return False


def _connected(here: Here) -> frozenset[str]:
    """The functions that `post_save.connect(...)` names."""
    found = set()
    for each in here.find(cst.Call):
        match each:
            case cst.Call(
                func=cst.Attribute(value=owner, attr=cst.Name(value="connect")), args=[one, *_]
            ):
                if _SIGNALS.match(dotted(owner).rpartition(".")[2]):
                    found.add(dotted(one.value))
    return frozenset(found)
