"""Files of requirements, read as pip reads them, with places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from rules.kit.values import BrokenFileError, Offsets, Value, array, scalar, table

_LINE = re.compile(r"(?P<text>(?:\\\r?\n|[^\r\n])*)(?:\r\n?|\n|\Z)")
_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#.*", re.DOTALL)
_CONTINUED = re.compile(r"\\\r?\n")
_HASH = re.compile(r"[ \t]--hash[= ](\S+)")
_PER_LINE = re.compile(r"(?<=[ \t])--(?:hash|config-settings?|global-option|install-option)[= ].*")
_OPTION = re.compile(r"^(--?[A-Za-z][\w-]*)[= \t]*(.*)$")
_LONG = {
    "-r": "requirement",
    "-c": "constraint",
    "-e": "editable",
    "-i": "index-url",
    "-f": "find-links",
}
_EGG = re.compile(r"[#&]egg=([\w.-]+)")
_LONGEST = 20_000  # characters of one logical line
_LONGEST_NAMED = 1000  # without its hashes
_MOST = 10_000  # lines that say something


def read(text: str) -> Value:
    """A list of tables, one for each requirement or option.

    A requirement has `name`, `extras`, `specifier`, `url`, `marker` and `hashes`; an option
    has `option` (by its long name, without dashes) and `value`, an editable one its `name`
    too, if that is said. All are texts, but for the lists `extras` and `hashes`. Raises
    BrokenFileError.
    """
    offsets = Offsets(text)
    return array(_entries(text, offsets), offsets.whole)


def _entries(text: str, offsets: Offsets) -> Iterator[Value]:
    count = 0
    for found in _LINE.finditer(text):
        raw = found["text"]
        joined = _COMMENT.sub("", _CONTINUED.sub(" ", raw)).strip()
        if not joined or len(raw) > _LONGEST:
            continue
        count += 1
        if count > _MOST:
            raise BrokenFileError("it holds too many requirements")
        start = found.start() + len(raw) - len(raw.lstrip())
        span = offsets.span(start, found.start() + len(raw.rstrip()))
        told = _told(joined)
        yield table({key: scalar(value, span, str(value)) for key, value in told.items()}, span)


def _told(line: str) -> dict[str, Any]:
    option = _OPTION.match(line)
    if option is not None:
        name = _LONG.get(option[1], option[1].lstrip("-"))
        told = {"option": name, "value": option[2].strip()}
        egg = _EGG.search(option[2])
        return told | ({"name": egg[1]} if egg and name == "editable" else {})
    hashes = _HASH.findall(line)
    bare = _PER_LINE.sub("", line).strip()[:_LONGEST_NAMED]
    egg = _EGG.search(bare)
    unread = {"name": egg[1] if egg else "", "url": bare, "hashes": hashes}
    try:
        read = Requirement(bare)
    except (InvalidRequirement, RecursionError):
        return {"extras": [], "specifier": "", "marker": "", **unread}
    return {
        "name": read.name,
        "extras": sorted(read.extras),
        "specifier": str(read.specifier),
        "url": read.url or "",
        "marker": str(read.marker or ""),
        "hashes": hashes,
    }
