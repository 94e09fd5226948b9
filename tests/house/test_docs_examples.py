"""What the pages tell people to type is typed here, and what they show is what comes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rules.engine.config import parse

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if "rules" not in path.relative_to(ROOT).parts
]
FENCE = re.compile(
    r"(?ms)^(?P<ticks>```+)(?P<lang>\w+)(?: (?P<path>\S+))?\n(?P<code>.*?)^(?P=ticks)$"
)


@dataclass
class Step:
    """One line after a prompt, and the lines that the page shows below it."""

    command: str
    shown: list[str] = field(default_factory=list)


@dataclass
class Write:
    """A file that the page shows with its path."""

    path: str
    text: str


def story(page: Path) -> list[Step | Write]:
    """What a reader does who follows the page from its top."""
    found: list[Step | Write] = []
    for fence in FENCE.finditer(page.read_text("utf-8")):
        if fence["path"]:
            found.append(Write(fence["path"], fence["code"]))
        elif fence["lang"] == "console":
            found += _steps(fence["code"])
    return found


def _steps(text: str) -> list[Step]:
    found: list[Step] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(Step(line[2:].partition("  #")[0].strip()))
        elif line.strip():
            found[-1].shown.append(line)
    return found


def steps(page: Path) -> list[Step]:
    return [each for each in story(page) if isinstance(each, Step)]


WITH_COMMANDS = [page for page in PAGES if steps(page)]


def git(folder: Path, *args: str) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *who, *args], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A repository in which nothing stands yet but a folder."""
    folder = tmp_path / "project"
    (folder / "orders").mkdir(parents=True)
    git(folder, "init", "--initial-branch=main")
    git(folder, "commit", "--allow-empty", "--message=Start")
    return folder


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1", "STET_CACHE_DIR": str(folder.parent / "cache")}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.name)
def test_what_a_page_shows_is_what_comes(page: Path, scratch: Path) -> None:
    code = 0
    for step in story(page):
        if isinstance(step, Write):
            (scratch / step.path).write_text(step.text)
            continue
        if step.command == "echo $?":
            assert [str(code)] == step.shown
            continue
        program, *args = step.command.split()
        assert program == "stet", "a page shows commands of ours; others stand in `sh` blocks"
        done = run([sys.executable, "-m", "rules.cli", *args], scratch)
        code = done.returncode
        assert code in (0, 1), f"{step.command}: {done.stderr}"
        printed = plain(done.stdout)
        for line in step.shown:
            assert plain(line.removesuffix("...")) in printed, f"{step.command}: {line}"


def test_the_pages_for_users_show_each_command_that_needs_no_server() -> None:
    shown = {each.command.split()[1] for page in WITH_COMMANDS for each in steps(page)}

    assert shown >= {"check", "review", "explain", "rules", "checklist", "config"}


def test_every_configuration_that_a_page_shows_is_a_right_one() -> None:
    shown = [
        fence["code"]
        for page in PAGES
        for fence in FENCE.finditer(page.read_text("utf-8"))
        if fence["lang"] == "toml"
    ]

    assert shown
    for text in shown:
        assert parse(text, ".stet.toml") is not None
        assert tomllib.loads(text)["version"] == 1


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What an author needs of this repository, to change as they like."""
    for name in ("rules", "tests"):
        skip = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def examples(checkout: Path, code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "tests/rules/test_examples.py", "-q", "-k", code]
    return run([*command, "-p", "no:cacheprovider"], checkout)


def test_the_rule_on_the_page_for_authors_works_as_it_stands(checkout: Path) -> None:
    (rule,) = story(ROOT / "docs" / "writing-rules.md")
    assert isinstance(rule, Write)
    (checkout / rule.path).write_text(rule.text)

    done = examples(checkout, "QLT199")

    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_a_new_rule_is_found_and_its_own_example_fails_until_it_is_written(checkout: Path) -> None:
    new = [sys.executable, "-m", "rules.cli", "new", "security", "secret_in_query"]

    made = run(new, checkout)
    failed = examples(checkout, "XXX000")

    assert made.returncode == 0, made.stderr
    assert "rules/checklist/security/secret_in_query.py" in made.stdout
    assert failed.returncode == 1, failed.stdout
    assert "test_the_page_of_a_rule_is_true[XXX000-0-Bad]" in failed.stdout
    assert "1 failed" in failed.stdout
    again = run(new, checkout)
    assert again.returncode == 2
    assert "stands already" in again.stderr
