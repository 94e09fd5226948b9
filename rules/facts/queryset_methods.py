"""What the methods of managers and query sets give back, and which relations they load."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from rules.facts.django_models import Model
from rules.facts.python_classes import Classes
from rules.facts.python_modules import dotted
from rules.kit import Extractor, Project, Source, paths, walk_syntax

# Methods of a query set that give a query set of the same rows, or some of them.
CHAINING = frozenset(
    {"all", "filter", "exclude", "order_by", "distinct", "annotate", "alias", "reverse", "using"}
    | {"select_for_update", "defer", "only", "extra", "none", "complex_filter"}
    | {"select_related", "prefetch_related"}
)
# A file without any of these words asks no query.
QUERY_WORDS = (
    "objects",
    "filter",
    "all",
    "exclude",
    "select_related",
    "prefetch_related",
    "order_by",
)
_EAGER = ("select_related", "prefetch_related")


class MethodRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A method that returns its own query set, narrowed: what it loads and what it calls."""

    select: tuple[str, ...]
    prefetch: tuple[str, ...]
    opaque: bool
    calls: tuple[str, ...]


class MethodsRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Methods by `Class.name`. A method that is no plain chain on `self` is left out."""

    methods: dict[str, MethodRecord]


def extract(source: Source) -> MethodsRecord | None:
    if source.tree is None:
        return None
    found: dict[str, MethodRecord] = {}
    for node in source.tree.body:
        for each in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(node, ast.ClassDef) and isinstance(each, ast.FunctionDef):
                record = _read(each)
                if record is not None:
                    found[f"{node.name}.{each.name}"] = record
    return MethodsRecord(found) if found else None


def _read(node: ast.FunctionDef) -> MethodRecord | None:
    """The record of a method all of whose returns are chains on `self`."""
    returns = [each for each in walk_syntax(node) if isinstance(each, ast.Return)]
    if not returns or any(dotted(each) == "property" for each in node.decorator_list):
        return None
    values = {
        target.id: each.value
        for each in walk_syntax(node)
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    calls: set[str] = set()
    for each in returns:
        names = _chain(each.value, values, 8)
        if names is None:
            return None
        calls |= names
    return _with_loads(node, calls)


def _chain(node: ast.expr | None, values: Mapping[str, ast.expr], depth: int) -> set[str] | None:
    """The methods called one after the other on `self` or `super()`; None for all else."""
    called: set[str] = set()
    for _ in range(64):
        match node:
            case ast.Call(func=ast.Attribute(value=inner, attr=name)):
                if isinstance(inner, ast.Call) and dotted(inner.func) == "super":
                    return called
                called.add(name)
                node = inner
            case ast.Name(id="self"):
                return called
            case ast.Name(id=name) if depth and name in values:
                rest = _chain(values[name], values, depth - 1)
                return None if rest is None else called | rest
            case _:
                return None
    return None


def _with_loads(node: ast.FunctionDef, calls: set[str]) -> MethodRecord:
    loads: dict[str, list[str]] = {name: [] for name in _EAGER}
    opaque = False
    for each in walk_syntax(node):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
            name = each.func.attr
            if name in loads:
                opaque |= not each.args
                for path in each.args:
                    literal = path.value if isinstance(path, ast.Constant) else None
                    if isinstance(literal, str):
                        loads[name].append(literal)
                    else:
                        opaque = True
    rest = tuple(sorted(calls - CHAINING))
    return MethodRecord(tuple(loads[_EAGER[0]]), tuple(loads[_EAGER[1]]), opaque, rest)


METHODS = Extractor(
    name="queryset_methods",
    version=1,
    record=MethodsRecord,
    reads=paths.is_module,
    extract=extract,
    wanted=lambda data: b"QuerySet" in data or b"Manager" in data,
)


@dataclass(frozen=True)
class QuerySetMethods:
    """Looks methods up along the classes of a model's manager."""

    classes: Classes
    records: Mapping[str, MethodsRecord]

    @classmethod
    def gather(cls, project: Project) -> QuerySetMethods:
        return cls(project.facts(Classes), project.records(METHODS))

    def of(self, model: Model, manager: str, name: str) -> MethodRecord | None:
        """What `Model.manager.name()` gives, own calls followed; None if that is not known."""
        return self._find(self.homes(model, manager), name, frozenset())

    def has(self, model: Model, manager: str, name: str) -> bool:
        """Whether the classes of the manager define the method, or cannot all be seen."""
        return any(self.classes.methods(each, name) for each in self.homes(model, manager))

    def homes(self, model: Model, manager: str) -> tuple[str, ...]:
        """The classes that give a manager its methods."""
        record = model.managers.get(manager)
        if record is None:
            return ()
        path = next(
            (
                self.classes.by_name[each][0]
                for each in self.classes.lineage(model.key)
                if each in self.classes.by_name
                and any(f is record for f in self.classes.by_name[each][1].fields)
            ),
            model.path,
        )
        return tuple(self._sources(path, record.func, record.args))

    def _sources(self, path: str, func: str, args: tuple[str, ...]) -> Iterator[str]:
        modules = self.classes.modules
        base, marker, given = func.partition(".from_queryset(")
        names = [base, given.rstrip(")")] if marker else [func.removesuffix(".as_manager")]
        if func.endswith(".from_queryset"):
            names = [func.removesuffix(".from_queryset"), *args]
        for name in names:
            full = modules.resolve(path, name)
            key = self.classes.find(full)
            if key:
                yield key
                continue
            module, _, last = full.rpartition(".")
            at = modules.path_of.get(module)
            for each in modules.by_path[at].assignments if at else ():
                if each.name == last and each.func != func:
                    yield from self._sources(at or path, each.func, each.args)

    def _find(self, homes: tuple[str, ...], name: str, seen: frozenset[str]) -> MethodRecord | None:
        for home in homes:
            owner = self.classes.methods(home, name)
            if not owner or name in seen:
                continue
            path, record = self.classes.by_name[owner]
            known = self.records[path].methods if path in self.records else {}
            found = known.get(f"{record.name}.{name}")
            if found is None:
                return None
            return self._joined(homes, found, seen | {name})
        return None

    def _joined(
        self, homes: tuple[str, ...], record: MethodRecord, seen: frozenset[str]
    ) -> MethodRecord | None:
        select, prefetch, opaque = set(record.select), set(record.prefetch), record.opaque
        for each in record.calls:
            if each == "get_queryset" and not any(self.classes.methods(h, each) for h in homes):
                continue
            further = self._find(homes, each, seen)
            if further is None:
                return None
            select |= set(further.select)
            prefetch |= set(further.prefetch)
            opaque |= further.opaque
        return MethodRecord(tuple(sorted(select)), tuple(sorted(prefetch)), opaque, ())
