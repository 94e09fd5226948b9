"""Which exact versions a manifest names, and which of them a change brings."""

from __future__ import annotations

import pytest

from rules.facts.pinned_versions import introduced_pins, is_manifest, pins_in
from rules.kit import FileChange

POETRY = """\
[[package]]
name = "Django"
version = "4.2.1"
description = "name = none"

[package.dependencies]
version = "9.9"

[[package]]
name = "requests"
version = "2.30.0"
"""
PROJECT = """\
[project]
version = "1.0.0"
dependencies = ["django==4.2.1", "rich>=13"]

[tool.poetry.dependencies]
python = "3.11"
requests = "2.30.0"
attrs = "^22.1"

[tool.poetry.group.dev.dependencies]
pytest = {version = "7.0.0", extras = ["all"]}
"""
PIPFILE = """\
{
    "_meta": {"hash": {}},
    "default": {
        "requests": {
            "hashes": [],
            "version": "==2.30.0"
        }
    },
    "develop": {
        "pytest": {
            "version": "==7.0.0"
        }
    }
}
"""


@pytest.mark.parametrize(
    ("path", "text", "pins"),
    [
        ("requirements.txt", "Django_Rest[all] == 3.0 ; x\n-r base.txt\nrich>=13\n", [("django-rest", "3.0", 1, False)]),
        ("requirements-dev.txt", "# a\npytest==7.0.0 \\\n", [("pytest", "7.0.0", 2, True)]),
        ("deploy/requirements/base.in", "a==1\n", [("a", "1", 1, False)]),
        ("poetry.lock", POETRY, [("django", "4.2.1", 3, False), ("requests", "2.30.0", 11, False)]),
        (
            "pyproject.toml",
            PROJECT,
            [("django", "4.2.1", 3, False), ("python", "3.11", 6, False), ("requests", "2.30.0", 7, False), ("pytest", "7.0.0", 11, True)],
        ),
        ("Pipfile.lock", PIPFILE, [("requests", "2.30.0", 6, False), ("pytest", "7.0.0", 11, True)]),
        ("notes.txt", "django==4.2.1\n", []),
    ],
)  # fmt: skip
def test_exact_versions_are_read_with_their_lines(
    path: str, text: str, pins: list[tuple[str, str, int, bool]]
) -> None:
    assert [(p.name, p.version, p.line, p.dev) for p in pins_in(path, text)] == pins
    assert is_manifest(path) == (path != "notes.txt")


def test_only_what_was_not_there_before_counts() -> None:
    change = FileChange(
        "requirements.txt", "modified", None, b"a==1\nb==1\n", b"b==1\n# new\na==2\nc==1\n"
    )
    assert [(p.name, p.version, p.line) for p in introduced_pins(change)] == [
        ("a", "2", 3),
        ("c", "1", 4),
    ]


@pytest.mark.parametrize(
    "text", ["a==\n", "a==1.*\n", "\0", '"a==1', "[[package]]\nversion = '1'\n"]
)
@pytest.mark.parametrize("path", ["requirements.txt", "uv.lock", "Pipfile.lock", "pyproject.toml"])
def test_nothing_breaks_the_reading(path: str, text: str) -> None:
    assert all(pin.version for pin in pins_in(path, text))
