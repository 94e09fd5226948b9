"""The command `stet setup`: a GitHub App in one click."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from bot.setup.page import Wish

MISUSE = 2
MOST_MINUTES = 60


@click.command()
@click.option(
    "--public-url",
    envvar="STET_PUBLIC_URL",
    required=True,
    help="The https address under which GitHub will reach Stet.",
)
@click.option(
    "--name", default="Stet", show_default=True, help="The App's name; on GitHub it is unique."
)
@click.option("--organization", default="", help="Who owns the App. Default: you.")
@click.option("--autofix", is_flag=True, help="Also ask to write code, for `/stet fix`.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where key and settings are written. Default: ~/.config/stet",
)
@click.option(
    "--github-api-url",
    envvar="STET_GITHUB_API_URL",
    default="https://api.github.com",
    show_default=True,
    help="For GitHub Enterprise Server: https://HOST/api/v3",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port."
)
@click.option(
    "--address", help="Where your browser reaches this page. Default: http://127.0.0.1:PORT"
)
def setup(
    *, public_url: str, name: str, organization: str, autofix: bool, folder: Path | None,
    github_api_url: str, host: str, port: int, address: str | None,
) -> None:  # fmt: skip
    """Have GitHub make the App: one page, one button.

    Serves a page that sends your browser to GitHub, with the permissions and events filled in.
    When GitHub leads it back, the App's key and settings are written for your user alone, and
    the page closes.
    """
    from bot.setup.credentials import SetupError, ensure_room
    from bot.setup.page import Wish
    from worker.settings import checked_http_url

    if not organization.replace("-", "").isalnum() and organization:
        _refuse("--organization: that is no name of an account on GitHub")
    checked = {}
    given = {
        "--public-url": public_url,
        "--github-api-url": github_api_url,
        "--address": address or f"http://127.0.0.1:{port}",
    }
    for option, url in given.items():
        try:
            checked[option] = checked_http_url(url)
        except ValueError as error:
            _refuse(f"{option}: {error}")
    place = folder or Path(click.get_app_dir("stet"))
    try:
        ensure_room(place)
    except SetupError as error:
        _refuse(str(error))
    wish = Wish(
        name, checked["--public-url"], place, organization, autofix, checked["--github-api-url"]
    )
    sys.exit(_serve(wish, checked["--address"], host, port))


def _refuse(problem: str) -> NoReturn:
    click.echo(f"stet setup: {problem}", err=True)
    sys.exit(MISUSE)


def _serve(wish: Wish, address: str, host: str, port: int) -> int:
    """Until the App is made (0), or nobody made it in an hour, or Ctrl-C (1)."""
    import threading

    import uvicorn

    from bot.setup.credentials import SETTINGS_FILE
    from bot.setup.page import SetupPage

    made = threading.Event()

    def close() -> None:
        made.set()
        server.should_exit = True

    page = SetupPage(wish, address, close)
    config = uvicorn.Config(
        page.application(),
        host=host,
        port=port,
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    click.echo(f"Open this page; only this address works, and it is for you alone:\n\n"
               f"    {address}/setup?key={page.key}\n")  # fmt: skip
    timer = threading.Timer(MOST_MINUTES * 60, lambda: setattr(server, "should_exit", True))
    timer.daemon = True
    timer.start()
    server.run()
    timer.cancel()
    if not made.is_set():
        click.echo("No App was made; the page is closed.", err=True)
        return 1
    click.echo(f"Done: {wish.folder / SETTINGS_FILE}. The page is closed. Next:\n")
    click.echo(f"    set -a; . {wish.folder / SETTINGS_FILE}; set +a\n    stet up\n")
    click.echo("and, in another terminal with the same settings, `stet doctor`.")
    return 0


if __name__ == "__main__":
    setup()
