from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import chromium
from github import Auth, Github
from github.PullRequest import PullRequest
from githubkit import AppAuthStrategy, GitHub
from shop import REPOSITORY, VIEWS, Installed, Shop

from sandbox.server import StandIn

__all__ = ["bot", "chromium", "github", "human", "shop"]


@pytest.fixture
def github() -> Iterator[StandIn]:
    with StandIn.start() as one:
        yield one


@pytest.fixture
def shop(github: StandIn) -> Iterator[Shop]:
    github.create_repository(REPOSITORY)
    token = github.create_user("alice")
    github.set_permission(REPOSITORY, "alice", "write")
    installation = github.install([REPOSITORY])
    github.commit(REPOSITORY, "main", {"app/views.py": VIEWS, "app/old.py": "x = 1\ny = 2\n"})
    changed = VIEWS.replace("line 10\n", "line ten\n").replace("line 40\n", "line forty\n")
    github.commit(REPOSITORY, "feature", {"app/views.py": changed}, base="main")
    number = github.open_pull_request(REPOSITORY, head="feature", title="Change two lines")
    app = GitHub(
        AppAuthStrategy(github.app_id, github.private_key_pem),
        base_url=github.api_url,
        http_cache=False,
        auto_retry=False,
        timeout=20,
    )
    yield Shop(github, number, installation, token, app)
    assert github.violations == []


@pytest.fixture
def bot(shop: Shop) -> Iterator[Installed]:
    """The App as it acts on the repository."""
    with shop.app.with_auth(shop.app.auth.as_installation(shop.installation)) as client:
        yield client


@pytest.fixture
def human(shop: Shop) -> Iterator[PullRequest]:
    """The pull request as alice sees it through a client that nobody here wrote."""
    client = Github(
        auth=Auth.Token(shop.token),
        base_url=shop.github.api_url,
        retry=None,
        seconds_between_requests=0,
        seconds_between_writes=0,
    )
    yield client.get_repo(REPOSITORY).get_pull(shop.number)
    client.close()
