"""Three or more tests are equal but for their values.

Whoever changes one has to find the others, and the next case is copied again. Write one test
and give it the values: `@pytest.mark.parametrize`, or `subTest` in unittest.

Bad:
```python tests/test_total.py
def test_total_of_one(shop):  # flagged
    order = shop.order(lines=1)
    order.close()
    assert order.total == 5


def test_total_of_two(shop):
    order = shop.order(lines=2)
    order.close()
    assert order.total == 10


def test_total_of_three(shop):
    order = shop.order(lines=3)
    order.close()
    assert order.total == 15
```
Good:
```python tests/test_total.py
import pytest


@pytest.mark.parametrize(("lines", "total"), [(1, 5), (2, 10), (3, 15)])
def test_total(shop, lines, total):
    order = shop.order(lines=lines)
    order.close()
    assert order.total == total
```
Good: two of them, short ones, and other calls.
```python tests/test_more.py
def test_open(shop):
    order = shop.order(lines=1)
    order.open()
    assert order.total == 5


def test_close(shop):
    order = shop.order(lines=1)
    order.close()
    assert order.total == 5


def test_close_of_two(shop):
    order = shop.order(lines=2)
    order.close()
    assert order.total == 10


def test_one(shop):
    assert shop.orders == 1


def test_two(shop):
    assert shop.lines == 2


def test_three(shop):
    assert shop.lines == 3


def test_four(shop):
    assert shop.lines == 4
```
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import libcst as cst

from rules.facts.collected_tests import TestFunction
from rules.kit import Flag, Here, PythonFile, Rule, Severity, walk

rule = Rule(
    __name__,
    __doc__,
    code="TST111",
    severity=Severity.NOTICE,
    checklist=("tests.parametrised",),
)

_LEAST_TESTS = 3
_LEAST_STATEMENTS = 3
_LITERALS = frozenset(
    {cst.SimpleString, cst.ConcatenatedString, cst.FormattedString, cst.Integer, cst.Float}
)


@rule.on(PythonFile)
def check(file: PythonFile, here: Here) -> Iterator[Flag]:
    if not TestFunction.lives_in(file.path):
        return
    alike: dict[object, list[TestFunction]] = defaultdict(list)
    for each in TestFunction.found_in(file.module, here):
        if len(each.node.body.body) >= _LEAST_STATEMENTS and not _is_parametrized(each):
            alike[(id(each.holder), _heads(each.node))].append(each)
    for some in alike.values():
        if len(some) >= _LEAST_TESTS:
            yield from _repeated(some)


def _heads(function: cst.FunctionDef) -> tuple[object, ...]:
    """The kinds of the statements of a test: a cheap look before a close one."""
    lines = function.body.body
    return tuple(
        each.body[0].__class__ if isinstance(each, cst.SimpleStatementLine) else each.__class__
        for each in lines
    )


def _repeated(tests: list[TestFunction]) -> Iterator[Flag]:
    groups: dict[object, list[TestFunction]] = defaultdict(list)
    for each in tests:
        groups[_outline(each.node)].append(each)
    for same in groups.values():
        if len(same) >= _LEAST_TESTS:
            names = ", ".join(f"`{each.name}`" for each in same[1:3])
            message = (
                f"`{same[0].name}`, {names}{' and more' if len(same) > _LEAST_TESTS else ''} are equal "
                "but for their values; write one test and give it the values (`parametrize`, `subTest`)."
            )
            yield Flag(same[0].node, message)


def _is_parametrized(test: TestFunction) -> bool:
    return any("parametrize" in cst.Module([]).code_for_node(d) for d in test.node.decorators)


def _outline(function: cst.FunctionDef) -> tuple[object, ...]:
    """What a test does, its values left out; its decorators, which may differ, kept."""
    found: list[object] = [p.name.value for p in function.params.params]
    for root in (*function.decorators, function.body):
        for each in walk(root):
            kind = each.__class__
            if kind in _LITERALS:
                found.append("value")
            elif kind is cst.Name:
                found.append(each.value)  # type: ignore[attr-defined]
            else:
                found.append(kind)
    return tuple(found)
