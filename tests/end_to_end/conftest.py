from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis import Redis
from service import REPOSITORY, Processes, Service, free_port, wait_until_ready
from town import Street, Town, open_town

from sandbox.server import StandIn


@pytest.fixture
def service(redis_url: str, tmp_path: Path) -> Iterator[Service]:
    with StandIn.start() as github, Redis.from_url(redis_url, decode_responses=True) as redis:
        key = tmp_path / "key.pem"
        key.write_text(github.private_key_pem)
        key.chmod(0o600)
        given = {name: str(value) for name, value in github.environment(key).items()}
        environment = {**os.environ, **given, "STET_REDIS_URL": redis_url}
        processes = Processes(environment, tmp_path / "processes.log")
        url = f"http://127.0.0.1:{free_port()}"
        try:
            processes.start("bot.cli", "--port", url.rpartition(":")[2])
            processes.start("worker.cli", "work")
            wait_until_ready(url)
            github.create_repository(REPOSITORY)
            installation = github.install([REPOSITORY])
            github.set_webhook(f"{url}/webhooks/github")
            yield Service(github, redis, installation, processes)
        finally:
            processes.stop()
            sys.stderr.write(processes.said())  # pytest shows it with a test that failed
        assert github.violations == []


@pytest.fixture(scope="session")
def town(lasting_redis_url: str) -> Iterator[Town]:
    """A Stet that runs as long as the tests do."""
    with (
        TemporaryDirectory(prefix="stet-town-") as folder,
        open_town(lasting_redis_url, Path(folder)) as one,
    ):
        yield one


@pytest.fixture
def street(town: Town) -> Iterator[Street]:
    """A repository of this test alone, on the Stet that runs for all of them."""
    said, wrong = len(town.processes.said()), len(town.github.violations)
    town.github.faults.clear()
    yield town.street()
    town.github.faults.clear()
    sys.stderr.write(town.processes.said()[said:])  # pytest shows it with a test that failed
    assert town.github.violations[wrong:] == []
