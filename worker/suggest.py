"""A verified fix as one block of whole lines that GitHub can apply with a click."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rules.engine.finding import Finding, TextEdit
from worker.hunks import DiffFile

MOST_LINES = 30
_GAP = 2  # untouched lines between two edits that still read as one place
_BOM = b"\xef\xbb\xbf"
# Other bots read commands at the start of a line, inside fences too.
_COMMAND = re.compile(r"^\s*/[a-z]")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Lines `first` to `last` of the file become `lines`; none means they go away."""

    first: int
    last: int
    lines: tuple[str, ...]
    eol: str = "\n"

    def overlaps(self, other: Suggestion) -> bool:
        return self.first <= other.last and other.first <= self.last


def suggestion(finding: Finding, file: DiffFile) -> Suggestion | None:
    """The fix of a finding, if GitHub could apply it as one suggestion beside the finding.

    None if the fix reaches into another file, out of the hunk, over more than one place or
    more than `MOST_LINES` lines, or would do harm to the encoding of the file.
    """
    text = _text(file)
    if finding.fix is None or text is None:
        return None
    edits = sorted(finding.fix.edits, key=lambda edit: edit.span)
    if not edits or any(edit.path != finding.path for edit in edits):
        return None
    lines = text.split("\n")
    touched = _one_place(edits, len(lines) - lines[-1:].count(""))
    if touched is None or file.hunk(*touched) is None or not _meets(finding, touched):
        return None
    if touched[0] == 1 and (file.after or b"").startswith(_BOM):
        return None
    return _block(edits, lines, touched)


def _text(file: DiffFile) -> str | None:
    try:
        return file.after.decode("utf-8-sig") if file.after is not None else None
    except UnicodeDecodeError:
        return None  # GitHub would write the suggestion as UTF-8 into a file that is not


def _one_place(edits: list[TextEdit], line_count: int) -> tuple[int, int] | None:
    places = [_touched(edit, line_count) for edit in edits]
    first, last = places[0]
    for start, end in places[1:]:
        if start > last + 1 + _GAP:
            return None
        last = max(last, end)
    return (first, last) if last - first < MOST_LINES else None


def _touched(edit: TextEdit, line_count: int) -> tuple[int, int]:
    span = edit.span
    last = span.end_line
    whole_lines = span.end_column == 1 and span.column == 1 and last > span.line
    if whole_lines and (not edit.text or edit.text.endswith("\n")):
        last -= 1
    # Text added behind the last line takes that line along.
    return min(span.line, line_count), min(last, line_count)


def _meets(finding: Finding, touched: tuple[int, int]) -> bool:
    return touched[0] <= finding.span.end_line + 1 and finding.span.line <= touched[1] + 1


def _block(edits: list[TextEdit], lines: list[str], touched: tuple[int, int]) -> Suggestion | None:
    first, last = touched
    eol = "\r\n" if lines[0].endswith("\r") else "\n"
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    text = "\n".join(lines)

    def offset(line: int, column: int) -> int:
        return min(starts[min(line, len(lines) + 1) - 1] + column - 1, len(text))

    begin, end = starts[first - 1], min(starts[last], len(text))
    old, pieces, at = text[begin:end], [], begin
    for edit in edits:
        start = offset(edit.span.line, edit.span.column)
        stop = offset(edit.span.end_line, edit.span.end_column)
        if start < at or stop > end or stop < start:
            return None
        pieces += [text[at:start], edit.text]
        at = stop
    new = "".join([*pieces, text[at:end]])
    block = tuple(new.replace("\r\n", "\n").removesuffix("\n").split("\n")) if new else ()
    if new.replace("\r\n", "\n") == old.replace("\r\n", "\n") or len(block) > MOST_LINES:
        return None
    if any(_COMMAND.match(line) for line in block):
        return None
    return Suggestion(first, last, block, eol)
