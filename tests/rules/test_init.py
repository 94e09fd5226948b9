"""`stet init`: looks, asks, writes what is new, and tells what it would have said."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from rules.cli import main
from rules.engine.adopt.command import Talk, adopt
from rules.engine.adopt.layout import look_at
from rules.engine.config import parse

COURIERS = 'import requests\n\n\ndef book(parcel):\n    return requests.post("https://c.example.org", json=parcel)\n'
PYPROJECT = '[project]\nname = "shop"\nrequires-python = ">=3.12"\ndependencies = ["django>=5", "djangorestframework"]\n'


def git(folder: Path, *args: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    done = subprocess.run(
        ["git", *who, *args], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def commit(folder: Path, message: str, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", f"--message={message}")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three changes on the main line, the second of them a merge with a finding."""
    monkeypatch.setenv("STET_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "--initial-branch=develop")
    first = {"pyproject.toml": PYPROJECT, "shop/__init__.py": "", "tests/test_a.py": "A = 1\n"}
    commit(folder, "Start", first | {"shop/_vendor/six.py": "B = 2\n"})
    git(folder, "switch", "--create", "couriers")
    commit(folder, "Book", {"shop/couriers.py": COURIERS})
    git(folder, "switch", "develop")
    git(folder, "merge", "--no-ff", "--message=Merge couriers \x1b[31m(#7)", "couriers")
    commit(folder, "Add a name", {"shop/names.py": "NAME = 'shop'\n"})
    commit(folder, "Words", {"README.md": "Shop\n"})
    return folder


def run(folder: Path, *args: str) -> str:
    shown = CliRunner().invoke(main, ["init", "--repo", str(folder), *args])
    assert shown.exit_code == 0, shown.output
    return shown.output


def test_it_sees_what_the_project_is_made_of(project: Path) -> None:
    layout = look_at(project)
    assert layout.python == (3, 12)
    assert set(layout.frameworks) >= {"django", "drf"}
    assert (layout.packages, layout.tests) == (("shop",), ("tests",))
    assert (layout.vendored, layout.branch) == (("shop/_vendor",), "develop")


def test_what_it_writes_is_right(project: Path) -> None:
    run(project, "--yes", "--changes", "0")
    text = (project / ".stet.toml").read_text()
    config = parse(text, ".stet.toml")
    assert tomllib.loads(text)["review"] == {
        "extend_exclude": ["shop/_vendor/**"],
        "base_branches": ["develop"],
    }
    assert config.review.base_branches == ("develop",)
    workflow = yaml.safe_load((project / ".github/workflows/stet.yml").read_text())
    steps = workflow["jobs"]["review"]["steps"]
    assert workflow["permissions"] == {"contents": "read"}
    assert all(re.search(r"@[0-9a-f]{40}$", step["uses"]) for step in steps if "uses" in step)
    assert "${{" not in (project / ".github/workflows/stet.yml").read_text()
    assert steps[1]["with"]["python-version"] == "3.12"
    hooks = yaml.safe_load((project / ".pre-commit-config.yaml").read_text())
    assert hooks["repos"][0]["hooks"][0]["entry"] == "stet check"


def test_nothing_that_stands_is_changed(project: Path) -> None:
    kept = {".stet.toml": "version = 1\n", ".pre-commit-config.yaml": "repos: []\n"}
    for name, text in kept.items():
        (project / name).write_text(text)
    shown = run(project, "--yes", "--changes", "0")
    assert {name: (project / name).read_text() for name in kept} == kept
    assert ".stet.toml configures Stet already" in shown
    assert "add the entry below" in shown
    assert (project / ".github/workflows/stet.yml").exists()


def test_without_a_yes_nothing_is_written(project: Path) -> None:
    asked = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    adopt(project, "stet-review", 0, Talk(lambda _: None, no))
    run(project, "--changes", "0")  # nobody sits there who could be asked
    run(project, "--dry-run", "--changes", "0")
    assert len(asked) == 3
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.fault(47)
def test_no_link_leads_out_of_the_repository(project: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (project / ".github").symlink_to(outside)
    shown = CliRunner().invoke(main, ["init", "--repo", str(project), "--yes", "--changes", "0"])
    assert shown.exit_code == 2
    assert "is a link" in shown.output
    assert list(outside.iterdir()) == []


def test_the_last_merged_changes_are_tried_merges_as_a_whole(project: Path) -> None:
    before = git(project, "status", "--porcelain")
    shown = run(project, "--dry-run")
    lines = [line for line in shown.splitlines() if re.match(r"[0-9a-f]{9} |    \S", line)]
    tried = lines[lines.index(next(each for each in lines if "Add a name" in each)) :]
    assert [each.partition(" ")[2] for each in tried if not each.startswith(" ")] == [
        "Add a name",
        "Merge couriers  [31m(#7)",
    ]
    assert "shop/couriers.py:5  warning SEC124 request-without-timeout" in shown
    assert "would have failed the check" in shown
    assert git(project, "status", "--porcelain") == before


def test_what_is_no_repository_is_refused_in_one_line(tmp_path: Path) -> None:
    shown = CliRunner().invoke(main, ["init", "--repo", str(tmp_path)])
    assert shown.exit_code == 2
    assert shown.output.startswith("stet: ")
    assert len(shown.output.splitlines()) == 1


@pytest.mark.parametrize("package", ["x\n- run: evil", "$(evil)", "`evil`", 'a"b'])
def test_a_package_that_would_run_something_is_refused(project: Path, package: str) -> None:
    given = ["init", "--repo", str(project), "--yes", "--package", package]
    assert CliRunner().invoke(main, given).exit_code == 2
    assert git(project, "status", "--porcelain") == ""
