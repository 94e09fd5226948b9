"""Which lines of a file GitHub lets a review comment on: those that its diff shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

_HEADER = re.compile(r"^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")
_LONE_RETURN = re.compile(rb"\r(?!\n)")


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines `first` to `last` of the new side, 1-based, inclusive."""

    first: int
    last: int

    def holds(self, first: int, last: int) -> bool:
        return self.first <= first <= last <= self.last


def parse_patch(patch: str) -> tuple[Hunk, ...]:
    """The hunks of one file's unified diff as the API gives it, without file headers."""
    found = []
    for line in patch.split("\n"):
        match = _HEADER.match(line)
        if match:
            first, length = int(match[1]), int(match[2] or 1)
            if length:
                found.append(Hunk(first, first + length - 1))
    return tuple(found)


@dataclass(frozen=True)
class DiffFile:
    """A file of the pull request as GitHub shows it. `patch` is missing for what is too big."""

    path: str
    status: Literal["added", "modified", "removed", "renamed"]
    before_path: str = ""
    patch: str = ""
    after: bytes | None = None

    @cached_property
    def hunks(self) -> tuple[Hunk, ...]:
        # A lone carriage return ends a line for Python and not for GitHub, so that the
        # numbers below it differ; such a file gets no comment on a line.
        if self.after is not None and _LONE_RETURN.search(self.after):
            return ()
        return parse_patch(self.patch)

    def hunk(self, first: int, last: int) -> Hunk | None:
        """The hunk that holds all of these lines."""
        return next((hunk for hunk in self.hunks if hunk.holds(first, last)), None)


Diff = Mapping[str, DiffFile]
