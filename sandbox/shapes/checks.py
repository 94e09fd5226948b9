"""Check runs and suites as GitHub writes them."""

from __future__ import annotations

from sandbox.entities import CheckRun, CheckSuite, Json
from sandbox.shapes.accounts import app
from sandbox.shapes.pulls import minimal_pull
from sandbox.shapes.repositories import api, page, repository
from sandbox.state import State, node_id

WORST_FIRST = (
    "action_required",
    "timed_out",
    "cancelled",
    "failure",
    "stale",
    "neutral",
    "success",
    "skipped",
)


def pulls_of(state: State, suite: CheckSuite) -> list[Json]:
    """Open pull requests of that head; GitHub leaves those from forks out."""
    return [
        minimal_pull(state, one)
        for one in state.pull_requests_of(suite.repository)
        if one.head_sha == suite.head_sha
        and one.state == "open"
        and one.head_repository is suite.repository
    ]


def run(state: State, one: CheckRun) -> Json:
    root = f"{api(state, one.suite.repository)}/check-runs/{one.id}"
    return {
        "id": one.id,
        "name": one.name,
        "node_id": node_id("CR", one.id),
        "head_sha": one.suite.head_sha,
        "external_id": one.external_id,
        "url": root,
        "html_url": f"{page(state, one.suite.repository)}/runs/{one.id}",
        "details_url": one.details_url or one.suite.app.webhook_url or state.url,
        "status": one.status,
        "conclusion": one.conclusion,
        "started_at": one.started_at,
        "completed_at": one.completed_at,
        "output": {
            "title": one.title,
            "summary": one.summary,
            "text": one.text,
            "annotations_count": len(one.annotations),
            "annotations_url": f"{root}/annotations",
        },
        "check_suite": {"id": one.suite.id},
        "app": app(state, one.suite.app),
        "pull_requests": pulls_of(state, one.suite),
    }


def run_event(state: State, one: CheckRun) -> Json:
    """In events the suite is told in more words."""
    suite = one.suite
    shape = run(state, one)
    shape["check_suite"] = {
        "id": suite.id,
        "node_id": node_id("CS", suite.id),
        "head_branch": suite.head_branch,
        "head_sha": suite.head_sha,
        "status": status(state, suite),
        "conclusion": conclusion(state, suite),
        "url": f"{api(state, suite.repository)}/check-suites/{suite.id}",
        "before": suite.before,
        "after": suite.head_sha,
        "pull_requests": pulls_of(state, suite),
        "app": app(state, suite.app),
        "created_at": suite.created_at,
        "updated_at": suite.updated_at,
    }
    return shape


def runs_of(state: State, suite: CheckSuite) -> list[CheckRun]:
    return [one for one in state.check_runs.values() if one.suite is suite]


def status(state: State, suite: CheckSuite) -> str:
    states = {one.status for one in runs_of(state, suite)}
    if not states:
        return "queued"
    return "completed" if states == {"completed"} else "in_progress"


def conclusion(state: State, suite: CheckSuite) -> str | None:
    if status(state, suite) != "completed":
        return None
    found = {one.conclusion for one in runs_of(state, suite)}
    return next((one for one in WORST_FIRST if one in found), None)


def suite_event(state: State, suite: CheckSuite) -> Json:
    root = f"{api(state, suite.repository)}/check-suites/{suite.id}"
    commit = suite.repository.git.commit(suite.head_sha)
    return {
        "id": suite.id,
        "node_id": node_id("CS", suite.id),
        "head_branch": suite.head_branch,
        "head_sha": suite.head_sha,
        "status": status(state, suite),
        "conclusion": conclusion(state, suite),
        "url": root,
        "before": suite.before,
        "after": suite.head_sha,
        "pull_requests": pulls_of(state, suite),
        "app": app(state, suite.app),
        "created_at": suite.created_at,
        "updated_at": suite.updated_at,
        "rerequestable": True,
        "runs_rerequestable": True,
        "latest_check_runs_count": len(runs_of(state, suite)),
        "check_runs_url": f"{root}/check-runs",
        "head_commit": {
            "id": commit.sha,
            "tree_id": commit.tree,
            "message": commit.message,
            "timestamp": commit.committer.date,
            "author": {"name": commit.author.name, "email": commit.author.email},
            "committer": {"name": commit.committer.name, "email": commit.committer.email},
        },
    }


def suite(state: State, one: CheckSuite) -> Json:
    return suite_event(state, one) | {"repository": repository(state, one.repository)}
