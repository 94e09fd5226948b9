"""What the buttons do: GitHub's acts, by the person chosen in the page's head."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from starlette.responses import Response

from sandbox.acts import checks as check_acts
from sandbox.acts import comments as comment_acts
from sandbox.acts import pulls as pull_acts
from sandbox.acts import queueing as queue_acts
from sandbox.acts import reviews as review_acts
from sandbox.entities import CheckRun, PullRequest, ReviewComment, Thread, User
from sandbox.pages.frame import Visit
from sandbox.pages.rights import Rights, actor_on, pull_of, rights_of
from sandbox.pages.suggestions import commit_suggestion
from sandbox.refusal import Refused, not_found, unprocessable
from sandbox.state import State

Change = Callable[[State, PullRequest, User], object]


def comment(visit: Visit) -> Response:
    with visit.state.lock:
        pull = pull_of(visit)
        user = actor_on(visit, pull).require("comment")
        made = comment_acts.comment(visit.state, pull, user, _body(visit))
    return visit.go_back(f"issuecomment-{made.id}")


def reply(visit: Visit) -> Response:
    with visit.state.lock:
        pull = pull_of(visit)
        user = actor_on(visit, pull).require("comment")
        thread = _thread(visit, pull)
        made = review_acts.reply(visit.state, pull, user, thread.id, _body(visit))
    return visit.go_back(f"discussion_r{made.id}")


def resolve(visit: Visit) -> Response:
    with visit.state.lock:
        pull = pull_of(visit)
        user = actor_on(visit, pull).require("resolve")
        thread = _thread(visit, pull)
        resolved = visit.form.get("resolved") == "yes"
        review_acts.set_resolved(visit.state, thread, user, resolved=resolved)
    return visit.go_back(f"thread-{thread.id}")


def apply_suggestion(visit: Visit) -> Response:
    with visit.state.lock:
        pull = pull_of(visit)
        user = actor_on(visit, pull).require("commit")
        found = _review_comment(visit, pull)
        commit_suggestion(visit.state, found, visit.number("suggestion"), user)
    return visit.go_back(f"discussion_r{found.id}")


def delete_comment(visit: Visit) -> Response:
    """People who may write delete any comment; others their own."""
    with visit.state.lock:
        pull = pull_of(visit)
        rights = actor_on(visit, pull)
        found = _review_comment(visit, pull)
        user = rights.user if found.user is rights.user else rights.require("write")
        review_acts.delete_comment(visit.state, found, user)
    return visit.go_back("end")


def _body(visit: Visit) -> str:
    """Browsers send CR LF from a text box."""
    return visit.form.get("body", "").replace("\r\n", "\n")


def _thread(visit: Visit, pull: PullRequest) -> Thread:
    found = visit.state.threads.get(visit.number("thread"))
    if found is None or found.pull_request is not pull:
        raise not_found()
    return found


def _review_comment(visit: Visit, pull: PullRequest) -> ReviewComment:
    found = visit.state.review_comments.get(visit.number("comment"))
    if found is None or found.pull_request is not pull or found.review.state == "PENDING":
        raise not_found()
    return found


# The state of the pull request: the right that is needed, and the act.

CHANGES: Mapping[str, tuple[str, Change]] = MappingProxyType(
    {
        "close": ("triage", pull_acts.close),
        "reopen": ("triage", pull_acts.reopen),
        "ready": ("resolve", lambda s, p, u: pull_acts.set_draft(s, p, u, draft=False)),
        "draft": ("resolve", lambda s, p, u: pull_acts.set_draft(s, p, u, draft=True)),
        "merge": ("write", pull_acts.merge),
        "queue": ("write", queue_acts.enqueue),
    }
)


def change(visit: Visit) -> Response:
    """Close, reopen, ready for review, back to draft, merge, into the merge queue."""
    right, act = CHANGES.get(visit.form.get("change", ""), (None, None))
    if right is None or act is None:
        raise unprocessable("There is no such change.")
    with visit.state.lock:
        pull = pull_of(visit)
        act(visit.state, pull, actor_on(visit, pull).require(right))
    return visit.go_back("end")


# Check runs


def rerequest(visit: Visit) -> Response:
    with visit.state.lock:
        run = run_of(visit)
        check_acts.rerequest_run(visit.state, run, _runner(visit, run).require("write"))
    return visit.go_back(f"run-{run.id}")


def request_action(visit: Visit) -> Response:
    with visit.state.lock:
        run = run_of(visit)
        user = _runner(visit, run).require("write")
        check_acts.request_action(visit.state, run, visit.form.get("identifier", ""), user)
    return visit.go_back(f"run-{run.id}")


def run_of(visit: Visit) -> CheckRun:
    """The check run in the path; called with the lock held."""
    path = visit.request.path_params
    repository = visit.state.repository(path["owner"], path["repo"])
    found = visit.state.check_runs.get(visit.number("run"))
    if repository is None or found is None or found.suite.repository is not repository:
        raise not_found()
    return found


def pull_of_run(state: State, run: CheckRun) -> PullRequest | None:
    """The newest pull request that has the run's commit as its head."""
    candidates = state.pull_requests_of(run.suite.repository)
    return next((one for one in reversed(candidates) if one.head_sha == run.suite.head_sha), None)


def _runner(visit: Visit, run: CheckRun) -> Rights:
    pull = pull_of_run(visit.state, run)
    if pull is not None:
        return actor_on(visit, pull)
    every = visit.state.pull_requests_of(run.suite.repository)
    user = visit.actor()
    if user is None or not every:
        raise Refused(403, "Nobody here may run this check again.")
    return rights_of(visit.state, user, every[-1])


def redeliver(visit: Visit) -> Response:
    found = visit.state.deliveries.find(visit.number("delivery"))
    if found is None:
        raise not_found()
    visit.state.deliveries.redeliver(found)
    return visit.go_back()
