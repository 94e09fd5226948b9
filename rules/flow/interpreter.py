"""Runs a domain over functions of the project.

The work on one entry function is bounded by `STEPS` (statements and expressions read, those
of called functions included), that on one file by `ALL_STEPS`, and calls by `calls.MAX_DEPTH`.
Where a bound is reached the values are unknown from there on, and `limits` says so.
"""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from rules.facts.python_modules import dotted
from rules.flow import access, expressions
from rules.flow.calls import Outcome
from rules.flow.domain import Domain
from rules.flow.frame import Frame
from rules.flow.program import Program
from rules.flow.state import Instance, Object, Scope, State
from rules.flow.statements import run_block
from rules.flow.values import (
    NONE,
    UNKNOWN,
    Class,
    ClassCode,
    Function,
    FunctionCode,
    ModuleCode,
    Ref,
    Site,
    Thing,
    Value,
    join,
    join_all,
)

STEPS = 20_000  # statements and expressions per entry function
ALL_STEPS = 80_000  # of all entry functions together
MODULE_STEPS = 4_000  # for one variable of a module
_NAMES_OF_MODULE = re.compile(r"[^\W\d]\w*")
_PERCENT = re.compile(
    r"%(?:\((?P<name>[^)]{0,200})\))?[-+ #0]*(?:[1-9]\d*|\*)?(?:\.(?:\d+|\*))?"
    r"(?P<kind>[diouxXeEfFgGcrsa%])"
)


class _LimitReached(Exception):  # noqa: N818 - a signal, not an error
    """An entry function has used up its steps."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A function that was not read to the end."""

    path: str
    line: int
    function: str


@dataclass(eq=False)
class Interpreter:
    """Interprets functions of one project for one domain; keeps what it learns of modules."""

    program: Program
    domain: Domain
    steps: int = STEPS
    steps_left: int = ALL_STEPS
    unrolled: int = 8
    limits: list[Limit] = field(default_factory=list)
    memo: dict[Hashable, Outcome] = field(default_factory=dict)
    percent: re.Pattern[str] = _PERCENT
    formatter: string.Formatter = field(default_factory=string.Formatter)
    unfollowed: set[tuple[str, int]] = field(default_factory=set)
    _left: int = 0
    _entered: set[FunctionCode] = field(default_factory=set)
    _base: dict[Site, Object] = field(default_factory=dict)
    _globals: dict[tuple[str, str], Value | None] = field(default_factory=dict)
    _fields: dict[tuple[ClassCode, str], Value] = field(default_factory=dict)
    _selves: dict[ClassCode, tuple[Instance, dict[Site, Object]]] = field(default_factory=dict)
    _sources: dict[int, tuple[ast.expr, str]] = field(default_factory=dict)
    _words: dict[str, frozenset[str]] = field(default_factory=dict)
    _names: dict[int, tuple[ast.expr, frozenset[str]]] = field(default_factory=dict)
    _nonlocals: dict[FunctionCode, frozenset[str]] = field(default_factory=dict)

    # Entries.

    def run(self, code: FunctionCode, outer: Frame | None = None) -> Frame:
        """Interpret a function that nobody was seen to call. The domain hears of all it does."""
        self.memo.clear()
        self._left = given = min(self.steps, self.steps_left)
        frame = self._entry(code, outer)
        try:
            self._parameters(code, frame)
            self.perform(frame)
        except (_LimitReached, RecursionError):
            self._note_limit(code)
        self.steps_left -= given - max(self._left, 0)
        return frame

    def run_all(self, code: FunctionCode) -> None:
        """Interpret a function, and the functions inside it that it did not call itself."""
        queue = [self.run(code)]
        while queue:
            around = queue.pop()
            queue += [
                self.run(inner, around)
                for inner in tuple(around.inner)
                if not isinstance(inner.node, ast.Lambda)
                and (inner not in self._entered or inner.decorators)
            ]

    def entries(self, module: ModuleCode) -> Iterator[FunctionCode]:
        """The functions and methods that a module defines, not those inside functions."""
        for value in self.program.tops(module).values():
            if isinstance(value, Function):
                yield value.code
            elif isinstance(value, Class):
                yield from value.code.methods.values()

    def _entry(self, code: FunctionCode, outer: Frame | None) -> Frame:
        node = code.node
        site = Site(code.module.path, node.lineno, node.col_offset)
        heap: dict[Site, Object] = {}
        if outer is not None:
            left = outer.exit if outer.exit is not None else outer.state
            heap = dict(left.heap)
        state = State({}, heap, base=self._base)
        return Frame(self, code.module, code, state, site, outer=outer.site if outer else None)

    def _parameters(self, code: FunctionCode, frame: Frame) -> None:
        spec = code.node.args
        names = [each.arg for each in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
        names += [each.arg for each in (spec.vararg, spec.kwarg) if each is not None]
        for at, name in enumerate(names):
            if at == 0 and code.owner is not None and not _is_static(code):
                frame.state.variables[name] = self._self(code, frame)
                continue
            given = self.domain.parameter(code, name, frame)
            frame.state.variables[name] = (
                given if given is not None else self.typed(code, name, frame)
            )

    def typed(self, code: FunctionCode, name: str, frame: Frame) -> Value:
        """An unknown argument, of the class of the project that its annotation names."""
        note = annotation_of(code, name)
        of = self.class_named(note, frame) if note is not None else None
        if of is None:
            return UNKNOWN
        return Thing(of=of)

    def class_named(self, note: ast.expr, frame: Frame) -> ClassCode | None:
        """The class of the project that an annotation names, also within `Optional`."""
        if isinstance(note, ast.Constant) and isinstance(note.value, str):
            try:
                note = ast.parse(note.value, mode="eval").body
            except (SyntaxError, ValueError):
                return None
        if isinstance(note, ast.BinOp):
            return self.class_named(note.left, frame) or self.class_named(note.right, frame)
        if isinstance(note, ast.Subscript):
            inner = (
                note.slice.elts[0]
                if isinstance(note.slice, ast.Tuple) and note.slice.elts
                else note.slice
            )
            if dotted(note.value).rpartition(".")[2] in ("Optional", "Annotated"):
                return self.class_named(inner, frame)
            return None
        if not isinstance(note, ast.Name | ast.Attribute):
            return None
        full = self.full_name(note, frame)
        found = self.program.lookup(full) if full else None
        return found.code if isinstance(found, Class) else None

    def full_name(self, node: ast.expr, frame: Frame) -> str:
        """The dotted name of a name or attribute as the imports of the module have it."""
        written = dotted(node)
        if not written:
            return ""
        local = frame.state.variables.get(written.partition(".")[0])
        if isinstance(local, Thing) and local.name:
            return f"{local.name}{written[len(written.partition('.')[0]) :]}"
        return self.program.modules.resolve(frame.module.path, written)

    def _self(self, code: FunctionCode, frame: Frame) -> Value:
        owner = code.owner
        if owner is None or any(_last(each) == "classmethod" for each in code.decorators):
            return Class(owner) if owner is not None else UNKNOWN
        site = Site(f"self:{owner.full_name}", 0, 0)
        held, heap = self._instance(owner, frame)
        frame.state.heap.update(heap)
        frame.state.heap[site] = held
        return Ref(site)

    def _instance(self, owner: ClassCode, frame: Frame) -> tuple[Instance, dict[Site, Object]]:
        """An object as `__init__` leaves it, with what other methods set taken to be unknown."""
        known = self._selves.get(owner)
        if known is None:
            known = self._selves[owner] = Instance(owner, {}, is_open=True), {}
            initial = self.program.method(owner, "__init__")
            if initial is not None:
                known = self._selves[owner] = self._initialised(owner, initial)
        return known

    def _initialised(
        self, owner: ClassCode, initial: FunctionCode
    ) -> tuple[Instance, dict[Site, Object]]:
        left = self._left
        frame = self.run(initial)
        self._left = left
        site = Site(f"self:{owner.full_name}", 0, 0)
        heap = frame.exit.heap if frame.exit is not None else frame.state.heap
        made = heap.get(site)
        if not isinstance(made, Instance):
            return Instance(owner, {}, is_open=True), {}
        state = State({}, heap, base=self._base)
        inner = state.reachable(made.attributes.values())
        set_elsewhere = self._set_elsewhere(owner)
        attributes = {
            name: join(value, UNKNOWN) if name in set_elsewhere else value
            for name, value in made.attributes.items()
        }
        return Instance(owner, attributes, is_open=True), inner

    def _set_elsewhere(self, owner: ClassCode) -> frozenset[str]:
        found: set[str] = set()
        for name, method in owner.methods.items():
            if name == "__init__":
                continue
            for node in ast.walk(method.node):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                    found.add(node.attr)
        return frozenset(found)

    def learn(self, owner: ClassCode, name: str, value: Value) -> bool:
        """Some method sets `self.name`: from now on entries of the class know. Whether new."""
        held, heap = self._selves.get(owner, (Instance(owner, {}, is_open=True), {}))
        known = held.attributes.get(name)
        new = value if known is None else join(known, value)
        if new == known:
            return False
        attributes = {**held.attributes, name: new}
        self._selves[owner] = Instance(owner, attributes, is_open=True), heap
        return True

    # Work.

    def evaluate(self, node: ast.expr, frame: Frame) -> Value:
        return expressions.evaluate(node, frame)

    def step(self, node: ast.AST, cost: int = 1) -> None:
        """One more node is read; a statement costs more, the more there is to keep."""
        self._left -= cost
        if self._left < 0:
            raise _LimitReached

    def perform(self, frame: Frame) -> Value:
        """Carry out a frame's function; the result of all its ways together."""
        code = frame.code
        assert code is not None  # noqa: S101 - frames of modules are not performed
        self._entered.add(code)
        node = code.node
        if isinstance(node, ast.Lambda):
            frame.finish(frame.evaluate(node.body))
        else:
            run_block(node.body, frame)
            if not frame.state.is_dead:
                frame.finish(NONE)
        if frame.yielded is not None and frame.exit is not None:
            frame.state = frame.exit
            made = frame.make_list(node, (), frame.yielded)
            frame.exit = frame.state
            return made
        return frame.result if frame.result is not None else UNKNOWN

    def note_unfollowed(self, code: FunctionCode, node: ast.AST, frame: Frame) -> None:
        """A call was not followed, for the depth of calls or a recursion."""
        at = frame.place(node)
        self.unfollowed.add((at.path, at.line))

    def _note_limit(self, code: FunctionCode) -> None:
        self.limits.append(Limit(code.module.path, code.node.lineno, code.name))

    # Names of modules and classes.

    def global_of(self, module: ModuleCode, name: str, frame: Frame) -> Value | None:
        """A variable, import or definition of a module; None if it has none of this name."""
        scope = frame.state.get(_global_site(module.path))
        if isinstance(scope, Scope) and name in scope.variables:
            return scope.variables[name]
        key = (module.path, name)
        if key not in self._globals:
            self._globals[key] = UNKNOWN  # a cycle of modules ends here
            self._globals[key] = self._read_global(module, name)
        return self._globals[key]

    def set_global(self, module: ModuleCode, name: str, value: Value, frame: Frame) -> None:
        site = _global_site(module.path)
        scope = frame.state.get(site)
        known = scope.variables if isinstance(scope, Scope) else {}
        frame.state.heap[site] = Scope({**known, name: value})

    def _read_global(self, module: ModuleCode, name: str) -> Value | None:
        top = self.program.tops(module).get(name)
        statements = self.program.bound_at_top(module).get(name)
        if not statements:
            return top if top is not None else self._starred(module, name)
        values = [] if top is None else [top]
        left, self._left = self._left, MODULE_STEPS
        try:
            values.extend(self._bound_by(each, module, name) for each in statements[:4])
        except (_LimitReached, RecursionError):
            values.append(UNKNOWN)
        self._left = left
        if len(statements) > 4 or name in module.rebound:
            values.append(UNKNOWN)
        return join_all(values)

    def _bound_by(self, node: ast.stmt, module: ModuleCode, name: str) -> Value:
        """What one statement at the top of a module gives a name."""
        site = Site(module.path, node.lineno, node.col_offset, "module")
        frame = Frame(self, module, None, State(base=self._base), site)
        run_block([node], frame)
        found = frame.state.variables.get(name, UNKNOWN)
        access.sealed(found, frame)
        self._base.update(frame.state.heap)
        return found

    def _starred(self, module: ModuleCode, name: str) -> Value | None:
        record = self.program.modules.by_path.get(module.path)
        if record is None or not record.stars:
            return None
        full = self.program.modules.resolve(module.path, name)
        if full == f"{module.name}.{name}":
            return None
        return self.program.lookup(full) or Thing(full)

    def project_value(self, full: str, frame: Frame) -> Value | None:
        """What a dotted name stands for in the project; None if it is a library's."""
        path, rest = self.program.split(full)
        if not path:
            return None
        found = self.program.lookup(full)
        if found is not None:
            return found
        module = self.program.module(path)
        if module is None or not rest or "." in rest:
            return None
        return self.attribute_of_module(path, rest, frame)

    def attribute_of_module(self, path: str, name: str, frame: Frame) -> Value:
        """`module.name`: what the module defines, or a module inside it."""
        module = self.program.module(path)
        if module is None:
            return UNKNOWN
        found = self.global_of(module, name, frame)
        if isinstance(found, Thing) and found.name:
            if found.name == f"{module.name}.{name}":
                return found
            inner = self.project_value(found.name, frame)
            if inner is not None:
                return inner
            return self.domain.name(found.name, frame) or found
        if found is not None:
            return found
        return self.program.lookup(f"{module.name}.{name}") or Thing(f"{module.name}.{name}")

    def field_value(self, code: ClassCode, name: str, frame: Frame) -> Value | None:
        """What a class gives an attribute in its body; None if it gives it none."""
        for each in self.program.lineage(code)[0]:
            scope = frame.state.get(Site(f"class:{each.full_name}", 0, 0))
            if isinstance(scope, Scope) and name in scope.variables:
                return scope.variables[name]
        found = self.program.field_of(code, name)
        if found is None:
            return None
        owner, node = found
        key = (owner, name)
        if key not in self._fields:
            self._fields[key] = UNKNOWN
            self._fields[key] = self._read_field(owner, node)
        return self._fields[key]

    def _read_field(self, owner: ClassCode, node: ast.AST) -> Value:
        value = getattr(node, "value", None)
        if not isinstance(value, ast.expr):
            return UNKNOWN
        left, self._left = self._left, MODULE_STEPS
        site = Site(owner.module.path, value.lineno, value.col_offset, "class")
        frame = Frame(self, owner.module, None, State(base=self._base), site)
        try:
            found = frame.evaluate(value)
            access.sealed(found, frame)
            self._base.update(frame.state.heap)
        except (_LimitReached, RecursionError):
            found = UNKNOWN
        self._left = left
        return found

    def nested_class(self, code: ClassCode, name: str) -> Value | None:
        for node in code.node.body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                return Class(self.program.class_of(node, code.module, f"{code.name}."))
        return None

    def default_value(self, node: ast.expr, function: Function, frame: Frame) -> Value:
        """The default of a parameter, evaluated where the function was defined."""
        site = Site(function.code.module.path, node.lineno, node.col_offset, frame.site.calls)
        inner = Frame(self, function.code.module, None, frame.state, site, outer=function.frame)
        return inner.evaluate(node)

    # Kept readings of code.

    def source_of(self, node: ast.expr) -> str:
        """The source of an expression, normalised."""
        known = self._sources.get(id(node))
        if known is None or known[0] is not node:
            known = self._sources[id(node)] = node, ast.unparse(node)
        return known[1]

    def words_of(self, source: str) -> frozenset[str]:
        """The names in a source."""
        if source not in self._words:
            self._words[source] = frozenset(_NAMES_OF_MODULE.findall(source))
        return self._words[source]

    def names_in(self, node: ast.expr) -> frozenset[str]:
        """The variables that an expression reads."""
        known = self._names.get(id(node))
        if known is None or known[0] is not node:
            names = frozenset(each.id for each in ast.walk(node) if isinstance(each, ast.Name))
            known = self._names[id(node)] = node, names
        return known[1]

    def nonlocals_of(self, code: FunctionCode) -> frozenset[str]:
        """The variables of functions around that a function sets."""
        known = self._nonlocals.get(code)
        if known is None:
            found = {
                name
                for each in ast.walk(code.node)
                if isinstance(each, ast.Nonlocal)
                for name in each.names
            }
            known = self._nonlocals[code] = frozenset(found)
        return known


def annotation_of(code: FunctionCode, name: str) -> ast.expr | None:
    """The annotation of a parameter."""
    spec = code.node.args
    for each in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs):
        if each.arg == name:
            return each.annotation
    return None


def _global_site(path: str) -> Site:
    return Site(f"module:{path}", 0, 0)


def _is_static(code: FunctionCode) -> bool:
    return any(_last(each) == "staticmethod" for each in code.decorators)


def _last(node: ast.expr) -> str:
    while isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
