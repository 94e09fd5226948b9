"""Resolvers of GraphQL types, graphene's and strawberry's: they run for each parent object."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rules.facts.python_modules import ClassRecord, dotted
from rules.flow.orm import querying, serializing, viewing
from rules.flow.orm.trees import FunctionNode
from rules.flow.orm.values import (
    Class,
    Given,
    OneOf,
    Place,
    Query,
    Read,
    Row,
    Value,
    place_of,
)

if TYPE_CHECKING:
    from rules.flow.orm.evaluator import Evaluator, Frame

_OBJECTS = ("ObjectType", "DjangoObjectType", "Interface")
_FIELDS = frozenset({"Field"})
_HINTS = (
    "prefetch_related",
    "select_related",
    "resolver_hints",
    "annotate",
    "disable_optimization",
)
_FIELD_MARKS = ("strawberry.field", "strawberry_django.field", "strawberry.django.field")


def is_type(ev: Evaluator, key: str) -> bool:
    """Whether a class describes an object of a GraphQL schema."""
    return any(each.endswith(_OBJECTS) for each in viewing.outer_names(ev, key)) or bool(
        _strawberry_model(ev, key)
    )


def model_of(ev: Evaluator, key: str) -> str:
    """The model behind a type: `Meta.model`, or what `strawberry_django.type` is given."""
    return serializing.model_of(ev, key) or _strawberry_model(ev, key)


def _strawberry_model(ev: Evaluator, key: str) -> str:
    if key not in ev.classes.by_name:
        return ""
    path, record = ev.classes.by_name[key]
    if not any("strawberry" in each or each.endswith("type") for each in record.decorators):
        return ""
    node = ev.trees.named(path).get(record.name)
    for mark in node.decorator_list if isinstance(node, ast.ClassDef) else ():
        if isinstance(mark, ast.Call) and "django" in dotted(mark.func) and mark.args:
            value = ev.value(mark.args[0], ev.frame_at(path))
            if isinstance(value, Class) and ev.schema.is_model(value.name):
                return value.name
    return ""


def parent_of(ev: Evaluator, owner: str, node: FunctionNode) -> Row | None:
    """The object that a resolver is called for, of which there may be many."""
    marks = [ast.unparse(each) for each in node.decorator_list]
    if any(hint in mark for mark in marks for hint in _HINTS):
        return None
    graphene = node.name.startswith("resolve_")
    if not graphene and not any(mark.startswith(_FIELD_MARKS) for mark in marks):
        return None
    first = next(iter([*node.args.posonlyargs, *node.args.args]), None)
    path = ev.classes.by_name[owner][0]
    noted: Value = None
    if first is not None and first.annotation is not None:
        noted = ev.of_type(first.annotation, ev.frame_at(path))
    model = noted.model if isinstance(noted, Row) else model_of(ev, owner)
    return Row(model, Given(model), (), each=True) if model else None


def give(ev: Evaluator, value: Value, place: Place, frame: Frame) -> None:
    """What a resolver returns is shown: a query is run for it."""
    for each in value.values if isinstance(value, OneOf) else (value,):
        if isinstance(each, Query):
            querying.consume(ev, each, "iterate", place, frame)


def plain_fields(
    ev: Evaluator, path: str, key: str, record: ClassRecord
) -> Iterator[tuple[str, Read]]:
    """Fields that show a foreign key and leave it to graphene to follow it."""
    model = model_of(ev, key)
    if model not in ev.schema.models.by_key:
        return
    for each in record.fields:
        if each.func.rpartition(".")[2] not in _FIELDS or "resolver" in each.keywords:
            continue
        related = ev.schema.related(model, each.name)
        if related is None or related.relation.many or not related.relation.forward:
            continue
        if not related.relation.target or ev.has_attribute(key, f"resolve_{each.name}"):
            continue
        node = ev.trees.variable(path, f"{record.name}.{each.name}")
        if node is None:
            continue
        row = Row(model, Given(model), (), each=True)
        place = place_of(path, node)
        yield each.name, Read(row, each.name, "join", place, place)
