"""A number is read, changed in Python and written back.

Two requests that do it at the same time both read the same number, and one of the two changes
is lost. Let the database change the number (`F("stock") - 1`, `Book.stock - 1`), or lock the row
while it is worked on.

Bad:
```python shop/models.py
from django.db import models


class Book(models.Model):
    stock = models.IntegerField()
    title = models.CharField(max_length=100)

    def sell(self):
        self.stock -= 1  # flagged
        self.save()
```
```python shop/views.py
from shop.models import Book


def sell(request, number):
    book = Book.objects.get(pk=number)
    book.stock = book.stock - int(request.POST["count"])  # flagged
    book.save(update_fields=["stock"])
```
Good:
```python shop/models.py
from django.db import models


class Book(models.Model):
    stock = models.IntegerField()
    title = models.CharField(max_length=100)

    def sell(self):
        self.stock = models.F("stock") - 1
        self.save()
```
```python shop/views.py
from shop.models import Book
from django.db.models import F


def sell(request, number):
    book = Book.objects.get(pk=number)
    book.stock = F("stock") - int(request.POST["count"])
    book.save(update_fields=["stock"])
```
Bad: SQLAlchemy.
```python app/services.py
def sell(session, number):
    book = session.get(Book, number)
    book.stock -= 1  # flagged
    session.commit()


def visit(db, number):
    page = db.query(Page).filter(Page.id == number).first()
    page.hits = page.hits + 1  # flagged
    db.commit()


def pay(number, amount):
    account = Account.query.get_or_404(number)
    account.balance -= amount  # flagged
    db.session.commit()
```
Good:
```python app/services.py
def sell(session, number):
    book = session.get(Book, number)
    book.stock = Book.stock - 1
    session.commit()


def visit(db, number):
    page = db.query(Page).filter(Page.id == number).first()
    page.hits = Page.hits + 1
    db.commit()


def pay(number, amount):
    account = Account.query.get_or_404(number)
    account.balance = Account.balance - amount
    db.session.commit()
```
Good: the row is locked.
```python shop/models.py
from django.db import models


class Book(models.Model):
    stock = models.IntegerField()
```
```python shop/views.py
from django.db import transaction

from shop.models import Book


@transaction.atomic
def sell(request, number):
    book = Book.objects.select_for_update().get(pk=number)
    book.stock -= 1
    book.save()
```
```python app/services.py
def sell(session, number):
    book = session.get(Book, number, with_for_update=True)
    book.stock -= 1
    session.commit()
```
Good: a row that is new, a value that is not saved, and a text.
```python shop/views.py
from shop.models import Book


def fill(request):
    book = Book(title="", stock=0)
    book.stock += 1
    book.save()


def shown(request, number):
    book = Book.objects.get(pk=number)
    book.stock += 1
    return book


def rename(request, number):
    book = Book.objects.get(pk=number)
    book.title += "!"
    book.save()
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.call_chain import chain_of
from rules.facts.django_models import Models
from rules.facts.querysets import QueryReader, Row, may_hold_queries
from rules.kit import (
    AddImport,
    Confidence,
    Fix,
    Flag,
    Here,
    Replace,
    Rule,
    Severity,
    dotted,
    find,
)

rule = Rule(
    __name__,
    __doc__,
    code="DBQ118",
    severity=Severity.WARNING,
    checklist=("database.f-and-q",),
    fix="suggestion",
    cwe=362,
)

_WORDS = ("save", "asave", "commit", "flush")
_NUMBERS = re.compile(r"^(Positive|Big|Small)*(Integer|Decimal|Float|Money)Field$")
_LOCKS = re.compile(
    r"for_update|\block(ed|s)?\b|_lock\b|lock\(|Lock\(|advisory|version_id|serializable",
    re.IGNORECASE,
)
_FETCHES = frozenset({"get_or_404", "first_or_404", "one_or_404"}) | frozenset(
    {"get", "first", "one", "one_or_none", "scalar_one", "scalar_one_or_none", "scalar"}
)
_AMOUNTS = re.compile(
    r"amount|count|qty|quantit|delta|price|total|points?$|balance|number|cost|score|credits?$|units?$",
    re.IGNORECASE,
)


@rule.on(cst.AugAssign, words=_WORDS)
def augmented(node: cst.AugAssign, here: Here) -> Iterator[Flag]:
    sign = {cst.AddAssign: "+", cst.SubtractAssign: "-"}.get(type(node.operator))
    if sign is not None and isinstance(node.target, cst.Attribute):
        yield from _judge(node, node.target, sign, node.value, here)


@rule.on(cst.Assign, words=_WORDS)
def assigned(node: cst.Assign, here: Here) -> Iterator[Flag]:
    if not isinstance(node.value, cst.BinaryOperation):
        return
    match node:
        case cst.Assign(
            targets=[cst.AssignTarget(target=cst.Attribute(value=cst.Name()) as target)],
            value=cst.BinaryOperation(left=left, operator=operator, right=right),
        ):
            sign = {cst.Add: "+", cst.Subtract: "-"}.get(type(operator))
            if sign is not None and dotted(left) == dotted(target):
                yield from _judge(node, target, sign, right, here)
        case _:
            pass


def _judge(
    node: cst.Assign | cst.AugAssign,
    target: cst.Attribute,
    sign: str,
    amount: cst.BaseExpression,
    here: Here,
) -> Iterator[Flag]:
    function = here.function(node)
    owner = target.value
    if function is None or not isinstance(owner, cst.Name) or here.is_test or here.is_migration:
        return
    saved = _is_saved(owner.value, function)
    if not saved or here.is_script or _LOCKS.search(here.source(function)):
        return
    if saved == "django" and (
        owner.value == "self"
        or may_hold_queries(here)
        or here.mentions(("objects", "get_object_or_404"))
    ):
        yield from _of_django(node, target, sign, amount, here)
    elif saved == "sqlalchemy":
        yield from _of_sqlalchemy(node, target, sign, amount, here)


def _is_saved(name: str, function: cst.FunctionDef) -> str:
    """By what the row is written back in this function."""
    commits = False
    for each in find(function.body, cst.Call):
        match each.func:
            case cst.Attribute(value=cst.Name(value=owner), attr=cst.Name(value="save" | "asave")):
                if owner == name:
                    return "django"
            case cst.Attribute(attr=cst.Name(value="commit" | "flush")):
                commits = True
            case _:
                pass
    return "sqlalchemy" if commits else ""


def _of_django(
    node: cst.Assign | cst.AugAssign,
    target: cst.Attribute,
    sign: str,
    amount: cst.BaseExpression,
    here: Here,
) -> Iterator[Flag]:
    if _is_new(target.value, here):
        return
    model, sure = _row(target, amount, here)
    if not model:
        return
    column = target.attr.value
    models_named = here.scopes.at_top("models")
    use = "models.F" if any(b.target == "django.db.models" for b in models_named) else "F"
    new = f'{here.source(target)} = {use}("{column}") {sign} {_operand(amount, here)}'
    replaced = Replace(node, new)
    fix = Fix((replaced, AddImport("django.db.models", "F")) if use == "F" else (replaced,))
    confidence = None if sure else Confidence.HOTSPOT
    how = f'`F("{column}")`'
    yield Flag(node, _said(model, column, how), fix=fix, confidence=confidence)


def _row(target: cst.Attribute, amount: cst.BaseExpression, here: Here) -> tuple[str, bool]:
    """The model whose number this is, and whether the row was read here."""
    models: Models = here.project.facts(Models)
    row = QueryReader(here).value(target.value)
    if isinstance(row, Row):
        model = models.by_key.get(row.model)
        field = model.fields.get(target.attr.value) if model is not None else None
        if model is None or field is None or not _NUMBERS.match(field.type):
            return "", False
        return model.name, not row.given
    if row is not None or not _is_number(amount, target.attr.value):
        return "", False
    return _unknown_model(here.value_of(target.value), here), True


def _unknown_model(value: cst.CSTNode, here: Here) -> str:
    """The model of a row that is read by a manager, where the class itself is not seen."""
    match value:
        case cst.Call(func=func, args=[first, *_]) if dotted(func).endswith("get_object_or_404"):
            name = dotted(first.value).rpartition(".")[2]
            return name if name[:1].isupper() else ""
    chain = chain_of(value, here)
    if "objects" not in chain.names or chain.names[-1] not in ("get", "first", "last", "aget"):
        return ""
    before = [dotted(chain.root), *chain.names[: chain.names.index("objects")]]
    return before[-1] if before[-1][:1].isupper() else ""


def _of_sqlalchemy(
    node: cst.Assign | cst.AugAssign,
    target: cst.Attribute,
    sign: str,
    amount: cst.BaseExpression,
    here: Here,
) -> Iterator[Flag]:
    value = here.value_of(target.value)
    model = _fetched(value, here)
    if not model or not _is_number(amount, target.attr.value):
        return
    column = f"{model}.{target.attr.value}"
    new = f"{here.source(target)} = {column} {sign} {_operand(amount, here)}"
    yield Flag(node, _said(model, target.attr.value, f"`{column}`"), fix=Fix((Replace(node, new),)))


def _fetched(value: cst.CSTNode, here: Here) -> str:
    """The class of a row that is read here: `session.get(Book, 1)`, `db.query(Book)...first()`."""
    chain = chain_of(value, here)
    if not chain.links or chain.links[-1].name not in _FETCHES:
        return ""
    root = chain.root
    if chain.names[0] == "query" and chain.links[0].call is None and isinstance(root, cst.Name):
        return root.value if root.value[:1].isupper() else ""
    asked = [
        each
        for each in chain.links
        if each.name in ("query", "execute", "scalars", "exec", "scalar")
    ]
    last = chain.links[-1]
    call = asked[0].call if asked else last.call
    if call is None or not call.args:
        return ""
    first = call.args[0].value
    root = chain_of(first, here).root
    if isinstance(root, cst.Call) and dotted(root.func).endswith("select") and root.args:
        first = root.args[0].value
    name = dotted(first)
    return name if name.rpartition(".")[2][:1].isupper() and not name.isupper() else ""


def _is_number(amount: cst.BaseExpression, column: str) -> bool:
    if isinstance(amount, cst.Integer | cst.Float):
        return True
    return bool(_AMOUNTS.search(column)) and not isinstance(
        amount, cst.SimpleString | cst.FormattedString | cst.List
    )


def _is_new(owner: cst.BaseExpression, here: Here) -> bool:
    """Whether the row was made here, so that nobody else can have changed it."""
    chain = chain_of(owner, here)
    made = chain.links and chain.links[-1].name in ("create", "acreate", "get_or_create")
    return bool(made) or (
        isinstance(chain.root, cst.Call)
        and not chain.links
        and (dotted(chain.root.func)[:1].isupper())
    )


def _operand(amount: cst.BaseExpression, here: Here) -> str:
    source = here.source(amount)
    is_sum = isinstance(amount, cst.BinaryOperation | cst.IfExp | cst.BooleanOperation)
    return f"({source})" if is_sum and not amount.lpar else source


def _said(model: str, column: str, how: str) -> str:
    return (
        f"`{column}` of `{model}` is read, changed here and written back, so one of two requests "
        f"at the same time is lost; let the database change it ({how}), or lock the row."
    )
