"""One function at work: its variables, where it may go, and what was found on the way."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rules.flow.domain import Call
from rules.flow.state import DictObj, Instance, ListObj, Object, Scope, State, held_by
from rules.flow.values import (
    UNKNOWN,
    Choice,
    Const,
    Function,
    FunctionCode,
    Marks,
    ModuleCode,
    Ref,
    Site,
    Text,
    Thing,
    Tuple,
    Value,
    choices,
    join,
)

if TYPE_CHECKING:
    from rules.flow.interpreter import Interpreter

_BUILTINS = frozenset(dir(builtins))
_COMPOUND = frozenset({Text, Choice, Tuple})


@dataclass(slots=True)
class Jumps:
    """Where `break` and `continue` of a loop lead."""

    broken: State | None = None
    continued: State | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the code, both 1-based."""

    path: str
    line: int
    column: int


@dataclass(eq=False)
class Frame:
    """An activation of a function, or of the top of a module (`code` is None).

    `call` is the place that called it, None for an entry.
    """

    run: Interpreter
    module: ModuleCode
    code: FunctionCode | None
    state: State
    site: Site
    outer: Site | None = None
    caller: Frame | None = None
    call: ast.AST | None = None
    result: Value | None = None
    exit: State | None = None
    yielded: Value | None = None
    jumps: list[Jumps] = field(default_factory=list)
    raised: list[State | None] = field(default_factory=list)
    seen: dict[int, Value] = field(default_factory=dict)
    called: dict[int, Call] = field(default_factory=dict)
    inner: dict[FunctionCode, Function] = field(default_factory=dict)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)

    # Places and sites.

    def place(self, node: ast.AST) -> Place:
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        return Place(self.module.path, line, column + 1)

    def make(self, node: ast.AST, held: Object, part: str = "") -> Ref:
        """Put a new object on the heap."""
        at = self.place(node)
        site = Site(
            at.path, at.line, at.column, (self.site.calls, part) if part else self.site.calls
        )
        self.state.heap[site] = held
        return Ref(site)

    def make_list(self, node: ast.AST, items: tuple[Value, ...], rest: Value | None = None) -> Ref:
        return self.make(node, ListObj(items, rest))

    def object(self, value: Value) -> Object | None:
        """What a reference leads to."""
        return self.state.get(value.site) if isinstance(value, Ref) else None

    def update(self, ref: Ref, held: Object) -> None:
        self.state.heap[ref.site] = held

    def marks(self, value: Value) -> Marks:
        """The marks of a value and of all that it holds."""
        return self.state.marks(value)

    # Variables.

    def read(self, name: str) -> Value | None:
        """A variable of the function, of those around it, or of the module."""
        found = self.state.variables.get(name)
        if found is not None:
            return found
        site = self.outer
        while site is not None:
            scope = self.state.get(site)
            if not isinstance(scope, Scope):
                break
            if name in scope.variables:
                return scope.variables[name]
            site = scope.outer
        return self.run.global_of(self.module, name, self)

    def name(self, node: ast.Name) -> Value:
        found = self.read(node.id)
        if found is None:
            full = f"builtins.{node.id}" if node.id in _BUILTINS else ""
            return self.named(full, node) if full else UNKNOWN
        if isinstance(found, Thing) and found.name:
            return self.named(found.name, node) if not found.marks else found
        return found

    def named(self, full: str, node: ast.expr) -> Value:
        """What a full dotted name stands for."""
        given = self.run.domain.name(full, self)
        if given is not None:
            return given
        found = self.run.project_value(full, self)
        return Thing(full) if found is None else found

    def write(self, name: str, value: Value, node: ast.AST) -> None:
        """Give a variable a value."""
        value = self.run.domain.assigned(name, value, node, self)
        if name in self.globals:
            self.run.set_global(self.module, name, value, self)
            return
        state = self.state
        self._forget(name)
        if name in self.nonlocals and self._write_outer(name, value):
            return
        state.variables[name] = value

    def _forget(self, name: str) -> None:
        """What was known of expressions with this variable in them is not known any more."""
        state = self.state
        if state.refined:
            gone = {each for each in state.refined if name in self.run.words_of(each)}
            if gone:
                state.refined = state.refined - gone
                for each in gone:
                    state.variables.pop(each, None)
        if state.tests:
            for key, test in list(state.tests.items()):
                if key == name or name in self.run.names_in(test):
                    del state.tests[key]

    def _write_outer(self, name: str, value: Value) -> bool:
        site = self.outer
        while site is not None:
            scope = self.state.get(site)
            if not isinstance(scope, Scope):
                return False
            if name in scope.variables:
                joint = join(scope.variables[name], value)
                self.state.heap[site] = replace(scope, variables={**scope.variables, name: joint})
                return True
            site = scope.outer
        return False

    def spill(self) -> None:
        """Lay the variables where functions defined inside this one find them."""
        if self.inner or self.code is None:
            known = self.state.get(self.site)
            outer = known.outer if isinstance(known, Scope) else self.outer
            self.state.heap[self.site] = Scope(dict(self.state.variables), outer)

    def unspill(self) -> None:
        """Take back what functions inside this one have changed."""
        if not self.inner:
            return
        changed = {name for each in self.inner for name in self.run.nonlocals_of(each)}
        scope = self.state.get(self.site)
        if changed and isinstance(scope, Scope):
            for name in changed & scope.variables.keys():
                self.state.variables[name] = scope.variables[name]

    # What tests say.

    def refine(self, node: ast.expr, value: Value) -> None:
        """From here on, `node` is `value`."""
        match node:
            case ast.Name(id=name):
                if name in self.state.variables:
                    self.state.variables[name] = value
                elif self.read(name) is not None:
                    self.state.variables[name] = value
                    self.state.refined = self.state.refined | {name}
            case ast.NamedExpr(target=target):
                self.refine(target, value)
            case ast.Await(value=inner):
                self.refine(inner, value)
            case ast.Attribute() | ast.Subscript() | ast.Call():
                key = self.run.source_of(node)
                self.state.variables[key] = value
                self.state.refined = self.state.refined | {key}
            case _:
                pass

    def remark(self, change: Callable[[Marks], Marks]) -> None:
        """Change the marks of everything that is known here."""
        state = self.state
        for name, value in state.variables.items():
            new = self.remarked(value, change)
            if new is not value:
                state.variables[name] = new
        for site, held in list(state.heap.items()):
            changed = self.remarked_object(held, change)
            if changed is not held:
                state.heap[site] = changed

    def remarked(self, value: Value, change: Callable[[Marks], Marks]) -> Value:
        match value:
            case Text(parts=items) | Choice(values=items) | Tuple(items=items):
                if not any(self.state.marks(each) for each in items):
                    return value
                new = tuple(self.remarked(each, change) for each in items)
                if new == items:
                    return value
                if isinstance(value, Text):
                    return replace(value, parts=new, marks=change(value.marks))
                if isinstance(value, Choice):
                    return replace(value, values=new, marks=change(value.marks))
                return Tuple(new, marks=change(value.marks) if value.marks else value.marks)
            case _:
                return value.marked(change(value.marks)) if value.marks else value

    def remarked_object(self, held: Object, change: Callable[[Marks], Marks]) -> Object:
        if not any(each.marks or each.__class__ in _COMPOUND for each in held_by(held)):
            return held

        def new(value: Value) -> Value:
            return self.remarked(value, change)

        match held:
            case ListObj(items=items, rest=rest):
                changed: Object = replace(
                    held,
                    items=tuple(new(each) for each in items),
                    rest=new(rest) if rest is not None else None,
                )
            case DictObj(items=known, rest=rest):
                changed = replace(
                    held,
                    items={key: new(each) for key, each in known.items()},
                    rest=new(rest) if rest is not None else None,
                )
            case Instance(attributes=values):
                changed = replace(held, attributes={k: new(each) for k, each in values.items()})
            case Scope(variables=values):
                changed = replace(held, variables={k: new(each) for k, each in values.items()})
        return held if changed == held else changed

    # Evaluation, by the modules that do it.

    def evaluate(self, node: ast.expr) -> Value:
        """The value of an expression; it is carried out, with all its effects."""
        return self.run.evaluate(node, self)

    def known(self, node: ast.expr) -> Value:
        """The value that an expression had when it was last evaluated."""
        found = self.seen.get(id(node))
        if found is not None:
            return found
        if isinstance(node, ast.Name):
            return self.read(node.id) or UNKNOWN
        return Const(node.value) if _is_scalar(node) else UNKNOWN  # type: ignore[attr-defined]

    def finish(self, value: Value) -> None:
        """Return from the function."""
        self.result = value if self.result is None else join(self.result, value)
        self.spill()
        self.exit = self.state.copy() if self.exit is None else self.exit.joined(self.state)
        self.state = State(is_dead=True, base=self.state.base)

    def kill(self) -> None:
        """The rest of this way is not reached; a handler around may see what is known."""
        if self.raised:
            known = self.raised[-1]
            self.raised[-1] = self.state.copy() if known is None else known.joined(self.state)
        self.state = State(is_dead=True, base=self.state.base)

    def depth(self) -> int:
        """How many calls lead here from the entry."""
        count, at = 0, self.caller
        while at is not None:
            count, at = count + 1, at.caller
        return count

    def alternatives(self, value: Value) -> tuple[Value, ...]:
        return choices(value)


def _is_scalar(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is not ...
