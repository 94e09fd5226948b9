"""Each command, option and setting that a page names exists, and each setting stands on a page."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from bot.settings import BotSettings
from rules.cli import main
from worker.settings import WorkerSettings

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *ROOT.glob("*.md"),
    *(path for path in (ROOT / "docs").glob("*.md") if path.name != "checklist.md"),
]
IN_CODE = re.compile(
    r"(?ms)^```(?:sh|console|yaml)\b[^\n]*\n(?P<block>.*?)^```|`(?P<inline>[^`\n]+)`"
)
COMMAND = re.compile(r"(?m)(?:^|[$;] |run: )stet (?P<rest>[a-z][^\n`#|;]*)")
SETTING = re.compile(r"\bSTET_[A-Z_]+[A-Z]\b")
OF_TESTS = {"STET_CACHE_DIR"}


def _commands(page: Path) -> list[str]:
    found = []
    for code in IN_CODE.finditer(page.read_text("utf-8")):
        text = code["block"] or code["inline"] or ""
        found += [each["rest"].strip() for each in COMMAND.finditer(f"{text}\n")]
    return found


ALL = sorted({(page.name, each) for page in PAGES for each in _commands(page)})


def test_the_pages_name_commands() -> None:
    named = {command.split()[0] for _, command in ALL}

    assert named >= {"setup", "doctor", "init", "up", "queue", "check", "review"}


@pytest.mark.parametrize(("page", "command"), ALL)
def test_a_command_on_a_page_exists_with_its_options(page: str, command: str) -> None:
    words = command.split()
    context = click.Context(main, info_name="stet")
    found = main.get_command(context, words[0])
    assert found is not None, f"{page}: stet {command}"
    if isinstance(found, click.Group) and len(words) > 1 and words[1].isalpha():
        below = found.get_command(click.Context(found), words[1])
        assert below is not None, f"{page}: stet {command}"
        found = below
    options = {name for each in found.params for name in (*each.opts, *each.secondary_opts)}
    given = {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)}
    assert given <= options | {"--help"}, f"{page}: stet {command}"


def _settings() -> set[str]:
    names = {*WorkerSettings.model_fields, *BotSettings.model_fields}
    return {f"STET_{name.upper()}" for name in names}


def test_no_page_names_a_setting_that_is_not_read() -> None:
    named = {each for page in PAGES for each in SETTING.findall(page.read_text("utf-8"))}

    assert named <= _settings() | OF_TESTS
