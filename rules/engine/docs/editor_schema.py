"""The JSON schema by which editors complete and check `.stet.toml`."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from rules.engine.config import Config
from rules.engine.discover import DOCS_URL, all_rules
from rules.kit import Rule

SCHEMA_URL = f"{DOCS_URL.removesuffix('/rules')}/stet.schema.json"
_RULE_LISTS = (
    ("RulesConfig", "select"),
    ("RulesConfig", "ignore"),
    ("RulesConfig", "extend_ignore"),
    ("PerFile", "ignore"),
)


def editor_schema() -> str:
    """JSON Schema 2020-12 of the whole file."""
    schema = msgspec.json.schema(Config)
    parts = schema["$defs"]
    _complete_rules(parts)
    _allow_options(parts["RulesConfig"])
    for part in parts.values():
        _without_defaults_of_tables(part)
    written = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_URL,
        "title": "The configuration of Stet",
        **schema,
    }
    return json.dumps(written, indent=2, ensure_ascii=False) + "\n"


def _complete_rules(parts: dict[str, Any]) -> None:
    """Any text stays allowed, for prefixes; the rest is what an editor proposes."""
    known = ["ALL", *(word for rule in all_rules() for word in (rule.code, rule.name))]
    for part, key in _RULE_LISTS:
        parts[part]["properties"][key]["items"] = {"anyOf": [{"enum": known}, {"type": "string"}]}


def _allow_options(part: dict[str, Any]) -> None:
    del part["properties"]["options"]
    part["patternProperties"] = {"^[A-Z]{3}[0-9]{3}$": {"type": "object"}}
    part["properties"] |= {
        rule.code: _options(rule) for rule in all_rules() if rule.options is not None
    }


def _options(rule: Rule) -> dict[str, Any]:
    (schema,), parts = msgspec.json.schema_components([type(rule.options)])
    name = str(schema["$ref"]).rpartition("/")[2]
    found: dict[str, Any] = parts[name]
    return {
        **found,
        "title": f"{rule.code} {rule.name}",
        "description": rule.summary,
        "required": [],
        "additionalProperties": False,
    }


def _without_defaults_of_tables(part: dict[str, Any]) -> None:
    """A table's default is that of its keys; said once, it cannot be said differently."""
    for each in part.get("properties", {}).values():
        if "$ref" in each:
            each.pop("default", None)
