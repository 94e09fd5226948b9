"""Start a program that does not outlive the process that started it, even if that is killed.

On Linux the kernel sends a signal when the parent dies. Elsewhere a process in between
watches a pipe whose other end only the parent holds: its end means that the parent is gone.
Standard library only, since each child passes through here.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Literal

PR_SET_PDEATHSIG = 1
SECONDS_TO_END = 5

Means = Literal["kernel", "pipe"]
MEANS: Means = "kernel" if sys.platform == "linux" else "pipe"


@dataclass(frozen=True, slots=True)
class Leashed:
    """A running child; it also ends when this process ends."""

    process: subprocess.Popen[bytes]
    _pipe: int

    def let_go(self) -> None:
        """Release the pipe of a child that has ended."""
        os.close(self._pipe)


def start(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    at_end: signal.Signals = signal.SIGTERM,
    means: Means = MEANS,
    stdout: IO[bytes] | None = None,
) -> Leashed:
    """Start `command` in a session of its own; it gets `at_end` when this process dies.

    Call it from the main thread: the kernel watches the thread that starts the child.
    """
    read, write = os.pipe()
    arguments = [means, str(read), str(int(at_end)), *command]
    try:
        process = subprocess.Popen(  # noqa: S603  # our own command line
            [sys.executable, "-P", "-m", "worker.leash", *arguments],
            env=dict(environment),
            pass_fds=[read],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            start_new_session=True,
        )
    finally:
        os.close(read)
    return Leashed(process, write)


def die_with_parent(at_end: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel to signal this process when its parent dies (Linux; elsewhere nothing)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(at_end), 0, 0, 0)


def _is_closed(pipe: int) -> bool:
    """Whether the parent died before the leash was on; it never writes to the pipe."""
    readable, _, _ = select.select([pipe], [], [], 0)
    return bool(readable)


def _run_watched(pipe: int, at_end: signal.Signals, command: Sequence[str]) -> int:
    child = subprocess.Popen(command)  # noqa: S603  # given by `start`

    def watch() -> None:
        os.read(pipe, 1)
        child.send_signal(at_end)
        try:
            child.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            child.kill()

    for forwarded in (signal.SIGTERM, signal.SIGINT):
        signal.signal(forwarded, lambda number, _: child.send_signal(number))
    threading.Thread(target=watch, daemon=True).start()
    status = child.wait()
    return 128 - status if status < 0 else status


def main(arguments: Sequence[str]) -> None:
    """Entry point of the process in between: means, pipe, signal, command."""
    means, pipe, at_end, *command = arguments
    if means == "kernel":
        die_with_parent(signal.Signals(int(at_end)))
        if not _is_closed(int(pipe)):
            os.close(int(pipe))
            os.execvp(command[0], command)  # noqa: S606  # given by `start`
    elif not _is_closed(int(pipe)):
        sys.exit(_run_watched(int(pipe), signal.Signals(int(at_end)), command))


if __name__ == "__main__":
    main(sys.argv[1:])
