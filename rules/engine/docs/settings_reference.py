"""Every key of the configuration with its type, default and meaning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from inspect import cleandoc
from typing import Any, TypeGuard, get_type_hints

import msgspec

from rules.engine.config import Config, Section
from rules.engine.discover import all_rules
from rules.engine.docs.words import literal, meaning, split, table, type_in_words
from rules.kit import Rule

# Kept there, written as `[rules.CODE]`.
_INSIDE = {"rules.options"}
_HEAD = ("Key", "What may stand there", "Default", "Meaning")


def settings_tables() -> str:
    """One table for each part of the file, then the options of rules."""
    parts = [_section(Config, "", "## Top level")]
    for field in msgspec.structs.fields(Config):
        kind, _ = split(field.type)
        if _is_section(kind):
            parts.append(_section(kind, f"{field.name}.", f"## `[{field.name}]`"))
    parts.append(_options())
    return "\n".join(parts)


def _section(section: type[Section], prefix: str, heading: str) -> str:
    words = cleandoc(section.__doc__ or "")
    return f"{heading}\n\n{words}\n\n" + table(_HEAD, *_rows(section, prefix))


def _rows(section: type[Section], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    for field in msgspec.structs.fields(section):
        kind, _ = split(field.type)
        if f"{prefix}{field.name}" in _INSIDE or _is_section(kind):
            continue
        default = (
            field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
        )
        yield _row(f"{prefix}{field.name}", field.type, default)
        inner = _values_of(kind)
        if inner is not None:
            pattern = f'{prefix}{field.name}."PATTERN".'
            yield from _rows(inner, pattern)


def _values_of(kind: Any) -> type[Section] | None:
    values = getattr(kind, "__args__", ())
    last = values[-1] if values else None
    return last if _is_section(last) else None


def _is_section(kind: Any) -> TypeGuard[type[Section]]:
    return isinstance(kind, type) and issubclass(kind, Section)


def _row(key: str, hint: Any, default: Any) -> tuple[str, str, str, str]:
    return f"`{key}`", type_in_words(hint), f"`{literal(default)}`", meaning(hint)


def option_rows(rule: Rule) -> list[tuple[str, str, str, str]]:
    """The options of a rule: name, type, default and meaning. Empty for a rule without."""
    if rule.options is None:
        return []
    hints = get_type_hints(type(rule.options), include_extras=True)
    return [
        _row(each.name, hints[each.name], getattr(rule.options, each.name))
        for each in fields(rule.options)
    ]


def _options() -> str:
    text = "## `[rules.CODE]`\n\nThe options of one rule.\n"
    for rule in all_rules():
        rows = option_rows(rule)
        if rows:
            link = f"[{rule.code} {rule.name}](rules/{rule.category}/{rule.name}.md)"
            text += f"\n{link}\n\n" + table(_HEAD, *rows)
    return text if "|" in text else text.replace("one rule.", "one rule. None has any yet.")
