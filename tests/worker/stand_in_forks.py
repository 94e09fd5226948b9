"""A process that forks while its threads look up names, as a worker may. Fails if a child hangs."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading

from worker.forks import keep_apart_from_lookups

FORKS = 300
SECONDS = 20  # enough for any lookup of this name


def look_up() -> None:
    socket.getaddrinfo("localhost", 80)


def look_up_for_ever() -> None:
    while True:
        look_up()


def fork() -> int:
    """Start a child that looks up a name, and wait for its end."""
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        look_up()
        os._exit(0)
    return os.waitpid(child, 0)[1]


if __name__ == "__main__":
    keep_apart_from_lookups()
    for _ in range(4):
        threading.Thread(target=look_up_for_ever, daemon=True).start()
    hung = [number for number in range(FORKS) if fork()]
    sys.exit(f"these of {FORKS} children hung: {hung}" if hung else 0)
