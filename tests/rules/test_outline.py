"""The outline of a file of tests: what is read from it is what the whole file says."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import rules.engine.index as indexing
from rules.engine.index import read_record
from rules.engine.outline import without_tests

HERE = Path(__file__).parent

WHOLE = b"""\
import shop

class TestOrders(TestCase):
    fixtures = ["one"]

    def test_total(self):
        order = make()

        assert order.total == 3
        # that is all

    async def test_late(
        self,
        late,
    ):
        if late:
            pass

    def make(self):
        return shop.make()
"""


def test_the_bodies_of_tests_go_and_every_line_stays_where_it_was() -> None:
    outline = without_tests(WHOLE)
    assert outline is not None
    assert outline.count(b"\n") == WHOLE.count(b"\n")
    assert b"order" not in outline
    assert b"if late" not in outline
    assert b"return shop.make()" in outline
    whole, short = ast.parse(WHOLE), ast.parse(outline)
    assert [places(each) for each in ast.walk(short) if isinstance(each, DEFINITIONS)] == [
        places(each) for each in ast.walk(whole) if isinstance(each, DEFINITIONS)
    ]


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def places(node: ast.AST) -> tuple[str, int, int | None]:
    assert isinstance(node, DEFINITIONS)
    return node.name, node.lineno, node.end_lineno


@pytest.mark.parametrize(
    "text",
    [
        b"def make():\n    return 1\n",
        b"def test_one():\r\n    pass\r\n",
        b'X = """\ndef test_one():\n    pass\n"""\n',
        b"def test_one():\n    pass\nX = '''\n",
        b"def test_one():\n    X = '''\n    pass\n",
        b"def test_one(): pass\n",
    ],
)
def test_where_it_is_not_sure_the_whole_file_is_read(text: bytes) -> None:
    assert without_tests(text) is None


def test_odd_bodies_stay() -> None:
    text = (
        b'def test_one():\n    """It\n    works."""\n    assert 1\n\ndef test_two():\n    a = 1\n'
    )
    assert without_tests(text) == text.replace(b"    a = 1", b" pass")


def test_only_comments_for_a_body_is_left_to_the_parser() -> None:
    text = b"def test_one():\n    # nothing yet\n\nX = 1\n"
    assert without_tests(text) == text


def test_a_long_signature_that_ends_otherwise_is_left_at_once() -> None:
    lines = b"".join(b"        parameter%d,\n" % number for number in range(60))
    text = b"    def test_one(\n" + lines + b"    )  # no colon\n"
    assert without_tests(text) is None


@pytest.mark.parametrize("path", sorted(HERE.parent.rglob("test_*.py")), ids=lambda path: path.stem)
def test_the_facts_of_a_file_of_tests_are_those_of_all_of_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = path.read_bytes()
    short = read_record("tests/test_it.py", data)
    monkeypatch.setattr(indexing, "without_tests", lambda _: None)
    assert short == read_record("tests/test_it.py", data)
