"""The command `stet doctor`: is it well, and what cures it where it is not."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings

    from worker.doctor.line import Line, State
    from worker.doctor.settings import Found
    from worker.settings import WorkerSettings

Loaded = TypeVar("Loaded", bound="BaseSettings")
_SIGNS = {"ok": ("ok", "green"), "warn": ("WARN", "yellow"), "fail": ("FAIL", "red")}


@click.command()
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    help="For people, or for a program.",
)
def doctor(format_: str) -> None:
    """See whether everything is well, and say what cures it where not.

    Reads the environment of the receiver and of the workers together. Exits with 1 when reviews
    are not done or could be lost; warnings do not fail.
    """
    lines: list[Line] = []
    for line in _scrubbed():
        lines.append(line)
        if format_ == "text":
            _show(line)
    if format_ == "json":
        click.echo(json.dumps([asdict(each) for each in lines], indent=2))
    else:
        _sum_up([each.state for each in lines])
    sys.exit(1 if any(each.state == "fail" for each in lines) else 0)


def _show(line: Line) -> None:
    word, colour = _SIGNS[line.state]
    click.echo(f"{click.style(f'{word:4}', fg=colour)}  {line.subject}: {line.text}")
    if line.cure:
        click.echo(f"      -> {line.cure}")


def _sum_up(states: list[State]) -> None:
    failing, warnings = states.count("fail"), states.count("warn")
    if failing:
        click.echo(f"\n{failing} of {len(states)} must be cured.")
    elif warnings:
        click.echo(f"\nStet works; {warnings} of {len(states)} should be cured.")
    else:
        click.echo("\nAll is well.")


def _scrubbed() -> Iterator[Line]:
    """Words of other programs pass through here: nothing shaped like a secret gets on."""
    from worker.doctor.line import Line
    from worker.doctor.settings import Found
    from worker.logs import Scrubber

    found = Found()
    scrub = Scrubber(found.secrets)
    for each in _examine(found):
        yield Line(each.subject, each.state, scrub(each.text), scrub(each.cure))


def _examine(found: Found) -> Iterator[Line]:
    from worker.doctor.line import fail, well
    from worker.doctor.queue import disk_line, queue_lines
    from worker.settings import QueueSettings, WorkerSettings
    from worker.up import receiver_problems

    settings, problems = _read(WorkerSettings)
    of_receiver = receiver_problems(found.redis_url.get_secret_value())
    problems += [each for each in of_receiver if each not in problems]
    for each in problems:
        what, _, cure = each.partition(". ")
        yield fail("Settings", what, cure or "See docs/operators.md.")
    if not problems:
        yield well("Settings", "the receiver and the workers can start with them")
    if settings is not None:
        yield from _warnings(settings)
    queue, _ = _read(QueueSettings)
    if queue is not None:
        yield from queue_lines(queue.redis())
    yield disk_line()
    if settings is not None:
        yield from _outside(settings, found)


def _read(kind: type[Loaded]) -> tuple[Loaded | None, list[str]]:
    from worker.settings import SettingsError, load

    try:
        return load(kind), []
    except SettingsError as error:
        return None, list(error.problems)


def _warnings(settings: WorkerSettings) -> Iterator[Line]:
    from worker.doctor.line import warn, well

    for each in settings.warnings():
        what, _, cure = each.partition("; ")
        yield warn("Private key", what, cure)
    if settings.private_key_file and not settings.warnings():
        yield well("Private key", f"{settings.private_key_file} is an RSA key for its owner alone")


def _outside(settings: WorkerSettings, found: Found) -> Iterator[Line]:
    from worker.doctor.github import github_lines
    from worker.doctor.line import warn
    from worker.doctor.receiver import receiver_lines
    from worker.github.client import App

    app = App(
        settings.app_id,
        settings.private_key.get_secret_value(),
        settings.github_api_url,
        may_commit=settings.autofix,
    )
    yield from github_lines(app, settings.public_url)
    address = settings.public_url
    if address is None:
        cure = "Set STET_PUBLIC_URL to have it asked as GitHub asks it."
        yield warn("Receiver", "its public address is not set", cure)
        address = f"http://127.0.0.1:{found.port}"
    for secret in found.webhook_secrets[-1:]:
        yield from receiver_lines(address, secret)


if __name__ == "__main__":
    doctor()
