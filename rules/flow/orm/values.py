"""What expressions are, as far as the rows of a database are concerned.

All values are immutable and compare by what they hold, so that a call can be remembered by
its arguments. None stands for what is not known.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a file: lines from 1, columns from 0 in bytes of UTF-8, as `ast` counts."""

    path: str
    line: int
    column: int = 0
    end_line: int = 0
    end_column: int = 0


def place_of(path: str, node: ast.expr | ast.stmt | ast.keyword | ast.excepthandler) -> Place:
    return Place(
        path, node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or 0
    )


@dataclass(frozen=True, slots=True)
class Query:
    """A query for rows of `model`.

    `place` is the expression that a further call could be appended to. `select` and `prefetch`
    are the paths that it loads, `named` the names that it adds to each row; an `opaque` one may
    load more. `single` ones have one row at most. `via` is the row whose related rows these
    are under the name `relation`; `narrowed` says that no prefetch of it can serve them.
    `awaited` ones ran in an asynchronous session. `given` are the rows that it asks with. `columns` are all that it loads, where it says so. `is_list`: the rows are fetched by now. `loaders` is where its options are written,
    `refused` the paths that these leave out although the mapping loads them. An `empty` one
    has no rows: `none()`. A `batched` one asks for all of a portion that a loop hands it.
    `entities` are what each row of it is made of, where that is several: mapped classes, or "".
    """

    model: str
    place: Place
    manager: str = ""
    is_manager: bool = False
    select: frozenset[str] = frozenset()
    prefetch: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    columns: frozenset[str] | None = None
    opaque: bool = False
    single: bool = False
    sliced: bool = False
    plain: bool = False
    is_list: bool = False
    via: Row | None = None
    relation: str = ""
    narrowed: bool = False
    alchemy: bool = False
    given: tuple[Row, ...] = ()
    awaited: bool = False
    loaders: Place | None = None
    refused: frozenset[str] = frozenset()
    empty: bool = False
    batched: bool = False
    entities: tuple[str, ...] = ()

    def loads(self, path: str) -> bool:
        """Whether the relations of `a__b` are there without a further query."""
        return self.opaque or any(
            each == path or each.startswith(f"{path}__") for each in self.select | self.prefetch
        )


@dataclass(frozen=True, slots=True)
class Parameter:
    """A row that a function is given, by the number of the row among what it is given."""

    index: int
    model: str


@dataclass(frozen=True, slots=True)
class Given:
    """A row that comes from where nobody looked; `fresh` ones have nothing loaded.

    Of `guessed` ones the model is known by the name of a relation alone.
    """

    model: str
    fresh: bool = False
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """An instance of `model`: reached from a row of `origin` along the relations of `path`.

    `each` says that the row of `origin` is one of many; `picked` are the steps of `path`, by
    number, at which one of several rows was chosen, so that only that one is read.
    """

    model: str
    origin: Query | Parameter | Given
    path: tuple[str, ...] = ()
    each: bool = False
    picked: frozenset[int] = frozenset()

    def along(self, relation: str, target: str) -> Row:
        """A row at the other end of a relation of this one."""
        return replace(self, model=target, path=(*self.path, relation))

    def chosen(self) -> Row:
        """The row as the only one of its kind: what it reads is read once."""
        if not self.path:
            return replace(self, each=False)
        return replace(self, picked=self.picked | {len(self.path) - 1})


@dataclass(frozen=True, slots=True)
class Constant:
    value: str | int | float | bytes | bool | complex | None


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list, tuple or set: each element where they are known, else what any of them is."""

    elements: tuple[Value, ...] = ()
    any: Value = None


@dataclass(frozen=True, slots=True)
class Mapped:
    """A mapping with keys that are texts; `any` is what a value under another key is."""

    items: tuple[tuple[str, Value], ...] = ()
    any: Value = None

    def get(self, key: str) -> Value:
        return next((v for k, v in self.items if k == key), self.any)

    def with_item(self, key: str, value: Value) -> Mapped:
        rest = tuple(each for each in self.items if each[0] != key)
        return Mapped((*rest, (key, value)), self.any)

    def joined(self, other: Mapped) -> Mapped:
        names = {key for key, _ in other.items}
        rest = tuple(each for each in self.items if each[0] not in names)
        return Mapped((*rest, *other.items), self.any or other.any)


@dataclass(frozen=True, slots=True)
class Class:
    """A class: the key of one of the project, or the full name of one that is not."""

    name: str


@dataclass(frozen=True, slots=True)
class Thing:
    """An instance of a class that is no model; `made` are the arguments it was made with."""

    cls: str
    attributes: tuple[tuple[str, Value], ...] = ()
    args: tuple[Value, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()
    place: Place | None = None

    def get(self, name: str) -> Value:
        return next((v for k, v in self.attributes if k == name), None)

    def has(self, name: str) -> bool:
        return any(k == name for k, _ in self.attributes)

    def keyword(self, name: str) -> Value:
        return next((v for k, v in self.keywords if k == name), None)

    def with_attribute(self, name: str, value: Value) -> Thing:
        rest = tuple(each for each in self.attributes if each[0] != name)
        return Thing(self.cls, (*rest, (name, value)), self.args, self.keywords, self.place)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the project by file and name (`Class.method`), with what it is bound to."""

    path: str
    name: str
    owner: str = ""
    bound: Value = None
    is_bound: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Closure:
    """A lambda or nested function with the variables around it."""

    node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef
    env: Mapping[str, Value] = field(repr=False)
    path: str
    owner: str


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a value of this module, not yet called."""

    of: Value
    name: str


@dataclass(frozen=True, slots=True)
class Super:
    """`super()` within a method of `owner`, for the instance `bound`."""

    owner: str
    bound: Value


@dataclass(frozen=True, slots=True)
class Outside:
    """A name from outside the project, or a module."""

    name: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of several values."""

    values: tuple[Value, ...]


Value = (
    Query
    | Row
    | Constant
    | Sequence
    | Mapped
    | Class
    | Thing
    | Function
    | Closure
    | Method
    | Super
    | Outside
    | OneOf
    | None
)


# Which arm of a branch something happens in: never together with what happens in another one.
Arms = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A relation of a row is read: `how` says what a query for it would do.

    `place` is where it stands, `at` where the function with the loop causes it: the same, or a
    call. `maybe`: only for rows of some kind. `outer` is the call in the function at hand that leads there, if any does.
    """

    row: Row
    name: str
    how: str
    place: Place
    at: Place
    loops: tuple[Turn, ...] = ()
    outer: Place | None = None
    maybe: bool = False
    arms: Arms = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """A loop around an expression. `rows` is what it goes through, if that is known.

    `kind` says what goes through it where no loop is written: a serializer, the admin. `acts` is
    how many calls each turn makes for what they do, such as to send a mail.
    """

    place: Place
    rows: Query | None = None
    row: Row | None = None
    kind: str = ""
    acts: int = 0


@dataclass(frozen=True, slots=True)
class Ran:
    """A query is run: by `what`, for rows that depend on `rows`, within `loops`."""

    query: Query
    what: str
    place: Place
    at: Place
    rows: tuple[Row, ...] = ()
    loops: tuple[Turn, ...] = ()
    writes: bool = False
    guarded: bool = False
    outer: Place | None = None
    arms: Arms = ()


@dataclass(frozen=True, slots=True)
class Rendered:
    """A template is filled with a context."""

    template: str
    context: Mapped
    place: Place
    loops: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """From here on the relations `names` of rows of `model` may be there: set, or fetched again."""

    model: str
    names: tuple[str, ...]
    arms: Arms = ()


Event = Read | Ran | Rendered | Known


@dataclass(frozen=True, slots=True)
class Summary:
    """What a call gives, and what happens in it."""

    value: Value = None
    events: tuple[Event, ...] = ()
    bound: Value = None
