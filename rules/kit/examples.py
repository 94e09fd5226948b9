"""The Bad and Good blocks of a rule's page, as data that tests run.

A section starts with a line `Bad:`, `Good:` or `Before:` and holds fenced blocks; a fence
may name its path after the language. `# flagged` at the end of a line says that the rule
speaks there; the word `flagged` after the path says that it speaks of the file itself.
A path followed by ` x500` stands for a file that repeats the text so often.
`Before:` gives the tree before the change, for the sections that follow it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from inspect import cleandoc

_FENCE = re.compile(
    r"^(?P<ticks>```+)(?P<lang>[\w+-]*)(?: (?P<path>\S+))?(?: x(?P<times>\d+))?"
    r"(?P<flagged> flagged)?\n(?P<code>.*?)^(?P=ticks)$",
    re.DOTALL | re.MULTILINE,
)
_SECTION = re.compile(r"^(Bad|Good|Before):[ \t]*(.*)$", re.MULTILINE)
_MARK = re.compile(r"[ \t]*(?:#|<!--|\{#)[ \t]*flagged[ \t]*(?:-->|#\})?$", re.MULTILINE)
DEFAULT_PATH = "app/example.py"


@dataclass(frozen=True)
class Example:
    """One tree of files. `flagged` holds (path, line), line 0 meaning the whole file."""

    kind: str
    note: str
    files: dict[str, str]
    flagged: frozenset[tuple[str, int]]
    before: dict[str, str] | None = None
    fixed: dict[str, str] | None = field(default=None, compare=False)


def examples(doc: str | None) -> list[Example]:
    """The examples of a page, in order. A Good right after a Bad is what fixing it gives."""
    text = cleandoc(doc or "")
    marks = list(_SECTION.finditer(text))
    found: list[Example] = []
    before: dict[str, str] | None = None
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        body = text[mark.end() : following.start() if following else None]
        files, flagged = _files(body)
        if mark[1] == "Before":
            before = files
            continue
        one = Example(mark[1], mark[2].strip(), files, flagged, before)
        if mark[1] == "Good" and found and found[-1].kind == "Bad" and found[-1].fixed is None:
            bad = found.pop()
            found.append(Example("Bad", bad.note, bad.files, bad.flagged, bad.before, files))
        found.append(one)
    return found


def _files(body: str) -> tuple[dict[str, str], frozenset[tuple[str, int]]]:
    files: dict[str, str] = {}
    flagged: set[tuple[str, int]] = set()
    for fence in _FENCE.finditer(body):
        path = fence["path"] or DEFAULT_PATH
        if fence["flagged"]:
            flagged.add((path, 0))
        for number, line in enumerate(fence["code"].split("\n"), start=1):
            if _MARK.search(line):
                flagged.add((path, number))
        files[path] = _MARK.sub("", fence["code"]) * int(fence["times"] or 1)
    return files, frozenset(flagged)


def explanation(doc: str | None) -> str:
    """The page without its examples: summary and reasons."""
    text = cleandoc(doc or "")
    first = _SECTION.search(text)
    return text[: first.start()].strip() if first else text.strip()
