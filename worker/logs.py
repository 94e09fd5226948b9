"""Logs as JSON or for a terminal, with every secret taken out of the finished line."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
from collections.abc import Iterable
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

MASK = "***"

_SECRET_SHAPES = re.compile(
    r"""
      -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|\Z)
    | \b(?:gh[pousr]_|github_pat_)\w{16,}          # tokens of GitHub
    | \bv1\.[0-9a-f]{40}\b                         # its older installation tokens
    | \beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}         # signed JSON web tokens
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b                # keys of AWS
    | \bsha256=[0-9a-f]{64}\b                      # signatures of webhooks
    | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)              # user and password in an address
    | (?i:(?<=authorization:\s)|(?<=bearer\s)|(?<=token\s))[\w.~+/=-]{12,}
    """,
    re.VERBOSE | re.DOTALL,
)
# One of these stands in whatever has such a shape: most lines have none, and are looked at so.
_HINTS = (
    "-----begin", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "v1.", "eyj", "akia", "asia",
    "sha256=", "://", "authorization:", "bearer", "token",
)  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


_OF_MANY_LINES = frozenset({"exception", "stack"})


class Scrubber:
    """Replaces known secrets, and everything shaped like one, in a text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {part for secret in secrets for part in _spellings(secret) if part}
        longest_first = sorted(known, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def __call__(self, text: str) -> str:
        text = self._known.sub(MASK, text)
        lower = text.lower()
        if any(hint in lower for hint in _HINTS):
            text = _SECRET_SHAPES.sub(MASK, text)
        return text

    def of_line(self, _: WrappedLogger, __: str, line: EventDict | str) -> str:
        """As the last of structlog's processors, when one before it has made the line."""
        return self(str(line))


def _spellings(secret: str) -> tuple[str, ...]:
    """A secret as it is, and as JSON and Python's repr would print it."""
    return secret, secret.replace("\n", "\\n"), repr(secret)[1:-1]


def scrub(text: str) -> str:
    """Take everything shaped like a secret out of a text that leaves the process."""
    return Scrubber()(text)


class _ScrubbingFormatter(logging.Formatter):
    def __init__(self, inner: logging.Formatter, scrubber: Scrubber) -> None:
        super().__init__()
        self._inner = inner
        self._scrubber = scrubber

    def format(self, record: logging.LogRecord) -> str:
        return self._scrubber(self._inner.format(record))


def _escape_control(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Foreign text must not move the cursor of a terminal or forge a line."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable() and name not in _OF_MANY_LINES:
            text = value if name == "event" else value.replace("\n", "\\n")
            event[name] = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    return event


_ENCODER = json.JSONEncoder(default=repr)


def _as_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    return _ENCODER.encode(event)


class _StandardError:
    """Where structlog's lines end: a fraction of the way through the standard library's loggers."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._out = sys.stderr.buffer

    def msg(self, line: str) -> None:
        """Write one line at once. A full disk or a reader that has gone must not stop the work."""
        with contextlib.suppress(OSError, ValueError):
            self._out.write(line.encode("utf-8", "backslashreplace") + b"\n")
            self._out.flush()

    debug = info = warning = error = critical = msg


def configure(
    *,
    log_format: Literal["auto", "json", "console"],
    level: str,
    secrets: Iterable[str],
) -> None:
    """Send structlog and the standard library's loggers to stderr, scrubbed."""
    as_json = log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
    ]
    renderer: list[Processor] = (
        [structlog.processors.format_exc_info, _as_json]
        if as_json
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                # The pretty one prints local variables, secrets among them.
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    )
    scrubber = Scrubber(secrets)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*before, structlog.stdlib.PositionalArgumentsFormatter(), stamp],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _escape_control,
            *renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_ScrubbingFormatter(formatter, scrubber))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    if level == "info":
        # They tell of each job and start what our own lines tell better.
        for name in ("rq.worker", "rq.scheduler", "uvicorn.error"):
            logging.getLogger(name).setLevel(logging.WARNING)
    # It tells whole addresses, and that of an archive holds a key to it.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    structlog.configure(
        processors=[*before, stamp, _escape_control, *renderer, scrubber.of_line],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=_StandardError,
        cache_logger_on_first_use=True,
    )
