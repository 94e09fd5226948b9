"""Holds what Stet said against what the story expects."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from demo import story

_MARKER = re.compile(r"<!-- stet:1 fp=(?P<fp>\S+) rule=(?P<rule>[A-Z]{3}\d{3})")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One expectation with its verdict."""

    good: bool
    what: str
    words: str


@dataclass(frozen=True)
class Comparison:
    """The verdict on one review."""

    title: str
    lines: tuple[Line, ...]

    @property
    def is_good(self) -> bool:
        return all(each.good for each in self.lines)


def rules_in(comment: Row) -> tuple[str, ...]:
    """The rules that a comment of Stet speaks of, by its hidden marks."""
    return tuple(match["rule"] for match in _MARKER.finditer(comment["body"]))


def fingerprints_in(comments: Sequence[Row]) -> list[str]:
    """The findings of all comments, by their hidden marks."""
    return [match["fp"] for each in comments for match in _MARKER.finditer(each["body"])]


def compare_first(comments: Sequence[Row], check: Row, annotations: Sequence[Row]) -> Comparison:
    """The eight faults are found, the four near misses are left alone, nothing else is said."""
    lines = [_expected(each, comments, check, annotations) for each in story.EXPECTED]
    lines += [_spared(each, comments) for each in story.NEAR_MISSES]
    known = {(each.rule, each.path) for each in story.EXPECTED}
    more = [
        f"{rule} in {each['path']}"
        for each in comments
        for rule in rules_in(each)
        if (rule, each["path"]) not in known
    ]
    lines.append(Line(not more, "nothing else", ", ".join(more) or "no other comment"))
    return Comparison("The first review, held against what the story broke", tuple(lines))


def _expected(
    each: story.Expectation, comments: Sequence[Row], check: Row, annotations: Sequence[Row]
) -> Line:
    what = f"{each.rule} {each.path}"
    found = [c for c in comments if c["path"] == each.path and each.rule in rules_in(c)]
    if not found:
        elsewhere = any(each.path == a["path"] and each.rule in str(a) for a in annotations)
        output = check["output"]
        in_summary = each.rule in f"{output['summary']}{output['text'] or ''}"
        place = "as an annotation" if elsewhere else "in the check run's summary"
        good = elsewhere or in_summary
        return Line(
            good, what, f"{place}: {each.sentence}" if good else f"NOT said: {each.sentence}"
        )
    line = each.line()
    at = [c["line"] for c in found]
    if line is not None and line not in at and not any(_covers(c, line) for c in found):
        return Line(False, what, f"said at {at}, expected at line {line}")
    if each.one_click and not any("```suggestion" in c["body"] for c in found):
        return Line(False, what, "said, but without the one-click suggestion")
    return Line(True, what, each.sentence)


def _covers(comment: Row, line: int) -> bool:
    start = comment["start_line"] or comment["line"] or 0
    return start <= line <= (comment["line"] or 0)


def _spared(each: story.NearMiss, comments: Sequence[Row]) -> Line:
    line = each.line()
    said = [c for c in comments if c["path"] == each.path and _covers(c, line)]
    said = [c for c in said if each.rule in rules_in(c)]
    what = f"not {each.rule} {each.path}"
    return Line(not said, what, each.why if not said else f"FALSE ALARM: {each.why}")


def compare_second(
    first: Sequence[Row], second: Sequence[Row], check: Row, annotations: Sequence[Row]
) -> Comparison:
    """What was repaired is gone, what was not stands, nothing is said twice."""
    lines = []
    standing = {(rule, each["path"]) for each in second for rule in _open_rules(each)}
    for each in story.EXPECTED:
        key = (each.rule, each.path)
        if each.repaired:
            words = "repaired, and its comment is gone"
            lines.append(Line(key not in standing, f"{each.rule} {each.path}", words))
        else:
            output = check["output"]
            text = f"{output['summary']}{output['text'] or ''}{annotations}"
            stands = key in standing or each.rule in text
            lines.append(Line(stands, f"{each.rule} {each.path}", "not repaired, still said once"))
    prints = fingerprints_in(second)
    lines.append(Line(len(prints) == len(set(prints)), "no repetition", "nothing is said twice"))
    old = {each["id"] for each in first}
    new = [each["path"] for each in second if each["id"] not in old]
    lines.append(Line(not new, "no new comment", ", ".join(new) or "the second review is silent"))
    return Comparison("After the repair", tuple(lines))


def _open_rules(comment: Row) -> tuple[str, ...]:
    """Nothing where a comment was struck through as fixed."""
    return () if comment["body"].lstrip().startswith("~~") else rules_in(comment)
