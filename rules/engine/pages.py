"""Pages and tables made from the rules themselves."""

from __future__ import annotations

import json
from dataclasses import asdict
from inspect import cleandoc
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table

from rules.engine.catalogue import checklist
from rules.engine.discover import all_rules, url_of
from rules.kit import Rule


def page(rule: Rule) -> str:
    """The page of a rule, in Markdown."""
    facts = [
        f"`{rule.code}`",
        rule.severity.value,
        rule.confidence.value,
        "on by default" if rule.default else "off by default",
    ]
    if rule.fix != "none":
        facts.append("offers a safe fix" if rule.fix == "safe" else "offers a suggestion")
    if rule.cwe is not None:
        facts.append(f"[CWE-{rule.cwe}](https://cwe.mitre.org/data/definitions/{rule.cwe}.html)")
    body = cleandoc(rule.doc or "")
    for word in ("Bad", "Good", "Before"):
        body = body.replace(f"\n{word}:", f"\n**{word}:**")
    rows = ", ".join(f"`{each}`" for each in rule.checklist)
    peers = ", ".join(rule.peers)
    silence = f"# stet: ignore[{rule.code}] <reason>"
    tail = [f"Checklist: {rows}."] if rows else []
    if peers:
        tail.append(f"Equivalent rules: {peers}.")
    tail.append(f"Silence one place: `{silence}`.")
    line = " \u00b7 ".join(facts)
    return f"# {rule.name}\n\n{line}\n\n{body}\n\n{' '.join(tail)}\n"


def rule_row(rule: Rule) -> dict[str, Any]:
    """One rule as plain data."""
    return {
        "code": rule.code,
        "name": rule.name,
        "category": rule.category,
        "scope": rule.scope,
        "severity": rule.severity.value,
        "confidence": rule.confidence.value,
        "default": rule.default,
        "fix": rule.fix,
        "cwe": rule.cwe,
        "summary": rule.summary,
        "url": url_of(rule),
        "checklist": list(rule.checklist),
    }


def rules_as(format_: str) -> str:
    """Every rule, as `json`, `markdown` or a table for a terminal."""
    rules = all_rules()
    if format_ == "json":
        return json.dumps([rule_row(each) for each in rules], indent=2, ensure_ascii=False) + "\n"
    if format_ == "markdown":
        rows = ["| Code | Name | Severity | Fix | What |", "|--|--|--|--|--|"]
        rows += [
            f"| {r.code} | [{r.name}]({url_of(r)}) | {r.severity.value} | {r.fix} | {r.summary} |"
            for r in rules
        ]
        return "\n".join(rows) + "\n"
    table = Table("Code", "Name", "Severity", "Default", "Fix", "What", box=None)
    for each in rules:
        table.add_row(
            each.code,
            each.name,
            each.severity.value,
            "on" if each.default else "off",
            each.fix,
            each.summary,
        )
    return _terminal(table)


def checklist_as(format_: str) -> str:
    """Every row of the checklist, as `json` or a table for a terminal."""
    rows = checklist()
    if format_ == "json":
        return json.dumps([asdict(each) for each in rows], indent=2, ensure_ascii=False) + "\n"
    table = Table("Row", "Item", "Mode", "Rules", "Asked of people", box=None)
    for each in rows:
        planned = [f"({code})" for code in each.planned]
        table.add_row(
            each.id, each.item, each.mode, " ".join([*each.rules, *planned]), each.question
        )
    return _terminal(table) + "\nRules in parentheses are planned.\n"


def _terminal(table: Table) -> str:
    out = StringIO()
    Console(file=out, width=None if Console().is_terminal else 160).print(table)
    return out.getvalue()
