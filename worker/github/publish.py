"""What Stet says on a pull request. With `checks`, the only code that writes to GitHub."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import msgspec

from rules.engine.finding import Finding
from worker import keepsakes
from worker.github import queries
from worker.github.client import Client
from worker.github.errors import ConflictError, GoneError, RefusedError, UnavailableError
from worker.github.gate import Gate, unguarded
from worker.github.pulls import read_own_reviews, read_threads
from worker.ledger import Dismissal
from worker.placing import FileComment, InlineComment
from worker.plan import ReviewPlan
from worker.pull_request import OwnComment, PullRequest, own_comments
from worker.render import comment as words
from worker.render.dismissal import noted_comment

log = logging.getLogger(__name__)

_MOST_PROBES = 24
_MOST_TRIES = 3


class _Id(msgspec.Struct):
    id: int


class _Review(msgspec.Struct):
    id: int
    state: str = ""
    node_id: str = ""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What publishing came to: findings whose place GitHub refused."""

    refused: tuple[Finding, ...] = ()


class Speaker:
    """Says what a plan says on a pull request: one review, and silent changes of old words."""

    def __init__(
        self,
        client: Client,
        pull_request: PullRequest,
        gate: Gate,
        why: words.Why,
        kept: Mapping[str, Dismissal] = MappingProxyType({}),
    ) -> None:
        self._kept = kept
        self._client = client
        self._pull = pull_request
        self._gate = gate
        self._why = why
        self._root = f"{client.repository}/pulls/{pull_request.key.number}"
        self._comments = f"{client.repository}/pulls/comments"

    def say(self, plan: ReviewPlan) -> Spoken:
        """Post and edit. Everything can be said again after a crash: it is not said twice."""
        refused = self._post_review(plan)
        for said in plan.restored:
            body = words.restored_comment(said.finding, self._pull, self._why)
            self._edit(said.comment, body)
        for noted in plan.noted:
            self._edit(noted.comment, noted_comment(noted.comment, noted.why))
        for said in plan.moved:
            self._edit(said.comment, words.moved_comment(said.comment, said.finding, self._pull))
        for comment in plan.strikes:
            ending = plan.ending_of(comment)
            self._edit(comment, words.struck_comment(comment, self._pull.head, ending))
        for comment in plan.deletions:
            self._try("DELETE", f"{self._comments}/{comment.id}")
        for comment in plan.resolutions:
            self._mutate(queries.RESOLVE, comment)
        for said in plan.reopened:
            self._mutate(queries.UNRESOLVE, said.comment)
        for review in plan.finished_reviews:
            self._rewrite(review, words.finished_review_body(plan, self._pull.head))
        for review in plan.emptied_reviews:
            self._rewrite(review, words.emptied_review_body(self._pull.head))
        return Spoken(tuple(refused))

    def keep(self) -> None:
        """Write what was dismissed, and is shown nowhere, into a review of ours."""
        review = keepsakes.holder(read_own_reviews(self._client))
        if review is not None:
            self._rewrite(review.id, review.body)

    def _rewrite(self, review: int, body: str) -> None:
        """The hidden lines go along: this body may be the one that holds them."""
        if self._kept or keepsakes.words_of(body) != body:
            body = keepsakes.keeping(body, self._kept, time.time_ns() // 1_000_000)
        try:
            self._try("PUT", f"{self._root}/reviews/{review}", {"body": body})
        except RefusedError as refusal:
            log.warning("%s: body of a review refused: %s", self._pull.key, refusal)

    def _post_review(self, plan: ReviewPlan) -> list[Finding]:
        """Everything in one review, which is one mail. Answers what found no place."""
        if not plan.comments:
            return []
        comments = list(plan.inline)
        try:
            return self._send_review(plan, comments)
        except ConflictError:
            raise
        except RefusedError as refusal:
            log.warning("%s: review refused, looking for the comment: %s", self._pull.key, refusal)
        good = self._good(comments)
        bad = [f for each in comments if each not in good for f in (each.finding, *each.also)]
        if not (good or plan.file_level):
            return bad
        return bad + self._send_review(replace(plan, inline=tuple(good)), good)

    def _send_review(self, plan: ReviewPlan, comments: Sequence[InlineComment]) -> list[Finding]:
        for attempt in range(1, _MOST_TRIES + 1):
            try:
                return self._send_once(plan, comments)
            except UnavailableError:
                # It may have been posted all the same: our own markers tell.
                if self._is_posted([*comments, *plan.file_level]):
                    return []
                if attempt == _MOST_TRIES:
                    raise
                if plan.file_level:
                    self._drop_pending()
        raise AssertionError("unreachable")

    def _send_once(self, plan: ReviewPlan, comments: Sequence[InlineComment]) -> list[Finding]:
        """In one request; with comments on files, which REST would post one by one, in parts."""
        words_of_review = {"event": "COMMENT", "body": words.review_body(plan, self._pull.head)}
        given = {
            "commit_id": self._pull.head,
            "comments": [self._inline(each) for each in comments],
        }
        path = f"{self._root}/reviews"
        if not plan.file_level:
            self._client.write("POST", path, _Id, given | words_of_review, gate=self._gate)
            return []
        review = self._client.write("POST", path, _Review, given, gate=self._gate)
        refused = [each for each in plan.file_level if not self._add(each, review)]
        if comments or len(refused) < len(plan.file_level):
            events = f"{path}/{review.id}/events"
            self._client.write("POST", events, _Id, words_of_review, gate=self._gate)
        else:
            self._client.write("DELETE", f"{path}/{review.id}", object, gate=unguarded)
        return [finding for each in refused for finding in (each.finding, *each.also)]

    def _add(self, comment: FileComment, review: _Review) -> bool:
        """Put a comment on a file into a review that is not submitted yet."""
        body = words.file_comment(comment, self._pull, self._why)
        given = {"review": review.node_id, "path": comment.finding.path, "body": body}
        try:
            added = self._client.mutate(
                queries.ADD_FILE_THREAD, given, queries.AddedThread, gate=self._gate
            )
        except (RefusedError, GoneError) as refusal:
            log.warning("%s: comment on a file refused: %s", self._pull.key, refusal)
            return False
        return added.add_pull_request_review_thread is not None

    def _inline(self, comment: InlineComment) -> dict[str, object]:
        place: dict[str, object] = {"line": comment.last, "side": "RIGHT"}
        if comment.first < comment.last:
            place |= {"start_line": comment.first, "start_side": "RIGHT"}
        body = words.inline_comment(comment, self._pull, self._why)
        return {"path": comment.finding.path, "body": body, **place}

    def _is_posted(self, comments: Sequence[InlineComment | FileComment]) -> bool:
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
        marks = [self._inline(each) | {"body": "…"} for each in comments]
        body = {"commit_id": self._pull.head, "comments": marks}
        reviews = f"{self._root}/reviews"
        try:
            review = self._client.write("POST", reviews, _Id, body, gate=self._gate)
        except RefusedError:
            return False
        self._client.write("DELETE", f"{reviews}/{review.id}", object, gate=unguarded)
        return True

    def _drop_pending(self) -> None:
        """A crash in the middle of a probe leaves a pending review, and GitHub allows only one."""
        reviews = self._client.get(f"{self._root}/reviews", list[_Review], {"per_page": 100})
        for review in reviews:
            if review.state == "PENDING":
                self._try("DELETE", f"{self._root}/reviews/{review.id}")

    def _edit(self, comment: OwnComment, body: str) -> None:
        if body != comment.body:
            self._try("PATCH", f"{self._comments}/{comment.id}", {"body": body})

    def _try(self, method: str, path: str, json: object = None) -> None:
        """A change of something old, which may be gone by now: then there is nothing to change."""
        try:
            self._client.write(method, path, object, json, gate=self._gate)
        except GoneError:
            log.info("%s: already gone", path)

    def _mutate(self, mutation: str, comment: OwnComment) -> None:
        """Resolve a thread or open it again; it may be gone by now."""
        thread = {"thread": comment.thread_id}
        try:
            self._client.mutate_at_last(mutation, thread, object, gate=self._gate)
        except GoneError:
            log.info("%s: a thread is already gone", self._pull.key)


def react(client: Client, gate: Gate, comment: int, content: str, *, in_thread: bool) -> None:
    """Put a reaction on somebody's comment; the same one twice is one."""
    kind = "pulls" if in_thread else "issues"
    path = f"{client.repository}/{kind}/comments/{comment}/reactions"
    client.write("POST", path, object, {"content": content}, gate=gate)


def reply(client: Client, gate: Gate, comment: int, body: str, *, in_thread: bool) -> int:
    """Answer a comment: in its thread, or at the end of the conversation. The answer's id."""
    number = client.key.number
    if in_thread:
        path = f"{client.repository}/pulls/{number}/comments/{comment}/replies"
    else:
        path = f"{client.repository}/issues/{number}/comments"
    return client.write("POST", path, _Id, {"body": body}, gate=gate).id


def edit_remark(client: Client, gate: Gate, comment: int, body: str) -> None:
    """Change a comment of ours in the conversation. GoneError if it was deleted."""
    path = f"{client.repository}/issues/comments/{comment}"
    client.write("PATCH", path, object, {"body": body}, gate=gate)
