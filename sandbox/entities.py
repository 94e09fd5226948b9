"""What the stand-in remembers besides git: people, pull requests, words, checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.diffs import Side
from sandbox.git import Git

Json = dict[str, Any]
Role = Literal["read", "triage", "write", "maintain", "admin"]
ROLES: tuple[Role, ...] = ("read", "triage", "write", "maintain", "admin")
REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


@dataclass
class User:
    id: int
    login: str
    type: Literal["User", "Organization", "Bot"]
    name: str
    created_at: str


@dataclass
class App:
    id: int
    slug: str
    name: str
    client_id: str
    owner: User
    bot: User
    private_key_pem: str
    public_key_pem: str
    webhook_url: str | None
    webhook_secret: str
    permissions: dict[str, str]
    events: tuple[str, ...]
    hook_id: int
    created_at: str


@dataclass
class Label:
    id: int
    name: str
    color: str
    description: str | None


@dataclass
class Repository:
    id: int
    owner: User
    name: str
    git: Git
    private: bool
    default_branch: str
    created_at: str
    pushed_at: str
    parent: Repository | None = None
    description: str | None = None
    collaborators: dict[str, Role] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    last_number: int = 0

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"


@dataclass
class Installation:
    id: int
    app: App
    account: User
    permissions: dict[str, str]
    repository_ids: set[int] | None  # None: all repositories of the account
    created_at: str
    updated_at: str
    suspended_by: User | None = None
    suspended_at: str | None = None
    removed: bool = False

    def covers(self, repository: Repository) -> bool:
        if self.removed or repository.owner is not self.account:
            return False
        return self.repository_ids is None or repository.id in self.repository_ids


@dataclass
class Token:
    value: str
    user: User | None
    installation: Installation | None
    expires_at: float | None
    permissions: dict[str, str]
    repository_ids: set[int] | None  # None: all that the installation covers


@dataclass
class PullRequest:
    id: int
    number: int
    repository: Repository
    title: str
    body: str | None
    user: User
    head_repository: Repository | None  # None: the fork was deleted
    head_owner: User
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
    draft: bool
    created_at: str
    updated_at: str
    maintainer_can_modify: bool = False
    state: Literal["open", "closed"] = "open"
    closed_at: str | None = None
    merged_at: str | None = None
    merged_by: User | None = None
    merge_commit_sha: str | None = None
    labels: list[str] = field(default_factory=list)
    reviewers: list[User] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(frozen=True)
class QueueEntry:
    """A pull request in the merge queue, and the commit that its merge would be."""

    pull_request: PullRequest
    branch: str
    head_sha: str
    base_sha: str
    queued_by: User


@dataclass
class Reaction:
    id: int
    user: User
    content: str
    created_at: str


@dataclass
class IssueComment:
    id: int
    pull_request: PullRequest
    user: User
    body: str
    created_at: str
    updated_at: str
    app: App | None = None
    minimized: str | None = None
    reactions: list[Reaction] = field(default_factory=list)


ReviewState = Literal["PENDING", "COMMENTED", "APPROVED", "CHANGES_REQUESTED", "DISMISSED"]


@dataclass
class Review:
    id: int
    pull_request: PullRequest
    user: User
    body: str
    state: ReviewState
    commit_id: str
    submitted_at: str | None
    minimized: str | None = None


@dataclass(frozen=True)
class Anchor:
    """Where a comment stands in the diff of a commit; no line: on the whole file."""

    path: str
    line: int | None
    side: Side
    start_line: int | None
    start_side: Side | None
    position: int | None


@dataclass
class ReviewComment:
    id: int
    review: Review
    user: User
    body: str
    original: Anchor
    original_commit: str
    original_merge_base: str
    diff_hunk: str
    created_at: str
    updated_at: str
    in_reply_to: int | None = None
    minimized: str | None = None
    reactions: list[Reaction] = field(default_factory=list)

    @property
    def pull_request(self) -> PullRequest:
        return self.review.pull_request

    @property
    def on_file(self) -> bool:
        return self.original.line is None

    @property
    def thread_id(self) -> int:
        """The id of the comment that opened the thread."""
        return self.in_reply_to or self.id


@dataclass
class Thread:
    id: int  # of the comment that opened it; outlives that comment
    pull_request: PullRequest
    resolved_by: User | None = None


@dataclass
class CheckSuite:
    id: int
    repository: Repository
    app: App
    head_sha: str
    head_branch: str | None
    before: str
    created_at: str
    updated_at: str


@dataclass
class CheckRun:
    id: int
    suite: CheckSuite
    name: str
    external_id: str
    details_url: str | None
    status: str
    conclusion: str | None
    started_at: str | None
    completed_at: str | None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[Json] = field(default_factory=list)
    actions: list[Json] = field(default_factory=list)


@dataclass(frozen=True)
class Mail:
    """What a watcher of the pull request would be mailed."""

    kind: Literal["review", "comment", "reply"]
    author: str
    repository: str
    number: int
    text: str
