"""Finds the rules: every module of `rules.checklist` that has one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from functools import cache

import rules.checklist
from rules.engine.config import Config
from rules.facts.project_declaration import with_what_they_bring
from rules.kit import Rule
from rules.kit.rule import PROFILES

DOCS_URL = "https://stet-review.github.io/stet/rules"
CHECKLIST_URL = "https://stet-review.github.io/stet/checklist/"


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of the checklist, by code. Two rules of one code are a mistake: ValueError."""
    found: dict[str, Rule] = {}
    for info in pkgutil.walk_packages(rules.checklist.__path__, "rules.checklist."):
        rule = getattr(importlib.import_module(info.name), "rule", None)
        if not isinstance(rule, Rule):
            continue
        if rule.code in found:
            raise ValueError(f"{rule.code} stands twice: {rule.name}, {found[rule.code].name}")
        found[rule.code] = rule
    return tuple(found[code] for code in sorted(found))


def find_rule(code_or_name: str) -> Rule | None:
    """A rule by its code or name, however it is capitalised."""
    wanted = code_or_name.strip().lower().replace("_", "-")
    for rule in all_rules():
        if wanted in (rule.code.lower(), rule.name):
            return rule
    return None


def url_of(rule: Rule) -> str:
    """The page that explains a rule."""
    return f"{DOCS_URL}/{rule.category}/{rule.name}/"


def matches(rule: Rule, selectors: Iterable[str]) -> bool:
    """Whether a code, a prefix of codes, a name or `ALL` among the selectors means this rule."""
    for each in selectors:
        if each == "ALL" or rule.name == each.lower():
            return True
        if each and each[0].isalpha() and rule.code.startswith(each.upper()):
            return True
    return False


def unknown_selectors(selectors: Iterable[str]) -> tuple[str, ...]:
    """The selectors that mean no rule and no section of the catalogue."""
    sections = {
        "SEC",
        "SET",
        "DBQ",
        "MIG",
        "TST",
        "CLN",
        "QLT",
        "FWK",
        "ERR",
        "LOG",
        "DEP",
        "WFL",
        "SUP",
    }
    return tuple(
        each
        for each in selectors
        if each[:3].upper() not in sections
        and each != "ALL"
        and not any(matches(rule, (each,)) for rule in all_rules())
    )


def selected(config: Config, rules_: Sequence[Rule] | None = None) -> tuple[Rule, ...]:
    """The rules that a configuration turns on.

    Without `select`, those of its profile. A code named in full turns on any rule; a prefix
    only those of the profile. Where frameworks are named, rules about others alone are off.
    """
    select, ignored = config.rules.select, (*config.rules.ignore, *config.rules.extend_ignore)
    words = {*select, *(each.lower() for each in select)}
    used = {*with_what_they_bring(config.frameworks)}
    chosen = []
    for rule in all_rules() if rules_ is None else rules_:
        is_usual = PROFILES.index(rule.profile) <= PROFILES.index(config.profile)
        is_near = not used or not rule.frameworks or not used.isdisjoint(rule.frameworks)
        if select:
            is_named = rule.code in words or rule.name in words
            wanted = is_named or (
                matches(rule, select) and is_near and (is_usual or "ALL" in words)
            )
        else:
            wanted = is_usual and is_near
        if wanted and not matches(rule, ignored):
            chosen.append(rule)
    return tuple(chosen)
