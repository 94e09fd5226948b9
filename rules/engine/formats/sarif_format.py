"""SARIF 2.1.0, for code-scanning dashboards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from rules.engine.discover import all_rules, url_of
from rules.engine.finding import Finding, Report
from rules.engine.version import engine_version
from rules.kit import Related, Rule, Severity, Span
from rules.kit.examples import explanation

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "note"}
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _artifact(path: str) -> dict[str, str]:
    return {"uri": quote(path, safe="/~!$&'()*+,;=@")}


def _location(path: str, span: Span) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": _artifact(path), "region": _region(span)}}


def _rule(rule: Rule) -> dict[str, Any]:
    tags = [f"external/cwe/cwe-{rule.cwe:03d}"] if rule.cwe is not None else []
    return {
        "id": rule.code,
        "name": "".join(part.capitalize() for part in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": explanation(rule.doc)},
        "helpUri": url_of(rule),
        "defaultConfiguration": {"level": _LEVELS[rule.severity], "enabled": rule.default},
        "properties": {"tags": [*tags, rule.category], "precision": "high"},
    }


def _steps(related: Sequence[Related], finding: Finding) -> list[dict[str, Any]]:
    steps = [
        {
            "location": {
                **_location(each.path, Span(each.line, 1, each.line, 1)),
                "message": {"text": each.message},
            }
        }
        for each in related
    ]
    last = {**_location(finding.path, finding.span), "message": {"text": finding.message}}
    return [*steps, {"location": last}]


def _fix(finding: Finding) -> list[dict[str, Any]]:
    if finding.fix is None:
        return []
    replacements = [
        {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
        for edit in finding.fix.edits
    ]
    change = {"artifactLocation": _artifact(finding.path), "replacements": replacements}
    return [{"description": {"text": finding.summary}, "artifactChanges": [change]}]


def _result(finding: Finding, index: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [_location(finding.path, finding.span)],
        "partialFingerprints": {"stet/v1": finding.fingerprint},
        "properties": {"confidence": finding.confidence.value},
    }
    if finding.related:
        row["codeFlows"] = [{"threadFlows": [{"locations": _steps(finding.related, finding)}]}]
    if finding.fix is not None:
        row["fixes"] = _fix(finding)
    return row


def write(report: Report) -> str:
    """The whole report as one run."""
    rules = all_rules()
    place = {rule.code: number for number, rule in enumerate(rules)}
    notes = [
        {
            "level": "warning",
            "message": {"text": each.reason},
            "locations": [{"physicalLocation": {"artifactLocation": _artifact(each.path)}}],
        }
        for each in report.skipped
    ]
    notes += [
        {"level": "error", "message": {"text": f"rule {each.rule} failed: {each.error}"}}
        for each in report.crashes
    ]
    driver = {
        "name": "Stet",
        "version": engine_version(),
        "informationUri": "https://stet-review.github.io/stet/",
        "rules": [_rule(each) for each in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
        "results": [_result(each, place.get(each.code, -1)) for each in report.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"
