"""From a plan to what operators see of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from rules.engine.finding import Finding, Report
from worker.journal import MOST_ROWS, Called, Detail, Outcome, Summary, Told, new_id, repository_of
from worker.logs import scrub
from worker.placing import FileComment, InlineComment
from worker.plan import ReviewPlan
from worker.pull_request import OwnComment, PullRequest

_MOST_WORDS = 200


class Stages:
    """Measures parts of a review, one after the other."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.monotonic()

    def end(self, name: str) -> None:
        """The part of that name ends now, and the next one begins."""
        now = time.monotonic()
        self.seconds[name] = now - self._since
        self._since = now


def reviewed(
    pull_request: PullRequest,
    plan: ReviewPlan,
    report: Report,
    *,
    stages: Mapping[str, float],
    facts: Mapping[str, str],
) -> Detail:
    """The entry of a review that was done just now. `stages` in seconds."""
    rows = list(_told(plan, report))
    summary = Summary(
        id=new_id(pull_request.key),
        repository=repository_of(pull_request.key),
        number=pull_request.key.number,
        head=pull_request.head,
        outcome=plan.conclusion,
        title=plan.title[:_MOST_WORDS],
        at=time.time(),
        seconds=sum(stages.values()),
        comments=plan.comments,
        findings=len(report.findings),
    )
    most = MOST_ROWS
    over = sum(max(len(each) - most, 0) for each in (rows, report.skipped, report.crashes))
    return Detail(
        summary,
        told=tuple(rows[:most]),
        unread=tuple((each.path, each.reason) for each in report.skipped[:most]),
        crashes=tuple(
            (c.rule, c.path, scrub(c.error)[:_MOST_WORDS]) for c in islice(report.crashes, most)
        ),
        stages=stages,
        facts=facts,
        rules=_called(rows[:most], report),
        left_out=over,
    )


def _called(rows: Iterable[Told], report: Report) -> dict[str, Called]:
    found = {each.code: Called(each.name, each.url) for each in report.findings}
    return {each.code: found[each.code] for each in rows if each.code in found}


def ended(pull_request: PullRequest, outcome: Outcome, title: str) -> Detail:
    """The entry of a review that was not done, or not to its end, just now."""
    return Detail(
        Summary(
            id=new_id(pull_request.key),
            repository=repository_of(pull_request.key),
            number=pull_request.key.number,
            head=pull_request.head,
            outcome=outcome,
            title=scrub(title)[:_MOST_WORDS],
            at=time.time(),
            seconds=0.0,
        )
    )


def _told(plan: ReviewPlan, report: Report) -> Iterator[Told]:
    placed: list[InlineComment | FileComment] = [*plan.inline, *plan.file_level]
    for comment in placed:
        yield _row(comment.finding, "comment")
        for each in comment.also:
            yield _row(each, "in the same comment")
    for unplaced in plan.unplaced:
        yield _row(unplaced.finding, f"check run only: {unplaced.reason.value}")
    for said in plan.still_open:
        yield _row(said.finding, "said before, still open")
    for said in plan.dismissed:
        yield _row(said.finding, "not said: its thread was resolved")
    for ignored in plan.ignored:
        yield _row(ignored.finding, f"not said: {_DISMISSED.get(ignored.why.kind, 'dismissed')}")
    for quiet in report.suppressed:
        yield _row(quiet.finding, "not said: silenced by a comment in the code")
    for gone in plan.fixed:
        yield from _gone(gone)


_DISMISSED = {
    "ignore": "ignored by a command",
    "fp": "called mistaken by a command",
    "deleted": "somebody deleted the comment",
    "gone": "the comment was deleted",
}


def _row(finding: Finding, fate: str) -> Told:
    line = 0 if finding.file_level else finding.span.line
    return Told(finding.code, finding.path, line, fate)


def _gone(comment: OwnComment) -> Iterator[Told]:
    for marker in comment.markers:
        yield Told(marker.code, marker.path or comment.path, comment.line or 0, "repaired")
