"""Whatever a file holds, its review ends, says what it left out, and harms no other file.

`make fuzz SECONDS=600` does this for longer, and with another seed each time.
"""

from __future__ import annotations

import os
import re
import sysconfig
import time
from collections.abc import Callable
from functools import cache
from itertools import count
from pathlib import Path

import pytest
from hostile import DEEP, FLAT, ODD
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from trees import project_of, snapshot_of

from rules.engine.config import Config, ReviewConfig, RulesConfig
from rules.engine.confined import Limits, run_confined
from rules.engine.finding import Report
from rules.engine.guard import reason_to_skip
from rules.engine.index import read_record
from rules.engine.run import check, review

SECONDS = float(os.environ.get("FUZZ_SECONDS", "20"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
CONFIG = Config(review=ReviewConfig(confidence="all"), rules=RulesConfig(defer_to_linters=False))
LIMITS = Limits(seconds_per_file=10, memory=1024**3)
BAD = b"def f(o):\n    try:\n        return o.x\n    except:\n        return 0\n"
STDLIB = Path(sysconfig.get_paths()["stdlib"])
FUZZ = settings(
    max_examples=20,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

WORDS = [
    "def",
    "class",
    "if",
    "elif",
    "else",
    "for",
    "while",
    "try",
    "except",
    "finally",
    "with",
    "as",
    "match",
    "case",
    "return",
    "yield",
    "await",
    "async",
    "lambda",
    "not",
    "and",
    "or",
    "in",
    "is",
    "None",
    "True",
    "import",
    "from",
    "global",
    "nonlocal",
    "del",
    "pass",
    "raise",
    "assert",
    "print",
    "type",
    "a",
    "b",
    "c",
    "f",
    "self",
    "models",
    "Model",
    "objects",
    "filter",
    "all",
    "get",
    "requests",
    "execute",
    "settings",
    "request",
    "GET",
    "SECRET_KEY",
    "DEBUG",
    "breakpoint",
    "os.environ",
    "test_a",
    "_",
    "__init__",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    ".",
    ";",
    "@",
    "=",
    "==",
    ":=",
    "+=",
    "->",
    "**",
    "*",
    "+",
    "-",
    "/",
    "%",
    "|",
    "~",
    "<",
    ">",
    "!",
    "...",
    "0",
    "1.5",
    "0x1f",
    "1j",
    "'a'",
    '"b"',
    "'''c'''",
    "f'{a}'",
    'f"{b!r:>{c}}"',
    "b'\\xff'",
    "r'\\d'",
    "'SELECT",
    "*",
    "FROM",
    "t",
    "WHERE",
    "a",
    "=",
    "'",
    "[]",
    "{}",
    "\\\n",
    "#",
    "#",
    "stet:",
    "ignore[ERR101]",
    "{{",
    "}}",
]
SPACES = ("", " ", " ", " ", "\n", "\n", "\n    ", "\n        ", "\n\t", "\r\n", "\r", "\f")


@st.composite
def soups(draw: st.DrawFn) -> bytes:
    """Words of Python in any order, which the parser reads a good deal of."""
    pairs = st.tuples(st.sampled_from(WORDS), st.sampled_from(SPACES))
    return "".join(word + space for word, space in draw(st.lists(pairs, max_size=120))).encode()


@cache
def library() -> tuple[bytes, ...]:
    folders = ("", "asyncio", "email", "http", "json", "unittest", "xml/dom", "test")
    paths = sorted(path for each in folders for path in (STDLIB / each).glob("*.py"))
    return tuple(path.read_bytes() for path in paths if path.stat().st_size <= 12_000)[:200]


@cache
def scraps() -> tuple[bytes, ...]:
    """What is put into real files: small hostile texts, odd bytes, lone signs."""
    deep = [make(n).encode() for make in DEEP.values() for n in (3, 12)]
    flat = [make(20).encode() for make in FLAT.values()]
    signs = [b"(", b")", b"{", b'"', b"'''", b"\\", b"\n", b"\t", b"#", b"\0", b"\xff", b"\xc3"]
    return (*deep, *flat, *(data[:400] for data in ODD.values()), *signs)


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """A real file with parts of it cut, doubled, swapped, and scraps put in."""
    data = draw(st.sampled_from(library()))
    at = st.integers(0, len(data))
    for _ in range(draw(st.integers(1, 5))):
        start, end = sorted((draw(at), draw(at)))
        match draw(st.sampled_from(("cut", "double", "scrap", "byte", "line", "indent"))):
            case "cut":
                data = data[:start] + data[min(end, start + 200) :]
            case "double":
                data = data[:end] + data[start:end][:2_000] + data[end:]
            case "scrap":
                data = data[:start] + draw(st.sampled_from(scraps())) + data[start:]
            case "byte":
                data = data[:start] + bytes([draw(st.integers(0, 255))]) + data[start + 1 :]
            case "line":
                lines = data.split(b"\n")
                lines.insert(start % len(lines), lines[end % len(lines)])
                data = b"\n".join(lines)
            case _:
                data = data[:start] + re.sub(rb"\n(?=\S)", b"\n    ", data[start:])
    return data


FILES = st.lists(st.one_of(soups(), mutants(), st.binary(max_size=300)), min_size=1, max_size=6)


def for_a_while(promise: Callable[..., None], *strategies: st.SearchStrategy[list[bytes]]) -> None:
    """Try a promise on one batch of examples after the other, until half the time is up."""
    end = time.monotonic() + SECONDS / 2
    for number in count(SEED):

        @seed(number)
        @FUZZ
        @given(st.tuples(*strategies))
        def tried(drawn: tuple[list[bytes], ...]) -> None:
            promise(*drawn)

        tried()
        if time.monotonic() > end:
            break


def confined(files: dict[str, bytes], other: dict[str, bytes] | None = None) -> Report:
    if other is not None:
        snapshot = snapshot_of(other, files)
        task = lambda on_file, skip: review(snapshot, CONFIG, on_file=on_file, skip=skip)  # noqa: E731
    else:
        project = project_of(files)
        pairs = list(files.items())
        task = lambda on_file, skip: check(  # noqa: E731
            pairs, project, CONFIG, on_file=on_file, skip=skip
        )
    (report,) = run_confined([task], LIMITS)
    return report


def judged(files: dict[str, bytes], report: Report) -> None:
    """Nothing crashed, what was left out has its reason, and the good file was reviewed."""
    assert report.crashes == ()
    assert ("app/good.py", "ERR101") in {(each.path, each.code) for each in report.findings}
    for skip in report.skipped:
        assert skip.path in files
        assert skip.reason.startswith(("not analysed: ", "syntax error"))
    for each in report.findings:
        lines = files[each.path].count(b"\n") + files[each.path].count(b"\r") + 1
        assert 1 <= each.span.line <= each.span.end_line <= lines


def named(datas: list[bytes]) -> dict[str, bytes]:
    paths = ("app/models.py", "app/views.py", "app/settings.py", "tests/test_a.py", "manage.py")
    files = {paths[n] if n < len(paths) else f"a{n}.py": data for n, data in enumerate(datas)}
    return {**files, "app/good.py": BAD}


def is_checked_or_named(datas: list[bytes]) -> None:
    files = named(datas)
    guarded = {p: data for p, data in files.items() if reason_to_skip(data) is not None}
    assert check(list(guarded.items()), project_of(files), CONFIG).crashes == ()
    for path, data in files.items():
        assert isinstance(read_record(path, data), bytes)
    judged(files, confined(files))


def is_reviewed_or_named(before: list[bytes], after: list[bytes]) -> None:
    files = named(after)
    old = {path: data for path, data in named(before).items() if path != "app/good.py"}
    judged(files, confined(files, old))
    assert confined(files, files).findings == ()


@pytest.mark.timeout(0)
def test_any_files_are_checked_or_named() -> None:
    for_a_while(is_checked_or_named, FILES)


@pytest.mark.timeout(0)
def test_any_change_is_reviewed_or_named() -> None:
    for_a_while(is_reviewed_or_named, FILES, FILES)
