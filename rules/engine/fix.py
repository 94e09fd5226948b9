"""Turns the edits of a fix into text, and offers only what was tried out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import libcst as cst
from libcst._nodes.internal import CodegenState

from rules.engine.finding import TextEdit, VerifiedFix
from rules.engine.inspect import Ear, Inspection, Placed, inspect
from rules.kit import (
    AddImport,
    Delete,
    Fix,
    InsertBefore,
    Project,
    Replace,
    ReplaceHead,
    ReplaceLines,
    Span,
    children,
)
from rules.kit.edits import Edit
from rules.kit.names import Names
from rules.kit.positions import positions

_MAX_PER_FILE = 40


def verified_fixes(
    inspection: Inspection,
    placed: Sequence[Placed],
    data: bytes,
    project: Project,
    ear: Ear,
) -> dict[int, VerifiedFix]:
    """By id of the placed flag: the fixes that hold.

    A fix holds if the file still parses with it, the finding is gone and no other appears.
    """
    proposed = [each for each in placed if each.flag.fix is not None][:_MAX_PER_FILE]
    if not proposed:
        return {}
    text = _decoded(inspection, data)
    if text is None:
        return {}
    trial = _Trial(inspection, text, data, project, ear)
    edits: dict[int, tuple[TextEdit, ...]] = {}
    for each in proposed:
        made = _as_text_edits(each, inspection, text)
        if made:
            edits[id(each)] = made
    ready = [each for each in proposed if id(each) in edits]
    every = dict.fromkeys(edit for each in ready for edit in edits[id(each)])
    if not trial.holds(ready, tuple(every)):  # all at once costs one parse instead of many
        ready = [each for each in ready if trial.holds([each], edits[id(each)])]
        together = dict.fromkeys(edit for each in ready for edit in edits[id(each)])
        while len(ready) > 1 and not trial.holds(ready, tuple(together)):
            ready.pop()  # two that hold alone may not hold beside each other
            together = dict.fromkeys(edit for each in ready for edit in edits[id(each)])
    return {
        id(each): VerifiedFix(each.flag.fix.safe, edits[id(each)])
        for each in ready
        if each.flag.fix is not None
    }


@dataclass(frozen=True)
class _Trial:
    """Tries edits out on one file."""

    inspection: Inspection
    text: str
    data: bytes
    project: Project
    ear: Ear

    def holds(self, cured: Sequence[Placed], edits: Sequence[TextEdit]) -> bool:
        """Whether with these edits the file parses, these findings are gone and none is new."""
        patched = apply(self.text, edits)
        if not edits or patched is None or patched == self.text:
            return False
        module = self.inspection.module
        bom = b"\xef\xbb\xbf" if self.data.startswith(b"\xef\xbb\xbf") else b""
        try:
            data = bom + patched.encode(module.encoding if module is not None else "utf-8")
        except (UnicodeError, LookupError):
            return False
        again = inspect(self.inspection.path, data, self.project, self.ear)
        if again.skip is not None:
            return False
        before = Counter(each.key for each in self.inspection.placed)
        after = Counter(each.key for each in again.placed)
        return not after - (before - Counter(each.key for each in cured))


def _decoded(inspection: Inspection, data: bytes) -> str | None:
    """The text that spans refer to; None where writing it back would change other bytes."""
    if inspection.module is None:
        return inspection.text
    try:
        same = inspection.module.bytes == data.removeprefix(b"\xef\xbb\xbf")
    except (UnicodeError, LookupError, RecursionError):
        return None
    return inspection.module.code if same else None


def apply(text: str, edits: Iterable[TextEdit]) -> str | None:
    """The text with all edits made; None if two of them overlap."""
    starts = [0, *(match.end() for match in re.finditer(r"\r\n?|\n", text))]

    def offset(line: int, column: int) -> int:
        base = starts[line - 1] if line <= len(starts) else len(text)
        return min(base + column - 1, len(text))

    places = sorted(
        (offset(e.span.line, e.span.column), offset(e.span.end_line, e.span.end_column), e.text)
        for e in edits
    )
    if any(a_end > b_start for (_, a_end, _), (b_start, _, _) in pairwise(places)):
        return None
    for start, end, new in reversed(places):
        text = text[:start] + new + text[end:]
    return text


def _as_text_edits(placed: Placed, inspection: Inspection, text: str) -> tuple[TextEdit, ...]:
    fix: Fix = placed.flag.fix or Fix(())
    module = inspection.module
    nodes = [node for each in fix.edits for node in _nodes_of(each)]
    spans = positions(module, nodes) if module is not None and nodes else {}
    maker = _Maker(inspection.path, text, module, spans)
    made = [maker.edit(each) for each in fix.edits]
    return tuple(each for each in made if each is not None)


def _nodes_of(edit: Edit) -> tuple[cst.CSTNode, ...]:
    match edit:
        case Replace(node=node) | ReplaceHead(node=node):
            return (node,)
        case Delete(statement=node) | InsertBefore(statement=node):
            return (node,)
        case _:
            return ()


class _Maker:
    """Renders edits of one file."""

    def __init__(
        self, path: str, text: str, module: cst.Module | None, spans: Mapping[int, Span]
    ) -> None:
        self._path = path
        self._lines = re.split(r"\r\n?|\n", text)
        self._module = module
        self._spans = spans
        self._newline = module.default_newline if module else ("\r\n" if "\r\n" in text else "\n")

    def edit(self, edit: Edit) -> TextEdit | None:
        match edit:
            case Replace(node=node, new=new):
                code = new if isinstance(new, str) else self._code(new, node)
                return TextEdit(self._path, self._spans[id(node)], code)
            case ReplaceHead(node=node, text=new):
                return self._head(self._spans[id(node)], new)
            case Delete(statement=node):
                return self._delete(node, self._spans[id(node)])
            case InsertBefore(statement=node, lines=lines):
                at = self._spans[id(node)]
                indent = self._indent(at.line)
                code = "".join(f"{indent}{line}{self._newline}" for line in lines)
                return TextEdit(self._path, Span(at.line, 1, at.line, 1), code)
            case ReplaceLines(first=first, last=last, lines=lines):
                code = "".join(f"{line}{self._newline}" for line in lines)
                return TextEdit(self._path, Span(first, 1, last + 1, 1), code)
            case AddImport():
                return self._import(edit)

    def _head(self, span: Span, text: str) -> TextEdit | None:
        line = self._lines[span.line - 1]
        end = line.find(":", span.column - 1) + 1
        if not end or (line[end:].strip() and not line[end:].lstrip().startswith("#")):
            return None
        return TextEdit(self._path, Span(span.line, span.column, span.line, end + 1), text)

    def _code(self, new: cst.CSTNode, old: cst.CSTNode) -> str:
        """The code of `new`, its further lines indented as the block around `old` is."""
        module = self._module or cst.Module([])
        blocks = [
            each
            for each in reversed(Names(module, "").ancestors(old))
            if isinstance(each, cst.IndentedBlock)
        ]
        state = CodegenState(module.default_indent, module.default_newline)
        for each in blocks:
            state.increase_indent(module.default_indent if each.indent is None else each.indent)
        new._codegen(state)  # noqa: SLF001 - `code_for_node` forgets the indentation around
        return "".join(state.tokens)

    def _indent(self, line: int) -> str:
        text = self._lines[line - 1]
        return text[: len(text) - len(text.lstrip(" \t"))]

    def _delete(self, node: cst.CSTNode, span: Span) -> TextEdit:
        """Whole lines where the statement stands alone on them; its part of the line if not."""
        alone = not self._lines[span.line - 1][: span.column - 1].strip()
        rest = self._lines[span.end_line - 1][span.end_column - 1 :].strip()
        if self._is_only_statement(node):
            return TextEdit(self._path, span, "pass")
        if alone and (not rest or rest.startswith("#")):
            return TextEdit(self._path, Span(span.line, 1, span.end_line + 1, 1), "")
        return TextEdit(self._path, span, "pass")

    def _is_only_statement(self, node: cst.CSTNode) -> bool:
        if self._module is None:
            return False
        for around in Names(self._module, "").ancestors(node):
            if isinstance(around, cst.IndentedBlock | cst.SimpleStatementSuite):
                real = [each for each in around.body if not _is_docstring(each)]
                return len(real) <= 1 or isinstance(around, cst.SimpleStatementSuite)
        return False

    def _import(self, edit: AddImport) -> TextEdit | None:
        if self._module is None or _has_import(self._module, edit):
            return None
        line = _line_after_imports(self._module)
        code = f"from {edit.module} import {edit.name}" if edit.name else f"import {edit.module}"
        return TextEdit(self._path, Span(line, 1, line, 1), code + self._newline)


def _is_docstring(node: cst.CSTNode) -> bool:
    match node:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.SimpleString())]):
            return True
        case _:
            return False


def _has_import(module: cst.Module, edit: AddImport) -> bool:
    wanted = f"{edit.module}.{edit.name}" if edit.name else edit.module
    probe = cst.Name(edit.name or edit.module.partition(".")[0])
    names = Names(module, "")
    table = names._table(module).names.get(probe.value, [])  # noqa: SLF001 - same package's kit
    return any(each.target == wanted or each.target == wanted.partition(".")[0] for each in table)


def _line_after_imports(module: cst.Module) -> int:
    """The first line after the module's docstring, `__future__` and first block of imports."""
    last: cst.CSTNode | None = None
    for statement in module.body:
        if not isinstance(statement, cst.SimpleStatementLine):
            break
        small = statement.body[0]
        is_text = isinstance(small, cst.Expr) and last is None
        if not is_text and not isinstance(small, cst.Import | cst.ImportFrom):
            break
        last = statement
        if isinstance(small, cst.Import | cst.ImportFrom) and not _is_future(small):
            break
    if last is None:
        return 1 + len(module.header)
    return positions(module, [last])[id(last)].end_line + 1


def _is_future(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.ImportFrom) and "__future__" in {
        each.value for each in children(node) if isinstance(each, cst.Name)
    }
