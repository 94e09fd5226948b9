"""The steps of one migration together: what is new in it, and what it does to rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.migration_operation import MigrationOperation
from rules.kit import Here, argument, dotted, find, string

_WRITES = re.compile(r"(?is)^\s*(--[^\n]*\n\s*)*(with\b.*\b)?(insert|update|delete|merge)\b")
_NO_FORM = frozenset({"", "noop"})


def steps(here: Here) -> tuple[MigrationOperation, ...]:
    """Every step of the migration at hand, in order."""
    return here.kept(_steps)


def _steps(here: Here) -> tuple[MigrationOperation, ...]:
    if here.module is None or not here.is_migration:
        return ()
    return tuple(MigrationOperation.found_in(here.module, here))


def new_tables(here: Here) -> frozenset[str]:
    """The models and tables that the migration itself makes, in lower case."""
    return frozenset(
        each.model.lower()
        for each in steps(here)
        if each.name in ("CreateModel", "create_table") and each.direction == "forward"
    )


def touches_rows(step: MigrationOperation, here: Here) -> bool:
    """Whether a forward step changes an existing table in the database."""
    if step.direction != "forward" or step.part == "state":
        return False
    return step.model.lower() not in new_tables(here)


def writes(step: MigrationOperation, here: Here) -> bool:
    """Whether a step changes data, not the schema."""
    if step.name == "RunPython":
        code = step.arguments.get("code")
        return dotted(code).rpartition(".")[2] not in _NO_FORM and bool(_body_of(code, here))
    if step.name == "bulk_insert":
        return True
    if step.name not in ("RunSQL", "execute"):
        return False
    given = step.arguments.get("sql" if step.name == "RunSQL" else "sqltext")
    return given is not None and _is_writing(here.value_of(given), here)


def _is_writing(sql: cst.CSTNode, here: Here) -> bool:
    if isinstance(sql, cst.Call):
        last = dotted(sql.func).rpartition(".")[2]
        if last == "text":
            inner = argument(sql, 0, "text")
            return inner is not None and _is_writing(here.value_of(inner), here)
        chain = {each.attr.value for each in find(sql.func, cst.Attribute)} | {last}
        return bool(chain & {"update", "insert", "delete"})
    if isinstance(sql, cst.FormattedString):
        head = sql.parts[0] if sql.parts else None
        text = head.value if isinstance(head, cst.FormattedStringText) else ""
        return bool(_WRITES.match(text))
    return bool(_WRITES.match(string(sql) or ""))


def _body_of(code: cst.BaseExpression | None, here: Here) -> bool:
    """Whether the function is not known to be empty."""
    for each in data_functions(here):
        if isinstance(code, cst.Name) and code.value == each.name.value:
            return any(True for _ in find(each.body, cst.Call, cst.Assign))
    return code is not None


def data_functions(here: Here) -> Iterator[cst.FunctionDef]:
    """The functions at the top of the file."""
    for each in here.module.body if here.module is not None else ():
        if isinstance(each, cst.FunctionDef):
            yield each
