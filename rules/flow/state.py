"""What is known at one point of a function: its variables and the heap."""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rules.flow.values import (
    NO_MARKS,
    UNKNOWN,
    Choice,
    ClassCode,
    Function,
    Marks,
    Ref,
    Site,
    Text,
    Tuple,
    Value,
    join,
    widened,
)

_DEEPEST = 4
Merge = Callable[[Value, Value], Value]


@dataclass(frozen=True, slots=True)
class ListObj:
    """A list or set: elements at known places, then any number of `rest`."""

    items: tuple[Value, ...]
    rest: Value | None = None
    kind: str = "list"


@dataclass(frozen=True, slots=True)
class DictObj:
    """A dict by constant keys; `rest` is what other keys may hold.

    A parser of configuration files is one too, with pairs of section and option for keys.
    """

    items: Mapping[Any, Value]
    rest: Value | None = None
    kind: str = "dict"


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of a class of the project. `open` ones have attributes set elsewhere."""

    of: ClassCode
    attributes: Mapping[str, Value]
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """The variables of a function or a module, for the functions inside it."""

    variables: Mapping[str, Value]
    outer: Site | None = None


Object = ListObj | DictObj | Instance | Scope


@dataclass(slots=True)
class State:
    """Variables, heap and tests made; `is_dead` where the point cannot be reached.

    `variables` also holds what a test said of an expression that is no variable, under its
    source: `request.args['next']`. `tests` keeps what a variable was made from, where a later
    `if` on it says something about that.
    """

    variables: dict[str, Value] = field(default_factory=dict)
    heap: dict[Site, Object] = field(default_factory=dict)
    tests: dict[str, ast.expr] = field(default_factory=dict)
    refined: frozenset[str] = frozenset()
    is_dead: bool = False
    base: dict[Site, Object] = field(default_factory=dict)

    def get(self, site: Site) -> Object | None:
        """The object made there; one of a module, if nothing was changed in it on the way."""
        found = self.heap.get(site)
        return self.base.get(site) if found is None else found

    def copy(self) -> State:
        return State(
            dict(self.variables),
            dict(self.heap),
            dict(self.tests),
            self.refined,
            self.is_dead,
            self.base,
        )

    def joined(self, other: State, *, widen: bool = False) -> State:
        """What is known where two ways meet."""
        if self.is_dead:
            return other.copy()
        if other.is_dead:
            return self.copy()
        merge = widened if widen else join
        found = State(_joined(self.variables, other.variables, merge), base=self.base)
        for name in self.refined | other.refined:
            if name not in self.refined or name not in other.refined:
                found.variables.pop(name, None)
        found.refined = self.refined & other.refined
        found.tests = {
            name: test for name, test in self.tests.items() if other.tests.get(name) is test
        }
        found.heap = self._joined_heap(other, merge)
        return found

    def _joined_heap(self, other: State, merge: Merge) -> dict[Site, Object]:
        base, mine, others = self.base, self.heap, other.heap
        found = dict(mine)
        for site, theirs in others.items():
            ours = mine.get(site)
            if ours is theirs:
                continue
            if ours is None:
                ours = base.get(site)
            if ours is None:
                found[site] = theirs
            elif ours is not theirs and ours != theirs:
                found[site] = _joined_object(ours, theirs, merge)
        for site, held in mine.items() if base else ():
            if site in base and site not in others:
                found[site] = _joined_object(held, base[site], merge)
        return found

    def same_as(self, other: State) -> bool:
        return (
            self.is_dead == other.is_dead
            and self.variables == other.variables
            and self.heap == other.heap
        )

    def marks(self, value: Value) -> Marks:
        """The marks of a value and of all that it holds."""
        if value.__class__ not in _HOLDERS:
            return value.marks
        found: Marks = NO_MARKS
        for each in self.within(value):
            if each.marks:
                found = found | each.marks
        return found

    def within(self, value: Value) -> list[Value]:
        """A value and what it holds."""
        found = [value]
        level = found
        for _ in range(_DEEPEST):
            level = [below for each in level for below in self._below(each)]
            if not level:
                break
            found += level
        return found

    def _below(self, value: Value) -> Iterable[Value]:
        kind = value.__class__
        if kind is Ref:
            return held_by(self.get(value.site))  # type: ignore[attr-defined]
        field_name = _HOLDERS.get(kind)
        return getattr(value, field_name) if field_name else ()

    def reachable(self, values: Iterable[Value]) -> dict[Site, Object]:
        """The part of the heap that these values lead to."""
        found: dict[Site, Object] = {}
        stack = list(values)
        while stack:
            value = stack.pop()
            sites = _sites(value)
            for site in sites:
                held = self.get(site)
                if held is not None and site not in found:
                    found[site] = held
                    stack.extend(held_by(held))
                    if isinstance(held, Scope) and held.outer is not None:
                        stack.append(Ref(held.outer))
        return found


# Values that hold others, and in which field.
_HOLDERS: Mapping[type, str] = {Ref: "", Tuple: "items", Choice: "values", Text: "parts"}


def _sites(value: Value) -> list[Site]:
    match value:
        case Ref(site=site):
            return [site]
        case Function(bound=bound, frame=frame):
            return [*(_sites(bound) if bound is not None else ()), *([frame] if frame else ())]
        case Tuple(items=items) | Choice(values=items) | Text(parts=items):
            return [site for each in items for site in _sites(each)]
        case _:
            return []


def held_by(held: Object | None) -> list[Value]:
    """The values that an object holds."""
    match held:
        case ListObj(items=items, rest=rest):
            return [*items, *([rest] if rest is not None else ())]
        case DictObj(items=items, rest=rest):
            return [*items.values(), *([rest] if rest is not None else ())]
        case Instance(attributes=values) | Scope(variables=values):
            return list(values.values())
        case _:
            return []


def _joined(
    ours: Mapping[str, Value], theirs: Mapping[str, Value], merge: Merge
) -> dict[str, Value]:
    found = dict(ours)
    for name, value in theirs.items():
        known = found.get(name)
        if known is None:
            found[name] = value
        elif known is not value:
            found[name] = merge(known, value)
    return found


def _either(left: Value | None, right: Value | None) -> Value | None:
    if left is None or right is None:
        return left if right is None else right
    return join(left, right)


def _joined_object(ours: Object, theirs: Object, merge: Merge) -> Object:
    match ours, theirs:
        case ListObj(), ListObj():
            return _joined_lists(ours, theirs)
        case DictObj(), DictObj():
            return _joined_dicts(ours, theirs)
        case Instance(), Instance():
            joint = _joined(ours.attributes, theirs.attributes, merge)
            return replace(ours, attributes=joint, is_open=ours.is_open or theirs.is_open)
        case Scope(), Scope():
            return replace(ours, variables=_joined(ours.variables, theirs.variables, merge))
        case _:
            return theirs


def _joined_lists(ours: ListObj, theirs: ListObj) -> ListObj:
    count = min(len(ours.items), len(theirs.items))
    items = tuple(join(ours.items[at], theirs.items[at]) for at in range(count))
    rest = _either(ours.rest, theirs.rest)
    for each in (*ours.items[count:], *theirs.items[count:]):
        rest = _either(rest, each)
    return ListObj(items, rest, ours.kind)


def _joined_dicts(ours: DictObj, theirs: DictObj) -> DictObj:
    items: dict[Hashable, Value] = {}
    rest = _either(ours.rest, theirs.rest)
    for key in [*ours.items, *(each for each in theirs.items if each not in ours.items)]:
        left = ours.items.get(key, ours.rest)
        right = theirs.items.get(key, theirs.rest)
        items[key] = _either(_either(left, right), None if left and right else UNKNOWN) or UNKNOWN
    return DictObj(items, rest, ours.kind)
