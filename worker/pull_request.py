"""A pull request as GitHub told it to us, and what Stet said there before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

from worker.request import PullRequestKey

_MARKER = re.compile(
    r"<!-- stet:1 fp=(?P<fp>[\w.:-]{1,128}) rule=(?P<code>[A-Z]{3}\d{3})@(?P<version>\d{1,6})"
    r" sha=(?P<sha>[0-9a-f]{7,64})(?P<more>(?: [a-z]+=[^\s<>]+)*) -->"
)


DISMISSED = "Dismissed: "
"""How the line of a comment begins that says who does not want to hear of it."""


@dataclass(frozen=True, slots=True)
class Marker:
    """The hidden line by which Stet knows its own words again.

    `path` is set when the finding stands in another file than the comment. `fixed` is the
    commit in which the finding went away, for a comment that was kept and struck out.
    """

    fingerprint: str
    code: str
    version: int
    sha: str
    path: str = ""
    fixed: str = ""

    def __str__(self) -> str:
        more = f" path={quote(self.path)}" if self.path else ""
        more += f" fixed={self.fixed}" if self.fixed else ""
        rule = f"{self.code}@{self.version}"
        return f"<!-- stet:1 fp={self.fingerprint} rule={rule} sha={self.sha}{more} -->"


def markers(body: str) -> tuple[Marker, ...]:
    """The markers at the very end of a comment.

    Only there: what stands before the end may quote somebody's code, and code can say anything.
    """
    found: list[Marker] = []
    for line in reversed(body.rstrip().splitlines()):
        match = _MARKER.fullmatch(line.strip())
        if match is None:
            break
        more = dict(pair.split("=", 1) for pair in match["more"].split())
        path, fixed = unquote(more.get("path", "")), more.get("fixed", "")
        sha, version = match["sha"], int(match["version"])
        found.append(Marker(match["fp"], match["code"], version, sha, path, fixed))
    return tuple(reversed(found))


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody wrote, wherever. `is_acknowledged`: a rocket of ours stands below it.

    `own` is its id where it is a comment of ours in the conversation. `written` as GitHub writes points in time, which sort as text.
    """

    author: str
    body: str
    written: str
    is_acknowledged: bool
    own: int | None = None


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment of a review thread. `by_us`: GitHub says that our App wrote it."""

    id: int
    author: str
    by_us: bool
    body: str
    review_id: int | None = None
    written: str = ""
    is_acknowledged: bool = False

    @property
    def remark(self) -> Remark:
        return Remark(self.author, self.body, self.written, self.is_acknowledged)


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation on a line or a file. `resolved_by` is a person's login, or empty."""

    id: str
    path: str
    line: int | None
    is_outdated: bool
    is_resolved: bool
    resolved_by: str
    comments: tuple[Comment, ...]
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class OwnReview:
    """A review of ours that stands on the pull request."""

    id: int
    body: str


@dataclass(frozen=True, slots=True)
class OwnComment:
    """A comment of ours that carries markers, with the state of its thread."""

    id: int
    thread_id: str
    review_id: int | None
    path: str
    line: int | None
    is_outdated: bool
    is_resolved: bool
    resolved_by: str
    has_replies: bool
    markers: tuple[Marker, ...]
    body: str
    author: str = ""

    @property
    def is_struck(self) -> bool:
        """Kept after its findings went away, and says so."""
        return all(marker.fixed for marker in self.markers)

    @property
    def is_noted(self) -> bool:
        """It says itself that it was dismissed."""
        return any(line.startswith(DISMISSED) for line in self.body.split("\n"))

    def places(self) -> frozenset[tuple[str, str]]:
        """Fingerprint and path of everything that this comment speaks about."""
        return frozenset((each.fingerprint, each.path or self.path) for each in self.markers)


def own_comments(threads: tuple[Thread, ...]) -> tuple[OwnComment, ...]:
    """The threads that Stet began. Markers in anybody else's words mean nothing."""
    found = []
    for thread in threads:
        if not thread.comments or not thread.comments[0].by_us:
            continue
        first = thread.comments[0]
        said = markers(first.body)
        if not said:
            continue
        replied = not thread.is_complete or any(not each.by_us for each in thread.comments[1:])
        found.append(
            OwnComment(
                id=first.id,
                thread_id=thread.id,
                review_id=first.review_id,
                path=thread.path,
                line=thread.line,
                is_outdated=thread.is_outdated,
                is_resolved=thread.is_resolved,
                resolved_by=thread.resolved_by,
                has_replies=replied,
                markers=said,
                body=first.body,
                author=first.author,
            )
        )
    return tuple(found)


@dataclass(frozen=True)
class PullRequest:
    """Everything about a pull request but its files.

    `base` is the commit of the base branch that GitHub compares with, `merge_base` the one
    that the change starts from. `web_url` is the address of the repository for people.
    """

    key: PullRequestKey
    title: str
    body: str
    author: str
    state: Literal["open", "closed"]
    is_draft: bool
    head: str
    base: str
    merge_base: str
    base_branch: str
    web_url: str
    labels: frozenset[str] = frozenset()
    is_fork: bool = False
    head_branch: str = ""
    threads: tuple[Thread, ...] = ()

    @property
    def said(self) -> tuple[OwnComment, ...]:
        return own_comments(self.threads)

    def permalink(self, path: str, line: int, end_line: int | None = None) -> str:
        """Where a person reads these lines as they are at the head."""
        lines = f"#L{line}" + (f"-L{end_line}" if end_line and end_line != line else "")
        return f"{self.web_url}/blob/{self.head}/{quote(path)}{lines}"
