"""Whether writing is still ours to do."""

from __future__ import annotations

from collections.abc import Callable

Gate = Callable[[], None]
"""Asked before each write; raises where writing is no longer ours to do."""


def unguarded() -> None:
    """The gate of what only takes back a step of our own that nobody else has seen."""
