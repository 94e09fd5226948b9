"""A function has more ways through it than anybody can keep in mind.

Each branch doubles what a reader has to think of and a test has to reach, and the next change
breaks the case that nobody saw. Give its parts names: a function for each kind of case, an early
return for each that needs nothing.

The limit is the option `max_complexity`: one way, and one more for each `if`, `elif`, loop,
and `except`; a `match` and a table of branches of one line each count once.

Bad:
```python
def import_row(row, shop):  # flagged
    if not row:
        return None
    if row.kind == "book":
        if row.isbn and row.title:
            book = shop.find(row.isbn)
            if book is None:
                book = shop.add(row.isbn)
            elif book.is_gone:
                book.restore()
                shop.note(book)
            for name in row.authors:
                if name in shop.authors:
                    book.add(name)
                else:
                    shop.invite(name)
                    book.wait_for(name)
        else:
            shop.refuse(row)
            return None
    elif row.kind == "toy":
        try:
            shop.toys.add(row.number)
        except KeyError:
            shop.toys.create(row.number)
            shop.note(row)
        except ValueError:
            return None
        while row.parts:
            part = row.parts.pop()
            if part.is_small:
                shop.warn(part)
                continue
            shop.parts.add(part)
    elif row.kind == "map":
        if row.is_old:
            if row.is_rare:
                shop.ask(row)
                return None
            shop.old_maps.add(row)
            shop.note(row)
        for place in row.places:
            if place.is_known:
                shop.maps.add(place)
                shop.note(place)
    if shop.is_full:
        for shelf in shop.shelves:
            if shelf.is_empty:
                shelf.open()
                shop.note(shelf)
    return row
```
Good:
```python
def import_row(row, shop):
    if row.kind == "book":
        return import_book(row, shop)
    if row.kind == "toy":
        return import_toy(row, shop)
    return None
```
Good: a table of one line each.
```python
def sign(kind):
    if kind == "add":
        return "+"
    elif kind == "subtract":
        return "-"
    elif kind == "multiply":
        return "*"
    elif kind == "divide":
        return "/"
    elif kind == "power":
        return "^"
    elif kind == "equal":
        return "="
    elif kind == "less":
        return "<"
    elif kind == "greater":
        return ">"
    elif kind == "and":
        return "&"
    elif kind == "or":
        return "|"
    elif kind == "not":
        return "!"
    elif kind == "modulo":
        return "%"
    elif kind == "at":
        return "@"
    elif kind == "tilde":
        return "~"
    elif kind == "hash":
        return "#"
    return ""
```
Good: a match of one line each, however long.
```python
def weight(kind):
    match kind:
        case "a":
            return 1
        case "b":
            return 2
        case _:
            return 0
```
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rules.facts.function_size import LargeFunction
from rules.kit import Flag, Here, Rule, Severity


@dataclass(frozen=True)
class Options:
    """`max_complexity` is the highest number of ways that is not reported."""

    max_complexity: int = 20


_DEFAULT = Options()

rule = Rule(
    __name__,
    __doc__,
    code="QLT110",
    severity=Severity.NOTICE,
    checklist=("quality.small-units",),
    cwe=1121,
    peers=("ruff:C901", "flake8:C901", "pylint:R0912", "ruff:PLR0912"),
    options=_DEFAULT,
)


@rule.on(LargeFunction)
def check(function: LargeFunction, here: Here) -> Iterator[Flag]:
    most = (here.options or _DEFAULT).max_complexity
    ways = function.size.ways
    if ways > most:
        yield Flag(
            function.node.name,
            f"`{function.node.name.value}` has {ways} ways through it, more than the {most} that one "
            "can keep in mind. Give its parts functions of their own.",
        )
