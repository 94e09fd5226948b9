"""Options of rules: a frozen dataclass in the rule's file, checked against the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from functools import lru_cache
from typing import Any

import msgspec

from rules.engine.config import Config, ConfigError, ConfigProblem
from rules.kit import Rule


def options_of(config: Config, rules: Sequence[Rule]) -> dict[str, Any]:
    """The options of each rule that has any. Raises ConfigError for unknown or wrong ones."""
    found: dict[str, Any] = dict.fromkeys(_on_suppressions(tuple(rules)), config.suppressions)
    problems = []
    for rule in rules if config.rules.options else ():
        given = config.rules.options.get(rule.code)
        if given is None:
            continue
        try:
            found[rule.code] = _merged(rule, given)
        except (msgspec.ValidationError, TypeError) as problem:
            words = f"`rules.{rule.code}`: {str(problem).partition(' - at ')[0]}"
            problems.append(ConfigProblem(".stet.toml", 1, words))
    if problems:
        raise ConfigError(*problems)
    return found


@lru_cache(maxsize=4)
def _on_suppressions(rules: tuple[Rule, ...]) -> tuple[str, ...]:
    return tuple(rule.code for rule in rules if rule.category == "suppressions")


def _merged(rule: Rule, given: dict[str, Any]) -> Any:
    defaults = rule.options
    if defaults is None or not is_dataclass(defaults) or isinstance(defaults, type):
        raise TypeError("this rule has no options")
    known = asdict(defaults)
    for key in given:
        if key not in known:
            raise TypeError(f"unknown option `{key}`; known: {', '.join(sorted(known))}")
    return msgspec.convert({**known, **given}, type(defaults))
