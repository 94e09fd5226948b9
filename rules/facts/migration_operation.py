"""The subject `MigrationOperation`: one step of a Django or Alembic migration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import libcst as cst

from rules.facts.django_apps import Apps
from rules.facts.migrations import ARGUMENTS
from rules.kit import Here, argument, dotted, string, walk_own
from rules.kit.paths import is_migration
from rules.kit.subjects import DerivedSubject

Direction = Literal["forward", "backward"]
Part = Literal["both", "database", "state"]
_DEPTH = 8
_SEPARATE = "SeparateDatabaseAndState"
_DJANGO: Mapping[str, tuple[str, ...]] = {
    **ARGUMENTS,
    _SEPARATE: ("database_operations", "state_operations"),
    "RunPython": ("code", "reverse_code", "atomic", "hints", "elidable"),
    "RunSQL": ("sql", "reverse_sql", "state_operations", "hints", "elidable"),
    "ValidateConstraint": ("model_name", "name"),
}
_TABLE, _BATCH = "table_name", "batch_alter_table"
_ALEMBIC: Mapping[str, tuple[str, ...]] = {
    "add_column": (_TABLE, "column"),
    "alter_column": (_TABLE, "column_name"),
    "bulk_insert": ("table", "rows"),
    "create_check_constraint": ("constraint_name", _TABLE, "condition"),
    "create_foreign_key": (
        "constraint_name", "source_table", "referent_table", "local_cols", "remote_cols",
    ),
    "create_index": ("index_name", _TABLE, "columns"),
    "create_primary_key": ("constraint_name", _TABLE, "columns"),
    "create_table": (_TABLE,),
    "create_unique_constraint": ("constraint_name", _TABLE, "columns"),
    "drop_column": (_TABLE, "column_name"),
    "drop_constraint": ("constraint_name", _TABLE, "type_"),
    "drop_index": ("index_name", _TABLE),
    "drop_table": (_TABLE,),
    "execute": ("sqltext",),
    "rename_table": ("old_table_name", "new_table_name"),
}  # fmt: skip
_NO_OPERATIONS = frozenset({_BATCH, "get_bind", "get_context", "f", "inline_literal", "run_async"})


@dataclass(frozen=True, eq=False)
class MigrationOperation(DerivedSubject):
    """One operation.

    `name` is `AddField` or `add_column`; `arguments` are its arguments by name, those given by
    position too; a call of `op` in a block of `batch_alter_table` has its `table_name`. `app` is
    Django's label. `model` is the name of the model as written, or of the table; `field` that
    of the field or column. Each is empty where it is not said. What runs backward is found in
    Alembic only; Django's is an argument. `part` tells what an operation inside of
    `SeparateDatabaseAndState` touches.
    """

    framework: Literal["django", "alembic"]
    name: str
    node: cst.Call
    arguments: Mapping[str, cst.BaseExpression]
    direction: Direction
    app: str = ""
    model: str = ""
    field: str = ""
    part: Part = "both"

    words: ClassVar[frozenset[str]] = frozenset({"operations", "upgrade", "downgrade", "op"})

    @classmethod
    def lives_in(cls, path: str) -> bool:
        return is_migration(path)

    @classmethod
    def found_in(cls, module: cst.Module, here: Here) -> Iterator[MigrationOperation]:
        for each in module.body:
            if isinstance(each, cst.ClassDef) and each.name.value == "Migration":
                yield from _django(each, here)
        yield from _alembic(module, here)


def _django(migration: cst.ClassDef, here: Here) -> Iterator[MigrationOperation]:
    apps: Apps = here.project.facts(Apps)
    app = apps.label_of(here.path)
    for line in migration.body.body:
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            for call, part in _Lists(here).read(_operations(each), "both"):
                yield _django_operation(call, part, app)


def _operations(statement: cst.BaseSmallStatement) -> cst.BaseExpression | None:
    match statement:
        case (
            cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value="operations"))], value=value)
            | cst.AnnAssign(target=cst.Name(value="operations"), value=value)
        ):
            return value
    return None


class _Lists:
    """Reads lists of operations, also those that have a name or are put together, each once."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._seen: set[int] = set()

    def read(
        self, node: cst.BaseExpression | None, part: Part, depth: int = _DEPTH
    ) -> Iterator[tuple[cst.Call, Part]]:
        given = self._here.value_of(node) if node is not None else None
        if depth <= 0 or id(given) in self._seen:
            return
        self._seen.add(id(given))
        match given:
            case cst.BinaryOperation(left=left, operator=cst.Add(), right=right):
                yield from self.read(left, part, depth - 1)
                yield from self.read(right, part, depth - 1)
            case cst.List(elements=elements) | cst.Tuple(elements=elements):
                for each in elements:
                    if isinstance(each, cst.StarredElement):
                        yield from self.read(each.value, part, depth - 1)
                    elif isinstance(each.value, cst.Call):
                        yield each.value, part
                        yield from self._inside(each.value, depth)

    def _inside(self, call: cst.Call, depth: int) -> Iterator[tuple[cst.Call, Part]]:
        if dotted(call.func).rpartition(".")[2] != _SEPARATE:
            return
        parts: tuple[Part, Part] = ("database", "state")
        for position, part in enumerate(parts):
            below = argument(call, position, f"{part}_operations")
            yield from self.read(below, part, depth - 1)


def _django_operation(call: cst.Call, part: Part, app: str) -> MigrationOperation:
    name = dotted(call.func).rpartition(".")[2]
    given = _arguments(call, _DJANGO.get(name, ()))
    of_model = "model_name" if "model_name" in given else "name"
    model = string(given.get(of_model)) or string(given.get("old_name")) or ""
    in_model = of_model == "model_name" and name.endswith("Field")
    field = string(given.get("name", given.get("old_name"))) if in_model else ""
    if name not in ARGUMENTS and "model_name" not in given:
        model = ""
    return MigrationOperation("django", name, call, given, "forward", app, model, field or "", part)


def _arguments(call: cst.Call, order: Sequence[str]) -> Mapping[str, cst.BaseExpression]:
    plain = [each.value for each in call.args if each.keyword is None and not each.star]
    starred = any(each.star == "*" for each in call.args)
    found = dict(zip(order, () if starred else plain, strict=False))
    found |= {each.keyword.value: each.value for each in call.args if each.keyword is not None}
    return found


def _alembic(module: cst.Module, here: Here) -> Iterator[MigrationOperation]:
    functions = {e.name.value: e for e in module.body if isinstance(e, cst.FunctionDef)}
    directions: tuple[tuple[str, Direction], ...] = (
        ("upgrade", "forward"),
        ("downgrade", "backward"),
    )
    for start, direction in directions:
        seen = {each for each in functions if each == start or each.startswith(f"{start}_")}
        queue = sorted(seen)
        while queue:
            for call in _calls(functions[queue.pop(0)]):
                called = call.func.value if isinstance(call.func, cst.Name) else ""
                if called in functions and called not in seen:
                    seen.add(called)
                    queue.append(called)
                yield from _alembic_operation(call, direction, here)


def _calls(function: cst.FunctionDef) -> Iterator[cst.Call]:
    return (each for each in walk_own(function.body) if isinstance(each, cst.Call))


def _alembic_operation(
    call: cst.Call, direction: Direction, here: Here
) -> Iterator[MigrationOperation]:
    if not isinstance(call.func, cst.Attribute) or not isinstance(call.func.value, cst.Name):
        return
    name, owner = call.func.attr.value, call.func.value
    order = _ALEMBIC.get(name, ())
    batch = None
    if "alembic.op" not in here.names(owner):
        batch = _batch(owner, here)
        if batch is None:
            return
        order = tuple(each for each in order if each not in (_TABLE, "source_table"))
    if name in _NO_OPERATIONS:
        return
    given = dict(_arguments(call, order))
    table = argument(batch, 0, _TABLE) if batch is not None else None
    if table is not None:
        given.setdefault(_TABLE, table)
    tables = (string(given.get(e)) for e in (_TABLE, "source_table", "old_table_name"))
    yield MigrationOperation(
        "alembic",
        name,
        call,
        given,
        direction,
        model=next((each for each in tables if each), ""),
        field=_column(given),
    )


def _batch(owner: cst.Name, here: Here) -> cst.Call | None:
    """The `op.batch_alter_table(...)` whose block a name stands in."""
    for around in here.scopes.ancestors(owner):
        for item in around.items if isinstance(around, cst.With) else ():
            bound = item.asname.name if item.asname is not None else None
            if isinstance(bound, cst.Name) and bound.value == owner.value:
                call = item.item
                is_batch = f"alembic.op.{_BATCH}" in here.names(call)
                return call if isinstance(call, cst.Call) and is_batch else None
    return None


def _column(given: Mapping[str, cst.BaseExpression]) -> str:
    column = given.get("column")
    if isinstance(column, cst.Call):
        return string(argument(column, 0, "name")) or ""
    return string(given.get("column_name")) or ""
