"""Starts what the demonstration needs: the stand-in GitHub here, `stet up` as a child."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sandbox.server import StandIn

_READY_SECONDS = 60
_POLL_SECONDS = 0.1


class DemoError(Exception):
    """What went wrong, in words for the person who typed `make demo`."""


@dataclass(frozen=True)
class Service:
    """`stet up`, running."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def last_words(self) -> str:
        """The end of what it printed, to explain a failure."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-15:])


def free_port() -> int:
    """A port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def stet_up(github: StandIn, folder: Path) -> Iterator[Service]:
    """Receiver, worker and embedded Redis, told of the stand-in. Raises DemoError."""
    port = free_port()
    environment = _environment(github.environment(folder / "app.pem"))
    command = [sys.executable, "-P", "-m", "worker.cli", "up", "--port", str(port)]
    log = folder / "stet.log"
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, env=environment, stdout=out, stderr=subprocess.STDOUT, cwd=folder
        )
    service = Service(process, f"http://127.0.0.1:{port}", log)
    try:
        _wait_until_ready(service)
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """Nothing of the person's own STET_ settings, but which redis-server to find on PATH."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("STET_")}
    return {**kept, **given}


def _wait_until_ready(service: Service) -> None:
    def is_ready() -> bool:
        if service.process.poll() is not None:
            raise DemoError(f"`stet up` ended:\n{service.last_words()}")
        try:
            return httpx.get(f"{service.url}/readyz", timeout=2).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    if not wait_for(is_ready, _READY_SECONDS):
        raise DemoError(f"`stet up` was not ready in time:\n{service.last_words()}")


def wait_for(condition: Callable[[], Any], seconds: float) -> Any:
    """The first true answer of `condition`, or its last one when the time is over."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(_POLL_SECONDS)
