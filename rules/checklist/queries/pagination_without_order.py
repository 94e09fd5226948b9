"""Pages are cut from rows that have no order.

Without an order the database may give the rows differently for each page: some show up twice,
some never, and only now and then. Order by something that is unique, such as the primary key.

Bad:
```python shop/models.py
from django.db import models


class Order(models.Model):
    total = models.IntegerField()
```
```python shop/views.py
from django.core.paginator import Paginator
from django.views.generic import ListView

from shop.models import Order


def orders(request):
    pages = Paginator(Order.objects.filter(total__gt=0), 50)  # flagged
    return pages.get_page(request.GET.get("page"))


class OrderList(ListView):
    queryset = Order.objects.all()  # flagged
    paginate_by = 50
```
Good:
```python shop/models.py
from django.db import models


class Order(models.Model):
    total = models.IntegerField()
```
```python shop/views.py
from django.core.paginator import Paginator
from django.views.generic import ListView

from shop.models import Order


def orders(request):
    pages = Paginator(Order.objects.filter(total__gt=0).order_by("pk"), 50)
    return pages.get_page(request.GET.get("page"))


class OrderList(ListView):
    queryset = Order.objects.order_by("pk")
    paginate_by = 50
```
Bad: SQLAlchemy.
```python app/api.py
from sqlalchemy import select


def orders(session, skip: int = 0, limit: int = 100):
    return session.query(Order).offset(skip).limit(limit).all()  # flagged


def lines(session, skip: int = 0):
    return session.scalars(select(Line).where(Line.open).offset(skip).limit(50))  # flagged
```
Good: an order of the query, or of the model.
```python shop/models.py
from django.db import models


class Order(models.Model):
    total = models.IntegerField()

    class Meta:
        ordering = ["-total", "pk"]
```
```python shop/views.py
from django.core.paginator import Paginator

from shop.models import Order


def orders(request):
    return Paginator(Order.objects.filter(total__gt=0), 50)


def by_total(request):
    found = Order.objects.filter(total__gt=0).order_by("total")
    return Paginator(found, 50)
```
```python app/api.py
from sqlalchemy import select


def orders(session, skip: int = 0):
    return session.query(Order).order_by(Order.id).offset(skip).limit(50).all()


def lines(session, skip: int = 0):
    query = select(Line).order_by(Line.id)
    return session.scalars(query.offset(skip).limit(50))
```
Good: what cannot be seen, and what needs no order.
```python app/api.py
def page(session, query, skip: int):
    return session.scalars(query.offset(skip).limit(50))


def some(session):
    return session.query(Order).limit(5).all()


def chunks(items: list[int]):
    return Paginator(items, 50)
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.call_chain import Chain, chain_of
from rules.facts.django_models import Model, Models
from rules.facts.querysets import Query, QueryReader
from rules.kit import Flag, Here, Rule, Severity, argument, dotted, replacing

rule = Rule(
    __name__,
    __doc__,
    code="DBQ115",
    severity=Severity.NOTICE,
    checklist=("drf.pagination",),
    scope="project",
    fix="suggestion",
)

_ORDERS = frozenset({"order_by", "latest", "earliest", "reverse", "union", "intersection", "extra"})
_ORDERED = re.compile(r"order|sort|rank|recent|newest|latest")


@rule.on(cst.Call, calls=("Paginator",))
def in_paginator(node: cst.Call, here: Here) -> Iterator[Flag]:
    rows = argument(node, 0, "object_list")
    if (
        rows is None
        or here.is_test
        or "django.core.paginator.Paginator" not in here.names(node.func)
    ):
        return
    found = _unordered(rows, here)
    if found is not None:
        fixed = _ordered(rows, here)
        yield Flag(node, _said(f"`{found.name}`"), fix=replacing(rows, fixed) if fixed else None)


@rule.on(cst.ClassDef, words=("paginate_by", "pagination_class"))
def in_views(node: cst.ClassDef, here: Here) -> Iterator[Flag]:
    held = dict(_assigned(node))
    rows, paged = held.get("queryset"), held.get("paginate_by") or held.get("pagination_class")
    if rows is None or paged is None or here.is_test or _sorts(node, held, here):
        return
    if "ursor" in here.source(paged.value) or dotted(paged.value) == "None":
        return
    found = _unordered(rows.value, here)
    if found is not None:
        fixed = _ordered(rows.value, here)
        fix = replacing(rows.value, fixed) if fixed else None
        yield Flag(rows, _said(f"`{found.name}`"), fix=fix)


@rule.on(cst.Call, calls=("offset",))
def in_sqlalchemy(node: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_migration or not here.mentions(("sqlalchemy", "sqlmodel", "query")):
        return
    outer = _outermost(node, here)
    chain = chain_of(outer, here)
    names = chain.names
    if "limit" not in names or not _starts(chain, here):
        return
    if any(_ORDERED.search(each) for each in names) or {"subquery", "cte"} & set(names):
        return
    yield Flag(node, _said(_model_of(chain)))


def _assigned(node: cst.ClassDef) -> Iterator[tuple[str, cst.Assign]]:
    for line in node.body.body:
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(each, cst.Assign):
                yield dotted(each.targets[0].target), each


def _sorts(node: cst.ClassDef, held: dict[str, cst.Assign], here: Here) -> bool:
    """Whether the view gives its rows an order elsewhere."""
    if "ordering" in held or "filter_backends" in held:
        return True
    methods = {each.name.value for each in node.body.body if isinstance(each, cst.FunctionDef)}
    return bool(methods & {"get_queryset", "filter_queryset", "get_ordering"}) or any(
        "Order" in here.source(each.value) for each in node.bases
    )


def _unordered(rows: cst.BaseExpression, here: Here) -> Model | None:
    """The model of a query set, if neither the query nor the model gives an order."""
    chain = chain_of(rows, here)
    if not chain.links or any(_ORDERED.search(each) for each in chain.names):
        return None
    if set(chain.names) & _ORDERS or any(each.name == "[]" for each in chain.links):
        return None
    found = QueryReader(here).value(rows)
    if not isinstance(found, Query) or found.opaque or found.is_list or found.single:
        return None
    models: Models = here.project.facts(Models)
    model = models.by_key.get(found.model)
    if model is None or _has_order(model, models) or _is_custom(found, model):
        return None
    return model


def _has_order(model: Model, models: Models) -> bool:
    """What a base outside the project says cannot be read."""
    parents = (models.by_key.get(each) for each in model.parents)
    own = model.open or "ordering" in model.options or "order_with_respect_to" in model.options
    return own or any("ordering" in each.options for each in parents if each is not None)


def _is_custom(query: Query, model: Model) -> bool:
    """A manager of the project's own may order its rows."""
    return query.manager in model.managers and not model.managers[query.manager].func.endswith(
        "models.Manager"
    )


def _ordered(rows: cst.BaseExpression, here: Here) -> str:
    if not isinstance(rows, cst.Call):
        return ""
    source = here.source(rows)
    return f'{source.removesuffix(".all()")}.order_by("pk")'


def _outermost(node: cst.Call, here: Here) -> cst.BaseExpression:
    """The whole chain that a call is a part of."""
    at: cst.BaseExpression = node
    while True:
        above = here.parent(at)
        if not isinstance(above, cst.Attribute):
            return at
        beyond = here.parent(above)
        if not isinstance(beyond, cst.Call) or beyond.func is not above:
            return at
        at = beyond


def _starts(chain: Chain, here: Here) -> bool:
    """Whether all of the statement can be seen: `session.query(Order)`, `select(Order)`."""
    root = chain.root
    if isinstance(root, cst.Call) and dotted(root.func).rpartition(".")[2] == "select":
        return any(e.startswith(("sqlalchemy", "sqlmodel")) for e in here.names(root.func))
    first = chain.links[0] if chain.links else None
    if first is not None and first.name == "select" and first.call is not None:
        return any(e.startswith(("sqlalchemy", "sqlmodel")) for e in here.names(first.call.func))
    asked = next((each for each in chain.links if each.name == "query"), None)
    if asked is None:
        return False
    if asked.call is not None:
        return bool(asked.call.args)
    return isinstance(root, cst.Name) and root.value[:1].isupper()


def _model_of(chain: Chain) -> str:
    calls = [each.call for each in chain.links if each.name in ("query", "select") and each.call]
    if isinstance(chain.root, cst.Call):
        calls = [chain.root]
    first = dotted(calls[0].args[0].value) if calls and calls[0].args else dotted(chain.root)
    return f"`{first}`" if first else "the rows"


def _said(rows: str) -> str:
    return (
        f"The pages of {rows} have no order, so rows may show up on two of them or on none; "
        "order by something unique, such as the primary key."
    )
