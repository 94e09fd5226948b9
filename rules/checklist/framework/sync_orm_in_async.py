"""An async function asks the database in a way that only works in sync code.

Django raises `SynchronousOnlyOperation` when a query runs in the thread of the event loop. Use the
methods with an `a` before their names, `async for`, or `sync_to_async`.

Bad:
```python shop/models.py
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=100)
```
```python shop/views.py
from io import StringIO

from django.http import JsonResponse

from shop.models import Book


async def detail(request, key):
    book = Book.objects.get(pk=key)  # flagged
    book.title = "new"
    book.save()  # flagged
    others = Book.objects.exclude(pk=key).count()  # flagged
    return JsonResponse({"title": book.title, "others": others})


async def index(request):
    titles = StringIO()
    for book in Book.objects.order_by("title"):  # flagged
        titles.write(book.title)
    return JsonResponse({"text": titles.getvalue(), "all": list(Book.objects.all())})  # flagged
```
Good:
```python shop/models.py
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=100)
```
```python shop/views.py
from io import StringIO

from django.http import JsonResponse

from shop.models import Book


async def detail(request, key):
    book = await Book.objects.aget(pk=key)
    book.title = "new"
    await book.asave()
    others = await Book.objects.exclude(pk=key).acount()
    return JsonResponse({"title": book.title, "others": others})


async def index(request):
    titles = StringIO()
    async for book in Book.objects.order_by("title"):
        titles.write(book.title)
    return JsonResponse({"text": titles.getvalue(), "all": [each async for each in Book.objects.all()]})
```
Bad: a model that only its manager tells of.
```python shop/models.py
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=100)
```
```python shop/stages.py
async def store(kinds, rows):
    for kind in kinds:
        kind.objects.bulk_create(rows[kind])  # flagged
```
Good:
```python shop/models.py
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=100)
```
```python shop/stages.py
async def store(kinds, rows):
    for kind in kinds:
        await kind.objects.abulk_create(rows[kind])
```
Bad: a transaction.
```python shop/stages.py
from django.db import transaction


async def store(keep, rows):
    with transaction.atomic():  # flagged
        keep(rows)
```
Good:
```python shop/stages.py
from asgiref.sync import sync_to_async
from django.db import transaction


async def store(keep, rows):
    def work():
        with transaction.atomic():
            keep(rows)

    await sync_to_async(work)()
```
Good: in a thread, or not asked yet.
```python shop/models.py
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=100)
```
```python shop/views.py
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async

from shop.models import Book


async def detail(request, key):
    query = Book.objects.filter(pk=key)
    count = await sync_to_async(query.count)()
    first = await sync_to_async(lambda: Book.objects.first())()

    @database_sync_to_async
    def load():
        return list(Book.objects.all())

    return count, first, await load()
```
Good: models of another library, whose methods are awaited.
```python shop/views.py
from shop.documents import Book


async def detail(key):
    return await Book.objects.get(pk=key)
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.blocking import loop_function
from rules.facts.call_chain import Chain, chain_of
from rules.facts.django_models import Models
from rules.kit import (
    Confidence,
    Fix,
    Flag,
    Here,
    Project,
    Replace,
    ReplaceHead,
    Rule,
    Severity,
    dotted,
)

rule = Rule(
    __name__,
    __doc__,
    code="FWK113",
    severity=Severity.ERROR,
    frameworks=("django",),
    checklist=(
        "django.async-views",
        "ninja.async",
        "database.async-access",
        "performance.async",
    ),
    scope="project",
    fix="suggestion",
)

_ASKING = (
    "get", "create", "count", "exists", "first", "last", "latest", "earliest", "update", "delete",
    "aggregate", "in_bulk", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "save",
    "refresh_from_db",
)  # fmt: skip
_FILLING = ("list", "tuple", "set", "len", "sorted")
_OF_QUERY = frozenset({"values", "values_list", "filter", "exclude", "all", "order_by", "annotate"}) | {
    "select_related", "prefetch_related", "distinct", "reverse", "only", "defer", "using",
}  # fmt: skip


@rule.on(cst.Call, calls=_ASKING, words=("objects",))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if not isinstance(call.func, cst.Attribute) or not _runs_in_loop(call, here):
        return
    name = call.func.attr.value
    chain = chain_of(call, here)
    sure = _is_of_model(chain, here)
    if isinstance(here.parent(call), cst.Await) or sure is None:
        return
    if name in ("save", "refresh_from_db") and not _is_row(chain):
        return
    called = call.with_changes(func=call.func.with_changes(attr=cst.Name(f"a{name}")))
    yield Flag(
        call,
        _message(call, here, f"await it as `a{name}()`"),
        fix=_awaiting(call, called, here),
        confidence=sure,
    )


@rule.on(cst.Call, calls=("atomic",), words=("atomic",))
def check_transaction(call: cst.Call, here: Here) -> Iterator[Flag]:
    if not isinstance(here.parent(call), cst.WithItem) or not _runs_in_loop(call, here):
        return
    if "django.db.transaction.atomic" in here.names(call.func):
        message = "do it in a function of its own, and call that with `sync_to_async`"
        yield Flag(call, _message(call, here, message))


@rule.on(cst.Call, calls=_FILLING, words=("objects",))
def check_filling(call: cst.Call, here: Here) -> Iterator[Flag]:
    if len(call.args) != 1 or call.args[0].star or not _runs_in_loop(call, here):
        return
    query = call.args[0].value
    sure = _is_query(query, here)
    if sure is None:
        return
    fix = None
    if dotted(call.func) == "list":
        fix = Fix((Replace(call, f"[each async for each in {here.source(query)}]"),))
    yield Flag(call, _message(call, here, "use `async for`"), fix=fix, confidence=sure)


@rule.on(cst.For, words=("objects",))
def check_loop(loop: cst.For, here: Here) -> Iterator[Flag]:
    if loop.asynchronous is not None or not _runs_in_loop(loop, here):
        return
    sure = _is_query(loop.iter, here)
    if sure is None:
        return
    head = f"async for {here.source(loop.target)} in {here.source(loop.iter)}:"
    fix = Fix((ReplaceHead(loop, head),)) if "\n" not in head else None
    yield Flag(loop, _message(loop, here, "use `async for`"), fix=fix, confidence=sure)


def _runs_in_loop(node: cst.CSTNode, here: Here) -> bool:
    return here.mentions(("async",)) and loop_function(node, here) is not None


def _is_query(node: cst.BaseExpression, here: Here) -> Confidence | None:
    """Whether an expression is a query set that was not asked yet."""
    chain = chain_of(node, here)
    if not chain.links or chain.links[-1].name not in _OF_QUERY:
        return None
    return _is_of_model(chain, here)


def _is_of_model(chain: Chain, here: Here) -> Confidence | None:
    """Whether a chain begins with the manager of a Django model: for sure, perhaps, or (None) not."""
    names = chain.names
    if "objects" not in names or not isinstance(chain.root, cst.Name):
        return None
    before = names[: names.index("objects")]
    models: Models = here.project.facts(Models)
    found = here.names(chain.root)
    for each in found:
        full = ".".join((each, *before))
        if full.startswith("django.contrib.") or models.find(full) is not None:
            return Confidence.PROVEN
        last = full.rpartition(".")[2]
        if "models" in full.split(".") and last in here.project.facts(_ModelNames):
            return Confidence.PROVEN
    # A class that a variable holds: of whom else would it be, in a project of Django?
    unknown = not found or before[-1:] == ("__class__",)
    return Confidence.HOTSPOT if unknown and models.by_key else None


class _ModelNames:
    """The names of all models of a project, for those that are imported in ways nobody follows."""

    @classmethod
    def gather(cls, project: Project) -> frozenset[str]:
        models: Models = project.facts(Models)
        return frozenset(each.name for each in models.by_key.values())


def _is_row(chain: Chain) -> bool:
    """Whether the link before the last gives a row."""
    rows = {"get", "first", "last", "create", "latest", "earliest"}
    before = chain.links[-2].name if len(chain.links) > 1 else ""
    return before in rows or before.removeprefix("a") in rows


def _message(node: cst.CSTNode, here: Here, advice: str) -> str:
    function = loop_function(node, here)
    name = function.name.value if function is not None else ""
    return (
        f"Django refuses this query in the event loop that runs `{name}`, and raises "
        f"`SynchronousOnlyOperation`: {advice}."
    )


def _awaiting(call: cst.Call, called: cst.Call, here: Here) -> Fix:
    """`await` binds weaker than what may follow the call."""
    awaited: cst.BaseExpression = cst.Await(called)
    if isinstance(here.parent(call), cst.Attribute | cst.Subscript | cst.Call):
        awaited = awaited.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return Fix((Replace(call, awaited),))
