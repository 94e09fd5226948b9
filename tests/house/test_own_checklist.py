"""Rows of the checklist that no rule can hold for our own repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.engine.config import from_files

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def loaded(path: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found


def test_our_own_code_is_held_to_every_rule() -> None:
    config = from_files((ROOT / ".stet.toml").read_bytes(), None)

    assert config.profile == "strict"
    assert config.check.fail_on == "notice"
    assert not config.rules.ignore
    assert "$(BIN)/stet check .)" in (ROOT / "Makefile").read_text("utf-8")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_each_workflow_pins_its_actions_and_may_do_nothing_it_does_not_need(path: Path) -> None:
    workflow = loaded(path)
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]

    assert workflow["permissions"] == {}
    assert [
        each["uses"]
        for each in steps
        if len(each.get("uses", "@" + "0" * 40).partition("@")[2]) != 40
    ] == []
    assert all(job["permissions"] == {"contents": "read"} for job in workflow["jobs"].values())
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


def test_known_holes_are_asked_for_each_week() -> None:
    workflow = loaded(ROOT / ".github" / "workflows" / "audit.yml")
    (job,) = workflow["jobs"].values()

    assert workflow[True]["schedule"]  # YAML reads the key `on` as true
    assert "make audit" in [step.get("run") for step in job["steps"]]


def test_logs_of_each_container_are_rotated() -> None:
    services = loaded(ROOT / "compose.yaml")["services"]

    for name, service in services.items():
        assert {"max-size", "max-file"} <= set(service["logging"]["options"]), name


def test_operators_are_told_what_to_keep_and_what_fills_a_disk() -> None:
    page = (ROOT / "docs" / "operators.md").read_text("utf-8")

    for word in ("backup", "volume", "rotates", "Worth an alarm"):
        assert word in page, word
