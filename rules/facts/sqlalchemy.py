"""Tables that SQLAlchemy and SQLModel classes declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rules.facts.python_modules import ClassRecord, FieldRecord, ModuleRecord

_COLUMNS = frozenset({"Column", "mapped_column"})
_NOT_COLUMNS = frozenset({"relationship", "Relationship", "association_proxy", "column_property"})


@dataclass(frozen=True)
class Column:
    """A column as far as a migration tool compares it."""

    line: int
    nullable: str
    unique: str
    index: str


@dataclass(frozen=True)
class Table:
    """A class that is mapped to a table of its own, with the columns that it declares."""

    name: str
    line: int
    bases: tuple[str, ...]
    columns: Mapping[str, Column]


def tables(record: ModuleRecord | None) -> Mapping[str, Table]:
    """The tables that a module declares, by class."""
    classes = record.classes if record is not None else ()
    return {
        each.name: Table(each.name, each.line, each.bases, dict(_columns(each)))
        for each in classes
        if _is_table(each)
    }


def _is_table(record: ClassRecord) -> bool:
    values = {each.name: each.value for each in record.fields}
    named = "__tablename__" in values or record.keywords.get("table") == "True"
    return named and values.get("__abstract__") != "True"


def _columns(record: ClassRecord) -> Iterator[tuple[str, Column]]:
    model = record.keywords.get("table") == "True"
    for each in record.fields:
        last = each.func.rpartition(".")[2]
        mapped = each.annotation.startswith(("Mapped[", "orm.Mapped[", "sqlalchemy.orm.Mapped["))
        if last in _NOT_COLUMNS or each.name.startswith("__"):
            continue
        if last in _COLUMNS or mapped or (model and each.annotation and not _is_class_var(each)):
            yield each.name, _column(each)


def _is_class_var(one: FieldRecord) -> bool:
    return "ClassVar" in one.annotation or one.name == "model_config"


def _column(one: FieldRecord) -> Column:
    given = one.keywords
    optional = "None" in one.annotation or "Optional" in one.annotation
    return Column(
        one.line,
        given.get("nullable", str(optional) if one.annotation else ""),
        given.get("unique", "False"),
        given.get("index", "False"),
    )
