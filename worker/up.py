"""`stet up`: receiver, workers and Redis as children of one foreground process."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from worker.embedded_redis import (
    NoRedisError,
    find_server,
    make_private,
    socket_in,
    start_server,
    wait_until_ready,
)
from worker.leash import Leashed
from worker.manifest import WEBHOOK_PATH
from worker.supervisor import Program, Supervisor, program

PYTHON = (sys.executable, "-P", "-m")
WORKER_SECONDS_TO_END = 15.0


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What `stet up` runs, and where."""

    host: str
    port: int
    processes: int
    public_url: str | None

    @property
    def webhook_url(self) -> str:
        base = self.public_url or f"http://{self.host}:{self.port}"
        return f"{base}{WEBHOOK_PATH}"


@contextlib.contextmanager
def data_folder(given: Path | None) -> Iterator[Path]:
    """The folder for the embedded Redis; a temporary one is removed at the end."""
    if given is not None:
        make_private(given)
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="stet-") as folder:
        yield Path(folder)


def redis_program(folder: Path) -> Program:
    """The embedded Redis. Raises NoRedisError when there is none to start."""
    server = find_server()
    socket_in(folder)

    def launch() -> Leashed:
        leashed = start_server(server, folder)
        try:
            wait_until_ready(folder, leashed)
        except NoRedisError:
            leashed.process.kill()
            leashed.process.wait()
            leashed.let_go()
            raise
        return leashed

    return Program("redis", launch)


def redis_url(folder: Path) -> str:
    return f"unix://{socket_in(folder)}?db=0"


def receiver_problems(url: str) -> tuple[str, ...]:
    """What keeps the receiver from starting; its settings are its own affair, so it is asked."""
    checked = subprocess.run(  # noqa: S603  # our own command line
        [*PYTHON, "bot.cli", "--check"],
        env={**os.environ, "STET_REDIS_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    return tuple(checked.stderr.splitlines()) if checked.returncode else ()


def run(
    arrangement: Arrangement, url: str, redis: Program | None, say: Callable[[str], None]
) -> int:
    """Run everything until told to stop; the exit status."""
    environment = {**os.environ, "STET_REDIS_URL": url}
    address = ["--host", arrangement.host, "--port", str(arrangement.port)]
    workers = [
        program(
            f"worker {number}",
            [*PYTHON, "worker.cli", "work"],
            environment,
            # Without us its Redis is gone too, so it could not end in order.
            at_end=signal.SIGKILL,
            seconds_to_end=WORKER_SECONDS_TO_END,
        )
        for number in range(1, arrangement.processes + 1)
    ]
    receiver = program("receiver", [*PYTHON, "bot.cli", *address], environment)
    # Ended in this order and started in the other, so that Redis is there before its clients.
    programs = [*workers, receiver, *([redis] if redis else [])]
    supervisor = Supervisor(programs)
    supervisor.stop_on_signals()
    queue_url = url if redis else None
    return supervisor.run(_announcer(arrangement, queue_url, say))


def _announcer(
    arrangement: Arrangement, queue_url: str | None, say: Callable[[str], None]
) -> Callable[[], None]:
    said = False

    def announce() -> None:
        nonlocal said
        if said or not _listens(arrangement.host, arrangement.port):
            return
        said = True
        say(f"Stet is up. Webhook URL: {arrangement.webhook_url}")
        say(f"Status: http://{arrangement.host}:{arrangement.port}/")
        if queue_url:  # an address that the user gave may hold a password
            say(f"Queue: STET_REDIS_URL={queue_url} stet queue list")

    return announce


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=0.2):
            return True
    except OSError:
        return False
