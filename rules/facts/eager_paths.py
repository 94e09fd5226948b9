"""The relations that a project ever prefetches or joins: what else no caller can have loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from rules.kit import Extractor, Project, Source

_QUOTED = re.compile(r"[\"']([A-Za-z_]\w{0,120})[\"']")
_CALL = re.compile(r"prefetch_related|select_related|Prefetch\(|prefetch_related_objects")
_REACH = 1500  # characters after the name of such a call that are its arguments


class EagerRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Every name in quotes near such a call: more than are meant, none too few."""

    names: tuple[str, ...]


def extract(source: Source) -> EagerRecord | None:
    names: set[str] = set()
    end = 0
    for each in _CALL.finditer(source.text):
        start = max(each.end(), end)
        end = max(end, each.end() + _REACH)
        for word in _QUOTED.findall(source.text, start, end):
            names.update(word.split("__"))
    return EagerRecord(tuple(sorted(names))) if names else None


EAGER = Extractor(
    name="eager_paths",
    version=1,
    record=EagerRecord,
    reads=lambda path: path.endswith(".py"),
    extract=extract,
    wanted=lambda data: b"fetch_related" in data or b"select_related" in data,
)


@dataclass(frozen=True)
class EagerPaths:
    names: frozenset[str]

    @classmethod
    def gather(cls, project: Project) -> EagerPaths:
        records = project.records(EAGER).values()
        return cls(frozenset(name for each in records for name in each.names))
