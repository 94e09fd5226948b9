"""Comments in the code that silence a finding: `# stet: ignore[CODE] reason (until=DATE)`."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal, cast

from rules.engine.encodings import lines_of
from rules.kit import Rule, Span

_COMMENT = re.compile(
    r"(?:#|//|<!--|\{#)\s*stet:\s*(?P<kind>ignore-file|ignore-next|ignore)\b"
    r"\s*(?:\[(?P<codes>[^\]\n]{0,200})\])?\s*(?P<reason>[^\n]*)"
)
_UNTIL = re.compile(r"\(\s*until\s*=\s*(\d{4}-\d{2}-\d{2})\s*\)")
_END = re.compile(r"(?:-->|#\})\s*+\Z")
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


@dataclass(frozen=True)
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
            lines = lines_of(text)
            found = [each for each in found if lines[each.line - 1][each.start] == "<"]
        if path.endswith((".py", ".pyi")) and found:
            real = _comment_lines(text)
            found = [each for each in found if real is None or each.line in real]
        return cls(tuple(found))

    def silencing(self, rule: Rule, span: Span) -> Suppression | None:
        """The first comment that silences a rule at a place, if there is one."""
        near = (*self._on_file(rule)[:1], *self._on_lines(rule, span))
        return min(near, key=lambda each: each.line, default=None)

    def used(self, places: Iterable[tuple[Rule, Span]]) -> frozenset[int]:
        """The lines of the comments that silence a rule at one of these places."""
        every = set(places)
        found = {each.line for one in every for each in self._on_lines(*one)}
        for rule in {rule for rule, _ in every}:
            found.update(each.line for each in self._on_file(rule))
        return frozenset(found)

    def _on_lines(self, rule: Rule, span: Span) -> Iterator[Suppression]:
        for line in range(span.line, span.end_line + 1) if self._by_line else ():
            for each in self._by_line.get(line, ()):
                if each.silences(rule, span):
                    yield each

    @cached_property
    def _by_line(self) -> Mapping[int, list[Suppression]]:
        """The comments about a line, by that line."""
        found: dict[int, list[Suppression]] = {}
        for each in self.comments:
            if each.kind != "ignore-file":
                found.setdefault(each.line + (each.kind == "ignore-next"), []).append(each)
        return found

    @cached_property
    def _of_rules(self) -> dict[str, tuple[Suppression, ...]]:
        return {}

    def _on_file(self, rule: Rule) -> tuple[Suppression, ...]:
        """The comments that silence a rule in the whole file."""
        known = self._of_rules.get(rule.code)
        if known is None:
            nowhere = Span(1, 1, 1, 1)
            whole = (each for each in self.comments if each.kind == "ignore-file")
            known = tuple(each for each in whole if each.silences(rule, nowhere))
            self._of_rules[rule.code] = known
        return known


NOTHING_SILENCED = Suppressions(())


def today() -> date:
    """The calendar day that expiry is measured by."""
    return date.today()  # noqa: DTZ011 - a calendar day, not a moment


def means(code: str, rule: Rule) -> bool:
    """Whether a code, a prefix of codes or a name means this rule."""
    return bool(code) and (rule.code.startswith(code.upper()) or rule.name == code.lower())


def _read(text: str) -> Iterator[Suppression]:
    for number, line in enumerate(lines_of(text), start=1):
        match = _COMMENT.search(line)
        if match is None:
            continue
        codes = tuple(c.strip() for c in (match["codes"] or "").split(",") if c.strip())
        words = _END.sub("", match["reason"].rstrip()).rstrip()
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
        tokens = tokenize.generate_tokens(io.StringIO(text, newline=None).readline)
        return frozenset(each.start[0] for each in tokens if each.type == tokenize.COMMENT)
    except (tokenize.TokenError, SyntaxError):
        return None
