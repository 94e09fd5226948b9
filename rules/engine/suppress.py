"""Comments in the code that silence a finding: `# stet: ignore[CODE] reason (until=DATE)`."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal, cast

from rules.kit import Rule, Span

_COMMENT = re.compile(
    r"(?:#|//|<!--|\{#)\s*stet:\s*(?P<kind>ignore-file|ignore-next|ignore)\b"
    r"\s*(?:\[(?P<codes>[^\]\n]{0,200})\])?\s*(?P<reason>[^\n]*)"
)
_UNTIL = re.compile(r"\(\s*until\s*=\s*(\d{4}-\d{2}-\d{2})\s*\)")
_END = re.compile(r"\s*(?:-->|#\})\s*$")
_PROSE = (".md", ".rst", ".txt", ".adoc", ".json", ".csv")
Kind = Literal["ignore", "ignore-next", "ignore-file"]


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment. `line` is where it stands; without codes it silences nothing.

    `start` is the column of its first character, 0-based.
    """

    kind: Kind
    line: int
    start: int
    codes: tuple[str, ...]
    reason: str
    until: date | None

    def silences(self, rule: Rule, span: Span) -> bool:
        """Whether it is about this rule and this place, and has not expired."""
        if self.until is not None and self.until < today():
            return False
        if not any(means(code, rule) for code in self.codes):
            return False
        if self.kind == "ignore-file":
            return True
        line = self.line + 1 if self.kind == "ignore-next" else self.line
        return span.line <= line <= span.end_line


@dataclass(frozen=True, slots=True)
class Suppressions:
    """All the comments of one file."""

    comments: tuple[Suppression, ...]

    @classmethod
    def of(cls, text: str, path: str) -> Suppressions:
        """Read a text. Only comments count: not strings of Python, nor the words of a document."""
        if "stet:" not in text:
            return cls(())
        found = list(_read(text))
        if path.endswith(_PROSE):
            found = [each for each in found if text.split("\n")[each.line - 1][each.start] == "<"]
        if path.endswith((".py", ".pyi")) and found:
            real = _comment_lines(text)
            found = [each for each in found if real is None or each.line in real]
        return cls(tuple(found))

    def silencing(self, rule: Rule, span: Span) -> Suppression | None:
        """The comment that silences a rule at a place, if there is one."""
        return next((each for each in self.comments if each.silences(rule, span)), None)


NOTHING_SILENCED = Suppressions(())


def today() -> date:
    """The calendar day that expiry is measured by."""
    return date.today()  # noqa: DTZ011 - a calendar day, not a moment


def means(code: str, rule: Rule) -> bool:
    """Whether a code, a prefix of codes or a name means this rule."""
    return bool(code) and (rule.code.startswith(code.upper()) or rule.name == code.lower())


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
        yield Suppression(cast("Kind", match["kind"]), number, match.start(), codes, reason, day)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.min


def _comment_lines(text: str) -> frozenset[int] | None:
    """The lines on which comments stand; None where this Python cannot tell."""
    try:
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        return frozenset(each.start[0] for each in tokens if each.type == tokenize.COMMENT)
    except (tokenize.TokenError, SyntaxError):
        return None
