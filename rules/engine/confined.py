"""Runs reviews in child processes that can be killed.

LibCST's native parser can crash or hang on a file made for it, and cannot be interrupted.
So files are parsed in a forked child with limits on memory and time. The child says which
file it is about to read; when it dies, that file is left out, with its reason, and another
child does the work again without it.
"""

from __future__ import annotations

import gc
import os
import resource
import selectors
import signal
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from rules.engine.finding import Report

OnFile = Callable[[str], None]
Task = Callable[[OnFile, Mapping[str, str]], Report]

_HEAD = struct.Struct("<cI")
_PROGRESS, _RESULT, _FAILURE = b"P", b"R", b"F"
_RECURSION = 10_000
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use. Seconds are of the wall; memory in bytes beyond what it starts with."""

    seconds_per_file: float = 10.0
    seconds_elsewhere: float = 120.0
    memory: int = 2 * 1024**3
    deaths: int = 20


class ReviewFailedError(Exception):
    """A child ended for another reason than the file at hand."""


@dataclass
class _Child:
    pid: int
    pipe: int
    task: int
    file: str = ""
    since: float = field(default_factory=time.monotonic)
    buffer: bytearray = field(default_factory=bytearray)
    report: Report | None = None
    failure: str = ""


def run_confined(
    tasks: Sequence[Task], limits: Limits, *, jobs: int = 1, on_done: Callable[[int], object] = id
) -> list[Report]:
    """The reports of all tasks, in order; at most `jobs` children at a time.

    `on_done` hears of each finished task. Raises ReviewFailedError if a child fails outside
    any file.
    """
    return _Pool(tasks, limits, jobs, on_done).run()


class _Pool:
    def __init__(
        self,
        tasks: Sequence[Task],
        limits: Limits,
        jobs: int,
        on_done: Callable[[int], object],
    ) -> None:
        self._tasks = tasks
        self._limits = limits
        self._jobs = jobs
        self._on_done = on_done
        self._skip: dict[int, dict[str, str]] = {number: {} for number in range(len(tasks))}
        self._waiting = deque(range(len(tasks)))
        self._running: dict[int, _Child] = {}
        self._reports: dict[int, Report] = {}
        self._selector = selectors.DefaultSelector()

    def run(self) -> list[Report]:
        sys.stdout.flush()
        sys.stderr.flush()
        gc.collect()
        gc.freeze()  # what the children share must not be copied by their collectors
        try:
            while self._waiting or self._running:
                while self._waiting and len(self._running) < self._jobs:
                    self._start(self._waiting.popleft())
                self._listen()
        finally:
            for child in self._running.values():
                _kill(child)
            self._selector.close()
            gc.unfreeze()
        return [self._reports[number] for number in range(len(self._tasks))]

    def _start(self, task: int) -> None:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _in_child(self._tasks[task], self._skip[task], writing, self._limits)
        os.close(writing)
        self._running[reading] = _Child(pid, reading, task)
        self._selector.register(reading, selectors.EVENT_READ)

    def _listen(self) -> None:
        for key, _ in self._selector.select(_POLL_SECONDS):
            child = self._running[key.fd]
            data = os.read(child.pipe, 1 << 20)
            if data:
                child.buffer += data
                _read_frames(child)
            else:
                self._ended(child, "it crashed the parser")
        now = time.monotonic()
        for child in list(self._running.values()):
            allowed = (
                self._limits.seconds_per_file if child.file else self._limits.seconds_elsewhere
            )
            if now - child.since > allowed:
                _kill(child)
                self._ended(child, f"it took longer than {allowed:.0f} s")

    def _ended(self, child: _Child, reason: str) -> None:
        self._selector.unregister(child.pipe)
        os.close(child.pipe)
        del self._running[child.pipe]
        _reap(child)
        if child.report is not None:
            self._reports[child.task] = child.report
            self._on_done(child.task)
            return
        skipped = self._skip[child.task]
        if not child.file or child.file in skipped or len(skipped) >= self._limits.deaths:
            raise ReviewFailedError(child.failure or f"the review ended early: {reason}")
        skipped[child.file] = f"not analysed: {child.failure or reason}"
        self._waiting.appendleft(child.task)


def _read_frames(child: _Child) -> None:
    while len(child.buffer) >= _HEAD.size:
        kind, size = _HEAD.unpack_from(child.buffer)
        if len(child.buffer) < _HEAD.size + size:
            return
        body = bytes(child.buffer[_HEAD.size : _HEAD.size + size])
        del child.buffer[: _HEAD.size + size]
        child.since = time.monotonic()
        if kind == _PROGRESS:
            child.file = body.decode("utf-8", "surrogateescape")
        elif kind == _FAILURE:
            child.failure = body.decode("utf-8", "replace")
        else:
            child.report = msgspec.msgpack.decode(body, type=Report)


def _kill(child: _Child) -> None:
    try:
        os.kill(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _reap(child: _Child) -> None:
    try:
        os.waitpid(child.pid, 0)
    except ChildProcessError:
        return


def _in_child(task: Task, skip: Mapping[str, str], pipe: int, limits: Limits) -> None:
    """Never returns."""
    code = 1
    try:
        confine(limits.memory)

        def on_file(path: str) -> None:
            _send(pipe, _PROGRESS, path.encode("utf-8", "surrogateescape"))

        report = task(on_file, skip)
        _send(pipe, _RESULT, msgspec.msgpack.encode(report))
        code = 0
    except MemoryError:
        _send(pipe, _FAILURE, b"it needs more memory than a file may")
    except BaseException as problem:  # noqa: BLE001 - whatever it is, the parent must hear of it
        _send(pipe, _FAILURE, f"{type(problem).__name__}: {problem}"[:500].encode())
    finally:
        os._exit(code)


def confine(memory: int) -> None:
    """Limits for this process: memory, no core file, deep recursion for LibCST's generator."""
    gc.disable()
    sys.setrecursionlimit(_RECURSION)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        limit = _address_space() + memory
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or limit < hard:
            resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _address_space() -> int:
    """Bytes of address space in use now (Linux)."""
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - a kernel file
        return int(statm.read().split()[0]) * resource.getpagesize()


def _send(pipe: int, kind: bytes, body: bytes) -> None:
    data = memoryview(_HEAD.pack(kind, len(body)) + body)
    while data:
        data = data[os.write(pipe, data) :]
