"""The command `stet sandbox`: a stand-in GitHub for a repository on this machine."""

from __future__ import annotations

import contextlib
import secrets
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sandbox.deliveries import Delivery
    from sandbox.local import LocalRepository
    from sandbox.server import StandIn

MISUSE = 2
POLL = 2.0  # seconds between looks at the original's branches
WEBHOOK = "http://127.0.0.1:8000/webhooks/github"


@click.command()
@click.option(
    "--repo",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="The git repository to serve; it is only read. Default: the current folder.",
)
@click.option("--base", help="The branch that pull requests go into. Default: the default branch.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8900, show_default=True,
    help="Port of the stand-in; 0 takes any free one.",
)  # fmt: skip
@click.option(
    "--webhook-url", default=WEBHOOK, show_default=True, help="Where events are delivered to."
)
def sandbox(repo: Path, base: str | None, port: int, webhook_url: str) -> None:
    """Serve a local repository as a stand-in for GitHub, its branches as pull requests.

    Nothing is sent to github.com, and the stand-in is not GitHub: it was written from
    GitHub's public descriptions. It listens on this machine only, keeps everything in
    memory and a temporary folder, and forgets it at the end (Ctrl-C).
    """
    try:
        from sandbox.git import GitError
        from sandbox.local import LocalRepository
        from sandbox.server import StandIn
    except ImportError as error:
        click.echo(f"{error.name} is missing: install stet-review[sandbox]", err=True)
        sys.exit(MISUSE)
    _stop_on_signals()
    with contextlib.ExitStack() as stack:
        try:
            github = stack.enter_context(
                StandIn.start(
                    port=port,
                    webhook_url=webhook_url,
                    webhook_secret=secrets.token_hex(20),
                    content_per_minute=1_000_000,
                )
            )
            _introduce(github, stack.enter_context(_secrets(github)))
            served = LocalRepository.serve(github, repo, base=base, say=click.echo)
        except (GitError, OSError) as error:
            click.echo(f"stet sandbox: {error}", err=True)
            sys.exit(MISUSE)
        click.echo(f"\nPages   {github.url}/{served.full_name}")
        click.echo("Watching the branches of the original. Ctrl-C ends.")
        with contextlib.suppress(KeyboardInterrupt):
            _watch(github, served)
        click.echo("\nStopped; the copies and the key are removed.")


def _stop_on_signals() -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)


@contextlib.contextmanager
def _secrets(github: StandIn) -> Iterator[Path]:
    """A folder with the App's private key and a file of settings, both for this user alone."""
    from sandbox.server import write_private

    with tempfile.TemporaryDirectory(prefix="stet-sandbox-") as folder:
        settings = github.environment(Path(folder) / "private-key.pem")
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in settings.items()]
        file = Path(folder) / "stet.env"
        write_private(file, "".join(lines))
        yield file


def _introduce(github: StandIn, settings: Path) -> None:
    click.echo("This is a stand-in on your machine, not GitHub.\n")
    click.echo("To have Stet serve it, in another terminal:\n")
    click.echo(f"    . {shlex.quote(str(settings))} && stet up\n")
    click.echo("which sets")
    for line in settings.read_text().splitlines():
        name, _, value = line.removeprefix("export ").partition("=")
        hidden = "SECRET" in name
        click.echo(f"    {name}={'(in the file)' if hidden else value}")
    click.echo(f"\nEvents go to {github.app.webhook_url}\n")


def _watch(github: StandIn, served: LocalRepository) -> None:
    from sandbox.git import GitError

    told: set[str] = set()
    while True:
        time.sleep(POLL)
        try:
            served.look_again()
        except (GitError, OSError, ValueError) as error:
            click.echo(f"cannot read the original now: {error}", err=True)
        _deliver_again(github)
        for text in github.violations:
            if text not in told:
                told.add(text)
                click.echo(f"not as GitHub describes it: {text}", err=True)


def _deliver_again(github: StandIn) -> None:
    """Press "Redeliver" on what nobody was there to receive: Stet may be started later."""
    newest: dict[str, Delivery] = {one.guid: one for one in github.deliveries}
    waiting = [one for one in newest.values() if one.status == "failed to connect to host"]
    for one in waiting[:1] if not _answers(github) else waiting:
        github.state.deliveries.redeliver(one)
    github.wait_until_delivered(POLL)


def _answers(github: StandIn) -> bool:
    """Whether the last attempt reached somebody; until then one event at a time is tried."""
    sent = [one for one in github.deliveries if one.status != "not sent"]
    return bool(sent) and sent[-1].status_code != 0


if __name__ == "__main__":
    sandbox()
