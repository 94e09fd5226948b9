"""The diff of a pull request as GitHub shows it: files, hunks, and where a comment may stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from sandbox.git import ZERO, Git

Side = Literal["LEFT", "RIGHT"]

MOST_FILES = 3000
MOST_LINES = 20_000  # of one file, and of all files together
MOST_BYTES = 500_000  # of one file's patch
MOST_DIFF_FILES = 300  # of the diff as text

STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied"}
HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a hunk; `old` and `new` are 1-based line numbers where the line exists there."""

    kind: Literal[" ", "+", "-"]
    old: int | None
    new: int | None
    text: str
    position: int  # GitHub's: lines below the first hunk header of the file
    newline: bool = True  # False: the file ends here without one

    def number(self, side: Side) -> int | None:
        return self.old if side == "LEFT" else self.new


@dataclass(frozen=True, slots=True)
class Hunk:
    header: str
    lines: tuple[Line, ...]

    def line(self, number: int, side: Side) -> Line | None:
        return next((line for line in self.lines if line.number(side) == number), None)


@dataclass(frozen=True)
class FileDiff:
    path: str
    previous_path: str | None
    status: str
    old_sha: str
    new_sha: str
    old_mode: str
    new_mode: str
    additions: int
    deletions: int
    binary: bool
    full_patch: str  # everything from the first hunk header on, "" for binary and pure renames
    shown: bool = True  # False: GitHub leaves the patch of such a file out

    @property
    def patch(self) -> str | None:
        return self.full_patch if self.shown and self.full_patch else None

    @property
    def sha(self) -> str:
        return self.old_sha if self.status == "removed" else self.new_sha

    @cached_property
    def hunks(self) -> tuple[Hunk, ...]:
        """The hunks that GitHub shows: none where it leaves the patch out."""
        return tuple(parse_hunks(self.full_patch)) if self.shown else ()

    def find(self, number: int, side: Side) -> tuple[Hunk, Line] | None:
        for hunk in self.hunks:
            if line := hunk.line(number, side):
                return hunk, line
        return None

    def at_position(self, position: int) -> tuple[Hunk, Line] | None:
        for hunk in self.hunks:
            for line in hunk.lines:
                if line.position == position:
                    return hunk, line
        return None


def parse_hunks(patch: str) -> Iterator[Hunk]:
    header: str | None = None
    lines: list[Line] = []
    old = new = 0
    for position, text in enumerate(patch.split("\n") if patch else ()):
        if match := HUNK.match(text):
            if header is not None:
                yield Hunk(header, tuple(lines))
            header, lines = text, []
            old, new = int(match[1]), int(match[3])
        elif text.startswith("\\"):
            lines[-1] = replace(lines[-1], newline=False)
        elif text[:1] == "+":
            lines.append(Line("+", None, new, text[1:], position))
            new += 1
        elif text[:1] == "-":
            lines.append(Line("-", old, None, text[1:], position))
            old += 1
        else:
            lines.append(Line(" ", old, new, text[1:], position))
            old, new = old + 1, new + 1
    if header is not None:
        yield Hunk(header, tuple(lines))


def files_between(git: Git, old: str, new: str) -> tuple[FileDiff, ...]:
    """The changed files of two commits or trees, in git's order, with GitHub's limits applied."""
    return git.remember(("files", old, new), lambda: _files_between(git, old, new))


def _files_between(git: Git, old: str, new: str) -> tuple[FileDiff, ...]:
    raw, patch = git.diff(old, new)
    statuses, numbers = _split_raw(raw)
    patches = _split_patches(patch.decode("utf-8", "replace"))
    files = []
    lines_so_far = 0
    for status, (added, deleted) in zip(statuses, numbers, strict=True):
        text = next(patches, "")
        if status.letter == "T":  # a changed type is shown as a removal and an addition
            next(patches, "")
        size = (added or 0) + (deleted or 0)
        lines_so_far += size
        files.append(
            FileDiff(
                path=status.path,
                previous_path=status.previous,
                status=STATUS.get(status.letter, "changed"),
                old_sha=status.old_sha,
                new_sha=status.new_sha,
                old_mode=status.old_mode,
                new_mode=status.new_mode,
                additions=added or 0,
                deletions=deleted or 0,
                binary=added is None,
                full_patch="" if added is None else text,
                shown=max(size, lines_so_far) <= MOST_LINES and len(text) <= MOST_BYTES,
            )
        )
    return tuple(files)


@dataclass(frozen=True, slots=True)
class _Status:
    letter: str
    old_mode: str
    new_mode: str
    old_sha: str
    new_sha: str
    path: str
    previous: str | None


def _split_raw(raw: bytes) -> tuple[list[_Status], list[tuple[int | None, int | None]]]:
    """Reads `--raw --numstat -z`: all statuses first, then the numbers in the same order."""
    fields = iter(raw.decode("utf-8", "replace").split("\0"))
    statuses: list[_Status] = []
    numbers: list[tuple[int | None, int | None]] = []
    for field in fields:
        if field.startswith(":"):
            old_mode, new_mode, old_sha, new_sha, letter = field[1:].split(" ")
            first = next(fields)
            renamed = letter[0] in "RC"
            path = next(fields) if renamed else first
            previous = first if renamed else None
            statuses.append(
                _Status(letter[0], old_mode, new_mode, old_sha, new_sha, path, previous)
            )
        elif "\t" in field:
            added, deleted, path = field.split("\t", 2)
            if not path:  # a rename: both names follow
                next(fields), next(fields)
            numbers.append(
                (None, None) if added == "-" else (int(added), int(deleted)),
            )
    return statuses, numbers


def _split_patches(text: str) -> Iterator[str]:
    """The patch of each file from its first hunk header on, "" where there is none."""
    for part in re.split(r"^diff --git .*\n", text, flags=re.MULTILINE)[1:]:
        start = re.search(r"^@@ ", part, flags=re.MULTILINE)
        yield part[start.start() :].removesuffix("\n") if start else ""


def moved_line(git: Git, old_blob: str, new_blob: str, number: int) -> int | None:
    """Where a line of one blob stands in another, None where it was changed or removed."""
    if old_blob == new_blob:
        return number
    if ZERO in (old_blob, new_blob):
        return None
    shift = 0
    for match in git.remember(
        ("blobs", old_blob, new_blob), lambda: _headers(git, old_blob, new_blob)
    ):
        start, length = int(match[1]), int(match[2] or 1)
        if length == 0:
            start += 1  # a pure insertion stands after the line that it names
        if number < start:
            break
        if number < start + length:
            return None
        shift += (int(match[4]) if match[4] else 1) - length
    return number + shift


def _headers(git: Git, old_blob: str, new_blob: str) -> tuple[re.Match[str], ...]:
    shape = ["--no-color", "--no-ext-diff", "--no-textconv", "--unified=0"]
    patch = git.run("diff", *shape, old_blob, new_blob).decode("utf-8", "replace")
    return tuple(re.finditer("^" + HUNK.pattern, patch, flags=re.MULTILINE))
