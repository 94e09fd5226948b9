"""The log of what GitHub tried to deliver to the App, and asking for it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
from githubkit import GitHub

from worker.github.client import Answer, App, ask, open_github
from worker.github.errors import UnavailableError
from worker.github.proof import AppProof

_PAGE = 100
_MOST_PAGES = 300
_PATH = "app/hook/deliveries"


class Attempt(msgspec.Struct, frozen=True):
    """One attempt to deliver an event; all attempts at one event share its `guid`."""

    id: int
    guid: str
    delivered_at: datetime
    status_code: int
    status: str = ""
    redelivery: bool = False

    @property
    def is_accepted(self) -> bool:
        return 200 <= self.status_code < 300

    @property
    def is_over(self) -> bool:
        return self.status != "pending"


class DeliveryLog:
    """Speaks as the App itself. Every method raises GitHubError."""

    def __init__(self, github: GitHub[Any]) -> None:
        self._github = github

    def since(self, moment: datetime) -> list[Attempt]:
        """All attempts that began at `moment` or later, newest first."""
        found: list[Attempt] = []
        for page in self._pages():
            found += (each for each in page if each.delivered_at >= moment)
            if page[-1].delivered_at < moment:
                break
        return found

    def ask_again(self, attempt: int) -> None:
        """Ask GitHub to deliver the event of this attempt once more."""
        self._ask("POST", f"{_PATH}/{attempt}/attempts")

    def _pages(self) -> Iterator[list[Attempt]]:
        params: dict[str, str | int] = {"per_page": _PAGE}
        for _ in range(_MOST_PAGES):
            answer = self._ask("GET", _PATH, params)
            page = _decoded(answer)
            if not page:
                return
            yield page
            cursor = next_cursor(answer.headers.get("link", ""))
            if cursor is None:
                return
            params["cursor"] = cursor

    def _ask(self, method: str, path: str, params: dict[str, str | int] | None = None) -> Answer:
        return ask(self._github, method, path, params=params)


@contextmanager
def delivery_log(app: App) -> Iterator[DeliveryLog]:
    """The log, for some minutes: as long as one proof of who we are lasts."""
    with open_github(app, AppProof(app.id, app.private_key)) as github:
        yield DeliveryLog(github)


def next_cursor(link: str) -> str | None:
    """Where the next page begins. The address itself is GitHub's text and is never fetched."""
    for each in httpx.Response(200, headers={"link": link}).links.values() if link else ():
        if each.get("rel") == "next":
            found = parse_qs(urlsplit(each["url"]).query).get("cursor")
            return found[0] if found else None
    return None


def _decoded(answer: Answer) -> list[Attempt]:
    try:
        return msgspec.json.decode(answer.body, type=list[Attempt])
    except msgspec.MsgspecError:
        raise UnavailableError("GET deliveries: an answer of an unknown form") from None
