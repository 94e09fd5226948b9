"""The shape of code: what a fingerprint is made from."""

from __future__ import annotations

import libcst as cst

from rules.engine.fingerprint import shape


def shape_of(code: str) -> str:
    return shape(cst.parse_statement(code))


def test_a_text_is_the_same_however_it_is_put_together() -> None:
    assert shape_of('f("a" "b")').count("'ab'") == 1
    assert shape_of('f("a" "b")') == shape_of("f('a'\n  'b')")


def test_the_body_of_a_compound_statement_does_not_count() -> None:
    assert shape_of("if a:\n    b()\nelse:\n    c()\n") == shape_of("if a:\n    d()\n    e()\n")
    assert shape_of("if a:\n    b()\n") != shape_of("if c:\n    b()\n")
