"""FastAPI's answers: the fields of a response model are read from the row that a view returns."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rules.flow.orm.trees import FunctionNode
from rules.flow.orm.values import Class, OneOf, Place, Query, Row, Sequence, Value, place_of

if TYPE_CHECKING:
    from rules.flow.orm.evaluator import Evaluator, Frame

_METHODS = frozenset({"get", "post", "put", "patch", "delete", "api_route"})
_MAX_NESTING = 3
_MAX_FIELDS = 80


def answer(ev: Evaluator, node: FunctionNode, value: Value, frame: Frame) -> None:
    """Read what the response model of a view says of the rows that it returns."""
    model = _response_model(node)
    if model is None:
        return
    keys = list(_schemas(ev, model, frame.path))
    if len(keys) == 1:
        _show(ev, keys[0], value, place_of(frame.path, model), frame, _MAX_NESTING)


def validated(ev: Evaluator, key: str, value: Value, place: Place, frame: Frame) -> None:
    """`BookSchema.model_validate(book)`: the fields are read where the row is given."""
    if key in ev.classes.by_name and not ev.schema.is_model(key) and _is_schema(ev, key):
        _show(ev, key, value, place, frame, _MAX_NESTING)


def _response_model(node: FunctionNode) -> ast.expr | None:
    for each in node.decorator_list:
        if not isinstance(each, ast.Call) or not isinstance(each.func, ast.Attribute):
            continue
        if each.func.attr in _METHODS and each.args:
            given = [k.value for k in each.keywords if k.arg == "response_model"]
            return given[0] if given else node.returns
    return None


def _schemas(ev: Evaluator, note: ast.expr | None, path: str) -> Iterator[str]:
    """The classes of the project that a type names, models of the database aside."""
    for each in ast.walk(note) if note is not None else ():
        if isinstance(each, ast.Name | ast.Attribute):
            value = ev.value(each, ev.frame_at(path))
            if isinstance(value, Class) and value.name in ev.classes.by_name:
                named = value.name
                if not ev.schema.is_model(named) and _is_schema(ev, named):
                    yield named


def _is_schema(ev: Evaluator, key: str) -> bool:
    """Whether it is a model of pydantic; not one that wraps others, such as a page of them."""
    generic = any(each.endswith(("Generic", "GenericModel")) for each in ev.classes.lineage(key))
    based = any(each.endswith(("BaseModel", "Schema")) for each in ev.classes.lineage(key))
    return based and not generic


def _show(ev: Evaluator, key: str, value: Value, place: Place, frame: Frame, nesting: int) -> None:
    """Read every field of a schema from a row."""
    rows = value.values if isinstance(value, OneOf) else (value,)
    for each in rows:
        row = ev.element(each, place, frame) if isinstance(each, Query | Sequence) else each
        if not isinstance(row, Row) or not ev.schema.is_alchemy(row.model):
            continue
        for name, note, path in _fields(ev, key):
            found = ev.attribute(row, name, place, frame)
            inner = list(_schemas(ev, note, path)) if found is not None and nesting else []
            if len(inner) == 1:
                _show(ev, inner[0], found, place, frame, nesting - 1)


def _fields(ev: Evaluator, key: str) -> Iterator[tuple[str, ast.expr, str]]:
    """The fields of a schema with their types; those of its bases, too."""
    seen: set[str] = set()
    for each in ev.classes.lineage(key):
        if each not in ev.classes.by_name:
            continue
        path, record = ev.classes.by_name[each]
        for one in record.fields[:_MAX_FIELDS]:
            node = ev.trees.named(path).get(f"{record.name}.{one.name}")
            if one.name in seen or not isinstance(node, ast.AnnAssign):
                continue
            seen.add(one.name)
            if "alias" not in one.keywords and "validation_alias" not in one.keywords:
                yield one.name, node.annotation, path
