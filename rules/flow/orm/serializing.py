"""What the serializers of REST framework read from the rows that they are given."""

# A case for each kind of node or name reads best in one place; a call has five parts.

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from rules.flow.orm.values import (
    Class,
    Constant,
    Function,
    Mapped,
    Place,
    Query,
    Row,
    Sequence,
    Thing,
    Turn,
    Value,
    place_of,
)

if TYPE_CHECKING:
    from rules.flow.orm.evaluator import Evaluator, Frame

_METHOD_FIELD = "SerializerMethodField"
_KEY_FIELDS = ("PrimaryKeyRelatedField",)
_NAMES = (
    "Serializer",
    "ModelSerializer",
    "HyperlinkedModelSerializer",
    "ListSerializer",
    "BaseSerializer",
)
_MEMO = "serializer"


def is_serializer(ev: Evaluator, key: str) -> bool:
    known: dict[str, bool] = ev.is_serializer
    if key not in known:
        known[key] = any(
            each.rpartition(".")[2].endswith("Serializer")
            and not each.startswith(("django.", "builtins."))
            for each in ev.classes.lineage(key)
            if each not in ev.classes.by_name
        )
    return known[key]


def model_of(ev: Evaluator, key: str) -> str:
    """The model that a serializer is for, by its `Meta`."""
    for each in ev.classes.lineage(key):
        if each in ev.classes.by_name:
            path, record = ev.classes.by_name[each]
            node = ev.trees.variable(path, f"{record.name}.Meta.model")
            value = ev.value(node, ev.frame_at(path)) if node is not None else None
            if isinstance(value, Class) and ev.schema.is_model(value.name):
                return value.name
    return ""


def attribute(ev: Evaluator, serializer: Thing, name: str, place: Place, frame: Frame) -> Value:
    """`.data`, `.instance`, `.context` of a serializer."""
    if name == "data":
        render(ev, serializer, place, frame)
        return Mapped()
    if name == "instance":
        return _instance(serializer)
    if name in {"context", "_context"}:
        context = serializer.keyword("context")
        return context if isinstance(context, Mapped) else Mapped()
    if name in ("validated_data", "initial_data"):
        return Mapped()
    return None


def call(
    ev: Evaluator,
    serializer: Thing,
    name: str,
    args: list[Value],
    keywords: dict[str, Value],
    place: Place,
    frame: Frame,
) -> Value:
    del keywords
    if name == "to_representation":
        first = args[0] if args else None
        if isinstance(first, Row):
            fields(ev, serializer, first, place, frame)
        return Mapped()
    return None


def _instance(serializer: Thing) -> Value:
    return serializer.args[0] if serializer.args else serializer.keyword("instance")


def render(ev: Evaluator, serializer: Thing, place: Place, frame: Frame) -> None:
    """Everything that a serializer reads to show its instance."""
    source = _instance(serializer)
    if serializer.keyword("many") == Constant(True):
        rows = ev.element(source, place, frame)
        one = replace(
            serializer,
            args=(rows,),
            keywords=tuple(e for e in serializer.keywords if e[0] not in ("many", "instance")),
        )
        loops = frame.loops
        query = source if isinstance(source, Query) else None
        row = rows if isinstance(rows, Row) else None
        frame.loops = (*loops, Turn(place, query, row, "serializer"))
        represent(ev, one, rows, place, frame)
        frame.loops = loops
    else:
        represent(ev, serializer, source, place, frame)


def represent(ev: Evaluator, serializer: Thing, row: Value, place: Place, frame: Frame) -> None:
    """`to_representation`, the project's own or the framework's."""
    if not isinstance(row, Row):
        return
    if frame.depth > 10 or ev.steps <= 0:
        return
    own = ev.class_attribute(serializer.cls, "to_representation", serializer)
    if isinstance(own, Function):
        ev.invoke(own, [row], {}, place, frame)
    else:
        fields(ev, serializer, row, place, frame)


def fields(ev: Evaluator, serializer: Thing, row: Row, place: Place, frame: Frame) -> None:
    """What each field reads."""
    depth = _nested_depth(serializer)
    if depth > 6:
        return
    declared = dict(_declared(ev, serializer.cls))
    names = _names(ev, serializer.cls)
    if names is None or "__all__" in names:
        model = ev.schema.models.by_key.get(row.model)
        several = (
            [n for n, f in model.fields.items() if f.type == "ManyToManyField"] if model else []
        )
        names = [*declared, *(n for n in several if n not in declared)] if names else [*declared]
        hidden = _listed(ev, serializer.cls, "exclude") or []
        names = [each for each in names if each not in hidden]
    for name in names:
        field = declared.get(name)
        if field is not None:
            _field(ev, serializer, name, field, row, place, frame)
        else:
            _plain_field(ev, serializer, name, row, place, frame)


def _nested_depth(serializer: Thing) -> int:
    depth = serializer.get("__depth")
    return depth.value if isinstance(depth, Constant) and isinstance(depth.value, int) else 0


def _declared(ev: Evaluator, key: str) -> Iterator[tuple[str, tuple[str, ast.Call]]]:
    """The fields that a class and its bases write out, the nearest declaration last."""
    for each in reversed(ev.classes.lineage(key)):
        if each not in ev.classes.by_name:
            continue
        path, record = ev.classes.by_name[each]
        for one in record.fields:
            node = ev.trees.variable(path, f"{record.name}.{one.name}")
            if isinstance(node, ast.Call):
                yield one.name, (path, node)


def _listed(ev: Evaluator, key: str, what: str) -> list[str] | None:
    """`Meta.fields` and its like, the nearest that is said."""
    for each in ev.classes.lineage(key):
        if each not in ev.classes.by_name:
            continue
        path, record = ev.classes.by_name[each]
        node = ev.trees.variable(path, f"{record.name}.Meta.{what}")
        if node is None:
            continue
        value = ev.value(node, ev.frame_at(path))
        if isinstance(value, Constant) and isinstance(value.value, str):
            return [value.value]
        if isinstance(value, Sequence):
            return [
                e.value
                for e in value.elements
                if isinstance(e, Constant) and isinstance(e.value, str)
            ]
        return None
    return None


def _names(ev: Evaluator, key: str) -> list[str] | None:
    found = _listed(ev, key, "fields")
    if found is None and _listed(ev, key, "exclude") is not None:
        return ["__all__"]
    return found


def _field(
    ev: Evaluator,
    serializer: Thing,
    name: str,
    field: tuple[str, ast.Call],
    row: Row,
    place: Place,
    frame: Frame,
) -> None:
    path, node = field
    given = {each.arg: each.value for each in node.keywords if each.arg}
    if _is_true(given.get("write_only")):
        return
    at = place_of(path, node)
    function = ev.value(node.func, ev.frame_at(path))
    kind = function.name if isinstance(function, Class) else _last_name(node.func)
    last = kind.rpartition(".")[2]
    source = given.get("source")
    written = source.value if isinstance(source, ast.Constant) else None
    target = written if isinstance(written, str) else name
    if last == _METHOD_FIELD:
        given_name = given.get("method_name") or (node.args[0] if node.args else None)
        method = given_name.value if isinstance(given_name, ast.Constant) else f"get_{name}"
        found = ev.attribute(serializer, str(method), at, frame)
        ev.call(found, [row], {}, at, frame)
        return
    several = _is_true(given.get("many"))
    if isinstance(function, Class) and is_serializer(ev, function.name):
        nested = Thing(function.name, (("__depth", Constant(_nested_depth(serializer) + 1)),))
        context = serializer.keyword("context")
        nested = replace(nested, keywords=(("context", context),) if context is not None else ())
        value: Value = row if target == "*" else _follow(ev, row, target, at, frame)
        if several or isinstance(value, Query):
            _each(ev, nested, value, at, frame)
        elif isinstance(value, Row):
            represent(ev, nested, value, at, frame)
        return
    if last in _KEY_FIELDS and not several:
        head, _, tail = target.rpartition(".")
        del tail
        if head:
            _follow(ev, row, head, at, frame)
        return
    if several or last in ("ManyRelatedField", "ListField"):
        value = _follow(ev, row, target, at, frame)
        element = ev.element(_all_of(value), at, frame)
        slug = given.get("slug_field")
        if isinstance(element, Row) and isinstance(slug, ast.Constant):
            _follow(ev, element, str(slug.value), at, frame)
        elif isinstance(element, Row) and last == "StringRelatedField":
            ev.text_of(element, at, frame)
        return
    value = _follow(ev, row, target, at, frame) if target != "*" else row
    slug = given.get("slug_field")
    if last == "SlugRelatedField" and isinstance(slug, ast.Constant):
        _follow(ev, value, str(slug.value).replace("__", "."), at, frame)
    elif last in ("StringRelatedField", "CharField"):
        ev.text_of(value, at, frame)
    elif isinstance(function, Class):
        own = ev.class_attribute(function.name, "to_representation", Thing(function.name))
        if isinstance(own, Function):
            ev.invoke(own, [value], {}, at, frame)


def _each(ev: Evaluator, nested: Thing, value: Value, at: Place, frame: Frame) -> None:
    rows = _all_of(value)
    element = ev.element(rows, at, frame)
    loops = frame.loops
    query = rows if isinstance(rows, Query) else None
    if element is not None:
        row = element if isinstance(element, Row) else None
        frame.loops = (*loops, Turn(at, query, row, "serializer"))
        represent(ev, nested, element, at, frame)
        frame.loops = loops


def _all_of(value: Value) -> Value:
    """A manager is asked for all it has."""
    return replace(value, is_manager=False) if isinstance(value, Query) else value


def _follow(ev: Evaluator, value: Value, source: str, place: Place, frame: Frame) -> Value:
    """`source="author.publisher.name"`; what can be called is called."""
    for part in source.split("."):
        if isinstance(value, Row) and part == "pk":
            return None
        value = ev.attribute(value, part, place, frame)
        if isinstance(value, Function):
            value = ev.call(value, [], {}, place, frame)
    return value


def _plain_field(
    ev: Evaluator, serializer: Thing, name: str, row: Row, place: Place, frame: Frame
) -> None:
    """A field that `Meta.fields` names: a foreign key costs nothing, several rows do."""
    at = place_in_class(ev, serializer.cls, place)
    found = ev.schema.related(row.model, name)
    if found is None:
        model = ev.schema.models.by_key.get(row.model)
        if model is not None and name not in model.fields:
            value = ev.attribute(row, name, at, frame)
            if isinstance(value, Function):
                ev.call(value, [], {}, at, frame)
        return
    relation = found.relation
    if relation.many:
        value = ev.attribute(row, name, at, frame)
        ev.element(_all_of(value), at, frame)
    elif not relation.forward or _listed_depth(ev, serializer.cls):
        ev.attribute(row, name, at, frame)


def place_in_class(ev: Evaluator, key: str, place: Place) -> Place:
    for each in ev.classes.lineage(key):
        if each in ev.classes.by_name:
            path, record = ev.classes.by_name[each]
            node = ev.trees.variable(path, f"{record.name}.Meta.fields")
            return place_of(path, node) if node is not None else Place(path, record.line)
    return place


def _listed_depth(ev: Evaluator, key: str) -> bool:
    for each in ev.classes.lineage(key):
        if each in ev.classes.by_name:
            path, record = ev.classes.by_name[each]
            node = ev.trees.variable(path, f"{record.name}.Meta.depth")
            if isinstance(node, ast.Constant) and isinstance(node.value, int):
                return node.value > 0
    return False


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _last_name(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]
