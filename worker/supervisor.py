"""Keeps a few child processes running: starts them again, and ends them all together."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from worker.leash import Leashed, start

log = structlog.get_logger(__name__)

MISUSE = 2
TICK = 0.1
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0


class LaunchError(Exception):
    """A program cannot be started; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. Programs end in the order in which they are given and start in the other.

    `launch` may raise LaunchError.
    """

    name: str
    launch: Callable[[], Leashed]
    seconds_to_end: float = 10.0


def program(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    at_end: signal.Signals = signal.SIGTERM,
    seconds_to_end: float = 10.0,
) -> Program:
    """A program that gets `at_end` if this process is killed."""
    frozen = tuple(command), dict(environment)
    return Program(name, lambda: start(*frozen, at_end=at_end), seconds_to_end)


@dataclass(slots=True)
class _Child:
    program: Program
    leashed: Leashed | None = None
    started: float = 0.0
    pause: float = 1.0
    next_start: float = field(default=0.0)


class Supervisor:
    """Runs programs until `stop`; a program that ends is started again after a growing pause."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self._children = [_Child(one) for one in programs]
        self._stop = threading.Event()
        self._status = 0

    def stop_on_signals(self) -> None:
        """SIGINT, SIGTERM and SIGHUP end everything in order; a second one at once."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._signalled())

    def _signalled(self) -> None:
        if self._stop.is_set():
            self._kill_all()
        self._stop.set()

    def run(self, each_tick: Callable[[], None] = lambda: None) -> int:
        """Until a signal (0), or until a program says that its settings are wrong (2).

        Raises LaunchError when a program cannot be started at all.
        """
        try:
            while not self._stop.is_set():
                for child in reversed(self._children):
                    self._tend(child)
                each_tick()
                self._stop.wait(TICK)
        finally:
            self._end_all()
        return self._status

    def _tend(self, child: _Child) -> None:
        now = time.monotonic()
        if child.leashed is None:
            if now >= child.next_start:
                self._launch(child, now)
            return
        status = child.leashed.process.poll()
        if status is None:
            return
        child.leashed.let_go()
        child.leashed = None
        if status == MISUSE:
            self._status = MISUSE
            self._stop.set()
            return
        if now - child.started > STEADY_SECONDS:
            child.pause = 1.0
        log.error("ended, starts again", program=child.program.name, status=status)
        self._pause(child, now)

    def _launch(self, child: _Child, now: float) -> None:
        try:
            child.leashed = child.program.launch()
        except LaunchError as error:
            if not child.started:
                raise
            log.error("cannot start", program=child.program.name, error=str(error))  # noqa: TRY400
            self._pause(child, now)
        child.started = now

    def _pause(self, child: _Child, now: float) -> None:
        child.next_start = now + child.pause
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def _end_all(self) -> None:
        for child in self._children:
            if child.leashed is None:
                continue
            process = child.leashed.process
            process.terminate()
            try:
                process.wait(child.program.seconds_to_end)
            except subprocess.TimeoutExpired:
                log.warning("does not end, is killed", program=child.program.name)
            # Whatever it left in its session goes with it.
            _kill_group(process.pid)
            process.wait()
            child.leashed.let_go()

    def _kill_all(self) -> None:
        for child in self._children:
            if child.leashed is not None and child.leashed.process.poll() is None:
                _kill_group(child.leashed.process.pid)


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
