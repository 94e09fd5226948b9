"""What GitHub's database of advisories says of the packages whose versions a change names."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence

import msgspec

from rules.facts.pinned_versions import introduced_pins
from rules.kit import Advisory, FileChange
from worker.github.client import Client
from worker.github.errors import ForbiddenError, GoneError, RefusedError
from worker.github.queries import Form

log = logging.getLogger(__name__)

_MOST_PACKAGES = 40  # of one change; GitHub counts a hundred advisories of each
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,100}")
_FIELDS = (
    "nodes { severity vulnerableVersionRange firstPatchedVersion { identifier }"
    " advisory { ghsaId summary withdrawnAt } }"
)


class _Patched(Form):
    identifier: str


class _Told(Form):
    ghsa_id: str
    summary: str
    withdrawn_at: str | None = None


class _Hole(Form):
    severity: str
    vulnerable_version_range: str
    advisory: _Told
    first_patched_version: _Patched | None = None


class _Holes(msgspec.Struct):
    nodes: list[_Hole]


def fetch_advisories(client: Client, changes: Sequence[FileChange]) -> tuple[Advisory, ...]:
    """The advisories on packages that the change brings in another version, by one call.

    No call where no manifest changed. Where GitHub refuses to say, none are known.
    """
    names = sorted({pin.name for each in changes for pin in introduced_pins(each)})
    asked = [each for each in names if _NAME.fullmatch(each)][:_MOST_PACKAGES]
    if not asked:
        return ()
    if len(asked) < len(names):
        log.info("asked about %d packages of %d", len(asked), len(names))
    try:
        found = client.graphql(_query(asked), {}, dict[str, _Holes])
    except (ForbiddenError, GoneError, RefusedError) as problem:
        log.info("no advisories: %s", problem)
        return ()
    return tuple(
        _advisory(name, hole)
        for number, name in enumerate(asked)
        for hole in found[f"p{number}"].nodes
        if hole.advisory.withdrawn_at is None
    )


def _query(names: Sequence[str]) -> str:
    rows = "\n".join(
        f"p{number}: securityVulnerabilities(ecosystem: PIP, package: {json.dumps(name)}, first: 100)"
        f" {{ {_FIELDS} }}"
        for number, name in enumerate(names)
    )
    return f"query {{\n{rows}\n}}"


def _advisory(name: str, hole: _Hole) -> Advisory:
    patched = hole.first_patched_version
    return Advisory(
        package=name,
        id=hole.advisory.ghsa_id,
        severity=hole.severity,
        affected=hole.vulnerable_version_range,
        patched=patched.identifier if patched is not None else "",
        summary=hole.advisory.summary,
    )
