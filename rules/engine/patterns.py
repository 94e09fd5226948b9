"""Which patterns of a configuration are used: those that make sense and take no time to match."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from pathspec import GitIgnoreSpec

MOST_PATTERNS = 200
MOST_STARS = 3
"""In one part of a path, and of `**` in a pattern: matching takes time to their power."""
_LONGEST = 1000
_SHOWN = 60
_MOST_TOLD = 10


def usable(patterns: Iterable[str]) -> list[str]:
    """The patterns that are matched; the others match nothing."""
    return [each for each in patterns if not why_not(each)]


def why_not(pattern: str) -> str:
    """Why a pattern matches nothing, in a few words; empty if it is used."""
    if len(pattern) > _LONGEST:
        return f"it is longer than {_LONGEST} characters"
    parts = pattern.split("/")
    names = [part for part in parts if part != "**"]
    if len(parts) - len(names) > MOST_STARS:
        return f"it has more than {MOST_STARS} `**`"
    if any(name.count("*") > MOST_STARS for name in names):
        return f"a part of it has more than {MOST_STARS} `*`"
    try:
        GitIgnoreSpec.from_lines([pattern])
    except ValueError:
        return "`.gitignore` knows no such pattern"
    return ""


def unused(patterns: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The patterns of one list that match nothing, each with what is wrong, in words to show.

    Ten of them at most.
    """
    told = ((pattern, why_not(pattern)) for pattern in patterns[:MOST_PATTERNS])
    for pattern, why in islice(((pattern, why) for pattern, why in told if why), _MOST_TOLD):
        yield pattern, f"the pattern `{_shown(pattern)}` matches nothing: {why}"
    if len(patterns) > MOST_PATTERNS:
        first = patterns[MOST_PATTERNS]
        text = f"from `{_shown(first)}` on, patterns match nothing: there are more than {MOST_PATTERNS}"
        yield first, text


def _shown(pattern: str) -> str:
    text = "".join(each if each.isprintable() and each != "`" else "?" for each in pattern)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
