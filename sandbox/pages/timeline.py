"""The conversation of a pull request in the order of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.diffview import commits_of
from sandbox.entities import PullRequest, Review, User
from sandbox.pages.discussion import CommentView, ThreadView, issue_comment
from sandbox.state import State


@dataclass(frozen=True)
class CommitView:
    sha: str
    title: str
    body: str
    author: str
    date: str


@dataclass(frozen=True)
class ReviewView:
    id: int
    user: User
    verb: str
    body: str
    threads: tuple[ThreadView, ...]


@dataclass(frozen=True)
class Event:
    """One entry: a commit, a review with its threads, a comment, or the end."""

    kind: Literal["commit", "review", "comment", "closed", "merged"]
    at: str
    commit: CommitView | None = None
    review: ReviewView | None = None
    comment: CommentView | None = None
    user: User | None = None


VERBS = {
    "APPROVED": "approved these changes",
    "CHANGES_REQUESTED": "requested changes",
    "DISMISSED": "reviewed; the review was dismissed",
}
_ORDER = ("commit", "review", "comment", "closed", "merged")


def commit_views(pull: PullRequest) -> list[CommitView]:
    return [commit_view(pull, sha) for sha in commits_of(pull)]


def commit_view(pull: PullRequest, sha: str) -> CommitView:
    commit = pull.repository.git.commit(sha)
    title, _, body = commit.message.partition("\n")
    return CommitView(sha, title, body.strip(), commit.author.name, commit.committer.date)


def events_of(state: State, pull: PullRequest, threads: Sequence[ThreadView]) -> list[Event]:
    """Everything that happened; called with the lock held."""
    events = [Event("commit", one.date, commit=one) for one in commit_views(pull)]
    for review in state.reviews_of(pull):
        view = _review(state, review, threads)
        if view and review.submitted_at:
            events.append(Event("review", review.submitted_at, review=view))
    events += [
        Event("comment", one.created_at, comment=issue_comment(one))
        for one in state.issue_comments_of(pull)
    ]
    events.sort(key=lambda one: (one.at, _ORDER.index(one.kind)))
    if pull.merged_at:
        events.append(Event("merged", pull.merged_at, user=pull.merged_by))
    elif pull.closed_at:
        events.append(Event("closed", pull.closed_at))
    return events


def _review(state: State, review: Review, threads: Sequence[ThreadView]) -> ReviewView | None:
    """A reply is a review to GitHub, too: it is shown in its thread alone."""
    if review.state == "PENDING":
        return None
    own = {one.id for one in state.comments_of_review(review)}
    opened = tuple(one for one in threads if one.id in own)
    if not opened and not review.body and review.state == "COMMENTED":
        return None
    verb = VERBS.get(review.state, "reviewed")
    return ReviewView(review.id, review.user, verb, review.body, opened)
