"""Which bytecode is an accident."""

from __future__ import annotations

import pytest
from trees import project_of, snapshot_of

from rules.checklist.cleanup.bytecode_committed import rule
from rules.engine.config import Config
from rules.engine.run import check, review

BYTES = b"\xa7\r\r\n\0\0\0\0compiled\0"


def flagged(files: dict[str, bytes]) -> set[str]:
    report = check(files.items(), project_of(files), Config(), [rule])
    assert report.crashes == ()
    return {each.path for each in report.findings}


@pytest.mark.parametrize(
    "path",
    [
        "a.pyc",
        "shop/__pycache__/a.cpython-312.opt-1.pyc",
        "shop/__pycache__/a.pypy39.pyc",
        "old/a.pyo",
        "lib/a.pyd",
    ],
)
def test_bytecode_of_the_application_is_flagged(path: str) -> None:
    assert flagged({path: BYTES}) == {path}


def test_bytecode_of_the_tests_themselves_is_no_test_data() -> None:
    cached = "tests/__pycache__/test_a.cpython-311-pytest-8.0.0.pyc"
    assert flagged({cached: BYTES, "tests/test_a.py": b""}) == {cached}
    assert flagged({cached: BYTES}) == set()


def test_a_change_is_told_of_the_bytecode_it_adds_and_of_no_other() -> None:
    before: dict[str, str | bytes] = {"old.pyc": BYTES}
    after: dict[str, str | bytes] = {"old.pyc": BYTES, "shop/new.pyc": BYTES}
    found = review(snapshot_of(before, after), Config(), [rule]).findings
    assert [(each.path, each.file_level) for each in found] == [("shop/new.pyc", True)]
    assert "git rm --cached shop/new.pyc" in found[0].message
