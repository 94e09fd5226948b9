"""Where lines that a change adds already stand in the project."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rules.facts.bodies import BODIES
from rules.kit import Project

FEWEST = 12  # lines without blank ones, comments and imports
_FEWEST_DIFFERENT = 9
_SHORTEST_KEY = 24  # characters of a line that is looked for
_MOST_RUNS = 12  # of one change
_MOST_PLACES = 8  # of one line in one file
_ASIDE = re.compile(r"^(#|import |from |@|[)\]}]|\"\"\"|''')")
_DOES = re.compile(r"^(if|for|while|try|with|return|await|raise|async) ")


@dataclass(frozen=True, slots=True)
class Run:
    """Lines of a file, stripped, each with its number."""

    path: str
    lines: tuple[tuple[int, str], ...]

    @property
    def key(self) -> str:
        """The longest line: it stands in few places."""
        return max((text for _, text in self.lines), key=len)

    @property
    def is_telling(self) -> bool:
        """Whether the lines do something and differ: no table, no list of names."""
        texts = [text for _, text in self.lines]
        does = sum(1 for each in texts if _DOES.match(each))
        return len(texts) >= FEWEST and len(set(texts)) >= _FEWEST_DIFFERENT and does > 1


@dataclass(frozen=True, slots=True)
class Copy:
    """A run that stands at another place too, with the first and last line that are the same."""

    run: Run
    first: int
    last: int
    path: str
    line: int


def meaningful(text: str) -> list[tuple[int, str]]:
    """The lines that count, stripped, with their numbers."""
    stripped = ((number, line.strip()) for number, line in enumerate(text.split("\n"), start=1))
    return [(number, line) for number, line in stripped if line and not _ASIDE.match(line)]


def runs(path: str, text: str, added: frozenset[int]) -> Iterator[Run]:
    """Stretches of lines that were added one after the other."""
    at: list[tuple[int, str]] = []
    for number, line in meaningful(text):
        if number in added:
            at.append((number, line))
            continue
        yield Run(path, tuple(at))
        at = []
    yield Run(path, tuple(at))


def copies(found: Sequence[Run], project: Project) -> Iterator[Copy]:
    """The runs that stand elsewhere in the project, each once."""
    left = [each for each in found if each.is_telling and len(each.key) >= _SHORTEST_KEY][
        :_MOST_RUNS
    ]
    for path, record in sorted(project.records(BODIES).items()) if left else ():
        text = zlib.decompress(record.packed).decode("utf-8", "surrogatepass")
        for run in [each for each in left if each.key in text]:
            copy = _compared(run, path, meaningful(text))
            if copy is not None:
                left.remove(run)
                yield copy


def _compared(run: Run, path: str, there: list[tuple[int, str]]) -> Copy | None:
    """The longest stretch around the key that is the same in both."""
    here = run.lines
    own = {number for number, _ in here} if path == run.path else set()
    middle = next(index for index, (_, text) in enumerate(here) if text == run.key)
    places = [i for i, (number, text) in enumerate(there) if text == run.key and number not in own]
    for place in places[:_MOST_PLACES]:
        low = high = 0
        while (
            low < middle and low < place and here[middle - low - 1][1] == there[place - low - 1][1]
        ):
            low += 1
        while (
            middle + high + 1 < len(here)
            and place + high + 1 < len(there)
            and here[middle + high + 1][1] == there[place + high + 1][1]
        ):
            high += 1
        same = Run(run.path, here[middle - low : middle + high + 1])
        if same.is_telling:
            first, last = same.lines[0][0], same.lines[-1][0]
            return Copy(run, first, last, path, there[place - low][0])
    return None
