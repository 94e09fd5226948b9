from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from redis import Redis
from redis.exceptions import RedisError

from worker.embedded_redis import find_server

# No test says how long something may take: a busy machine would fail it.
settings.register_profile("stet", deadline=None)
settings.load_profile("stet")


class RedisServer:
    """A real redis-server on a unix socket, which a test may stop, stall and start again."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}?db=0"
        self._command = [
            *(find_server(), "--port", "0", "--unixsocket", str(self.socket)),
            *("--dir", str(folder), "--save", "", "--loglevel", "warning", *settings),
        ]
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        with Redis(unix_socket_path=str(self.socket)) as client:
            while True:
                try:
                    client.ping()
                except RedisError:
                    assert time.monotonic() < deadline, "redis-server does not start"
                    time.sleep(0.01)
                else:
                    return process

    def restart(self) -> None:
        self.process = self._start()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def _shared_server() -> Iterator[RedisServer]:
    with TemporaryDirectory(prefix="stet-redis-") as folder:
        server = RedisServer(Path(folder), "--appendonly", "yes")
        yield server
        server.kill()


@pytest.fixture(scope="session")
def lasting_redis_url() -> Iterator[str]:
    """The address of a real Redis that is never emptied, for what outlives a test."""
    with TemporaryDirectory(prefix="stet-redis-") as folder:
        server = RedisServer(Path(folder), "--appendonly", "yes")
        yield server.url
        server.kill()


@pytest.fixture
def redis_url(_shared_server: RedisServer) -> str:
    """The address of a real Redis, empty at the start of the test."""
    with Redis(unix_socket_path=str(_shared_server.socket)) as client:
        client.flushall()
        client.script_flush()
    return _shared_server.url


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A real Redis of this test alone, to be broken."""
    folder = TemporaryDirectory(prefix="stet-redis-")
    server = RedisServer(Path(folder.name), "--appendonly", "yes")
    yield server
    server.kill()
    shutil.rmtree(folder.name, ignore_errors=True)
    folder.cleanup()
