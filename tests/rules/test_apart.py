"""A change is reviewed in a process that holds nothing worth stealing."""

from __future__ import annotations

from trees import snapshot_of

from rules.engine.apart import review_apart
from rules.engine.config import Config
from rules.engine.run import review

BEFORE = {"app/a.py": "x = 1\n"}
BAD = "def f(o):\n    try:\n        return o.x\n    except:\n        return 0\n"


def test_the_other_process_says_the_same() -> None:
    snapshot = snapshot_of(BEFORE, {**BEFORE, "app/b.py": BAD, "app/c.py": "def (:\n"})
    here = review(snapshot, Config())
    there = review_apart(snapshot, Config())
    assert there.findings == here.findings
    assert there.skipped == here.skipped
    assert here.findings


def test_a_file_that_hangs_the_parser_is_named() -> None:
    deep = "match x:\n    case " + "[" * 26 + "a" + "]" * 26 + ":\n        pass\n"
    snapshot = snapshot_of(BEFORE, {**BEFORE, "app/b.py": BAD, "app/deep.py": BAD + deep})
    report = review_apart(snapshot, Config())
    assert [each.path for each in report.skipped] == ["app/deep.py"]
    assert "app/b.py" in {each.path for each in report.findings}
