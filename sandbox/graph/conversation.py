"""Pull requests, threads, comments and reviews in the graph."""

from __future__ import annotations

from typing import Any

from sandbox.access import has_role
from sandbox.diffview import anchor_now
from sandbox.entities import (
    IssueComment,
    Json,
    PullRequest,
    Repository,
    Review,
    ReviewComment,
    Thread,
)
from sandbox.graph.base import Failure, connection
from sandbox.graph.code import CodeGraph
from sandbox.shapes import comments, pulls, repositories
from sandbox.state import node_id

_REACTIONS = {
    "THUMBS_UP": "+1",
    "THUMBS_DOWN": "-1",
    "LAUGH": "laugh",
    "HOORAY": "hooray",
    "CONFUSED": "confused",
    "HEART": "heart",
    "ROCKET": "rocket",
    "EYES": "eyes",
}


class ConversationGraph(CodeGraph):
    def _repository(self, **given: Any) -> Json:
        found = self._state.repository(given["owner"], given["name"])
        if found is None or not self._reads(found):
            name = f"{given['owner']}/{given['name']}"
            raise Failure("NOT_FOUND", f"Could not resolve to a Repository with the name '{name}'.")
        return self._repository_shape(found)

    def _repository_shape(self, one: Repository) -> Json:
        git = one.git
        return {
            "__typename": "Repository",
            "id": node_id("R", one.id),
            "databaseId": one.id,
            "name": one.name,
            "nameWithOwner": one.full_name,
            "isPrivate": one.private,
            "isFork": one.parent is not None,
            "url": repositories.page(self._state, one),
            "owner": lambda: self._actor(one.owner),
            "defaultBranchRef": lambda: {
                "__typename": "Ref",
                "name": one.default_branch,
                "prefix": "refs/heads/",
                "target": lambda: self._object(one, git.branches().get(one.default_branch)),
            },
            "pullRequest": lambda number: self._pull(one, number),
            "object": lambda **given: self._find_object(one, **given),
        }

    def _pull(self, repository: Repository, number: int) -> Json:
        if not self._reads(repository, "pull_requests"):
            raise Failure("FORBIDDEN", "Resource not accessible by integration")
        one = self._state.pull_requests.get((repository.id, number))
        if one is None:
            text = f"Could not resolve to a PullRequest with the number of {number}."
            raise Failure("NOT_FOUND", text)
        return self._pull_shape(one)

    def _pull_shape(self, one: PullRequest) -> Json:
        state = self._state
        closed = "MERGED" if one.merged_at else "CLOSED"
        return {
            "__typename": "PullRequest",
            "id": node_id("PR", one.id),
            "databaseId": one.id,
            "fullDatabaseId": str(one.id),
            "number": one.number,
            "title": one.title,
            "body": one.body or "",
            "state": "OPEN" if one.state == "open" else closed,
            "closed": one.state == "closed",
            "merged": one.merged_at is not None,
            "isDraft": one.draft,
            "isCrossRepository": one.head_repository is not one.repository,
            "headRefName": one.head_ref,
            "headRefOid": one.head_sha,
            "baseRefName": one.base_ref,
            "baseRefOid": one.base_sha,
            "createdAt": one.created_at,
            "updatedAt": one.updated_at,
            "url": pulls.simple(state, one)["html_url"],
            "author": lambda: self._actor(one.user),
            "baseRef": lambda: self._branch(one.repository, one.base_ref),
            "labels": lambda orderBy=None, **given: connection(  # noqa: ARG005, N803 - GitHub's name
                pulls.labels(state, one), lambda label: {"name": label["name"]}, **given
            ),
            "repository": lambda: self._repository_shape(one.repository),
            "reviewThreads": lambda **given: connection(
                state.threads_of(one), lambda pair: self._thread(*pair), **given
            ),
            "reviews": lambda states=None, author=None, **given: connection(
                [
                    review
                    for review in state.reviews_of(one)
                    if (states is None or review.state in states)
                    and (author is None or review.user.login == author)
                    and (review.state != "PENDING" or review.user is self._identity.user)
                ],
                self._review,
                **given,
            ),
            "comments": lambda orderBy=None, **given: connection(  # noqa: ARG005, N803 - GitHub's name
                state.issue_comments_of(one), self._issue_comment, **given
            ),
        }

    def _thread(self, thread: Thread, members: list[ReviewComment]) -> Json:
        first = members[0]
        was, now = first.original, anchor_now(first)
        return {
            "__typename": "PullRequestReviewThread",
            "id": node_id("PRRT", thread.id),
            "isResolved": thread.resolved_by is not None,
            "resolvedBy": lambda: self._actor(thread.resolved_by) if thread.resolved_by else None,
            "isOutdated": now is None,
            "isCollapsed": thread.resolved_by is not None or now is None,
            "path": was.path,
            "line": now.line if now else None,
            "startLine": now.start_line if now else None,
            "originalLine": was.line,
            "originalStartLine": was.start_line,
            "diffSide": was.side,
            "startDiffSide": was.start_side if was.start_line is not None else None,
            "subjectType": "FILE" if first.on_file else "LINE",
            "viewerCanResolve": self._may_resolve(thread) and thread.resolved_by is None,
            "viewerCanUnresolve": self._may_resolve(thread) and thread.resolved_by is not None,
            "viewerCanReply": True,
            "pullRequest": lambda: self._pull_shape(thread.pull_request),
            "repository": lambda: self._repository_shape(thread.pull_request.repository),
            "comments": lambda **given: connection(members, self._review_comment, **given),
        }

    def _comment_base(self, one: ReviewComment | IssueComment, shape: Json) -> Json:
        return {
            "id": shape["node_id"],
            "databaseId": one.id,
            "fullDatabaseId": str(one.id),
            "body": one.body,
            "bodyText": one.body,
            "createdAt": one.created_at,
            "updatedAt": one.updated_at,
            "author": lambda: self._actor(one.user),
            "authorAssociation": shape["author_association"],
            "url": shape["html_url"],
            "isMinimized": one.minimized is not None,
            "minimizedReason": one.minimized,
            "viewerDidAuthor": one.user is self._identity.user,
            "reactionGroups": lambda: self._reaction_groups(one),
            "pullRequest": lambda: self._pull_shape(one.pull_request),
        }

    def _reaction_groups(self, one: ReviewComment | IssueComment) -> list[Json]:
        """All eight, as GitHub gives them, also those that nobody has used."""
        ours = {each.content for each in one.reactions if each.user is self._identity.user}
        return [
            {"content": name, "viewerHasReacted": content in ours}
            for name, content in _REACTIONS.items()
        ]

    def _review_comment(self, one: ReviewComment) -> Json:
        shape = comments.review_comment(self._state, one)
        parent = self._state.review_comments.get(one.in_reply_to) if one.in_reply_to else None
        return self._comment_base(one, shape) | {
            "__typename": "PullRequestReviewComment",
            "path": shape["path"],
            "diffHunk": shape["diff_hunk"],
            "line": shape["line"],
            "originalLine": shape["original_line"],
            "startLine": shape["start_line"],
            "originalStartLine": shape["original_start_line"],
            "position": shape["position"],
            "originalPosition": shape["original_position"],
            "outdated": anchor_now(one) is None,
            "subjectType": "FILE" if one.on_file else "LINE",
            "state": "PENDING" if one.review.state == "PENDING" else "SUBMITTED",
            "commit": lambda: self._commit(one.pull_request.repository, shape["commit_id"]),
            "originalCommit": lambda: self._commit(
                one.pull_request.repository, one.original_commit
            ),
            "pullRequestReview": lambda: self._review(one.review),
            "replyTo": lambda: self._review_comment(parent) if parent else None,
        }

    def _issue_comment(self, one: IssueComment) -> Json:
        shape = comments.issue_comment(self._state, one)
        return self._comment_base(one, shape) | {"__typename": "IssueComment"}

    def _review(self, one: Review) -> Json:
        shape = comments.review(self._state, one)
        return {
            "__typename": "PullRequestReview",
            "id": shape["node_id"],
            "databaseId": one.id,
            "fullDatabaseId": str(one.id),
            "body": one.body,
            "state": one.state,
            "author": lambda: self._actor(one.user),
            "submittedAt": one.submitted_at,
            "viewerDidAuthor": one.user is self._identity.user,
            "url": shape["html_url"],
            "commit": lambda: self._commit(one.pull_request.repository, one.commit_id),
            "comments": lambda **given: connection(
                self._state.comments_of_review(one), self._review_comment, **given
            ),
        }

    def _may_resolve(self, thread: Thread) -> bool:
        """Apps need to write contents; people write access or to be the pull request's author."""
        repository, identity = thread.pull_request.repository, self._identity
        if identity.installation is not None:
            held = identity.token.permissions if identity.token else {}
            return identity.sees(repository) and held.get("contents") == "write"
        if identity.user is thread.pull_request.user:
            return True
        return has_role(identity.role(self._state, repository), "write")
