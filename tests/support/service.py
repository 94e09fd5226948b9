"""The whole of Stet as processes: receiver and worker, a real Redis, the stand-in GitHub."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from redis import Redis

from sandbox.server import StandIn
from worker import leash
from worker.turns import Turns

REPOSITORY = "acme/shop"
_PATIENCE = 60.0


_BOTH_IN_ONE = ("/bin/sh", "-c", 'exec "$@" 2>&1', "sh")


class Processes:
    """The receiver and one worker. They end with the test, and with pytest if that is killed."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log
        self._running: list[leash.Leashed] = []

    def start(self, module: str, *arguments: str) -> None:
        with self._log.open("ab") as output:
            command = [*_BOTH_IN_ONE, sys.executable, "-P", "-m", module, *arguments]
            environment = {**self._environment, "STET_LOG_FORMAT": "console"}
            self._running.append(leash.start(command, environment, stdout=output))

    def said(self) -> str:
        """Everything that they have logged."""
        return self._log.read_text()

    def kill_newest(self) -> None:
        """As the kernel does when memory runs out: no last words."""
        leashed = self._running.pop()
        leashed.process.kill()
        leashed.process.wait()
        leashed.let_go()

    def stop(self) -> None:
        for leashed in self._running:
            leashed.process.terminate()
        for leashed in self._running:
            try:
                leashed.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(leashed.process.pid, signal.SIGKILL)
                leashed.process.wait()
            leashed.let_go()
        self._running.clear()


class Service:
    """What a person and an operator can do and see."""

    def __init__(
        self, github: StandIn, redis: Redis, installation: int, processes: Processes
    ) -> None:
        self.github = github
        self.installation = installation
        self.processes = processes
        self._turns = Turns(redis)

    def settle(self) -> None:
        """Wait until every event was delivered and no work is left."""
        deadline = time.monotonic() + _PATIENCE
        calm = 0
        while calm < 3:
            assert time.monotonic() < deadline, self._turns.counts()
            self.github.wait_until_delivered(_PATIENCE)
            counts = self._turns.counts()
            calm = calm + 1 if not (counts.ready or counts.running or counts.later) else 0
            time.sleep(0.1)

    def wait_for_check(self, branch: str) -> dict[str, Any]:
        """The check run of a review that has begun."""
        deadline = time.monotonic() + _PATIENCE
        while not self.checks(branch):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return self.checks(branch)[0]

    def comments(self, number: int) -> list[dict[str, Any]]:
        return self.github.review_comments(REPOSITORY, number)

    def reviews(self, number: int) -> list[dict[str, Any]]:
        return self.github.reviews(REPOSITORY, number)

    def checks(self, branch: str) -> list[dict[str, Any]]:
        return self.github.check_runs(REPOSITORY, branch)

    def mails(self) -> list[str]:
        """The kinds of mail that went out because of Stet."""
        return [mail.kind for mail in self.github.mails if mail.author == self.github.bot_login]

    def reactions(self, comment: int) -> set[str]:
        return {each.content for each in self.github.state.issue_comments[comment].reactions}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("the receiver does not answer")
