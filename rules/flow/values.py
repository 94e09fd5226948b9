"""Abstract values: what an expression may be, as far as reading the code tells.

All are immutable. Lists, dicts and instances live in the heap and are known by their `Ref`,
so that two names for one list see the same changes.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

Marks = frozenset[Any]
NO_MARKS: Marks = frozenset()
Scalar = str | bytes | int | float | complex | bool | None

MAX_CHOICES = 8
MAX_PARTS = 16
_LONGEST_NAME = 160


@dataclass(frozen=True, slots=True)
class Value:
    """What every value has: the marks that a domain put on it.

    Domains may derive classes of their own; the interpreter carries them around unread.
    """

    marks: Marks = field(default=NO_MARKS, kw_only=True)

    def marked(self, marks: Marks) -> Value:
        """The same value with exactly these marks."""
        return self if marks == self.marks else replace(self, marks=marks)

    def joined(self, other: Value) -> Value | None:
        """One value that stands for both, where there is a better one than a choice."""
        return self if self == other else None


@dataclass(frozen=True, slots=True, eq=False)
class Const(Value):
    """A constant. `1`, `1.0` and `True` are three of them."""

    value: Scalar

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Const)
            and self.value.__class__ is other.value.__class__
            and self.value == other.value
            and self.marks == other.marks
        )

    def __hash__(self) -> int:
        return hash((self.value.__class__, self.value, self.marks))


@dataclass(frozen=True, slots=True)
class Text(Value):
    """Text put together from parts, of which some are constant. Made by `text_of`."""

    parts: tuple[Value, ...]

    def marked(self, marks: Marks) -> Value:
        if marks == self.marks:
            return self
        return text_of(
            each if isinstance(each, Const) else each.marked(each.marks & marks)
            for each in self.parts
        )

    @property
    def start(self) -> str:
        """The constant text that it begins with."""
        first = self.parts[0]
        return first.value if isinstance(first, Const) and isinstance(first.value, str) else ""

    @property
    def end(self) -> str:
        """The constant text that it ends with."""
        last = self.parts[-1]
        return last.value if isinstance(last, Const) and isinstance(last.value, str) else ""


@dataclass(frozen=True, slots=True)
class Thing(Value):
    """Something of which only is known where it comes from.

    `name` is the dotted way to it from an import: `flask.request.args`, with `()` where it was
    called: `sqlite3.connect().cursor`. `of` is its class, where an annotation says it.
    """

    name: str = ""
    of: ClassCode | None = None

    def joined(self, other: Value) -> Value | None:
        if isinstance(other, Thing) and self.name == other.name and self.of is other.of:
            return self.marked(self.marks | other.marks)
        return None

    def below(self, suffix: str) -> str:
        """The name of what is reached from here; empty where this has none."""
        name = f"{self.name}{suffix}"
        return name if self.name and len(name) <= _LONGEST_NAME else ""


@dataclass(frozen=True, slots=True)
class Tuple(Value):
    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Ref(Value):
    """A list, dict, set or instance, by where it was made."""

    site: Site


@dataclass(frozen=True, slots=True)
class Module(Value):
    """A module of the project."""

    path: str


@dataclass(frozen=True, slots=True)
class Class(Value):
    code: ClassCode


@dataclass(frozen=True, slots=True)
class Function(Value):
    """A function, method or lambda of the project. `bound` is `self` where it is known."""

    code: FunctionCode
    bound: Value | None = None
    frame: Site | None = None


@dataclass(frozen=True, slots=True)
class Choice(Value):
    """One of several values. Made by `join`."""

    values: tuple[Value, ...]

    def marked(self, marks: Marks) -> Value:
        if marks == self.marks:
            return self
        return join_all(each.marked(each.marks & marks) for each in self.values)


class Site(NamedTuple):
    """Where something was made: a place in the code, and by which calls it was reached."""

    path: str
    line: int
    column: int
    calls: Hashable = ()


@dataclass(frozen=True, eq=False)
class ModuleCode:
    """A parsed module of the project. `is_entry` says that it is the one being reviewed."""

    path: str
    name: str
    tree: ast.Module
    is_package: bool = False
    rebound: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class ClassCode:
    """A class. `methods` are its own; the program finds inherited ones."""

    name: str
    node: ast.ClassDef
    module: ModuleCode
    bases: tuple[str, ...] = ()
    methods: Mapping[str, FunctionCode] = field(default_factory=dict)
    fields: Mapping[str, ast.AST] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        return f"{self.module.name}.{self.name}"


FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, eq=False)
class FunctionCode:
    """A function. `owner` is the class whose method it is; `name` has the classes around it."""

    name: str
    node: FunctionNode
    module: ModuleCode
    owner: ClassCode | None = None

    @property
    def decorators(self) -> list[ast.expr]:
        return [] if isinstance(self.node, ast.Lambda) else self.node.decorator_list

    @property
    def own_name(self) -> str:
        return self.name.rpartition(".")[2]


UNKNOWN = Thing()
NONE = Const(None)
TRUE = Const(True)
FALSE = Const(False)
EMPTY_TEXT = Const("")


def truth_value(known: bool | None) -> Value:  # noqa: FBT001 - the answer itself
    """What a comparison gives; None is an answer that is not known."""
    return UNKNOWN if known is None else TRUE if known else FALSE


def text_of(parts: Iterable[Value]) -> Value:
    """Text from parts that stand one after the other; constants beside each other melt."""
    flat: list[Value] = []
    for part in parts:
        for each in part.parts if isinstance(part, Text) else (part,):
            last = flat[-1] if flat else None
            if isinstance(each, Const) and not each.marks:
                word = _as_text(each.value)
                if isinstance(last, Const) and not last.marks:
                    flat[-1] = Const(_as_text(last.value) + word)
                elif word:
                    flat.append(Const(word))
            else:
                flat.append(each)
    if not flat:
        return EMPTY_TEXT
    if len(flat) == 1 and isinstance(flat[0], Const):
        return flat[0]
    if len(flat) > MAX_PARTS:
        flat = [*flat[: MAX_PARTS - 2], Thing(marks=union_of(flat[MAX_PARTS - 2 : -1])), flat[-1]]
    return Text(tuple(flat), marks=union_of(flat))


def _as_text(value: Scalar) -> str:
    if isinstance(value, str):
        return value
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def union_of(values: Iterable[Value]) -> Marks:
    """The marks of all these."""
    found: Marks = NO_MARKS
    for each in values:
        if each.marks:
            found = found | each.marks
    return found


def choices(value: Value) -> tuple[Value, ...]:
    """What a value may be, one by one."""
    return value.values if isinstance(value, Choice) else (value,)


def join(left: Value, right: Value) -> Value:
    """A value that stands for both."""
    if left is right or left == right:
        return left
    found = list(choices(left))
    for each in choices(right):
        for at, known in enumerate(found):
            melted = known.joined(each)
            if melted is not None:
                found[at] = melted
                break
        else:
            found.append(each)
    if len(found) == 1:
        return found[0]
    if len(found) > MAX_CHOICES:
        return collapsed(found)
    marks = union_of(found)
    if isinstance(left, Choice) and left.values == tuple(found):
        return left
    return Choice(tuple(found), marks=marks)


def join_all(values: Iterable[Value]) -> Value:
    """A value that stands for all of these; unknown for none."""
    found: Value | None = None
    for each in values:
        found = each if found is None else join(found, each)
    return UNKNOWN if found is None else found


def collapsed(values: Iterable[Value]) -> Value:
    """Too many values to keep apart: scalars become one unknown, the rest stays."""
    kept: list[Value] = []
    marks: Marks = NO_MARKS
    for each in values:
        if isinstance(each, Const | Text | Thing | Tuple):
            marks = marks | each.marks
        elif each not in kept:
            kept.append(each)
    if not kept:
        return Thing(marks=marks)
    kept = kept[:MAX_CHOICES]
    return Choice((*kept, Thing(marks=marks)), marks=marks | union_of(kept))


def widened(before: Value, after: Value) -> Value:
    """What a variable may be that changes with each turn of a loop."""
    if before == after:
        return before
    start = _common_start(before, after)
    if start:
        return text_of((Const(start), Thing(marks=before.marks | after.marks)))
    return collapsed((*choices(before), *choices(after)))


def _common_start(before: Value, after: Value) -> str:
    starts = [
        each.start
        if isinstance(each, Text)
        else each.value
        if isinstance(each, Const) and isinstance(each.value, str)
        else ""
        for value in (before, after)
        for each in choices(value)
    ]
    first = min(starts, key=len) if starts else ""
    return first if all(each.startswith(first) for each in starts) else ""


def is_true(value: Value) -> bool | None:
    """Whether a value counts as true; None where that is not known."""
    match value:
        case Const(value=held):
            return bool(held)
        case Text(parts=parts):
            return True if any(isinstance(each, Const) and each.value for each in parts) else None
        case Tuple(items=items):
            return bool(items)
        case Function() | Class() | Module():
            return True
        case Choice(values=values):
            answers = {is_true(each) for each in values}
            return answers.pop() if len(answers) == 1 else None
        case _:
            return None
