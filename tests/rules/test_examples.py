"""Every rule says on its page what it flags and what it spares; here the pages are run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from trees import project_of, snapshot_of

from rules.engine.config import Config, ReviewConfig, RulesConfig
from rules.engine.discover import all_rules
from rules.engine.finding import Finding, Report
from rules.engine.fix import apply
from rules.engine.run import check, review
from rules.kit import Rule
from rules.kit.examples import Example, examples

CONFIG = Config(review=ReviewConfig(confidence="all"), rules=RulesConfig(defer_to_linters=False))
CASES = [
    pytest.param(rule, one, id=f"{rule.code}-{number}-{one.kind}")
    for rule in all_rules()
    for number, one in enumerate(examples(rule.doc))
]


def said(rule: Rule, files: dict[str, str], before: dict[str, str] | None) -> Report:
    # What silences a rule is judged beside that rule.
    rules = [rule] if rule.category != "suppressions" else list(all_rules())
    if before is not None:
        report = review(snapshot_of(before, files), CONFIG, rules)
    else:
        given = [(path, text.encode()) for path, text in files.items()]
        report = check(given, project_of(files), CONFIG, rules)
    return replace(report, findings=tuple(f for f in report.findings if f.code == rule.code))


def place(finding: Finding) -> tuple[str, int]:
    return finding.path, 0 if finding.file_level else finding.span.line


@pytest.mark.parametrize(("rule", "example"), CASES)
def test_the_page_of_a_rule_is_true(rule: Rule, example: Example) -> None:
    report = said(rule, example.files, example.before)
    assert report.crashes == ()
    assert report.skipped == ()
    assert {place(each) for each in report.findings} == example.flagged


@pytest.mark.parametrize(("rule", "example"), [case for case in CASES if "Bad" in str(case.id)])
def test_fixing_the_bad_example_gives_the_good_one(rule: Rule, example: Example) -> None:
    report = said(rule, example.files, example.before)
    if rule.fix == "none":
        assert all(each.fix is None for each in report.findings)
        return
    if example.fixed is None:
        return
    fixed = dict(example.files)
    for path in {each.path for each in report.findings}:
        fixes = [each.fix for each in report.findings if each.path == path and each.fix]
        edits = [edit for fix in fixes for edit in fix.edits]
        changed = apply(fixed[path], dict.fromkeys(edits))
        assert changed is not None, "edits overlap"
        fixed[path] = changed
    if any(each.fix for each in report.findings):
        assert {path: fixed[path] for path in example.fixed if path in fixed} == {
            path: text for path, text in example.fixed.items() if path in fixed
        }


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_every_rule_has_a_bad_example_a_good_one_and_a_near_miss(rule: Rule) -> None:
    kinds = [each.kind for each in examples(rule.doc)]
    assert kinds.count("Bad") >= 1
    assert kinds.count("Good") >= 2, "a rule ships with its near misses"
    assert any(each.fixed for each in examples(rule.doc))


@pytest.mark.parametrize(
    "rule", [rule for rule in all_rules() if rule.fix != "none"], ids=lambda rule: rule.code
)
def test_a_rule_that_fixes_shows_a_fix(rule: Rule) -> None:
    bad = [each for each in examples(rule.doc) if each.kind == "Bad"]
    reports = [said(rule, each.files, each.before) for each in bad]
    assert any(finding.fix for report in reports for finding in report.findings)
