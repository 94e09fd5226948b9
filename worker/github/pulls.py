"""Reading a pull request: one query for what it is, what was said, and its configuration."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from worker.github import queries
from worker.github.client import Client
from worker.github.errors import GoneError
from worker.pull_request import Comment, OwnReview, PullRequest, Remark, Thread

_MOST_THREAD_PAGES = 30


class _Sha(msgspec.Struct):
    sha: str


class _WithHead(msgspec.Struct):
    number: int
    state: str
    head: _Sha


@dataclass(frozen=True, slots=True)
class Opened:
    """A pull request as it stands now. `merge_base` is still empty; see `worker.github.change`.

    `stet_toml` and `pyproject` are the files at the tip of the base branch. `remarks` are the
    newest comments of the conversation and `reviews` our newest reviews, where they were asked for.
    `organisation` is the file that holds for all repositories.
    """

    pull_request: PullRequest
    stet_toml: bytes | None
    pyproject: bytes | None
    remarks: tuple[Remark, ...] = ()
    reviews: tuple[OwnReview, ...] = ()
    organisation: bytes | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The few things that decide whether a finished review is still of interest."""

    head: str
    is_open: bool
    is_draft: bool
    base_branch: str


def read_pull_request(client: Client, *, recall: bool = False) -> Opened:
    """The pull request that the client's key names. GoneError if it is not to be had.

    With `recall`, also what people wrote and what of it we have acknowledged.
    """
    variables = {**_variables(client), "recall": recall}
    data = client.graphql(queries.PULL_REQUEST, variables, queries.PullRequestData)
    node = data.repository.pull_request if data.repository else None
    if data.repository is None or node is None:
        raise GoneError("no such pull request")
    tip = node.base_ref.target if node.base_ref else None
    pull_request = PullRequest(
        key=client.key,
        title=node.title,
        body=node.body,
        author=node.author.rest_login if node.author else "ghost",
        state="open" if node.state == "OPEN" else "closed",
        is_draft=node.is_draft,
        head=node.head_ref_oid,
        head_branch=node.head_ref_name,
        base=node.base_ref_oid,
        merge_base="",
        base_branch=node.base_ref_name,
        web_url=_web_url(data.repository.url),
        labels=frozenset(each.name for each in node.labels.nodes) if node.labels else frozenset(),
        is_fork=node.is_cross_repository,
        threads=tuple(_all_threads(client, node.review_threads, recall=recall)),
    )
    return Opened(
        pull_request,
        _content(tip.stet if tip else None),
        _content(tip.pyproject if tip else None),
        tuple(map(_remark, node.comments.nodes)) if node.comments else (),
        _own(node.reviews),
    )


def read_threads(client: Client) -> tuple[Thread, ...]:
    """Every review thread of the pull request."""
    page = _threads_page(client, None, recall=False)
    return tuple(_all_threads(client, page, recall=False))


def read_own_reviews(client: Client) -> tuple[OwnReview, ...]:
    """Our newest reviews of the pull request, oldest first."""
    data = client.graphql(queries.REVIEWS, _variables(client), queries.ReviewsData)
    node = data.repository.pull_request if data.repository else None
    return _own(node.reviews if node else None)


def read_numbers_of(client: Client, head: str) -> frozenset[int]:
    """The open pull requests whose head this commit is now."""
    path = f"{client.repository}/commits/{head}/pulls"
    found = client.get(path, list[_WithHead], {"per_page": 100})
    return frozenset(e.number for e in found if e.state == "open" and e.head.sha == head)


def read_standing(client: Client) -> Standing:
    """Where the pull request stands at this moment."""
    data = client.graphql(queries.STATE, _variables(client), queries.StateData)
    node = data.repository.pull_request if data.repository else None
    if node is None:
        raise GoneError("no such pull request")
    return Standing(node.head_ref_oid, node.state == "OPEN", node.is_draft, node.base_ref_name)


def _own(reviews: queries.Reviews | None) -> tuple[OwnReview, ...]:
    return tuple(
        OwnReview(int(each.full_database_id), each.body)
        for each in (reviews.nodes if reviews else ())
        if each.viewer_did_author and each.full_database_id
    )


def _variables(client: Client) -> dict[str, object]:
    key = client.key
    return {"owner": key.owner, "name": key.repository, "number": key.number}


def _web_url(url: str) -> str:
    """Shown in links, never fetched; anything but a web address is left out."""
    return url if url.startswith(("https://", "http://")) else ""


def _content(file: queries.File | None) -> bytes | None:
    if file is None or file.object is None or file.object.text is None:
        return None
    return file.object.text.encode()


def _threads_page(client: Client, after: str | None, *, recall: bool) -> queries.Threads:
    variables = {**_variables(client), "after": after, "recall": recall}
    data = client.graphql(queries.THREADS, variables, queries.ThreadsData)
    if data.repository is None or data.repository.pull_request is None:
        raise GoneError("no such pull request")
    return data.repository.pull_request.review_threads


def _all_threads(client: Client, page: queries.Threads, *, recall: bool) -> list[Thread]:
    found = list(page.nodes)
    for _ in range(_MOST_THREAD_PAGES):
        if not page.page_info.has_next_page:
            break
        page = _threads_page(client, page.page_info.end_cursor, recall=recall)
        found += page.nodes
    return [_thread(node) for node in found if not _is_unsaid(node)]


def _is_unsaid(node: queries.ThreadNode) -> bool:
    """Of a review that was begun and never submitted: we alone see it."""
    return any(each.state == "PENDING" for each in node.comments.nodes[:1])


def _thread(node: queries.ThreadNode) -> Thread:
    ours = next(
        (c.author.login for c in node.comments.nodes if c.viewer_did_author and c.author), ""
    )
    return Thread(
        id=node.id,
        path=node.path,
        line=node.line,
        is_outdated=node.is_outdated,
        is_resolved=node.is_resolved,
        resolved_by=_person(node.resolved_by, ours),
        comments=tuple(_comment(each) for each in node.comments.nodes),
        is_complete=node.comments.total_count <= len(node.comments.nodes),
    )


def _person(actor: queries.Actor | None, ours: str) -> str:
    """Empty for us, and for any bot: the schema calls them users here, under either name."""
    if actor is None or actor.typename == "Bot" or actor.login.endswith("[bot]"):
        return ""
    return "" if actor.login == ours else actor.login


def _comment(node: queries.CommentNode) -> Comment:
    review = node.pull_request_review.full_database_id if node.pull_request_review else None
    return Comment(
        id=int(node.full_database_id),
        author=node.author.rest_login if node.author else "ghost",
        by_us=node.viewer_did_author,
        body=node.body,
        review_id=int(review) if review else None,
        written=node.created_at,
        is_acknowledged=queries.acknowledged(node.reaction_groups),
    )


def _remark(node: queries.RemarkNode) -> Remark:
    author = node.author.rest_login if node.author else "ghost"
    own = int(node.full_database_id or 0) if node.viewer_did_author else None
    acknowledged = queries.acknowledged(node.reaction_groups)
    return Remark(author, node.body, node.created_at, acknowledged, own or None)
