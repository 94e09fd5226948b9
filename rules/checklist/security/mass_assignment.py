"""Callers may set every column of a table, those of tomorrow included.

A form or serializer that takes all fields, or all but some, also takes `is_staff`, `balance`
or `owner` once somebody adds the column. The same goes for `Book(**request.json)` and for
`setattr` with names out of a request. List the fields that callers may set.

Bad:
```python shop/forms.py
from django import forms

from shop.models import Customer

class CustomerForm(forms.ModelForm):
    class Meta:
        model = Customer
        fields = "__all__"  # flagged
```
Good:
```python shop/forms.py
from django import forms

from shop.models import Customer

class CustomerForm(forms.ModelForm):
    class Meta:
        model = Customer
        fields = ["name", "email"]
```
Bad:
```python shop/api.py
from rest_framework import serializers, viewsets

from shop.models import Customer

class CustomerSerializer(serializers.ModelSerializer):
    class Meta:
        model = Customer
        exclude = ["password"]  # flagged

class CustomerViewSet(viewsets.ModelViewSet):
    queryset = Customer.objects.all()
    serializer_class = CustomerSerializer
```
Bad:
```python shop/routes.py
from flask import request

from shop import app, db
from shop.models import Customer

@app.post("/customers")
def add():
    db.session.add(Customer(**request.get_json()))  # flagged
    db.session.commit()

@app.patch("/customers/<int:number>")
def edit(number):
    customer = db.session.get(Customer, number)
    for key, value in request.json.items():
        setattr(customer, key, value)  # flagged
    db.session.commit()
```
Bad:
```python shop/routes.py
from fastapi import APIRouter

from shop.models import Customer

router = APIRouter()

@router.post("/customers")
def add(body: dict):
    return Customer(**body)  # flagged
```
Good: names are checked, or a schema made the values.
```python shop/routes.py
from fastapi import APIRouter
from flask import request

from shop import app
from shop.models import Customer
from shop.schemas import NewCustomer

router = APIRouter()
OPEN_FIELDS = {"name", "email"}

@app.patch("/customers/<int:number>")
def edit(number):
    customer = Customer.query.get(number)
    for key, value in request.json.items():
        if key in OPEN_FIELDS:
            setattr(customer, key, value)

@router.post("/customers")
def add(body: NewCustomer):
    return Customer(**body.model_dump())
```
Good: the serializer only reads, or says itself what callers may not set.
```python shop/api.py
from rest_framework import serializers, viewsets

from shop.models import Customer, Order

class CustomerSerializer(serializers.ModelSerializer):
    class Meta:
        model = Customer
        fields = "__all__"

class CustomerViewSet(viewsets.ReadOnlyModelViewSet):
    queryset = Customer.objects.all()
    serializer_class = CustomerSerializer

class OrderSerializer(serializers.ModelSerializer):
    class Meta:
        model = Order
        fields = "__all__"
        read_only_fields = ["customer", "paid"]

class OrderViewSet(viewsets.ModelViewSet):
    queryset = Order.objects.all()
    serializer_class = OrderSerializer
```
Good: staff may set everything.
```python shop/admin.py
from django import forms

from shop.models import Customer

class CustomerAdminForm(forms.ModelForm):
    class Meta:
        model = Customer
        fields = "__all__"
```
Good: query sets and filters have arguments of the same kind.
```python shop/filters.py
import django_filters

from shop.models import Customer

class CustomerFilter(django_filters.FilterSet):
    class Meta:
        model = Customer
        fields = "__all__"
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.python_classes import Classes
from rules.facts.raw_input import is_checked, is_raw
from rules.kit import (
    Confidence,
    Flag,
    Here,
    PythonFile,
    Rule,
    Severity,
    dotted,
    find,
    keyword,
    string,
    walk,
)

rule = Rule(
    __name__,
    __doc__,
    code="SEC134",
    severity=Severity.WARNING,
    checklist=("drf.serializers", "security.form-validation"),
    cwe=915,
    peers=("ruff:DJ006", "ruff:DJ007"),
)

_ALL = "__all__"
_MODEL_FORMS = re.compile(r"(^|\.)\w*ModelForm$|^ninja\.(\w+\.)*ModelSchema$")
_SERIALIZERS = re.compile(r"(^|\.)\w*(ModelSerializer|HyperlinkedModelSerializer)$")
_EDIT_VIEWS = re.compile(r"django\.views\.generic\.(edit\.)?(Create|Update)View$")
_ADMIN = re.compile(r"admin|staff|internal|backoffice", re.IGNORECASE)
_READING = re.compile(
    r"Read|List|Detail|Output|Out$|Response|Export|Public|Lite|Display|Summary|Filter|Search"
)
_WRITING = re.compile(
    r"rest_framework\.(viewsets\.ModelViewSet|mixins\.(Create|Update)ModelMixin|generics\.(?=\w*(Create|Update))\w+)$"
)
_FACTORIES = ("modelform_factory", "modelformset_factory", "inlineformset_factory")
_DIRECT = re.compile(rb"\*\*\s*(?:\(?await )?(?:self\.)?request\b")
_HELD = re.compile(
    rb"= *(?:await )?(?:\w+\.loads\()?(?:self\.)?request\.(?:get_json|json|data|form|POST|args|GET|values|query_params|body)\b"
)
_PLAIN_BODY = re.compile(rb": *(?:dict|Dict|Mapping|typing\.Dict)\b")
_ROUTED = re.compile(rb"(?m)^[ \t]*@\w+(?:\.\w+)*\.(?:post|put|patch|api_route)\(")
_TAKING = (
    "create",
    "update",
    "get_or_create",
    "update_or_create",
    "insert",
    "values",
    "insert_one",
)


@rule.on(cst.Assign, words=("fields", "exclude", "model_fields", "model_exclude"))
def declared(assign: cst.Assign, here: Here) -> Iterator[Flag]:
    """`fields = "__all__"` and `exclude = [...]`, in `Meta` or in a view that edits."""
    target = assign.targets[0].target
    if not isinstance(target, cst.Name) or target.value not in (
        "fields",
        "exclude",
        "model_fields",
        "model_exclude",
    ):
        return
    if (
        not _is_open(target.value, assign.value)
        or here.is_test
        or here.is_script
        or _ADMIN.search(here.path)
    ):
        return
    meta = here.around(assign, cst.ClassDef, cst.FunctionDef)
    owner = here.around(meta, cst.ClassDef) if _is_meta(meta) and meta is not None else meta
    if not isinstance(owner, cst.ClassDef) or not isinstance(meta, cst.ClassDef):
        return
    confidence = _writability(owner, meta, here)
    if confidence is not None:
        name = owner.name.value
        what = (
            "every field of its model"
            if target.value.endswith("fields")
            else "every field but the listed ones"
        )
        message = (
            f"Through `{name}` callers may set {what}, also those that are added later, such as a "
            "flag for staff or an owner. List the fields that they may set."
        )
        yield Flag(assign, message, confidence=confidence)


@rule.on(cst.Call, calls=_FACTORIES)
def made(call: cst.Call, here: Here) -> Iterator[Flag]:
    given = keyword(call, "fields")
    if string(given) == _ALL and not here.is_test and not _ADMIN.search(here.path):
        name = dotted(call.func).rpartition(".")[2]
        message = (
            f"The form that `{name}` makes takes every field of the model, also those that are "
            "added later. List the fields that callers may set."
        )
        yield Flag(call, message)


@rule.on(PythonFile, words=("request", "APIRouter", "FastAPI", "Router", "app", "router"))
def unpacked(file: PythonFile, here: Here) -> Iterator[Flag]:
    """`Customer(**request.json)`, `objects.create(**request.data)`."""
    if here.is_test or not _may_unpack(file.source):
        return
    for call in find(file.module, cst.Call):
        for each in call.args:
            fits = each.star == "**" and _takes_columns(call) and is_raw(each.value, here)
            if fits and not is_checked(here.function(call)):
                yield _unpacked(call)


@rule.on(cst.Call, calls=("update", "insert_one", "update_one", "insert"), words=("request",))
def handed_over(call: cst.Call, here: Here) -> Iterator[Flag]:
    """`query.update(request.json)`: the names of the columns are the caller's."""
    if here.is_test or not call.args or call.args[0].keyword is not None or call.args[0].star:
        return
    if _of_rows(call) and is_raw(call.args[0].value, here) and not is_checked(here.function(call)):
        yield _unpacked(call)


_ROWS = frozenset(
    {"query", "filter", "filter_by", "where", "collection", "insert_one", "update_one"}
)


def _of_rows(call: cst.Call) -> bool:
    at: cst.BaseExpression = call.func
    for _ in range(8):
        match at:
            case cst.Attribute(value=owner, attr=cst.Name(value=name)):
                if name in _ROWS:
                    return True
                at = owner
            case cst.Call(func=inner):
                at = inner
            case _:
                return False
    return False


def _may_unpack(source: bytes) -> bool:
    """A look at the bytes: few files unpack what came in, and a walk of all others would cost."""
    return bool(
        _DIRECT.search(source)
        or (
            (b"(**" in source or b" **" in source)
            and (_HELD.search(source) or (_PLAIN_BODY.search(source) and _ROUTED.search(source)))
        )
    )


def _unpacked(call: cst.Call) -> Flag:
    message = (
        f"`{dotted(call.func) or 'the call'}` takes whatever names the caller sent as columns, "
        "`is_admin` or an owner among them. Pick the fields by name, or go through a schema that "
        "lists them."
    )
    return Flag(call, message)


@rule.on(cst.Call, calls=("setattr",))
def assigned(call: cst.Call, here: Here) -> Iterator[Flag]:
    loop = here.around(call, cst.For, cst.FunctionDef)
    if here.is_test or len(call.args) != 3 or not isinstance(loop, cst.For):
        return
    key = call.args[1].value
    if (
        not isinstance(key, cst.Name)
        or not _is_key_of(key.value, loop)
        or not is_raw(loop.iter, here)
    ):
        return
    if _is_looked_up(key.value, loop) or is_checked(here.function(call)):
        return
    message = (
        f"The caller chooses which attribute of `{here.source(call.args[0].value)[:60]}` is set: "
        f"`{key.value}` comes out of the request unchecked. Compare it with a list of the fields "
        "that callers may set."
    )
    yield Flag(call, message)


def _is_open(name: str, value: cst.BaseExpression) -> bool:
    if name.endswith("fields"):
        return string(value) == _ALL
    return isinstance(value, cst.List | cst.Tuple) and string(value) is None


def _is_meta(node: cst.CSTNode | None) -> bool:
    return isinstance(node, cst.ClassDef) and node.name.value in ("Meta", "Config")


def _writability(owner: cst.ClassDef, meta: cst.ClassDef, here: Here) -> Confidence | None:
    """How sure it is that callers write through this class; None if they do not."""
    if _ADMIN.search(owner.name.value):
        return None
    classes: Classes = here.project.facts(Classes)
    key = classes.find(f"{here.module_name}.{owner.name.value}")
    lineage = classes.lineage(key) if key else tuple(dotted(each.value) for each in owner.bases)
    if any(_MODEL_FORMS.search(each) for each in lineage):
        return None if _READING.search(owner.name.value) else Confidence.PROVEN
    if meta is owner:
        return Confidence.PROVEN if any(map(_EDIT_VIEWS.search, lineage)) else None
    if not any(_SERIALIZERS.search(each) for each in lineage) or _protects(meta):
        return None
    if _READING.search(owner.name.value):
        return None
    return _use(owner.name.value, here)


def _protects(meta: cst.ClassDef) -> bool:
    """Whether the class says itself what callers may not set."""
    for each in find(meta.body, cst.Assign):
        target = each.targets[0].target
        if isinstance(target, cst.Name) and target.value in ("read_only_fields", "extra_kwargs"):
            return True
    return False


def _use(name: str, here: Here) -> Confidence | None:
    """Whether a view that writes has this serializer; None if all that have it only read."""
    classes: Classes = here.project.facts(Classes)
    used = [
        key
        for key, (_, record) in classes.by_name.items()
        if any(
            f.name == "serializer_class" and f.value.rpartition(".")[2] == name
            for f in record.fields
        )
    ]
    if any(_WRITING.search(base) for key in used for base in classes.lineage(key)):
        return Confidence.PROVEN
    module = here.module or cst.Module([])
    fed = (
        isinstance(each, cst.Call)
        and dotted(each.func) == name
        and keyword(each, "data") is not None
        for each in walk(module)
    )
    if any(fed):
        return Confidence.PROVEN
    return None if used else Confidence.HOTSPOT


def _takes_columns(call: cst.Call) -> bool:
    """A class, as its name tells, or a method of the ORM."""
    name = dotted(call.func).rpartition(".")[2]
    if isinstance(call.func, cst.Attribute) and call.func.attr.value in _TAKING:
        return True
    return name[:1].isupper() and not name.endswith(
        (
            "Form",
            "Schema",
            "Serializer",
            "Request",
            "Query",
            "Params",
            "Filter",
            "Input",
            "Payload",
            "Config",
        )
    )


def _is_key_of(name: str, loop: cst.For) -> bool:
    target = loop.target
    if isinstance(target, cst.Tuple) and target.elements:
        target = target.elements[0].value  # type: ignore[assignment]
    return isinstance(target, cst.Name) and target.value == name


def _is_looked_up(name: str, loop: cst.For) -> bool:
    """Whether the loop compares the name with something: `if key in ALLOWED`."""
    return any(
        isinstance(side, cst.Name) and side.value == name
        for each in find(loop.body, cst.Comparison)
        for side in (each.left, *(one.comparator for one in each.comparisons))
    )
