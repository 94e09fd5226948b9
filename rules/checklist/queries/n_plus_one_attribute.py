"""A loop over a query reads a relation that the query does not load.

Django then asks the database again for every row: a list of 200 orders costs 201 queries. Name
the relation in `select_related` (one row at the other end) or `prefetch_related` (several), and
all of it comes with the query itself. If only the key is needed, `book.author_id` costs nothing.

Bad:
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    editor = models.OneToOneField("Author", models.CASCADE, related_name="edits")
```
```python shop/views.py
from shop.models import Book


def names():
    return [book.author.name for book in Book.objects.filter(editor=None)]  # flagged
```
Good:
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    editor = models.OneToOneField("Author", models.CASCADE, related_name="edits")
```
```python shop/views.py
from shop.models import Book


def names():
    return [book.author.name for book in Book.objects.filter(editor=None).select_related("author")]
```
Bad: the rows at the other end, and what hangs on them.
```python shop/catalogue.py
from django.db import models


class Author(models.Model):
    pass


class Publisher(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    publisher = models.ForeignKey(Publisher, models.CASCADE)


def catalogue():
    authors = Author.objects.all()
    for author in authors:
        for book in author.books.all():  # flagged
            yield book.author, book.publisher.name
```
Good:
```python shop/catalogue.py
from django.db import models


class Author(models.Model):
    pass


class Publisher(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    publisher = models.ForeignKey(Publisher, models.CASCADE)


def catalogue():
    authors = Author.objects.prefetch_related("books__publisher")
    for author in authors:
        for book in author.books.all():
            yield book.author, book.publisher.name
```
Good: one row, fetched with all that the loop needs.
```python shop/catalogue.py
from django.db import models


class Author(models.Model):
    pass


class Publisher(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    publisher = models.ForeignKey(Publisher, models.CASCADE)


def catalogue(pk):
    author = Author.objects.prefetch_related("books__publisher").get(pk=pk)
    return [(book.author, book.publisher.name) for book in author.books.all()]
```
Good: keys, one row, loaded relations, and a loop that ends at its first row.
```python shop/views.py
from django.db import models
from django.db.models import Prefetch


class Author(models.Model):
    name = models.CharField(max_length=50)
    agent = models.ForeignKey("self", models.CASCADE, null=True)


class BookQuerySet(models.QuerySet):
    def listed(self):
        return self.filter(listed=True).select_related("author")


class Book(models.Model):
    listed = models.BooleanField()
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    objects = BookQuerySet.as_manager()


def keys():
    return [book.author_id for book in Book.objects.all()]


def one(pk):
    return [book.author.name for book in Book.objects.filter(pk=pk)]


def loaded():
    books = Book.objects.order_by("pk")
    books = books.select_related("author__agent")
    return [(book.author.name, book.author.agent) for book in books[:50]]


def listed():
    return [book.author.name for book in Book.objects.listed().iterator()]


def prefetched():
    books = Book.objects.select_related("author__agent")
    for author in Author.objects.prefetch_related(Prefetch("books", queryset=books)):
        yield author.agent_id, [book.author.agent for book in author.books.all()]


def first():
    for book in Book.objects.all():
        return book.author.name
```
"""

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from rules.facts.queryset_methods import QUERY_WORDS
from rules.facts.querysets import Query, QueryReader, may_hold_queries
from rules.facts.related_reads import Read, reads_of
from rules.kit import Confidence, Fix, Flag, Here, Related, Replace, Rule, Severity, string, walk
from rules.kit.positions import positions

rule = Rule(
    __name__,
    __doc__,
    code="DBQ101",
    severity=Severity.WARNING,
    checklist=("database.query-efficiency", "database.n-plus-one"),
    scope="project",
    fix="suggestion",
    peers=(),
)

_KEYED = ("sorted", "min", "max", "groupby", "map", "filter")


@dataclass(frozen=True)
class _Loop:
    """What runs once for each row: a loop, a comprehension, or a function given to `sorted`."""

    node: cst.CSTNode
    rows: cst.BaseExpression
    target: cst.BaseExpression
    bodies: tuple[cst.CSTNode, ...]


@rule.on(cst.For, words=QUERY_WORDS)
def check_loop(node: cst.For, here: Here) -> Iterator[Flag]:
    yield from _check(_Loop(node, node.iter, node.target, (node.body,)), here)


@rule.on(cst.CompFor, words=QUERY_WORDS)
def check_comprehension(node: cst.CompFor, here: Here) -> Iterator[Flag]:
    if _concerns(here):
        yield from _check(_comprehension(node, here), here)


@rule.on(cst.Call, calls=_KEYED, words=QUERY_WORDS)
def check_key(node: cst.Call, here: Here) -> Iterator[Flag]:
    loop = _keyed(node)
    if loop is not None:
        yield from _check(loop, here)


def _concerns(here: Here) -> bool:
    return may_hold_queries(here) and not here.is_test and not here.is_migration


def _comprehension(node: cst.CompFor, here: Here) -> _Loop:
    bodies: list[cst.CSTNode] = [each.test for each in node.ifs]
    if node.inner_for_in is not None:
        bodies.append(node.inner_for_in)
    around = here.parent(node)
    while isinstance(around, cst.CompFor):
        around = here.parent(around)
    match around:
        case cst.ListComp(elt=elt) | cst.SetComp(elt=elt) | cst.GeneratorExp(elt=elt):
            bodies.append(elt)
        case cst.DictComp(key=key, value=value):
            bodies += [key, value]
        case _:
            pass
    return _Loop(node, node.iter, node.target, tuple(bodies))


def _keyed(node: cst.Call) -> _Loop | None:
    """`sorted(rows, key=lambda row: ...)` and its like."""
    functions = [each.value for each in node.args if isinstance(each.value, cst.Lambda)]
    rows = [each.value for each in node.args if not isinstance(each.value, cst.Lambda)]
    if len(functions) != 1 or not rows or len(functions[0].params.params) != 1:
        return None
    return _Loop(node, rows[0], functions[0].params.params[0].name, (functions[0].body,))


def _check(loop: _Loop, here: Here) -> Iterator[Flag]:
    if not _concerns(here) or not _may_have_rows(loop.rows):
        return
    reader = QueryReader(here)
    query = reader.query(loop.rows)
    missing = _missing(loop, query, reader)
    if query is None or not missing:
        return
    said = _said_before(loop, query, reader)
    doubt = query.parent is not None and query.parent.given
    wanted = [each for each in missing if each.name not in said]
    nodes = [query.node, *(each.node for each in wanted)]
    spans = positions(here.module, nodes) if here.module is not None else {}
    line = spans[id(query.node)].line
    for each in wanted:
        yield Flag(
            each.node,
            _message(each, query, line, spans[id(each.node)].line, here),
            fix=_fix(each, query, here),
            confidence=Confidence.HOTSPOT if doubt else None,
            related=(Related(here.path, line, f"the query loads no `{each.name}`"),),
        )


def _may_have_rows(node: cst.BaseExpression) -> bool:
    """A cheap look: literals and `range(...)` need no model index."""
    match node:
        case cst.Call(func=cst.Name(value="range" | "zip" | "open")):
            return False
        case cst.Name() | cst.Attribute() | cst.Call() | cst.Subscript() | cst.Await():
            return True
        case _:
            return isinstance(node, cst.IfExp | cst.BooleanOperation)


def _missing(loop: _Loop, query: Query | None, reader: QueryReader) -> list[Read]:
    """The deepest relations that are read for each row and not loaded, first read first."""
    if query is None or query.single or query.opaque:
        return []
    if query.parent is not None and query.parent.query is not None:
        return []  # rows of an outer loop, which speaks for them
    row = reader.row(query)
    found: dict[str, Read] = {}
    for each in reads_of(loop.target, row, loop.bodies, reader):
        found.setdefault(each.name, each)
    deepest = [name for name in found if not any(other.startswith(f"{name}__") for other in found)]
    firsts = []
    for name in deepest:
        above = [found[other] for other in found if name == other or name.startswith(f"{other}__")]
        firsts.append(Read(found[name].path, above[0].node, above[0].model))
    return firsts


def _said_before(loop: _Loop, query: Query, reader: QueryReader) -> set[str]:
    """The relations that an earlier loop over the same query is flagged for."""
    function = reader.here.function(loop.node)
    said: set[str] = set()
    for each in walk(function) if function is not None else ():
        if each is loop.node:
            break
        if isinstance(each, cst.For):
            other = _Loop(each, each.iter, each.target, (each.body,))
        elif isinstance(each, cst.CompFor):
            other = _comprehension(each, reader.here)
        else:
            continue
        same = reader.query(other.rows) if _may_have_rows(other.rows) else None
        if same is not None and same.node is query.node:
            said |= {read.name for read in _missing(other, same, reader)}
    return said


def _cure(read: Read, query: Query) -> str:
    """`select_related` joins; what has several rows, or hangs on a prefetch, is prefetched."""
    below = read.name.split("__")
    prefetched = any("__".join(below[:depth]) in query.prefetch for depth in range(1, len(below)))
    joins = not any(each.many or each.generic for each in read.path)
    return "select_related" if joins and not prefetched else "prefetch_related"


def _message(read: Read, query: Query, line: int, read_line: int, here: Here) -> str:
    code = here.source(read.node)
    code = code if len(code) <= 60 and "\n" not in code else read.path[-1].name
    where = "in the same line" if line == read_line else f"in line {line}"
    model = query.model.rpartition(".")[2]
    return (
        f"`{code}` runs a query for every row of this loop: the query on `{model}` {where} "
        f'does not load `{read.name}`. Add `.{_cure(read, query)}("{read.name}")` to it.'
    )


def _fix(read: Read, query: Query, here: Here) -> Fix | None:
    if len(query.roots) != 1 or query.is_manager:
        return None
    if query.sliced and isinstance(query.node, cst.Subscript):
        return None
    method, name = _cure(read, query), read.name
    existing = _eager_call(query.node, method)
    quoted = cst.SimpleString(f'"{name}"')
    if existing is not None:
        old = [each for each in existing.args if name.startswith(f"{string(each.value)}__")]
        if old:
            return Fix((Replace(old[0].value, quoted),))
        return Fix((Replace(existing, _with_argument(existing, quoted)),))
    inner = query.node
    match inner:
        case cst.Call(func=cst.Attribute(value=base, attr=cst.Name("all")), args=[]):
            inner = base
        case _:
            pass
    plain = inner.with_changes(lpar=[], rpar=[])
    call = cst.Call(cst.Attribute(plain, cst.Name(method)), [cst.Arg(quoted)])
    return Fix((Replace(query.node, call),))


def _with_argument(node: cst.Call, value: cst.BaseExpression) -> cst.Call:
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    *first, last = node.args
    if isinstance(last.comma, cst.Comma):
        return node.with_changes(
            args=[*node.args, cst.Arg(value, comma=last.comma)], lpar=[], rpar=[]
        )
    args = [*first, last.with_changes(comma=comma), cst.Arg(value)]
    return node.with_changes(args=args, lpar=[], rpar=[])


def _eager_call(node: cst.BaseExpression, method: str) -> cst.Call | None:
    """The call of `method` in this chain that names its relations as plain strings."""
    at: cst.BaseExpression = node
    while isinstance(at, cst.Call) and isinstance(at.func, cst.Attribute):
        if at.func.attr.value == method and at.args:
            return at if all(string(each.value) for each in at.args) else None
        at = at.func.value
    return None
