"""Every fault of docs/faults.md happens in a test, and every promise of the README has its own."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
FAULTS = range(1, 76)
ROW = re.compile(r"^\| (\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
TEST_NAME = re.compile(r"`(test_\w+)`")


def marked() -> dict[str, set[int]]:
    """The numbers of each test that lets a fault happen."""
    found: dict[str, set[int]] = defaultdict(set)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for decorator in node.decorator_list:
                    if ast.unparse(decorator).startswith("pytest.mark.fault"):
                        found[node.name] |= _numbers(decorator)
    return found


def _numbers(decorator: ast.expr) -> set[int]:
    arguments = decorator.args if isinstance(decorator, ast.Call) else []
    return {ast.literal_eval(each) for each in arguments}


def test_every_fault_happens_in_a_test() -> None:
    happen = set().union(*marked().values())
    assert happen == set(FAULTS)


def test_every_mark_says_which_faults_happen() -> None:
    assert [name for name, numbers in marked().items() if not numbers] == []


def test_the_page_of_faults_tells_each_of_them() -> None:
    page = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    assert [int(number) for number, _, _ in ROW.findall(page)] == list(FAULTS)


def test_every_promise_names_tests_that_there_are() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    promises = readme.partition("## What it promises\n")[2].partition("\n## ")[0]
    rows = [line for line in promises.splitlines() if re.match(r"\d+\. ", line)]
    assert len(rows) == 11
    for row in rows:
        named = TEST_NAME.findall(row)
        assert named, row
        assert set(named) <= known_tests(), row


def known_tests() -> set[str]:
    return {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
