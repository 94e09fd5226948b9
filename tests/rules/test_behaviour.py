"""What counts as new behaviour in a change."""

from __future__ import annotations

import libcst as cst
import pytest

from rules.facts.behaviour import changes


def new_in(before: str, after: str) -> dict[str, int]:
    trees = {"shop.py": (cst.parse_module(before), cst.parse_module(after))}
    return {each.function.qualname: each.score for each in changes(trees)}


BASE = """\
def total(lines, rate):
    found = 0
    for line in lines:
        found += line.price * rate
    return found
"""


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(BASE.replace("    ", "  "), id="indentation"),
        pytest.param(BASE.replace("lines, rate", "lines: list, rate: float = 1"), id="annotations"),
        pytest.param(
            BASE.replace("found = 0", '"""Sum."""\n    found = 10'), id="words, constants"
        ),
        pytest.param(BASE.replace("found", "amount"), id="renamed variable"),
        pytest.param(BASE.replace("rate", "factor"), id="renamed parameter"),
        pytest.param(
            BASE.replace("    return", "    logger.info(found)\n    return"), id="logging"
        ),
        pytest.param("import sys\n\n\nLIMIT = 5\n\n\n" + BASE, id="module level"),
        pytest.param(BASE.replace("found = 0", "found: int = 0"), id="annotated variable"),
        pytest.param(BASE.replace("    found = 0\n", ""), id="deletion"),
        pytest.param(
            "class Shop:\n" + "".join(f"    {x}\n" for x in BASE.splitlines()), id="moved"
        ),
    ],
)
def test_no_new_behaviour(after: str) -> None:
    assert new_in(BASE, after) == {}


def test_code_extracted_into_a_function_is_only_the_call() -> None:
    after = """\
def total(lines, rate):
    return summed(lines, rate)


def summed(lines, rate):
    found = 0
    for line in lines:
        found += line.price * rate
    return found
"""
    assert new_in(BASE, after) == {"total": 1}


def test_a_new_branch_weighs_more_than_a_line() -> None:
    branch = BASE.replace("    return", "    if not found:\n        raise Empty\n    return")
    line = BASE.replace("    return", "    save(found)\n    return")
    assert new_in(BASE, branch) == {"total": 4}
    assert new_in(BASE, line) == {"total": 1}


def test_code_moved_to_another_file_is_not_new() -> None:
    trees = {
        "a.py": (cst.parse_module(BASE), cst.parse_module("from b import total\n")),
        "b.py": (None, cst.parse_module(BASE)),
    }
    assert changes(trees) == []


def test_a_new_method_is_named_with_its_class() -> None:
    after = f"{BASE}\n\nclass Shop:\n    def close(self):\n        self.open = 0\n"
    assert new_in(BASE, after) == {"Shop.close": 1}
