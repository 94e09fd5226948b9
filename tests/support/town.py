"""One running Stet for many tests: each has a repository, an installation and people of its own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from redis import Redis
from service import Processes, Service, free_port, wait_until_ready

from sandbox.exchange import Exchange
from sandbox.server import StandIn

_NUMBERS = itertools.count(1)
Files = Mapping[str, str | bytes | None]


class Town(Service):
    """The receiver, two workers, a Redis and the stand-in GitHub."""

    url: str
    redis: Redis

    def street(self) -> Street:
        """A new repository `org-N/shop` with alice (its author, reads), walter (writes) and tom."""
        name = f"org-{next(_NUMBERS)}/shop"
        self.github.create_repository(name)
        for login, role in (("alice", "read"), ("walter", "write"), ("tom", "triage")):
            self.github.create_user(login)
            self.github.set_permission(name, login, role)
        return Street(self, name, self.github.install([name]))


@dataclass
class Street:
    """A repository, its App, and the one pull request that a test is about."""

    town: Town
    name: str
    installation: int
    number: int = 0

    @property
    def github(self) -> StandIn:
        return self.town.github

    def commit(self, files: Files, branch: str = "feature", **more: Any) -> str:
        return self.github.commit(self.name, branch, files, **{"base": "main", **more})

    def push(self, files: Files, **more: Any) -> str:
        """Push to the pull request, and wait until Stet has nothing more to do."""
        sha = self.commit(files, **more)
        self.settle()
        return sha

    def open(self, files: Files, base: Files | None = None, **more: Any) -> int:
        """Open a pull request of alice's, and wait for its review."""
        if base:
            self.commit(base, "main")
        self.commit(files)
        given = {"head": "feature", "title": "A change", "by": "alice", **more}
        self.number = self.github.open_pull_request(self.name, **given)
        self.settle()
        return self.number

    def settle(self) -> None:
        self.town.settle()

    def say(self, text: str, by: str, thread: int | None = None) -> int:
        """Somebody writes a comment; answers its id once Stet has heard it."""
        if thread is None:
            comment = self.github.comment(self.name, self.number, text, by=by)
        else:
            comment = self.github.reply(self.name, self.number, thread, text, by=by)
        self.settle()
        return comment

    def may_write(self) -> None:
        """The owner grants the App the tier that may write code."""
        with self.github.state.lock:
            self.github.state.installations[self.installation].permissions["contents"] = "write"

    def lose_redis(self) -> None:
        """Everything that Redis knows of this repository but the queue."""
        keys = self.town.redis.keys(f"{{stet}}:*:{self.installation}:*")
        self.town.redis.delete(*[key for key in keys if ":pull:" not in key] or ["none"])

    def head(self) -> str:
        return self.github.pull_request(self.name, self.number).head_sha

    def comments(self) -> list[dict[str, Any]]:
        """Stet's own comments on lines and files, that began a thread."""
        every = self.github.review_comments(self.name, self.number)
        ours = [c for c in every if c["user"]["login"] == self.github.bot_login]
        return [c for c in ours if c.get("in_reply_to_id") is None]

    def comment(self) -> dict[str, Any]:
        [one] = self.comments()
        return one

    def replies(self) -> list[str]:
        every = self.github.review_comments(self.name, self.number)
        ours = [c for c in every if c["user"]["login"] == self.github.bot_login]
        return [c["body"] for c in ours if c.get("in_reply_to_id") is not None]

    def answers(self) -> list[str]:
        every = self.github.issue_comments(self.name, self.number)
        return [c["body"] for c in every if c["user"]["login"] == self.github.bot_login]

    def reviews(self) -> list[dict[str, Any]]:
        return self.github.reviews(self.name, self.number)

    def checks(self, ref: str = "") -> list[dict[str, Any]]:
        return self.github.check_runs(self.name, ref or self.head())

    def check(self, ref: str = "") -> dict[str, Any]:
        """The newest check run."""
        return max(self.checks(ref), key=lambda each: int(each["id"]))

    def verdict(self, ref: str = "") -> tuple[str, str]:
        """Conclusion and title of the newest check run."""
        check = self.check(ref)
        return check["conclusion"], check["output"]["title"]

    def summary(self) -> str:
        return str(self.check()["output"]["summary"])

    def mails(self) -> list[str]:
        """What people were mailed because of Stet, by kind."""
        mails = [m for m in self.github.mails if m.repository == self.name]
        return [m.kind for m in mails if m.author == self.github.bot_login]

    def calls(self, part: str = "") -> list[Exchange]:
        """What Stet asked of GitHub about this repository."""
        return [e for e in self.github.exchanges if f"/{self.name}/{part}" in e.path]

    def metric(self, name: str, **labels: str) -> float:
        """A number that the receiver tells Prometheus."""
        wanted = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
        lines = httpx.get(f"{self.town.url}/metrics").text.splitlines()
        found = [line for line in lines if line.startswith(f"{name}{{{wanted}}} ")]
        return float(found[0].rpartition(" ")[2]) if found else 0.0


@contextmanager
def open_town(redis_url: str, folder: Path) -> Iterator[Town]:
    with StandIn.start() as github, Redis.from_url(redis_url, decode_responses=True) as redis:
        key = folder / "key.pem"
        key.write_text(github.private_key_pem)
        key.chmod(0o600)
        given = {name: str(value) for name, value in github.environment(key).items()}
        extra = {"STET_REDIS_URL": redis_url, "STET_AUTOFIX": "true"}
        processes = Processes({**os.environ, **given, **extra}, folder / "processes.log")
        url = f"http://127.0.0.1:{free_port()}"
        try:
            processes.start("bot.cli", "--port", url.rpartition(":")[2])
            processes.start("worker.cli", "work")
            processes.start("worker.cli", "work")
            wait_until_ready(url)
            github.set_webhook(f"{url}/webhooks/github")
            town = Town(github, redis, 0, processes)
            town.url, town.redis = url, redis
            yield town
        finally:
            processes.stop()
