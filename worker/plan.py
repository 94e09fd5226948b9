"""What to say about a review, and where. Pure: every finding is placed, or left out with a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from rules.engine.config import Config, ConfigProblem
from rules.engine.finding import Finding, Report
from rules.kit import Confidence, Severity
from worker.hunks import Diff
from worker.ledger import Dismissal, Ending, Ledger
from worker.matching import Said, Talk, is_gone
from worker.placing import Comments, FileComment, InlineComment, Placing, Reason, Unplaced
from worker.pull_request import OwnComment, PullRequest

Conclusion = Literal["success", "failure", "neutral", "cancelled"]


MOST_INLINE = 30
"""Comments on lines in one review, when somebody asks for all: GitHub takes more for abuse."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked for besides a review.

    `full`: comments on old lines come to where the code is now, and the cap counts anew.
    `everything`: comments in spite of the draft and of the cap. `fixes`: the one rule whose
    fixes are wanted; empty for all. `action`: what happened to the pull request, where nobody
    asked for anything.
    """

    full: bool = False
    everything: bool = False
    fixes: str = ""
    action: str = ""


PLAIN = Asked()


@dataclass(frozen=True, slots=True)
class Ignored:
    """A finding that somebody dismissed by a command, or by deleting our comment."""

    finding: Finding
    why: Dismissal


@dataclass(frozen=True, slots=True)
class Noted:
    """A comment that is to say that it was dismissed; without `why`, that it is not any more."""

    comment: OwnComment
    why: Dismissal | None


@dataclass(frozen=True)
class ReviewPlan:
    """Everything that publishing does, decided.

    `fixed` are the comments whose findings are gone; each is also among the deletions,
    strikes or resolutions; so are the `silenced`, which a comment in the code silences, and those
    of rules that are `off`. `reopened` are back, in threads that we had resolved.
    `finished_reviews` are ids of reviews that lose all comments, `emptied_reviews` of those whose
    last comments only come along to another review.
    `moved` stand on lines that are no more and say where the code is now; `relocated` are old
    comments whose findings are among `inline` again, beside their lines: they are deleted.
    """

    inline: tuple[InlineComment, ...]
    file_level: tuple[FileComment, ...]
    unplaced: tuple[Unplaced, ...]
    annotations: tuple[Finding, ...]
    still_open: tuple[Said, ...]
    dismissed: tuple[Said, ...]
    ignored: tuple[Ignored, ...]
    noted: tuple[Noted, ...]
    moved: tuple[Said, ...]
    relocated: tuple[Said, ...]
    blocking: tuple[Finding, ...]
    deletions: tuple[OwnComment, ...]
    strikes: tuple[OwnComment, ...]
    resolutions: tuple[OwnComment, ...]
    restored: tuple[Said, ...]
    reopened: tuple[Said, ...]
    finished_reviews: tuple[int, ...]
    emptied_reviews: tuple[int, ...]
    fixed: tuple[OwnComment, ...]
    silenced: tuple[OwnComment, ...]
    off: tuple[OwnComment, ...]
    hotspots: int
    title: str
    conclusion: Conclusion

    @property
    def comments(self) -> int:
        return len(self.inline) + len(self.file_level)

    @property
    def speaks(self) -> bool:
        """Whether anything is to be posted or changed besides the check run."""
        old = (self.deletions, self.strikes, self.resolutions)
        edits = (self.restored, self.reopened, self.moved, self.noted)
        return bool(self.comments or any(old) or any(edits))

    def ending_of(self, comment: OwnComment) -> Ending | None:
        """How the findings of a comment went away, if not by a repair."""
        if comment in self.off:
            return "off"
        return "silenced" if comment in self.silenced else None

    @property
    def new(self) -> tuple[Finding, ...]:
        """Every finding that no earlier comment speaks about."""
        placed: list[InlineComment | FileComment] = [*self.inline, *self.file_level]
        old = {each.finding for each in self.relocated}
        told = [each for comment in placed for each in (comment.finding, *comment.also)]
        return (*(f for f in told if f not in old), *(each.finding for each in self.unplaced))


def plan(
    pull_request: PullRequest,
    report: Report,
    config: Config,
    diff: Diff,
    problems: Sequence[ConfigProblem] = (),
    *,
    ledger: Ledger = Ledger(),  # noqa: B008  # frozen
    wish: Asked = PLAIN,
    demoted: Collection[str] = (),
    off: Collection[str] = (),
    may_resolve: bool = False,
) -> ReviewPlan:
    """Place what the review found, given what was said before.

    `demoted` are codes of rules that the repository does not want comments of, `off` of those
    that did not run at all.
    `problems` are those of the configuration: with any, the check cannot fail or pass.
    `may_resolve`: our token can resolve threads, which needs contents: write.
    """
    asked = [f for f in report.findings if _is_asked_for(f, config)]
    talk = Talk(pull_request.said, asked, diff, may_resolve=may_resolve)
    ignored = {f: why for f in asked if (why := _dismissal(f, ledger, diff)) is not None}
    new = [each for each in asked if each not in talk.answered and each not in ignored]
    silence = _silence(pull_request, config, ledger, wish)
    stray = [s for s in talk.stray() if s.finding not in ignored]
    comments, relocated = _Room(config, diff, talk, silence, wish, demoted).placed(new, stray)
    gone = [each for each in talk.silent if is_gone(each, report, diff)]
    fates = _Fates(gone, config, may_resolve=may_resolve)
    deletions = (*fates.deletions, *(each.comment for each in relocated))
    ends = _Ends(gone, report, diff, off)
    unwanted = (talk.open[f] for f in ignored if f in talk.open)
    hushed = {each.id: each for each in unwanted if not each.is_resolved}
    active = [
        f
        for f in asked
        if (f not in talk.dismissed or talk.by_author(f, pull_request.author))
        and not (f in ignored and ignored[f].clears)
    ]
    blocking = tuple(f for f in active if _blocks(f, config))
    emptied = _emptied(deletions, pull_request.said)
    moving = {each.comment.review_id for each in relocated}
    return ReviewPlan(
        inline=comments.inline,
        file_level=comments.file_level,
        unplaced=comments.unplaced,
        annotations=_annotations(comments, [f for f in asked if f not in ignored], config),
        still_open=tuple(
            Said(f, talk.open[f]) for f in asked if f in talk.open and f not in ignored
        ),
        dismissed=tuple(Said(f, talk.dismissed[f]) for f in asked if f in talk.dismissed),
        ignored=tuple(Ignored(f, why) for f, why in ignored.items() if f not in talk.dismissed),
        noted=_noted(talk, ignored),
        moved=tuple(each for each in stray if each not in relocated),
        relocated=relocated,
        blocking=blocking,
        deletions=deletions,
        strikes=fates.strikes,
        resolutions=(*fates.resolutions, *(hushed.values() if may_resolve else ())),
        restored=tuple(Said(f, c) for f, c in talk.open.items() if c.is_struck),
        reopened=tuple(each for each in talk.reopened() if each.finding not in ignored),
        finished_reviews=tuple(e for e in emptied if e not in moving),
        emptied_reviews=tuple(e for e in emptied if e in moving),
        fixed=ends.fixed,
        silenced=ends.silenced,
        off=ends.off,
        hotspots=len(report.findings) - len(asked),
        title=_title(active, problems),
        conclusion="neutral" if problems else "failure" if blocking else "success",
    )


def _noted(talk: Talk, ignored: Mapping[Finding, Dismissal]) -> tuple[Noted, ...]:
    """Comments that do not say yet what became of all their findings."""
    found = []
    for comment in dict.fromkeys(talk.open.values()):
        about = [finding for finding, each in talk.open.items() if each is comment]
        why = ignored[about[0]] if all(each in ignored for each in about) else None
        if (why is not None) != comment.is_noted and not comment.is_struck:
            found.append(Noted(comment, why))
    return tuple(found)


def _dismissal(finding: Finding, ledger: Ledger, diff: Diff) -> Dismissal | None:
    file = diff.get(finding.path)
    paths = [finding.path, *([file.before_path] if file and file.before_path else [])]
    return ledger.dismissal(finding.code, finding.fingerprint, paths)


def _silence(
    pull_request: PullRequest, config: Config, ledger: Ledger, wish: Asked
) -> Reason | None:
    """Why nothing at all is said outside the check run."""
    if ledger.paused_by:
        return Reason.PAUSED
    if pull_request.is_draft and config.review.drafts != "full" and not wish.everything:
        return Reason.DRAFT
    return None


@dataclass(frozen=True)
class _Room:
    """What placing goes by."""

    config: Config
    diff: Diff
    talk: Talk
    silence: Reason | None
    wish: Asked
    demoted: Collection[str]

    def placed(
        self, new: Sequence[Finding], stray: Sequence[Said]
    ) -> tuple[Comments, tuple[Said, ...]]:
        """The new findings in their places, and old comments that come along to theirs.

        A comment on a line that is no more moves only with a review that is posted anyway, or
        when somebody asks: a review of its own would be a mail that says nothing new.
        """
        already = 0 if self.wish.full or self.wish.everything else self.talk.open_inline
        comments = self._placing(already).place(new)
        movable = [s for s in stray if not s.comment.has_replies and len(s.comment.markers) == 1]
        if self.silence or not movable or not (comments.inline or self.wish.full):
            return comments, ()
        taken = already + len(comments.inline) - len(movable)
        again = self._placing(taken).place([each.finding for each in movable]).inline
        shown = {finding for inline in again for finding in (inline.finding, *inline.also)}
        both = sorted(
            (*comments.inline, *(_apart(each, comments.inline) for each in again)),
            key=lambda inline: (inline.finding.path, inline.last),
        )
        relocated = tuple(old for old in movable if old.finding in shown)
        return replace(comments, inline=tuple(both)), relocated

    def _placing(self, already: int) -> Placing:
        config = self.config
        if self.wish.everything:
            review = msgspec.structs.replace(config.review, max_inline=MOST_INLINE)
            config = msgspec.structs.replace(config, review=review)
        return Placing(config, self.diff, already, silence=self.silence, demoted=self.demoted)


def _apart(comment: InlineComment, others: Sequence[InlineComment]) -> InlineComment:
    """Without its suggestion, where another one wants one of its lines."""
    block = comment.suggestion
    wanted = (c.suggestion for c in others if c.finding.path == comment.finding.path)
    if block is None or not any(other and block.overlaps(other) for other in wanted):
        return comment
    return replace(comment, suggestion=None)


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


class _Ends:
    """Why findings are gone: repaired, silenced in the code, or their rule did not run."""

    def __init__(
        self, gone: Sequence[OwnComment], report: Report, diff: Diff, off: Collection[str]
    ) -> None:
        names = {f.path: f.before_path for f in diff.values() if f.before_path}
        silent = {
            (each.finding.fingerprint, path)
            for each in report.suppressed
            for path in (each.finding.path, names.get(each.finding.path, each.finding.path))
        }
        self.off = tuple(c for c in gone if all(m.code in off for m in c.markers))
        rest = [c for c in gone if c not in self.off]
        self.silenced = tuple(c for c in rest if c.places() <= silent)
        self.fixed = tuple(c for c in rest if c not in self.silenced)


def _emptied(deletions: Iterable[OwnComment], said: Iterable[OwnComment]) -> tuple[int, ...]:
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
