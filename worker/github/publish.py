"""The only writer: everything that Stet says on GitHub passes here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec

from rules.engine.finding import Finding
from worker.github import queries
from worker.github.client import Client
from worker.github.errors import GoneError, RefusedError, UnavailableError
from worker.github.pulls import read_threads
from worker.open_checks import OpenCheck, OpenChecks
from worker.plan import Conclusion, InlineComment, ReviewPlan
from worker.pull_request import OwnComment, PullRequest, own_comments
from worker.render import comment as words
from worker.render.check import Annotation, CheckText

log = logging.getLogger(__name__)

_ANNOTATIONS_AT_ONCE = 50
_MOST_PROBES = 24
_MOST_TRIES = 3

Gate = Callable[[], None]
"""Asked before each write; raises where writing is no longer ours to do."""


class _Id(msgspec.Struct):
    id: int


class _Review(msgspec.Struct):
    id: int
    state: str = ""


class Checks:
    """The check runs of one pull request. `gate` is asked before each write."""

    def __init__(self, client: Client, gate: Gate, open_checks: OpenChecks) -> None:
        self._client = client
        self._gate = gate
        self._open = open_checks

    def start(self, name: str, head: str, attempt: int) -> int:
        """The id of a check run in progress: a new one, or the one that a crash left open."""
        left = self._open.of(self._client.key)
        if left is not None and left.head == head:
            return left.id
        self.cancel_open("Superseded by a newer push")
        check = self._create(self._new(name, head, attempt) | {"status": "in_progress"})
        self._open.note(OpenCheck(self._client.key, head, check, time.time()))
        return check

    def cancel_open(self, why: str) -> None:
        """Close the check run of a review that never came to its end, if there is one."""
        left = self._open.of(self._client.key)
        if left is not None:
            output = {"title": why, "summary": "Its review was not finished."}
            self._close(left.id, "cancelled", {"output": output})

    def abandon(self, name: str, head: str, title: str, why: str) -> None:
        """Close what is open, or say in a new check run, that nothing came of it."""
        left = self._open.of(self._client.key)
        if left is None or left.head != head:
            self.conclude(name, head, "neutral", title, why)
            return
        self._close(left.id, "neutral", {"output": {"title": title, "summary": why}})

    def conclude(self, name: str, head: str, conclusion: Conclusion, title: str, why: str) -> None:
        """A check run that is over as soon as it is there."""
        self.cancel_open(title)
        body = self._new(name, head, 1) | {
            "status": "completed",
            "conclusion": conclusion,
            "completed_at": _now(),
            "output": {"title": title, "summary": why},
        }
        self._create(body)

    def finish(self, check: int, conclusion: Conclusion, text: CheckText) -> None:
        """Close a check run. Further requests add annotations, so the last one closes it."""
        output: dict[str, object] = {"title": text.title, "summary": text.summary}
        marks = [_annotation(each) for each in text.annotations]
        while len(marks) > _ANNOTATIONS_AT_ONCE:
            now, marks = marks[:_ANNOTATIONS_AT_ONCE], marks[_ANNOTATIONS_AT_ONCE:]
            self._update(check, {"output": output | {"annotations": now}})
        if text.text:
            output["text"] = text.text
        if marks:
            output["annotations"] = marks
        self._close(check, conclusion, {"output": output})

    def _close(self, check: int, conclusion: Conclusion, body: dict[str, object]) -> None:
        done = {"status": "completed", "conclusion": conclusion, "completed_at": _now()}
        try:
            self._update(check, {**done, **body})
        except GoneError:
            log.warning("%s: check run %d is gone", self._client.key, check)
        self._open.forget(self._client.key)

    def _new(self, name: str, head: str, attempt: int) -> dict[str, object]:
        key = self._client.key
        return {
            "name": name,
            "head_sha": head,
            "external_id": f"{key.repository_id}:{key.number}:{head}:{attempt}",
            "started_at": _now(),
        }

    def _create(self, body: dict[str, object]) -> int:
        self._gate()
        return self._client.write("POST", f"{self._client.repository}/check-runs", _Id, body).id

    def _update(self, check: int, body: dict[str, object]) -> None:
        path = f"{self._client.repository}/check-runs/{check}"
        for attempt in range(1, _MOST_TRIES + 1):
            self._gate()
            try:
                self._client.write("PATCH", path, _Id, body)
            except UnavailableError:
                # Closing twice does no harm; annotations sent twice would stand there twice.
                if attempt == _MOST_TRIES or "annotations" in str(body.get("output")):
                    raise
            else:
                return


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _annotation(mark: Annotation) -> dict[str, object]:
    columns: dict[str, object] = {}
    if mark.start_column is not None and mark.end_column is not None:
        columns = {"start_column": mark.start_column, "end_column": mark.end_column}
    return {
        "path": mark.path,
        "start_line": mark.start_line,
        "end_line": mark.end_line,
        "annotation_level": mark.level,
        "title": mark.title,
        "message": mark.message,
        **columns,
    }


@dataclass(frozen=True, slots=True)
class Spoken:
    """What publishing came to: findings whose place GitHub refused."""

    refused: tuple[Finding, ...] = ()


class Speaker:
    """Says what a plan says on a pull request: one review, and silent changes of old words."""

    def __init__(
        self, client: Client, pull_request: PullRequest, gate: Gate, why: words.Why
    ) -> None:
        self._client = client
        self._pull = pull_request
        self._gate = gate
        self._why = why
        self._root = f"{client.repository}/pulls/{pull_request.key.number}"
        self._comments = f"{client.repository}/pulls/comments"

    def say(self, plan: ReviewPlan) -> Spoken:
        """Post and edit. Everything can be said again after a crash: it is not said twice."""
        refused = self._post_review(plan) + self._post_file_comments(plan)
        for said in plan.restored:
            body = words.restored_comment(said.finding, self._pull, self._why)
            self._edit(said.comment, body)
        for comment in plan.strikes:
            self._edit(comment, words.struck_comment(comment, self._pull.head))
        for comment in plan.deletions:
            self._try("DELETE", f"{self._comments}/{comment.id}")
        for comment in plan.resolutions:
            self._resolve(comment)
        for review in plan.finished_reviews:
            body = words.finished_review_body(self._pull.head)
            self._try("PUT", f"{self._root}/reviews/{review}", {"body": body})
        return Spoken(tuple(refused))

    def _post_review(self, plan: ReviewPlan) -> list[Finding]:
        if not plan.inline:
            return []
        comments = list(plan.inline)
        try:
            self._send_review(plan, comments)
        except RefusedError as refusal:
            log.warning("%s: review refused, looking for the comment: %s", self._pull.key, refusal)
            good = self._good(comments)
            if good:
                self._send_review(replace(plan, inline=tuple(good)), good)
            bad = [each for each in comments if each not in good]
            return [finding for each in bad for finding in (each.finding, *each.also)]
        return []

    def _send_review(self, plan: ReviewPlan, comments: Sequence[InlineComment]) -> None:
        body = {
            "commit_id": self._pull.head,
            "event": "COMMENT",
            "body": words.review_body(plan, self._pull.head),
            "comments": [self._inline(each) for each in comments],
        }
        for attempt in range(1, _MOST_TRIES + 1):
            self._gate()
            try:
                self._client.write("POST", f"{self._root}/reviews", _Id, body)
            except UnavailableError:
                # It may have been posted all the same: our own markers tell.
                if self._is_posted(comments):
                    return
                if attempt == _MOST_TRIES:
                    raise
            else:
                return

    def _inline(self, comment: InlineComment) -> dict[str, object]:
        place: dict[str, object] = {"line": comment.last, "side": "RIGHT"}
        if comment.first < comment.last:
            place |= {"start_line": comment.first, "start_side": "RIGHT"}
        body = words.inline_comment(comment, self._pull, self._why)
        return {"path": comment.finding.path, "body": body, **place}

    def _is_posted(self, comments: Sequence[InlineComment]) -> bool:
        wanted = {(each.finding.fingerprint, each.finding.path) for each in comments}
        return any(
            marker.sha == self._pull.head and (marker.fingerprint, own.path) in wanted
            for own in own_comments(read_threads(self._client))
            for marker in own.markers
        )

    def _good(self, comments: Sequence[InlineComment]) -> list[InlineComment]:
        """The comments that GitHub takes, found by halves with reviews that nobody sees."""
        self._drop_pending()
        good: list[InlineComment] = []
        waiting = [list(comments)]
        probes = 0
        while waiting and probes < _MOST_PROBES:
            group = waiting.pop()
            probes += 1
            if self._probe(group):
                good += group
            elif len(group) > 1:
                half = len(group) // 2
                waiting += [group[half:], group[:half]]
        return good

    def _probe(self, comments: Sequence[InlineComment]) -> bool:
        """Whether GitHub takes these comments in a pending review, which is then deleted."""
        self._gate()
        marks = [self._inline(each) | {"body": "…"} for each in comments]
        body = {"commit_id": self._pull.head, "comments": marks}
        try:
            review = self._client.write("POST", f"{self._root}/reviews", _Id, body)
        except RefusedError:
            return False
        self._client.write("DELETE", f"{self._root}/reviews/{review.id}", object)
        return True

    def _drop_pending(self) -> None:
        """A crash in the middle of a probe leaves a pending review, and GitHub allows only one."""
        reviews = self._client.get(f"{self._root}/reviews", list[_Review], {"per_page": 100})
        for review in reviews:
            if review.state == "PENDING":
                self._try("DELETE", f"{self._root}/reviews/{review.id}")

    def _post_file_comments(self, plan: ReviewPlan) -> list[Finding]:
        refused: list[Finding] = []
        for each in plan.file_level:
            self._gate()
            body = {
                "commit_id": self._pull.head,
                "path": each.finding.path,
                "subject_type": "file",
                "body": words.file_comment(each, self._pull, self._why),
            }
            try:
                self._client.write("POST", f"{self._root}/comments", _Id, body)
            except RefusedError as refusal:
                log.warning("%s: comment on a file refused: %s", self._pull.key, refusal)
                refused += [each.finding, *each.also]
        return refused

    def _edit(self, comment: OwnComment, body: str) -> None:
        if body != comment.body:
            self._try("PATCH", f"{self._comments}/{comment.id}", {"body": body})

    def _try(self, method: str, path: str, json: object = None) -> None:
        """A change of something old, which may be gone by now: then there is nothing to change."""
        self._gate()
        try:
            self._client.write(method, path, object, json)
        except GoneError:
            log.info("%s: already gone", path)

    def _resolve(self, comment: OwnComment) -> None:
        self._gate()
        self._client.graphql(queries.RESOLVE, {"thread": comment.thread_id}, object)


def react(client: Client, comment: int, content: str, *, in_thread: bool) -> None:
    """Put a reaction on somebody's comment; the same one twice is one."""
    kind = "pulls" if in_thread else "issues"
    path = f"{client.repository}/{kind}/comments/{comment}/reactions"
    client.write("POST", path, object, {"content": content})


def reply(client: Client, comment: int, body: str, *, in_thread: bool) -> None:
    """Answer a comment: in its thread, or at the end of the conversation."""
    number = client.key.number
    if in_thread:
        path = f"{client.repository}/pulls/{number}/comments/{comment}/replies"
    else:
        path = f"{client.repository}/issues/{number}/comments"
    client.write("POST", path, object, {"body": body})
