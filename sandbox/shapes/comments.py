"""Comments and reviews as GitHub writes them."""

from __future__ import annotations

from sandbox.diffview import anchor_now
from sandbox.entities import Anchor, IssueComment, Json, PullRequest, Review, ReviewComment
from sandbox.shapes.accounts import app, user
from sandbox.shapes.pulls import association, rollup
from sandbox.shapes.repositories import api, page
from sandbox.state import State, node_id


def issue_comment(state: State, one: IssueComment) -> Json:
    pull = one.pull_request
    root = f"{api(state, pull.repository)}/issues/comments/{one.id}"
    return {
        "id": one.id,
        "node_id": node_id("IC", one.id),
        "url": root,
        "html_url": f"{_page(state, pull)}#issuecomment-{one.id}",
        "issue_url": f"{api(state, pull.repository)}/issues/{pull.number}",
        "body": one.body,
        "user": user(state, one.user),
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "author_association": association(state, one.user, pull.repository),
        "performed_via_github_app": app(state, one.app) if one.app else None,
        "reactions": rollup(root, one.reactions),
    }


def review(state: State, one: Review) -> Json:
    pull = one.pull_request
    html = f"{_page(state, pull)}#pullrequestreview-{one.id}"
    address = f"{api(state, pull.repository)}/pulls/{pull.number}"
    shape: Json = {
        "id": one.id,
        "node_id": node_id("PRR", one.id),
        "user": user(state, one.user),
        "body": one.body,
        "state": one.state,
        "html_url": html,
        "pull_request_url": address,
        "_links": {"html": {"href": html}, "pull_request": {"href": address}},
        "commit_id": one.commit_id,
        "author_association": association(state, one.user, pull.repository),
    }
    if one.submitted_at:
        shape["submitted_at"] = one.submitted_at
    return shape


def review_event(state: State, one: Review) -> Json:
    """In events the state is written small and an empty body is null."""
    shape = review(state, one)
    changes = {"state": one.state.lower(), "body": one.body or None, "updated_at": one.submitted_at}
    return {"submitted_at": one.submitted_at} | shape | changes


def review_comment(state: State, one: ReviewComment) -> Json:
    pull, was = one.pull_request, one.original
    now = anchor_now(one)
    shape = _review_comment_base(state, one, now)
    if not one.on_file:
        shape |= {
            "line": now.line if now else None,
            "original_line": was.line,
            "start_line": now.start_line if now else None,
            "original_start_line": was.start_line,
            "start_side": was.start_side if was.start_line is not None else None,
            "position": now.position if now else None,
            "original_position": was.position or 1,
        }
    else:
        shape |= {
            "line": None,
            "original_line": None,
            "start_line": None,
            "original_start_line": None,
            "start_side": None,
            "position": 1 if now else None,
            "original_position": 1,
        }
    if one.in_reply_to:
        shape["in_reply_to_id"] = one.in_reply_to
    return shape | {"author_association": association(state, one.user, pull.repository)}


def _review_comment_base(state: State, one: ReviewComment, now: Anchor | None) -> Json:
    pull = one.pull_request
    root = f"{api(state, pull.repository)}/pulls/comments/{one.id}"
    html = f"{_page(state, pull)}#discussion_r{one.id}"
    address = f"{api(state, pull.repository)}/pulls/{pull.number}"
    return {
        "url": root,
        "pull_request_review_id": one.review.id,
        "id": one.id,
        "node_id": node_id("PRRC", one.id),
        "diff_hunk": one.diff_hunk,
        "path": one.original.path,
        "commit_id": pull.head_sha if now else one.original_commit,
        "original_commit_id": one.original_commit,
        "user": user(state, one.user),
        "body": one.body,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "html_url": html,
        "pull_request_url": address,
        "_links": {
            "self": {"href": root},
            "html": {"href": html},
            "pull_request": {"href": address},
        },
        "reactions": rollup(root, one.reactions),
        "side": one.original.side,
        "subject_type": "file" if one.on_file else "line",
    }


def thread_event(state: State, thread: int, comments: list[ReviewComment]) -> Json:
    return {
        "node_id": node_id("PRRT", thread),
        "comments": [review_comment(state, one) for one in comments],
    }


def _page(state: State, pull: PullRequest) -> str:
    return f"{page(state, pull.repository)}/pull/{pull.number}"
