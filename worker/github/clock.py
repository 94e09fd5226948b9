"""What time it is at GitHub."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

FORGIVEN = 30.0
"""Seconds by which clocks may differ and count as right: answers travel, and dates are rounded."""


def clock_ahead(headers: Mapping[str, str]) -> float:
    """By how many seconds GitHub's clock is ahead of ours; 0 where it is right or not told.

    `headers` of an answer that came just now, with lower-case names.
    """
    try:
        theirs = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return 0.0
    ahead = theirs.timestamp() - time.time()
    return ahead if abs(ahead) > FORGIVEN else 0.0
