"""Comments in the code that silence a finding: `# stet: ignore[CODE] reason (until=DATE)`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from rules.engine.finding import Finding

_COMMENT = re.compile(
    r"(?:#|//|<!--|\{#)\s*stet:\s*(?P<kind>ignore-file|ignore-next|ignore)"
    r"\s*(?:\[(?P<codes>[^\]\n]{0,200})\])?\s*(?P<reason>[^\n]*)"
)
_UNTIL = re.compile(r"\(\s*until\s*=\s*(\d{4}-\d{2}-\d{2})\s*\)")
_END = re.compile(r"\s*(?:-->|#\})\s*$")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment. `line` is where it stands; without codes it silences nothing."""

    kind: Literal["ignore", "ignore-next", "ignore-file"]
    line: int
    codes: tuple[str, ...]
    reason: str
    until: date | None

    def silences(self, finding: Finding) -> bool:
        if self.until is not None and self.until < date.today():  # noqa: DTZ011 - a calendar day
            return False
        if not any(_means(code, finding) for code in self.codes):
            return False
        if self.kind == "ignore-file":
            return True
        line = self.line + 1 if self.kind == "ignore-next" else self.line
        return finding.span.line <= line <= finding.span.end_line


@dataclass(frozen=True, slots=True)
class Suppressions:
    """All the comments of one file."""

    comments: tuple[Suppression, ...]

    @classmethod
    def of(cls, text: str) -> Suppressions:
        return cls(tuple(_read(text)) if "stet:" in text else ())

    def silencing(self, finding: Finding) -> Suppression | None:
        """The comment that silences a finding, if there is one."""
        return next((each for each in self.comments if each.silences(finding)), None)


def _read(text: str) -> Iterator[Suppression]:
    for number, line in enumerate(text.split("\n"), start=1):
        match = _COMMENT.search(line)
        if match is None:
            continue
        codes = tuple(c.strip() for c in (match["codes"] or "").split(",") if c.strip())
        words = _END.sub("", match["reason"].rstrip())
        until = _UNTIL.search(words)
        day = _day(until[1]) if until else None
        reason = _UNTIL.sub("", words).strip(" -:\u2014")
        kind = match["kind"]
        yield Suppression(kind, number, codes, reason, day)  # type: ignore[arg-type]


def _day(text: str) -> date:
    """A date that does not exist has passed already."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.min


def _means(code: str, finding: Finding) -> bool:
    return finding.code.startswith(code.upper()) or finding.name == code.lower()
