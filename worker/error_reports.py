"""Tells an operator's Sentry of errors in Stet: which kind, and where in Stet's own code.

The words of an error stay in the log: they may hold code, an answer of GitHub or a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

_SECONDS_TO_SEND = 2.0
_KEPT = (
    "event_id",
    "timestamp",
    "platform",
    "level",
    "release",
    "environment",
    "server_name",
    "sdk",
)
_OF_FRAMES = ("filename", "function", "module", "lineno", "in_app")


class ErrorReports:
    """One Sentry project. Needs the extra `sentry`; `close` sends what is left."""

    def __init__(self, dsn: str, scrub: Callable[[str], str]) -> None:
        import sentry_sdk

        self._scrub = scrub
        # No integration, no hook: nothing is sent but what `tell` is given.
        self._client = sentry_sdk.Client(
            dsn=dsn,
            release=f"stet@{version('stet-review')}",
            before_send=self._bare,
            default_integrations=False,
            auto_enabling_integrations=False,
            include_local_variables=False,
            include_source_context=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            auto_session_tracking=False,
            send_client_reports=False,
            propagate_traces=False,
            traces_sample_rate=0.0,
            enable_metrics=False,
            spotlight=False,
            debug=False,
            shutdown_timeout=_SECONDS_TO_SEND,
        )

    def tell(self, error: BaseException, facts: Mapping[str, str]) -> None:
        """Send word of an error. `facts` are names and numbers, by which Sentry can sort."""
        from sentry_sdk.utils import event_from_exception

        event, hint = event_from_exception(error, client_options=self._client.options)
        event["tags"] = dict(facts)
        self._client.capture_event(event, hint=hint)

    def close(self) -> None:
        self._client.close(timeout=_SECONDS_TO_SEND)

    def _bare(self, event: Event, _: Hint) -> Event | None:
        given: dict[str, Any] = {**event}
        kept = {name: given[name] for name in (*_KEPT, "tags") if name in given}
        errors = given.get("exception", {}).get("values", ())
        kept["exception"] = {"values": [_kind_and_place(each) for each in errors]}
        bare: Event = self._scrubbed(kept)
        return bare

    def _scrubbed(self, value: Any) -> Any:
        match value:
            case str():
                return self._scrub(value)
            case dict():
                return {name: self._scrubbed(each) for name, each in value.items()}
            case list():
                return [self._scrubbed(each) for each in value]
            case _:
                return value


def _kind_and_place(error: Mapping[str, Any]) -> dict[str, Any]:
    frames = (error.get("stacktrace") or {}).get("frames", ())
    kept = {name: error[name] for name in ("type", "module") if name in error}
    kept["stacktrace"] = {
        "frames": [{name: each.get(name) for name in _OF_FRAMES} for each in frames]
    }
    return kept
