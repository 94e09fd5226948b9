"""What to say about a review, and where. Pure: every finding is placed, or left out with a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rules.engine.config import Config, ConfigProblem
from rules.engine.finding import Finding, Report
from rules.kit import Confidence, Severity
from worker.hunks import Diff
from worker.matching import Said, Talk, is_gone
from worker.placing import Comments, FileComment, InlineComment, Placing, Reason, Unplaced
from worker.pull_request import OwnComment, PullRequest

Conclusion = Literal["success", "failure", "neutral", "cancelled"]


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
    talk = Talk(pull_request.said, asked, diff)
    new = [each for each in asked if each not in talk.answered]
    comments = Placing(config, diff, talk.open_inline, is_draft=pull_request.is_draft).place(new)
    gone = [each for each in talk.silent if is_gone(each, report, diff)]
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
    comments: Comments, asked: Sequence[Finding], config: Config
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
    comments = Comments(
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
