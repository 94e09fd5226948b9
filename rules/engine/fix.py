"""Turns the edits of a fix into text, and offers only what was tried out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise

import libcst as cst
from libcst._nodes.internal import CodegenState

from rules.engine.encodings import Encoded, read_python, read_text
from rules.engine.finding import TextEdit, VerifiedFix
from rules.engine.import_place import is_for_types, last_line_before_imports
from rules.engine.inspect import Ear, Inspection, Placed, inspect
from rules.engine.splice import Splicer
from rules.kit import (
    AddImport,
    Delete,
    InsertBefore,
    Project,
    Replace,
    ReplaceHead,
    ReplaceLines,
    Span,
)
from rules.kit.edits import Edit
from rules.kit.names import Names
from rules.kit.positions import is_plain

_MAX_PER_FILE = 40
_MAX_TRIAL_BYTES = 256 * 1024
_BREAK = re.compile(r"\r\n?|\n")


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
    source = _source(inspection, data) if proposed else None
    if source is None:
        return {}
    made = _text_edits(proposed, inspection)
    trial = _Trial(inspection, source, project, ear, made)
    return {
        id(each): VerifiedFix(each.flag.fix.safe, made[id(each)])
        for each in trial.holding([each for each in proposed if id(each) in made])
        if each.flag.fix is not None
    }


class _Trial:
    """Tries edits out on one file, as long as that costs little more than reading it did."""

    def __init__(
        self,
        inspection: Inspection,
        source: Encoded,
        project: Project,
        ear: Ear,
        edits: Mapping[int, tuple[TextEdit, ...]],
    ) -> None:
        self._inspection = inspection
        self._source = source
        self._project = project
        self._ear = ear
        self._edits = edits
        self._before = Counter(each.key for each in inspection.placed)
        self._bytes_left = max(_MAX_TRIAL_BYTES, len(source.text))
        module = inspection.module
        self._splicer = Splicer(module, source.text) if module is not None else None

    def holding(self, placed: Sequence[Placed]) -> list[Placed]:
        """Those whose fixes hold. All at once costs one parse; where that fails, by halves."""
        if not placed or self._bytes_left < len(self._source.text):
            return []
        if self._holds(placed):
            return list(placed)
        middle = len(placed) // 2
        return [*self.holding(placed[:middle]), *self.holding(placed[middle:])] if middle else []

    def _holds(self, cured: Sequence[Placed]) -> bool:
        """Whether with their edits the file parses, these findings are gone and none is new."""
        edits = dict.fromkeys(edit for each in cured for edit in self._edits[id(each)])
        patched = apply(self._source.text, edits)
        if patched is None or patched == self._source.text:
            return False
        data = self._source.encode(patched)
        if data is None:
            return False
        self._bytes_left -= len(data)
        module = self._splicer.edited(edits, patched) if self._splicer is not None else None
        path = self._inspection.path
        ear = self._ear.of_trial(each.rule for each in cured)
        again = inspect(path, data, self._project, ear, module=module, is_trial=True)
        if again.skip is not None or again.crashes:
            return False
        # What yields to a finding is less than it, and may come to light where that is gone.
        codes = {each.rule.code for each in cured}
        loud = (each for each in again.placed if codes.isdisjoint(each.rule.yields_to))
        after = Counter(each.key for each in loud)
        return not after - (self._before - Counter(each.key for each in cured))


def _source(inspection: Inspection, data: bytes) -> Encoded | None:
    """The text that spans refer to; None where writing it back would change other bytes."""
    if not inspection.path.endswith((".py", ".pyi")):
        return read_text(data)
    read = read_python(data)
    same = read is not None and _renders(inspection, read.text)
    return read if same else None


def _renders(inspection: Inspection, text: str) -> bool:
    """Whether LibCST makes the text of its tree. It does not of a form feed at a line's start."""
    if inspection.module is None:
        return inspection.text == text
    if is_plain(text):
        return inspection.text == text
    code = inspection.layout.code if inspection.layout is not None else None
    try:
        code = inspection.module.code if code is None else code
    except RecursionError:
        return False
    # It does not take a lone CR at the end for an end of line, and leaves it out.
    return inspection.text == text and text in (code, f"{code}\r")


def apply(text: str, edits: Iterable[TextEdit]) -> str | None:
    """The text with all edits made; None if two of them overlap."""
    starts = [0, *(match.end() for match in _BREAK.finditer(text))]

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


def _text_edits(
    proposed: Sequence[Placed], inspection: Inspection
) -> dict[int, tuple[TextEdit, ...]]:
    """By id of the placed flag: its fix as changes of text, if it comes to any."""
    module = inspection.module
    fixes = {id(each): each.flag.fix.edits for each in proposed if each.flag.fix is not None}
    spans = inspection.layout.spans if inspection.layout is not None else {}
    maker = _Maker(inspection.path, inspection.text, module, spans)
    made = {key: [maker.edit(each) for each in edits] for key, edits in fixes.items()}
    return {
        key: tuple(each for each in edits if each is not None)
        for key, edits in made.items()
        if any(each is not None for each in edits)
    }


class _Maker:
    """Renders edits of one file."""

    def __init__(
        self, path: str, text: str, module: cst.Module | None, spans: Mapping[int, Span]
    ) -> None:
        self._path = path
        self._lines = _BREAK.split(text)
        self._ends = _BREAK.findall(text)
        self._module = module
        self._spans = spans
        self._newline = self._ends[0] if self._ends else "\n"

    @cached_property
    def _names(self) -> Names:
        return Names(self._module or cst.Module([]), "")

    def _end(self, line: int) -> str:
        """How a line ends; the last one as the first does, if it does not end itself."""
        return self._ends[line - 1] if 0 < line <= len(self._ends) else self._newline

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
                end = self._end(at.line)
                code = "".join(f"{indent}{line}{end}" if line else end for line in lines)
                return TextEdit(self._path, Span(at.line, 1, at.line, 1), code)
            case ReplaceLines(first=first, last=last, lines=lines):
                return self._replace_lines(first, last, lines)
            case AddImport():
                return self._import(edit)

    def _replace_lines(self, first: int, last: int, lines: Sequence[str]) -> TextEdit:
        end = self._end(last)
        code = "".join(f"{line}{end}" for line in lines)
        if last > len(self._ends):  # the file ends without an end of line, and goes on to do so
            code = code.removesuffix(end)
        return TextEdit(self._path, Span(first, 1, last + 1, 1), code)

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
            for each in reversed(self._names.ancestors(old))
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
        for around in self._names.ancestors(node):
            if isinstance(around, cst.IndentedBlock | cst.SimpleStatementSuite):
                real = [each for each in around.body if not _is_docstring(each)]
                return len(real) <= 1 or isinstance(around, cst.SimpleStatementSuite)
        return False

    def _import(self, edit: AddImport) -> TextEdit | None:
        if self._module is None or self._has(edit):
            return None
        code = f"from {edit.module} import {edit.name}" if edit.name else f"import {edit.module}"
        last = last_line_before_imports(self._module)
        end = self._end(last)
        # The line before may be the last one, and end without an end of line.
        code = f"{end}{code}" if last > len(self._ends) else f"{code}{end}"
        return TextEdit(self._path, Span(last + 1, 1, last + 1, 1), code)

    def _has(self, edit: AddImport) -> bool:
        """Whether the module has the name when it runs."""
        wanted = f"{edit.module}.{edit.name}" if edit.name else edit.module
        name = edit.name or edit.module.partition(".")[0]
        return any(
            each.target in {wanted, wanted.partition(".")[0]}
            and each.node is not None
            and not any(is_for_types(around) for around in self._names.ancestors(each.node))
            for each in self._names.at_top(name)
        )


def _is_docstring(node: cst.CSTNode) -> bool:
    match node:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.SimpleString())]):
            return True
        case _:
            return False
