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
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    """What a child may use. Seconds are of the wall; memory in bytes beyond what it starts with.

    After so many `deaths` of its children, or so many `seconds_lost` to them, a task gets a
    last one, which reads only what the others have survived.
    """

    seconds_per_file: float = 10.0
    seconds_elsewhere: float = 120.0
    seconds_lost: float = 60.0
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
    passed: set[str] = field(default_factory=set)
    born: float = field(default_factory=time.monotonic)
    since: float = field(default_factory=time.monotonic)
    buffer: bytearray = field(default_factory=bytearray)
    report: Report | None = None
    failure: str = ""


class _Proven(Mapping[str, str]):
    """Skips the guilty files by name, and every file that no child has survived."""

    def __init__(self, guilty: Mapping[str, str], survived: frozenset[str]) -> None:
        self._guilty = guilty
        self._survived = survived

    def __contains__(self, path: object) -> bool:
        return path in self._guilty or path not in self._survived

    def __getitem__(self, path: str) -> str:
        return self._guilty.get(path, "not analysed: too many files beside it broke the parser")

    def __iter__(self) -> Iterator[str]:
        return iter(self._guilty)

    def __len__(self) -> int:
        return len(self._guilty)


@dataclass
class _Losses:
    """What a task has lost its children to."""

    guilty: dict[str, str] = field(default_factory=dict)
    survived: set[str] = field(default_factory=set)
    seconds: float = 0.0
    is_last: bool = False

    def skip(self, limits: Limits) -> Mapping[str, str]:
        """What the next child must leave out."""
        self.is_last = len(self.guilty) >= limits.deaths or self.seconds > limits.seconds_lost
        survived = frozenset(self.survived - set(self.guilty))
        return _Proven(self.guilty, survived) if self.is_last else self.guilty


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
        self._losses = [_Losses() for _ in tasks]
        self._waiting = deque(range(len(tasks)))
        self._running: dict[int, _Child] = {}
        self._reports: dict[int, Report] = {}
        self._selector = selectors.DefaultSelector()

    def run(self) -> list[Report]:
        sys.stdout.flush()
        sys.stderr.flush()
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
        skip = self._losses[task].skip(self._limits)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _in_child(self._tasks[task], skip, writing, self._limits)
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
                self._ended(child)
        now = time.monotonic()
        for child in list(self._running.values()):
            allowed = (
                self._limits.seconds_per_file if child.file else self._limits.seconds_elsewhere
            )
            if now - child.since > allowed:
                _kill(child)
                self._ended(child, f"it took longer than {allowed:.0f} s")

    def _ended(self, child: _Child, reason: str = "") -> None:
        self._selector.unregister(child.pipe)
        os.close(child.pipe)
        del self._running[child.pipe]
        death = _DEATHS.get(_reap(child.pid), "it crashed the parser")
        reason = child.failure or reason or death
        if child.report is not None:
            self._reports[child.task] = child.report
            self._on_done(child.task)
            return
        losses = self._losses[child.task]
        if not child.file or child.file in losses.guilty or losses.is_last:
            raise ReviewFailedError(child.failure or f"the review ended early: {reason}")
        losses.guilty[child.file] = f"not analysed: {reason}"
        losses.survived |= child.passed
        losses.seconds += time.monotonic() - child.born
        self._waiting.appendleft(child.task)


# The parser aborts where it gets no memory.
_DEATHS = {-signal.SIGABRT: "it needs more memory than a file may"}


def _read_frames(child: _Child) -> None:
    while len(child.buffer) >= _HEAD.size:
        kind, size = _HEAD.unpack_from(child.buffer)
        if len(child.buffer) < _HEAD.size + size:
            return
        body = bytes(child.buffer[_HEAD.size : _HEAD.size + size])
        del child.buffer[: _HEAD.size + size]
        child.since = time.monotonic()
        if kind == _PROGRESS:
            child.passed.add(child.file)
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


def _reap(pid: int) -> int:
    """How a process ended: its exit code, or the signal that killed it, negative."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        return 0


def bytes_confined(work: Callable[[], bytes], limits: Limits) -> bytes | None:
    """What `work` gives in a child that can be killed; None if it dies, fails or takes too long."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _work_in_child(work, writing, limits)
    os.close(writing)
    found = bytearray()
    deadline = time.monotonic() + limits.seconds_per_file
    with selectors.DefaultSelector() as selector:
        selector.register(reading, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            data = os.read(reading, 1 << 20)
            if not data:
                break
            found += data
        else:
            os.kill(pid, signal.SIGKILL)
    os.close(reading)
    return bytes(found) if _reap(pid) == 0 else None


def _work_in_child(work: Callable[[], bytes], pipe: int, limits: Limits) -> None:
    """Never returns."""
    code = 1
    try:
        confine(limits.memory)
        _write(pipe, work())
        code = 0
    finally:
        os._exit(code)


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
    """Limits for this process: memory, no core file, deep recursion for LibCST's generator.

    It falls silent: what the parser says as it dies is no message for anybody.
    """
    gc.disable()
    _be_silent()
    sys.setrecursionlimit(_RECURSION)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        limit = _address_space() + memory
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or limit < hard:
            resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _be_silent() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _address_space() -> int:
    """Bytes of address space in use now (Linux)."""
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - a kernel file
        return int(statm.read().split()[0]) * resource.getpagesize()


def _send(pipe: int, kind: bytes, body: bytes) -> None:
    _write(pipe, _HEAD.pack(kind, len(body)) + body)


def _write(pipe: int, body: bytes) -> None:
    data = memoryview(body)
    while data:
        data = data[os.write(pipe, data) :]
