"""Check runs and suites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.acts import checks as acts
from sandbox.acts import queueing
from sandbox.call import Answer, Call, Handler
from sandbox.entities import App, CheckRun, CheckSuite, Json, Repository
from sandbox.refusal import Refused, forbidden_to_app, not_found
from sandbox.shapes import checks, repositories


def _app(call: Call) -> App:
    if call.identity.app is None:
        raise Refused(403, "You must authenticate via a GitHub App.")
    return call.identity.app


def _run(call: Call) -> CheckRun:
    repository = call.repository()
    found = call.state.check_runs.get(call.number("check_run_id"))
    if found is None or found.suite.repository is not repository:
        raise not_found()
    return found


def _suite(call: Call) -> CheckSuite:
    repository = call.repository()
    found = call.state.check_suites.get(call.number("check_suite_id"))
    if found is None or found.repository is not repository:
        raise not_found()
    return found


def create_run(call: Call) -> Answer:
    repository = call.repository()
    run = acts.create_run(call.state, _app(call), repository, call.body)
    queueing.checked(call.state, run)
    return Answer(201, checks.run(call.state, run))


def update_run(call: Call) -> Answer:
    run = _run(call)
    if run.suite.app is not _app(call):
        raise forbidden_to_app()
    acts.update_run(call.state, run, call.body)
    queueing.checked(call.state, run)
    return Answer(body=checks.run(call.state, run))


def get_run(call: Call) -> Answer:
    return Answer(body=checks.run(call.state, _run(call)))


def list_annotations(call: Call) -> Answer:
    run = _run(call)
    html = repositories.page(call.state, run.suite.repository)

    def shape(given: Json) -> Json:
        names = ("start_column", "end_column", "title", "raw_details")
        blank = dict.fromkeys(names)
        return blank | given | {"blob_href": f"{html}/blob/{run.suite.head_sha}/{given['path']}"}

    return call.page(run.annotations, shape)


def rerequest_run(call: Call) -> Answer:
    acts.rerequest_run(call.state, _run(call), call.actor())
    return Answer(201, {})


def _listing(call: Call, runs: list[CheckRun]) -> Answer:
    query = call.query
    if name := query.get("check_name"):
        runs = [one for one in runs if one.name == name]
    if status := query.get("status"):
        runs = [one for one in runs if one.status == status]
    if app := query.get("app_id"):
        runs = [one for one in runs if str(one.suite.app.id) == app]
    if query.get("filter", "latest") == "latest":
        newest = {(one.suite.id, one.name): one for one in runs}
        runs = list(newest.values())
    runs = sorted(runs, key=lambda one: one.id, reverse=True)

    def wrap(items: list[Any]) -> Json:
        return {"total_count": len(runs), "check_runs": items}

    return call.page(runs, lambda one: checks.run(call.state, one), wrap)


def _commit_of(call: Call, repository: Repository) -> str:
    name = call.parameters["ref"]
    git = repository.git
    sha = git.resolve(f"refs/heads/{name}") or git.resolve(name) or git.resolve(f"refs/{name}")
    if sha is None:
        raise Refused(422, f"No commit found for SHA: {name}")
    return sha


def runs_for_ref(call: Call) -> Answer:
    repository = call.repository()
    return _listing(call, call.state.check_runs_of(repository, _commit_of(call, repository)))


def runs_for_suite(call: Call) -> Answer:
    return _listing(call, checks.runs_of(call.state, _suite(call)))


def suites_for_ref(call: Call) -> Answer:
    repository = call.repository()
    sha = _commit_of(call, repository)
    every = call.state.check_suites.values()
    found = [one for one in every if one.repository is repository and one.head_sha == sha]
    if app := call.query.get("app_id"):
        found = [one for one in found if str(one.app.id) == app]

    def wrap(items: list[Any]) -> Json:
        return {"total_count": len(found), "check_suites": items}

    return call.page(found, lambda one: checks.suite(call.state, one), wrap)


def get_suite(call: Call) -> Answer:
    return Answer(body=checks.suite(call.state, _suite(call)))


def create_suite(call: Call) -> Answer:
    repository = call.repository()
    sha = call.body["head_sha"]
    if not repository.git.has(sha, "commit"):
        raise Refused(422, f"No commit found for SHA: {sha}")
    before = len(call.state.check_suites)
    suite = acts.suite_of(call.state, _app(call), repository, sha)
    new = len(call.state.check_suites) > before
    return Answer(201 if new else 200, checks.suite(call.state, suite))


def rerequest_suite(call: Call) -> Answer:
    acts.rerequest_suite(call.state, _suite(call), call.actor())
    return Answer(201, {})


HANDLERS: Mapping[str, Handler] = {
    "checks/create": create_run,
    "checks/update": update_run,
    "checks/get": get_run,
    "checks/list-annotations": list_annotations,
    "checks/rerequest-run": rerequest_run,
    "checks/list-for-ref": runs_for_ref,
    "checks/list-for-suite": runs_for_suite,
    "checks/list-suites-for-ref": suites_for_ref,
    "checks/get-suite": get_suite,
    "checks/create-suite": create_suite,
    "checks/rerequest-suite": rerequest_suite,
}
