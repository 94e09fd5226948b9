"""The change takes tests or assertions away while the code that they tested stays.

A test that fails is the only witness that something broke; without it the change is green and
nobody knows. Repair the code or the test; where the promise no longer holds, say so in the
description of the change.

Before:
```python shop/orders.py
def total(lines):
    return sum(lines)
```
```python tests/test_orders.py
from shop.orders import total


def test_total():
    assert total([1, 2]) == 3
    assert total([5]) == 5


def test_total_of_nothing():
    assert total([]) == 0


def test_rounding():
    assert total([0.1, 0.2]) == 0.3
```
Bad:
```python shop/orders.py
def total(lines):
    return sum(lines) or None
```
```python tests/test_orders.py flagged
import pytest

from shop.orders import total


def test_total():  # flagged
    assert total([1, 2]) == 3


@pytest.mark.skip(reason="flaky")
def test_rounding():  # flagged
    assert total([0.1, 0.2]) == 0.3
```
Good: renamed, merged into one with values, or changed with the promise.
```python shop/orders.py
def total(lines):
    return sum(lines) or None
```
```python tests/test_orders.py
import pytest

from shop.orders import total


@pytest.mark.parametrize(("lines", "expected"), [([1, 2], 3), ([5], 5), ([], None)])
def test_total(lines, expected):
    assert total(lines) == expected


def test_rounding():
    assert total([0.1, 0.2]) == 0.3
```
Before:
```python shop/orders.py
def total(lines):
    return sum(lines)


def tax(lines):
    return total(lines) * 0.2
```
```python tests/test_orders.py
from shop.orders import tax, total


def test_total():
    assert total([1, 2]) == 3


def test_tax():
    assert tax([1]) == 0.2
```
Bad: a test of what is still there is gone.
```python shop/orders.py
def total(lines):
    return sum(lines)


def tax(lines):
    return total(lines) * 0.3
```
```python tests/test_orders.py flagged
from shop.orders import total


def test_total():
    assert total([1, 2]) == 3
```
Good: the code that it tested is gone too.
```python shop/orders.py
def total(lines):
    return sum(lines)
```
```python tests/test_orders.py
from shop.orders import total


def test_total():
    assert total([1, 2]) == 3
```
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from rules.facts.collected_tests import TestFunction
from rules.kit import (
    Change,
    Confidence,
    FileChange,
    Flag,
    Here,
    Project,
    PythonFile,
    Rule,
    Severity,
    dotted,
    find,
)
from rules.kit.paths import is_test
from rules.kit.positions import positions

rule = Rule(
    __name__,
    __doc__,
    code="TST107",
    severity=Severity.WARNING,
    checklist=("tests.critical-paths", "tests.meaningful"),
    scope="pr",
)

_SKIPS = re.compile(r"(^|\.)(skip|xfail|expectedFailure)$")
_ASSERTS = re.compile(r"^assert|^(raises|warns)$|^check_|^verify_|^expect")
_CLEANING = re.compile(
    r"(?i)\b(revert|remov|delet|drop|deprecat|mov|renam|refactor|rewrit|merg|simplif)"
)
_TELLING_NAME = 16
Tests = Mapping[str, TestFunction]


@rule.on(PythonFile)
def parse(_file: PythonFile, _here: Here) -> Iterator[Flag]:
    """Ask for the trees of all changed files; what is lost is said of the change."""
    yield from ()


@rule.on(Change)
def check(change: Change, here: Here) -> Iterator[Flag]:
    files = [each for each in change.files if TestFunction.lives_in(each.path)]
    if not files or _CLEANING.search(change.title):
        return
    after = {
        each.path: _tests(each.path, change.trees.get(each.path, (None, None))[1], change.after)
        for each in files
    }
    names = {name.rpartition(".")[2] for tests in after.values() for name in tests}
    before_all = {
        name
        for each in files
        for name in _tests(
            each.old_path, change.trees.get(each.path, (None, None))[0], change.before
        )
    }
    has_new = any(name not in before_all for tests in after.values() for name in tests)
    around = _Around(_gone_names(change), _gained(files), has_new)
    for each in files:
        old, new = change.trees.get(each.path, (None, None))
        before = _tests(each.old_path, old, change.before)
        if new is None or not before:
            continue
        now = after[each.path]
        yield from _weaker(each, before, now, new, around)
        lost = [t for n, t in before.items() if n not in now and not _is_taken_up(t.name, names)]
        if lost and not _is_rebuilt(before, now) and not any(_about(t) & around.gone for t in lost):
            yield _lost(each, lost, around)


def _tests(path: str, module: cst.Module | None, project: Project) -> Tests:
    if module is None:
        return {}
    here = Here(path=path, project=project, module=module)
    found = TestFunction.found_in(module, here)
    return {f"{e.holder.name.value if e.holder else ''}.{e.name}": e for e in found}


@dataclass(frozen=True)
class _Around:
    """What left the code that is tested, and the lines that all tests together have more of."""

    gone: frozenset[str]
    gained: Counter[str]
    has_new: bool

    @property
    def confidence(self) -> Confidence | None:
        """New tests of the change may hold what others no longer do."""
        return Confidence.HOTSPOT if self.has_new else None


def _gained(files: Iterable[FileChange]) -> Counter[str]:
    """The lines that the tests have more of after the change."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for each in files:
        before.update(
            line.strip() for line in (each.before or b"").decode(errors="replace").splitlines()
        )
        after.update(
            line.strip() for line in (each.after or b"").decode(errors="replace").splitlines()
        )
    return after - before


def _is_taken_up(name: str, names: Iterable[str]) -> bool:
    """Whether a test has this name, or one that says the same in fewer or more words."""
    return any(
        name == each
        or (
            min(len(name), len(each)) >= _TELLING_NAME
            and (name.startswith(each) or each.startswith(name))
        )
        for each in names
    )


def _gone_names(change: Change) -> frozenset[str]:
    """The names that stood in the changed code, and stand in none of it any more."""
    before: set[str] = set()
    after: set[str] = set()
    for each in change.files:
        if is_test(each.path) or not each.path.endswith(".py"):
            continue
        old, new = change.trees.get(each.path, (None, None))
        for module, names in ((old, before), (new, after)):
            if module is not None:
                names |= {one.value for one in find(module, cst.Name)}
    return frozenset(before - after)


def _about(test: TestFunction) -> frozenset[str]:
    """Every name in a test, its own too, with the words of which it is made."""
    names = {each.value for each in find(test.node, cst.Name)}
    names |= {
        part
        for each in find(test.node, cst.SimpleString)
        for part in re.findall(r"\w+", each.value)
    }
    return frozenset(names)


def _is_rebuilt(before: Tests, now: Tests) -> bool:
    """Whether new tests took the place of lost ones: as many, or ones with many values."""
    fresh = [test for name, test in now.items() if name not in before]
    lost = [name for name in before if name not in now]
    if len(fresh) >= len(lost):
        return True
    every = [*fresh, *(t for name, t in now.items() if name in before)]
    many = sum("parametrize" in _decorators(each) for each in every)
    return many > sum("parametrize" in _decorators(each) for each in before.values())


def _decorators(test: TestFunction) -> str:
    return " ".join(cst.Module([]).code_for_node(each) for each in test.node.decorators)


def _weaker(
    file: FileChange,
    before: Tests,
    now: Tests,
    module: cst.Module,
    around: _Around,
) -> Iterator[Flag]:
    for name, test in now.items():
        old = before.get(name)
        if old is None:
            continue
        why = ""
        if _is_off(test) and not _is_off(old):
            why = f"switches `{test.name}` off"
        elif _is_cut(old, test, around.gained) and not _about(old) & around.gone:
            why = f"takes assertions out of `{test.name}` and puts none in"
        if why:
            span = positions(module, [test.node.name])[id(test.node.name)]
            message = (
                f"The change {why}, while the code that it tests stays: what the test held is no "
                "longer held. Repair the code or the test, or say in the description why it may go."
            )
            sure = None if _is_off(test) else around.confidence
            identity = f"{test.name} {why}"
            yield Flag(span.line, message, path=file.path, identity=identity, confidence=sure)


def _is_off(test: TestFunction) -> bool:
    for each in test.node.decorators:
        node = each.decorator
        if _SKIPS.search(dotted(node.func if isinstance(node, cst.Call) else node)):
            return True
    return False


def _is_cut(old: TestFunction, new: TestFunction, gained: Counter[str]) -> bool:
    """Whether assertions went, to no other test, and nothing else in the test was touched."""
    before, after = _lines(old), _lines(new)
    lost = set(before) - set(after)
    return (
        any(not gained[line] for line in lost)
        and not set(after) - set(before)
        and (_assertions(new) < _assertions(old))
    )


def _lines(test: TestFunction) -> list[str]:
    body = cst.Module([]).code_for_node(test.node.body)
    return [line.strip() for line in body.splitlines() if line.strip() and line.strip()[0] != "#"]


def _assertions(test: TestFunction) -> int:
    calls = (dotted(each.func).rpartition(".")[2] for each in find(test.node.body, cst.Call))
    return sum(1 for _ in find(test.node.body, cst.Assert)) + sum(
        bool(_ASSERTS.search(each)) for each in calls
    )


def _lost(file: FileChange, lost: list[TestFunction], around: _Around) -> Flag:
    names = ", ".join(f"`{each.name}`" for each in lost[:3])
    more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
    message = (
        f"The change takes {names}{more} away, while the code that it tests stays: what the test held "
        "is no longer held. Keep it, or say in the description why it may go."
    )
    return Flag(
        0, message, path=file.path, identity=f"lost {lost[0].name}", confidence=around.confidence
    )
