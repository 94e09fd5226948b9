"""Formats that other programs read line by line or table by table: rdjson, GitHub, Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from rules.engine.finding import Finding, Question, Report
from rules.kit import Severity, Span

Sources = Callable[[str], str | None]
_LINE_END = re.compile(r"\r\n|\r|\n")
_RD = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.NOTICE: "INFO"}


class _Bytes:
    """Spans as reviewdog counts them: columns are bytes of UTF-8, not code points."""

    def __init__(self, text: str | None) -> None:
        self._lines = _LINE_END.split(text) if text is not None else []

    def range(self, span: Span) -> dict[str, Any]:
        return {
            "start": {"line": span.line, "column": self._column(span.line, span.column)},
            "end": {
                "line": span.end_line,
                "column": self._column(span.end_line, span.end_column),
            },
        }

    def _column(self, line: int, column: int) -> int:
        if not 0 < line <= len(self._lines):
            return column
        before = self._lines[line - 1][: column - 1]
        return column - len(before) + len(before.encode("utf-8", "replace"))


def _rd_diagnostic(finding: Finding, places: _Bytes) -> dict[str, Any]:
    row: dict[str, Any] = {
        "message": finding.message,
        "location": {"path": finding.path, "range": places.range(finding.span)},
        "severity": _RD[finding.severity],
        "code": {"value": finding.code, "url": finding.url},
    }
    # Suggestions can be taken one by one, and half of a fix may be worse than none.
    if finding.fix is not None and len(finding.fix.edits) == 1:
        (edit,) = finding.fix.edits
        row["suggestions"] = [{"range": places.range(edit.span), "text": edit.text}]
    return row


def rdjson(report: Report, sources: Sources) -> str:
    """Reviewdog's Diagnostic Format. `sources` gives the text of a path, to count its bytes."""
    source = {"name": "stet", "url": "https://stet-review.github.io/stet/"}
    places = {path: _Bytes(sources(path)) for path in {each.path for each in report.findings}}
    rows = [_rd_diagnostic(each, places[each.path]) for each in report.findings]
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
    """A table for a job summary or a wiki, and what the checklist asks of people."""
    return _findings_table(report) + _questions_list(report)


def _questions_list(report: Report) -> str:
    if not report.questions:
        return ""
    rows = [
        f"- {_cell(each.text)} ({_cell(each.because)}{_asked_at(each)})"
        for each in report.questions
    ]
    return "\n".join(["", "Only a person can tell:", "", *rows]) + "\n"


def _asked_at(question: Question) -> str:
    line = f":{question.line}" if question.line else ""
    return f", `{_cell(question.path)}{line}`" if question.path else ""


def _findings_table(report: Report) -> str:
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
