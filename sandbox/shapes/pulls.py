"""Pull requests as GitHub writes them: short, full, minimal, and as an issue."""

from __future__ import annotations

from sandbox.diffview import commits_of, files_of, is_mergeable
from sandbox.entities import REACTIONS, Json, PullRequest, Reaction, Repository, User
from sandbox.shapes.accounts import user
from sandbox.shapes.repositories import api, label, minimal, page, pull_side_repository
from sandbox.state import State, node_id


def association(state: State, account: User, repository: Repository) -> str:
    if account is repository.owner:
        return "OWNER"
    if account.login in repository.collaborators:
        return "COLLABORATOR"
    merged = (one for one in state.pull_requests_of(repository) if one.merged_at)
    return "CONTRIBUTOR" if any(one.user is account for one in merged) else "NONE"


def labels(state: State, one: PullRequest) -> list[Json]:
    known = one.repository.labels
    return [label(state, one.repository, known[name]) for name in one.labels if name in known]


def simple(state: State, one: PullRequest) -> Json:
    """The form in lists and in most events."""
    root = f"{api(state, one.repository)}/pulls/{one.number}"
    issue = f"{api(state, one.repository)}/issues/{one.number}"
    html = f"{page(state, one.repository)}/pull/{one.number}"
    statuses = f"{api(state, one.repository)}/statuses/{one.head_sha}"
    links = {
        "self": root,
        "html": html,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{root}/comments",
        "review_comment": f"{api(state, one.repository)}/pulls/comments{{/number}}",
        "commits": f"{root}/commits",
        "statuses": statuses,
    }
    return {
        "url": root,
        "id": one.id,
        "node_id": node_id("PR", one.id),
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": issue,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": statuses,
        "number": one.number,
        "state": one.state,
        "locked": False,
        "active_lock_reason": None,
        "title": one.title,
        "user": user(state, one.user),
        "body": one.body,
        "labels": labels(state, one),
        "milestone": None,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "closed_at": one.closed_at,
        "merged_at": one.merged_at,
        "merge_commit_sha": one.merge_commit_sha,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [user(state, reviewer) for reviewer in one.reviewers],
        "requested_teams": [],
        "head": _side(state, one.head_repository, one.head_owner, one.head_ref, one.head_sha),
        "base": _side(state, one.repository, one.repository.owner, one.base_ref, one.base_sha),
        "_links": {name: {"href": address} for name, address in links.items()},
        "author_association": association(state, one.user, one.repository),
        "auto_merge": None,
        "draft": one.draft,
    }


def _side(state: State, repository: Repository | None, owner: User, ref: str, sha: str) -> Json:
    return {
        "label": f"{owner.login}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": user(state, owner),
        "repo": pull_side_repository(state, repository) if repository else None,
    }


def full(state: State, one: PullRequest) -> Json:
    """The form of `GET /repos/{owner}/{repo}/pulls/{number}` and of `pull_request` events."""
    files, mergeable = files_of(one), is_mergeable(one)
    blocked = "draft" if one.draft else "clean"
    status = blocked if mergeable else "dirty"
    return simple(state, one) | {
        "merged": one.merged_at is not None,
        "mergeable": None if one.merged_at else mergeable,
        "rebaseable": None if one.merged_at else mergeable,
        "mergeable_state": "unknown" if one.merged_at else status,
        "merged_by": user(state, one.merged_by) if one.merged_by else None,
        "comments": len(state.issue_comments_of(one)),
        "review_comments": len(state.review_comments_of(one)),
        "maintainer_can_modify": one.maintainer_can_modify,
        "commits": len(commits_of(one)),
        "additions": sum(file.additions for file in files),
        "deletions": sum(file.deletions for file in files),
        "changed_files": len(files),
    }


def minimal_pull(state: State, one: PullRequest) -> Json:
    """The form inside check runs and suites; there is none for forks."""
    side = minimal(one.repository, state)
    return {
        "id": one.id,
        "number": one.number,
        "url": f"{api(state, one.repository)}/pulls/{one.number}",
        "head": {"ref": one.head_ref, "sha": one.head_sha, "repo": side},
        "base": {"ref": one.base_ref, "sha": one.base_sha, "repo": side},
    }


def rollup(address: str, reactions: list[Reaction]) -> Json:
    counts = {name: sum(1 for one in reactions if one.content == name) for name in REACTIONS}
    return {"url": f"{address}/reactions", "total_count": len(reactions), **counts}


def reaction(state: State, one: Reaction) -> Json:
    return {
        "id": one.id,
        "node_id": node_id("REA", one.id),
        "user": user(state, one.user),
        "content": one.content,
        "created_at": one.created_at,
    }


def issue(state: State, one: PullRequest) -> Json:
    """A pull request as the issue that it also is."""
    repository = api(state, one.repository)
    root = f"{repository}/issues/{one.number}"
    html = f"{page(state, one.repository)}/pull/{one.number}"
    return {
        "url": root,
        "repository_url": repository,
        "labels_url": f"{root}/labels{{/name}}",
        "comments_url": f"{root}/comments",
        "events_url": f"{root}/events",
        "timeline_url": f"{root}/timeline",
        "html_url": html,
        "id": one.id,
        "node_id": node_id("PR", one.id),
        "number": one.number,
        "title": one.title,
        "user": user(state, one.user),
        "labels": labels(state, one),
        "state": one.state,
        "state_reason": None,
        "locked": False,
        "active_lock_reason": None,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": len(state.issue_comments_of(one)),
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "closed_at": one.closed_at,
        "author_association": association(state, one.user, one.repository),
        "draft": one.draft,
        "pull_request": {
            "url": f"{repository}/pulls/{one.number}",
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "merged_at": one.merged_at,
        },
        "body": one.body,
        "reactions": rollup(root, one.reactions),
        "performed_via_github_app": None,
    }
