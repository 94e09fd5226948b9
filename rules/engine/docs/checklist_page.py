"""The checklist, each row with the rules that answer for it."""

from __future__ import annotations

from rules.engine.catalogue import Row, checklist
from rules.engine.checklist_reasons import asked_when
from rules.engine.discover import find_rule
from rules.engine.docs.words import table


def checklist_tables() -> str:
    """Every row of the checklist, in tables by category."""
    rows = checklist()
    done = sum(1 for each in rows if each.rules)
    asked = sum(1 for each in rows if not each.rules and not each.planned)
    text = (
        f"{len(rows)} rows: {done} have rules that work today, {asked} are left to people, "
        f"for {len(rows) - done - asked} the rules are still to come.\n"
    )
    for category in dict.fromkeys(each.category for each in rows):
        body = [(e.item, _rules(e), _people(e)) for e in rows if e.category == category]
        text += f"\n## {category.capitalize()}\n\n"
        text += table(("What the checklist asks", "Rules", "Asked of people"), *body)
    return text


def _rules(row: Row) -> str:
    working = ", ".join(_link(code) for code in row.rules)
    planned = f"to come: {', '.join(row.planned)}" if row.planned else ""
    return "; ".join(each for each in (working, planned) if each)


def _link(code: str) -> str:
    rule = find_rule(code)
    return f"[{code}](rules/{rule.category}/{rule.name}.md)" if rule is not None else code


def _people(row: Row) -> str:
    if row.question:
        return f"{row.question} Asked when a change {asked_when(row.id)}."
    if row.rules or row.planned:
        return ""
    return "Left to people: it is about how they speak, not about the code."
