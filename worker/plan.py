"""What to say about a review, and where. Pure: every finding is placed, or left out with a reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

from rules.engine.config import Config, ConfigProblem
from rules.engine.finding import Finding, Report
from rules.kit import Confidence, Severity
from worker.hunks import Diff, DiffFile
from worker.pull_request import OwnComment, PullRequest
from worker.suggest import Suggestion, suggestion

Conclusion = Literal["success", "failure", "neutral", "cancelled"]

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


@dataclass(frozen=True, slots=True)
class Said:
    """A finding that a comment of ours already speaks about."""

    finding: Finding
    comment: OwnComment


@dataclass(frozen=True)
class ReviewPlan:
    """Everything that publishing does, decided.

    `fixed` are the comments whose findings are gone; each is also among the deletions,
    strikes or resolutions. `finished_reviews` are ids of reviews that lose all comments.
    """

    inline: tuple[InlineComment, ...]
    file_level: tuple[FileComment, ...]
    unplaced: tuple[Unplaced, ...]
    annotations: tuple[Finding, ...]
    still_open: tuple[Said, ...]
    dismissed: tuple[Said, ...]
    blocking: tuple[Finding, ...]
    deletions: tuple[OwnComment, ...]
    strikes: tuple[OwnComment, ...]
    resolutions: tuple[OwnComment, ...]
    restored: tuple[Said, ...]
    finished_reviews: tuple[int, ...]
    fixed: tuple[OwnComment, ...]
    hotspots: int
    title: str
    conclusion: Conclusion

    @property
    def comments(self) -> int:
        return len(self.inline) + len(self.file_level)

    @property
    def speaks(self) -> bool:
        """Whether anything is to be posted or changed besides the check run."""
        changes = (self.deletions, self.strikes, self.resolutions, self.restored)
        return bool(self.comments or any(changes))

    @property
    def new(self) -> tuple[Finding, ...]:
        """Every finding that no earlier comment speaks about."""
        placed: list[InlineComment | FileComment] = [*self.inline, *self.file_level]
        told = [each for comment in placed for each in (comment.finding, *comment.also)]
        return (*told, *(each.finding for each in self.unplaced))


def plan(
    pull_request: PullRequest,
    report: Report,
    config: Config,
    diff: Diff,
    problems: Sequence[ConfigProblem] = (),
    *,
    may_resolve: bool = False,
) -> ReviewPlan:
    """Place what the review found, given what was said before.

    `problems` are those of the configuration: with any, the check cannot fail or pass.
    `may_resolve`: our token can resolve threads, which needs contents: write.
    """
    asked = [f for f in report.findings if _is_asked_for(f, config)]
    talk = _Talk(pull_request.said, asked, diff)
    new = [each for each in asked if each not in talk.answered]
    comments = _Placing(config, diff, talk.open_inline, is_draft=pull_request.is_draft).place(new)
    gone = [each for each in talk.silent if _is_gone(each, report, diff)]
    fates = _Fates(gone, config, may_resolve=may_resolve)
    active = [f for f in asked if f not in talk.dismissed or talk.by_author(f, pull_request.author)]
    blocking = tuple(f for f in active if _blocks(f, config))
    return ReviewPlan(
        inline=comments.inline,
        file_level=comments.file_level,
        unplaced=comments.unplaced,
        annotations=_annotations(comments, asked, config),
        still_open=tuple(Said(f, talk.open[f]) for f in asked if f in talk.open),
        dismissed=tuple(Said(f, talk.dismissed[f]) for f in asked if f in talk.dismissed),
        blocking=blocking,
        deletions=fates.deletions,
        strikes=fates.strikes,
        resolutions=fates.resolutions,
        restored=tuple(Said(f, c) for f, c in talk.open.items() if c.is_struck),
        finished_reviews=_finished(fates.deletions, pull_request.said),
        fixed=tuple(gone),
        hotspots=len(report.findings) - len(asked),
        title=_title(active, problems),
        conclusion="neutral" if problems else "failure" if blocking else "success",
    )


def _is_asked_for(finding: Finding, config: Config) -> bool:
    return finding.confidence is Confidence.PROVEN or config.review.confidence == "all"


def _blocks(finding: Finding, config: Config) -> bool:
    if config.check.fail_on == "never" or finding.confidence is not Confidence.PROVEN:
        return False
    return finding.severity.rank >= Severity(config.check.fail_on).rank


class _Talk:
    """Findings matched with the comments that we made before."""

    def __init__(self, said: Iterable[OwnComment], findings: Sequence[Finding], diff: Diff) -> None:
        self.open: dict[Finding, OwnComment] = {}
        self.dismissed: dict[Finding, OwnComment] = {}
        self.silent: list[OwnComment] = []
        comments = tuple(said)
        renamed = {f.before_path: f.path for f in diff.values() if f.before_path}
        by_place = {(f.fingerprint, f.path): f for f in findings}
        by_print: defaultdict[str, list[Finding]] = defaultdict(list)
        for finding in findings:
            by_print[finding.fingerprint].append(finding)
        for comment in sorted(comments, key=lambda each: each.id):
            matched = []
            for fingerprint, path in comment.places():
                found = by_place.get((fingerprint, renamed.get(path, path)))
                if found is None and path not in diff:
                    # The file was renamed since we spoke, by a commit of this pull request.
                    found = next(iter(by_print[fingerprint]), None)
                if found is not None:
                    matched.append(found)
            self._note(comment, matched)

    def _note(self, comment: OwnComment, matched: list[Finding]) -> None:
        if comment.is_resolved and comment.resolved_by:
            self.dismissed.update(dict.fromkeys(matched, comment))
        elif comment.is_resolved:
            return  # resolved by us when it was fixed: if it is back, it is news
        elif matched:
            for finding in matched:
                self.open.setdefault(finding, comment)
        elif not comment.is_struck:
            self.silent.append(comment)

    @property
    def answered(self) -> frozenset[Finding]:
        return frozenset((*self.open, *self.dismissed))

    @property
    def open_inline(self) -> int:
        return len({comment.id for comment in self.open.values() if not comment.is_struck})

    def by_author(self, finding: Finding, author: str) -> bool:
        """Whether the one who dismissed it wrote the code: that hides it and clears nothing."""
        return self.dismissed[finding].resolved_by.lower() == author.lower()


@dataclass(frozen=True)
class _Comments:
    inline: tuple[InlineComment, ...]
    file_level: tuple[FileComment, ...]
    unplaced: tuple[Unplaced, ...]


@dataclass(frozen=True)
class _Spot:
    """Where a comment on a finding can stand; no lines: on the file."""

    first: int = 0
    last: int = 0
    suggestion: Suggestion | None = None


class _Placing:
    """Gives the new findings their places, the heaviest first, within the caps."""

    def __init__(self, config: Config, diff: Diff, already: int, *, is_draft: bool) -> None:
        self._review = config.review
        self._diff = diff
        self._inline_left = max(0, config.review.max_inline - already)
        self._file_left = config.review.max_file_level
        self._is_quiet = is_draft and config.review.drafts != "full"
        self._inline: list[InlineComment] = []
        self._file: list[FileComment] = []
        self._unplaced: list[Unplaced] = []

    def place(self, findings: Sequence[Finding]) -> _Comments:
        speakable = []
        for finding in findings:
            reason = self._silence(finding)
            if reason is not None:
                self._unplaced.append(Unplaced(finding, reason))
            else:
                speakable.append(finding)
        for group in self._groups(speakable):
            self._say(group)
        return _Comments(
            tuple(sorted(self._inline, key=lambda each: (each.finding.path, each.last))),
            tuple(self._file),
            tuple(self._unplaced),
        )

    def _silence(self, finding: Finding) -> Reason | None:
        if finding.confidence is not Confidence.PROVEN:
            return Reason.HOTSPOT
        if self._is_quiet:
            return Reason.DRAFT
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


def _is_gone(comment: OwnComment, report: Report, diff: Diff) -> bool:
    """Whether the absence of its findings proves anything.

    A file that was not read this time, or a rule that broke on it, proves nothing.
    """
    unread = {skip.path for skip in report.skipped}
    broken = {(crash.path, crash.rule) for crash in report.crashes}
    renamed = {f.before_path: f.path for f in diff.values() if f.before_path}
    for marker in comment.markers:
        path = marker.path or comment.path
        path = renamed.get(path, path)
        if path in unread or {(path, marker.code), ("", marker.code)} & broken:
            return False
    return True


class _Fates:
    """What becomes of the comments whose findings are gone."""

    def __init__(self, gone: Sequence[OwnComment], config: Config, *, may_resolve: bool) -> None:
        wish = config.review.on_fixed
        resolve = may_resolve and wish in ("auto", "resolve")
        delete = wish in ("auto", "delete") and not resolve
        self.resolutions = tuple(gone) if resolve else ()
        rest = [] if resolve else gone
        # Somebody answered: their words would lose what they are about.
        self.deletions = tuple(c for c in rest if delete and not c.has_replies)
        self.strikes = tuple(c for c in rest if not delete or c.has_replies)


def _finished(deletions: Iterable[OwnComment], said: Iterable[OwnComment]) -> tuple[int, ...]:
    """Reviews that lose their last comment, and would stay behind as an empty shell."""
    going = {comment.id for comment in deletions}
    by_fate: dict[bool, set[int]] = {True: set(), False: set()}
    for comment in said:
        if comment.review_id is not None:
            by_fate[comment.id in going].add(comment.review_id)
    return tuple(sorted(by_fate[True] - by_fate[False]))


def _annotations(
    comments: _Comments, asked: Sequence[Finding], config: Config
) -> tuple[Finding, ...]:
    if config.check.annotations == "none":
        return ()
    if config.check.annotations == "all":
        return tuple(asked)
    return tuple(each.finding for each in comments.unplaced if each.reason is not Reason.HOTSPOT)


def _title(active: Sequence[Finding], problems: Sequence[ConfigProblem]) -> str:
    count = Counter(each.severity for each in active)
    words = [
        f"{count[severity]} {severity.value}{'s' if count[severity] > 1 else ''}"
        for severity in sorted(count, key=lambda each: -each.rank)
    ]
    verdict = f"{', '.join(words)} introduced" if words else "No new findings"
    return f"{verdict}; the configuration has a mistake" if problems else verdict


def moved_to_summary(decided: ReviewPlan, refused: Sequence[Finding], config: Config) -> ReviewPlan:
    """The plan as it came out: comments that GitHub refused are told in the check run."""
    if not refused:
        return decided
    bad = frozenset(refused)
    comments = _Comments(
        tuple(each for each in decided.inline if each.finding not in bad),
        tuple(each for each in decided.file_level if each.finding not in bad),
        (*decided.unplaced, *(Unplaced(each, Reason.REFUSED) for each in refused)),
    )
    asked = [*decided.new, *(each.finding for each in (*decided.still_open, *decided.dismissed))]
    return replace(
        decided,
        inline=comments.inline,
        file_level=comments.file_level,
        unplaced=comments.unplaced,
        annotations=_annotations(comments, asked, config),
    )
