"""The message that travels from the door to the worker. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Action = Literal["opened", "reopened", "synchronize", "ready_for_review"]
"""What happened to a pull request; its repository says which of these start a review."""
ACTIONS: tuple[Action, ...] = get_args(Action)
Reason = Literal[Action, "event", "command", "rerequest", "sweep"]


@dataclass(frozen=True, slots=True)
class PullRequestKey:
    """One pull request of one installation, named by ids and names that GitHub signed."""

    installation: int
    repository_id: int
    owner: str
    repository: str
    number: int

    def __str__(self) -> str:
        return f"{self.owner}/{self.repository}#{self.number}"


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """Someone or something wants this pull request reviewed at its newest commit.

    The commit is not part of it: the worker reads the state of the pull request from
    GitHub, so events may come late, twice or in any order.
    """

    key: PullRequestKey
    reason: Reason


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A comment that may hold slash commands; the worker reads its text from GitHub."""

    key: PullRequestKey
    comment_id: int
    in_review_thread: bool
    sender: str


@dataclass(frozen=True, slots=True)
class ButtonRequest:
    """Somebody pressed a button of our check run; `button` is its identifier."""

    key: PullRequestKey
    button: str
    sender: str


@dataclass(frozen=True, slots=True)
class DeletedComment:
    """A person deleted a comment that a bot wrote; the ledger tells whether it was ours."""

    key: PullRequestKey
    comment_id: int
    sender: str


@dataclass(frozen=True, slots=True)
class QueuedMerge:
    """The merge queue waits for a verdict on a commit that holds this pull request."""

    key: PullRequestKey
    head: str


@dataclass(frozen=True, slots=True)
class Closing:
    """The pull request was closed: what became of our findings is counted."""

    key: PullRequestKey
    is_merged: bool


@dataclass(frozen=True, slots=True)
class Rerun:
    """All checks of a commit are asked for again, and the event names no pull request.

    That is so for the heads of forks. Which pull requests have this head, the queue knows.
    """

    installation: int
    repository_id: int
    owner: str
    repository: str
    head: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that asks nothing of Stet, with the reason in a few words."""

    reason: str


Errand = CommandRequest | ButtonRequest | DeletedComment | QueuedMerge | Closing
"""What waits with a pull request in the order in which it came, each answered once."""

ERRANDS: dict[str, type[Errand]] = {
    "command": CommandRequest,
    "button": ButtonRequest,
    "deleted": DeletedComment,
    "merge": QueuedMerge,
    "closing": Closing,
}

Request = ReviewRequest | Errand

# A check run may belong to several pull requests, so one event may ask for several reviews.
Decision = tuple[Request, ...] | Rerun | Ignored
