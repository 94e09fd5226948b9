"""The fast way to a tree gives what LibCST's own way gives, for any file."""

from __future__ import annotations

import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import libcst as cst
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rules.engine.parse import parse_module
from rules.kit import walk
from rules.kit.positions import positions

SLOW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
STDLIB = Path(sysconfig.get_paths()["stdlib"])
ODD = (
    b"\xef\xbb\xbfx = 1\n",
    "# coding: latin-1\nx = '\xe9'\n".encode("latin-1"),
    b"if x:\r\n\ty = 1\r\n\r\n\tz = 2  # aside\r\n",
    b"x = 1  ;  y = 2 ;\n",
    b"x = (1 +  # one\n     2)\n\n\n# the end",
    b"def f[T](a: int = 1, /, *, b): ...\n",
    b"type A[*T] = int\n",
    b"x = f'{a!r:>{b}} {c = }'\n",
    b"try: pass\nexcept* A as a: pass\n",
    b"match x:\n    case {'a': [1, *_], **r} | A(b=None): pass\n",
    b"x = 1 \\\n    + 2\n",
    b"",
    b"\n",
    b"    # further right\nx\n",
)
BROKEN = (b"def f(:\n", b"x = (\n", b"\xff\xfe", b"# coding: no-such\n", b"if x:\npass\n", b"'")


@cache
def sources() -> tuple[bytes, ...]:
    every = [
        path.read_bytes()
        for folder in ("", "asyncio", "email", "json", "unittest", "xml/dom")
        for path in sorted((STDLIB / folder).glob("*.py"))
    ]
    return tuple(each for each in every if 500 <= len(each) <= 16_000)


@SLOW
@given(st.deferred(lambda: st.sampled_from(sources())), st.sampled_from([b"\n", b"\r\n"]))
@example(b"x\n", b"\n")
def test_a_file_gives_the_tree_that_libcst_gives(source: bytes, newline: bytes) -> None:
    data = source.replace(b"\n", newline)
    ours, theirs = parse_module(data), cst.parse_module(data)
    assert ours.deep_equals(theirs)
    assert ours.bytes == data
    assert list(places(ours)) == list(places(theirs))


@pytest.mark.parametrize("data", ODD)
def test_odd_files_give_the_tree_that_libcst_gives(data: bytes) -> None:
    assert parse_module(data).deep_equals(cst.parse_module(data))
    assert parse_module(data).bytes == cst.parse_module(data).bytes


@pytest.mark.parametrize("data", BROKEN)
def test_broken_files_are_refused_as_libcst_refuses_them(data: bytes) -> None:
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - whatever LibCST raises
        cst.parse_module(data)
    with pytest.raises(theirs.type) as ours:
        parse_module(data)
    assert str(ours.value) == str(theirs.value)
    assert sys.modules["libcst"] is cst


def test_nodes_are_of_the_classes_of_libcst_and_can_be_changed() -> None:
    module = parse_module("x = f(1)  # aside\n")
    assert isinstance(module, cst.Module)
    line = module.body[0]
    assert isinstance(line, cst.SimpleStatementLine)
    changed = line.with_changes(leading_lines=[cst.EmptyLine(comment=cst.Comment("# above"))])
    assert module.code_for_node(changed) == "# above\nx = f(1)  # aside\n"
    with pytest.raises(AttributeError):
        line.body = ()  # type: ignore[misc]


def test_threads_parse_beside_each_other() -> None:
    chosen = sources()[:12]
    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(parse_module, chosen * 2))
    assert [each.bytes for each in trees] == [*chosen, *chosen]
    assert sys.modules["libcst"] is cst


def places(module: cst.Module) -> list[object]:
    nodes = list(walk(module))
    spans = positions(module, nodes)
    return [(type(each), spans[id(each)]) for each in nodes]
