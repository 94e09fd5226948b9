"""Lines that differ between two versions of a file."""

from __future__ import annotations

from difflib import SequenceMatcher

_MAX_LINES = 20_000


def _lines(data: bytes | None) -> list[bytes]:
    """The lines of a file; one that lacks its newline at the end is another line with it."""
    *whole, last = (data or b"").split(b"\n")
    ended = [each + b"\n" for each in whole]
    return [*ended, last] if last else ended


def line_changes(
    before: bytes | None, after: bytes | None
) -> tuple[frozenset[int], frozenset[int]]:
    """(added, removed): line numbers of the new file that are new, of the old that are gone.

    Lines end at LF, as git counts them.
    """
    old = _lines(before)
    new = _lines(after)
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    inner_old, inner_new = old[start : len(old) - end], new[start : len(new) - end]
    added: set[int] = set()
    removed: set[int] = set()
    if max(len(inner_old), len(inner_new)) > _MAX_LINES:
        added.update(range(start + 1, start + len(inner_new) + 1))
        removed.update(range(start + 1, start + len(inner_old) + 1))
        return frozenset(added), frozenset(removed)
    matcher = SequenceMatcher(None, inner_old, inner_new, autojunk=True)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            removed.update(range(start + i1 + 1, start + i2 + 1))
            added.update(range(start + j1 + 1, start + j2 + 1))
    return frozenset(added), frozenset(removed)
