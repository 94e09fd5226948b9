"""What Django's admin reads for each row of a list."""

# A case for each kind of node or name reads best in one place; a call has five parts.

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from rules.facts.admin_sites import AdminSites
from rules.flow.orm import querying, viewing
from rules.flow.orm.values import (
    Class,
    Constant,
    Function,
    Place,
    Query,
    Row,
    Sequence,
    Thing,
    Turn,
    Value,
    place_of,
)
from rules.kit import Project

if TYPE_CHECKING:
    from rules.flow.orm.evaluator import Evaluator, Frame

_ADMINS = ("ModelAdmin",)
_INLINES = ("TabularInline", "StackedInline")


def is_admin(ev: Evaluator, key: str) -> bool:
    names = viewing.outer_names(ev, key)
    return any(each.endswith((*_ADMINS, *_INLINES)) for each in names)


def is_inline(ev: Evaluator, key: str) -> bool:
    return any(each.endswith(_INLINES) for each in viewing.outer_names(ev, key))


def show(ev: Evaluator, project: Project, key: str, place: Place, frame: Frame) -> None:
    """The list of a model in the admin, or the rows of an inline."""
    sites: AdminSites = project.facts(AdminSites)
    view = Thing(key)
    model = ev.attribute(view, "model", place, frame)
    names = [model.name] if isinstance(model, Class) else sites.models_of(key)
    for name in names:
        if name in ev.schema.models.by_key:
            _list(ev, view, name, place, frame)


def _list(ev: Evaluator, view: Thing, model: str, place: Place, frame: Frame) -> None:
    columns, at = _columns(ev, view, place)
    base = querying.of_manager(ev, model, "_default_manager", at)
    plain = view.with_attribute("queryset", base)
    own = ev.class_attribute(view.cls, "get_queryset", plain)
    query: Value = base
    if isinstance(own, Function):
        query = ev.invoke(own, [None], {}, place, frame)
    if not isinstance(query, Query):
        return
    query = _with_related(ev, view, query, columns)
    loops = frame.loops
    row = ev.element(_plain(query), at, frame)
    if not isinstance(row, Row):
        return
    frame.loops = (*loops, Turn(at, query, row, "admin"))
    if is_inline(ev, view.cls):
        ev.text_of(row, at, frame)
        columns = _listed(ev, view, "readonly_fields")
    for column in columns or ["__str__"]:
        _column(ev, view, column, row, at, frame)
    frame.loops = loops


def _plain(query: Query) -> Query:
    from dataclasses import replace

    return replace(query, is_manager=False)


def _columns(ev: Evaluator, view: Thing, place: Place) -> tuple[list[str], Place]:
    found = _listed(ev, view, "list_display")
    for each in ev.classes.lineage(view.cls):
        if each in ev.classes.by_name:
            path, record = ev.classes.by_name[each]
            for name in ("list_display", "model"):
                node = ev.trees.variable(path, f"{record.name}.{name}")
                if node is not None and path == place.path:
                    return found, place_of(path, node)
    return found, place


def _listed(ev: Evaluator, view: Thing, name: str) -> list[str]:
    value = ev.class_attribute(view.cls, name, view)
    found = []
    for each in value.elements if isinstance(value, Sequence) else ():
        if isinstance(each, Constant) and isinstance(each.value, str):
            found.append(each.value)
        elif isinstance(each, Function):
            found.append(f"function:{each.path}:{each.name}")
    return found


def _with_related(ev: Evaluator, view: Thing, query: Query, columns: list[str]) -> Query:
    """`list_select_related`; without it Django joins what the columns name, unless told."""
    from dataclasses import replace

    value = ev.class_attribute(view.cls, "list_select_related", view)
    if isinstance(value, Constant) and value.value is True:
        return replace(query, opaque=True)
    if isinstance(value, Function):
        return replace(query, opaque=True)
    names = _listed(ev, view, "list_select_related")
    if names:
        return replace(query, select=query.select | frozenset(names))
    if is_inline(ev, view.cls) or query.select:
        return query
    # ChangeList joins every foreign key, where a column is one and nothing else is said.
    for each in columns:
        related = ev.schema.related(query.model, each)
        if related is not None and not related.relation.many and related.relation.forward:
            return replace(query, select=_foreign_keys(ev, query.model))
    return query


def _foreign_keys(ev: Evaluator, model: str) -> frozenset[str]:
    """What a bare `select_related()` joins: foreign keys that cannot be null."""
    return frozenset(
        name
        for name, each in ev.schema.models.by_key[model].fields.items()
        if each.type in ("ForeignKey", "OneToOneField")
        and each.record.keywords.get("null") != "True"
    )


def _column(ev: Evaluator, view: Thing, column: str, row: Row, at: Place, frame: Frame) -> None:
    """One cell: a method of the admin, or a field, property or method of the model."""
    if column.startswith("function:"):
        _, path, name = column.split(":", 2)
        ev.invoke(Function(path, name), [row], {}, _column_place(ev, path, name, at), frame)
        return
    method = ev.class_attribute(view.cls, column, view)
    if isinstance(method, Function):
        place = _column_place(ev, method.path, method.name, at)
        ev.invoke(method, [row], {}, place, frame)
        return
    if column == "__str__":
        ev.text_of(row, at, frame)
        return
    value: Value = row
    for part in column.split("__"):
        value = ev.attribute(value, part, at, frame)
    if isinstance(value, Function):
        value = ev.call(value, [], {}, at, frame)
    ev.text_of(value, at, frame)


def _column_place(ev: Evaluator, path: str, name: str, at: Place) -> Place:
    node = ev.trees.function(path, name)
    if node is None or path != at.path or not isinstance(node, ast.FunctionDef):
        return at
    return Place(
        path, node.lineno, node.col_offset, node.lineno, node.col_offset + 4 + len(node.name)
    )
