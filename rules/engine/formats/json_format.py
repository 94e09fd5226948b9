"""The JSON that scripts read. Its shape is a contract: it may grow, not change."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from rules.engine.finding import Finding, Report, VerifiedFix


def fix_row(fix: VerifiedFix | None) -> dict[str, Any] | None:
    if fix is None:
        return None
    edits = [
        {
            "path": edit.path,
            "line": edit.span.line,
            "column": edit.span.column,
            "end_line": edit.span.end_line,
            "end_column": edit.span.end_column,
            "text": edit.text,
        }
        for edit in fix.edits
    ]
    return {"safe": fix.safe, "edits": edits}


def finding_row(finding: Finding) -> dict[str, Any]:
    """One finding as plain data; lines and columns 1-based, the end exclusive."""
    return {
        "code": finding.code,
        "name": finding.name,
        "category": finding.category,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "path": finding.path,
        "line": finding.span.line,
        "column": finding.span.column,
        "end_line": finding.span.end_line,
        "end_column": finding.span.end_column,
        "message": finding.message,
        "fingerprint": finding.fingerprint,
        "url": finding.url,
        "cwe": finding.cwe,
        "related": [
            {"path": each.path, "line": each.line, "message": each.message}
            for each in finding.related
        ],
        "fix": fix_row(finding.fix),
    }


def statistics(report: Report) -> dict[str, Any]:
    """Counts of a report."""
    return {
        "files": report.files,
        "rules": report.rules,
        "findings": len(report.findings),
        "by_rule": dict(sorted(Counter(f.code for f in report.findings).items())),
        "by_severity": dict(sorted(Counter(f.severity.value for f in report.findings).items())),
        "suppressed": len(report.suppressed),
        "deferred": {each.code: each.peer for each in report.deferred},
        "skipped": len(report.skipped),
        "seconds": {key: round(value, 3) for key, value in report.seconds.items()},
    }


def write(report: Report) -> str:
    """The whole report."""
    rows = {
        "version": 1,
        "findings": [finding_row(each) for each in report.findings],
        "skipped": [{"path": each.path, "reason": each.reason} for each in report.skipped],
        "crashes": [
            {"path": each.path, "rule": each.rule, "error": each.error} for each in report.crashes
        ],
        "questions": [
            {
                "row": each.row,
                "question": each.text,
                "path": each.path,
                "line": each.line,
                "because": each.because,
            }
            for each in report.questions
        ],
        "statistics": statistics(report),
    }
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
