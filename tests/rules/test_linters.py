"""The configuration of other linters is read as they read it."""

from __future__ import annotations

import pytest
from trees import project_of

from rules.facts.linters import Linters

PEERS = ("ruff:E722", "flake8:E722", "bandit:B110", "pylint:W0702")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("pyproject.toml", "[tool.ruff]\nline-length = 100\n", "ruff E722"),
        ("pyproject.toml", "[tool.ruff.lint]\nselect = ['F']\n", ""),
        ("pyproject.toml", "[tool.ruff.lint]\nselect = ['ALL']\nignore = ['E722']\n", ""),
        ("pyproject.toml", "[tool.ruff.lint]\nselect = ['E722']\nignore = ['E']\n", "ruff E722"),
        ("pyproject.toml", "[tool.ruff]\nselect = ['F']\nextend-select = ['E7']\n", "ruff E722"),
        (
            "pyproject.toml",
            "[tool.ruff.lint]\nselect = ['E']\n[tool.ruff.lint.per-file-ignores]\n'app/*' = ['E']\n",
            "",
        ),
        ("ruff.toml", "[lint]\nselect = ['E']\n", "ruff E722"),
        ("setup.cfg", "[flake8]\nmax-line-length = 100\n", "flake8 E722"),
        (".flake8", "[flake8]\nignore = E722, W503\n", ""),
        (".flake8", "[flake8]\nselect =\n    F  # only these\n    W\n", ""),
        (".pylintrc", "[MESSAGES CONTROL]\ndisable=C0111\n", "pylint W0702"),
        (".pylintrc", "[MESSAGES CONTROL]\ndisable=W0702\n", ""),
        ("pyproject.toml", "[tool.bandit]\nskips = ['B101']\n", "bandit B110"),
        ("pyproject.toml", "[tool.black]\nline-length = 100\n", ""),
        ("pyproject.toml", "this is not = = toml", ""),
        ("setup.cfg", "not an ini file", ""),
    ],
)
def test_which_peer_covers_a_file(name: str, text: str, expected: str) -> None:
    linters = project_of({name: text, "app/views.py": ""}).facts(Linters)
    assert linters.covering("app/views.py", PEERS) == expected


def test_the_nearest_configuration_decides() -> None:
    files = {"pyproject.toml": "[tool.ruff]\n", "app/ruff.toml": "[lint]\nselect = ['F']\n"}
    linters = project_of(files).facts(Linters)
    assert linters.covering("app/views.py", PEERS) == ""
    assert linters.covering("lib/views.py", PEERS) == "ruff E722"


def test_a_rule_without_peers_is_never_covered() -> None:
    linters = project_of({"pyproject.toml": "[tool.ruff.lint]\nselect=['ALL']\n"}).facts(Linters)
    assert linters.covering("app/views.py", ()) == ""
