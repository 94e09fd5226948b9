"""Faults on demand: what GitHub and the network do on a bad day.

    github.faults.add(secondary_rate_limit(retry_after=3), method="POST", path=r"/reviews$")
    github.faults.add(bad_gateway_after_success(), method="POST", path=r"/reviews$", times=1)
    github.faults.add(slow(2.0), path=r"/files$", times=2)
    github.faults.add_delivery("lost", event="pull_request")

A path is matched from its part after `/api/v3`; GraphQL is `/graphql`. A fault is used up
after `times` matches; the first that was added and still matches is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

from sandbox.clock import Clock

DeliveryFault = Literal["lost", "doubled", "held"]


@dataclass(frozen=True)
class Fault:
    """How an answer differs from the true one. Without a status the true answer is sent."""

    status: int | None = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    reset_in: int | None = None  # x-ratelimit-reset, in seconds from the answer
    takes_effect: bool = False  # the request is carried out although the answer says otherwise
    seconds: float = 0.0  # waited before anything is done
    seconds_after: float = 0.0  # waited before the answer, when it is done
    keep_bytes: int | None = None  # the connection breaks after so many bytes of the body
    revoke_token: bool = False  # the token is worthless from this request on


def primary_rate_limit(reset_in: int = 60) -> Fault:
    """All requests of the hour are used up."""
    headers = {"x-ratelimit-remaining": "0"}
    return _json(403, "API rate limit exceeded for installation.", headers, reset_in)


def secondary_rate_limit(
    retry_after: int | None = 60, reset_in: int | None = None, status: int = 403
) -> Fault:
    """Too fast; GitHub names a time in `retry-after`, in the reset header, or not at all."""
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    if reset_in is not None:
        headers["x-ratelimit-remaining"] = "0"
    text = (
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    )
    return _json(status, text, headers, reset_in)


def server_error(status: int = 500) -> Fault:
    return _json(status, "Server Error", {}, None)


def bad_gateway_after_success(status: int = 502) -> Fault:
    """The request took effect, but its sender never learns it."""
    body = b'{"message":"Server Error"}'
    return Fault(status, body, {"content-type": "application/json"}, takes_effect=True)


def html_page(status: int = 502) -> Fault:
    """The error page of a proxy where JSON was expected."""
    page = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
    return Fault(status, page, {"content-type": "text/html"})


def slow(seconds: float) -> Fault:
    return Fault(seconds=seconds)


def unheard(seconds: float = 60.0) -> Fault:
    """No answer, and nothing was done: the request never got through."""
    return Fault(504, seconds=seconds)


def unanswered(seconds: float = 60.0) -> Fault:
    """No answer, but it was done."""
    return Fault(seconds_after=seconds)


def cut_off(keep_bytes: int = 20) -> Fault:
    """The connection breaks in the middle of the true answer."""
    return Fault(keep_bytes=keep_bytes)


def revoked_token() -> Fault:
    return Fault(revoke_token=True)


def answer(status: int, message: str) -> Fault:
    """Any other status in GitHub's form."""
    return _json(status, message, {}, None)


def _json(status: int, message: str, headers: dict[str, str], reset_in: int | None) -> Fault:
    import json

    body = json.dumps({"message": message, "documentation_url": "https://docs.github.com/rest"})
    return Fault(
        status, body.encode(), {"content-type": "application/json", **headers}, reset_in=reset_in
    )


@dataclass
class _Armed:
    fault: Fault | DeliveryFault
    method: str
    pattern: re.Pattern[str]
    left: int
    body: re.Pattern[bytes] = re.compile(b"")
    skip: int = 0


class Faults:
    """The faults that wait for their request or delivery."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._requests: list[_Armed] = []
        self._deliveries: list[_Armed] = []

    def add(
        self,
        fault: Fault,
        *,
        method: str = "*",
        path: str = "",
        body: bytes = b"",
        times: int = 1,
        skip: int = 0,
    ) -> None:
        """Arm a fault for requests of a method (`*`: any) whose path and body the regexes find.

        The first `skip` of them go well.
        """
        pattern = re.compile(path)
        with self._lock:
            armed = _Armed(fault, method.upper(), pattern, times, re.compile(body), skip)
            self._requests.append(armed)

    @property
    def waiting(self) -> int:
        """How many faults of requests have not happened yet."""
        with self._lock:
            return sum(one.left for one in self._requests)

    def add_delivery(self, kind: DeliveryFault, *, event: str = "", times: int = 1) -> None:
        """Lose a delivery, send it twice, or hold it back until the next one was sent.

        `event` is a regex over `event.action`, such as `pull_request.synchronize`.
        """
        with self._lock:
            self._deliveries.append(_Armed(kind, "*", re.compile(event), times))

    def clear(self) -> None:
        with self._lock:
            self._requests.clear()
            self._deliveries.clear()

    def take(self, method: str, path: str, body: bytes = b"") -> Fault | None:
        found = self._take(self._requests, method, path, body)
        return found if isinstance(found, Fault) else None

    def take_delivery(self, name: str) -> DeliveryFault | None:
        found = self._take(self._deliveries, "*", name)
        return None if isinstance(found, Fault) else found

    def _take(
        self, armed: list[_Armed], method: str, text: str, body: bytes = b""
    ) -> Fault | DeliveryFault | None:
        with self._lock:
            for one in armed:
                fits = one.left > 0 and one.method in ("*", method)
                if fits and one.pattern.search(text) and one.body.search(body):
                    if one.skip > 0:
                        one.skip -= 1
                        continue
                    one.left -= 1
                    return one.fault
        return None

    def headers_of(self, fault: Fault) -> dict[str, str]:
        headers = dict(fault.headers)
        if fault.reset_in is not None:
            headers["x-ratelimit-reset"] = str(int(self._clock.now()) + fault.reset_in)
        return headers
