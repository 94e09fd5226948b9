"""A worker's desk in a test: a stand-in GitHub, a real Redis, and the job run in this process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from redis import Redis

from sandbox.exchange import Exchange
from sandbox.server import StandIn
from worker.github.app import tokens_of
from worker.github.client import App, Client
from worker.jobs import take_turn
from worker.request import CommandRequest, Errand, PullRequestKey, Reason, ReviewRequest
from worker.turns import Turns

REPOSITORY = "acme/shop"

MODELS = """\
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=100)


class Book(models.Model):
    title = models.CharField(max_length=100)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
"""

RATES = """\
import requests


def rate(currency):
    answer = requests.get(f"https://rates.example.org/{currency}", timeout=10)
    answer.raise_for_status()
    return answer.json()["rate"]
"""

RATES_BAD = RATES.replace(", timeout=10", "")

SHELF_BAD = """\
from shop.models import Book


def shelf():
    try:
        return [(book.title, book.author.name) for book in Book.objects.all()]
    except:
        return []
"""


@dataclass
class Desk:
    """One pull request of `acme/shop` and the worker that reviews it."""

    github: StandIn
    redis: Redis
    installation: int
    number: int = 0
    seen: int = field(default=0)

    @property
    def key(self) -> PullRequestKey:
        repository = self.github.state.repository("acme", "shop")
        assert repository is not None
        return PullRequestKey(self.installation, repository.id, "acme", "shop", self.number)

    @property
    def turns(self) -> Turns:
        return Turns(self.redis)

    def commit(self, files: dict[str, str | bytes | None], branch: str = "feature") -> str:
        return self.github.commit(REPOSITORY, branch, files, base="main")

    def open(self, files: dict[str, str | bytes | None], **more: Any) -> int:
        """Commit on a branch and open the pull request."""
        self.commit(files)
        self.number = self.github.open_pull_request(
            REPOSITORY, head="feature", title="A change", **more
        )
        return self.number

    def review(self, reason: Reason = "event") -> list[Exchange]:
        """One event and the turn it causes; returns the calls that were made."""
        self.turns.enqueue(ReviewRequest(self.key, reason), uuid4().hex)
        return self.turn()

    def command(self, comment: int, by: str, *, in_thread: bool = False) -> list[Exchange]:
        request = CommandRequest(self.key, comment, in_thread, by)
        self.turns.enqueue(request, uuid4().hex)
        return self.turn()

    def ask(self, text: str, by: str, *, thread: int | None = None) -> list[Exchange]:
        """Somebody writes a comment, and the worker hears of it."""
        if thread is None:
            comment = self.github.comment(REPOSITORY, self.number, text, by=by)
        else:
            comment = self.github.reply(REPOSITORY, self.number, thread, text, by=by)
        return self.command(comment, by, in_thread=thread is not None)

    def errand(self, errand: Errand) -> list[Exchange]:
        self.turns.enqueue(errand, uuid4().hex)
        return self.turn()

    def answers(self) -> list[str]:
        """What Stet wrote in the conversation."""
        comments = self.github.issue_comments(REPOSITORY, self.number)
        return [c["body"] for c in comments if c["user"]["login"] == self.github.bot_login]

    def forget(self) -> None:
        """Redis loses everything."""
        self.redis.flushall()

    def turn(self) -> list[Exchange]:
        self.seen = len(self.github.exchanges)
        take_turn()
        return self.github.exchanges[self.seen :]

    def head(self) -> str:
        return self.github.pull_request(REPOSITORY, self.number).head_sha

    def comments(self) -> list[dict[str, Any]]:
        return self.github.review_comments(REPOSITORY, self.number)

    def reviews(self) -> list[dict[str, Any]]:
        return self.github.reviews(REPOSITORY, self.number)

    def checks(self, branch: str = "feature") -> list[dict[str, Any]]:
        return self.github.check_runs(REPOSITORY, branch)

    def check(self, branch: str = "feature") -> dict[str, Any]:
        """The newest check run."""
        return max(self.checks(branch), key=lambda each: int(each["id"]))

    def mails(self) -> Counter[str]:
        """What was mailed because of Stet, by kind."""
        return Counter(m.kind for m in self.github.mails if m.author == self.github.bot_login)


@contextmanager
def client_of(desk: Desk) -> Iterator[Client]:
    """A client as a turn has it, but never waiting between two tries."""
    app = App(int(desk.github.app_id), desk.github.private_key_pem, desk.github.api_url)
    with Client(app, desk.key, tokens_of(app, None), sleep=lambda _: None) as client:
        yield client
