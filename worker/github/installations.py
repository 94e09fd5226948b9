"""Where the App is installed, and the open pull requests there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from githubkit import GitHub, TokenAuthStrategy

from worker.github.client import App, ask, open_github
from worker.github.errors import GitHubError, RateLimitedError
from worker.github.proof import AppProof

T = TypeVar("T")
_Query = dict[str, str | int]

_PAGE = 100
_MOST_PAGES = 100
_PERMISSIONS = {"checks": "read", "metadata": "read", "pull_requests": "read"}
_LEAST_LEFT = 1000
"""Requests of the hour that are left to reviews."""


class Installation(msgspec.Struct, frozen=True):
    id: int
    suspended_at: datetime | None = None


class _Owner(msgspec.Struct, frozen=True):
    login: str


class Repository(msgspec.Struct, frozen=True):
    id: int
    name: str
    owner: _Owner
    archived: bool = False


class _Repositories(msgspec.Struct):
    repositories: list[Repository]


class _Head(msgspec.Struct, frozen=True):
    sha: str


class OpenPull(msgspec.Struct, frozen=True):
    number: int
    head: _Head
    updated_at: datetime


class Run(msgspec.Struct, frozen=True):
    """A check run of ours. `external_id` names the pull request; see `worker.github.checks`."""

    id: int
    status: str
    external_id: str | None = None
    started_at: datetime | None = None


class _Runs(msgspec.Struct):
    check_runs: list[Run]


class _Minted(msgspec.Struct):
    token: str


def installations(app: App) -> list[Installation]:
    """Every installation of the App, suspended ones among them. Raises GitHubError."""
    with open_github(app, AppProof(app.id, app.private_key)) as github:
        return [
            each
            for page in _pages(github, "app/installations", list[Installation])
            for each in page
        ]


class Visit:
    """A look around in one installation, with a token that reads and nothing else."""

    def __init__(self, app: App, github: GitHub[Any]) -> None:
        self._app = app
        self._github = github

    def repositories(self) -> list[Repository]:
        pages = _pages(self._github, "installation/repositories", _Repositories)
        return [each for page in pages for each in page.repositories if not each.archived]

    def open_pulls(self, where: Repository, since: datetime) -> list[OpenPull]:
        """The open pull requests that changed since a moment, at most a hundred."""
        query: _Query = {"state": "open", "sort": "updated", "direction": "desc", "per_page": _PAGE}
        path = f"repos/{where.owner.login}/{where.name}/pulls"
        pulls = _get(self._github, path, list[OpenPull], query)
        return [each for each in pulls if each.updated_at >= since]

    def runs(self, where: Repository, head: str) -> list[Run]:
        """Our check runs on a commit."""
        query: _Query = {"app_id": self._app.id, "filter": "all", "per_page": _PAGE}
        path = f"repos/{where.owner.login}/{where.name}/commits/{head}/check-runs"
        return _get(self._github, path, _Runs, query).check_runs


@contextmanager
def visit(app: App, installation: int) -> Iterator[Visit]:
    """Raises GitHubError, also when the installation is gone or suspended."""
    path = f"app/installations/{installation}/access_tokens"
    with open_github(app, AppProof(app.id, app.private_key)) as github:
        answer = ask(github, "POST", path, json={"permissions": _PERMISSIONS})
    token = _decoded(answer.body, _Minted).token
    with open_github(app, TokenAuthStrategy(token)) as github:
        yield Visit(app, github)


def _pages(github: GitHub[Any], path: str, kind: type[T]) -> Iterator[T]:
    for number in range(1, _MOST_PAGES + 1):
        answer = ask(github, "GET", path, params={"per_page": _PAGE, "page": number})
        yield _decoded(answer.body, kind)
        if 'rel="next"' not in answer.headers.get("link", ""):
            return


def _get(github: GitHub[Any], path: str, kind: type[T], params: _Query) -> T:
    answer = ask(github, "GET", path, params=params)
    found = _decoded(answer.body, kind)
    left = answer.headers.get("x-ratelimit-remaining", "")
    if left.isdigit() and int(left) < _LEAST_LEFT:
        raise RateLimitedError(3600.0)
    return found


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise GitHubError(f"an answer of an unknown form: {error}") from None
