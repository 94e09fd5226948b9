"""Everything one stand-in holds. One object, passed in; one lock, held by whoever works on it."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import RLock

from sandbox.clock import Clock
from sandbox.contract import Contract
from sandbox.deliveries import Deliveries
from sandbox.entities import (
    App,
    CheckRun,
    CheckSuite,
    Installation,
    IssueComment,
    Mail,
    PullRequest,
    QueueEntry,
    Repository,
    Review,
    ReviewComment,
    Role,
    Thread,
    Token,
    User,
)
from sandbox.faults import Faults


class IdSource:
    """Ids that grow; each kind starts at its own height so that they are not confused.

    Apps and installations have ids of no other stand-in: clients cache tokens under them.
    """

    def __init__(self) -> None:
        self._next: dict[str, count[int]] = {}

    def __call__(self, kind: str) -> int:
        start = 1_000 + 10_000 * (len(self._next) + 1)
        if kind in ("app", "installation"):
            start = 1_000_000 + secrets.randbelow(1_000_000_000)
        return next(self._next.setdefault(kind, count(start)))


@dataclass
class State:
    folder: Path  # holds the bare repositories
    contract: Contract
    clock: Clock
    faults: Faults
    deliveries: Deliveries
    url: str = ""  # of the pages, without a slash at the end
    lock: RLock = field(default_factory=RLock)
    new_id: IdSource = field(default_factory=IdSource)
    users: dict[str, User] = field(default_factory=dict)  # by lower-case login
    apps: dict[int, App] = field(default_factory=dict)
    installations: dict[int, Installation] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    repositories: dict[int, Repository] = field(default_factory=dict)
    pull_requests: dict[tuple[int, int], PullRequest] = field(default_factory=dict)
    issue_comments: dict[int, IssueComment] = field(default_factory=dict)
    reviews: dict[int, Review] = field(default_factory=dict)
    review_comments: dict[int, ReviewComment] = field(default_factory=dict)
    threads: dict[int, Thread] = field(default_factory=dict)
    check_suites: dict[int, CheckSuite] = field(default_factory=dict)
    check_runs: dict[int, CheckRun] = field(default_factory=dict)
    mails: list[Mail] = field(default_factory=list)
    merge_queue: list[QueueEntry] = field(default_factory=list)
    tickets: dict[str, tuple[int, str, float]] = field(default_factory=dict)
    manifest_codes: dict[str, App] = field(default_factory=dict)

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/v3"

    def now(self) -> str:
        return self.clock.stamp()

    # Looking up

    def user(self, login: str) -> User | None:
        return self.users.get(login.lower())

    def repository(self, owner: str, name: str) -> Repository | None:
        wanted = f"{owner}/{name}".lower()
        every = self.repositories.values()
        return next((one for one in every if one.full_name.lower() == wanted), None)

    def pull_requests_of(self, repository: Repository) -> list[PullRequest]:
        return [one for one in self.pull_requests.values() if one.repository is repository]

    def role_of(self, user: User, repository: Repository) -> Role | None:
        if user is repository.owner:
            return "admin"
        return repository.collaborators.get(user.login)

    def installations_on(self, repository: Repository) -> list[Installation]:
        """The working installations that see a repository."""
        every = self.installations.values()
        return [one for one in every if one.covers(repository) and one.suspended_at is None]

    def issue_comments_of(self, pull_request: PullRequest) -> list[IssueComment]:
        every = self.issue_comments.values()
        return [one for one in every if one.pull_request is pull_request]

    def reviews_of(self, pull_request: PullRequest) -> list[Review]:
        return [one for one in self.reviews.values() if one.pull_request is pull_request]

    def comments_of_review(self, review: Review) -> list[ReviewComment]:
        return [one for one in self.review_comments.values() if one.review is review]

    def review_comments_of(self, pull_request: PullRequest) -> list[ReviewComment]:
        """Submitted comments; those of a pending review are their author's alone."""
        every = self.review_comments.values()
        return [
            one
            for one in every
            if one.pull_request is pull_request and one.review.state != "PENDING"
        ]

    def threads_of(self, pull_request: PullRequest) -> list[tuple[Thread, list[ReviewComment]]]:
        """Each thread with its comments in order; a thread ends with its last comment."""
        grouped: dict[int, list[ReviewComment]] = {}
        for comment in self.review_comments_of(pull_request):
            grouped.setdefault(comment.thread_id, []).append(comment)
        return [(self.threads[key], comments) for key, comments in grouped.items()]

    def check_runs_of(self, repository: Repository, sha: str) -> list[CheckRun]:
        return [
            run
            for run in self.check_runs.values()
            if run.suite.repository is repository and run.suite.head_sha == sha
        ]

    # Making

    def make_user(self, login: str, kind: str = "User") -> User:
        """The account of that login, made where there is none yet."""
        if (known := self.user(login)) is not None:
            return known
        if kind not in ("User", "Organization", "Bot"):
            raise ValueError(f"no such kind of account: {kind}")
        name = login.removesuffix("[bot]").replace("-", " ").title()
        user = User(self.new_id("user"), login, kind, name, self.now())  # type: ignore[arg-type] # checked above
        self.users[login.lower()] = user
        return user

    def new_ticket(self, repository: int, sha: str, seconds: float) -> str:
        """A secret that opens the archive of one commit for a while."""
        ticket = secrets.token_hex(12)
        self.tickets[ticket] = (repository, sha, self.clock.now() + seconds)
        return ticket

    def make_token(self, user: User) -> str:
        """A personal token, as a person's client would use it."""
        value = "ghp_" + secrets.token_hex(18)
        self.tokens[value] = Token(value, user, None, None, {}, None)
        return value


def node_id(kind: str, number: int) -> str:
    """GitHub's opaque global id; the same object has the same one in REST and GraphQL."""
    text = urlsafe_b64encode(f"{kind}:{number}".encode()).decode().rstrip("=")
    return f"{kind}_{text}"


def read_node_id(text: str) -> tuple[str, int] | None:
    """Kind and number of a global id, None where it is not one of ours."""
    kind, _, packed = text.partition("_")
    try:
        inner, _, number = (
            urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode().partition(":")
        )
        return (kind, int(number)) if inner == kind else None
    except ValueError:
        return None
