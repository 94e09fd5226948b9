"""A Redis as Stet runs it and a receiver in front of it, started for a measurement."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from worker.embedded_redis import find_server, start_server, wait_until_ready


@dataclass(frozen=True)
class Door:
    """A receiver that listens, and its process."""

    port: int
    pid: int

    def memory(self) -> float:
        """Resident, in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        kilobytes = next(line.split()[1] for line in status.splitlines() if "VmRSS" in line)
        return int(kilobytes) / 1000


@contextmanager
def started_redis(folder: Path) -> Iterator[str]:
    """A Redis that keeps what it is told in `folder`, which is made; yields its address."""
    folder.mkdir(mode=0o700)
    server = start_server(find_server(), folder)
    try:
        wait_until_ready(folder, server)
        yield f"unix://{folder / 'redis.sock'}"
    finally:
        server.process.terminate()
        server.process.wait(10)
        server.let_go()


@contextmanager
def started_door(kind: str, redis_url: str, log: Path) -> Iterator[Door]:
    """A receiver of `bench.load.doors` that writes its log to a file, as it does in service."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "bench.load.doors", kind, str(port), redis_url]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=output)
    try:
        _wait_for(port, process, log)
        yield Door(port, process.pid)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise click.ClickException(f"a receiver did not start: {log.read_text()[-2000:]}")
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)
    raise click.ClickException("a receiver does not listen")
