"""`/graphql`: graphql-core executes queries on GitHub's own schema over the same state.

An object is a dictionary from field names to values or functions of the arguments. A field
that the schema has and the stand-in lacks is an error that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    graphql_sync,
)

from sandbox.access import has_role
from sandbox.acts.comments import minimize
from sandbox.acts.reviews import set_resolved
from sandbox.auth import Identity
from sandbox.call import Answer
from sandbox.diffview import anchor_now
from sandbox.entities import (
    IssueComment,
    Json,
    PullRequest,
    Repository,
    Review,
    ReviewComment,
    Thread,
    User,
)
from sandbox.limits import Limits
from sandbox.refusal import Refused
from sandbox.shapes import accounts, comments, pulls, repositories
from sandbox.state import State, node_id, read_node_id

MOST_TEXT = 512_000  # bytes of a blob's text before it is cut
MOST_NODES = 500_000


@cache
def schema() -> GraphQLSchema:
    """GitHub's schema. Building it takes half a second, so the first query waits for it."""
    source = files("sandbox").joinpath("description/github-schema.graphql")
    return build_schema(source.read_text("utf-8"), assume_valid=True)


class GraphQL:
    def __init__(self, state: State, limits: Limits) -> None:
        self._state = state
        self._limits = limits

    def answer(self, identity: Identity, given: Any) -> Answer:
        if not isinstance(given, dict) or not isinstance(given.get("query"), str):
            raise Refused(400, "A query attribute must be specified and must be a string.")
        viewer = Viewer(self._state, self._limits, identity)
        result = graphql_sync(
            schema(),
            given["query"],
            root_value=viewer.root(),
            variable_values=given.get("variables") or {},
            operation_name=given.get("operationName"),
            field_resolver=_resolve,
        )
        body: Json = {"data": result.data}
        if result.errors:
            body["errors"] = [_error(error) for error in result.errors]
        return Answer(200, body)


def _error(error: GraphQLError) -> Json:
    shape: Json = dict(error.formatted)
    kind = getattr(error.original_error, "kind", None)
    if kind:
        shape["type"] = kind
    return shape


class Failure(Exception):  # noqa: N818 - becomes an entry of `errors`
    """An error of one field, with GitHub's type."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def _resolve(source: Any, info: GraphQLResolveInfo[None], **arguments: Any) -> Any:
    if not isinstance(source, dict) or info.field_name not in source:
        place = f"{info.parent_type.name}.{info.field_name}"
        raise Failure("UNIMPLEMENTED", f"The stand-in does not serve {place}")
    value = source[info.field_name]
    return value(**arguments) if callable(value) else value


def connection(
    items: Sequence[Any],
    shape: Callable[[Any], Json],
    *,
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
) -> Json:
    """A page of a list; cursors are positions. GitHub wants `first` or `last`, at most 100."""
    if first is None and last is None:
        text = "You must provide a `first` or `last` value to properly paginate the connection."
        raise Failure("MISSING_PAGINATION_BOUNDARIES", text)
    if not 1 <= (first or last or 0) <= 100:
        text = f"Requesting {first or last} records exceeds the `first` limit of 100 records."
        raise Failure("EXCESSIVE_PAGINATION", text)
    start = _position(after) if after else 0
    end = _position(before) - 1 if before else len(items)
    if first is not None:
        end = min(end, start + first)
    elif last is not None:
        start = max(start, end - last)
    nodes = [shape(item) for item in items[start:end]]
    return {
        "totalCount": len(items),
        "nodes": nodes,
        "edges": [
            {"cursor": _cursor(start + index + 1), "node": node} for index, node in enumerate(nodes)
        ],
        "pageInfo": {
            "hasNextPage": end < len(items),
            "hasPreviousPage": start > 0,
            "startCursor": _cursor(start + 1) if nodes else None,
            "endCursor": _cursor(end) if nodes else None,
        },
    }


def _cursor(position: int) -> str:
    return f"Y3Vyc29yOg{position}"


def _position(cursor: str) -> int:
    text = cursor.removeprefix("Y3Vyc29yOg")
    if not text.isdigit():
        raise Failure(
            "INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor."
        )
    return int(text)


class Viewer:
    """The graph as one identity sees it."""

    def __init__(self, state: State, limits: Limits, identity: Identity) -> None:
        self._state = state
        self._limits = limits
        self._identity = identity

    def root(self) -> Json:
        return {
            "viewer": lambda: self._actor(self._identity.actor()),
            "rateLimit": self._rate_limit,
            "repository": self._repository,
            "node": lambda **given: self._node(given["id"]),
            "nodes": lambda **given: [self._node(one) for one in given["ids"]],
            "resolveReviewThread": lambda **given: self._set_resolved(
                given["input"], resolved=True
            ),
            "unresolveReviewThread": lambda **given: self._set_resolved(
                given["input"], resolved=False
            ),
            "minimizeComment": self._minimize,
            "unminimizeComment": self._minimize,
        }

    def _rate_limit(self, **_given: Any) -> Json:
        numbers = self._limits.overview(self._identity.meter)["graphql"]
        return {
            "cost": 1,
            "limit": numbers["limit"],
            "remaining": numbers["remaining"],
            "used": numbers["used"],
            "nodeCount": 0,
            "resetAt": self._state.clock.stamp(numbers["reset"]),
        }

    # Reading

    def _reads(self, repository: Repository, *permissions: str) -> bool:
        identity = self._identity
        if identity.installation is None:
            return not repository.private or identity.role(self._state, repository) is not None
        if not identity.sees(repository):
            return not repository.private
        held = identity.token.permissions if identity.token else {}
        return not permissions or any(name in held for name in permissions)

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

    def _find_object(
        self, one: Repository, oid: str | None = None, expression: str | None = None
    ) -> Json | None:
        if not self._reads(one, "contents"):
            raise Failure("FORBIDDEN", "Resource not accessible by integration")
        if oid is not None:
            return self._object(one, oid)
        return self._object(one, one.git.object_of(expression)) if expression else None

    def _object(self, one: Repository, sha: str | None) -> Json | None:
        if sha is None:
            return None
        for kind, shape in (("blob", self._blob), ("commit", self._commit), ("tree", self._tree)):
            if one.git.has(sha, kind):
                return shape(one, sha)
        return None

    def _blob(self, one: Repository, sha: str) -> Json:
        content = one.git.blob(sha) or b""
        binary = b"\0" in content[:8000]
        text, encoded_well = _text(content[:MOST_TEXT])
        return {
            "__typename": "Blob",
            "id": f"B_{sha}",
            "oid": sha,
            "abbreviatedOid": sha[:7],
            "byteSize": len(content),
            # GitHub cannot tell for content that is not UTF-8 text.
            "isBinary": binary if binary or encoded_well else None,
            "isTruncated": len(content) > MOST_TEXT,
            "text": None if binary else text,
        }

    def _commit(self, one: Repository, sha: str) -> Json:
        commit = one.git.commit(sha)
        return {
            "__typename": "Commit",
            "id": f"C_{sha}",
            "oid": sha,
            "abbreviatedOid": sha[:7],
            "message": commit.message,
            "messageHeadline": commit.message.partition("\n")[0],
            "committedDate": commit.committer.date,
            "tree": lambda: self._tree(one, commit.tree),
            "file": lambda path: self._file(one, sha, path),
            "parents": lambda **given: connection(
                commit.parents, lambda parent: self._commit(one, parent), **given
            ),
        }

    def _branch(self, one: Repository, name: str) -> Json | None:
        sha = one.git.branches().get(name)
        if sha is None:
            return None
        return {
            "__typename": "Ref",
            "name": name,
            "prefix": "refs/heads/",
            "target": lambda: self._object(one, sha),
        }

    def _file(self, one: Repository, commit: str, path: str) -> Json | None:
        """The entry of a path; like `object`, it needs the right to read contents."""
        if not self._reads(one, "contents"):
            raise Failure("FORBIDDEN", "Resource not accessible by integration")
        found = one.git.entry_at(commit, path)
        if found is None:
            return None
        return {
            "__typename": "TreeEntry",
            "name": path.rpartition("/")[2],
            "path": path,
            "mode": int(found.mode, 8),
            "type": found.type,
            "oid": found.sha,
            "size": found.size or 0,
            "object": lambda: self._object(one, found.sha),
        }

    def _tree(self, one: Repository, sha: str) -> Json:
        def entry(name: str, mode: str, kind: str, oid: str, size: int | None) -> Json:
            return {
                "__typename": "TreeEntry",
                "name": name,
                "path": name,
                "mode": int(mode, 8),
                "type": kind,
                "oid": oid,
                "size": size or 0,
                "object": lambda: self._object(one, oid),
            }

        return {
            "__typename": "Tree",
            "id": f"T_{sha}",
            "oid": sha,
            "abbreviatedOid": sha[:7],
            "entries": lambda: [
                entry(e.path, e.mode, e.type, e.sha, e.size)
                for e in one.git.tree(sha, recursive=False)
            ],
        }

    def _actor(self, one: User) -> Json:
        shape = accounts.user(self._state, one)
        return {
            "__typename": one.type,
            "id": shape["node_id"],
            "databaseId": one.id,
            # GraphQL names a bot without the [bot] that REST appends.
            "login": one.login.removesuffix("[bot]") if one.type == "Bot" else one.login,
            "name": one.name,
            "url": shape["html_url"],
            "avatarUrl": lambda **_given: shape["avatar_url"],
            "resourcePath": f"/{one.login}",
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
            "pullRequest": lambda: self._pull_shape(one.pull_request),
        }

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
            "url": shape["html_url"],
            "commit": lambda: self._commit(one.pull_request.repository, one.commit_id),
            "comments": lambda **given: connection(
                self._state.comments_of_review(one), self._review_comment, **given
            ),
        }

    def _node(self, text: str) -> Json | None:
        kind, number = read_node_id(text) or ("", 0)
        shape: Json | None = None
        owner: Repository | None = None
        if kind == "PRRT" and number in self._state.threads:
            thread = self._state.threads[number]
            owner = thread.pull_request.repository
            members = next(
                (m for t, m in self._state.threads_of(thread.pull_request) if t is thread), []
            )
            shape = self._thread(thread, members) if members else None
        elif kind == "PRRC" and number in self._state.review_comments:
            comment = self._state.review_comments[number]
            owner, shape = comment.pull_request.repository, self._review_comment(comment)
        elif kind == "IC" and number in self._state.issue_comments:
            words = self._state.issue_comments[number]
            owner, shape = words.pull_request.repository, self._issue_comment(words)
        elif kind == "PR":
            every = self._state.pull_requests.values()
            pull = next((one for one in every if one.id == number), None)
            if pull is not None:
                owner, shape = pull.repository, self._pull_shape(pull)
        if shape is None or owner is None or not self._reads(owner):
            raise Failure(
                "NOT_FOUND", f"Could not resolve to a node with the global id of '{text}'"
            )
        return shape

    # Changing

    def _may_resolve(self, thread: Thread) -> bool:
        """Apps need to write contents; people write access or to be the pull request's author."""
        repository, identity = thread.pull_request.repository, self._identity
        if identity.installation is not None:
            held = identity.token.permissions if identity.token else {}
            return identity.sees(repository) and held.get("contents") == "write"
        if identity.user is thread.pull_request.user:
            return True
        return has_role(identity.role(self._state, repository), "write")

    def _set_resolved(self, given: Json, *, resolved: bool) -> Json:
        kind, number = read_node_id(given["threadId"]) or ("", 0)
        thread = self._state.threads.get(number) if kind == "PRRT" else None
        if thread is None or not self._reads(thread.pull_request.repository):
            text = f"Could not resolve to a node with the global id of '{given['threadId']}'"
            raise Failure("NOT_FOUND", text)
        if not self._may_resolve(thread):
            raise Failure("FORBIDDEN", "Resource not accessible by integration")
        set_resolved(self._state, thread, self._identity.actor(), resolved=resolved)
        members = next(m for t, m in self._state.threads_of(thread.pull_request) if t is thread)
        return {
            "clientMutationId": given.get("clientMutationId"),
            "thread": self._thread(thread, members),
        }

    def _minimize(self, **arguments: Any) -> Json:
        given = arguments["input"]
        kind, number = read_node_id(given["subjectId"]) or ("", 0)
        found: IssueComment | ReviewComment | None = None
        if kind == "IC":
            found = self._state.issue_comments.get(number)
        elif kind == "PRRC":
            found = self._state.review_comments.get(number)
        if found is None or not self._reads(found.pull_request.repository):
            text = f"Could not resolve to a node with the global id of '{given['subjectId']}'"
            raise Failure("NOT_FOUND", text)
        self._check_may_minimize(found.pull_request.repository)
        minimize(found, given.get("classifier"))
        shape = self._issue_comment(found) if isinstance(found, IssueComment) else (
            self._review_comment(found)
        )  # fmt: skip
        key = "minimizedComment" if "classifier" in given else "unminimizedComment"
        return {"clientMutationId": given.get("clientMutationId"), key: shape}

    def _check_may_minimize(self, repository: Repository) -> None:
        identity = self._identity
        if identity.installation is not None:
            held = identity.token.permissions if identity.token else {}
            allowed = identity.sees(repository) and "write" in (
                held.get("issues"),
                held.get("pull_requests"),
            )
        else:
            allowed = has_role(identity.role(self._state, repository), "triage")
        if not allowed:
            raise Failure("FORBIDDEN", "Resource not accessible by integration")


def _text(content: bytes) -> tuple[str, bool]:
    try:
        return content.decode("utf-8"), True
    except UnicodeDecodeError:
        return content.decode("utf-8", "replace"), False
