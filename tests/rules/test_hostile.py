"""Files made to break the parser are refused or survived, and named either way."""

from __future__ import annotations

import faulthandler
import gc
import os
import sys
from bisect import bisect
from collections.abc import Iterator

import pytest
from hostile import DEEP, FLAT, ODD
from trees import Texts, project_of

from rules.engine.config import Config
from rules.engine.confined import Limits, bytes_confined, run_confined
from rules.engine.downlevel import parse_any
from rules.engine.finding import Report
from rules.engine.guard import MAX_BYTES, reason_to_skip
from rules.engine.index import read_record
from rules.engine.run import check

BAD = b"def f(o):\n    try:\n        return o.x\n    except:\n        return 0\n"


def reviewed(files: dict[str, bytes], limits: Limits) -> Report:
    project = project_of({"app/good.py": BAD})
    pairs = list(files.items())
    (report,) = run_confined(
        [lambda on_file, skip: check(pairs, project, Config(), on_file=on_file, skip=skip)], limits
    )
    return report


@pytest.mark.fault(49)
@pytest.mark.parametrize("name", DEEP)
def test_what_is_too_deep_or_too_long_is_refused_before_it_is_parsed(name: str) -> None:
    for repetitions in (2_000, 10_000):
        data = DEEP[name](repetitions).encode()
        reason = reason_to_skip(data)
        assert reason is not None
        assert "\n" not in reason


def admitted(name: str) -> bytes:
    """The worst of its kind that the guards let through."""
    refused = bisect(range(1, 2_000), False, key=lambda n: is_refused(DEEP[name](n)))
    return DEEP[name](refused).encode()


def is_refused(text: str) -> bool:
    return reason_to_skip(text.encode()) is not None


def test_what_the_guards_let_through_is_analysed_within_the_limits() -> None:
    files = {f"app/{number}.py": admitted(name) for number, name in enumerate(sorted(DEEP))}
    report = reviewed({**files, "app/good.py": BAD}, Limits())
    assert "app/good.py" in {each.path for each in report.findings}
    assert report.crashes == ()
    assert all("syntax error" in each.reason for each in report.skipped)
    assert report.files == len(files) + 1


@pytest.mark.fault(49)
def test_long_files_are_analysed_or_named_and_the_one_beside_them_is_reviewed() -> None:
    files = {f"app/{n}.py": FLAT[name](10_000).encode() for n, name in enumerate(sorted(FLAT))}
    report = reviewed({**files, "app/good.py": BAD}, Limits(memory=1024**3))
    assert "app/good.py" in {each.path for each in report.findings}
    assert report.crashes == ()
    assert report.files + len(report.skipped) >= len(files) + 1


@pytest.mark.fault(48)
@pytest.mark.parametrize("name", ODD)
def test_odd_bytes_are_analysed_or_named(name: str) -> None:
    data = ODD[name] + BAD if name in {"byte order mark", "latin-1", "newer syntax"} else ODD[name]
    report = reviewed({"app/odd.py": data, "app/good.py": BAD}, Limits())
    assert "app/good.py" in {each.path for each in report.findings}
    assert report.crashes == ()
    assert [each.path for each in report.skipped] in ([], ["app/odd.py"])
    if data is not ODD[name]:
        assert {each.path for each in report.findings} == {"app/odd.py", "app/good.py"}


@pytest.mark.parametrize("name", [*DEEP, *FLAT, *ODD])
def test_facts_are_read_or_left_out_in_this_process(name: str) -> None:
    sizes = (40, 3_000, 30_000) if name in DEEP else (20_000,)
    every = {**DEEP, **FLAT}
    datas = [every[name](n).encode() for n in sizes] if name in every else [ODD[name]]
    for data in datas:
        for path in ("app/models.py", "app/settings.py", "pyproject.toml", "tests/test_a.py"):
            assert isinstance(read_record(path, b"from django.db import models\n" + data), bytes)


@pytest.mark.parametrize("name", sorted(set(DEEP) - {"never closed", "never closed, mixed"}))
def test_the_older_syntax_is_made_where_the_parser_may_die(name: str) -> None:
    newer = b"type Pair[T] = dict[T, T]\ntry: pass\nexcept A, B: pass\n"
    tree = parse_any(newer + admitted(name))
    assert tree is None or tree.body


def test_a_size_no_parser_should_see_is_refused() -> None:
    reason = reason_to_skip(b"a = 1\n" * (MAX_BYTES // 6 + 1))
    assert reason is not None
    assert "512 kB" in reason


def test_dense_files_are_refused_by_what_they_hold() -> None:
    reason = reason_to_skip(b"x = [" + b"1," * 200_000 + b"]\n")
    assert reason is not None
    assert "150,000" in reason


ORDINARY = {
    "f-strings": "a = f\"{b['c']!r:>{d}} {{not a field}} {e(f'{g}')}\"\n" * 500,
    "new f-strings": 'a = f"{b["(((("]}" + f"{x:{y}}"\n' * 500,
    "brackets in strings": 'a = "((((" + \'[[[[\' + """{{{{ \n"""\n' * 500,
    "brackets in comments": "a = 1  # ((((((\n" * 500,
    "quotes in comments": "a = f(1)  # it's (not closed\n" * 500,
    "a table": "x = {\n" + '    "a": {"b": [1.5, -2, f(a.b, c=d or e)]},\n' * 2000 + "}\n",
    "a table of lambdas": "x = {\n" + '    "a": lambda a, b: a + b,\n' * 1000 + "}\n",
    "a long text": "x = (\n" + '    "a line of text "\n' * 256 + ")\n",
    "many elifs": ("if a:\n    pass\n" + "elif b:\n    pass\n" * 30) * 50,
    "patterns": "match x:\n" + '    case {"a": [b, C(d=(e | f))]}:\n        pass\n' * 300,
    "a name that ends as a prefix": 'if"x" in a or"y":\n    pass\n' * 500,
    "names that hold words": "x = model(delta[(case)], android, notify)\n" * 500,
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_code_is_never_refused(name: str) -> None:
    assert reason_to_skip(ORDINARY[name].encode()) is None


@pytest.fixture
def _frozen() -> Iterator[None]:
    gc.collect()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("_frozen")
def test_work_in_a_child_gives_its_bytes_or_nothing() -> None:
    quick = Limits(seconds_per_file=1, memory=256 * 1024**2)

    def hang() -> bytes:
        while True:
            pass

    assert bytes_confined(lambda: b"x" * 300_000, quick) == b"x" * 300_000
    assert bytes_confined(hang, quick) is None
    assert bytes_confined(lambda: bytes(1024**3), quick) is None
    assert bytes_confined(lambda: sys.exit(3), quick) is None


def test_too_many_deaths_leave_a_review_of_what_was_survived() -> None:
    bad = {f"app/z{n}.py": b"match x:\n    case _:\n        pass\n" for n in range(3)}
    files = {"app/good.py": BAD, **bad, "app/never.py": BAD}
    project = project_of({})

    def task(on_file: object, skip: object) -> Report:

        def say(path: str) -> None:
            on_file(path)  # type: ignore[operator]
            if path in bad:
                faulthandler.disable()
                os.abort()

        return check(list(files.items()), project, Config(), on_file=say, skip=skip)  # type: ignore[arg-type]

    (report,) = run_confined([task], Limits(deaths=2))
    assert {each.path for each in report.findings} == {"app/good.py"}
    reasons = {each.path: each.reason for each in report.skipped}
    assert set(reasons) == {*bad, "app/never.py"}
    assert "memory" in reasons["app/z0.py"]
    assert "too many files" in reasons["app/never.py"]


def test_texts_that_are_no_python_are_no_danger_to_the_facts() -> None:
    deep = {
        "pyproject.toml": "x = " + "[" * 50_000,
        "setup.cfg": "[flake8]\n" + "select = " + "a," * 200_000,
        "ruff.toml": "a = '''" + "'" * 1000,
        ".flake8": "[" * 100_000,
        "tox.ini": "\n".join("[flake8]" for _ in range(10_000)),
    }
    project = project_of(deep)
    assert set(project.tree) == set(Texts(deep).tree)
