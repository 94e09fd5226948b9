"""Rows that a call is given, as numbers, and back: so one look at a function serves all calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from rules.flow.orm.values import (
    Class,
    Constant,
    Function,
    Mapped,
    Method,
    OneOf,
    Outside,
    Parameter,
    Query,
    Row,
    Sequence,
    Super,
    Thing,
    Value,
)

_LARGEST = 400  # values within values that a call is given, or gives; what is beyond is unknown


@dataclass
class Table:
    """The rows of one call, in the order of their numbers. `left`: how many values it may hold."""

    rows: list[Row] = field(default_factory=list)
    left: int = _LARGEST

    def number(self, row: Row) -> int:
        if row not in self.rows:
            self.rows.append(row)
        return self.rows.index(row)

    @property
    def taken(self) -> int:
        return _LARGEST - self.left

    def emptied(self) -> Table:
        """The same rows, and room again."""
        self.left = _LARGEST
        return self

    def takes(self, value: Value) -> bool:
        """Whether there is room for one more; simple values always find some."""
        if value is None or isinstance(value, Constant | Class | Outside):
            return True
        self.left -= 1
        return self.left >= 0


def symbolic(value: Value, table: Table) -> Value:
    """The value with each row in it replaced by its number."""
    if not table.takes(value):
        return None
    match value:
        case Row():
            return Row(value.model, Parameter(table.number(value), value.model))
        case Query() if value.via is not None or value.given:
            given = tuple(_rows(symbolic(each, table) for each in value.given))
            return replace(value, via=_row(symbolic(value.via, table)), given=given)
        case Sequence():
            return Sequence(
                tuple(symbolic(each, table) for each in value.elements), symbolic(value.any, table)
            )
        case Mapped():
            return Mapped(
                tuple((k, symbolic(v, table)) for k, v in value.items), symbolic(value.any, table)
            )
        case Thing():
            return replace(
                value,
                attributes=tuple((k, symbolic(v, table)) for k, v in value.attributes),
                args=tuple(symbolic(each, table) for each in value.args),
                keywords=tuple((k, symbolic(v, table)) for k, v in value.keywords),
            )
        case OneOf(values):
            return OneOf(tuple(symbolic(each, table) for each in values))
        case Method():
            return Method(symbolic(value.of, table), value.name)
        case Function():
            return replace(value, bound=symbolic(value.bound, table))
        case Super():
            return Super(value.owner, symbolic(value.bound, table))
    return value


def concrete(value: Value, table: Table) -> Value:
    """The value with each number replaced by its row."""
    if not table.takes(value):
        return None
    match value:
        case Row(origin=Parameter(index)):
            base = table.rows[index]
            picked = base.picked.union(len(base.path) + each for each in value.picked)
            path = (*base.path, *value.path)
            return Row(value.model, base.origin, path, base.each or value.each, picked)
        case Row(origin=Query() as origin) if _holds(origin):
            made = concrete(origin, table)
            return replace(value, origin=made) if isinstance(made, Query) else value
        case Query() if value.via is not None or value.given:
            given = tuple(_rows(concrete(each, table) for each in value.given))
            return replace(value, via=_row(concrete(value.via, table)), given=given)
        case Sequence():
            return Sequence(
                tuple(concrete(each, table) for each in value.elements), concrete(value.any, table)
            )
        case Mapped():
            return Mapped(
                tuple((k, concrete(v, table)) for k, v in value.items), concrete(value.any, table)
            )
        case Thing():
            return replace(
                value,
                attributes=tuple((k, concrete(v, table)) for k, v in value.attributes),
                args=tuple(concrete(each, table) for each in value.args),
                keywords=tuple((k, concrete(v, table)) for k, v in value.keywords),
            )
        case OneOf(values):
            return OneOf(tuple(concrete(each, table) for each in values))
        case Method():
            return Method(concrete(value.of, table), value.name)
        case Function():
            return replace(value, bound=concrete(value.bound, table))
        case Super():
            return Super(value.owner, concrete(value.bound, table))
    return value


def _holds(query: Query) -> bool:
    return query.via is not None or bool(query.given)


def _rows(values: Iterable[Value]) -> Iterator[Row]:
    return (each for each in values if isinstance(each, Row))


def _row(value: Value) -> Row | None:
    return value if isinstance(value, Row) else None
