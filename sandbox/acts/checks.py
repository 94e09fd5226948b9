"""Check suites and check runs, and the buttons on them."""

from __future__ import annotations

from typing import Any

from sandbox.entities import App, CheckRun, CheckSuite, Json, Repository, User
from sandbox.events import emit
from sandbox.git import ZERO
from sandbox.refusal import Refused, unprocessable
from sandbox.shapes import checks
from sandbox.state import State

MOST_TEXT = 65_535
MOST_TITLE = 255
MOST_ANNOTATION = 64 * 1024


def request_suites(
    state: State,
    repository: Repository,
    sha: str,
    sender: User,
    *,
    before: str,
    branch: str | None = None,
) -> None:
    """At each push GitHub opens a suite for every App that may write checks."""
    for one in state.installations_on(repository):
        if one.permissions.get("checks") != "write":
            continue
        if any(_is(suite, one.app, repository, sha) for suite in state.check_suites.values()):
            continue
        suite = _make_suite(state, one.app, repository, sha, branch=branch, before=before)
        shape = checks.suite_event(state, suite)
        emit(state, repository, "check_suite", "requested", sender, only=one.app, check_suite=shape)


def _is(suite: CheckSuite, app: App, repository: Repository, sha: str) -> bool:
    return suite.app is app and suite.repository is repository and suite.head_sha == sha


def _make_suite(
    state: State, app: App, repository: Repository, sha: str, *, branch: str | None, before: str
) -> CheckSuite:
    suite = CheckSuite(
        state.new_id("suite"), repository, app, sha, branch, before, state.now(), state.now()
    )
    state.check_suites[suite.id] = suite
    return suite


def suite_of(state: State, app: App, repository: Repository, sha: str) -> CheckSuite:
    """The App's suite for a commit, made where there is none."""
    for suite in state.check_suites.values():
        if _is(suite, app, repository, sha):
            return suite
    branch = next((n for n, tip in repository.git.branches().items() if tip == sha), None)
    before = next(iter(repository.git.commit(sha).parents), ZERO)
    return _make_suite(state, app, repository, sha, branch=branch, before=before)


def create_run(state: State, app: App, repository: Repository, given: Json) -> CheckRun:
    sha = repository.git.resolve(given["head_sha"]) if len(given["head_sha"]) == 40 else None
    if sha is None:
        raise unprocessable(f"No commit found for SHA: {given['head_sha']}")
    run = CheckRun(
        id=state.new_id("check"),
        suite=suite_of(state, app, repository, sha),
        name=given["name"],
        external_id=given.get("external_id", ""),
        details_url=given.get("details_url"),
        status="queued",
        conclusion=None,
        started_at=given.get("started_at") or state.now(),
        completed_at=None,
    )
    _apply(state, run, given)
    state.check_runs[run.id] = run
    _tell(state, run, "created", app.bot)
    if run.status == "completed":
        _tell(state, run, "completed", app.bot)
    return run


def update_run(state: State, run: CheckRun, given: Json) -> None:
    was_open = run.status != "completed"
    _apply(state, run, given)
    if was_open and run.status == "completed":
        _tell(state, run, "completed", run.suite.app.bot)


def _apply(state: State, run: CheckRun, given: Json) -> None:
    """Take over what was given; annotations are appended to those of earlier requests."""
    status = given.get("status", run.status)
    if given.get("conclusion"):
        status = "completed"
    if status == "completed" and not given.get("conclusion") and not run.conclusion:
        raise unprocessable("For 'completed' status, the 'conclusion' property must be present.")
    output = given.get("output") or {}
    _check_sizes(output)
    run.name = given.get("name", run.name)
    run.details_url = given.get("details_url", run.details_url)
    run.external_id = given.get("external_id", run.external_id)
    run.started_at = given.get("started_at", run.started_at)
    run.status = status
    if status == "completed":
        run.conclusion = given.get("conclusion", run.conclusion)
        run.completed_at = given.get("completed_at") or run.completed_at or state.now()
    else:
        run.conclusion = run.completed_at = None
    run.title = output.get("title", run.title)
    run.summary = output.get("summary", run.summary)
    run.text = output.get("text", run.text)
    run.annotations.extend(output.get("annotations", ()))
    run.actions = given.get("actions", run.actions)
    run.suite.updated_at = state.now()


def _check_sizes(output: Json) -> None:
    for name in ("summary", "text"):
        if len(output.get(name, "").encode()) > MOST_TEXT:
            raise unprocessable(f"Only {MOST_TEXT} characters are allowed; {name} is longer.")
    for annotation in output.get("annotations", ()):
        if problem := _annotation_problem(annotation):
            raise unprocessable(problem)


def _annotation_problem(given: dict[str, Any]) -> str | None:
    start, end = given["start_line"], given["end_line"]
    if start < 1 or end < start:
        return "Invalid request: start_line must not be greater than end_line."
    if start != end and ("start_column" in given or "end_column" in given):
        return "Invalid request: columns are only allowed when start_line equals end_line."
    if given.get("end_column", 1) < given.get("start_column", 1):
        return "Invalid request: start_column must not be greater than end_column."
    if len(given.get("title", "")) > MOST_TITLE:
        return f"Only {MOST_TITLE} characters are allowed in an annotation's title."
    sizes = (len(given.get(name, "").encode()) for name in ("message", "raw_details"))
    return "An annotation is larger than 64 KB." if max(sizes) > MOST_ANNOTATION else None


def _tell(state: State, run: CheckRun, action: str, sender: User, **fields: Any) -> None:
    """Apps hear of their own runs, created and completed included."""
    emit(
        state,
        run.suite.repository,
        "check_run",
        action,
        sender,
        only=run.suite.app,
        check_run=checks.run_event(state, run),
        **fields,
    )


def rerequest_run(state: State, run: CheckRun, sender: User) -> None:
    """The button "Re-run": the App is asked; the run itself stays as it is."""
    if run.status != "completed":
        raise Refused(422, "This check run is not rerequestable")
    _tell(state, run, "rerequested", sender)


def rerequest_suite(state: State, suite: CheckSuite, sender: User) -> None:
    shape = checks.suite_event(state, suite)
    emit(
        state, suite.repository, "check_suite", "rerequested", sender,
        only=suite.app, check_suite=shape,
    )  # fmt: skip


def request_action(state: State, run: CheckRun, identifier: str, sender: User) -> None:
    """One of the App's own buttons on the check run."""
    if all(action["identifier"] != identifier for action in run.actions):
        raise Refused(422, f"The check run has no action {identifier}")
    chosen = {"identifier": identifier}
    _tell(state, run, "requested_action", sender, requested_action=chosen)
