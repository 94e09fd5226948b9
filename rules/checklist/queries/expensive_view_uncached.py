"""A page computes sums over whole tables for each visitor, and caches nothing.

The figures are the same for everybody and for a while, but the database adds them up again for
each request. Cache the view or the figures for as long as they may be old.

Bad:
```python shop/models.py
from django.db import models


class Order(models.Model):
    total = models.IntegerField()
```
```python shop/views.py
from django.db.models import Avg, Sum
from django.shortcuts import render

from shop.models import Order


def figures(request):  # flagged
    total = Order.objects.aggregate(Sum("total"))
    mean = Order.objects.aggregate(Avg("total"))
    count = Order.objects.count()
    return render(request, "figures.html", {"total": total, "mean": mean, "count": count})
```
```python shop/caching.py
from django.core.cache import cache
```
Good:
```python shop/views.py
from django.db.models import Avg, Sum
from django.shortcuts import render
from django.views.decorators.cache import cache_page

from shop.models import Order


@cache_page(300)
def figures(request):
    total = Order.objects.aggregate(Sum("total"))
    mean = Order.objects.aggregate(Avg("total"))
    count = Order.objects.count()
    return render(request, "figures.html", {"total": total, "mean": mean, "count": count})
```
Good: figures of the user that is logged in.
```python shop/views.py
from django.core.cache import cache
from django.db.models import Avg, Sum
from django.shortcuts import render

from shop.models import Order


def mine(request):
    found = Order.objects.filter(owner=request.user)
    total = found.aggregate(Sum("total"))
    mean = found.aggregate(Avg("total"))
    return render(request, "mine.html", {"total": total, "mean": mean, "count": found.count()})
```
Good: a project that caches nowhere.
```python shop/views.py
from django.db.models import Avg, Sum

from shop.models import Order


def figures(request):
    total = Order.objects.aggregate(Sum("total"))
    mean = Order.objects.aggregate(Avg("total"))
    return {"total": total, "mean": mean, "count": Order.objects.count()}
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.python_modules import Modules
from rules.facts.routes import READING, view_of
from rules.kit import Flag, Here, Rule, Severity, find

rule = Rule(
    __name__,
    __doc__,
    code="DBQ124",
    severity=Severity.NOTICE,
    frameworks=("django",),
    checklist=("performance.caching", "performance.view-caching"),
    scope="project",
    default=False,
)

_ADDS_UP = frozenset({"aggregate", "count", "aaggregate", "acount"})
_ENOUGH = 3
_OF_USER = re.compile(
    r"request\.(user|session)|current_user|get_user|login_required|Depends\(get_current|cache",
    re.IGNORECASE,
)
_CACHES = re.compile(
    r"^(django\.core\.cache|django\.views\.decorators\.cache|flask_caching|fastapi_cache|aiocache)\b"
)


@rule.on(cst.FunctionDef, words=("aggregate", "aaggregate"))
def check(node: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    if any(each.name.value not in ("self", "request") for each in node.params.params):
        return
    view = view_of(node, here)
    if view is None or here.is_test or (view.methods and not view.methods <= READING):
        return
    adding = [
        each
        for each in find(node.body, cst.Call)
        if isinstance(each.func, cst.Attribute) and each.func.attr.value in _ADDS_UP
    ]
    if len(adding) < _ENOUGH or _OF_USER.search(here.source(node)) or not _caches(here):
        return
    message = (
        f"`{node.name.value}` adds up {len(adding)} figures over whole tables for each request, "
        "the same for everybody; cache the view, or the figures."
    )
    yield Flag(node, message)


def _caches(here: Here) -> bool:
    """Whether the project uses a cache at all."""
    modules: Modules = here.project.facts(Modules)
    return any(
        _CACHES.search(target)
        for record in modules.by_path.values()
        for target in record.imports.values()
    )
