"""Formats that other programs read line by line or table by table: rdjson, GitHub, Markdown."""

from __future__ import annotations

import json
import re
from typing import Any

from rules.engine.finding import Finding, Report
from rules.kit import Severity, Span

_RD = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.NOTICE: "INFO"}


def _rd_range(span: Span) -> dict[str, Any]:
    return {
        "start": {"line": span.line, "column": span.column},
        "end": {"line": span.end_line, "column": span.end_column},
    }


def _rd_diagnostic(finding: Finding) -> dict[str, Any]:
    row: dict[str, Any] = {
        "message": finding.message,
        "location": {"path": finding.path, "range": _rd_range(finding.span)},
        "severity": _RD[finding.severity],
        "code": {"value": finding.code, "url": finding.url},
    }
    if finding.fix is not None:
        row["suggestions"] = [
            {"range": _rd_range(edit.span), "text": edit.text} for edit in finding.fix.edits
        ]
    return row


def rdjson(report: Report) -> str:
    """Reviewdog's Diagnostic Format."""
    source = {"name": "stet", "url": "https://stet-review.github.io/stet/"}
    rows = [_rd_diagnostic(each) for each in report.findings]
    return json.dumps({"source": source, "diagnostics": rows}, indent=2) + "\n"


def _escaped(text: str, *, value: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if value else text


def github(report: Report) -> str:
    """Workflow commands, which GitHub Actions turns into annotations."""
    lines = []
    for each in report.findings:
        place = {
            "file": each.path,
            "line": str(each.span.line),
            "endLine": str(each.span.end_line),
            "title": f"{each.code} {each.name}",
        }
        if each.span.line == each.span.end_line:
            place |= {"col": str(each.span.column), "endColumn": str(each.span.end_column)}
        fields = ",".join(f"{key}={_escaped(value, value=True)}" for key, value in place.items())
        lines.append(f"::{each.severity.value} {fields}::{_escaped(each.message)}")
    lines += [
        f"::warning file={_escaped(each.path, value=True)}::{_escaped(each.reason)}"
        for each in report.skipped
    ]
    return "".join(f"{line}\n" for line in lines)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;")


def markdown(report: Report) -> str:
    """A table for a job summary or a wiki."""
    if not report.findings:
        return f"No findings in {report.files} files.\n"
    rows = ["| Where | Rule | Severity | What |", "|--|--|--|--|"]
    rows += [
        f"| `{_cell(each.path)}:{each.span.line}` | [{each.code}]({each.url}) "
        f"| {each.severity.value} | {_cell(each.message)} |"
        for each in report.findings
    ]
    rows += [
        f"\nNot analysed: `{_cell(each.path)}`: {_cell(each.reason)}" for each in report.skipped
    ]
    return "\n".join(rows) + "\n"
