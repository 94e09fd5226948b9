"""A whole query set is loaded only to count it, or counted only to see that it is not empty.

`len(books)` and `if books:` fetch every row and build an object of each. `count()` has the
database count, `exists()` stops at the first row. Where the rows are used anyway, `len` and
truth tests are right: they share the one query.

Bad:
```python shop/models.py
from django.db import models


class Book(models.Model):
    sold = models.BooleanField()
```
```python shop/views.py
from shop.models import Book


def sold():
    return len(Book.objects.filter(sold=True))  # flagged


def any_sold():
    return Book.objects.filter(sold=True).count() > 0  # flagged


def warn(mail):
    unsold = Book.objects.filter(sold=False)
    if not unsold:  # flagged
        mail("all gone")
```
Good:
```python shop/models.py
from django.db import models


class Book(models.Model):
    sold = models.BooleanField()
```
```python shop/views.py
from shop.models import Book


def sold():
    return Book.objects.filter(sold=True).count()


def any_sold():
    return Book.objects.filter(sold=True).exists()


def warn(mail):
    unsold = Book.objects.filter(sold=False)
    if not unsold.exists():
        mail("all gone")
```
Good: the rows are used as well, or there is no query set.
```python shop/views.py
from django.db import models


class Book(models.Model):
    sold = models.BooleanField()


def page(render):
    books = Book.objects.filter(sold=True)
    if not books:
        return render("empty")
    return render("books", books)


def both(render):
    books = list(Book.objects.all())
    return render(books, len(books))


def many():
    return Book.objects.count() > 20


def one(pk):
    book = Book.objects.filter(pk=pk).first()
    return len(book.pages) if book else 0
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.facts.queryset_methods import QUERY_WORDS
from rules.facts.querysets import Query, QueryReader, may_hold_queries
from rules.kit import Flag, Here, Kind, Rule, Severity, replacing, walk

rule = Rule(
    __name__,
    __doc__,
    code="DBQ112",
    severity=Severity.NOTICE,
    frameworks=("django",),
    checklist=("database.query-efficiency",),
    fix="suggestion",
)

_EMPTINESS = {
    (cst.GreaterThan, "0"): True,
    (cst.GreaterThanEqual, "1"): True,
    (cst.NotEqual, "0"): True,
    (cst.Equal, "0"): False,
    (cst.LessThan, "1"): False,
    (cst.LessThanEqual, "0"): False,
}
_COPIES = ("list", "tuple")
_REASONS = {
    "count": ("count them", "has the database do that"),
    "exists": ("see whether there are any", "stops at the first"),
}


@rule.on(cst.Call, calls=("len",), words=QUERY_WORDS)
def check_length(node: cst.Call, here: Here) -> Iterator[Flag]:
    rows = node.args[0].value if len(node.args) == 1 else None
    if (
        rows is None
        or not _concerns(here)
        or here.name(node.func) != "builtins.len"
        or _is_compared(node, here)
    ):
        return
    found = _only_counted(rows, here)
    if found is not None:
        yield from _flag(node, found, "count", here)


@rule.on(cst.Comparison, words=("count", "len"))
def check_comparison(node: cst.Comparison, here: Here) -> Iterator[Flag]:
    rows = _compared(node, here)
    if rows is None or not _concerns(here):
        return
    by_length = isinstance(node.left, cst.Call) and isinstance(node.left.func, cst.Name)
    found = _only_counted(rows, here) if by_length else _counted(rows, here)
    if found is not None:
        yield from _flag(node, found, "exists", here, negated=not _says_some(node))


@rule.on(cst.If, words=QUERY_WORDS)
def check_if(node: cst.If, here: Here) -> Iterator[Flag]:
    if _concerns(here):
        yield from _truth(node.test, here)


@rule.on(cst.IfExp, words=QUERY_WORDS)
def check_conditional(node: cst.IfExp, here: Here) -> Iterator[Flag]:
    if _concerns(here):
        yield from _truth(node.test, here)


@rule.on(cst.Call, calls=("bool",), words=QUERY_WORDS)
def check_bool(node: cst.Call, here: Here) -> Iterator[Flag]:
    if len(node.args) == 1 and _concerns(here) and here.name(node.func) == "builtins.bool":
        found = _only_counted(node.args[0].value, here)
        if found is not None:
            yield from _flag(node, found, "exists", here)


def _concerns(here: Here) -> bool:
    return may_hold_queries(here) and not here.is_test and not here.is_migration


def _truth(test: cst.BaseExpression, here: Here) -> Iterator[Flag]:
    """Each operand of a condition that is a query set."""
    match test:
        case cst.BooleanOperation(left=left, right=right):
            yield from _truth(left, here)
            yield from _truth(right, here)
        case cst.UnaryOperation(operator=cst.Not(), expression=inner):
            yield from _truth(inner, here)
        case cst.Call(func=cst.Attribute(value=rows, attr=cst.Name("count")), args=[]):
            found = _counted(rows, here)
            if found is not None:
                yield from _flag(test, found, "exists", here)
        case cst.Name() | cst.Call():
            found = _only_counted(test, here)
            if found is not None:
                yield from _flag(test, found, "exists", here)
        case _:
            pass


def _compared(node: cst.Comparison, here: Here) -> cst.BaseExpression | None:
    """The rows in `rows.count() > 0` and `len(rows) == 0`."""
    if len(node.comparisons) != 1:
        return None
    target = node.comparisons[0]
    number = target.comparator.value if isinstance(target.comparator, cst.Integer) else ""
    if (type(target.operator), number) not in _EMPTINESS:
        return None
    match node.left:
        case cst.Call(func=cst.Attribute(value=rows, attr=cst.Name("count")), args=[]):
            return rows
        case cst.Call(func=cst.Name("len"), args=[cst.Arg(value=rows)]):
            return rows
        case _:
            return None


def _says_some(node: cst.Comparison) -> bool:
    """Whether the comparison holds if there are rows."""
    target = node.comparisons[0]
    number = target.comparator.value if isinstance(target.comparator, cst.Integer) else ""
    return _EMPTINESS[(type(target.operator), number)]


def _is_compared(node: cst.Call, here: Here) -> bool:
    parent = here.parent(node)
    return isinstance(parent, cst.Comparison) and _compared(parent, here) is not None


def _counted(rows: cst.BaseExpression, here: Here) -> cst.BaseExpression | None:
    """The query set that is counted in the database, whatever else is done with it."""
    if _query(rows, here, managers=True) is None:
        return None
    return None if isinstance(rows, cst.Name) and not _is_used_once(rows, here) else rows


def _only_counted(rows: cst.BaseExpression, here: Here) -> cst.BaseExpression | None:
    """The query set that is evaluated here and nowhere else."""
    match rows:
        case cst.Call(func=cst.Name(value=name), args=[cst.Arg(value=inner, star="")]) if (
            name in _COPIES and here.name(rows.func) == f"builtins.{name}"
        ):
            rows = inner
        case _:
            pass
    if not isinstance(rows, cst.Name | cst.Call | cst.Subscript):
        return None
    if _query(rows, here) is None:
        return None
    return None if isinstance(rows, cst.Name) and not _is_used_once(rows, here) else rows


def _query(rows: cst.BaseExpression, here: Here, *, managers: bool = False) -> Query | None:
    if not _may_be_query(rows, here):
        return None
    found = QueryReader(here).value(rows)
    if not isinstance(found, Query) or found.is_list or (found.is_manager and not managers):
        return None
    # Related rows that somebody may have prefetched cost nothing to measure.
    return None if found.parent is not None else found


def _may_be_query(rows: cst.BaseExpression, here: Here) -> bool:
    """A cheap look: a call of a method, or a variable that is bound to one."""
    if isinstance(rows, cst.Name):
        bound = here.bindings(rows)
        if len(bound) != 1 or bound[0].kind is not Kind.VALUE:
            return False
        return isinstance(bound[0].node, cst.Call | cst.Subscript | cst.IfExp)
    match rows:
        case cst.Call(func=cst.Attribute()) | cst.Subscript() | cst.Attribute():
            return True
        case _:
            return False


def _is_used_once(name: cst.Name, here: Here) -> bool:
    """Whether a local variable, bound once, is read nowhere but here."""
    function = here.function(name)
    if function is None or len(here.bindings(name)) != 1:
        return False
    same = [n for n in walk(function.body) if isinstance(n, cst.Name) and n.value == name.value]
    return len(same) == 2


def _flag(
    node: cst.BaseExpression,
    rows: cst.BaseExpression,
    method: str,
    here: Here,
    *,
    negated: bool = False,
) -> Iterator[Flag]:
    code = here.source(rows)
    shown = code if len(code) <= 60 and "\n" not in code else "the query set"
    shown = f"`{shown}`" if shown is code else shown
    verb = "Counts" if ".count" in here.source(node) else "Loads"
    why, how = _REASONS[method]
    message = f"{verb} all rows of {shown} only to {why}; `.{method}()` {how}."
    yield Flag(node, message, fix=replacing(node, _asking(rows, method, negated=negated)))


def _asking(rows: cst.BaseExpression, method: str, *, negated: bool) -> cst.BaseExpression:
    match rows:
        case cst.Call(func=cst.Attribute(value=base, attr=cst.Name("all")), args=[]):
            plain = base
        case _:
            plain = rows
    asked: cst.BaseExpression = cst.Call(cst.Attribute(plain, cst.Name(method)))
    return cst.UnaryOperation(cst.Not(), asked) if negated else asked
