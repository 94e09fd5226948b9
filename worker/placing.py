"""Where a new finding is said: beside a line, on a file, or in the check run alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from rules.engine.config import Config
from rules.engine.finding import Finding
from rules.kit import Confidence, Severity
from worker.hunks import Diff, DiffFile
from worker.suggest import Suggestion, suggestion

MOST_FOLDED = 100  # findings that one comment speaks about; each costs a hidden line
_LONGEST_RANGE = 10  # lines that a comment marks before it points at the first one only


class Reason(Enum):
    """Why a finding stands in the check run and not in a comment."""

    CAP = "over the limit of comments"
    OUTSIDE = "outside the lines that the diff shows"
    MINOR = "below the severity for comments"
    DRAFT = "the pull request is a draft"
    HOTSPOT = "needs a person to judge"
    REFUSED = "GitHub refused the place"
    PAUSED = "Stet is paused on this pull request"
    DEMOTED = "this repository keeps dismissing this rule"


@dataclass(frozen=True, slots=True)
class InlineComment:
    """A comment on lines `first` to `last` of the new side. `also` are folded into it."""

    finding: Finding
    first: int
    last: int
    suggestion: Suggestion | None = None
    also: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class FileComment:
    """A comment on a file as a whole, for what no line of the diff can carry."""

    finding: Finding
    also: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A finding that only the check run tells, and why."""

    finding: Finding
    reason: Reason


@dataclass(frozen=True)
class Comments:
    """The new findings, each in its place."""

    inline: tuple[InlineComment, ...]
    file_level: tuple[FileComment, ...]
    unplaced: tuple[Unplaced, ...]


@dataclass(frozen=True)
class _Spot:
    """Where a comment on a finding can stand; no lines: on the file."""

    first: int = 0
    last: int = 0
    suggestion: Suggestion | None = None


class Placing:
    """Gives the new findings their places, the heaviest first, within the caps.

    `already` comments stand on lines. With a `silence` nothing is said outside the check run, and
    nothing of the `demoted` rules.
    """

    def __init__(
        self,
        config: Config,
        diff: Diff,
        already: int,
        *,
        silence: Reason | None = None,
        demoted: Collection[str] = (),
    ) -> None:
        self._review = config.review
        self._diff = diff
        self._inline_left = max(0, config.review.max_inline - already)
        self._file_left = config.review.max_file_level
        self._silenced = silence
        self._demoted = demoted
        self._inline: list[InlineComment] = []
        self._file: list[FileComment] = []
        self._unplaced: list[Unplaced] = []

    def place(self, findings: Sequence[Finding]) -> Comments:
        speakable = []
        for finding in findings:
            reason = self._silence(finding)
            if reason is not None:
                self._unplaced.append(Unplaced(finding, reason))
            else:
                speakable.append(finding)
        for group in self._groups(speakable):
            self._say(group)
        return Comments(
            tuple(sorted(self._inline, key=lambda each: (each.finding.path, each.last))),
            tuple(self._file),
            tuple(self._unplaced),
        )

    def _silence(self, finding: Finding) -> Reason | None:
        if finding.confidence is not Confidence.PROVEN:
            return Reason.HOTSPOT
        if self._silenced is not None:
            return self._silenced
        if finding.code in self._demoted:
            return Reason.DEMOTED
        if finding.severity.rank < Severity(self._review.inline_min).rank:
            return Reason.MINOR
        return None if finding.path in self._diff else Reason.OUTSIDE

    def _groups(self, findings: Sequence[Finding]) -> Iterator[list[Finding]]:
        """Findings that share a comment: all of one rule, where there are many of it."""
        by_rule: defaultdict[str, list[Finding]] = defaultdict(list)
        for finding in findings:
            by_rule[finding.code].append(finding)
        groups: list[list[Finding]] = []
        for same in by_rule.values():
            if len(same) <= self._review.group_after:
                groups += [[each] for each in same]
                continue
            # The comment stands where it can: a line of the diff before a file as a whole.
            same.sort(key=lambda each: (not self._spot(each).last, each.path, each.span))
            for start in range(0, len(same), MOST_FOLDED):
                groups.append(same[start : start + MOST_FOLDED])
        return iter(sorted(groups, key=lambda group: _weight(group[0])))

    def _say(self, group: list[Finding]) -> None:
        finding, also = group[0], tuple(group[1:])
        spot = self._spot(finding)
        if spot.last and self._inline_left:
            self._inline_left -= 1
            block = self._free(finding, spot.suggestion)
            first, last = (spot.first, spot.last)
            if spot.suggestion is not None and block is None:
                plain = self._lines(finding)
                first, last = plain.first, plain.last
            self._inline.append(InlineComment(finding, first, last, block, also))
        elif not spot.last and self._file_left:
            self._file_left -= 1
            self._file.append(FileComment(finding, also))
        else:
            reason = Reason.CAP if spot.last else Reason.OUTSIDE
            self._unplaced += [Unplaced(each, reason) for each in group]

    def _free(self, finding: Finding, block: Suggestion | None) -> Suggestion | None:
        """The suggestion, unless another one already wants one of its lines."""
        taken = (c.suggestion for c in self._inline if c.finding.path == finding.path)
        if block is None or any(other and block.overlaps(other) for other in taken):
            return None
        return block

    def _spot(self, finding: Finding) -> _Spot:
        file = self._diff[finding.path]
        if finding.file_level or file.status == "removed":
            return _Spot()
        block = suggestion(finding, file)
        if block is not None:
            return _Spot(block.first, block.last, block)
        return self._lines(finding)

    def _lines(self, finding: Finding) -> _Spot:
        file, span = self._diff[finding.path], finding.span
        last = span.end_line - (span.end_column == 1 and span.end_line > span.line)
        if last - span.line < _LONGEST_RANGE and file.hunk(span.line, last):
            return _Spot(span.line, last)
        line = _first_shown(file, span.line, last)
        return _Spot(line, line) if line else _Spot()


def _first_shown(file: DiffFile, first: int, last: int) -> int:
    """The first of these lines that the diff shows; 0 if it shows none."""
    shown = [max(first, hunk.first) for hunk in file.hunks if hunk.first <= last]
    return next((line for line in sorted(shown) if file.hunk(line, line) and line <= last), 0)


def _weight(finding: Finding) -> tuple[int, str, int, str]:
    return (-finding.severity.rank, finding.path, finding.span.line, finding.code)
