"""The pages that are read: everything is gathered under the lock and drawn without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import RedirectResponse, Response

from sandbox.diffs import files_between
from sandbox.diffview import files_of, is_mergeable
from sandbox.entities import PullRequest, Repository
from sandbox.exchange import Exchange
from sandbox.git import EMPTY_TREE, SHA
from sandbox.pages import links
from sandbox.pages.acts import pull_of_run, run_of
from sandbox.pages.checks import checks_of, view_of
from sandbox.pages.discussion import reactions, threads_of
from sandbox.pages.files import file_views, strays
from sandbox.pages.frame import HEADERS, Visit
from sandbox.pages.highlight import highlighted
from sandbox.pages.rights import actor_on, pull_of
from sandbox.pages.timeline import commit_views, events_of
from sandbox.refusal import not_found

Exchanges = Callable[[], list[Exchange]]
MOST_BLOB = 1_000_000
MOST_RECENT = 10


def home(exchanges: Exchanges) -> Callable[[Visit], Response]:
    def show(visit: Visit) -> Response:
        state = visit.state
        with state.lock:
            listed = [
                (one, state.pull_requests_of(one)[::-1]) for one in state.repositories.values()
            ]
            signs = {
                pull.id: checks_of(state, one, pull.head_sha)
                for one, many in listed
                for pull in many
            }
            mails = state.mails[::-1]
        log = state.deliveries.log[::-1]
        return visit.page(
            "home.html",
            repositories=listed,
            checks=signs,
            deliveries=log[:MOST_RECENT],
            delivered=len(log),
            wrong_deliveries=[one for one in log if one.violations],
            wrong_exchanges=[
                (number, one) for number, one in enumerate(exchanges()) if one.violations
            ],
            exchanged=len(exchanges()),
            mails=mails[:MOST_RECENT],
            mailed=len(mails),
        )

    return show


def _shared(visit: Visit, pull: PullRequest, tab: str) -> dict[str, Any]:
    """What the head of each of a pull request's four pages shows; the lock is held."""
    files = files_of(pull)
    rights = actor_on(visit, pull)
    return {
        "pull": pull,
        "tab": tab,
        "rights": rights,
        "actor": rights.user,
        "commits": commit_views(pull),
        "checks": checks_of(visit.state, pull.repository, pull.head_sha),
        "files_changed": len(files),
        "additions": sum(one.additions for one in files),
        "deletions": sum(one.deletions for one in files),
    }


def conversation(visit: Visit) -> Response:
    state = visit.state
    with state.lock:
        pull = pull_of(visit)
        threads = threads_of(state, pull)
        fields = _shared(visit, pull, "conversation") | {
            "events": events_of(state, pull, threads),
            "reactions": reactions(pull.reactions),
            "mergeable": is_mergeable(pull),
            "unresolved": sum(1 for one in threads if one.resolved_by is None),
            "threads": len(threads),
            "mails": sum(
                1
                for one in state.mails
                if (one.repository, one.number) == (pull.repository.full_name, pull.number)
            ),
            "participants": _participants(visit, pull),
        }
    return visit.page("conversation.html", **fields)


def _participants(visit: Visit, pull: PullRequest) -> list[str]:
    state = visit.state
    users = [pull.user]
    users += [one.user for one in state.issue_comments_of(pull)]
    users += [one.user for one in state.reviews_of(pull) if one.state != "PENDING"]
    return list(dict.fromkeys(one.login for one in users))


def commits(visit: Visit) -> Response:
    with visit.state.lock:
        pull = pull_of(visit)
        fields = _shared(visit, pull, "commits")
        repository = pull.repository
        signs = {one.sha: checks_of(visit.state, repository, one.sha) for one in fields["commits"]}
    return visit.page("commits.html", signs=signs, **fields)


def checks(visit: Visit) -> Response:
    wanted = visit.request.query_params.get("sha", "")
    with visit.state.lock:
        pull = pull_of(visit)
        fields = _shared(visit, pull, "checks")
        sha = wanted if SHA.fullmatch(wanted) else pull.head_sha
        shown = checks_of(visit.state, pull.repository, sha)
    return visit.page("checks.html", shown=shown, sha=sha, **fields)


def files(visit: Visit) -> Response:
    with visit.state.lock:
        pull = pull_of(visit)
        fields = _shared(visit, pull, "files")
        threads = threads_of(visit.state, pull)
        changed = files_of(pull)
    git, full = pull.repository.git, visit.request.query_params.get("full")
    views = file_views(changed, git, threads, full)
    stray = strays(changed, threads)
    return visit.page("files.html", files=views, strays=stray, **fields)


def commit(visit: Visit) -> Response:
    with visit.state.lock:
        repository = _repository(visit)
        sha = _commit_in(visit, repository)
        found = repository.git.commit(sha)
        parent = found.parents[0] if found.parents else EMPTY_TREE
        changed = files_between(repository.git, parent, sha)
    views = file_views(changed, repository.git, full=visit.request.query_params.get("full"))
    return visit.page("commit.html", repository=repository, commit=found, files=views)


def blob(visit: Visit) -> Response:
    """A file as it is at a commit: where permalinks lead."""
    path = visit.request.path_params["path"]
    with visit.state.lock:
        repository = _repository(visit)
        sha = _commit_in(visit, repository)
        entry = repository.git.entry_at(sha, path)
        content = repository.git.blob(entry.sha) if entry and entry.type == "blob" else None
    if content is None:
        raise not_found()
    binary = b"\0" in content or len(content) > MOST_BLOB
    text = "" if binary else content.decode("utf-8", "replace").removesuffix("\n")
    lines = highlighted(tuple(text.split("\n")), path) if text else ()
    return visit.page(
        "blob.html", repository=repository, sha=sha, path=path, lines=lines, binary=binary,
        size=len(content),
    )  # fmt: skip


def repository(visit: Visit) -> Response:
    with visit.state.lock:
        one = _repository(visit)
        pulls = visit.state.pull_requests_of(one)[::-1]
        signs = {pull.id: checks_of(visit.state, one, pull.head_sha) for pull in pulls}
        people = dict(one.collaborators)
    return visit.page("repository.html", repository=one, pulls=pulls, checks=signs, roles=people)


def run(visit: Visit) -> Response:
    """Where a check run's `html_url` leads: to its place on the Checks tab."""
    with visit.state.lock:
        found = run_of(visit)
        pull = pull_of_run(visit.state, found)
        view = view_of(found)
        repository_ = found.suite.repository
    if pull is not None:
        target = f"{links.pull(pull, 'checks')}#run-{found.id}"
        return RedirectResponse(target, 302, HEADERS)
    return visit.page("run.html", run=view, repository=repository_, rights=None)


def _repository(visit: Visit) -> Repository:
    path: Mapping[str, str] = visit.request.path_params
    found = visit.state.repository(path["owner"], path["repo"])
    if found is None:
        raise not_found()
    return found


def _commit_in(visit: Visit, one: Repository) -> str:
    sha: str = visit.request.path_params["sha"]
    found = one.git.resolve(sha) if SHA.fullmatch(sha) else None
    if found is None:
        raise not_found()
    return found
