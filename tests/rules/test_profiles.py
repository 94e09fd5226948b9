"""Which rules each profile has, and that the figures bear it out."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import libcst as cst
import pytest
from trees import project_of

from rules.engine import command
from rules.engine.config import Config, RulesConfig
from rules.engine.discover import all_rules, selected
from rules.engine.run import check
from rules.kit import Confidence, Flag, Here, Rule, Severity

FIGURES = Path(__file__).parents[2] / "docs" / "precision.csv"
ENOUGH = 5
"""Fewer cases read say nothing of a rule."""


def codes(config: Config) -> set[str]:
    return {each.code for each in selected(config)}


def made(**given: object) -> Rule:
    rule = Rule("rules.checklist.quality.made", "Made.", "QLT199", Severity.ERROR, checklist=())
    return replace(rule, **given)  # type: ignore[arg-type]


def test_each_louder_profile_has_all_of_the_quieter_one_and_more() -> None:
    quiet, usual, strict = (codes(Config(profile=each)) for each in ("quiet", "default", "strict"))

    assert quiet < usual < strict
    assert strict == {each.code for each in all_rules()}
    assert usual == codes(Config())


def test_quiet_has_errors_and_warnings_that_are_proven() -> None:
    for rule in selected(Config(profile="quiet")):
        assert rule.severity is not Severity.NOTICE, rule.code
        assert rule.confidence is Confidence.PROVEN, rule.code
        assert rule.default, rule.code


@pytest.mark.parametrize(
    ("given", "profile"),
    [
        ({}, "quiet"),
        ({"quiet": False}, "default"),
        ({"default": False}, "strict"),
        ({"default": False, "quiet": True}, "strict"),
        ({"severity": Severity.WARNING}, "default"),
        ({"severity": Severity.WARNING, "quiet": True}, "quiet"),
        ({"confidence": Confidence.HOTSPOT}, "default"),
        ({"confidence": Confidence.HOTSPOT, "quiet": True}, "default"),
    ],
)
def test_a_rule_says_itself_which_profile_is_the_quietest_to_have_it(
    given: Mapping[str, object], profile: str
) -> None:
    assert made(**given).profile == profile


def test_a_rule_that_is_named_is_on_in_every_profile() -> None:
    (off, *_) = (each for each in all_rules() if each.profile == "strict")
    for profile in ("quiet", "default", "strict"):
        for word in (off.code, off.name):
            assert codes(Config(profile=profile, rules=RulesConfig(select=(word,)))) == {off.code}


def test_a_beginning_of_a_code_means_the_rules_of_the_profile() -> None:
    for profile in ("quiet", "default", "strict"):
        config = Config(profile=profile, rules=RulesConfig(select=("QLT",)))
        assert codes(config) == {
            each for each in codes(Config(profile=profile)) if each[:3] == "QLT"
        }


def test_all_means_all_in_every_profile() -> None:
    assert len(codes(Config(profile="quiet", rules=RulesConfig(select=("ALL",))))) == len(
        all_rules()
    )


def test_quiet_leaves_out_what_a_rule_itself_takes_lightly() -> None:
    rule = made(listeners=[])

    @rule.on(cst.Pass)
    def _(node: cst.Pass, _here: Here) -> Iterator[Flag]:
        yield Flag(node, "Grave.")
        yield Flag(node, "Light.", severity=Severity.NOTICE, identity="light")

    def said(config: Config) -> list[str]:
        files = {"a.py": "pass\n"}
        report = check([("a.py", b"pass\n")], project_of(files), config, [rule])
        return sorted(each.message for each in report.findings)

    assert said(Config()) == ["Grave.", "Light."]
    assert said(Config(profile="quiet")) == ["Grave."]


@pytest.mark.parametrize(("least", "code"), [("notice", 1), ("warning", 0), ("never", 0)])
def test_a_notice_fails_where_the_configuration_says_so(
    tmp_path: Path, least: str, code: int
) -> None:
    model = "from django.db import models\n\n\nclass Book(models.Model):\n    name = models.CharField(max_length=9)\n"
    (tmp_path / "models.py").write_text(model)
    (tmp_path / ".stet.toml").write_text(f"check.fail_on = '{least}'\nrules.select = ['FWK108']\n")
    outcome = command.check([tmp_path], command.Options())

    assert outcome.code == code
    assert "FWK108" in outcome.text


def figures() -> Mapping[str, tuple[int, int]]:
    """By code: how many findings were read, and how many of them were right."""
    with FIGURES.open(newline="", encoding="utf-8") as file:
        return {row["code"]: (int(row["read"]), int(row["right"])) for row in csv.DictReader(file)}


@pytest.mark.skipif(not FIGURES.exists(), reason="no figures were published yet")
@pytest.mark.parametrize(("profile", "least"), [("quiet", 0.9), ("default", 0.8)])
def test_no_rule_is_in_a_profile_against_its_figures(profile: str, least: float) -> None:
    known = {rule.code: rule for rule in selected(Config(profile=profile))}  # type: ignore[arg-type]
    bad = {
        code: f"{right} of {read}"
        for code, (read, right) in figures().items()
        if code in known and read >= ENOUGH and right < least * read
    }

    assert bad == {}


@pytest.mark.skipif(not FIGURES.exists(), reason="no figures were published yet")
def test_a_warning_that_was_nearly_always_right_is_in_the_quiet_profile_too() -> None:
    quiet = {rule.code for rule in selected(Config(profile="quiet"))}
    known = {rule.code: rule for rule in selected(Config())}
    left_out = [
        code
        for code, (read, right) in figures().items()
        if code in known
        and known[code].severity is Severity.WARNING
        and known[code].confidence is Confidence.PROVEN
        and read >= ENOUGH
        and right >= 0.9 * read
        and code not in quiet
    ]

    assert left_out == []
