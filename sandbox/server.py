"""The stand-in GitHub as one object: start it, act as people, look at what happened.

It is no GitHub: it was written from GitHub's published descriptions and never compared
with the real service.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette

from sandbox.acting import Acting
from sandbox.apps import DEFAULT_EVENTS, DEFAULT_PERMISSIONS, make_app
from sandbox.clock import Clock
from sandbox.contract import Contract
from sandbox.deliveries import Deliveries, Delivery
from sandbox.entities import App, Mail
from sandbox.events import emit_ping
from sandbox.exchange import Exchange
from sandbox.faults import Faults
from sandbox.gateway import Gateway
from sandbox.graphql import GraphQL
from sandbox.limits import Limits
from sandbox.state import State
from sandbox.web import application, handlers

START_TIMEOUT = 20.0  # seconds


class StandIn(Acting):
    """A running stand-in GitHub with one App. Use it as a context manager."""

    def __init__(self, state: State, gateway: Gateway, app: App, cleanup: ExitStack) -> None:
        self.state = state
        self.clock = state.clock
        self.faults = state.faults
        self.app = app
        self._gateway = gateway
        self._cleanup = cleanup

    @classmethod
    def start(
        cls,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        webhook_url: str | None = None,
        webhook_secret: str = "a secret of the stand-in",  # noqa: S107 - a sample by intent
        app_name: str = "Stet",
        permissions: Mapping[str, str] = DEFAULT_PERMISSIONS,
        events: Iterable[str] = DEFAULT_EVENTS,
        requests_per_hour: int = 5000,
        content_per_minute: int = 80,
    ) -> StandIn:
        """Serve on a port of this machine (0: any free one) in a thread of its own.

        Raises OSError where the port is taken.
        """
        with ExitStack() as cleanup:
            listener = cleanup.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            state = _state(cleanup, f"http://{host}:{listener.getsockname()[1]}")
            limits = Limits(state.clock, requests_per_hour, content_per_minute)
            gateway = Gateway(state, handlers(), GraphQL(state, limits), limits)
            app = make_app(
                state,
                app_name,
                webhook_url=webhook_url,
                webhook_secret=webhook_secret,
                permissions=permissions,
                events=events,
            )
            _serve(cleanup, _configured(application(state, gateway)), listener)
            return cls(state, gateway, app, cleanup.pop_all())

    def stop(self) -> None:
        """End the server and remove the repositories."""
        self._cleanup.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # What a client must know

    @property
    def url(self) -> str:
        """Of the pages, without a slash at the end."""
        return self.state.url

    @property
    def api_url(self) -> str:
        """Of the REST API; GraphQL is found from it as on GitHub Enterprise Server."""
        return self.state.api_url

    @property
    def app_id(self) -> int:
        return self.app.id

    @property
    def client_id(self) -> str:
        return self.app.client_id

    @property
    def app_slug(self) -> str:
        return self.app.slug

    @property
    def bot_login(self) -> str:
        return self.app.bot.login

    @property
    def private_key_pem(self) -> str:
        return self.app.private_key_pem

    @property
    def webhook_secret(self) -> str:
        return self.app.webhook_secret

    def environment(self, key_file: Path) -> dict[str, str]:
        """The settings of a client of this App, whose private key is written to that file (0600)."""
        write_private(key_file, self.private_key_pem)
        return {
            "STET_GITHUB_API_URL": self.api_url,
            "STET_APP_ID": str(self.app_id),
            "STET_PRIVATE_KEY_FILE": str(key_file),
            "STET_WEBHOOK_SECRET": self.webhook_secret,
            # What GitHub asks for is one second; nobody else waits here.
            "STET_WRITE_SECONDS": "0.01",
        }

    def set_webhook(self, url: str | None, *, ping: bool = True) -> None:
        with self.state.lock:
            self.app.webhook_url = url
            if url and ping:
                emit_ping(self.state, self.app)

    @property
    def exchanges(self) -> list[Exchange]:
        return list(self._gateway.exchanges)

    @property
    def deliveries(self) -> list[Delivery]:
        return self.state.deliveries.log

    @property
    def mails(self) -> list[Mail]:
        return list(self.state.mails)

    @property
    def violations(self) -> list[str]:
        """Everything that was not as GitHub describes it. Empty when all is well."""
        said = [
            f"{one.method} {one.path}: {text}" for one in self.exchanges for text in one.violations
        ]
        told = [f"{one.name}: {text}" for one in self.deliveries for text in one.violations]
        return said + told

    def wait_until_delivered(self, timeout: float = 30.0) -> bool:
        """Whether all events so far were handed over within so many seconds."""
        return self.state.deliveries.wait_until_sent(timeout)


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else on this machine may read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        path.chmod(0o600)
        file.write(text)


def _state(cleanup: ExitStack, url: str) -> State:
    contract, clock = Contract.load(), Clock()
    faults = Faults(clock)
    folder = Path(tempfile.mkdtemp(prefix="stand-in-github-"))
    cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
    deliveries = Deliveries(contract, clock, faults)
    cleanup.callback(deliveries.close)
    state = State(folder, contract, clock, faults, deliveries, url)
    cleanup.callback(_close_repositories, state)
    return state


def _close_repositories(state: State) -> None:
    for repository in state.repositories.values():
        repository.git.close()


def _configured(application: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        date_header=False,  # the API tells the time of the stand-in's own clock
        timeout_graceful_shutdown=1,
    )


def _serve(cleanup: ExitStack, config: uvicorn.Config, listener: socket.socket) -> None:
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="stand-in", daemon=True
    )

    def end() -> None:
        server.should_exit = True
        thread.join(timeout=START_TIMEOUT)

    cleanup.callback(end)
    thread.start()
    deadline = time.monotonic() + START_TIMEOUT
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise RuntimeError("the stand-in GitHub did not start")
        time.sleep(0.01)
