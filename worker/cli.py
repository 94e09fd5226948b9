"""The commands `stet work`, `stet up` and `stet queue`."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from worker.settings import QueueSettings, WorkerSettings
    from worker.turns import Turns

MISUSE = 2
FORGETFUL = (
    "Redis may throw queued work away when its memory is full. "
    "Set maxmemory-policy noeviction in its configuration."
)


def _refuse(problems: tuple[str, ...]) -> NoReturn:
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(MISUSE)


@click.command()
@click.option("--processes", type=click.IntRange(1, 64), default=1, help="Worker processes.")
def work(processes: int) -> None:
    """Review pull requests from the queue."""
    from worker.logs import Scrubber, configure
    from worker.settings import SettingsError, WorkerSettings, load

    try:
        settings = load(WorkerSettings)
    except SettingsError as error:
        _refuse(error.problems)
    configure(log_format=settings.log_format, level=settings.log_level, secrets=settings.secrets())
    if processes > 1:
        sys.exit(_work_many(processes))
    import structlog

    from worker.chores import Chores
    from worker.queue_worker import work as work_queue
    from worker.sweepers import chores_of
    from worker.turns import Turns

    log = structlog.get_logger("stet")
    for warning in settings.warnings():
        log.warning(warning)
    _refuse_forgetful_redis(settings)
    turns = Turns(settings.redis())
    chores_redis = settings.redis_bytes()
    log.info("working")
    # A worker that ends unasked, say because Redis went away, says so to whoever restarts it.
    asked = work_queue(
        settings.redis_bytes(),
        turns,
        scrubber=Scrubber(settings.secrets()),
        chores=Chores(chores_redis, chores_of(chores_redis, turns)),
    )
    sys.exit(0 if asked else 1)


def _work_many(processes: int) -> int:
    from worker.supervisor import Supervisor, program

    command = [sys.executable, "-P", "-m", "worker.cli", "work"]
    supervisor = Supervisor(
        [
            program(f"worker {n}", command, os.environ, at_end=signal.SIGKILL, seconds_to_end=15)
            for n in range(1, processes + 1)
        ]
    )
    supervisor.stop_on_signals()
    return supervisor.run()


def _refuse_forgetful_redis(settings: QueueSettings) -> None:
    """A Redis that evicts throws accepted work away without a word."""
    from redis.exceptions import RedisError

    with contextlib.suppress(RedisError):
        config = settings.redis().config_get("maxmemory*")
        if config.get("maxmemory", "0") != "0" and config["maxmemory-policy"] != "noeviction":
            _refuse((FORGETFUL,))


@click.command()
@click.option("--host", envvar="STET_HOST", default="127.0.0.1", help="Address to listen on.")
@click.option(
    "--port", envvar="STET_PORT", type=click.IntRange(1, 65535), default=8000, help="Port."
)
@click.option("--processes", type=click.IntRange(1, 64), default=1, help="Worker processes.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder where the queue is kept; without it, it is gone when this command ends.",
)
def up(host: str, port: int, processes: int, data: Path | None) -> None:
    """Run everything on this machine: receiver, workers and, if none is given, Redis."""
    from worker.logs import configure
    from worker.supervisor import LaunchError
    from worker.up import Arrangement, data_folder, redis_program, redis_url, run

    given = os.environ.get("STET_REDIS_URL")
    settings = _settings_of_all(given)
    configure(log_format=settings.log_format, level=settings.log_level, secrets=settings.secrets())
    arrangement = Arrangement(host, port, processes, settings.public_url)
    try:
        if given:
            sys.exit(run(arrangement, given, None, click.echo))
        with data_folder(data) as folder:
            redis = redis_program(folder)
            sys.exit(run(arrangement, redis_url(folder), redis, click.echo))
    except LaunchError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def _settings_of_all(redis_url: str | None) -> WorkerSettings:
    """Ends the process when the receiver or the workers could not start, naming every reason."""
    from worker.settings import SettingsError, WorkerSettings, load
    from worker.up import receiver_problems

    problems: tuple[str, ...] = ()
    later = redis_url or "unix:///to-be-started"
    try:
        settings = load(WorkerSettings, redis_url=later)
    except SettingsError as error:
        problems = error.problems
    problems += receiver_problems(later)
    if problems:
        _refuse(tuple(dict.fromkeys(problems)))
    return settings


@click.group()
def queue() -> None:
    """Look at the queue (needs STET_REDIS_URL only)."""


@contextlib.contextmanager
def _open_queue() -> Iterator[Turns]:
    from redis.exceptions import RedisError

    from worker.settings import QueueSettings, SettingsError, load
    from worker.turns import Turns

    try:
        settings = load(QueueSettings)
    except SettingsError as error:
        _refuse(error.problems)
    try:
        yield Turns(settings.redis())
    except RedisError as error:
        click.echo(f"Redis does not answer ({type(error).__name__}); is it running?", err=True)
        sys.exit(1)


@queue.command("list")
@click.option("--most", type=click.IntRange(1, 10_000), default=100, help="Rows to show.")
def list_waiting(most: int) -> None:
    """Show what is in review and what waits."""
    with _open_queue() as turns:
        counts = turns.counts()
        click.echo(
            f"{counts.running} in review, {counts.ready} waiting "
            f"(longest {counts.oldest_seconds:.0f} s), {counts.later} put back, "
            f"{counts.failures} given up"
        )
        for row in turns.waiting(most):
            click.echo(f"{row.state:8} {row.seconds:6.0f} s  try {row.tries}  {row.key}")


@queue.command()
def failed() -> None:
    """Show what was given up, newest first."""
    with _open_queue() as turns:
        failures = turns.failures()
        for failure in failures:
            click.echo(f"{failure.at:%Y-%m-%d %H:%M:%S}Z  {failure.key}  {failure.why}")
        if not failures:
            click.echo("Nothing was given up.")


@queue.command()
@click.argument("pull_requests", nargs=-1, metavar="[OWNER/REPO#N]...")
@click.option("--all", "everything", is_flag=True, help="Retry all that was given up.")
def retry(pull_requests: tuple[str, ...], everything: bool) -> None:
    """Queue again what was given up."""
    if not pull_requests and not everything:
        _refuse(("Name pull requests as OWNER/REPO#N, or give --all.",))
    with _open_queue() as turns:
        sys.exit(_retry(turns, None if everything else set(pull_requests)))


def _retry(turns: Turns, wanted: set[str] | None) -> int:
    chosen = [one for one in turns.failures() if wanted is None or str(one.key) in wanted]
    for failure in chosen:
        turns.retry(failure)
        click.echo(f"queued again: {failure.key}")
    missing = (wanted or set()) - {str(failure.key) for failure in chosen}
    for name in sorted(missing):
        click.echo(f"not among the failures: {name}", err=True)
    return 1 if missing else 0


@click.group()
def main() -> None:
    """The worker's commands, for when `stet` itself is not at hand."""


for command in (work, up, queue):
    main.add_command(command)

if __name__ == "__main__":
    main()
