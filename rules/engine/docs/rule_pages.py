"""The page of each rule, and the lists that lead there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import PurePosixPath

from rules.engine.discover import all_rules
from rules.engine.docs.words import table
from rules.engine.pages import page
from rules.kit import Rule

_INTRODUCTION = """\
# Rules

{count} rules. Each page says what is wrong, why it hurts, and shows it: the marked lines of *Bad*
are flagged, *Good* is silent, and both are run as tests.

- **Severity**: an *error* fails the check by default; a *warning* gets a comment; a *notice* stands in the check run.
- **Fix**: *safe* ones keep the meaning, and `stet check --fix` applies them; *suggestions* are for you to accept or not.
- A rule that is *off* by default speaks when you name it: see [the configuration](../configuration.md).

"""


def rule_pages() -> Iterator[tuple[PurePosixPath, str]]:
    """Every page below `rules/`, by its path there."""
    top = PurePosixPath("rules")
    parts = [(category, list(rules)) for category, rules in groupby(_sorted(), key=_category)]
    yield top / "index.md", _index(parts)
    for category, rules in parts:
        yield top / category / "index.md", f"# {_title(category)}\n\n{_list(rules)}"
        for rule in rules:
            yield top / category / f"{rule.name}.md", _placed(rule)


def _placed(rule: Rule) -> str:
    """The page with the way back to the lists, below its title."""
    title, rest = page(rule).split("\n", 1)
    way = f"[Rules](../index.md) / [{_title(rule.category)}](index.md)"
    return f"{title}\n\n{way}\n{rest}"


def _sorted() -> list[Rule]:
    return sorted(all_rules(), key=lambda each: (each.category, each.code))


def _category(rule: Rule) -> str:
    return rule.category


def _title(category: str) -> str:
    return category.replace("_", " ").capitalize()


def _index(parts: Sequence[tuple[str, Sequence[Rule]]]) -> str:
    text = _INTRODUCTION.format(count=sum(len(rules) for _, rules in parts))
    sections = [
        f"## {_title(category)}\n\n{_list(rules, f'{category}/')}" for category, rules in parts
    ]
    return text + "\n".join(sections)


def _list(rules: Sequence[Rule], folder: str = "") -> str:
    rows = [
        (
            f"[{each.code}]({folder}{each.name}.md)",
            f"[{each.name}]({folder}{each.name}.md)",
            each.summary,
            each.severity.value if each.default else f"{each.severity.value}, off",
            "" if each.fix == "none" else each.fix,
        )
        for each in rules
    ]
    return table(("Code", "Name", "What is wrong", "Severity", "Fix"), *rows)
