"""Writes that belong together are not one transaction.

If the second of them fails, the first one stays: an order without lines, a user without a
profile. Put them into one transaction (`transaction.atomic()`, one commit at the end), so that
all of them happen or none.

Bad:
```python shop/models.py
from django.db import models


class Order(models.Model):
    total = models.IntegerField()


class Line(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE)
```
```python shop/views.py
from django.http import HttpResponse

from shop.models import Line, Order


def place(request):
    order = Order.objects.create(total=0)
    Line.objects.create(order=order)  # flagged
    return HttpResponse(status=201)
```
Bad: two commits, the second of which needs the first.
```python app/api.py
from fastapi import APIRouter, Depends

router = APIRouter()


@router.post("/orders")
def place(body: NewOrder, db=Depends(get_db)):
    order = Order(total=body.total)
    db.add(order)
    db.commit()
    db.add(Line(order_id=order.id))
    db.commit()  # flagged
    return order
```
Good:
```python shop/models.py
from django.db import models


class Order(models.Model):
    total = models.IntegerField()


class Line(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE)
```
```python shop/views.py
from django.db import transaction
from django.http import HttpResponse

from shop.models import Line, Order


def place(request):
    with transaction.atomic():
        order = Order.objects.create(total=0)
        Line.objects.create(order=order)
    return HttpResponse(status=201)


@transaction.atomic
def place_again(request):
    order = Order.objects.create(total=0)
    Line.objects.create(order=order)
    return HttpResponse(status=201)
```
```python app/api.py
from fastapi import APIRouter, Depends

router = APIRouter()


@router.post("/orders")
def place(body: NewOrder, db=Depends(get_db)):
    order = Order(total=body.total)
    db.add(order)
    db.flush()
    db.add(Line(order_id=order.id))
    db.commit()
    return order
```
Good: every request is a transaction.
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "ATOMIC_REQUESTS": True}}
```
```python shop/models.py
from django.db import models


class Order(models.Model):
    total = models.IntegerField()


class Line(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE)
```
```python shop/views.py
from django.http import HttpResponse

from shop.models import Line, Order


def place(request):
    order = Order.objects.create(total=0)
    Line.objects.create(order=order)
    return HttpResponse(status=201)
```
Good: writes that do not need one another, and branches of which one is taken.
```python app/api.py
from fastapi import APIRouter, Depends

router = APIRouter()


@router.post("/orders")
def place(body: NewOrder, db=Depends(get_db)):
    if body.draft:
        db.add(Draft(total=body.total))
        db.commit()
        return None
    db.add(Order(total=body.total))
    db.commit()
    return None
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.call_chain import chain_of
from rules.facts.django_models import Models
from rules.facts.querysets import Query, QueryReader, Row
from rules.facts.routes import view_of
from rules.facts.settings_modules import SettingsModules
from rules.kit import Confidence, Flag, Here, Rule, Severity, dotted, find, walk_own

rule = Rule(
    __name__,
    __doc__,
    code="DBQ119",
    severity=Severity.NOTICE,
    checklist=("database.transactions",),
    scope="project",
)

_MAKES = frozenset(
    {"create", "acreate", "bulk_create", "get_or_create", "update_or_create", "save"}
)
_ATOMIC = re.compile(r"atomic|transaction|begin|savepoint|commit_on_success", re.IGNORECASE)
_LOGS = re.compile(r"(Log|Audit|Event|History|Activity|Notification|Stat|Metric|Token|Message)s?$")


@rule.on(cst.FunctionDef, words=("create", "save", "acreate", "bulk_create"))
def in_django(node: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    made = _first_made(node, here)
    if made is None or _is_spared(here) or _is_atomic(node, here) or _has_atomic_requests(here):
        return
    name, first = made
    for call in _later_writes(node, name, first, here):
        model = _written(call, here)
        if model is None or _LOGS.search(model):
            continue
        sure = _is_entry(node, here)
        message = (
            f"If this write of `{model}` fails, the `{name}` that was saved before stays without "
            f"it; put both into `transaction.atomic()` in `{node.name.value}`."
        )
        yield Flag(call, message, confidence=None if sure else Confidence.HOTSPOT)
        return


@rule.on(cst.Call, calls=("commit",))
def in_sqlalchemy(call: cst.Call, here: Here) -> Iterator[Flag]:
    node = here.function(call)
    if node is None or _is_spared(here):
        return
    commits = [
        each
        for line in node.body.body
        if isinstance(line, cst.SimpleStatementLine)
        for each in walk_own(line)
        if isinstance(each, cst.Call) and _is_commit(each)
    ]
    if (
        len(commits) < 2
        or commits[-1] is not call
        or not here.mentions(("sqlalchemy", "sqlmodel", "db", "session"))
    ):
        return
    owner = dotted(commits[0].func)
    if any(dotted(each.func) != owner for each in commits) or view_of(node, here) is None:
        return
    if not _adds_between(node, commits):
        return
    message = (
        f"`{node.name.value}` commits {len(commits)} times, so what was written before stays if "
        "this one fails; flush in between and commit once at the end."
    )
    yield Flag(commits[-1], message)


def _is_spared(here: Here) -> bool:
    return here.is_test or here.is_script or here.is_migration


def _is_atomic(node: cst.FunctionDef, here: Here) -> bool:
    """Whether the function, or the class that holds it, speaks of a transaction."""
    if any(_ATOMIC.search(each.value) for each in find(node, cst.Name)):
        return True
    owner = here.around(node, cst.ClassDef)
    if owner is None:
        return False
    decorators = [here.source(each.decorator) for each in owner.decorators]
    bases = [dotted(each.value) for each in owner.bases]
    return any(_ATOMIC.search(each) for each in (*decorators, *bases))


def _first_made(node: cst.FunctionDef, here: Here) -> tuple[str, cst.Call] | None:
    """The first row that the function itself saves, by its variable."""
    for line in node.body.body:
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            match each:
                case cst.Assign(
                    targets=[cst.AssignTarget(target=cst.Name(value=name))],
                    value=cst.Call(func=cst.Attribute(attr=cst.Name(value="create"))) as call,
                ) if _written(call, here) is not None:
                    return name, call
                case cst.Expr(
                    value=cst.Call(
                        func=cst.Attribute(value=cst.Name(value=name), attr=cst.Name(value="save"))
                    ) as call
                ) if name != "self" and _is_new(call, here):
                    return name, call
                case _:
                    pass
    return None


def _is_new(call: cst.Call, here: Here) -> bool:
    """`order.save()` after `order = Order(...)`."""
    owner = call.func.value if isinstance(call.func, cst.Attribute) else None
    made = here.value_of(owner) if owner is not None else None
    return isinstance(made, cst.Call) and QueryReader(here).model_of(made.func) is not None


def _later_writes(
    node: cst.FunctionDef, name: str, first: cst.Call, here: Here
) -> Iterator[cst.Call]:
    """Writes after the first that are given its row."""
    seen = False
    for each in find(node.body, cst.Call):
        if each is first:
            seen = True
            continue
        if (
            not seen
            or not isinstance(each.func, cst.Attribute)
            or each.func.attr.value not in _MAKES
        ):
            continue
        if here.around(each, cst.FunctionDef) is not node:
            continue
        given = [n for arg in each.args for n in find(arg, cst.Name) if n.value == name]
        if given or _is_below(each, name, here):
            yield each


def _is_below(call: cst.Call, name: str, here: Here) -> bool:
    """`order.lines.create()`: rows of the row that was made."""
    chain = chain_of(call.func, here)
    return dotted(call.func).startswith(f"{name}.") and len(chain.links) > 2


def _written(call: cst.Call, here: Here) -> str | None:
    """The model that a call writes."""
    if not isinstance(call.func, cst.Attribute):
        return None
    reader = QueryReader(here)
    found = reader.value(call.func.value)
    models: Models = here.project.facts(Models)
    if isinstance(found, Query | Row):
        model = models.by_key.get(found.model)
        return model.name if model is not None else None
    if call.func.attr.value == "save":
        made = here.value_of(call.func.value)
        model = reader.model_of(made.func) if isinstance(made, cst.Call) else None
        return model.name if model is not None else None
    return None


def _is_entry(node: cst.FunctionDef, here: Here) -> bool:
    """Whether nobody can have begun a transaction before: a view, or what REST framework calls."""
    owner = here.around(node, cst.ClassDef)
    if owner is not None:
        bases = [dotted(each.value) for each in owner.bases]
        if any(each.endswith("Serializer") for each in bases):
            return node.name.value in ("create", "update", "save")
        if node.name.value in ("perform_create", "perform_update", "form_valid"):
            return True
    return view_of(node, here) is not None


def _has_atomic_requests(here: Here) -> bool:
    settings: SettingsModules = here.project.facts(SettingsModules)
    for path in settings.by_path:
        for each in settings.modules.by_path[path].assignments:
            held = (each.name, each.value, *each.args, *each.keywords.values())
            if any("ATOMIC_REQUESTS" in text for text in held):
                return True
    return False


def _is_commit(call: cst.Call) -> bool:
    return isinstance(call.func, cst.Attribute) and call.func.attr.value == "commit"


def _adds_between(node: cst.FunctionDef, commits: list[cst.Call]) -> bool:
    """Whether the last commit writes something, and rows were added before the first too."""
    order = [each for each in find(node.body, cst.Call) if isinstance(each.func, cst.Attribute)]
    first, last = order.index(commits[0]), order.index(commits[-1])
    owner = dotted(commits[0].func).removesuffix(".commit")

    def writes(calls: list[cst.Call]) -> bool:
        names = {f"{owner}.{each}" for each in ("add", "add_all", "delete", "merge")}
        return any(dotted(each.func) in names for each in calls)

    return writes(order[:first]) and writes(order[first + 1 : last])
