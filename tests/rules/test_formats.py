"""What other programs read: each format is held to its own description, on real reports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft202012Validator
from trees import project_of, snapshot_of

from rules.engine.config import Config, ReviewConfig, RulesConfig
from rules.engine.discover import all_rules
from rules.engine.finding import Crash, Report, Skip
from rules.engine.formats import json_format, line_formats, sarif_format
from rules.engine.run import check, review
from rules.kit import Rule
from rules.kit.examples import Example, examples

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = Config(
    review=ReviewConfig(confidence="all"),
    rules=RulesConfig(select=("ALL",), defer_to_linters=False),
)
FOREIGN = "größe_😀 #%.py"
BAD = "def f(order):\n    'größe 😀'; out = []\n    try:\n        'ä'; return order.total\n    except:\n        return 0\n"


@cache
def bad_reports(rule: Rule) -> list[tuple[Example, Report]]:
    """What all rules together say of the bad examples of one."""
    bad = [each for each in examples(rule.doc) if each.kind == "Bad"]
    return [(each, report_on(each)) for each in bad]


def report_on(example: Example) -> Report:
    if example.before is not None:
        return review(snapshot_of(example.before, example.files), EVERYTHING)
    given = [(path, text.encode()) for path, text in example.files.items()]
    return check(given, project_of(example.files), EVERYTHING)


@cache
def sarif_schema() -> Draft4Validator:
    return Draft4Validator(json.loads((ROOT / "tests/schemas/sarif-2.1.0.json").read_text("utf-8")))


def problems(validator: Any, document: str) -> list[str]:
    found = validator.iter_errors(json.loads(document))
    return [f"{'/'.join(map(str, each.absolute_path))}: {each.message}" for each in found]


# Reviewdog's format, in our own words: what its protocol requires and what we send of it.
POSITION = {
    "type": "object",
    "required": ["line", "column"],
    "additionalProperties": False,
    "properties": {
        "line": {"type": "integer", "minimum": 1},
        "column": {"type": "integer", "minimum": 1},
    },
}
RANGE = {
    "type": "object",
    "required": ["start"],
    "additionalProperties": False,
    "properties": {"start": POSITION, "end": POSITION},
}
RDJSON = Draft202012Validator(
    {
        "type": "object",
        "required": ["source", "diagnostics"],
        "additionalProperties": False,
        "properties": {
            "source": {"type": "object", "required": ["name"]},
            "diagnostics": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["message", "location"],
                    "additionalProperties": False,
                    "properties": {
                        "message": {"type": "string", "minLength": 1},
                        "severity": {"enum": ["ERROR", "WARNING", "INFO"]},
                        "location": {
                            "type": "object",
                            "required": ["path"],
                            "additionalProperties": False,
                            "properties": {"path": {"type": "string"}, "range": RANGE},
                        },
                        "code": {
                            "type": "object",
                            "required": ["value"],
                            "properties": {
                                "value": {"type": "string"},
                                "url": {"type": "string", "pattern": "^https://"},
                            },
                        },
                        "suggestions": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["range", "text"],
                                "properties": {"range": RANGE, "text": {"type": "string"}},
                            },
                        },
                    },
                },
            },
        },
    }
)


def of_its_rules(document: str) -> str:
    """Without the hundreds of rules that found nothing: the test of the command line has them."""
    log = json.loads(document)
    for each in log["runs"]:
        found = {result["ruleId"] for result in each["results"]}
        driver = each["tool"]["driver"]
        driver["rules"] = [rule for rule in driver["rules"] if rule["id"] in found]
        assert driver["rules"]
    return json.dumps(log)


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_what_a_rule_finds_is_valid_sarif_and_valid_rdjson(rule: Rule) -> None:
    for example, report in bad_reports(rule):
        assert problems(sarif_schema(), of_its_rules(sarif_format.write(report))) == []
        assert problems(RDJSON, line_formats.rdjson(report, example.files.get)) == []


def stet(folder: Path, *args: str) -> str:
    command = [sys.executable, "-m", "rules.cli", "check", ".", *args]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / FOREIGN).write_text(BAD, "utf-8")
    (tmp_path / "broken.py").write_text("def broken(:\n")
    return tmp_path


def test_the_sarif_of_the_command_line_is_valid_and_names_what_was_skipped(folder: Path) -> None:
    text = stet(folder, "--format", "sarif")

    assert problems(sarif_schema(), text) == []
    (run,) = json.loads(text)["runs"]
    (notice,) = run["invocations"][0]["toolExecutionNotifications"]
    assert "broken.py" in json.dumps(notice["locations"])
    uris = {
        each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for each in run["results"]
    }
    assert uris == {"gr%C3%B6%C3%9Fe_%F0%9F%98%80%20%23%25.py"}


def test_a_rule_that_failed_is_valid_sarif_too() -> None:
    report = Report(
        (), skipped=(Skip("a b.py", "too deep"),), crashes=(Crash("a.py", "SEC101", "KeyError"),)
    )

    text = sarif_format.write(report)

    assert problems(sarif_schema(), text) == []
    notices = json.loads(text)["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert ["too deep" in str(notices), "SEC101" in str(notices)] == [True, True]


def test_the_exact_cwe_comes_first_among_the_tags() -> None:
    written = json.loads(sarif_format.write(Report(())))["runs"][0]["tool"]["driver"]["rules"]

    by_code = {each["id"]: each["properties"]["tags"] for each in written}
    for rule in all_rules():
        if rule.cwe is not None:
            assert by_code[rule.code][0] == f"external/cwe/cwe-{rule.cwe:03d}"


def test_rdjson_counts_columns_in_bytes_of_utf8() -> None:
    source = "try:\n    'größe 😀'; x = 1\nexcept: pass\n"
    line = "def f(order, größe='😀', rest=[]):\n    return rest\n"
    report = check([("a.py", line.encode()), ("b.py", source.encode())], project_of({}), EVERYTHING)
    texts = {"a.py": line, "b.py": source}

    rows = json.loads(line_formats.rdjson(report, texts.get))["diagnostics"]

    assert {row["code"]["value"] for row in rows} >= {"QLT101", "ERR101"}
    for row, finding in zip(rows, report.findings, strict=True):
        place = row["location"]["range"]
        lines = texts[finding.path].split("\n")
        raw = lines[place["start"]["line"] - 1].encode()
        start, end = place["start"]["column"] - 1, place["end"]["column"] - 1
        plain = lines[finding.span.line - 1][finding.span.column - 1 : finding.span.end_column - 1]
        assert raw[start:end].decode() == plain


def test_rdjson_suggests_no_half_of_a_fix() -> None:
    fixes = 0
    for example, report in (each for rule in all_rules() for each in bad_reports(rule)):
        rows = json.loads(line_formats.rdjson(report, example.files.get))["diagnostics"]
        for row, finding in zip(rows, report.findings, strict=True):
            edits = finding.fix.edits if finding.fix is not None else ()
            assert len(row.get("suggestions", ())) == (1 if len(edits) == 1 else 0)
            fixes += len(edits) > 1

    assert fixes, "some rule has a fix in several places"


def test_the_page_on_formats_names_every_key_of_the_json() -> None:
    page = (ROOT / "docs" / "formats.md").read_text("utf-8")
    assert page.split("## ")[1].startswith("JSON")
    documented = set(re.findall(r"(?m)^\| `([\w.\[\]]+)`", page.split("## ")[1]))
    reports = [report for rule in all_rules() for _, report in bad_reports(rule)]
    written = set()
    for report in (*reports, Report((), (Skip("a", "b"),), (Crash("a", "b", "c"),))):
        written |= keys(json.loads(json_format.write(report)))

    assert {each for each in written if not each.startswith("statistics.")} == documented


def keys(value: Any, prefix: str = "") -> set[str]:
    """The paths of a document, `[]` standing for the elements of a list."""
    if isinstance(value, list):
        return {path for each in value for path in keys(each, f"{prefix}[]")}
    if not isinstance(value, dict):
        return set()
    found = set()
    for key, inner in value.items():
        path = f"{prefix}.{key}".lstrip(".")
        found |= {path} | keys(inner, path)
    return found


@pytest.mark.parametrize("hostile", ["a::b,c.py", "50%.py", "line\nbreak.py"])
def test_workflow_commands_hold_against_names_of_files(tmp_path: Path, hostile: str) -> None:
    (tmp_path / hostile).write_text(BAD)

    lines = stet(tmp_path, "--format", "github").splitlines()

    assert lines
    for line in lines:
        assert re.fullmatch(r"::(error|warning|notice) file=[^,:\n]+(,\w+=[^,:\n]+)*::.+", line)
