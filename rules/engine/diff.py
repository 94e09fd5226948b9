"""Lines that differ between two versions of a file."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

_SMALL = 1_000
_EFFORT = 40


def _lines(data: bytes | None) -> list[bytes]:
    """The lines of a file; one that lacks its newline at the end is another line with it."""
    *whole, last = (data or b"").split(b"\n")
    ended = [each + b"\n" for each in whole]
    return [*ended, last] if last else ended


def line_changes(
    before: bytes | None, after: bytes | None
) -> tuple[frozenset[int], frozenset[int]]:
    """(added, removed): line numbers of the new file that are new, of the old that are gone.

    Lines end at LF, as git counts them. Takes time in proportion to the lines, even where
    files were made to have no easy answer: what remains then counts as changed.
    """
    old, new = _lines(before), _lines(after)
    pairs = list(_Matching(old, new).pairs())
    kept_old, kept_new = {i for i, _ in pairs}, {j for _, j in pairs}
    added = frozenset(j + 1 for j in range(len(new)) if j not in kept_new)
    return added, frozenset(i + 1 for i in range(len(old)) if i not in kept_old)


class _Matching:
    """Lines that stay: equal ends first, then lines that are unique on both sides, and between
    these the same again. What is small and has none of them is left to `difflib`.
    """

    def __init__(self, old: Sequence[bytes], new: Sequence[bytes]) -> None:
        self._old = old
        self._new = new
        self._effort = _EFFORT * (len(old) + len(new) + 1)

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Pairs of equal lines, in no order."""
        stretches = [(0, len(self._old), 0, len(self._new))]
        while stretches:
            i1, i2, j1, j2 = stretches.pop()
            while i1 < i2 and j1 < j2 and self._old[i1] == self._new[j1]:
                yield i1, j1
                i1, j1 = i1 + 1, j1 + 1
            while i1 < i2 and j1 < j2 and self._old[i2 - 1] == self._new[j2 - 1]:
                i2, j2 = i2 - 1, j2 - 1
                yield i2, j2
            self._effort -= i2 - i1 + j2 - j1
            if i1 == i2 or j1 == j2 or self._effort < 0:
                continue
            anchors = self._anchors(i1, i2, j1, j2)
            if not anchors and max(i2 - i1, j2 - j1) <= _SMALL:
                yield from self._compared(i1, i2, j1, j2)
            edges = [*anchors, (i2, j2)] if anchors else []
            for i, j in edges:
                stretches.append((i1, i, j1, j))
                i1, j1 = i, j

    def _anchors(self, i1: int, i2: int, j1: int, j2: int) -> list[tuple[int, int]]:
        """The longest rising row of lines that stand once on either side of the stretch."""
        old, new = self._old[i1:i2], self._new[j1:j2]
        once = Counter(old)
        place = {line: j for j, line in enumerate(new, start=j1)}
        twice = Counter(new)
        both = [
            (i, place[line])
            for i, line in enumerate(old, start=i1)
            if once[line] == 1 and twice[line] == 1
        ]
        return _rising(both)

    def _compared(self, i1: int, i2: int, j1: int, j2: int) -> Iterator[tuple[int, int]]:
        matcher = SequenceMatcher(None, self._old[i1:i2], self._new[j1:j2], autojunk=True)
        for i, j, size in matcher.get_matching_blocks():
            yield from zip(range(i1 + i, i1 + i + size), range(j1 + j, j1 + j + size), strict=True)


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest row of pairs, given by their first, in which the second rises as well."""
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, j) in enumerate(pairs):
        at = bisect_left(ends, j)
        before.append(last[at - 1] if at else -1)
        ends[at : at + 1] = [j]
        last[at : at + 1] = [number]
    row = []
    number = last[-1] if last else -1
    while number >= 0:
        row.append(pairs[number])
        number = before[number]
    return row[::-1]
