"""Comments that silence findings, where they count and where not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.engine.discover import find_rule
from rules.engine.suppress import Suppressions
from rules.kit import Rule, Span


def rule_of(code: str) -> Rule:
    found = find_rule(code)
    assert found is not None
    return found


SQL = rule_of("SEC101")


def silences(text: str, path: str, line: int = 2) -> bool:
    return Suppressions.of(text, path).silencing(SQL, Span(line, 1, line, 5)) is not None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("x\ny = 1  # stet: ignore[SEC101] why\n", "a.py"),
        ("# stet: ignore-next[SEC101] why\ny = 1\n", "a.py"),
        ("# stet: ignore-file[SEC101] why\ny = 1\n", "a.py"),
        ("# stet: ignore-file[SEC101] why\ny: 1\n", "a.yaml"),
        ("x\n<!-- stet: ignore[SEC101] why --> y\n", "a.md"),
    ],
)
def test_a_comment_silences_its_line_the_next_or_the_file(text: str, path: str) -> None:
    assert silences(text, path)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("x\ny = '# stet: ignore[SEC101] why'\n", "a.py"),
        ("x\ny = 1  # stet: ignore[SEC102] why\n", "a.py"),
        ("x\ny = 1  # stet: ignore why\n", "a.py"),
        ("x\nwrite `# stet: ignore[SEC101] why` here\n", "a.md"),
        ("x\ny = 1  # stet: ignore[SEC101] why (until=2020-01-01)\n", "a.py"),
        ("x\ny = 1  # stet: ignore[SEC101] why (until=2031-02-30)\n", "a.py"),
        ("# stet: ignore-file[SEC102] why\ny = 1\n", "a.py"),
        ("x\ny = 1\n", "a.py"),
    ],
)
def test_words_other_rules_and_days_that_are_over_silence_nothing(text: str, path: str) -> None:
    assert not silences(text, path)


def test_python_that_cannot_be_split_into_tokens_keeps_its_comments() -> None:
    assert silences("x = (\ny = 1  # stet: ignore[SEC101] why\n", "a.py")


def test_a_comment_that_silences_is_used() -> None:
    text = "# stet: ignore-file[SEC101] why\ny = 1  # stet: ignore[SEC101] why\nz = 2\n"
    found = Suppressions.of(text, "a.py")

    assert found.used([(SQL, Span(2, 1, 2, 5))]) == {1, 2}
    assert found.used([(SQL, Span(3, 1, 3, 5))]) == {1}
    assert replace(found, comments=found.comments[1:]).used([(SQL, Span(3, 1, 3, 5))]) == set()
