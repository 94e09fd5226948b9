"""The walks that extractors share see what `ast.walk` sees."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import rules
from rules.kit import Source, walk_syntax

_SIGNS = (ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop)
_FORMS = """
async def f[T](a, /, b: int = 1, *c, d=None, **e) -> None:
    async with a as b, c: pass
    async for x in y: break
    else: continue
    return [i async for i in z if i]
try: pass
except* ValueError as e: raise e from None
else: del a[1:2:3], b
finally: global g
match m:
    case {"a": 1, **rest} | [1, *_] | P(x, y=2) | None if (w := 1): assert not w, "m"
    case _: lambda p, *q: (yield)
x: int = {**a, "b": f"{c!r:>{d}}", "e": ...}
print(*a, sep="", **b)
""".replace("[T]", "[T]" if sys.version_info >= (3, 12) else "")


def _texts() -> list[str]:
    files = sorted(Path(rules.__path__[0]).rglob("*.py"))[::7]
    return [_FORMS, *(each.read_text(encoding="utf-8") for each in files)]


@pytest.mark.parametrize("text", _texts(), ids=len)
def test_a_walk_meets_every_node_but_signs_in_the_order_of_the_source(text: str) -> None:
    tree = ast.parse(text)
    expected = [each for each in ast.walk(tree) if not isinstance(each, _SIGNS)]
    walked = list(walk_syntax(tree))
    assert sorted(map(id, walked)) == sorted(map(id, expected))
    lines = [each.lineno for each in walked if isinstance(each, ast.stmt)]
    assert lines == sorted(lines)


@pytest.mark.parametrize("text", _texts(), ids=len)
def test_a_source_tells_its_nodes_calls_and_statements(text: str) -> None:
    tree = ast.parse(text)
    source = Source(text, tree)
    every = list(ast.walk(tree))
    for kind in (ast.Call, ast.ClassDef, ast.FunctionDef, ast.Constant, ast.ImportFrom):
        assert set(source.nodes(kind)) == {each for each in every if type(each) is kind}
    assert set(source.statements) == {each for each in every if isinstance(each, ast.stmt)}
    named = {
        each for each in every if isinstance(each, ast.Call) and _calls(each, "get", "frozenset")
    }
    assert set(source.calls("get", "frozenset")) == named


def _calls(node: ast.Call, *names: str) -> bool:
    return getattr(node.func, "attr", getattr(node.func, "id", "")) in names


def test_what_could_not_be_parsed_holds_nothing() -> None:
    source = Source("def", None)
    assert not source.nodes(ast.Call)
    assert not source.calls("f")
    assert not source.statements
