"""An assertion on a mock never runs.

A mock answers to any name: a misspelt assertion is just one more call that it records, and an
assertion without parentheses is not called at all. The test is green whatever happens.

Bad:
```python tests/test_mail.py
def test_mail(mailer, order):
    order.send(mailer)
    mailer.send.assert_called_once  # flagged
    mailer.send.called_once_with(order)  # flagged
    assert mailer.close.called_with(order)  # flagged
    assert mailer.open.called_once  # flagged
```
Good:
```python tests/test_mail.py
def test_mail(mailer, order):
    order.send(mailer)
    mailer.send.assert_called_once()
    mailer.send.assert_called_once_with(order)
    mailer.close.assert_called_with(order)
    mailer.open.assert_called_once()
```
Good: what mocks have, and objects of one's own.
```python tests/test_more.py
class Recorder:
    def called_with(self, *args):
        return args in self.calls


def test_more(mailer):
    recorder = Recorder()
    assert mailer.send.called
    assert mailer.send.call_count == 1
    assert recorder.called_with(1)
    mailer.send.assert_not_called()
    check = mailer.send.assert_called_once
    check()
```
Good: an autospecced function refuses names that it does not have.
```python tests/test_spec.py
from unittest.mock import create_autospec


def test_spec(send):
    sender = create_autospec(send)
    sender(1)
    sender.called_once_with(1)
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.tests import Suite
from rules.kit import Fix, Flag, Here, Replace, Rule, Severity, find

rule = Rule(
    __name__,
    __doc__,
    code="TST104",
    severity=Severity.ERROR,
    checklist=("tests.mocks",),
    fix="suggestion",
    peers=("ruff:PGH005",),
)

_REAL = frozenset(
    {"assert_called", "assert_called_once", "assert_called_with", "assert_called_once_with"}
    | {"assert_any_call", "assert_has_calls", "assert_not_called", "assert_awaited"}
    | {"assert_awaited_once", "assert_awaited_with", "assert_awaited_once_with"}
    | {"assert_any_await", "assert_has_awaits", "assert_not_awaited"}
)
_MISSPELT = {
    "called_once": "assert_called_once",
    "called_once_with": "assert_called_once_with",
    "called_with": "assert_called_with",
    "not_called": "assert_not_called",
    "any_call": "assert_any_call",
    "has_calls": "assert_has_calls",
    "awaited_once": "assert_awaited_once",
    "awaited_once_with": "assert_awaited_once_with",
    "awaited_with": "assert_awaited_with",
    "not_awaited": "assert_not_awaited",
    "was_called_with": "assert_called_with",
    "was_called_once_with": "assert_called_once_with",
    "assert_called_once_wiht": "assert_called_once_with",
    "assert_callled_with": "assert_called_with",
    "asssert_called_with": "assert_called_with",
}
_WORDS = (*sorted(_REAL), *_MISSPELT)


@rule.on(cst.Expr, words=_WORDS)
def check_statement(node: cst.Expr, here: Here) -> Iterator[Flag]:
    if not here.is_test:
        return
    match node.value:
        case cst.Attribute(attr=cst.Name(value=name)) as attribute:
            fitting = name if name in _REAL else _MISSPELT.get(name, "")
            if fitting and _is_mock(attribute, here):
                yield _flag(node, attribute, fitting, None, here)
        case cst.Call(func=cst.Attribute(attr=cst.Name(value=name)) as func) as call:
            fitting = _MISSPELT.get(name, "")
            if fitting and _is_mock(func, here):
                yield _flag(node, func, fitting, call, here)


@rule.on(cst.Assert, words=tuple(_MISSPELT))
def check_assert(node: cst.Assert, here: Here) -> Iterator[Flag]:
    if not here.is_test:
        return
    call = node.test if isinstance(node.test, cst.Call) else None
    func = call.func if call is not None else node.test
    if not isinstance(func, cst.Attribute):
        return
    fitting = _MISSPELT.get(func.attr.value, "")
    if fitting and _is_mock(func, here):
        yield _flag(node, func, fitting, call, here)


def _is_mock(attribute: cst.Attribute, here: Here) -> bool:
    """Whether nothing says that the name is somebody's own, or that the mock would refuse it."""
    name = attribute.attr.value
    suite: Suite = here.project.facts(Suite)
    if name in _REAL:
        return not isinstance(attribute.value, cst.Name) or attribute.value.value != "self"
    if name in suite.helpers or _defines(name, here):
        return False
    owner = attribute.value
    while isinstance(owner, cst.Attribute):
        owner = owner.value
    made = here.source(here.value_of(owner))
    return "autospec" not in made and "spec=" not in made and "spec_set" not in made


def _defines(name: str, here: Here) -> bool:
    """Whether the file itself has a function or an attribute of this name."""
    if here.module is None:
        return False
    if any(each.name.value == name for each in find(here.module, cst.FunctionDef)):
        return True
    targets = (each.target for each in find(here.module, cst.AssignTarget))
    return any(isinstance(t, cst.Attribute) and t.attr.value == name for t in targets)


def _flag(
    node: cst.CSTNode, func: cst.Attribute, fitting: str, call: cst.Call | None, here: Here
) -> Flag:
    name = func.attr.value
    owner = here.source(func.value)
    if name == fitting:
        why = f"`{owner}.{name}` is not called, so it asserts nothing; add the parentheses."
    else:
        why = (
            f"`{name}` is no assertion of mocks: it is one more call on `{owner}` that always "
            f"succeeds. Say `{fitting}`."
        )
    given = ", ".join(here.source(each) for each in call.args) if call is not None else ""
    given = given.replace(",,", ",").rstrip(", ")
    return Flag(node, why, fix=Fix((Replace(node, f"{owner}.{fitting}({given})"),)))
