"""A file that breaks the parser costs itself and nothing else."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from rules.engine.confined import Limits, OnFile, ReviewFailedError, Task, run_confined
from rules.engine.finding import Report, Skip

FILES = ("a.py", "b.py", "c.py")
QUICK = Limits(seconds_per_file=0.5, seconds_elsewhere=5, memory=256 * 1024**2)


def task_with(deed: dict[str, str]) -> Task:
    """Reviews FILES; does something terrible at the files that `deed` names."""

    def task(on_file: OnFile, skip: Mapping[str, str]) -> Report:
        read = 0
        for path in FILES:
            if path in skip:
                continue
            on_file(path)
            read += 1
            match deed.get(path):
                case "crash":
                    os.kill(os.getpid(), signal.SIGKILL)
                case "hang":
                    time.sleep(60)
                case "eat":
                    _ = bytearray(1024**3)
                case "raise":
                    raise RuntimeError("a mistake of ours")
        on_file("")
        skipped = tuple(Skip(path, reason) for path, reason in sorted(skip.items()))
        return Report((), skipped, files=read)

    return task


@pytest.mark.fault(24, 27)
@pytest.mark.parametrize(
    ("deed", "words"),
    [("crash", "crashed the parser"), ("hang", "longer than"), ("eat", "more memory")],
)
def test_the_guilty_file_is_named_and_the_others_are_reviewed(deed: str, words: str) -> None:
    (report,) = run_confined([task_with({"b.py": deed})], QUICK)
    assert report.files == 2
    assert [each.path for each in report.skipped] == ["b.py"]
    assert words in report.skipped[0].reason


def test_several_guilty_files_are_all_named() -> None:
    (report,) = run_confined([task_with({"a.py": "crash", "c.py": "hang"})], QUICK)
    assert report.files == 1
    assert [each.path for each in report.skipped] == ["a.py", "c.py"]


def test_reports_come_in_the_order_of_the_tasks_whatever_happens_to_them() -> None:
    tasks = [task_with({}), task_with({"a.py": "hang"}), task_with({"a.py": "crash"})]
    reports = run_confined(tasks, QUICK, jobs=3)
    assert [report.files for report in reports] == [3, 2, 2]


def test_a_failure_outside_any_file_is_said() -> None:
    def fails(on_file: OnFile, skip: Mapping[str, str]) -> Report:
        raise RuntimeError("no file is to blame")

    with pytest.raises(ReviewFailedError, match="no file is to blame"):
        run_confined([fails], QUICK)


def test_deaths_are_bounded() -> None:
    def restless(on_file: OnFile, skip: Mapping[str, str]) -> Report:
        on_file(f"file-{len(skip)}.py")
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    with pytest.raises(ReviewFailedError):
        run_confined([restless], Limits(deaths=3))


def children() -> set[str]:
    """The processes that this one started and has not taken leave of (Linux)."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return set(listed.split())


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the children")
def test_no_child_is_left_behind() -> None:
    before = children()
    run_confined([task_with({"b.py": "hang"})], QUICK)
    assert children() <= before
