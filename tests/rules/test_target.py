"""What a project runs on: found in its manifests, or as configured; and what that changes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from trees import project_of, snapshot_of

from rules.engine.config import Config, ConfigError, parse
from rules.engine.discover import all_rules, selected
from rules.engine.finding import Report, TextEdit, VerifiedFix
from rules.engine.run import check, review
from rules.engine.target import runs_on
from rules.facts.project_declaration import FRAMEWORKS, ProjectDeclaration
from rules.kit import Span

BLOCKING = (
    "import requests\n\n\nasync def rate() -> int:\n"
    "    return requests.get('https://rates.example.org', timeout=5).status_code\n"
)


def declared(files: Mapping[str, str]) -> ProjectDeclaration:
    found: ProjectDeclaration = project_of(files).facts(ProjectDeclaration)
    return found


@pytest.mark.parametrize(
    ("path", "text", "version"),
    [
        ("pyproject.toml", '[project]\nrequires-python = ">=3.9,<4"\n', (3, 9)),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.10"\n', (3, 10)),
        ("setup.cfg", "[options]\npython_requires = >=3.8\n", (3, 8)),
        ("setup.py", 'setup(\n    python_requires=">=3.12",\n)\n', (3, 12)),
        ("Pipfile", '[requires]\npython_version = "3.11"\n', (3, 11)),
        (".python-version", "3.13.1\n", (3, 13)),
        ("runtime.txt", "python-3.10.4\n", (3, 10)),
        ("requirements.txt", 'tomli==2.0 ; python_version < "3.11"\n', None),
        ("pyproject.toml", '[project]\nname = "python"\n', None),
    ],
)
def test_the_oldest_python_is_read_where_projects_say_it(
    path: str, text: str, version: tuple[int, int] | None
) -> None:
    assert declared({path: text}).python == version


def test_what_stands_at_the_top_speaks_for_the_project() -> None:
    files = {
        "pyproject.toml": 'requires-python = ">=3.11"\n',
        "a/setup.cfg": "python_requires = >=3.6\n",
    }

    assert declared(files).python == (3, 11)


@pytest.mark.parametrize(
    ("path", "text", "frameworks"),
    [
        ("requirements.txt", "Django==5.0\ndjangorestframework>=3\n", ("django", "drf")),
        (
            "requirements/base.in",
            "fastapi[standard]\nSQLAlchemy ~= 2.0\n",
            ("fastapi", "sqlalchemy"),
        ),
        ("pyproject.toml", 'dependencies = ["flask>=3", "pydantic"]\n', ("flask", "pydantic")),
        ("pyproject.toml", '[tool.poetry.dependencies]\nstarlette = "^0.40"\n', ("starlette",)),
        ("requirements.txt", "django-filter==1\nflask-login\nfastapi-utils==0.2\n", ()),
        ("pyproject.toml", 'keywords = ["django", "flask"]\n', ()),
        ("docs/requirements.txt", "django\n", ()),
        ("tests/requirements.txt", "flask\n", ()),
    ],
)
def test_frameworks_are_found_among_the_dependencies(
    path: str, text: str, frameworks: tuple[str, ...]
) -> None:
    assert declared({path: text}).frameworks == frameworks


def offered(config: Config, manifest: str = "") -> bool:
    project = project_of({"shop/rates.py": BLOCKING, "pyproject.toml": manifest})
    report = check([("shop/rates.py", BLOCKING.encode())], project, config)
    (found,) = [each for each in report.findings if each.code == "FWK114"]
    return found.fix is not None


def test_a_fix_is_offered_where_the_project_can_run_it() -> None:
    assert offered(Config())
    assert offered(Config(), 'requires-python = ">=3.9"\n')
    assert offered(Config(python="3.9"), 'requires-python = ">=3.8"\n')


def test_a_fix_that_needs_a_newer_python_is_not_offered_but_the_finding_stays() -> None:
    assert not offered(Config(), 'requires-python = ">=3.8"\n')
    assert not offered(Config(python="3.8"))
    assert not offered(Config(python="3.8"), 'requires-python = ">=3.12"\n')


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("await asyncio.to_thread(f)", 9),
        ("name.removeprefix('a')", 9),
        ("hashlib.md5(x, usedforsecurity=False)", 9),
        ("from typing import Annotated\n", 9),
        ("def f(a: int | None = None):", 10),
        ("zip(a, b, strict=True)", 10),
        ("from datetime import UTC\n", 11),
        ("async with asyncio.TaskGroup() as tasks:", 11),
    ],
)
def test_what_a_fix_writes_is_known_from_its_version_on(text: str, since: int) -> None:
    fix = VerifiedFix(safe=True, edits=(TextEdit("a.py", Span(1, 1, 1, 1), text),))

    assert not runs_on((3, since - 1), fix, "")
    assert runs_on((3, since), fix, "")
    assert runs_on(None, fix, "")


def test_annotations_that_are_not_evaluated_may_be_newer() -> None:
    fix = VerifiedFix(safe=True, edits=(TextEdit("a.py", Span(1, 1, 1, 1), "a: int | None"),))

    assert runs_on((3, 8), fix, "from __future__ import annotations\n")


@pytest.mark.parametrize(
    "text", ["python = '3.11'\n", "python = ''\n", "frameworks = ['fastapi']\n"]
)
def test_known_targets_are_read(text: str) -> None:
    assert parse(text, ".stet.toml") != Config(version=1, profile="strict")


@pytest.mark.parametrize(
    "text", ["python = '2.7'\n", "python = '>=3.9'\n", "frameworks = ['djnago']\n"]
)
def test_a_target_that_does_not_exist_is_a_mistake_with_its_line(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"version = 1\n{text}", ".stet.toml")

    assert [each.line for each in caught.value.problems] == [2]


def test_rules_about_frameworks_that_are_not_named_are_off() -> None:
    on = {each.code for each in selected(Config(frameworks=("fastapi", "sqlalchemy")))}
    every = {each.code for each in selected(Config())}
    off = {each.code: each for each in all_rules() if each.code in every - on}

    assert {"FWK108", "DBQ105", "FWK133"} <= set(off)
    assert all(each.frameworks for each in off.values())
    assert {"SEC101", "FWK126", "FWK125", "DBQ107", "FWK127"} <= on


def test_a_framework_brings_the_rules_of_what_it_is_built_on() -> None:
    assert "FWK108" in {each.code for each in selected(Config(frameworks=("drf",)))}


def test_rules_name_known_frameworks_alone() -> None:
    assert {name for rule in all_rules() for name in rule.frameworks} <= set(FRAMEWORKS)


def reviewed(config: Config) -> Report:
    after = {
        "requirements.txt": "django==5.2\nflask==3.1\n",
        "shop/views.py": "from django.http import HttpResponse\n\n\ndef a(request):\n    return HttpResponse()\n",
        ".python-version": "3.12\n",
    }
    return review(snapshot_of({}, after), config)


def test_a_report_says_what_the_project_was_taken_to_run_on() -> None:
    report = reviewed(Config())

    assert (report.python, report.frameworks) == ("3.12", ("django", "flask"))
    given = reviewed(Config(python="3.9", frameworks=("flask",)))
    assert (given.python, given.frameworks) == ("3.9", ("flask",))


def test_rows_about_other_frameworks_are_left_out_of_the_checklist() -> None:
    rows = {row for topic in reviewed(Config()).topics for row in topic.rows}

    assert not {row for row in rows if row.startswith(("fastapi.", "ninja.", "drf."))}
    assert {row for row in rows if row.startswith("django.")}


def origins(folder: Path, *options: str) -> dict[str, tuple[object, str]]:
    command = [sys.executable, "-m", "rules.cli", "config", "--format", "json", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return {row["key"]: (row["value"], row["origin"]) for row in json.loads(done.stdout)}


def test_each_setting_names_the_file_that_it_stands_in(tmp_path: Path) -> None:
    (tmp_path / ".stet.toml").write_text(
        "profile = 'default'\n[review]\nmax_inline = 10\n[rules.QLT110]\nmax_complexity = 30\n"
    )
    (tmp_path / "requirements.txt").write_text("flask==3.1\n")
    (tmp_path / "legacy").mkdir()
    (tmp_path / "legacy" / ".stet.toml").write_text("exclude = ['*.py']\n")
    rows = origins(tmp_path)

    assert rows["profile"] == ("default", ".stet.toml")
    assert rows["review.max_inline"] == (10, ".stet.toml")
    assert rows["review.max_file_level"] == (3, "default")
    assert rows["rules.options"] == ({"QLT110": {"max_complexity": 30}}, ".stet.toml")
    assert rows["review.extend_exclude"][1] == "legacy/.stet.toml"
    assert rows["frameworks"] == (["flask"], "detected")
    assert rows["python"] == ("", "default")


def test_a_setting_of_a_named_file_or_of_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("python = '3.9'\n")
    (tmp_path / ".python-version").write_text("3.12\n")

    assert origins(tmp_path, "--config", "other.toml")["python"] == ("3.9", "other.toml")
    assert origins(tmp_path, "--isolated")["python"] == ("3.12", "detected")
    assert origins(tmp_path, "--isolated")["rules.defer_to_linters"] == (False, "--isolated")
