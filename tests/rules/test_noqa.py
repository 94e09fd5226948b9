"""`# noqa: CODE` silences Stet where the repository says so."""

from __future__ import annotations

import pytest
from trees import project_of

from rules.engine.config import parse
from rules.engine.run import check

EXCEPT = "def f(o):\n    try:\n        return o.x\n    except:{comment}\n        return 0\n"
ON = parse("[suppressions]\nhonor_noqa = true\n", ".stet.toml")
OFF = parse("", ".stet.toml")


def codes(comment: str, *, honored: bool = True, path: str = "app/x.py") -> set[str]:
    data = EXCEPT.format(comment=comment).encode()
    project = project_of({path: data})
    return {each.code for each in check([(path, data)], project, ON if honored else OFF).findings}


@pytest.mark.parametrize(
    "comment",
    ["  # noqa: ERR101", "  # NOQA:E722", "  # noqa: S110, E722 - the API is odd", "# noqa: E"],
)
def test_a_code_of_stet_or_of_a_peer_silences(comment: str) -> None:
    assert "ERR101" not in codes(comment)


@pytest.mark.parametrize("comment", ["", "  # noqa", "  # noqa: DJ001", "  # noqa 722"])
def test_other_comments_silence_nothing(comment: str) -> None:
    assert "ERR101" in codes(comment)


def test_it_is_not_obeyed_unless_asked() -> None:
    assert "ERR101" in codes("  # noqa: E722", honored=False)
