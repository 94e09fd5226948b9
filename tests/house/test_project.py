import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def names(requirements: list[str]) -> set[str]:
    return {normal(Requirement(line).name) for line in requirements}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: str) -> set[str]:
    text = (ROOT / "requirements" / lock).read_text()
    return {normal(name) for name in re.findall(r"(?m)^([\w.-]+)(?:\[.+\])?==", text)}


def test_the_version_is_that_of_the_newest_entry_in_the_changelog() -> None:
    newest = re.search(r"(?m)^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text())

    assert newest is not None
    assert newest[1] == pyproject()["project"]["version"]


def test_the_page_of_dependencies_explains_exactly_those_there_are() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text()
    explained = [
        {normal(name) for name in re.findall(r"(?m)^\| ([\w-]+) \| .{5,} \|$", section)}
        for section in text.split("\n## ")[1:6]
    ]
    project = pyproject()["project"]
    groups = pyproject()["dependency-groups"]

    assert explained == [
        names(project["dependencies"]),
        names(project["optional-dependencies"]["server"]),
        names(project["optional-dependencies"]["sandbox"]),
        names(
            project["optional-dependencies"]["sentry"] + project["optional-dependencies"]["otel"]
        ),
        names(groups["dev"] + groups["docs"] + groups["build"]),
    ]


@pytest.mark.fault(72)
@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_pins_every_file_by_its_hash_and_names_no_address(lock: Path) -> None:
    entries = re.split(r"(?m)^(?=[a-zA-Z])", re.sub(r"(?m)^\s*#.*\n", "", lock.read_text()))
    pinned = [entry for entry in entries if entry.strip()]

    assert pinned
    for entry in pinned:
        assert re.match(r"[\w.-]+(\[.+\])?==[^ ]+( ; .+)? \\\n", entry), entry
        assert re.fullmatch(r"(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+", entry.split("\n", 1)[1])
    assert "://" not in lock.read_text()


def test_the_locks_hold_all_that_is_asked_for() -> None:
    project = pyproject()["project"]
    groups = pyproject()["dependency-groups"]
    server = names(project["dependencies"] + project["optional-dependencies"]["server"])
    sandbox = names(project["optional-dependencies"]["sandbox"])
    telemetry = names(
        project["optional-dependencies"]["sentry"] + project["optional-dependencies"]["otel"]
    )
    tools = names(groups["dev"] + groups["docs"] + groups["build"])

    assert server <= locked("server.txt")
    assert server | telemetry <= locked("telemetry.txt")
    assert server | sandbox | telemetry | tools <= locked("dev.txt")
    assert locked("build.txt") == names(groups["build"])


@pytest.mark.fault(72)
def test_the_image_and_the_set_up_install_the_same_versions() -> None:
    def pins(lock: str) -> set[str]:
        return set(
            re.findall(r"(?m)^[\w.-]+(?:\[.+\])?==\S+", (ROOT / "requirements" / lock).read_text())
        )

    assert pins("server.txt") <= pins("telemetry.txt") <= pins("dev.txt")
    assert pins("build.txt") <= pins("dev.txt")


def test_every_link_between_pages_leads_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]

    assert broken == []


def test_the_operators_page_names_every_variable_that_is_read() -> None:
    from bot.settings import BotSettings
    from worker.settings import WorkerSettings

    text = (ROOT / "docs" / "operators.md").read_text()
    table = text.partition("## What it reads from the environment")[2].partition("\n## ")[0]
    documented = set(re.findall(r"`(STET_[A-Z_]+)`", table))
    fields = {*BotSettings.model_fields, *WorkerSettings.model_fields}

    assert documented == {f"STET_{name.upper()}" for name in fields}
