"""A small HTTP server that answers what a test tells it to, however odd."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from worker.github.tokens import Token, Tokens
from worker.request import PullRequestKey

KEY = PullRequestKey(1, 2, "acme", "shop", 7)


def minting(*values: str) -> Tokens:
    """Tokens that come out of a list, one after the other."""
    left = list(values or ("first", "second"))

    def mint(_key: PullRequestKey) -> Token:
        return Token(left.pop(0), {"contents": "read"}, time.time() + 3600)

    return Tokens(mint, app_id=1, secret="not a key")


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Told:
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut_at: int | None = None


Rule = Callable[[Asked], Told]


@dataclass
class OddServer:
    url: str
    asked: list[Asked]


@contextmanager
def odd_server(rule: Rule) -> Iterator[OddServer]:
    """Serve on a free port of this machine while the body runs."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Asked(self.command, self.path, headers, self.rfile.read(length))
            asked.append(request)
            told = rule(request)
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body[: told.cut_at])
            self.close_connection = told.cut_at is not None

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield OddServer(f"http://127.0.0.1:{server.server_port}", asked)
        finally:
            server.shutdown()
            thread.join()
