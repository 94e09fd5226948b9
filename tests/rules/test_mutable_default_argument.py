"""What the repair of a shared default does, and where it keeps its hands off."""

from __future__ import annotations

import pytest
from trees import project_of

from rules.checklist.quality.mutable_default_argument import rule
from rules.engine.config import Config, ReviewConfig
from rules.engine.finding import Finding
from rules.engine.fix import apply
from rules.engine.run import check

PATH = "shop/orders.py"


def findings(code: str) -> tuple[Finding, ...]:
    config = Config(review=ReviewConfig(confidence="all"))
    report = check([(PATH, code.encode())], project_of({PATH: code}), config, [rule])
    assert report.crashes == ()
    return report.findings


def fixed(code: str) -> str | None:
    fixes = [each.fix for each in findings(code)]
    if not all(fixes):
        return None
    edits = dict.fromkeys(edit for fix in fixes if fix for edit in fix.edits)
    return apply(code, edits)


@pytest.mark.parametrize(
    "default",
    ["[]", "{}", "{1}", "[1, 2]", "{'a': 1}", "list()", "dict()", "set()", "dict(a=1)"],
)
def test_the_repaired_function_starts_afresh_with_each_call(default: str) -> None:
    code = f"def keep(item, into={default}):\n    into and None\n    return into\n"
    repaired = fixed(code)
    assert repaired is not None
    world: dict[str, object] = {}
    exec(repaired, world)
    keep = world["keep"]
    assert callable(keep)
    first, second = keep(1), keep(1)
    assert first == second
    assert first is not second


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("list[int]", "list[int] | None"),
        ("Dict[str, Any]", "Dict[str, Any] | None"),
        ("Optional[list]", "Optional[list]"),
        ("Union[list, None]", "Union[list, None]"),
        ("list[None]", "list[None] | None"),
        ("list | None", "list | None"),
        ("Any", "Any"),
        ('"list[int]"', '"list[int] | None"'),
        ("'Optional[list]'", "'Optional[list]'"),
        ("typing.Sequence", "typing.Sequence | None"),
    ],
)
def test_the_annotation_comes_to_allow_none_once(annotation: str, expected: str) -> None:
    repaired = fixed(f"def f(a: {annotation} = []):\n    return a\n")
    assert repaired is not None
    assert repaired.startswith(f"def f(a: {expected} = None):\n")


@pytest.mark.parametrize(
    "code",
    [
        "def f(a=[]): return a\n",
        "def f(a=[]):\n    # why\n    return a\n",
        "def f(a=[]):\n    '''Only words.'''\n",
        "def f(a=[\n    1,\n]):\n    return a\n",
        "def f(b, a=[b]):\n    return a\n",
        "class A:\n    x = 1\n    def f(self, a=[x]):\n        return a\n",
        "import os\ndef f(a=[os]):\n    os = 1\n    return a, os\n",
        "f = lambda a=[]: a\n",
    ],
)
def test_no_repair_where_the_code_could_change_its_meaning(code: str) -> None:
    assert all(each.fix is None for each in findings(code))


def test_a_function_that_knows_none_already_is_not_repaired_without_asking() -> None:
    (finding,) = findings("def f(a=[]):\n    if a is None:\n        return 1\n    return a\n")
    assert finding.fix is not None
    assert not finding.fix.safe


def test_equal_defaults_of_one_function_are_told_apart_by_their_parameter() -> None:
    one, other = findings("def f(a=[], b=[]):\n    return a, b\n")
    (alone,) = findings("def f(b=[]):\n    return b\n")
    assert one.fingerprint != other.fingerprint
    assert alone.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    "default",
    ["()", "None", "1", "frozenset()", "tuple([])", "Depends(db)", "Query([])", "timedelta(1)"],
)
def test_values_that_cannot_change_pass(default: str) -> None:
    assert findings(f"def f(a={default}):\n    return a\n") == ()
