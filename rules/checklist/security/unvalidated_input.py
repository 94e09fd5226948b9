"""What a caller sent goes into the database as it came.

A text that is too long, a number that is none or a state that does not exist either breaks the
query with a 500 or stays in the table for others to stumble over. Let a form, a serializer or a
schema read the request, or cast the value where it comes in.

Bad:
```python shop/views.py
from django.http import JsonResponse

from shop.models import Book

def add(request):
    Book.objects.create(title=request.POST["title"])  # flagged
    return JsonResponse({})

def rename(request, number):
    book = Book.objects.get(number=number)
    book.title = request.POST["title"]  # flagged
    book.save()
    return JsonResponse({})
```
Good:
```python shop/views.py
from django.http import JsonResponse

from shop.forms import BookForm
from shop.models import Book

def add(request):
    form = BookForm(request.POST)
    if form.is_valid():
        Book.objects.create(title=form.cleaned_data["title"])
    return JsonResponse({})

def rename(request, number):
    form = BookForm(request.POST)
    if form.is_valid():
        Book.objects.filter(number=number).update(title=form.cleaned_data["title"])
    return JsonResponse({})
```
Bad:
```python shop/routes.py
from flask import request

from shop import app, db
from shop.models import Book

@app.post("/books")
def add():
    body = request.get_json()
    db.session.add(Book(title=body["title"], price=body["price"]))  # flagged
    db.session.commit()
```
Bad: an id that is no number ends in a 500.
```python shop/views.py
from django.shortcuts import render

from shop.models import Order

def show(request):
    order = Order.objects.get(id=request.GET["id"])  # flagged
    return render(request, "order.html", {"order": order})
```
Good: the value is cast, or looked at first.
```python shop/views.py
from django.http import HttpResponseBadRequest, JsonResponse

from shop.models import Book, Order

STATES = {"open", "paid"}

def move(request, number):
    state = request.POST["state"]
    if state not in STATES:
        return HttpResponseBadRequest()
    Order.objects.filter(number=number).update(state=state)
    return JsonResponse({})

def show(request):
    order = Order.objects.get(id=int(request.GET["id"]))
    return JsonResponse({"state": order.state})
```
Good: a wrong id is an answer of its own, and a search takes any text.
```python shop/views.py
from django.http import Http404, JsonResponse

from shop.models import Book, Order

def show(request):
    try:
        order = Order.objects.get(id=request.GET["id"])
    except (ValueError, Order.DoesNotExist):
        raise Http404 from None
    return JsonResponse({"state": order.state})

def search(request):
    found = Book.objects.filter(title__icontains=request.GET["q"])
    return JsonResponse({"titles": [each.title for each in found]})
```
Good: a Pydantic model has read the body.
```python shop/api.py
from fastapi import APIRouter

from shop.models import Book
from shop.schemas import NewBook

router = APIRouter()

@router.post("/books")
def add(body: NewBook):
    return Book.objects.create(title=body.title)
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.django_models import Models
from rules.facts.raw_input import is_checked, is_raw
from rules.kit import Confidence, Flag, Here, Rule, Severity, dotted, find, walk

rule = Rule(
    __name__,
    __doc__,
    code="SEC135",
    severity=Severity.WARNING,
    quiet=True,
    checklist=("drf.serializers", "flask.request-handling", "security.form-validation"),
    cwe=20,
)

_WRITING = frozenset({"create", "get_or_create", "update_or_create", "update", "insert"})
_READING = frozenset({"get", "filter", "exclude", "filter_by", "get_object_or_404"})
_KEY = re.compile(r"^(id|pk|\w+_id|\w+__id|\w+__pk)(__in)?$")
_ROWS = re.compile(r"(^|\.)(objects|_default_manager|query|all_objects)(\.|$)|(^|\.)query\(")
_CATCHES = re.compile(
    r"ValueError|ValidationError|Exception|TypeError|DataError|StatementError|BadRequest"
)
_OF_TEXTS = frozenset({"strip", "lstrip", "rstrip", "lower", "upper", "title", "casefold"})
_SAVES = frozenset({"save", "commit", "asave", "flush", "merge", "put"})
_NOT_TABLES = (
    "Form", "FormSet", "Serializer", "Schema", "Response", "Request", "Error", "Exception", "View", "Filter",
    "Config", "Client", "Service", "Command", "Query", "Context", "Manager", "Handler", "Redirect", "Http404",
)  # fmt: skip


@rule.on(cst.Call, calls=(*_WRITING, *_READING), words=("request",))
def called(call: cst.Call, here: Here) -> Iterator[Flag]:
    """`objects.create(title=request.POST["title"])`, `objects.get(id=request.GET["id"])`."""
    raw = _raw_keywords(call, here)
    if not raw or not _is_of_rows(call):
        return
    name = dotted(call.func).rpartition(".")[2] or _last(call)
    keys = [key for key, _ in raw if name in _WRITING or _is_no_text(key, call, here)]
    if (
        not keys
        or _answers_itself(call, here)
        or _is_spared(call, raw, here)
        or (name in _READING and _is_caught(call, here))
    ):
        return
    stored = [value for _, value in raw] if name in _WRITING else []
    confidence = _confidence(here, *stored)
    yield Flag(call, _message(keys[0], writes=name in _WRITING), confidence=confidence)


@rule.on(cst.Call, calls=("add",), words=("request",))
def added(call: cst.Call, here: Here) -> Iterator[Flag]:
    """`db.session.add(Book(title=request.json["title"]))`, or a variable that holds the row."""
    if not call.args or "session" not in here.source(call.func):
        return
    row = here.value_of(call.args[0].value)
    if not isinstance(row, cst.Call):
        return
    name = dotted(row.func).rpartition(".")[2]
    if not name[:1].isupper() or name.endswith(_NOT_TABLES):
        return
    raw = _raw_keywords(row, here)
    if raw and not _is_spared(call, raw, here):
        confidence = _confidence(here, *(value for _, value in raw))
        yield Flag(row, _message(raw[0][0], writes=True), confidence=confidence)


@rule.on(cst.Assign, words=("request",))
def assigned(assign: cst.Assign, here: Here) -> Iterator[Flag]:
    """`book.title = request.POST["title"]`, where the book is saved afterwards."""
    target = assign.targets[0].target
    if isinstance(target, cst.Name) and isinstance(assign.value, cst.Call):
        yield from _made(assign, assign.value, target.value, here)
        return
    if not isinstance(target, cst.Attribute) or not isinstance(target.value, cst.Name):
        return
    owner = target.value.value
    if owner in ("self", "cls", "request", "g", "response", "session") or not is_raw(
        assign.value, here
    ):
        return
    if _is_spared(assign, [(target.attr.value, assign.value)], here) or not _is_saved(
        assign, owner, here
    ):
        return
    if _is_first(assign, owner, here):
        confidence = _confidence(here, assign.value)
        yield Flag(assign, _message(target.attr.value, writes=True), confidence=confidence)


def _made(assign: cst.Assign, row: cst.Call, name: str, here: Here) -> Iterator[Flag]:
    """`post = Post(title=request.POST["title"])`, where `post.save()` follows."""
    kind = dotted(row.func).rpartition(".")[2]
    if not kind[:1].isupper() or kind.endswith(_NOT_TABLES):
        return
    raw = _raw_keywords(row, here)
    if raw and _saves_itself(assign, name, here) and not _is_spared(row, raw, here):
        confidence = _confidence(here, *(value for _, value in raw))
        yield Flag(row, _message(raw[0][0], writes=True), confidence=confidence)


def _saves_itself(node: cst.CSTNode, owner: str, here: Here) -> bool:
    function = here.function(node)
    calls = find(function.body, cst.Call) if function is not None else ()
    return any(dotted(each.func) in (f"{owner}.save", f"{owner}.asave") for each in calls)


def _is_first(assign: cst.Assign, owner: str, here: Here) -> bool:
    """Whether no line before gives the same row something raw: one word for each row will do."""
    function = here.function(assign)
    for each in find(function.body, cst.Assign) if function is not None else ():
        if each is assign:
            return True
        match each.targets[0].target:
            case cst.Attribute(value=cst.Name(value=name)) if name == owner and is_raw(
                each.value, here
            ):
                return False
            case _:
                pass
    return True


def _is_no_text(key: str, call: cst.Call, here: Here) -> bool:
    """Whether a column takes ids, so that other texts break the query."""
    if not _KEY.match(key):
        return False
    column = key.removesuffix("__in")
    if column in ("id", "pk") or column.endswith(("__id", "__pk")):
        return True
    models: Models = here.project.facts(Models)
    known = [models.find(each.partition(".objects")[0]) for each in here.names(call.func)]
    fields = [model.fields for model in known if model is not None]
    return bool(fields) and all(column not in each for each in fields)


def _answers_itself(call: cst.Call, here: Here) -> bool:
    """REST framework's `get_object_or_404` turns a wrong id into a 404."""
    return any(each.startswith("rest_framework.") for each in here.names(call.func))


def _raw_keywords(call: cst.Call, here: Here) -> list[tuple[str, cst.BaseExpression]]:
    return [
        (each.keyword.value, each.value)
        for each in call.args
        if each.keyword is not None
        and each.keyword.value != "defaults"
        and is_raw(each.value, here)
    ]


def _is_of_rows(call: cst.Call) -> bool:
    """Whether a call is one of a manager or query, or one of the shortcuts."""
    name = _path(call)
    return "get_object_or_404" in name or bool(_ROWS.search(name))


def _path(call: cst.Call) -> str:
    """`Book.objects.filter.update` of a chain of calls, arguments left out."""
    parts: list[str] = []
    at: cst.BaseExpression = call.func
    for _ in range(12):
        match at:
            case cst.Attribute(value=owner, attr=cst.Name(value=name)):
                parts.append(name)
                at = owner
            case cst.Call(func=inner):
                at = inner
            case cst.Name(value=name):
                parts.append(name)
                break
            case _:
                break
    return ".".join(reversed(parts))


def _last(call: cst.Call) -> str:
    return call.func.attr.value if isinstance(call.func, cst.Attribute) else ""


def _is_spared(node: cst.CSTNode, raw: list[tuple[str, cst.BaseExpression]], here: Here) -> bool:
    function = here.function(node)
    if here.is_test or function is None or is_checked(function):
        return True
    return all(_is_looked_at(value, function) for _, value in raw)


def _is_looked_at(value: cst.BaseExpression, function: cst.FunctionDef) -> bool:
    """Whether the variable is compared with something, or its length is: `if state in STATES`."""
    if not isinstance(value, cst.Name):
        return False
    for each in find(function.body, cst.Comparison):
        sides = (each.left, *(one.comparator for one in each.comparisons))
        plain = any(isinstance(one.operator, cst.Is | cst.IsNot) for one in each.comparisons)
        if not plain and any(
            isinstance(node, cst.Name) and node.value == value.value
            for side in sides
            for node in walk(side)
        ):
            return True
    return False


def _is_caught(node: cst.CSTNode, here: Here) -> bool:
    """Whether an error of a wrong value is answered: `except ValueError`."""
    around = here.around(node, cst.Try, cst.FunctionDef)
    while isinstance(around, cst.Try):
        for handler in around.handlers:
            if handler.type is None or _CATCHES.search(here.source(handler.type)):
                return True
        around = here.around(around, cst.Try, cst.FunctionDef)
    return False


def _is_saved(node: cst.CSTNode, owner: str, here: Here) -> bool:
    function = here.function(node)
    for each in find(function.body, cst.Call) if function is not None else ():
        match each.func:
            case cst.Attribute(value=cst.Name(value=name), attr=cst.Name(value="save" | "asave")):
                if name == owner:
                    return True
            case cst.Attribute(value=holder, attr=cst.Name(value=name)) if name in _SAVES:
                if "session" in dotted(holder):
                    return True
            case _:
                pass
    return False


def _confidence(here: Here, *stored: cst.BaseExpression) -> Confidence | None:
    """Less sure of texts that go through a method that only texts have: a length may be all they lack."""
    is_text = bool(stored) and all(_is_text(each, here) for each in stored)
    return Confidence.HOTSPOT if here.is_script or is_text else None


def _is_text(value: cst.BaseExpression, here: Here) -> bool:
    match here.value_of(value):
        case cst.Call(func=cst.Attribute(attr=cst.Name(value=name))):
            return name in _OF_TEXTS
        case _:
            return False


def _message(key: str, *, writes: bool) -> str:
    if writes:
        return (
            f"`{key}` is stored as the caller sent it: nothing has checked its type, length or "
            "meaning. Let a form, serializer or schema read it, or cast it."
        )
    return (
        f"`{key}` reaches the query as the caller sent it, and what is no id ends in a server "
        "error. Let the route, a form or a schema read it, or cast it."
    )
