"""What people do on pull requests, for tests and demonstrations; the REST API does the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.acts import checks as check_acts
from sandbox.acts import comments as comment_acts
from sandbox.acts import pulls as pull_acts
from sandbox.acts import queueing as queue_acts
from sandbox.acts import reviews as review_acts
from sandbox.diffview import anchor_now
from sandbox.entities import Json, PullRequest, ReviewComment, User
from sandbox.scene import Scene
from sandbox.shapes import checks, comments
from sandbox.state import node_id


@dataclass(frozen=True)
class Thread:
    """A review thread as a person sees it."""

    id: str  # the GraphQL id
    path: str
    line: int | None
    outdated: bool
    resolved_by: str | None
    comments: list[Json]


class Acting(Scene):
    """Acts of people; `by` is a login. And what stands on the pull request afterwards."""

    def open_pull_request(
        self,
        full_name: str,
        *,
        head: str,
        base: str | None = None,
        title: str | None = None,
        by: str = "alice",
        body: str | None = None,
        draft: bool = False,
    ) -> int:
        """Open one from a branch (`owner:branch` for a fork's); answers its number."""
        with self.state.lock:
            one = self._repository(full_name)
            pull = pull_acts.open_pull_request(
                self.state,
                one,
                self.state.make_user(by),
                head=head,
                base=base or one.default_branch,
                title=title or head,
                body=body,
                draft=draft,
            )
            return pull.number

    def comment(self, full_name: str, number: int, body: str, *, by: str) -> int:
        with self._acting(full_name, number, by) as (pull, user):
            return comment_acts.comment(self.state, pull, user, body).id

    def edit_comment(
        self, full_name: str, number: int, comment: int, body: str, *, by: str
    ) -> None:
        """Change a comment in the conversation."""
        with self._acting(full_name, number, by) as (_, user):
            comment_acts.edit(self.state, self.state.issue_comments[comment], user, body)

    def reply(self, full_name: str, number: int, comment: int, body: str, *, by: str) -> int:
        """Answer in the thread that a comment belongs to."""
        with self._acting(full_name, number, by) as (pull, user):
            thread = self._thread_of(pull, comment)
            return review_acts.reply(self.state, pull, user, thread, body).id

    def delete_review_comment(
        self, full_name: str, number: int, comment: int, *, by: str = "alice"
    ) -> None:
        """Take a comment off its thread, as somebody who may."""
        with self._acting(full_name, number, by) as (_, user):
            review_acts.delete_comment(self.state, self.state.review_comments[comment], user)

    def resolve(self, full_name: str, number: int, comment: int, *, by: str) -> None:
        self._set_resolved(full_name, number, comment, by, resolved=True)

    def unresolve(self, full_name: str, number: int, comment: int, *, by: str) -> None:
        self._set_resolved(full_name, number, comment, by, resolved=False)

    def _set_resolved(
        self, full_name: str, number: int, comment: int, by: str, *, resolved: bool
    ) -> None:
        with self._acting(full_name, number, by) as (pull, user):
            thread = self.state.threads[self._thread_of(pull, comment)]
            review_acts.set_resolved(self.state, thread, user, resolved=resolved)

    def close(self, full_name: str, number: int, *, by: str = "alice") -> None:
        with self._acting(full_name, number, by) as (pull, user):
            pull_acts.close(self.state, pull, user)

    def reopen(self, full_name: str, number: int, *, by: str = "alice") -> None:
        with self._acting(full_name, number, by) as (pull, user):
            pull_acts.reopen(self.state, pull, user)

    def ready_for_review(self, full_name: str, number: int, *, by: str = "alice") -> None:
        with self._acting(full_name, number, by) as (pull, user):
            pull_acts.set_draft(self.state, pull, user, draft=False)

    def convert_to_draft(self, full_name: str, number: int, *, by: str = "alice") -> None:
        with self._acting(full_name, number, by) as (pull, user):
            pull_acts.set_draft(self.state, pull, user, draft=True)

    def retarget(self, full_name: str, number: int, *, base: str, by: str = "alice") -> None:
        with self._acting(full_name, number, by) as (pull, user):
            pull_acts.edit(self.state, pull, user, base=base)

    def hide_comment(
        self, full_name: str, comment: int, classifier: str | None = "outdated"
    ) -> None:
        """Fold a comment of either kind away under a reason; None unfolds it."""
        with self.state.lock:
            self._repository(full_name)
            review_comment = self.state.review_comments.get(comment)
            found = review_comment or self.state.issue_comments[comment]
            comment_acts.minimize(found, classifier)

    def merge(self, full_name: str, number: int, *, by: str = "alice") -> str:
        with self._acting(full_name, number, by) as (pull, user):
            return pull_acts.merge(self.state, pull, user)

    def queue_merge(self, full_name: str, number: int, *, by: str = "alice") -> str:
        """Add it to the merge queue; answers the commit that the queue tries."""
        with self._acting(full_name, number, by) as (pull, user):
            return queue_acts.enqueue(self.state, pull, user).head_sha

    def leave_queue(self, full_name: str, number: int) -> None:
        with self.state.lock:
            queue_acts.leave(self.state, self.pull_request(full_name, number))

    def add_label(self, full_name: str, number: int, name: str, *, by: str = "alice") -> None:
        with self._acting(full_name, number, by) as (pull, user):
            pull_acts.add_label(self.state, pull, user, name)

    def remove_label(self, full_name: str, number: int, name: str, *, by: str = "alice") -> None:
        with self._acting(full_name, number, by) as (pull, user):
            pull_acts.remove_label(self.state, pull, user, name)

    def rerequest_check(self, full_name: str, check_run: int, *, by: str = "alice") -> None:
        """Press "Re-run" on a check run."""
        with self.state.lock:
            self._repository(full_name)
            run = self.state.check_runs[check_run]
            check_acts.rerequest_run(self.state, run, self.state.make_user(by))

    def rerequest_suite(self, full_name: str, ref: str, *, by: str = "alice") -> None:
        """Press "Re-run all checks" for a commit or branch."""
        with self.state.lock:
            one = self._repository(full_name)
            sha = one.git.resolve(ref) or ref
            for suite in list(self.state.check_suites.values()):
                if suite.repository is one and suite.head_sha == sha:
                    check_acts.rerequest_suite(self.state, suite, self.state.make_user(by))

    def request_action(
        self, full_name: str, check_run: int, identifier: str, *, by: str = "alice"
    ) -> None:
        """Press one of the App's own buttons on a check run."""
        with self.state.lock:
            self._repository(full_name)
            run = self.state.check_runs[check_run]
            check_acts.request_action(self.state, run, identifier, self.state.make_user(by))

    def pull_request(self, full_name: str, number: int) -> PullRequest:
        return self.state.pull_requests[self._repository(full_name).id, number]

    def reviews(self, full_name: str, number: int) -> list[Json]:
        with self.state.lock:
            pull = self.pull_request(full_name, number)
            return [comments.review(self.state, one) for one in self.state.reviews_of(pull)]

    def review_comments(self, full_name: str, number: int) -> list[Json]:
        with self.state.lock:
            pull = self.pull_request(full_name, number)
            found = self.state.review_comments_of(pull)
            return [comments.review_comment(self.state, one) for one in found]

    def issue_comments(self, full_name: str, number: int) -> list[Json]:
        with self.state.lock:
            pull = self.pull_request(full_name, number)
            found = self.state.issue_comments_of(pull)
            return [comments.issue_comment(self.state, one) for one in found]

    def threads(self, full_name: str, number: int) -> list[Thread]:
        with self.state.lock:
            pull = self.pull_request(full_name, number)
            return [
                self._thread_shape(thread.id, thread.resolved_by, members)
                for thread, members in self.state.threads_of(pull)
            ]

    def _thread_shape(
        self, number: int, resolved_by: User | None, members: list[ReviewComment]
    ) -> Thread:
        now = anchor_now(members[0])
        return Thread(
            id=node_id("PRRT", number),
            path=members[0].original.path,
            line=now.line if now else None,
            outdated=now is None,
            resolved_by=resolved_by.login if resolved_by else None,
            comments=[comments.review_comment(self.state, one) for one in members],
        )

    def check_runs(self, full_name: str, ref: str) -> list[Json]:
        """The check runs of a commit or branch, oldest first, with `annotations` and `actions`."""
        with self.state.lock:
            one = self._repository(full_name)
            sha = one.git.resolve(ref) or ref
            return [
                checks.run(self.state, run)
                | {"annotations": list(run.annotations), "actions": list(run.actions)}
                for run in self.state.check_runs_of(one, sha)
            ]

    def _thread_of(self, pull: PullRequest, comment: int) -> int:
        for thread, members in self.state.threads_of(pull):
            if any(one.id == comment for one in members):
                return thread.id
        raise ValueError(f"no review comment {comment} in #{pull.number}")

    @contextmanager
    def _acting(self, full_name: str, number: int, by: str) -> Iterator[tuple[PullRequest, User]]:
        with self.state.lock:
            yield self.pull_request(full_name, number), self.state.make_user(by)
