"""Versions that a report names, so that it can be told what said it."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from importlib import metadata

from rules.engine.discover import all_rules


@cache
def engine_version() -> str:
    """The version of the installed distribution."""
    try:
        return metadata.version("stet-review")
    except metadata.PackageNotFoundError:
        return "0"


@cache
def rule_pack_version() -> str:
    """Changes whenever a rule is added, removed or revised."""
    rows = ",".join(f"{rule.code}@{rule.version}" for rule in all_rules())
    return blake2b(rows.encode(), digest_size=4).hexdigest()
