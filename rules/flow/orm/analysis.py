"""What a file asks the database for, and what of it once for each row: the findings by file."""

from __future__ import annotations

import ast
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from rules.facts.bodies import BODIES, Bodies
from rules.facts.django_apps import Apps
from rules.facts.django_models import Models
from rules.facts.eager_paths import EagerPaths
from rules.facts.python_classes import Classes
from rules.facts.python_modules import absolute_target
from rules.facts.queryset_methods import QuerySetMethods
from rules.facts.signal_senders import SignalSenders
from rules.facts.template_tags import TemplateTags
from rules.facts.templates import Templates
from rules.flow.orm import admin, resolving, responding, serializing, viewing
from rules.flow.orm.evaluator import MAX_STEPS, Evaluator, Frame, result_of
from rules.flow.orm.identity import Session
from rules.flow.orm.reach import Reach
from rules.flow.orm.rendering import Renderer
from rules.flow.orm.schema import Schema
from rules.flow.orm.trees import FunctionNode, Trees
from rules.flow.orm.values import (
    Class,
    Event,
    Function,
    Given,
    Mapped,
    OneOf,
    Place,
    Query,
    Ran,
    Read,
    Rendered,
    Row,
    Thing,
    Turn,
    Value,
)
from rules.kit import Project
from rules.kit.paths import is_test

_RECORDING = ("Lifecycle", "Historical", "Audit", "Versioned", "MPTT", "MP_Node", "TimeStampedHook")
_HISTORIES = ("HistoricalRecords", "AuditlogHistoryField", "FieldTracker")
_STEPS_A_FILE = 120_000  # as for an entry: it bounds the time that a file takes
_FARTHEST_USER = 2  # an endpoint reads what a service got from a repository
_MAX_USERS = 12
_WHOLE = frozenset({"iterate", "list", "len", "bool", "in", "any", "all", "sum"})
_HTTP = ("get", "post", "list", "retrieve")


@dataclass(frozen=True)
class Missing:
    """A relation that is read from each row of a query, and not loaded by it.

    `path` is as `select_related` would name it; `query` None where the rows came from elsewhere.
    `kind` says in what kind of place: python, serializer, template, admin.
    """

    kind: str
    path: str
    relation: str
    how: str
    query: Query | None
    model: str
    place: Place
    at: Place
    joins: bool
    entry: str
    row: Row
    doubt: bool = False
    loops: tuple[Turn, ...] = ()
    outer: Place | None = None
    alchemy: bool = False

    @property
    def is_refused(self) -> bool:
        """Whether reading raises: forbidden by the mapping, or lazy in an async session."""
        query = self.query
        lazy = self.how == "raise" or (self.how == "load" and query is not None and query.awaited)
        return lazy and query is not None and query.alchemy

    @property
    def asked_in(self) -> str:
        """The file of the query."""
        return self.query.place.path if self.query is not None else ""

    @property
    def options_at(self) -> Place | None:
        """Where the options of the query are written, if that is not where it is asked."""
        place = self.query.loaders if self.query is not None else None
        asked = self.query.place if self.query is not None else None
        if place is None or asked is None:
            return None
        inside = asked.path == place.path and asked.line <= place.line <= asked.end_line
        return None if inside else place


@dataclass(frozen=True)
class Repeated:
    """A query that is run once for each turn of a loop, or for each row."""

    kind: str
    ran: Ran
    entry: str
    row: Row | None
    turn: Turn | None


Found = Missing | Repeated


@dataclass
class Orm:
    """Looks at files when asked, and keeps what it saw."""

    project: Project
    schema: Schema
    evaluator: Evaluator
    renderer: Renderer
    eager: EagerPaths
    reach: Reach
    _known: dict[str, tuple[Found, ...]] = field(default_factory=dict)
    limits: list[str] = field(default_factory=list)
    _refused: dict[str, tuple[Missing, ...]] = field(default_factory=dict)
    _shown_rows_of: dict[str, tuple[Missing, ...]] = field(default_factory=dict)
    _first: dict[str, int] = field(default_factory=dict)
    _left: int = 0

    @classmethod
    def gather(cls, project: Project) -> Orm:
        bodies: Bodies = project.facts(Bodies)
        return cls.over(project, bodies.tree)

    @classmethod
    def over(cls, project: Project, read: Callable[[str], ast.Module | None]) -> Orm:
        classes: Classes = project.facts(Classes)
        models: Models = project.facts(Models)
        apps: Apps = project.facts(Apps)
        methods: QuerySetMethods = project.facts(QuerySetMethods)
        schema = Schema(models, classes, Trees(read))
        evaluator = Evaluator(schema, apps, methods.homes)
        tags: TemplateTags = project.facts(TemplateTags)
        functions = {name: Function(path, name_) for name, (path, name_) in tags.by_name.items()}
        renderer = Renderer(evaluator, project.facts(Templates), functions)
        return cls(
            project, schema, evaluator, renderer, project.facts(EagerPaths), Reach.over(schema)
        )

    def is_first(self, path: str, module: object) -> bool:
        """Whether this is the module that was first asked for: the project's own, unpatched."""
        return self._first.setdefault(path, id(module)) == id(module)

    def patched(self, path: str, tree: ast.Module) -> Orm:
        """The same project with another text at `path`."""
        read = self.schema.trees.read
        return Orm.over(self.project, lambda at: tree if at == path else read(at))

    def of(self, path: str) -> tuple[Found, ...]:
        """Everything that the code of a file causes."""
        if path not in self._known:
            self._known[path] = self._seen_in(path)
        return self._known[path]

    def refused_from(self, path: str) -> tuple[Missing, ...]:
        """What other files read of rows that this one asks for, where reading raises."""
        if path not in self._refused:
            found = (each for user in self._users(path) for each in self.of(user))
            self._refused[path] = tuple(
                dict.fromkeys(
                    each
                    for each in found
                    if isinstance(each, Missing) and each.is_refused and _is_asked_in(each, path)
                )
            )
        return self._refused[path]

    def shown_from(self, path: str) -> tuple[Missing, ...]:
        """What the serializers of a file read of rows that views in other files ask for."""
        if path not in self._shown_rows_of:
            held = self.holds_serializers(path) and self.reach.holds(path)
            found = (
                (each for user in self._importing(path) for each in self.of(user)) if held else ()
            )
            self._shown_rows_of[path] = tuple(
                dict.fromkeys(
                    each
                    for each in found
                    if isinstance(each, Missing)
                    and each.place.path == path
                    and each.query is not None
                    and each.asked_in != path
                )
            )
        return self._shown_rows_of[path]

    def holds_serializers(self, path: str) -> bool:
        ev, module = self.evaluator, self.evaluator.modules.name_of.get(path, "")
        record = ev.modules.by_path.get(path)
        keys = [f"{module}.{each.name}" for each in record.classes] if record is not None else []
        return any(key in ev.classes.by_name and serializing.is_serializer(ev, key) for key in keys)

    def _users(self, path: str) -> list[str]:
        """Those that may read rows of SQLAlchemy which this file asks for."""
        if not self.schema.is_alchemical or not self.reach.holds(path):
            return []
        return self._importing(path)

    def _importing(self, path: str) -> list[str]:
        """The modules that import this one, and those that import them; the nearest first."""
        found: dict[str, None] = {path: None}
        for _ in range(_FARTHEST_USER):
            for each in list(found):
                found |= dict.fromkeys(self.importers.get(each, ()))
        users = list(found)[1:]
        if len(users) > _MAX_USERS:
            users.sort(key=partial(self._names_used, self._methods_of(path)), reverse=True)
        return users[:_MAX_USERS]

    def _methods_of(self, path: str) -> frozenset[str]:
        """The methods that a file defines, but those that any repository has."""
        functions = {name for name, _ in self.evaluator.trees.functions(path) if "." in name}
        return frozenset(name.rpartition(".")[2] for name in functions)

    def _names_used(self, names: frozenset[str], path: str) -> int:
        """How many of these names stand in a file."""
        record = self.project.record(BODIES, path)
        text = zlib.decompress(record.packed) if record is not None else b""
        return sum(f".{name}(".encode() in text for name in names)

    @cached_property
    def importers(self) -> Mapping[str, tuple[str, ...]]:
        """The files that import from each file by name."""
        modules = self.schema.classes.modules
        found: dict[str, dict[str, None]] = {}
        for path, record in modules.by_path.items():
            if is_test(path):
                continue
            name = modules.name_of[path]
            for target in record.imports.values():
                full = absolute_target(target, name, is_package=path.endswith("__init__.py"))
                module = modules.canonical(full).rpartition(".")[0]
                at = modules.path_of.get(module) or modules.path_of.get(full)
                if at is None:
                    key = self.schema.classes.find(full)
                    at = self.schema.classes.by_name[key][0] if key else None
                if at is not None and at != path:
                    found.setdefault(at, {})[path] = None
        return {path: tuple(users) for path, users in found.items()}

    def _seen_in(self, path: str) -> tuple[Found, ...]:
        return tuple(dict.fromkeys(self._look(path))) if self.reach.holds(path) else ()

    def writes_specially(self, ran: Ran) -> bool:
        """Whether a model has a `save` or `delete` of its own, or others wait for its signals."""
        key = ran.query.model
        names = ("delete",) if ran.what == "delete" else ("save",)
        own = any(
            isinstance(self.evaluator.class_attribute(key, name, None), Function) for name in names
        )
        return (
            own
            or self._is_recorded(key)
            or key.rpartition(".")[2] in self.project.facts(SignalSenders).names
        )

    def _is_recorded(self, key: str) -> bool:
        """Whether a library keeps a history of each row, or calls hooks of the model."""
        classes = self.schema.classes
        for each in classes.lineage(key):
            if any(word in each.rpartition(".")[2] for word in _RECORDING):
                return True
            record = classes.by_name[each][1] if each in classes.by_name else None
            if record is not None and any(
                one.func.endswith(_HISTORIES) for one in record.fields if one.func
            ):
                return True
        return False

    def _look(self, path: str) -> Iterator[Found]:
        self._left = _STEPS_A_FILE
        for name, kind, run in self._entries(path):
            if self._left <= 0:
                self.limits.append(name)
                return
            frame = Frame(path, "", {}, 0)
            if not self._within_limits(name, partial(run, frame)):
                continue
            yield from self._judged(frame.events, kind, name)
            for each in list(dict.fromkeys(frame.events)):
                if isinstance(each, Rendered):
                    yield from self._shown(each, kind, name)

    def _within_limits(self, entry: str, run: Callable[[], object]) -> bool:
        """Run, and say whether it came to an end; one that takes too long is heard as far as it came."""
        given = self.evaluator.steps = max(0, min(self._left, MAX_STEPS))
        try:
            run()
        except RecursionError:
            self.limits.append(entry)
            return False
        finally:
            self._left -= given - self.evaluator.steps
        if self.evaluator.steps <= 0:
            self.limits.append(entry)
        return True

    def _shown(self, event: Rendered, kind: str, entry: str) -> Iterator[Found]:
        frame = Frame(event.place.path, "", {}, 0, loops=event.loops)
        if not self._within_limits(
            entry, partial(self.renderer.fill, event.template, event.context, frame)
        ):
            return
        if not event.loops:
            yield from self._judged(frame.events, "template", entry)
            return
        # Filled once for each row of a loop: there it counts.
        turned = [
            replace(each, at=event.place) if isinstance(each, Read | Ran) else each
            for each in frame.events
        ]
        yield from self._judged(turned, kind, entry)

    def _entries(self, path: str) -> Iterator[tuple[str, str, Callable[[Frame], object]]]:
        ev = self.evaluator
        module = ev.modules.name_of.get(path, "")
        for name, node in ev.trees.functions(path):
            if name.count(".") > 1:
                continue
            owner = ev.classes.find(f"{module}.{name.rpartition('.')[0]}") if "." in name else ""
            kind = "python"
            if owner and serializing.is_serializer(ev, owner):
                kind = "serializer"
            if owner and resolving.is_type(ev, owner):
                parent = resolving.parent_of(ev, owner, node)
                if parent is not None:
                    plain = Function(path, name, owner)
                    yield name, "resolver", partial(_resolve, ev, plain, parent)
                continue
            bound = self._bound(owner, node)
            bounded = bool(owner) and bound is not None
            function = Function(path, name, owner, bound, is_bound=bounded)
            args = self._shown_rows(owner, name) if kind == "serializer" else []
            yield name, kind, partial(_inline, ev, function, args)
        record = ev.modules.by_path.get(path)
        for each in record.classes if record is not None else ():
            key = ev.classes.find(f"{module}.{each.name}")
            if key and ev.classes.by_name[key][0] == path:
                yield from self._of_class(key, Place(path, each.line))

    def _shown_rows(self, owner: str, name: str) -> list[Value]:
        """What a method of a serializer is given to show."""
        last = name.rpartition(".")[2]
        if not last.startswith("get_") and last != "to_representation":
            return []
        model = serializing.model_of(self.evaluator, owner)
        return [Row(model, Given(model))] if model else []

    def _bound(self, owner: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Value:
        if not owner:
            return None
        marks = {ast.unparse(each) for each in node.decorator_list}
        if "staticmethod" in marks:
            return None
        if "classmethod" in marks:
            return Class(owner)
        if self.schema.is_model(owner):
            return Row(owner, Given(owner))
        return Thing(owner)

    def _of_class(
        self, key: str, start: Place
    ) -> Iterator[tuple[str, str, Callable[[Frame], object]]]:
        ev = self.evaluator
        if resolving.is_type(ev, key):
            path, record = ev.classes.by_name[key]
            for name, read in resolving.plain_fields(ev, path, key, record):
                yield f"{key}.{name}", "resolver", partial(_noted, read)
            return
        if admin.is_admin(ev, key):
            yield key, "admin", partial(admin.show, ev, self.project, key, start)
            return
        if not viewing.is_view(ev, key):
            return
        view = Thing(key)
        for name in viewing.actions_of(ev, key):
            yield f"{key}.{name}", "serializer", partial(viewing.act, ev, view, name, start)
        for name in _HTTP:
            found = ev.class_attribute(key, name, view)
            if isinstance(found, Function) and found.owner != key:
                yield (
                    f"{key}.{name}",
                    "serializer",
                    partial(ev.invoke, found, [], {"**": None}, start),
                )
        if viewing.is_page(ev, key) and not ev.has_attribute(key, "get"):
            yield f"{key}.get", "template", partial(viewing.show, ev, view, start)

    # ---- judging

    def _judged(self, events: list[Event], kind: str, entry: str) -> Iterator[Found]:
        session = Session(self.schema)
        for each in dict.fromkeys(events):
            session.note(each)
            if isinstance(each, Read):
                missing = self._missing(each, kind, entry)
                if missing is not None and missing.alchemy and session.may_know(each):
                    missing = replace(missing, doubt=True)
                found = missing or self._asked_again(each, kind, entry)
                if found is not None:
                    yield found
            elif isinstance(each, Ran):
                again = self._repeated(each, kind, entry)
                if again is not None:
                    yield again

    def _missing(self, read: Read, kind: str, entry: str) -> Missing | None:
        row, origin = read.row, read.row.origin
        full = (*row.path, read.name)
        guessed = isinstance(origin, Given) and origin.guessed and len(full) > 1
        if guessed and full[1] in self.schema.models.ways_back(full[0]):
            return None  # of the models that may be meant, it goes back to one
        short = self._shortened(_model_of(origin), full)
        if not short or self._raises_elsewhere(read):
            return None
        split = self._last_many(row)
        query = origin if isinstance(origin, Query) else None
        if read.how == "always":
            return self._left_out(read, kind, entry, short, query)
        several = row.each or split >= 0
        fails = _fails(read, query)
        several = several or fails
        if not several:
            return None
        if isinstance(query, Query):
            if query.empty or query.loads("__".join(full)) or self._loads(query, "__".join(short)):
                return None
            if read.how == "column" and query.columns is None:
                return None
        elif kind != "resolver" and isinstance(origin, Given) and not origin.fresh and row.path:
            # Nobody looked where the row comes from; but what no query names, none has loaded.
            doubt = (
                split < 0
                or origin.guessed
                or self.schema.is_alchemy(origin.model)
                or self.eager.may_load_below("__".join(short))
            )
            return self._made(read, kind, entry, short, None, doubt=doubt)
        if query is not None and self._loaded_below(query, short):
            return None
        return self._made(
            read,
            kind,
            entry,
            short,
            query,
            doubt=kind != "resolver" and query is None and not _fresh(origin),
        )

    def _left_out(
        self, read: Read, kind: str, entry: str, path: tuple[str, ...], query: Query | None
    ) -> Missing | None:
        """What the mapping loads always, if the options of the query say that it shall not."""
        if query is None or not {"__".join(path), path[-1]} & query.refused:
            return None
        if query.loads("__".join(path)):
            return None
        return self._made(replace(read, how="raise"), kind, entry, path, query, doubt=False)

    def _raises_elsewhere(self, read: Read) -> bool:
        """Whether reading is forbidden, in a row that somebody asked for who must have known."""
        return read.how == "raise" and not isinstance(read.row.origin, Query)

    def _asked_again(self, read: Read, kind: str, entry: str) -> Repeated | None:
        """All related rows of one row, asked for on every turn of a loop around."""
        row, origin = read.row, read.row.origin
        found = self.schema.related(row.model, read.name)
        if found is None or read.how not in ("all", "count", "exists") or not read.loops:
            return None
        if row.each or self._last_many(row) >= 0:
            return None
        if isinstance(origin, Query) and self._loads(origin, "__".join((*row.path, read.name))):
            return None
        if isinstance(origin, Given) and not origin.fresh and self.eager.may_load(read.name):
            return None
        query = Query(found.relation.target, read.place, via=row, relation=read.name)
        ran = Ran(query, read.how, read.place, read.at, (), read.loops)
        return Repeated(kind, ran, entry, None, read.loops[-1])

    def _loads(self, query: Query, path: str) -> bool:
        """Whether a query loads a relation, or its file does for rows that are there."""
        return query.loads(path) or self.eager.loads_later(query.place.path, path)

    def _loaded_below(self, query: Query, path: tuple[str, ...]) -> bool:
        """Whether the mapping itself says that each step is loaded."""
        model = query.model
        for index, name in enumerate(path):
            found = self.schema.related(model, name)
            if found is None:
                return False
            if not found.always and not query.loads("__".join(path[: index + 1])):
                return False
            model = found.relation.target
        return True

    def _made(
        self,
        read: Read,
        kind: str,
        entry: str,
        path: tuple[str, ...],
        query: Query | None,
        *,
        doubt: bool,
    ) -> Missing:
        joins = read.how in ("join", "load", "raise") and self._joins(
            _model_of(read.row.origin), path
        )
        return Missing(
            kind,
            "__".join(path),
            read.name,
            read.how,
            query,
            _model_of(read.row.origin),
            read.place,
            read.at,
            joins,
            entry,
            read.row,
            doubt or read.maybe,
            read.loops,
            read.outer,
            alchemy=self.schema.is_alchemy(_model_of(read.row.origin)),
        )

    def _joins(self, model: str, path: tuple[str, ...]) -> bool:
        for name in path:
            found = self.schema.related(model, name)
            if found is None or found.relation.many or found.relation.generic:
                return False
            model = found.relation.target
        return True

    def _last_many(self, row: Row) -> int:
        """Where the last step to several rows is, all of which are read; -1 where there is none."""
        last, model = -1, _model_of(row.origin)
        for index, name in enumerate(row.path):
            found = self.schema.related(model, name)
            if found is None:
                return last
            if found.relation.many and index not in row.picked:
                last = index
            model = found.relation.target
        return last

    def _shortened(self, model: str, path: tuple[str, ...]) -> tuple[str, ...]:
        """Without steps back: `author.books` know their author."""
        kept: list[tuple[str, str, bool]] = []
        for name in path:
            found = self.schema.related(model, name)
            if found is None:
                kept.append((name, "", False))
                model = ""
                continue
            relation = found.relation
            last = kept[-1] if kept else None
            if last is not None and last[1] == name and not relation.many and last[2]:
                kept.pop()
            else:
                goes_back = relation.single or not relation.forward
                kept.append((name, relation.inverse, goes_back))
            model = relation.target
        return tuple(each[0] for each in kept)

    def _repeated(self, ran: Ran, kind: str, entry: str) -> Repeated | None:
        if ran.guarded or ran.query.empty or ran.query.batched or ran.what.startswith("bulk_"):
            return None
        if ran.writes and ran.place.path != ran.at.path:
            return None
        for row in ran.rows:
            if row.each or self._last_many(row) >= 0:
                return Repeated(kind, ran, entry, row, ran.loops[-1] if ran.loops else None)
        if ran.loops and not _is_kept(ran):
            return Repeated(kind, ran, entry, None, ran.loops[-1])
        return None


def _is_kept(ran: Ran) -> bool:
    """Whether the rows are those of a variable from before the loop: fetched once, then kept."""
    made, loop = ran.query.place, ran.loops[-1].place
    before = made.path != loop.path or made.line < loop.line
    return ran.what in _WHOLE and ran.at == ran.place and before


def _fails(read: Read, query: Query | None) -> bool:
    """Whether reading is an error: forbidden by the mapping, or lazy in an async session."""
    if query is None or not query.alchemy:
        return False
    return read.how == "raise" or (query.awaited and read.how == "load")


def _is_asked_in(found: Missing, path: str) -> bool:
    """Whether a file holds the query, or the options that it is asked with."""
    options = found.options_at
    return found.asked_in == path or (options is not None and options.path == path)


def _fresh(origin: object) -> bool:
    return isinstance(origin, Given) and origin.fresh


def _model_of(origin: object) -> str:
    return getattr(origin, "model", "")


def _inline(ev: Evaluator, function: Function, args: list[Value], frame: Frame) -> None:
    """Run an entry: what happens in it happens where it stands."""
    node = ev.trees.function(function.path, function.name)
    if node is None:
        return
    frame.owner = function.owner
    given = [function.bound, *args] if function.is_bound else args
    ev.bind_entry(node, given, frame)
    ev.block(node.body, frame)
    template = _renderer(ev, function, node)
    value = result_of(frame)
    frame.dead = False
    responding.answer(ev, node, value, frame)
    for each in value.values if isinstance(value, OneOf) else (value,):
        if template and isinstance(each, Mapped):
            frame.note(Rendered(template, each, Place(function.path, node.lineno)))


def _resolve(ev: Evaluator, function: Function, parent: Row, frame: Frame) -> None:
    node = ev.trees.function(function.path, function.name)
    if node is None:
        return
    frame.owner = function.owner
    ev.bind_entry(node, [parent], frame)
    ev.block(node.body, frame)
    value, frame.dead = result_of(frame), False
    resolving.give(ev, value, Place(function.path, node.lineno), frame)


def _noted(read: Read, frame: Frame) -> None:
    frame.note(read)


def _renderer(ev: Evaluator, function: Function, node: FunctionNode) -> str:
    """The template that a decorator fills with what a view gives: `renderer="user.html"`."""
    marks = list(node.decorator_list)
    if function.owner in ev.classes.by_name:
        path, record = ev.classes.by_name[function.owner]
        owner = ev.trees.named(path).get(record.name)
        marks += owner.decorator_list if isinstance(owner, ast.ClassDef) else []
    for each in marks:
        for keyword in each.keywords if isinstance(each, ast.Call) else ():
            value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            if keyword.arg == "renderer" and isinstance(value, str) and "." in value:
                return value
    return ""


def anchored(found: Found, path: str) -> Place | None:
    """The place in this file to speak of: where the loop reads, or else its query."""
    if isinstance(found, Repeated):
        return found.ran.at if found.ran.at.path == path else None
    return found.at if found.at.path == path else None
