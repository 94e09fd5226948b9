"""The command `stet serve`."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.settings import BotSettings

KEEP_ALIVE_SECONDS = 75


@click.command()
@click.option("--host", help="Address to listen on (STET_HOST, default 127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on (STET_PORT, default 8000).")
@click.option("--check", is_flag=True, help="Only check the settings.")
def serve(host: str | None, port: int | None, check: bool) -> None:
    """Receive GitHub's webhooks and queue the work."""
    from bot.settings import BotSettings
    from worker.settings import SettingsError, load

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    try:
        settings = load(BotSettings, **given)
    except SettingsError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        sys.exit(2)
    if not check:
        _serve(settings)


def _serve(settings: BotSettings) -> None:
    import structlog
    import uvicorn

    from bot.app import create_app
    from bot.observed import observed
    from bot.queue import Queue
    from worker.logs import configure

    configure(log_format=settings.log_format, level=settings.log_level, secrets=settings.secrets())
    log = structlog.get_logger("stet")
    for warning in settings.warnings():
        log.warning(warning)
    queue = Queue(settings.redis_url.get_secret_value())
    app = observed(create_app(settings, queue), settings, queue)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        # The pages decide by the address of the peer; a header must not change it.
        proxy_headers=False,
        # Longer than a load balancer keeps an idle connection (nginx and AWS: 60 s): whoever closes
        # first may do so while a delivery is on its way.
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=5,
    )
    # uvicorn ends in order, then raises the signal again: an ordered end is no failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    log.info("receiving", host=settings.host, port=settings.port)
    uvicorn.Server(config).run()


if __name__ == "__main__":
    serve()
