"""Where queries and mutations begin."""

from __future__ import annotations

from typing import Any

from sandbox.access import has_role
from sandbox.acts.comments import minimize
from sandbox.acts.reviews import add_thread, set_resolved
from sandbox.entities import IssueComment, Json, Repository, ReviewComment
from sandbox.graph.base import Failure, advisories, connection
from sandbox.graph.conversation import ConversationGraph
from sandbox.refusal import Refused
from sandbox.state import read_node_id


class Viewer(ConversationGraph):
    """The whole graph as one identity sees it."""

    def root(self) -> Json:
        return {
            "viewer": lambda: self._actor(self._identity.actor()),
            "rateLimit": self._rate_limit,
            "repository": self._repository,
            "node": lambda **given: self._node(given["id"]),
            "securityVulnerabilities": self._vulnerabilities,
            "nodes": lambda **given: [self._node(one) for one in given["ids"]],
            "resolveReviewThread": lambda **given: self._set_resolved(
                given["input"], resolved=True
            ),
            "unresolveReviewThread": lambda **given: self._set_resolved(
                given["input"], resolved=False
            ),
            "addPullRequestReviewThread": self._add_thread,
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

    def _vulnerabilities(self, **given: Any) -> Json:
        """Those of a few packages, as GitHub publishes them; see `description/advisories.json`."""
        if "orderBy" in given and given["orderBy"] != {"field": "UPDATED_AT", "direction": "DESC"}:
            raise Failure("UNIMPLEMENTED", "The stand-in sorts advisories by their last change")
        found = [
            each
            for each in advisories()
            if given.get("package") in (None, each["package"]["name"])
            and given.get("ecosystem") in (None, each["package"]["ecosystem"])
        ]
        pages = {key: given.get(key) for key in ("first", "last", "after", "before")}
        return connection(found, dict, **pages)

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

    def _add_thread(self, **arguments: Any) -> Json:
        """Only to a pending review, and only on files: a line is given to REST as well."""
        given = arguments["input"]
        kind, number = read_node_id(given.get("pullRequestReviewId") or "") or ("", 0)
        review = self._state.reviews.get(number) if kind == "PRR" else None
        if review is None or review.user is not self._identity.user:
            raise Failure("NOT_FOUND", "Could not resolve to a pending review of yours")
        if given["subjectType"] != "FILE":
            raise Failure("UNIMPLEMENTED", "The stand-in adds threads on files alone")
        if not self._reads(review.pull_request.repository, "pull_requests"):
            raise Failure("FORBIDDEN", "Resource not accessible by integration")
        wanted = {"path": given["path"], "body": given["body"], "subject_type": "file"}
        try:
            one = add_thread(self._state, review, wanted)
        except Refused as refused:
            raise Failure("UNPROCESSABLE", str(refused)) from refused
        thread = self._state.threads[one.id]
        return {
            "clientMutationId": given.get("clientMutationId"),
            "thread": self._thread(thread, [one]),
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
