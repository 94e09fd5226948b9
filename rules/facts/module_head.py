"""The head of a module: its docstring and imports, and how to put a line right after them."""

from __future__ import annotations

import libcst as cst

from rules.kit import Here, Replace


def last_import(here: Here) -> cst.Import | cst.ImportFrom | None:
    """The last of the imports that a module begins with; None where it begins otherwise."""
    found: cst.Import | cst.ImportFrom | None = None
    for line in here.module.body if here.module is not None else ():
        if not isinstance(line, cst.SimpleStatementLine):
            break
        last = line.body[-1]
        if isinstance(last, cst.Import | cst.ImportFrom):
            found = last
        elif found is not None or not isinstance(last, cst.Expr):
            break
    return found


def after_imports(here: Here, code: str, instead: Replace | None = None) -> tuple[Replace, ...]:
    """Edits that put a line below the imports of a module; none where that has no place.

    `instead` is the new text of an import, in case that one is the last.
    """
    last = last_import(here)
    if last is None or here.module is None:
        return ()
    end = here.module.default_newline
    if instead is not None and instead.node is last:
        return (Replace(last, f"{instead.new}{end}{end}{code}"),)
    added = Replace(last, f"{here.source(last)}{end}{end}{code}")
    return (added,) if instead is None else (instead, added)
