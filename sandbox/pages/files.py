"""The diff of a pull request or commit as the page shows it, with the threads at their lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sandbox.diffs import FileDiff, Hunk, Line
from sandbox.git import Git
from sandbox.pages import links
from sandbox.pages.discussion import Row, ThreadView
from sandbox.pages.highlight import Lines, highlighted, plain

MOST_ROWS = 1500  # of one file, before it must be asked for
COLOUR_BYTES = 100_000  # of one page: about a quarter of a second
WHOLE_FILE_BYTES = 24_000  # up to here the file is read whole, so that its strings are known


@dataclass(frozen=True)
class DiffRow:
    row: Row
    anchor: str
    threads: tuple[ThreadView, ...]


@dataclass(frozen=True)
class HunkView:
    header: str
    rows: tuple[DiffRow, ...]


@dataclass(frozen=True)
class FileView:
    path: str
    previous_path: str | None
    status: str
    additions: int
    deletions: int
    anchor: str
    hunks: tuple[HunkView, ...]
    why_no_diff: str
    too_long: bool
    on_file: tuple[ThreadView, ...]
    outdated: tuple[ThreadView, ...]

    @property
    def comments(self) -> int:
        every = [*self.on_file, *self.outdated]
        every += [one for hunk in self.hunks for row in hunk.rows for one in row.threads]
        return sum(len(one.comments) for one in every)


class _Palette:
    """Colours lines until the page's share is spent."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._left = COLOUR_BYTES
        self._paid: set[str] = set()

    def side(self, file: FileDiff, lines: Sequence[Line], *, old: bool) -> Lines:
        """The lines of a hunk as they are before or after the change."""
        sha = file.old_sha if old else file.new_sha
        path = (file.previous_path or file.path) if old else file.path
        texts = tuple(line.text for line in lines)
        whole = self._whole(sha)
        if whole is not None and (sha in self._paid or self._spend(sum(map(len, whole)))):
            self._paid.add(sha)
            coloured = highlighted(whole, path)
            numbers = [(line.old if old else line.new) or 0 for line in lines]
            if all(0 < number <= len(coloured) for number in numbers):
                return tuple(coloured[number - 1] for number in numbers)
        if self._spend(sum(map(len, texts))):
            return highlighted(texts, path)
        return plain(texts)

    def _whole(self, sha: str) -> tuple[str, ...] | None:
        content = self._git.blob(sha)
        if content is None or len(content) > WHOLE_FILE_BYTES:
            return None
        return tuple(content.decode("utf-8", "replace").split("\n"))

    def _spend(self, cost: int) -> bool:
        if cost > self._left:
            return False
        self._left -= cost
        return True


def file_views(
    files: Iterable[FileDiff],
    git: Git,
    threads: Sequence[ThreadView] = (),
    full: str | None = None,
) -> list[FileView]:
    """All files; `full` names one that is shown whatever its length."""
    palette = _Palette(git)
    return [_file(one, palette, threads, full=one.path == full) for one in files]


def strays(files: Iterable[FileDiff], threads: Iterable[ThreadView]) -> list[ThreadView]:
    """Threads on files that the diff has no more."""
    known = {name for one in files for name in (one.path, one.previous_path)}
    return [one for one in threads if one.path not in known]


def _file(
    file: FileDiff, palette: _Palette, threads: Sequence[ThreadView], *, full: bool
) -> FileView:
    own = [one for one in threads if one.path in (file.path, file.previous_path)]
    too_long = not full and sum(len(hunk.lines) for hunk in file.hunks) > MOST_ROWS
    on_lines = [one for one in own if one.anchor is not None and one.anchor.line is not None]
    on_file = [one for one in own if one.anchor is not None and one.anchor.line is None]
    hunks = () if too_long else tuple(_hunk(file, one, palette, on_lines) for one in file.hunks)
    return FileView(
        path=file.path,
        previous_path=file.previous_path,
        status=file.status,
        additions=file.additions,
        deletions=file.deletions,
        anchor=links.file_anchor(file.path),
        hunks=hunks,
        why_no_diff=_why_no_diff(file, too_long=too_long),
        too_long=too_long,
        on_file=(*on_file, *(on_lines if too_long else ())),
        outdated=tuple(one for one in own if one.outdated),
    )


def _why_no_diff(file: FileDiff, *, too_long: bool) -> str:
    if too_long:
        return "This diff is long and is not shown at first."
    if file.binary:
        return "A binary file: no lines to show."
    if not file.shown:
        return "GitHub leaves out the diff of a file this large."
    if file.hunks:
        return ""
    if file.old_mode != file.new_mode and file.status == "modified":
        return f"Only the mode changed: {file.old_mode} to {file.new_mode}."
    return "Renamed without changes." if file.previous_path else "An empty file."


def _hunk(file: FileDiff, hunk: Hunk, palette: _Palette, threads: Sequence[ThreadView]) -> HunkView:
    new = [line for line in hunk.lines if line.kind != "-"]
    old = [line for line in hunk.lines if line.kind == "-"]
    coloured = dict(zip(map(id, new), palette.side(file, new, old=False), strict=True))
    coloured |= dict(zip(map(id, old), palette.side(file, old, old=True), strict=True))
    rows = tuple(_row(file, line, coloured[id(line)], threads) for line in hunk.lines)
    return HunkView(hunk.header, rows)


def _row(file: FileDiff, line: Line, html: Markup, threads: Sequence[ThreadView]) -> DiffRow:
    side, number = ("L", line.old) if line.kind == "-" else ("R", line.new)
    standing = tuple(one for one in threads if _stands_on(one, line))
    row = Row(line.kind, line.old, line.new, html, line.newline)
    return DiffRow(row, f"{links.file_anchor(file.path)}{side}{number}", standing)


def _stands_on(thread: ThreadView, line: Line) -> bool:
    at = thread.anchor
    return at is not None and at.line is not None and line.number(at.side) == at.line
