"""`stet demo`: a pull request is opened, reviewed, repaired and reviewed again.

Everything is real but GitHub, which is a stand-in on this machine: git, Redis, the receiver,
the worker and the review.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import httpx
from rich.console import Console

from demo import show, story
from demo.compare import compare_first, compare_second
from demo.running import DemoError, Service, stet_up, wait_for
from sandbox.server import StandIn

REPOSITORY = "riverside/bookshop"
AUTHOR = "robin"
_REVIEW_SECONDS = 60


@dataclass(frozen=True)
class _Clock:
    """Says what is being done, and how long it took."""

    console: Console

    @contextmanager
    def step(self, words: str) -> Iterator[None]:
        begin = time.monotonic()
        with self.console.status(words):
            yield
        self.console.print(f"[green]\u2713[/] {words} [dim]{time.monotonic() - begin:.1f} s[/]")


@click.command()
@click.option("--keep", is_flag=True, help="Go on serving the page until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the page.")
def demo(*, keep: bool, port: int) -> None:
    """Show a real review of a real pull request, on this machine alone."""
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    try:
        with tempfile.TemporaryDirectory(prefix="stet-demo-") as folder:
            good = _tell(console, Path(folder), keep=keep, port=port)
    except DemoError as problem:
        console.print(f"[red]The demonstration failed.[/] {problem}", markup=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0 if good else 1)


def _tell(console: Console, folder: Path, *, keep: bool, port: int) -> bool:
    show.opening(console)
    clock = _Clock(console)
    begin = time.monotonic()
    with clock.step("Making the bookshop's git repository"):
        book = story.build_repository(folder / "bookshop")
    with ExitStack() as running:
        with clock.step(
            "Starting the stand-in GitHub, then receiver, worker and Redis (`stet up`)"
        ):
            github = running.enter_context(StandIn.start(port=port))
            service = running.enter_context(stet_up(github, folder))
        good = _two_reviews(console, clock, github, service, book)
        show.ending(console, time.monotonic() - begin)
        _violations(console, github)
        if keep:
            _stay(console, github)
        else:
            show.how_to_keep(console)
    return good and not github.violations


def _two_reviews(
    console: Console, clock: _Clock, github: StandIn, service: Service, book: story.Story
) -> bool:
    token = github.create_user(AUTHOR)
    github.create_repository(REPOSITORY, source=book.directory, private=True)
    github.set_permission(REPOSITORY, AUTHOR, "write")
    github.install([REPOSITORY], account=REPOSITORY.partition("/")[0])
    github.set_webhook(f"{service.url}/webhooks/github")
    with clock.step(
        f"Opening the pull request \u201c{story.TITLE}\u201d and waiting for the review"
    ):
        number = github.open_pull_request(
            REPOSITORY,
            head=story.HEAD_BRANCH,
            base=story.BASE_BRANCH,
            title=story.TITLE,
            by=AUTHOR,
            body=story.BODY,
        )
        check = _finished_check(github, service, book.head_sha)
    first = github.review_comments(REPOSITORY, number)
    show.pull_request(console, f"{github.url}/{REPOSITORY}/pull/{number}")
    show.check(console, check)
    show.comments(console, first)
    one = compare_first(first, check, _annotations(github, token, check))
    show.comparison(console, one)
    with clock.step("Pushing a commit that repairs five of the eight, waiting for the review"):
        github.push(
            REPOSITORY,
            story.HEAD_BRANCH,
            source=book.directory,
            revision=book.fix_sha,
            by=AUTHOR,
        )
        again = _finished_check(github, service, book.fix_sha)
    second = github.review_comments(REPOSITORY, number)
    show.check(console, again)
    two = compare_second(first, second, again, _annotations(github, token, again))
    show.comparison(console, two)
    show.mails(console, github.mails)
    return one.is_good and two.is_good


def _finished_check(github: StandIn, service: Service, sha: str) -> dict[str, Any]:
    def finished() -> dict[str, Any] | None:
        runs = github.check_runs(REPOSITORY, sha)
        return next((each for each in runs if each["status"] == "completed"), None)

    found: dict[str, Any] | None = wait_for(finished, _REVIEW_SECONDS)
    if found is None:
        raise DemoError(f"no finished check run after {_REVIEW_SECONDS} s:\n{service.last_words()}")
    return found


def _annotations(github: StandIn, token: str, check: dict[str, Any]) -> list[dict[str, Any]]:
    """Read as a person's program would, through the API."""
    url = f"{github.api_url}/repos/{REPOSITORY}/check-runs/{check['id']}/annotations"
    answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    rows: list[dict[str, Any]] = answer.raise_for_status().json()
    return rows


def _violations(console: Console, github: StandIn) -> None:
    calls = len(github.exchanges)
    if github.violations:
        console.print(f"[red]{len(github.violations)} exchanges broke GitHub's description.[/]")
        for each in github.violations[:5]:
            console.print(f"  {each}", markup=False)
        return
    console.print(f"All {calls} API calls kept to GitHub's own description of its API.")


def _stay(console: Console, github: StandIn) -> None:
    console.print(f"\nThe page: [bold]{github.url}[/]  (Ctrl-C ends the demonstration)")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("Ended.")
