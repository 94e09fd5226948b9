"""Pages and tables made from the rules themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from inspect import cleandoc
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table

from rules.engine.catalogue import checklist
from rules.engine.checklist_reasons import asked_when
from rules.engine.discover import all_rules, url_of
from rules.engine.docs.settings_reference import option_rows
from rules.engine.docs.words import table as markdown_table
from rules.kit import Confidence, Rule

_PROFILES = {
    "quiet": "on by default, and in the quiet profile",
    "default": "on by default",
    "strict": "off by default, on in the strict profile",
}
_SECTION = re.compile(r"\n+(Bad|Good|Before):")
_FENCE = re.compile(
    r"(?m)^(?P<begin>```+[\w+-]+) (?P<path>\S+)(?P<times> x\d+)?(?P<flagged> flagged)?\n"
)


def page(rule: Rule) -> str:
    """The page of a rule, in Markdown."""
    parts = [f"# {rule.name} ({rule.code})", " \u00b7 ".join(_facts(rule)), _body(rule)]
    rows = option_rows(rule)
    if rows:
        head = ("Option", "What may stand there", "Default", "Meaning")
        parts.append(
            f"## Options\n\nIn `[rules.{rule.code}]`:\n\n{markdown_table(head, *rows)}".rstrip()
        )
    return "\n\n".join([*parts, _surroundings(rule)]) + "\n"


def _facts(rule: Rule) -> Iterator[str]:
    yield rule.severity.value
    yield "proven" if rule.confidence is Confidence.PROVEN else "to be looked at by a person"
    yield _PROFILES[rule.profile]
    if rule.frameworks:
        yield f"about {', '.join(rule.frameworks)}"
    if rule.fix != "none":
        yield "offers a safe fix" if rule.fix == "safe" else "offers a suggestion"
    if rule.cwe is not None:
        yield f"[CWE-{rule.cwe}](https://cwe.mitre.org/data/definitions/{rule.cwe}.html)"


def _body(rule: Rule) -> str:
    """The docstring, its sections in bold and the path of each file above its text."""
    body = _SECTION.sub(r"\n\n**\1:**", cleandoc(rule.doc or ""))
    return _FENCE.sub(_named_fence, body)


def _named_fence(fence: re.Match[str]) -> str:
    flagged = ": this file is flagged" if fence["flagged"] else ""
    times = f", {fence['times'].strip(' x')} times over" if fence["times"] else ""
    return f"\n`{fence['path']}`{times}{flagged}\n\n{fence['begin']}\n"


def _surroundings(rule: Rule) -> str:
    """Where the rule stands among others, and how to silence it."""
    items = {row.id: row.item for row in checklist()}
    lines = [
        f"- Part of the checklist: {items.get(each, each)} (`{each}`)." for each in rule.checklist
    ]
    if rule.peers:
        silent = " Where your repository runs one of them, this rule leaves it to them."
        peers = ", ".join(each.replace(":", " ") for each in rule.peers)
        lines.append(f"- Others that see the same: {peers}.{silent if rule.defers else ''}")
    lines.append(f"- To silence one place, say why: `# stet: ignore[{rule.code}] <reason>`.")
    return "## Around this rule\n\n" + "\n".join(lines)


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
        "profile": rule.profile,
        "frameworks": list(rule.frameworks),
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
    table = Table("Code", "Name", "Severity", "Profile", "Fix", "What", box=None)
    for each in rules:
        table.add_row(
            each.code,
            each.name,
            each.severity.value,
            each.profile,
            each.fix,
            each.summary,
        )
    return _terminal(table)


def checklist_as(format_: str) -> str:
    """Every row of the checklist, as `json` or a table for a terminal."""
    rows = checklist()
    if format_ == "json":
        data = [{**asdict(each), "asked_when": asked_when(each.id)} for each in rows]
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
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
