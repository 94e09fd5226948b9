"""A list endpoint returns every row of a table.

It is fast while the table is small. Later one request loads everything into memory, serialises
it and sends it, and anybody can ask for it again and again. Give the list pages, or a limit.

Bad: Django REST framework, in a project without a paginator for all.
```python shop/models.py
from django.db import models


class Order(models.Model):
    total = models.IntegerField()
```
```python shop/api.py
from rest_framework import viewsets
from rest_framework.decorators import api_view
from rest_framework.response import Response

from shop.models import Order
from shop.serializers import OrderSerializer


class OrderViewSet(viewsets.ModelViewSet):
    queryset = Order.objects.all()  # flagged
    serializer_class = OrderSerializer


@api_view(["GET"])
def orders(request):
    found = Order.objects.order_by("-id")
    return Response(OrderSerializer(found, many=True).data)  # flagged
```
Bad: pages of Django.
```python shop/views.py
from django.http import JsonResponse
from django.views.generic import ListView

from shop.models import Order


class OrderList(ListView):
    model = Order  # flagged


def orders(request):
    return JsonResponse(list(Order.objects.values()), safe=False)  # flagged
```
Bad: FastAPI and Flask with SQLAlchemy.
```python app/api.py
from fastapi import APIRouter, Depends
from sqlalchemy import select

router = APIRouter()


@router.get("/orders")
def orders(db=Depends(get_db)):
    return db.query(Order).order_by(Order.id).all()  # flagged


@router.get("/orders/new")
async def new_orders(session=Depends(get_session)):
    found = await session.execute(select(Order))
    return found.scalars().all()  # flagged


@app.route("/orders/all")
def all_orders():
    return jsonify([each.as_dict() for each in Order.query.all()])  # flagged
```
Good: pages and limits.
```python shop/api.py
from rest_framework import viewsets

from shop.models import Order
from shop.pages import Pages


class OrderViewSet(viewsets.ModelViewSet):
    queryset = Order.objects.all()
    pagination_class = Pages
```
```python app/api.py
from fastapi import APIRouter, Depends
from sqlalchemy import select

router = APIRouter()


@router.get("/orders")
def orders(skip: int = 0, db=Depends(get_db)):
    return db.query(Order).order_by(Order.id).offset(skip).limit(100).all()


@router.get("/orders/{number}/lines")
def lines(number: int, session=Depends(get_session)):
    return session.scalars(select(Line).where(Line.order_id == number)).all()
```
Good: the project has a paginator for all.
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
REST_FRAMEWORK = {
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    "PAGE_SIZE": 50,
}
```
```python shop/api.py
from rest_framework import viewsets

from shop.models import Order


class OrderViewSet(viewsets.ModelViewSet):
    queryset = Order.objects.all()
```
Good: what narrows by itself, small tables by their names, and views of one row.
```python shop/api.py
from rest_framework import generics, viewsets

from shop.models import Country, Order


class OrderViewSet(viewsets.ModelViewSet):
    queryset = Order.objects.all()

    def get_queryset(self):
        return self.queryset.filter(owner=self.request.user)


class OrderView(generics.RetrieveAPIView):
    queryset = Order.objects.all()


class CountryViewSet(viewsets.ReadOnlyModelViewSet):
    queryset = Country.objects.all()
```
Good: no endpoint, so nobody waits for the answer.
```python app/jobs.py
def export(db):
    return db.query(Order).all()
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.call_chain import is_lookup_table, whole_table
from rules.facts.python_classes import Classes
from rules.facts.routes import view_of
from rules.facts.settings_modules import SettingsModules
from rules.kit import Confidence, Flag, Here, Rule, Severity, dotted, find, keyword

rule = Rule(
    __name__,
    __doc__,
    code="DBQ114",
    severity=Severity.WARNING,
    checklist=("drf.pagination", "performance.pagination"),
    scope="project",
    cwe=770,
)

_DRF_LISTS = re.compile(r"(ListModelMixin|ListAPIView|ListCreateAPIView|ModelViewSet)$")
_OWN_PAGES = frozenset({"list", "paginate_queryset", "pagination_class", "paginator"})
_NARROWS = frozenset({"get_queryset", "filter_queryset", "paginate_by", "get_paginate_by"})
_PAGING = re.compile(r"paginat|cursor|page_size|per_page|\blimit\b", re.IGNORECASE)


@rule.on(cst.ClassDef, words=("queryset", "ListView"))
def in_classes(node: cst.ClassDef, here: Here) -> Iterator[Flag]:
    rows = _assigned(node, "queryset") or _assigned(node, "model") if node.bases else None
    if rows is None or here.is_test:
        return
    found = whole_table(rows.value, here)
    model = found.model if found is not None else ""
    if not model and dotted(rows.targets[0].target) == "model":
        model = dotted(rows.value).rpartition(".")[2]
    if not model or is_lookup_table(model) or is_lookup_table(_subject(node)):
        return
    kind = _kind(node, here)
    if kind == "django" or (kind == "drf" and not _has_default_pages(here)):
        how = "`paginate_by`" if kind == "django" else "`pagination_class`"
        message = (
            f"`{node.name.value}` answers with every `{model}` there is, since nothing gives its "
            f"list pages; set {how}, or a paginator for the whole project."
        )
        yield Flag(rows, message)


@rule.on(cst.Call, calls=("all", "fetchall"))
def in_routes(node: cst.Call, here: Here) -> Iterator[Flag]:
    if node.args or not here.mentions(("sqlalchemy", "sqlmodel", "query", "select")):
        return
    found = whole_table(node, here)
    if found is None or found.framework != "sqlalchemy" or is_lookup_table(found.model):
        return
    function = here.function(node)
    if function is None or here.is_test or not _is_reading_view(function, here):
        return
    if _is_answer(node, function, here):
        # What a page shows may be a part of it, or the choices of a form.
        confidence = Confidence.HOTSPOT if _renders(function) else None
        message = _said(function.name.value, found.model, "`.limit()`")
        yield Flag(node, message, confidence=confidence)


@rule.on(cst.Call, calls=("JsonResponse", "Response", "list"), words=("objects",))
def in_views(node: cst.Call, here: Here) -> Iterator[Flag]:
    if not node.args:
        return
    first: cst.BaseExpression | None = node.args[0].value
    is_list = isinstance(node.func, cst.Name) and node.func.value == "list"
    if is_list and not _is_sent(node, here):
        return
    if not is_list:
        first = _serialised(node.args[0].value)
    if first is None:
        return
    found = whole_table(first, here)
    if found is None or is_lookup_table(found.model):
        return
    function = here.function(node)
    if function is not None and not here.is_test and _is_reading_view(function, here):
        yield Flag(node, _said(function.name.value, found.model, "a page of it"))


def _subject(node: cst.ClassDef) -> str:
    return re.sub(r"(List|API|View|ViewSet|Set)+$", "", node.name.value)


def _assigned(node: cst.ClassDef, name: str) -> cst.Assign | None:
    for line in node.body.body:
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(each, cst.Assign) and dotted(each.targets[0].target) == name:
                return each
    return None


def _kind(node: cst.ClassDef, here: Here) -> str:
    """`drf` or `django` for a view that lists all of its query set; else nothing."""
    classes: Classes = here.project.facts(Classes)
    key = classes.find(".".join(filter(None, (here.module_name, node.name.value))))
    lineage = classes.lineage(key) if key else tuple(here.names(*(b.value for b in node.bases)))
    held = {
        "get_queryset" for each in find(node.body, cst.FunctionDef) if each.name.value in _NARROWS
    }
    for each in lineage:
        if each in classes.by_name:
            record = classes.by_name[each][1]
            held |= {one.name for one in record.fields} | {one.name for one in record.methods}
    if any(each.startswith("rest_framework") and _DRF_LISTS.search(each) for each in lineage):
        foreign = any(_is_foreign(each) and each not in classes.by_name for each in lineage)
        return "" if foreign or held & (_OWN_PAGES | _NARROWS) else "drf"
    if any(each.startswith("django.views") and each.endswith(".ListView") for each in lineage):
        foreign = any(_is_foreign(each) and each not in classes.by_name for each in lineage)
        return "" if foreign or held & (_NARROWS | {"get_context_data", "get"}) else "django"
    return ""


def _is_foreign(name: str) -> bool:
    """A base of another library, which may have pages of its own."""
    return not name.startswith(("rest_framework.", "django.", "builtins.", "typing."))


def _has_default_pages(here: Here) -> bool:
    settings: SettingsModules = here.project.facts(SettingsModules)
    for path in settings.by_path:
        for each in settings.modules.by_path[path].assignments:
            if each.name == "REST_FRAMEWORK":
                text = each.value or " ".join((*each.args, *each.keywords))
                if "DEFAULT_PAGINATION_CLASS" in text or "{" not in text:
                    return True
    return False


def _is_reading_view(function: cst.FunctionDef, here: Here) -> bool:
    view = view_of(function, here)
    if view is None or (view.methods and "get" not in view.methods):
        return False
    texts = [here.source(each.decorator) for each in function.decorators]
    return not any(_PAGING.search(each) for each in texts)


def _is_answer(node: cst.Call, function: cst.FunctionDef, here: Here) -> bool:
    """Whether the rows themselves are returned: at once, by a variable, one by one in a list."""
    names = {""}
    for each in here.scopes.ancestors(node):
        if isinstance(each, cst.Return):
            return True
        if isinstance(each, cst.Assign):
            names = {dotted(target.target) for target in each.targets} - {""}
            break
        if isinstance(each, cst.If | cst.For | cst.Comparison | cst.FunctionDef):
            return False
    if _PAGING.search(here.source(function.body)):
        return False
    return any(
        each.value in names
        for one in find(function.body, cst.Return)
        for each in find(one, cst.Name)
    )


def _renders(function: cst.FunctionDef) -> bool:
    names = {dotted(each.func).rpartition(".")[2] for each in find(function.body, cst.Call)}
    return bool(names & {"render", "render_template", "TemplateResponse"})


def _serialised(node: cst.BaseExpression) -> cst.BaseExpression | None:
    """The rows of `OrderSerializer(rows, many=True).data`."""
    match node:
        case cst.Attribute(value=cst.Call(args=[first, *_]) as call, attr=cst.Name(value="data")):
            many = keyword(call, "many")
            return first.value if isinstance(many, cst.Name) and many.value == "True" else None
    return None


def _is_sent(node: cst.Call, here: Here) -> bool:
    """Whether a list is made for an answer: `JsonResponse(list(rows))`, also by a variable."""
    above = here.parent(node)
    if isinstance(above, cst.Assign):
        name = dotted(above.targets[0].target)
        function = here.function(node)
        calls = find(function.body, cst.Call) if function is not None else ()
        return any(
            _answers(each)
            and any(n.value == name for arg in each.args for n in find(arg, cst.Name))
            for each in calls
        )
    for each in here.scopes.ancestors(node)[:6]:
        if isinstance(each, cst.Call):
            return _answers(each)
    return False


def _answers(call: cst.Call) -> bool:
    return dotted(call.func).rpartition(".")[2] in ("JsonResponse", "Response", "jsonify")


def _said(view: str, model: str, what: str) -> str:
    return (
        f"`{view}` answers with every `{model}` there is, however many they become; return "
        f"{what} instead of the whole table."
    )
