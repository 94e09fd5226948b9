from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from service import REPOSITORY, Processes, Service, free_port, wait_until_ready

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
