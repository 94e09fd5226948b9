from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import MODELS, RATES, REPOSITORY, Desk
from redis import Redis

from sandbox.server import StandIn


@pytest.fixture
def github() -> Iterator[StandIn]:
    with StandIn.start() as one:
        yield one


@pytest.fixture
def desk(
    github: StandIn, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """A repository with its App, and an environment in which the job can run."""
    key = tmp_path / "key.pem"
    key.write_text(github.private_key_pem)
    key.chmod(0o600)
    for name, value in github.environment(key).items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("STET_REDIS_URL", redis_url)
    github.create_repository(REPOSITORY)
    for login, role in (("alice", "write"), ("tom", "triage"), ("rita", "read")):
        github.create_user(login)
        github.set_permission(REPOSITORY, login, role)
    installation = github.install([REPOSITORY])
    github.commit(REPOSITORY, "main", {"shop/models.py": MODELS, "shop/rates.py": RATES})
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        yield Desk(github, redis, installation)
    assert github.violations == []
