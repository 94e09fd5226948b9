"""A pattern that is not used is named, with what is wrong with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rules.engine.config import PerFile, from_files, pattern_problems
from rules.engine.layers import folder_problems, layered, with_folders
from rules.engine.patterns import MOST_PATTERNS, unused, why_not
from rules.engine.scope import PathFilter

FOUR = "a*b*c*d*e.py"


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (FOUR, "a part of it has more than 3 `*`"),
        ("**/a/**/b/**/c/**/d.py", "it has more than 3 `**`"),
        ("x" * 1001, "it is longer than 1000 characters"),
        ("docs/\\", "`.gitignore` knows no such pattern"),
        ("a*b*c*d.py", ""),
        ("**/a/**/b/**/*_*_*.py", ""),
    ],
)
def test_each_limit_has_its_words(pattern: str, why: str) -> None:
    assert why_not(pattern) == why


def test_what_is_told_is_short_and_safe_to_show() -> None:
    hostile = "*a" * 400 + "`\x1b[2J\n"
    ((_, words),) = unused([hostile])
    ((_, odd),) = unused(["`\x1b*\n***"])

    assert len(words) < 150
    assert odd == "the pattern `??*?***` matches nothing: a part of it has more than 3 `*`"
    assert len([*unused([hostile] * 500)]) <= 11


def test_patterns_beyond_the_most_are_told_of() -> None:
    many = [f"file_{number}.py" for number in range(MOST_PATTERNS + 5)]

    assert [words for _, words in unused(many)] == [
        "from `file_200.py` on, patterns match nothing: there are more than 200"
    ]
    assert [*unused(many[:MOST_PATTERNS])] == []


def test_all_else_of_a_file_with_such_a_pattern_holds() -> None:
    own = f'[review]\nmax_inline = 3\nexclude = [\n  "docs/",\n  "{FOUR}",\n]\n[per_file]\n"{FOUR}x" = {{ ignore = ["SEC"] }}\n'

    found = layered(None, own.encode(), None)

    assert found.config.review.max_inline == 3
    assert found.config.per_file[f"{FOUR}x"] == PerFile(ignore=("SEC",))
    assert [(each.path, each.line) for each in found.problems] == [
        (".stet.toml", 5),
        (".stet.toml", 8),
    ]
    scope = PathFilter(found.config)
    assert [scope.excludes(path) for path in ("docs/x.py", "aXbXcXdXe.py")] == [True, False]


def test_the_line_of_a_pattern_with_backslashes_is_found() -> None:
    own = b'[review]\nexclude = [\n  "x",\n  "a*\\\\ *b*c*d",\n]\n'
    config = from_files(own, None)

    (problem,) = pattern_problems(config, own.decode(), ".stet.toml")

    assert problem.line == 4


def test_a_folder_has_its_own_place_named() -> None:
    files = {"shop/.stet.toml": f'exclude = [\n"gen/**",\n"{FOUR}",\n]\n'.encode()}

    (problem,) = folder_problems(files)

    assert (problem.path, problem.line) == ("shop/.stet.toml", 3)
    assert with_folders(from_files(None, None), files).review.extend_exclude[0] == "/shop/gen/**"


@pytest.mark.parametrize("command", [["config"], ["check", "."]])
def test_the_command_line_names_it_too(command: list[str], tmp_path: Path) -> None:
    (tmp_path / ".stet.toml").write_text(f'[review]\nexclude = ["{FOUR}"]\n')
    (tmp_path / "a.py").write_text("A = 1\n")

    shown = subprocess.run(
        [sys.executable, "-m", "rules.cli", *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert shown.returncode == 0
    assert f"the pattern `{FOUR}` matches nothing" in shown.stderr
