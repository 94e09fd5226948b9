"""How large functions are taken to be."""

from __future__ import annotations

import libcst as cst
from hypothesis import given
from hypothesis import strategies as st

from rules.facts.function_size import measure
from rules.kit import find


def function(code: str) -> cst.FunctionDef:
    return next(find(cst.parse_module(code), cst.FunctionDef))


def indented(lines: list[str]) -> str:
    return "".join(f"    {line}\n" for line in lines)


@given(st.integers(min_value=1, max_value=40))
def test_each_branch_loop_and_handler_is_one_more_way(count: int) -> None:
    body = ["if a:", "    b()", "    c()"] * count
    body += ["for x in y:", "    b()"] * count
    body += ["try:", "    b()", "except E:", "    c()"] * count
    assert measure(function(f"def f():\n{indented(body)}")).ways == 1 + 3 * count


def test_a_table_counts_once_however_long_it_is() -> None:
    rows = ["if a == 0:", "    return 0"]
    for number in range(1, 30):
        rows += [f"elif a == {number}:", f"    return {number}"]
    assert measure(function(f"def f(a):\n{indented(rows)}")).ways == 2
    cases = ["match a:"]
    for number in range(30):
        cases += [f"    case {number}:", "        b()", "        c()"]
    assert measure(function(f"def f(a):\n{indented(cases)}")).ways == 2


def test_what_stands_deep_inside_counts_as_well() -> None:
    code = (
        "def f():\n    with a:\n        while b:\n            if c:\n                pass\n"
        "                pass\n            else:\n                for x in y:\n"
        "                    pass\n    return 1\n"
    )
    assert measure(function(code)).ways == 4
    assert measure(function(code)).statements == 8
    assert measure(function(code)).blocks == 1


@given(st.integers(min_value=0, max_value=50))
def test_functions_within_count_as_one_statement(count: int) -> None:
    inner = ["def g():"] + ["    if a:", "        b()"] * (count + 1)
    size = measure(function(f"def f():\n{indented([*inner, *['c()'] * 9])}"))
    assert size.ways == 1
    assert size.statements == 10
