"""The same files through other tools, as whole processes, by CPU time with their children.

Those that are found beside this Python, or on the path: `PATH=fixit-venv/bin:$PATH make bench`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.corpus import File
from bench.speed import Row

_ROUNDS = 5


def rows(files: Sequence[File]) -> list[Row]:
    """CPU of `stet check` against bandit and Fixit, for those that are installed.

    By the median of several runs in turn: what else the machine does makes single runs a
    quarter slower. Fixit takes minutes, and runs once.
    """
    found = []
    bandit, fixit = (shutil.which(each, path=_beside()) for each in ("bandit", "fixit"))
    if not bandit and not fixit:
        return []
    with tempfile.TemporaryDirectory(prefix="stet-bench-") as folder:
        _write(files, Path(folder))
        stet = [sys.executable, "-m", "rules.cli"]
        _cpu([*stet, "rules"])  # writes the bytecode that an installed program comes with
        check = [*stet, "check", folder, "--isolated", "--jobs", "1", "--select", "ALL",
                 "--format", "json", "--output", os.devnull]  # fmt: skip
        rival = [bandit, "-q", "-r", folder, "-f", "json", "-o", os.devnull] if bandit else []
        pairs = [(_cpu(check), _cpu(rival) if rival else 1.0) for _ in range(_ROUNDS)]
        if rival:
            times = median(ours / theirs for ours, theirs in pairs)
            found.append(Row("CPU of stet check / bandit", times, 1.2, "\u00d7 bandit"))
        if fixit:
            times = median(ours for ours, _ in pairs) / _cpu([fixit, "--quiet", "lint", folder])
            found.append(Row("CPU of stet check / Fixit", times, 1 / 15, "\u00d7 Fixit"))
    return found


def _beside() -> str:
    """Where this Python's commands lie, then the usual places."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def _write(files: Sequence[File], folder: Path) -> None:
    for each in files:
        path = folder / each.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(each.data)


def _cpu(command: Sequence[str]) -> float:
    """User and system seconds of a process and its children."""
    environment = {**os.environ, "PATH": _beside(), "STET_CACHE_DIR": tempfile.mkdtemp()}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = os.times()
    subprocess.run(command, env=environment, capture_output=True, check=False)
    after = os.times()
    shutil.rmtree(environment["STET_CACHE_DIR"], ignore_errors=True)
    return (
        after.children_user + after.children_system - before.children_user - before.children_system
    )
