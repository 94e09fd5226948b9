"""Let a process of several threads fork children that can look up names.

The C library locks its resolver while it looks up a name. A child that is forked at such a
moment, because of another thread, finds it locked for ever and hangs at its first connection,
deaf to signals. RQ forks for every job, and beside it threads of ours connect.
"""

from __future__ import annotations

import os
import socket
import threading
from functools import cache, wraps


@cache
def keep_apart_from_lookups() -> None:
    """From now on in this process, forks wait for lookups of names, and these for forks."""
    lock = threading.RLock()  # a signal may come in a lookup, and its handler look up another
    look_up = socket.getaddrinfo

    @wraps(look_up)
    def locked(*arguments, **named):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN003, ANN202
        with lock:
            return look_up(*arguments, **named)

    socket.getaddrinfo = locked
    os.register_at_fork(
        before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
    )
