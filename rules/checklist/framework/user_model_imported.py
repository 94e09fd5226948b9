"""Django's own `User` is imported, where the project has another user model.

With `AUTH_USER_MODEL` set, `django.contrib.auth.models.User` is a model without a table: queries
on it raise, and `isinstance` says no to every real user. Ask `get_user_model()`, and write
`settings.AUTH_USER_MODEL` in a relation.

Bad:
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["accounts"]
AUTH_USER_MODEL = "accounts.Account"
```
```python shop/views.py
from django.contrib.auth.models import User  # flagged
from django.http import JsonResponse


def people(request):
    return JsonResponse({"people": User.objects.count()})
```
Good:
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["accounts"]
AUTH_USER_MODEL = "accounts.Account"
```
```python shop/views.py
from django.contrib.auth import get_user_model
from django.http import JsonResponse

User = get_user_model()


def people(request):
    return JsonResponse({"people": User.objects.count()})
```
Bad: it may be set tomorrow.
```python books/models.py
from django.contrib.auth.models import Group, User  # flagged
from django.db import models


class Shelf(models.Model):
    owner = models.ForeignKey(User, on_delete=models.CASCADE)
```
Good: another model of that module, and what only a type checker reads.
```python shop/views.py
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def name(user: "User") -> str:
    return user.get_username()
```
Good: the project says that it keeps Django's.
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
AUTH_USER_MODEL = "auth.User"
```
```python shop/views.py
from django.contrib.auth.models import User


def people(request):
    return User.objects.count()
```
Good: tests of a project that keeps it.
```python tests/test_login.py
from django.contrib.auth.models import User


def test_login(client, db):
    User.objects.create_user("ann")
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.module_head import after_imports
from rules.facts.user_model import UserModel
from rules.kit import (
    Confidence,
    Fix,
    Flag,
    Here,
    Replace,
    Rule,
    Severity,
    dotted,
)

rule = Rule(
    __name__,
    __doc__,
    code="FWK131",
    severity=Severity.WARNING,
    frameworks=("django",),
    checklist=("django.user-model",),
    fix="suggestion",
    peers=("pylint:E5142", "pylint:imported-auth-user"),
)

_MODULE = "django.contrib.auth.models"


@rule.on(cst.ImportFrom, words=("User",))
def check(node: cst.ImportFrom, here: Here) -> Iterator[Flag]:
    if dotted(node.module) != _MODULE or isinstance(node.names, cst.ImportStar):
        return
    if not any(dotted(each.name) == "User" for each in node.names) or here.is_migration:
        return
    if here.around(node, cst.If) is not None or here.around(node, cst.ClassDef) is not None:
        return
    users: UserModel = here.project.facts(UserModel)
    if users.is_djangos or (not users.chosen and (here.is_test or here.is_script)):
        return
    why = (
        f"Users of this project are `{users.chosen[:60]}`: `User` of Django has no table here."
        if users.chosen
        else "Where the user model is another one, `User` of Django has no table."
    )
    yield Flag(
        node,
        f"{why} Ask `get_user_model()`, and write `settings.AUTH_USER_MODEL` in relations.",
        confidence=Confidence.HOTSPOT if users.is_open else None,
        fix=_fix(node, here),
    )


def _fix(node: cst.ImportFrom, here: Here) -> Fix | None:
    """For an import at the top of nothing else than `User`."""
    names = node.names
    line = here.parent(node)
    if isinstance(names, cst.ImportStar) or len(names) != 1 or names[0].asname is not None:
        return None
    if here.module is None or line not in here.module.body:
        return None
    given = Replace(node, "from django.contrib.auth import get_user_model")
    edits = after_imports(here, "User = get_user_model()", given)
    return Fix(edits) if edits else None
