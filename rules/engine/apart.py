"""Reviews a change in a process of its own that holds no secret and reaches no network.

The worker holds tokens; hostile files are parsed elsewhere. The snapshot goes to a fresh
interpreter with an empty environment on standard input, the report comes back on standard
output, both as MessagePack of known types, so that nothing that comes back can run here.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Mapping

import msgspec

from rules.engine import discover
from rules.engine.config import Config
from rules.engine.confined import Limits, OnFile, ReviewFailedError, run_confined
from rules.engine.finding import Report
from rules.engine.index import ProjectIndex
from rules.engine.run import review
from rules.engine.snapshot import Snapshot
from rules.engine.tree import Entry
from rules.kit import Advisory, Commit, FileChange

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_COMMAND = (sys.executable, "-I", "-m", "rules.engine.apart")


class _Parcel(msgspec.Struct):
    """A snapshot and its configuration, as they travel."""

    before_tree: dict[str, Entry]
    before_facts: dict[str, bytes]
    after_tree: dict[str, Entry]
    after_facts: dict[str, bytes]
    changes: tuple[FileChange, ...]
    title: str
    body: str
    advisories: tuple[Advisory, ...]
    commits: tuple[Commit, ...]
    config: Config


def review_apart(snapshot: Snapshot, config: Config, *, seconds: float = 240.0) -> Report:
    """Review a change in another process, which gets at most `seconds` of the wall.

    Raises ReviewFailedError if the review as a whole fails; a single file that breaks the
    parser is named in the report instead.
    """
    parcel = _Parcel(
        dict(snapshot.before.tree),
        dict(snapshot.before.packed),
        dict(snapshot.after.tree),
        dict(snapshot.after.packed),
        snapshot.changes,
        snapshot.title,
        snapshot.body,
        snapshot.advisories,
        snapshot.commits,
        config,
    )
    try:
        done = subprocess.run(  # noqa: S603 - this module, in isolated mode
            _COMMAND,
            input=msgspec.msgpack.encode(parcel),
            capture_output=True,
            check=False,
            timeout=seconds,
            env={"LC_ALL": "C.UTF-8"},
            cwd="/",
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise ReviewFailedError(f"the review took longer than {seconds:.0f} s") from None
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ReviewFailedError(words[-1][:300] if words else "the review ended early")
    return msgspec.msgpack.decode(done.stdout, type=Report)


def main() -> None:
    """The other process."""
    _leave_network()
    parcel = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=_Parcel)
    snapshot = Snapshot(
        ProjectIndex(parcel.before_tree, parcel.before_facts),
        ProjectIndex(parcel.after_tree, parcel.after_facts),
        parcel.changes,
        parcel.title,
        parcel.body,
        parcel.advisories,
        parcel.commits,
    )
    discover.all_rules()

    def task(on_file: OnFile, skip: Mapping[str, str]) -> Report:
        return review(snapshot, parcel.config, on_file=on_file, skip=skip)

    try:
        (report,) = run_confined([task], Limits())
    except ReviewFailedError as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(1)
    sys.stdout.buffer.write(msgspec.msgpack.encode(report))


def _leave_network() -> None:
    """An empty network of its own, where the kernel lets us have one."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


if __name__ == "__main__":
    main()
