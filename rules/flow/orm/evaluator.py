"""Runs functions over abstract rows and queries, and notes what is read, run and rendered.

Forward and by flow: branches are joined, a loop's body is seen once, calls into the project
are followed and remembered by their arguments. Rows that a call is given are numbered, so
that one look at a method serves every row it is ever called on.
"""

# A case for each kind of node or name reads best in one place; a call has five parts.
# ruff: noqa: PLR0915

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from rules.facts.django_apps import Apps
from rules.facts.python_modules import absolute_target
from rules.flow.orm import alchemy, library, querying
from rules.flow.orm.django_auth import BUILT_IN
from rules.flow.orm.querying import ABOVE
from rules.flow.orm.schema import Schema
from rules.flow.orm.symbols import Table, concrete, symbolic
from rules.flow.orm.trees import FunctionNode
from rules.flow.orm.values import (
    Arms,
    Class,
    Closure,
    Constant,
    Event,
    Function,
    Given,
    Known,
    Mapped,
    Method,
    OneOf,
    Outside,
    Place,
    Query,
    Ran,
    Read,
    Rendered,
    Row,
    Sequence,
    Summary,
    Super,
    Thing,
    Turn,
    Value,
    place_of,
)

MAX_STEPS = 60_000  # nodes looked at for one entry; a real view takes hundreds
_VALUES_A_STEP = 4  # what a call is given and gives takes time, too
_FETCHING = frozenset({"len", "list", "bool", "tuple", "set", "sorted"})
_MAX_DEPTH = 14
_MAX_EVENTS = 3000
_MAX_TEXT = 4000
_MAX_ARMS = 12
_QUERYSETS = ("QuerySet", "QuerySetBase", "QuerysetBase", "Queryset", "Manager", "ManagerBase")
_BUILTINS = frozenset(dir(builtins))
_QUIET = frozenset(
    """append add extend insert update setdefault discard remove pop set clear print write echo
    debug info warning warn error exception critical log save asave delete adelete create acreate
    bulk_create flush full_clean update_or_create get_or_create sleep advance""".split()  # noqa: SIM905 - a table
)
_PROPERTIES = frozenset({"property", "cached_property", "hybrid_property", "classproperty"})


@dataclass(frozen=True, slots=True)
class Turned:
    """The names that the innermost loop gives another value on each turn.

    `targets` are its own, `derived` those that its body makes from them, `made` all in its body.
    """

    targets: frozenset[str] = frozenset()
    derived: frozenset[str] = frozenset()
    made: frozenset[str] = frozenset()

    @classmethod
    def of(cls, node: ast.For | ast.AsyncFor) -> Turned:
        targets = derived = _names_in(node.target)
        made = set(targets)
        for statement in node.body:
            made |= {
                each.id
                for each in ast.walk(statement)
                if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            }
            if isinstance(statement, ast.Assign):
                used = _names_in(statement.value)
                if not derived.isdisjoint(used):
                    derived = derived.union(*map(_names_in, statement.targets))
        return cls(targets, derived, frozenset(made))


@dataclass
class Frame:
    """One run of one function."""

    path: str
    owner: str
    env: dict[str, Value]
    depth: int
    events: list[Event] = field(default_factory=list)
    loops: tuple[Turn, ...] = ()
    returns: list[Value] = field(default_factory=list)
    yields: list[Value] = field(default_factory=list)
    assigned: set[tuple[Row, str]] = field(default_factory=set)
    dead: bool = False
    guarded: bool = False
    tested: frozenset[str] = frozenset()
    careful: bool = False
    kinds: bool = False
    sets_alike: bool = False
    arms: Arms = ()
    turned: Turned = Turned()

    def note(self, event: Event) -> None:
        if isinstance(event, Read) and self.kinds and self.depth:
            event = replace(event, maybe=True)
        if self.arms and not isinstance(event, Rendered):
            event = replace(event, arms=(*self.arms, *event.arms)[:_MAX_ARMS])
        if len(self.events) < _MAX_EVENTS:
            self.events.append(event)

    def place(self, node: ast.expr | ast.stmt) -> Place:
        return place_of(self.path, node)


class Evaluator:
    """Knows the project, and remembers calls. `steps` are left for the entry at hand."""

    def __init__(self, schema: Schema, apps: Apps, homes: Callable[..., tuple[str, ...]]) -> None:
        self.schema = schema
        self.classes = schema.classes
        self.modules = schema.classes.modules
        self.trees = schema.trees
        self.apps = apps
        self.homes = homes
        self.steps = MAX_STEPS
        self._memo: dict[object, Summary] = {}
        self._open: set[object] = set()
        self._globals: dict[tuple[str, str], Value] = {}
        self.is_serializer: dict[str, bool] = {}
        self._by_method: dict[str, list[str]] | None = None

    def frame_at(self, path: str) -> Frame:
        """A frame for an expression of a class body or a module."""
        return Frame(path, "", {}, _MAX_DEPTH - 3)

    # ---- names

    def named(self, full: str) -> Value:
        """What a full dotted name stands for."""
        full = self.modules.canonical(full)
        key = self.classes.find(full)
        if key:
            return Class(key)
        module, _, name = full.rpartition(".")
        path = self.modules.path_of.get(module)
        if path is None and full in BUILT_IN:
            return Class(full)
        if path is None:
            owner = self.classes.find(module) if module else ""
            if owner:
                return self.class_attribute(owner, name, Class(owner))
            return Outside(full)
        if self.trees.function(path, name) is not None:
            return Function(path, name)
        return self.variable(path, name, full)

    def variable(self, path: str, name: str, full: str) -> Value:
        memo = (path, name)
        if memo not in self._globals:
            self._globals[memo] = None
            node = self.trees.variable(path, name)
            if node is None:
                is_builtin = name in _BUILTINS and name not in self.trees.named(path)
                self._globals[memo] = Outside(f"builtins.{name}" if is_builtin else full)
            else:
                value = self.value(node, Frame(path, "", {}, _MAX_DEPTH - 3))
                self._globals[memo] = Outside(full) if value is None else value
        return self._globals[memo]

    def class_attribute(self, key: str, name: str, bound: Value) -> Value:
        """An attribute that a class of the project or one it inherits from holds."""
        for each in self.classes.lineage(key):
            if each not in self.classes.by_name:
                continue
            path, record = self.classes.by_name[each]
            node = self.trees.named(path).get(f"{record.name}.{name}")
            if node is None:
                continue
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                return Function(path, f"{record.name}.{name}", each, bound, is_bound=True)
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                memo = (path, f"{record.name}.{name}")
                if memo not in self._globals:
                    self._globals[memo] = None
                    env = _ClassNames(self, path, record.name)
                    frame = Frame(path, each, env, _MAX_DEPTH - 3)
                    self._globals[memo] = self.value(node.value, frame)
                return self._globals[memo]
            return None
        return None

    def queryset_methods(self, name: str) -> list[str]:
        """The managers and query sets of the project that define a method."""
        if self._by_method is None:
            self._by_method = {}
            for key, (_, record) in self.classes.by_name.items():
                if record.name.endswith(_QUERYSETS) or any(
                    each.rpartition(".")[2].endswith(_QUERYSETS) for each in record.bases
                ):
                    for each in record.methods:
                        self._by_method.setdefault(each.name, []).append(key)
        return self._by_method.get(name, [])

    def is_queryset(self, key: str) -> bool:
        return any(each.endswith("QuerySet") for each in self.classes.lineage(key))

    def has_attribute(self, key: str, name: str) -> bool:
        for each in self.classes.lineage(key):
            if each in self.classes.by_name:
                path, record = self.classes.by_name[each]
                if f"{record.name}.{name}" in self.trees.named(path):
                    return True
        return False

    def lookup(self, name: str, frame: Frame) -> Value:
        if name in frame.env:
            return frame.env[name]
        full = self.modules.resolve(frame.path, name)
        module = self.modules.name_of.get(frame.path, "")
        if full == f"{module}.{name}":
            key = self.classes.find(full)
            if key:
                return Class(key)
            if self.trees.function(frame.path, name) is not None:
                return Function(frame.path, name)
            return self.variable(frame.path, name, full)
        return self.named(full)

    # ---- expressions

    def value(self, node: ast.expr | None, frame: Frame) -> Value:
        self.steps -= 1
        if node is None or self.steps <= 0 or frame.dead:
            return None
        handler = _EXPRESSIONS.get(node.__class__)
        if handler is None:
            for each in ast.iter_child_nodes(node):
                if isinstance(each, ast.expr):
                    self.value(each, frame)
            return None
        return handler(self, node, frame)

    def attribute(self, of: Value, name: str, place: Place, frame: Frame) -> Value:
        """`of.name`, with the queries that it takes."""
        match of:
            case OneOf(values):
                return joined(self.attribute(each, name, place, frame) for each in values)
            case Row():
                return self._row_attribute(of, name, place, frame)
            case Query():
                if name == "object_list":
                    return of
                if name == "model":
                    return Class(of.model)
                return Method(of, name)
            case Thing():
                return self._thing_attribute(of, name, place, frame)
            case Class(key):
                return self._class_member(key, name, place)
            case Super(owner, bound):
                return self._super_member(owner, bound, name)
            case Outside(full):
                known = library.outside_attribute(self, full, name)
                return known if known is not None else self.named(f"{full}.{name}")
            case Mapped() | Sequence() | Constant():
                return Method(of, name)
        if name == "user":
            return None
        return None

    def _row_attribute(self, row: Row, name: str, place: Place, frame: Frame) -> Value:
        found = self.schema.related(row.model, name)
        if found is not None:
            return querying.follow(self, row, found, place, frame)
        origin = row.origin
        if isinstance(origin, Query) and not row.path:
            if name in origin.named:
                return None
            if origin.columns is not None and name not in origin.columns:
                querying.note_column(self, row, name, place, frame)
        value = self.class_attribute(row.model, name, row)
        if isinstance(value, Function):
            return self._maybe_property(value, place, frame)
        if value is None and name in ("delete", "save", "asave", "adelete", "refresh_from_db"):
            return Method(row, name)
        return Method(row, name) if value is None and name.startswith("get_") else value

    def _maybe_property(self, function: Function, place: Place, frame: Frame) -> Value:
        node = self.trees.function(function.path, function.name)
        for each in node.decorator_list if node is not None else ():
            text = ast.unparse(each).rpartition(".")[2]
            if text in _PROPERTIES:
                return self.invoke(function, [], {}, place, frame)
            if text in ("staticmethod", "classmethod"):
                bound = function.bound
                model = bound.model if isinstance(bound, Row) else ""
                cls: Value = Class(model) if model else bound
                if isinstance(bound, Thing):
                    cls = Class(bound.cls)
                static = text == "staticmethod"
                return replace(function, bound=None if static else cls, is_bound=not static)
        return function

    def _thing_attribute(self, thing: Thing, name: str, place: Place, frame: Frame) -> Value:
        if thing.has(name):
            return thing.get(name)
        special = library.thing_attribute(self, thing, name, place, frame)
        if special is not None:
            return special
        value = self.class_attribute(thing.cls, name, thing)
        if isinstance(value, Function):
            return self._maybe_property(value, place, frame)
        if value == Constant(None):  # the default of a field, which an instance has filled
            return None
        return value if value is not None else Method(thing, name)

    def _class_member(self, key: str, name: str, place: Place) -> Value:
        if self.schema.is_model(key):  # Django's own user too
            found = querying.manager(self, key, name, place)
            if found is not None:
                return found
        if key not in self.classes.by_name:
            return Outside(f"{key}.{name}")
        value = self.class_attribute(key, name, Class(key))
        if isinstance(value, Function):
            node = self.trees.function(value.path, value.name)
            marks = {ast.unparse(d) for d in node.decorator_list} if node is not None else set()
            bound = "classmethod" in marks
            return replace(value, bound=value.bound if bound else None, is_bound=bound)
        return value if value is not None else Method(Class(key), name)

    def _super_member(self, owner: str, bound: Value, name: str) -> Value:
        start = bound.cls if isinstance(bound, Thing) else owner
        if isinstance(bound, Row):
            start = bound.model
        lineage = self.classes.lineage(start)
        at = lineage.index(owner) + 1 if owner in lineage else 0
        for each in lineage[at:]:
            if each not in self.classes.by_name:
                continue
            path, record = self.classes.by_name[each]
            node = self.trees.named(path).get(f"{record.name}.{name}")
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                return Function(path, f"{record.name}.{name}", each, bound, is_bound=True)
            if node is not None:
                return self.class_attribute(each, name, bound)
        return Method(bound, f"{ABOVE}{name}" if isinstance(bound, Query) else name)

    def text_of(self, value: Value, place: Place, frame: Frame) -> None:
        """`str(value)`: what `__str__` of a model reads."""
        if isinstance(value, OneOf):
            for each in value.values:
                self.text_of(each, place, frame)
        if isinstance(value, Row):
            function = self.class_attribute(value.model, "__str__", value)
            if isinstance(function, Function):
                self.invoke(function, [], {}, place, frame)

    # ---- calls

    def call(
        self,
        function: Value,
        args: list[Value],
        keywords: dict[str, Value],
        place: Place,
        frame: Frame,
    ) -> Value:
        match function:
            case OneOf(values):
                return joined(self.call(each, args, keywords, place, frame) for each in values)
            case Function():
                return self.invoke(function, args, keywords, place, frame)
            case Closure():
                return self.enter(function, args, keywords, place, frame)
            case Method(of, name):
                return library.call_method(self, of, name, args, keywords, place, frame)
            case Outside(full):
                return library.call_outside(self, full, args, keywords, place, frame)
            case Class(key):
                return self.make(key, args, keywords, place, frame)
        return None

    def make(
        self,
        key: str,
        args: list[Value],
        keywords: dict[str, Value],
        place: Place,
        frame: Frame,
    ) -> Value:
        if self.schema.is_model(key):
            return Row(key, Given(key, fresh=True))
        if key not in self.classes.by_name:
            return library.call_outside(self, key, args, keywords, place, frame)
        first = args[0] if args else keywords.get("model")
        if isinstance(first, Class) and self.schema.is_model(first.name) and self.is_queryset(key):
            return Query(first.name, place)
        thing = Thing(key, (), tuple(args), tuple(keywords.items()), place)
        init = self.class_attribute(key, "__init__", thing)
        if isinstance(init, Function) and not library.is_framework(self, key):
            summary = self.summary(init, args, keywords, frame)
            if isinstance(summary.bound, Thing):
                thing = replace(thing, attributes=summary.bound.attributes)
        return thing

    def invoke(
        self,
        function: Function,
        args: list[Value],
        keywords: dict[str, Value],
        place: Place,
        frame: Frame,
    ) -> Value:
        """Call a function of the project; what happens in it happens `at` the call."""
        summary = self.summary(function, args, keywords, frame)
        for each in summary.events:
            frame.note(self._seen_from(each, place, frame))
        return self._asked_at(summary.value, function, place)

    def _asked_at(self, value: Value, function: Function, place: Place) -> Value:
        """Rows from a method that any query goes through: they are asked for by its call."""
        origin = value.origin if isinstance(value, Row) else value
        if not isinstance(origin, Query) or not origin.alchemy or origin.place.path == place.path:
            return value
        bound = function.bound
        inherited = isinstance(bound, Thing) and bound.cls != function.owner
        if not inherited and not self._takes_options(function):
            return value
        asked = replace(origin, place=place)
        return replace(value, origin=asked) if isinstance(value, Row) else asked

    def _takes_options(self, function: Function) -> bool:
        """Whether a method loads with its query what a call of it says."""
        node = self.trees.function(function.path, function.name)
        args = [*node.args.args, *node.args.kwonlyargs] if node is not None else []
        return any(each.arg == "options" for each in args) and any(
            isinstance(each, ast.Name) and each.id == "options"
            for statement in (node.body if node is not None else ())
            for each in ast.walk(statement)
        )

    def _seen_from(self, event: Event, place: Place, frame: Frame) -> Event:
        if isinstance(event, Known):
            return event
        if isinstance(event, Read):
            at = event.at if event.loops else place
            return replace(event, at=at, outer=place, loops=(*frame.loops, *event.loops))
        if isinstance(event, Ran):
            return replace(
                event,
                at=event.at if event.loops else place,
                outer=place,
                loops=(*frame.loops, *event.loops),
                guarded=event.guarded or frame.guarded or (event.writes and frame.careful),
            )
        return replace(event, place=place, loops=(*frame.loops, *event.loops))

    def summary(
        self,
        function: Function,
        args: list[Value],
        keywords: dict[str, Value],
        frame: Frame,
    ) -> Summary:
        if frame.depth >= _MAX_DEPTH or self.steps <= 0:
            return Summary()
        table = Table()
        bound = symbolic(function.bound, table)
        given = tuple(symbolic(each, table) for each in args)
        named = tuple((k, symbolic(v, table)) for k, v in sorted(keywords.items()))
        self.steps -= table.taken // _VALUES_A_STEP
        key = (function.path, function.name, function.is_bound, bound, given, named)
        try:
            known = self._memo.get(key)
        except TypeError:
            known = None
        if known is None:
            if key in self._open:
                return Summary()
            self._open.add(key)
            try:
                known = self._run(function, bound, list(given), dict(named), frame.depth + 1)
            finally:
                self._open.discard(key)
            if self.steps > 0:
                self._memo[key] = known
        if not table.rows:
            return known
        self.steps -= len(known.events) // _VALUES_A_STEP
        return Summary(
            concrete(known.value, table.emptied()),
            tuple(concrete_event(each, table.emptied()) for each in known.events),
            concrete(known.bound, table.emptied()),
        )

    def _run(
        self,
        function: Function,
        bound: Value,
        args: list[Value],
        keywords: dict[str, Value],
        depth: int,
    ) -> Summary:
        node = self.trees.function(function.path, function.name)
        if node is None:
            return Summary()
        given = [bound, *args] if function.is_bound else args
        frame = Frame(function.path, function.owner, {}, depth)
        self._bind(node, given, keywords, frame)
        first = _first_parameter(node)
        self.block(node.body, frame)
        value = result_of(frame)
        after = frame.env.get(first) if first else None
        return Summary(value, tuple(dict.fromkeys(frame.events)), after)

    def _bind(
        self,
        node: FunctionNode | ast.Lambda,
        given: list[Value],
        keywords: Mapping[str, Value],
        frame: Frame,
    ) -> None:
        positional = [*node.args.posonlyargs, *node.args.args]
        for index, each in enumerate(positional):
            value = given[index] if index < len(given) else keywords.get(each.arg)
            frame.env[each.arg] = value
        for each in node.args.kwonlyargs:
            frame.env[each.arg] = keywords.get(each.arg)
        if node.args.vararg is not None:
            frame.env[node.args.vararg.arg] = Sequence(tuple(given[len(positional) :]))
        if node.args.kwarg is not None:
            known = {each.arg for each in (*positional, *node.args.kwonlyargs)}
            rest = tuple((k, v) for k, v in keywords.items() if k not in known)
            frame.env[node.args.kwarg.arg] = Mapped(rest)
        if "**" not in keywords:
            known = {each.arg for each in positional[: len(given)]} | keywords.keys()
            self._default(node, known, frame)
        for each in (*positional, *node.args.kwonlyargs):
            if frame.env.get(each.arg) is None:
                frame.env[each.arg] = self.annotated(each, frame)

    def bind_entry(self, node: FunctionNode, given: list[Value], frame: Frame) -> None:
        """Parameters of a function that nobody is seen to call."""
        self._bind(node, given, {"**": None}, frame)

    def _default(
        self, node: FunctionNode | ast.Lambda, given: Collection[str], frame: Frame
    ) -> None:
        """What a call leaves out is what the function says it is then."""
        positional = [*node.args.posonlyargs, *node.args.args]
        count = len(node.args.defaults)
        pairs = zip(positional[len(positional) - count :], node.args.defaults, strict=True)
        for each, default in (
            *pairs,
            *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
        ):
            if default is not None and each.arg not in given:
                outer = Frame(frame.path, frame.owner, {}, frame.depth)
                frame.env[each.arg] = self.value(default, outer)

    def annotated(self, parameter: ast.arg, frame: Frame) -> Value:
        """What a parameter is by its annotation, or by a name that says it."""
        if parameter.arg == "request":
            return Outside("request")
        note = parameter.annotation
        return self.of_type(note, frame) if note is not None else None

    def of_type(self, note: ast.expr, frame: Frame) -> Value:
        if isinstance(note, ast.Constant) and isinstance(note.value, str):
            try:
                note = ast.parse(note.value, mode="eval").body
            except (SyntaxError, ValueError):
                return None
        if isinstance(note, ast.BinOp) and isinstance(note.op, ast.BitOr):
            return self.of_type(note.left, frame) or self.of_type(note.right, frame)
        if isinstance(note, ast.Subscript):
            outer = ast.unparse(note.value).rpartition(".")[2]
            inner = note.slice
            if outer in ("Optional", "Annotated"):
                first = inner.elts[0] if isinstance(inner, ast.Tuple) and inner.elts else inner
                return self.of_type(first, frame)
            if outer in ("list", "List", "Sequence", "Iterable", "set", "Iterator", "Collection"):
                value = self.of_type(inner, frame)
                return Sequence((), value) if isinstance(value, Row) else None
            return None
        if not isinstance(note, ast.Name | ast.Attribute):
            return None
        try:
            value = self.value(note, Frame(frame.path, frame.owner, {}, _MAX_DEPTH - 2))
        except RecursionError:
            return None
        if isinstance(value, Class) and self.schema.is_model(value.name):
            return Row(value.name, Given(value.name))
        if isinstance(value, Class) and value.name in self.classes.by_name:
            return Thing(value.name)
        if isinstance(value, Outside):
            return library.typed(value.name)
        return None

    def enter(
        self,
        function: Closure,
        args: list[Value],
        keywords: Mapping[str, Value],
        place: Place,
        frame: Frame,
    ) -> Value:
        """Call a lambda or nested function: its body sees the variables around it."""
        if frame.depth >= _MAX_DEPTH or id(function.node) in self._open:
            return None
        self._open.add(id(function.node))
        inner = Frame(function.path, function.owner, dict(function.env), frame.depth + 1)
        try:
            self._bind(function.node, args, keywords, inner)
            if isinstance(function.node, ast.Lambda):
                value = self.value(function.node.body, inner)
            else:
                self.block(function.node.body, inner)
                value = result_of(inner)
        finally:
            self._open.discard(id(function.node))
        same = isinstance(function.node, ast.Lambda)
        for each in inner.events:
            seen = self._seen_from(each, place, frame)
            if same and isinstance(each, Read | Ran) and isinstance(seen, Read | Ran):
                seen = replace(seen, at=each.at)
            frame.note(seen)
        return value

    # ---- statements

    def block(self, body: list[ast.stmt], frame: Frame) -> None:
        for each in body:
            if frame.dead or self.steps <= 0:
                return
            self.statement(each, frame)

    def statement(self, node: ast.stmt, frame: Frame) -> None:
        self.steps -= 1
        match node:
            case ast.Expr(value=value):
                self.value(value, frame)
            case ast.Assign(targets=targets, value=value):
                result = self.value(value, frame)
                for target in targets:
                    self.assign(target, result, frame)
            case ast.AnnAssign(target=target, value=value, annotation=note):
                result = self.value(value, frame)
                if result is None:
                    result = self.of_type(note, frame)
                self.assign(target, result, frame)
            case ast.AugAssign(target=target, value=value):
                self.value(value, frame)
                if isinstance(target, ast.Name) and isinstance(
                    frame.env.get(target.id), Constant | Query
                ):
                    frame.env[target.id] = None
            case ast.For() | ast.AsyncFor():
                self._for(node, frame)
            case ast.While(test=test, body=body, orelse=orelse):
                self.condition(test, frame)
                before, arms, guards = dict(frame.env), frame.arms, frame.guarded
                frame.guarded = guards or bool(frame.loops)  # page by page of one turn around it
                self.block(body, frame)
                frame.dead, frame.arms, frame.guarded = False, arms, guards
                frame.env = _merged(before, frame.env)
                self.block(orelse, frame)
            case ast.If():
                self._if(node, frame)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                for item in items:
                    held = self.value(item.context_expr, frame)
                    if isinstance(held, Sequence):  # what a context manager's function yields
                        held = held.any
                    if item.optional_vars is not None:
                        self.assign(item.optional_vars, held, frame)
                self.block(body, frame)
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final):
                self._try(body, handlers, orelse, final, frame)
            case ast.Return(value=value):
                frame.returns.append(self.value(value, frame))
                frame.dead = True
            case ast.Raise():
                frame.dead = True
            case ast.Continue() | ast.Break():
                frame.dead = True
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                frame.env[name] = Closure(node, frame.env, frame.path, frame.owner)
            case ast.Import() | ast.ImportFrom():
                self._import(node, frame)
            case ast.Match(subject=subject, cases=cases):
                self.value(subject, frame)
                self._branches([each.body for each in cases], frame, may_skip=True)
            case ast.Assert(test=test):
                self.condition(test, frame)
            case ast.Delete():
                pass

    def _import(self, node: ast.Import | ast.ImportFrom, frame: Frame) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                head = alias.name.partition(".")[0]
                frame.env[alias.asname or head] = Outside(alias.name if alias.asname else head)
            return
        module = self.modules.name_of.get(frame.path, "")
        is_package = frame.path.endswith("__init__.py")
        base = "." * node.level + (node.module or "")
        full = absolute_target(base, module, is_package=is_package) if node.level else base
        for alias in node.names:
            if alias.name != "*":
                frame.env[alias.asname or alias.name] = self.named(f"{full}.{alias.name}")

    def _if(self, node: ast.If, frame: Frame) -> None:
        known = self.condition(node.test, frame)
        guards, tested = frame.guarded, frame.tested
        frame.guarded = guards or _is_guard(node.test)
        kinds, frame.kinds = frame.kinds, frame.kinds or _tells_kinds(node.test)
        frame.tested = tested | {
            n.attr for n in ast.walk(node.test) if isinstance(n, ast.Attribute)
        }
        if known is True:
            self.block(node.body, frame)
        elif known is False:
            self.block(node.orelse, frame)
        else:
            self._branches([node.body, node.orelse], frame, may_skip=False)
        frame.guarded, frame.tested, frame.kinds = guards, tested, kinds

    def condition(self, test: ast.expr, frame: Frame) -> bool | None:
        value = self.value(test, frame)
        if isinstance(value, Constant):
            return bool(value.value)
        if isinstance(value, Query):
            querying.consume(self, value, "bool", frame.place(test), frame)
        return None

    def _branches(self, bodies: list[list[ast.stmt]], frame: Frame, *, may_skip: bool) -> None:
        before, guards = frame.env, frame.guarded
        after: list[dict[str, Value]] = [before] if may_skip else []
        assigned, arms = set(frame.assigned), frame.arms
        fork = f"{frame.path}:{next((each[0].lineno for each in bodies if each), 0)}"
        left = [may_skip]
        for index, body in enumerate(bodies):
            frame.env, frame.dead = dict(before), False
            frame.arms = (*arms, (fork, index))
            # What leaves the loop is gone through once.
            frame.guarded = guards or bool(frame.loops and body and _always_leaves(body))
            self.block(body, frame)
            if not frame.dead:
                after.append(frame.env)
            left.append(not body or not isinstance(body[-1], ast.Return | ast.Raise))
        frame.arms, frame.guarded = arms, guards
        if left.count(True) == 1:  # what follows belongs to the one arm that does not leave
            frame.arms = (*arms, (fork, left.index(True) - 1))
        frame.assigned |= assigned
        frame.dead = not after
        frame.env = after[0] if after else before
        for other in after[1:]:
            frame.env = _merged(frame.env, other)

    def _try(
        self,
        body: list[ast.stmt],
        handlers: list[ast.ExceptHandler],
        orelse: list[ast.stmt],
        final: list[ast.stmt],
        frame: Frame,
    ) -> None:
        before = dict(frame.env)
        careful, frame.careful = frame.careful, frame.careful or _goes_on(frame, handlers)
        self.block([*body, *orelse], frame)
        frame.careful = careful
        ends = [] if frame.dead else [frame.env]
        for each in handlers:
            frame.env, frame.dead = _merged(before, frame.env), False
            self.block(each.body, frame)
            if not frame.dead:
                ends.append(frame.env)
        frame.dead = not ends
        if ends:
            frame.env = ends[0]
            for other in ends[1:]:
                frame.env = _preferred(frame.env, other)
        dead, frame.dead = frame.dead, False
        self.block(final, frame)
        frame.dead = frame.dead or dead

    def _for(self, node: ast.For | ast.AsyncFor, frame: Frame) -> None:
        rows = self.value(node.iter, frame)
        place = frame.place(node.iter)
        element = self.element(rows, place, frame)
        if isinstance(element, Row) and node.body and _always_leaves(node.body):
            element = replace(element, each=False)
        before = dict(frame.env)
        self.assign(node.target, element, frame)
        loops = frame.loops
        frame.loops = (*loops, *self.turns(rows, element, node.iter, place, node.body))
        guards, frame.guarded = frame.guarded, False
        alike, frame.sets_alike = frame.sets_alike, _sets_alike(node)
        arms, turned = frame.arms, frame.turned
        frame.turned = Turned.of(node)
        self.block(node.body, frame)
        frame.arms, frame.turned = arms, turned
        frame.loops, frame.dead, frame.guarded, frame.sets_alike = loops, False, guards, alike
        frame.env = _after_loop(before, frame.env)
        self.block(node.orelse, frame)

    def turns(
        self,
        rows: Value,
        element: Value,
        node: ast.expr,
        place: Place,
        body: list[ast.stmt] | None = None,
    ) -> tuple[Turn, ...]:
        """The loop around a body, unless its turns are few and written down."""
        written = isinstance(rows, Sequence) and bool(rows.elements) and rows.any is None
        if (
            written
            and isinstance(rows, Sequence)
            and not any(isinstance(each, Query | Row) for each in rows.elements)
        ):
            return ()
        if isinstance(rows, Query) and (rows.single or rows.is_manager):
            return ()
        if body and _always_leaves(body):
            return ()
        if isinstance(rows, Constant | Outside | Class):
            return ()
        if isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict):
            return ()
        function = node.func if isinstance(node, ast.Call) else None
        called = function.id if isinstance(function, ast.Name) else ""
        if called in ("range", "count", "open") and rows is None:
            return ()
        row = element if isinstance(element, Row) else None
        acts = _acts(body) if body else 0
        return (Turn(place, rows if isinstance(rows, Query) else None, row, acts=acts),)

    def element(self, rows: Value, place: Place, frame: Frame) -> Value:
        """What iterating gives."""
        match rows:
            case OneOf(values):
                return joined(self.element(each, place, frame) for each in values)
            case Query():
                return querying.iterate(self, rows, place, frame)
            case Sequence(elements, anything):
                return joined((*elements, anything)) if elements else anything
            case Thing():
                return library.iterate_thing(self, rows, place, frame)
            case Mapped(items):
                return Constant(items[0][0]) if len(items) == 1 else None
        return None

    def assign(self, target: ast.expr, value: Value, frame: Frame) -> None:
        match target:
            case ast.Name(id=name):
                frame.env[name] = value
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                known = value.elements if isinstance(value, Sequence) else ()
                exact = len(known) == len(parts)
                rest = self.element(value, frame.place(target), frame) if not exact else None
                for index, part in enumerate(parts):
                    self.assign(part, known[index] if exact else rest, frame)
            case ast.Starred(value=inner):
                self.assign(inner, None, frame)
            case ast.Attribute(value=ast.Name(id=name), attr=attr):
                holder = frame.env.get(name)
                if isinstance(holder, Thing):
                    frame.env[name] = holder.with_attribute(attr, value)
                else:
                    self._assign_to_rows(holder, attr, frame.place(target), frame)
            case ast.Subscript(value=ast.Name(id=name), slice=key):
                holder = frame.env.get(name)
                at = self.value(key, frame)
                if isinstance(holder, Mapped):
                    if isinstance(at, Constant) and isinstance(at.value, str):
                        frame.env[name] = holder.with_item(at.value, value)
                    else:
                        frame.env[name] = Mapped(holder.items, value)
                elif isinstance(holder, Thing) and isinstance(at, Constant):
                    frame.env[name] = holder.with_attribute(f"[{at.value!r}]", value)
            case ast.Attribute(value=inner) | ast.Subscript(value=inner):
                self.value(inner, frame)

    def _assign_to_rows(self, holder: Value, attr: str, place: Place, frame: Frame) -> None:
        for each in holder.values if isinstance(holder, OneOf) else (holder,):
            if isinstance(each, Row):
                frame.assigned.add((each, attr))
                querying.note_assignment(self, each, attr, place, frame)


class _ClassNames(dict[str, Value]):
    """The names of a class body, for the values of its attributes."""

    def __init__(self, evaluator: Evaluator, path: str, name: str) -> None:
        super().__init__()
        self._evaluator, self._path, self._prefix = evaluator, path, name

    def __contains__(self, name: object) -> bool:
        return f"{self._prefix}.{name}" in self._evaluator.trees.named(self._path)

    def __getitem__(self, name: str) -> Value:
        node = self._evaluator.trees.variable(self._path, f"{self._prefix}.{name}")
        return self._evaluator.value(node, Frame(self._path, "", {}, _MAX_DEPTH - 2))


def concrete_event(event: Event, table: Table) -> Event:
    """An event of a call in terms of the rows that the caller gave."""
    if isinstance(event, Known):
        return event
    loops = tuple(
        replace(
            each,
            rows=_as_query(concrete(each.rows, table)),
            row=_as_row(concrete(each.row, table)),
        )
        for each in event.loops
    )
    if isinstance(event, Rendered):
        context = concrete(event.context, table)
        known = context if isinstance(context, Mapped) else Mapped()
        return replace(event, context=known, loops=loops)
    if isinstance(event, Read):
        row = concrete(event.row, table)
        return replace(event, row=row if isinstance(row, Row) else event.row, loops=loops)
    query = concrete(event.query, table)
    rows = tuple(each for each in (concrete(r, table) for r in event.rows) if isinstance(each, Row))
    return replace(
        event, query=query if isinstance(query, Query) else event.query, rows=rows, loops=loops
    )


def _as_query(value: Value) -> Query | None:
    return value if isinstance(value, Query) else None


def _as_row(value: Value) -> Row | None:
    return value if isinstance(value, Row) else None


def _first_parameter(node: FunctionNode) -> str:
    args = [*node.args.posonlyargs, *node.args.args]
    return args[0].arg if args else ""


def result_of(frame: Frame) -> Value:
    if frame.yields:
        return Sequence((), joined(frame.yields))
    return joined(each for each in frame.returns if each != Constant(None))


def joined(values: Iterable[Value]) -> Value:
    """What may be any of these; unknown if one is, but for what is no row at all."""
    found: list[Value] = []
    for each in values:
        parts = each.values if isinstance(each, OneOf) else (each,)
        for part in parts:
            if part not in found:
                found.append(part)
    if not found:
        return None
    if len(found) == 1:
        return found[0]
    if all(isinstance(each, Query) for each in found):
        return querying.either([each for each in found if isinstance(each, Query)])
    rest = [each for each in found if each is not None and not isinstance(each, Constant)]
    if None in found and any(isinstance(each, Query) for each in rest):
        return None
    if len(rest) == 1:
        return rest[0]
    return OneOf(tuple(rest[:6])) if rest else None


def one_of(value: Value) -> Value:
    """One element that was picked: what it reads is read once."""
    match value:
        case Row():
            return value.chosen()
        case Sequence():
            return Sequence(tuple(one_of(each) for each in value.elements), value.any)
    return value


def _merged(left: Mapping[str, Value], right: Mapping[str, Value]) -> dict[str, Value]:
    if left is right:
        return dict(left)
    found: dict[str, Value] = {}
    for name in {**left, **right}:
        one, other = left.get(name), right.get(name)
        if name not in left or name not in right:
            found[name] = one if name in left else other
        else:
            found[name] = one if one is other or one == other else joined((one, other))
    return found


def _preferred(left: Mapping[str, Value], right: Mapping[str, Value]) -> dict[str, Value]:
    """After `try`: what the body gave, where the handler knows nothing better."""
    found = dict(right)
    for name, value in left.items():
        other = right.get(name)
        found[name] = value if other is None or other == value else joined((value, other))
    return found


def _after_loop(before: Mapping[str, Value], after: Mapping[str, Value]) -> dict[str, Value]:
    """A name keeps what the last turn gave it; one that was there before may keep its value."""
    found = dict(after)
    for name, value in before.items():
        other = after.get(name)
        if other != value:
            grown = isinstance(value, Sequence | Mapped) and isinstance(other, Sequence | Mapped)
            found[name] = other if grown else joined((value, other))
    return found


def _goes_on(frame: Frame, handlers: list[ast.ExceptHandler]) -> bool:
    """Whether a loop goes on with the next turn after an error in this one."""
    return bool(frame.loops) and any(not isinstance(h.body[-1], ast.Raise) for h in handlers)


def _names_in(node: ast.expr) -> frozenset[str]:
    return frozenset(each.id for each in ast.walk(node) if isinstance(each, ast.Name))


def _is_portion(node: ast.expr, value: Value, turned: Turned) -> bool:
    """Whether this is a collection that each turn of a loop has another one of."""
    if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
        node = node.generators[0].iter
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
        node = node.args[0]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args:
        node = node.func.value
    if not isinstance(node, ast.Name):
        return False
    whole = value is None or isinstance(value, Sequence)
    whole = whole or (isinstance(value, Query) and value.batched)
    return node.id in turned.targets or (whole and node.id in turned.derived)


def _always_leaves(body: list[ast.stmt]) -> bool:
    return isinstance(body[-1], ast.Return | ast.Break | ast.Raise)


def _acts(body: list[ast.stmt]) -> int:
    """How many calls stand alone, apart from those that write a row or a line of a log."""
    count = 0
    for statement in body:
        for each in ast.walk(statement):
            value = each.value if isinstance(each, ast.Expr) else None
            call = value.value if isinstance(value, ast.Await) else value
            if isinstance(call, ast.Call):
                name = getattr(call.func, "attr", "") or getattr(call.func, "id", "")
                count += name not in _QUIET
    return count


def _sets_alike(node: ast.For | ast.AsyncFor) -> bool:
    """Whether each turn does no more than to set what is the same for all: one statement would do."""
    own = {each.id for each in ast.walk(node.target) if isinstance(each, ast.Name)}

    def is_same(value: ast.expr) -> bool:
        return not any(isinstance(each, ast.Name) and each.id in own for each in ast.walk(value))

    def is_simple(each: ast.stmt) -> bool:
        match each:
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=name))], value=value):
                return name in own and is_same(value)
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="add" | "flush" | "merge"))):
                return True
            case ast.AugAssign(target=ast.Name()):
                return True
        return False

    return all(is_simple(each) for each in node.body)


def _is_guard(test: ast.expr) -> bool:
    """`if key not in known`, `if value is None`: what follows runs now and then."""
    for each in ast.walk(test):
        if isinstance(each, ast.Compare) and any(
            isinstance(op, ast.NotIn | ast.In | ast.Is) for op in each.ops
        ):
            return True
        if isinstance(each, ast.Compare) and isinstance(each.ops[0], ast.Eq):
            sides = (each.left, each.comparators[0])
            texts = [s for s in sides if isinstance(s, ast.Constant) and isinstance(s.value, str)]
            if texts and any(isinstance(s, ast.Name) for s in sides):
                return True
    return isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)


def _tells_kinds(test: ast.expr) -> bool:
    """`if self.kind == Kind.USER`: what follows is for some rows only."""
    for each in ast.walk(test):
        if isinstance(each, ast.Compare) and isinstance(each.ops[0], ast.Eq | ast.In):
            left, right = each.left, each.comparators[0]
            fixed = ast.Constant | ast.Attribute | ast.List | ast.Tuple | ast.Set
            if isinstance(left, ast.Attribute) and isinstance(right, fixed):
                return not (isinstance(right, ast.Constant) and right.value is None)
    return False


# ---- expressions, one function a kind


def _name(ev: Evaluator, node: ast.Name, frame: Frame) -> Value:
    return ev.lookup(node.id, frame)


def _constant(ev: Evaluator, node: ast.Constant, frame: Frame) -> Value:
    return None if node.value is ... else Constant(node.value)


def _attribute(ev: Evaluator, node: ast.Attribute, frame: Frame) -> Value:
    of = ev.value(node.value, frame)
    if of is None:
        return library.unknown_attribute(ev, node.attr, frame.place(node))
    if isinstance(of, Row) and (of, node.attr) in frame.assigned:
        found = ev.schema.related(of.model, node.attr)
        if found is None or found.relation.many or not found.relation.target:
            return None
        return Row(found.relation.target, Given(found.relation.target))
    return ev.attribute(of, node.attr, frame.place(node), frame)


def _call(ev: Evaluator, node: ast.Call, frame: Frame) -> Value:
    if isinstance(node.func, ast.Name) and node.func.id == "super":
        bound = next(iter(frame.env.values()), None)
        return Super(frame.owner, bound) if frame.owner else None
    function = ev.value(node.func, frame)
    args: list[Value] = []
    keywords: dict[str, Value] = {}
    for each in node.args:
        if isinstance(each, ast.Starred):
            inner = ev.value(each.value, frame)
            if isinstance(inner, Sequence) and inner.any is None:
                args.extend(inner.elements)
            else:
                args.append(None)
                keywords["**"] = None  # any parameter may be given
        else:
            args.append(ev.value(each, frame))
    for keyword in node.keywords:
        given = ev.value(keyword.value, frame)
        if keyword.arg is not None:
            keywords[keyword.arg] = given
        elif isinstance(given, Mapped):
            keywords.update(given.items)
            if given.any is not None or not given.items:
                keywords.setdefault("**", given)
        else:
            keywords["**"] = given
    result = ev.call(function, args, keywords, frame.place(node), frame)
    if isinstance(node.func, ast.Name) and node.func.id in _FETCHING and len(node.args) == 1:
        _fetched(node.args[0], frame)
    if isinstance(result, Query) and any(
        each.arg is not None
        and each.arg.endswith("__in")
        and _is_portion(each.value, keywords[each.arg], frame.turned)
        for each in node.keywords
    ):
        result = replace(result, batched=True)
    _mutate(ev, node, function, args, keywords, frame)
    return result


def _fetched(node: ast.expr, frame: Frame) -> None:
    """A variable whose query was gone through as a whole keeps the rows."""
    if not isinstance(node, ast.Name):
        return
    held = frame.env.get(node.id)
    if isinstance(held, Query) and not held.is_manager:
        frame.env[node.id] = replace(held, is_list=True)


def _mutate(
    ev: Evaluator,
    node: ast.Call,
    function: Value,
    args: list[Value],
    keywords: dict[str, Value],
    frame: Frame,
) -> None:
    """`items.append(x)`, `context.update(...)`, and methods that set attributes of `self`."""
    if isinstance(node.func, ast.Attribute) and node.func.attr == "refresh" and args:
        _refreshed(args, keywords, frame)
    if not isinstance(node.func, ast.Attribute) or not isinstance(node.func.value, ast.Name):
        return
    name = node.func.value.id
    holder = frame.env.get(name) if name in frame.env else None
    if isinstance(holder, Sequence) and node.func.attr in ("append", "add", "extend", "insert"):
        new = args[-1] if args else None
        if node.func.attr == "extend":
            new = ev.element(new, frame.place(node), frame) if not isinstance(new, Query) else None
        held = joined((*holder.elements, holder.any, new)) if _has_any(holder) else new
        frame.env[name] = Sequence((), held)
    elif isinstance(holder, Mapped) and node.func.attr == "update":
        given = args[0] if args else None
        base = holder.joined(given) if isinstance(given, Mapped) else holder
        frame.env[name] = base.joined(Mapped(tuple(keywords.items())))
    elif isinstance(holder, Thing) and isinstance(function, Function) and function.is_bound:
        summary = ev.summary(function, args, keywords, frame)
        if isinstance(summary.bound, Thing) and summary.bound.cls == holder.cls:
            frame.env[name] = summary.bound


def _refreshed(args: list[Value], keywords: dict[str, Value], frame: Frame) -> None:
    """`session.refresh(book, ["author"])`: the relations are there from here on."""
    names = args[1] if len(args) > 1 else keywords.get("attribute_names")
    row = args[0]
    if not isinstance(row, Row) or not isinstance(names, Sequence):
        return
    texts = [each.value for each in names.elements if isinstance(each, Constant)]
    given = [each for each in texts if isinstance(each, str)]
    frame.assigned.update((row, each) for each in given)
    frame.note(Known(row.model, tuple(given)))


def _has_any(sequence: Sequence) -> bool:
    return bool(sequence.elements) or sequence.any is not None


def _subscript(ev: Evaluator, node: ast.Subscript, frame: Frame) -> Value:
    of = ev.value(node.value, frame)
    place = frame.place(node)
    if isinstance(node.slice, ast.Slice):
        if isinstance(of, Query):
            upper = ev.value(node.slice.upper, frame)
            return querying.sliced(of, place, one=upper == Constant(1))
        return of if isinstance(of, Sequence) else None
    key = ev.value(node.slice, frame)
    match of:
        case Query():
            return querying.picked(ev, of, "[0]", place, frame)
        case Mapped() if isinstance(key, Constant) and isinstance(key.value, str):
            return of.get(key.value)
        case Mapped():
            return of.any
        case Sequence(elements, anything):
            if isinstance(key, Constant) and isinstance(key.value, int) and anything is None:
                return elements[key.value] if -len(elements) <= key.value < len(elements) else None
            return one_of(joined((*elements, anything)) if elements else anything)
        case Thing() if isinstance(key, Constant):
            return of.get(f"[{key.value!r}]")
    return None


def _await(ev: Evaluator, node: ast.Await, frame: Frame) -> Value:
    value = ev.value(node.value, frame)
    match value:
        case Query(alchemy=True):
            return replace(value, awaited=True)
        case Row(origin=Query(alchemy=True, awaited=False) as origin):
            return replace(value, origin=replace(origin, awaited=True))
    return value


def _walrus(ev: Evaluator, node: ast.NamedExpr, frame: Frame) -> Value:
    value = ev.value(node.value, frame)
    ev.assign(node.target, value, frame)
    return value


def _either(ev: Evaluator, node: ast.IfExp, frame: Frame) -> Value:
    known = ev.condition(node.test, frame)
    if known is not None:
        return ev.value(node.body if known else node.orelse, frame)
    guards, frame.guarded = frame.guarded, frame.guarded or _is_guard(node.test)
    left, right = ev.value(node.body, frame), ev.value(node.orelse, frame)
    frame.guarded = guards
    return joined((left, right))


def _bool(ev: Evaluator, node: ast.BoolOp, frame: Frame) -> Value:
    values: list[Value] = []
    for each in node.values:
        value = ev.value(each, frame)
        if isinstance(value, Constant):
            stops = bool(value.value) is isinstance(node.op, ast.Or)
            if stops:
                values.append(value)
                break
            if each is not node.values[-1]:
                continue
        values.append(value)
    if isinstance(node.op, ast.And):
        last = values[-1] if values else None
        return last if not isinstance(last, Constant) or len(values) == 1 else None
    known = [each for each in values if each is not None]
    if len(values) == 1:
        return values[0]
    return joined(known) if any(not isinstance(each, Constant) for each in known) else None


def _compare(ev: Evaluator, node: ast.Compare, frame: Frame) -> Value:
    left = ev.value(node.left, frame)
    rights = [ev.value(each, frame) for each in node.comparators]
    for op, right, at in zip(node.ops, rights, node.comparators, strict=True):
        if isinstance(op, ast.In | ast.NotIn) and isinstance(right, Query):
            guards = frame.guarded
            # A variable from before the loop keeps its rows once they are there.
            kept = isinstance(at, ast.Name) and at.id not in frame.turned.made
            frame.guarded = guards or (kept and bool(frame.loops))
            querying.consume(ev, right, "in", frame.place(at), frame)
            frame.guarded = guards
    if len(rights) == 1 and rights[0] == Constant(None) and isinstance(left, Sequence | Mapped):
        return Constant(isinstance(node.ops[0], ast.IsNot | ast.NotEq))
    if len(rights) == 1 and isinstance(node.ops[0], ast.Eq):
        equal = alchemy.equal(left, rights[0])
        if equal is not None:
            return equal
    if len(rights) != 1 or not isinstance(left, Constant):
        return None
    right = rights[0]
    match node.ops[0]:
        case ast.Is() if right == Constant(None):
            return Constant(left.value is None)
        case ast.IsNot() if right == Constant(None):
            return Constant(left.value is not None)
        case ast.Eq() if isinstance(right, Constant):
            return Constant(left.value == right.value)
        case ast.NotEq() if isinstance(right, Constant):
            return Constant(left.value != right.value)
        case ast.In() | ast.NotIn() if isinstance(right, Sequence) and right.any is None:
            if all(isinstance(each, Constant) for each in right.elements):
                found = left in right.elements
                return Constant(found is isinstance(node.ops[0], ast.In))
    return None


def _not(ev: Evaluator, node: ast.UnaryOp, frame: Frame) -> Value:
    value = ev.value(node.operand, frame)
    if isinstance(node.op, ast.Not):
        if isinstance(value, Constant):
            return Constant(not value.value)
        if isinstance(value, Query):
            querying.consume(ev, value, "bool", frame.place(node.operand), frame)
    return None


def _binary(ev: Evaluator, node: ast.BinOp, frame: Frame) -> Value:
    left, right = ev.value(node.left, frame), ev.value(node.right, frame)
    if isinstance(node.op, ast.Mod) and isinstance(left, Constant):
        parts = right.elements if isinstance(right, Sequence) else (right,)
        for each in parts:
            ev.text_of(each, frame.place(node.right), frame)
        return _formatted(left, parts)
    if isinstance(node.op, ast.BitOr | ast.BitAnd):
        # Only query sets of one model can be combined, so either side tells what both are.
        queries = [each for each in (left, right) if isinstance(each, Query)]
        return querying.either(queries) if queries else None
    if isinstance(node.op, ast.Add):
        if isinstance(left, Sequence) and isinstance(right, Sequence):
            return Sequence((*left.elements, *right.elements), joined((left.any, right.any)))
        match left, right:
            case Constant(value=str(one)), Constant(value=str(other)):
                return Constant((one + other)[:4000])
    return None


def _formatted(text: Constant, parts: tuple[Value, ...]) -> Value:
    """`"emails/%s.html" % name`, where all of it is known."""
    given = [each.value for each in parts if isinstance(each, Constant)]
    if not isinstance(text.value, str) or len(given) < len(parts) or len(text.value) > _MAX_TEXT:
        return None
    if text.value.count("%") != text.value.count("%s") or text.value.count("%s") != len(given):
        return None
    return Constant((text.value % tuple(given))[:_MAX_TEXT])


def _fstring(ev: Evaluator, node: ast.JoinedStr, frame: Frame) -> Value:
    parts: list[str] | None = []
    for each in node.values:
        value = ev.value(each.value if isinstance(each, ast.FormattedValue) else each, frame)
        if isinstance(each, ast.FormattedValue):
            ev.text_of(value, frame.place(each.value), frame)
        known = value.value if isinstance(value, Constant) else None
        parts = [*parts, known] if parts is not None and isinstance(known, str) else None
    return Constant("".join(parts)[:_MAX_TEXT]) if parts is not None else None


def _sequence(ev: Evaluator, node: ast.List | ast.Tuple | ast.Set, frame: Frame) -> Value:
    elements: list[Value] = []
    anything: Value = None
    for each in node.elts:
        if isinstance(each, ast.Starred):
            inner = ev.value(each.value, frame)
            if isinstance(inner, Sequence) and inner.any is None:
                elements.extend(inner.elements)
            else:
                anything = ev.element(inner, frame.place(each), frame)
                elements.append(None)
        else:
            elements.append(ev.value(each, frame))
    return Sequence(tuple(elements), anything)


def _dict(ev: Evaluator, node: ast.Dict, frame: Frame) -> Value:
    made = Mapped()
    for key, each in zip(node.keys, node.values, strict=True):
        value = ev.value(each, frame)
        if key is None:
            made = made.joined(value) if isinstance(value, Mapped) else made
            continue
        name = ev.value(key, frame)
        if isinstance(name, Constant) and isinstance(name.value, str):
            made = made.with_item(name.value, value)
        else:
            made = Mapped(made.items, value)
    return made


def _comprehension(
    ev: Evaluator,
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
    frame: Frame,
) -> Value:
    before, loops = dict(frame.env), frame.loops
    for clause in node.generators:
        rows = ev.value(clause.iter, frame)
        place = frame.place(clause.iter)
        element = ev.element(rows, place, frame)
        ev.assign(clause.target, element, frame)
        frame.loops = (*frame.loops, *ev.turns(rows, element, clause.iter, place))
        for each in clause.ifs:
            ev.condition(each, frame)
    if isinstance(node, ast.DictComp):
        ev.value(node.key, frame)
        result: Value = Mapped((), ev.value(node.value, frame))
    else:
        result = Sequence((), ev.value(node.elt, frame))
    frame.env, frame.loops = before, loops
    return result


def _lambda(ev: Evaluator, node: ast.Lambda, frame: Frame) -> Value:
    return Closure(node, dict(frame.env), frame.path, frame.owner)


def _yield(ev: Evaluator, node: ast.Yield, frame: Frame) -> Value:
    frame.yields.append(ev.value(node.value, frame))
    return None


def _yield_from(ev: Evaluator, node: ast.YieldFrom, frame: Frame) -> Value:
    rows = ev.value(node.value, frame)
    frame.yields.append(ev.element(rows, frame.place(node), frame))
    return None


_EXPRESSIONS: Mapping[type, Callable[..., Value]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.Subscript: _subscript,
    ast.Await: _await,
    ast.NamedExpr: _walrus,
    ast.IfExp: _either,
    ast.BoolOp: _bool,
    ast.Compare: _compare,
    ast.UnaryOp: _not,
    ast.BinOp: _binary,
    ast.JoinedStr: _fstring,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Set: _sequence,
    ast.Dict: _dict,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _comprehension,
    ast.Lambda: _lambda,
    ast.Yield: _yield,
    ast.YieldFrom: _yield_from,
}
