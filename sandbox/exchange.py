"""What one request and its answer were, kept for tests and for the page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Exchange:
    """`path` is the part after `/api/v3`; sizes are bytes of the bodies; seconds include faults."""

    at: str
    method: str
    path: str
    query: str
    status: int
    who: str
    operation: str
    request_bytes: int
    response_bytes: int
    violations: tuple[str, ...]
    seconds: float
    faulty: bool
    request_body: bytes = b""
    response_body: bytes = b""
