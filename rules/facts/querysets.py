"""Which expressions of a function are Django query sets or rows of them, and what they load.

Reads one function at a time, without following calls. Where two branches give a variable
different query sets of one model, it is taken to load what either loads, so that nothing is
said of a relation that may be loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce

import libcst as cst

from rules.facts.django_models import DEFAULT_MANAGERS, Model, Models, Relation
from rules.facts.last_assignment import assigned_before
from rules.facts.queryset_methods import CHAINING, QuerySetMethods
from rules.kit import Here, Kind, keyword, string

_PICKING = ("get", "first", "last", "earliest", "latest", "create")
_ROW_METHODS = frozenset({*_PICKING, *(f"a{each}" for each in _PICKING)})
_SAME_ROWS = frozenset({"list", "sorted", "reversed", "tuple", "set", "iter", "frozenset"})
_ITERATORS = frozenset({"iterator", "aiterator"})
_COMBINING = frozenset({"union", "intersection", "difference"})
_DEPTH = 12


@dataclass(frozen=True)
class Row:
    """An instance of a model.

    `query` and `path` say how a loop came by it, where one did; `fetched` is the query that
    gave this one row. `given` ones come from elsewhere, with whatever was loaded there.
    """

    model: str
    query: Query | None = None
    path: tuple[Relation, ...] = ()
    fetched: Query | None = None
    given: bool = False


@dataclass(frozen=True)
class Query:
    """A query set of `model`.

    `node` is the expression that a further call could be appended to. `opaque` ones load
    relations that cannot be read here; `single` ones have one row at most; `is_list` says that
    the rows are in a list or set by now; `parent` is the
    row whose related rows these are, as long as a prefetch could serve them. `roots` holds the
    ids of the nodes that it starts from: several, if branches build different ones.
    """

    model: str
    node: cst.BaseExpression
    select: frozenset[str] = frozenset()
    prefetch: frozenset[str] = frozenset()
    opaque: bool = False
    single: bool = False
    sliced: bool = False
    manager: str = ""
    is_manager: bool = False
    is_list: bool = False
    parent: Row | None = None
    roots: frozenset[int] = frozenset()

    def loads(self, path: str) -> bool:
        """Whether the relations of `a__b` are there without a further query."""
        return self.opaque or any(
            each == path or each.startswith(f"{path}__") for each in self.select | self.prefetch
        )


def may_hold_queries(here: Here) -> bool:
    """A quick look at a file: it names a manager or a relation of some model."""
    models: Models = here.project.facts(Models)
    return bool(models.by_key) and here.mentions(models.ways_to_rows)


Value = Query | Row | None
Environment = Mapping[str, Row]


@dataclass
class QueryReader:
    """Evaluates expressions of the file at hand."""

    here: Here
    models: Models = field(init=False)
    methods: QuerySetMethods = field(init=False)
    _open: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.models = self.here.project.facts(Models)
        self.methods = self.here.project.facts(QuerySetMethods)

    def value(
        self, node: cst.CSTNode | None, env: Environment | None = None, depth: int = _DEPTH
    ) -> Value:
        """What an expression is, as far as query sets go. `env` names rows of loops around."""
        known = env or {}
        if depth <= 0:
            return None
        match node:
            case cst.Name():
                return known.get(node.value) or self._name(node, known, depth)
            case cst.Attribute():
                return self._attribute(node, known, depth)
            case cst.Call():
                return self._call(node, known, depth)
            case cst.Subscript():
                return self._subscript(node, known, depth)
            case cst.Await(expression=inner) | cst.NamedExpr(value=inner):
                return self.value(inner, known, depth - 1)
            case (
                cst.IfExp(body=left, orelse=right)
                | cst.BooleanOperation(left=left, operator=cst.Or(), right=right)
            ):
                values = [self.value(each, known, depth - 1) for each in (left, right)]
                return _join(values)
            case _:
                return None

    def query(self, node: cst.CSTNode | None, env: Environment | None = None) -> Query | None:
        found = self.value(node, env)
        return found if isinstance(found, Query) and not found.is_manager else None

    def row(self, query: Query) -> Row:
        """What a loop over a query set gives."""
        if query.parent is not None:
            relation = self.models.relation(query.parent.model, query.manager)
            if relation is not None and query.parent.query is not None:
                path = (*query.parent.path, relation)
                return Row(query.model, query.parent.query, path)
        return Row(query.model, query)

    def model_of(self, node: cst.CSTNode | None) -> Model | None:
        """The model that an expression names as a class."""
        if isinstance(node, cst.Name) and node.value == "cls":
            return self._own_model(node)
        name = self.here.name(node) if isinstance(node, cst.Name | cst.Attribute) else ""
        return self.models.find(name) if name else None

    def _own_model(self, node: cst.CSTNode) -> Model | None:
        function = self.here.function(node)
        owner = self.here.around(function, cst.ClassDef) if function is not None else None
        if owner is None or function is None:
            return None
        if self.here.around(function, cst.ClassDef, cst.FunctionDef) is not owner:
            return None
        return self.models.find(f"{self.here.module_name}.{owner.name.value}")

    def _name(self, node: cst.Name, env: Environment, depth: int) -> Value:
        bound = self.here.bindings(node)
        last = assigned_before(node, self.here) if len(bound) > 1 else None
        if last is not None:
            return self.value(last, env, depth - 1)
        found: list[Value] = []
        for each in bound:
            if each.node is None or id(each.node) in self._open:
                if each.node is None:
                    return None
                continue
            self._open.add(id(each.node))
            try:
                found.append(self._binding(each.kind, each.node, node, env, depth))
            finally:
                self._open.discard(id(each.node))
        return _join(found)

    def _binding(
        self, kind: Kind, bound: cst.CSTNode, name: cst.Name, env: Environment, depth: int
    ) -> Value:
        if kind is Kind.VALUE:
            return self.value(bound, env, depth - 1)
        if kind is Kind.ELEMENT:
            rows = self.value(bound, env, depth - 1)
            return self.row(rows) if isinstance(rows, Query) else None
        if kind is Kind.PARAMETER and isinstance(bound, cst.Param):
            return self._parameter(bound, name)
        return None

    def _parameter(self, param: cst.Param, name: cst.Name) -> Value:
        if param.annotation is not None:
            text = string(param.annotation.annotation)
            model = (
                self.models.find(f"{self.here.module_name}.{text}")
                if text
                else self.model_of(param.annotation.annotation)
            )
            return Row(model.key, given=True) if model is not None else None
        if param.name.value == "self":
            model = self._own_model(name)
            return Row(model.key, given=True) if model is not None else None
        return None

    def _attribute(self, node: cst.Attribute, env: Environment, depth: int) -> Value:
        name = node.attr.value
        base = self.value(node.value, env, depth - 1)
        if isinstance(base, Row):
            return self._related(base, name, node)
        if base is not None:
            return None
        if isinstance(node.value, cst.Name) and node.value.value == "self":
            return self._class_attribute(node, depth)
        model = self.model_of(node.value)
        if model is not None:
            known = name in model.managers or name in DEFAULT_MANAGERS
            return self._root(model, name, node) if known else None
        return self._by_name_alone(node)

    def _by_name_alone(self, node: cst.Attribute) -> Value:
        """`project.releases` of an unknown `project`: the one relation of that name."""
        found = self.models.many_named(node.attr.value)
        if found is None:
            return None
        owner, relation = found
        return self._related(Row(owner, given=True), relation.name, node)

    def _root(self, model: Model, manager: str, node: cst.BaseExpression) -> Query:
        """A manager: what its `get_queryset` loads is part of every query."""
        if manager not in model.managers and model.managers:
            manager = next(iter(model.managers)) if manager == "_default_manager" else manager
        plain = Query(model.key, node, manager=manager, is_manager=True)
        plain = replace(plain, roots=frozenset({id(node)}))
        if not self.methods.has(model, manager, "get_queryset"):
            return plain
        record = self.methods.of(model, manager, "get_queryset")
        if record is None:
            return replace(plain, opaque=True)
        return replace(
            plain,
            select=frozenset(record.select),
            prefetch=frozenset(record.prefetch),
            opaque=record.opaque,
        )

    def _related(self, row: Row, name: str, node: cst.Attribute) -> Value:
        relation = self.models.relation(row.model, name)
        if relation is None or not relation.target:
            return None
        if not relation.many:
            if row.query is None:
                return Row(relation.target, fetched=_below(row.fetched, name), given=row.given)
            return Row(relation.target, row.query, (*row.path, relation))
        model = self.models.by_key[relation.target]
        root = self._root(model, "_default_manager", node)
        # Rows got through a reverse foreign key know where they came from.
        known = {relation.inverse} if not relation.forward and relation.inverse else set()
        back = self.models.relation(relation.target, relation.inverse)
        if back is None or back.many:
            known = set()
        loaded = _below(row.fetched, name)
        return replace(
            root,
            select=root.select | known | (loaded.select if loaded else set()),
            prefetch=root.prefetch | (loaded.prefetch if loaded else set()),
            opaque=root.opaque or (loaded is not None and loaded.opaque),
            manager=name,
            parent=row,
        )

    def _class_attribute(self, node: cst.Attribute, depth: int) -> Value:
        """`self.queryset`, where the class says it."""
        owner = self.here.around(node, cst.ClassDef)
        for line in owner.body.body if owner is not None else ():
            for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
                match each:
                    case cst.Assign(targets=[cst.AssignTarget(cst.Name(name))], value=value) if (
                        name == node.attr.value
                    ):
                        return self.value(value, {}, depth - 1)
                    case _:
                        pass
        return None

    def _call(self, node: cst.Call, env: Environment, depth: int) -> Value:
        first = node.args[0].value if node.args else None
        if isinstance(node.func, cst.Name):
            name = self.here.name(node.func)
            if name.removeprefix("builtins.") in _SAME_ROWS and name.startswith("builtins."):
                rows = self.value(first, env, depth - 1)
                return replace(rows, is_list=True) if isinstance(rows, Query) else None
            if name in (
                "django.shortcuts.get_object_or_404",
                "django.shortcuts.aget_object_or_404",
            ):
                model = self.model_of(first)
                base = None if model else self.value(first, env, depth - 1)
                key = model.key if model else base.model if isinstance(base, Query) else ""
                fetched = base if isinstance(base, Query) else None
                return Row(key, fetched=fetched) if key else None
            return None
        if not isinstance(node.func, cst.Attribute):
            return None
        base = self.value(node.func.value, env, depth - 1)
        return self._applied(base, node.func.attr.value, node) if isinstance(base, Query) else None

    def _applied(self, base: Query, name: str, node: cst.Call) -> Value:
        if base.is_list:
            return None
        after = replace(base, node=node, is_manager=False)
        if name == "select_related":
            return _selecting(after, node)
        if name == "prefetch_related":
            return self._prefetching(after, node)
        if name == "all":
            return after
        if name in CHAINING:
            single = base.single or (name == "filter" and self._is_unique(base.model, node))
            return replace(after, single=single, parent=None)
        if name in _ITERATORS:
            return replace(base, parent=None) if not base.is_manager else after
        if name in _COMBINING:
            return replace(after, opaque=True, parent=None)
        if name in _ROW_METHODS:
            return Row(base.model, fetched=base)
        model = self.models.by_key.get(base.model)
        manager = base.manager if base.parent is None else "_default_manager"
        if model is not None and manager not in model.managers and model.managers:
            manager = next(iter(model.managers))
        record = self.methods.of(model, manager, name) if model is not None else None
        if record is None:
            return None
        return replace(
            after,
            select=base.select | set(record.select),
            prefetch=base.prefetch | set(record.prefetch),
            opaque=base.opaque or record.opaque,
            parent=None,
        )

    def _is_unique(self, key: str, node: cst.Call) -> bool:
        """`filter(pk=...)`: one row at most."""
        fields = self.models.by_key[key].fields
        unique = {
            name
            for name, each in fields.items()
            if "True"
            in (each.record.keywords.get("unique"), each.record.keywords.get("primary_key"))
        }
        wanted = {"pk", "id", *unique}
        given = {each.keyword.value.removesuffix("__exact") for each in node.args if each.keyword}
        return bool(wanted & given)

    def _prefetching(self, query: Query, node: cst.Call) -> Query:
        found, opaque = set(query.prefetch), query.opaque
        for arg in node.args:
            literal = string(arg.value)
            if literal is not None and not arg.star:
                found.add(literal)
            elif isinstance(arg.value, cst.Name) and arg.value.value == "None":
                found.clear()
            elif (inner := self._prefetch_object(arg.value)) is not None:
                found |= inner
            else:
                strings = _strings(self.here.value_of(arg.value))
                opaque |= strings is None
                found |= strings or set()
        return replace(query, prefetch=frozenset(found), opaque=opaque)

    def _prefetch_object(self, node: cst.BaseExpression) -> set[str] | None:
        """The paths of `Prefetch("books", queryset=...)`, with what its query set loads."""
        node = self.here.value_of(node)  # type: ignore[assignment]
        if not isinstance(node, cst.Call) or not self.here.name(node.func).endswith("Prefetch"):
            return None
        path = string(node.args[0].value) if node.args else None
        if path is None:
            return None
        if keyword(node, "to_attr") is not None:
            return set()
        given = keyword(node, "queryset") or (node.args[1].value if len(node.args) > 1 else None)
        inner = self.value(given) if given is not None else None
        if given is not None and (not isinstance(inner, Query) or inner.opaque):
            return None
        below = inner.select | inner.prefetch if isinstance(inner, Query) else frozenset()
        return {path, *(f"{path}__{each}" for each in below)}

    def _subscript(self, node: cst.Subscript, env: Environment, depth: int) -> Value:
        base = self.value(node.value, env, depth - 1)
        if not isinstance(base, Query) or len(node.slice) != 1:
            return None
        match node.slice[0].slice:
            case cst.Slice(upper=upper):
                one = isinstance(upper, cst.Integer) and upper.value == "1"
                return replace(base, single=base.single or one, sliced=True, parent=None)
            case _:
                return Row(base.model, fetched=base)


def _selecting(query: Query, node: cst.Call) -> Query:
    paths = [string(each.value) for each in node.args if not each.star]
    if [each.value.value for each in node.args if isinstance(each.value, cst.Name)] == ["None"]:
        return replace(query, select=frozenset(), parent=None)
    literal = frozenset(path for path in paths if path is not None)
    opaque = query.opaque or not node.args or len(literal) < len(node.args)
    return replace(query, select=query.select | literal, opaque=opaque, parent=None)


def _below(query: Query | None, name: str) -> Query | None:
    """What the query of a row loads below one of its relations."""
    if query is None:
        return None
    start = f"{name}__"

    def cut(paths: frozenset[str]) -> frozenset[str]:
        return frozenset(each.removeprefix(start) for each in paths if each.startswith(start))

    return replace(query, select=cut(query.select), prefetch=cut(query.prefetch))


def _strings(node: cst.CSTNode) -> set[str] | None:
    if not isinstance(node, cst.Tuple | cst.List | cst.Set):
        return None
    found = [string(each.value) for each in node.elements]
    return {each for each in found if each is not None} if None not in found else None


def _join(values: list[Value]) -> Value:
    """What a variable is that may be any of these; nothing unless they agree."""
    return reduce(_both, values) if values and all(values) else None


def _both(left: Value, right: Value) -> Value:
    if isinstance(left, Row) and isinstance(right, Row) and left.model == right.model:
        return left if left == right else Row(left.model, given=True)
    if isinstance(left, Query) and isinstance(right, Query) and left.model == right.model:
        return replace(
            left,
            select=left.select | right.select,
            prefetch=left.prefetch | right.prefetch,
            opaque=left.opaque or right.opaque,
            single=left.single or right.single,
            sliced=left.sliced or right.sliced,
            is_list=left.is_list or right.is_list,
            parent=left.parent if left.parent == right.parent else None,
            roots=left.roots | right.roots,
        )
    return None
