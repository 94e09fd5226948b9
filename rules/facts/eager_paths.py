"""The relations that a project ever prefetches or joins: what else no caller can have loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from rules.kit import Extractor, Project, Source

_QUOTED = re.compile(r"[\"']([A-Za-z_]\w{0,120})[\"']")
_CALL = re.compile(r"prefetch_related|select_related|Prefetch\(|prefetch_related_objects")
_OBJECT = re.compile(r"\bPrefetch\(\s*(?:lookup\s*=\s*)?[\"']([A-Za-z_]\w{0,120}?)(?:__\w*)?[\"']")
_LATER = re.compile(r"\bprefetch_related_objects\(([^()]{0,400})\)")
_REACH = 1500  # characters after the name of such a call that are its arguments


class EagerRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Every name in quotes near such a call: more than are meant, none too few.

    `objects` are those of a `Prefetch`, `later` those that rows get when they are there already.
    """

    names: tuple[str, ...]
    objects: tuple[str, ...]
    later: tuple[str, ...] = ()


def extract(source: Source) -> EagerRecord | None:
    names: set[str] = set()
    end = 0
    for each in _CALL.finditer(source.text):
        start = max(each.end(), end)
        end = max(end, each.end() + _REACH)
        for word in _QUOTED.findall(source.text, start, end):
            names.add(word)
    objects = set(_OBJECT.findall(source.text))
    later = {name for call in _LATER.findall(source.text) for name in _QUOTED.findall(call)}
    if not names:
        return None
    return EagerRecord(tuple(sorted(names)), tuple(sorted(objects)), tuple(sorted(later)))


EAGER = Extractor(
    name="eager_paths",
    version=3,
    record=EagerRecord,
    reads=lambda path: path.endswith(".py"),
    extract=extract,
    wanted=lambda data: b"fetch_related" in data or b"select_related" in data,
)


@dataclass(frozen=True)
class EagerPaths:
    """`paths` as they are written, `starts` the relations that a `Prefetch` may load below.

    `later` are those that each file loads for rows that were fetched before.
    """

    paths: frozenset[str]
    starts: frozenset[str]
    later: Mapping[str, frozenset[str]]

    def may_load(self, path: str) -> bool:
        """Whether some query of the project may load the relations of `a__b`."""
        return path in self.paths or path.partition("__")[0] in self.starts

    def loads_later(self, place: str, path: str) -> bool:
        """Whether a file loads `a__b` for rows that are there, by `prefetch_related_objects`."""
        return any(
            each == path or each.startswith(f"{path}__") for each in self.later.get(place, ())
        )

    def may_load_below(self, path: str) -> bool:
        """The same for rows that may themselves hang on others, under whatever names."""
        return self.may_load(path) or any(each.endswith(f"__{path}") for each in self.paths)

    @classmethod
    def gather(cls, project: Project) -> EagerPaths:
        by_path = project.records(EAGER)
        records = by_path.values()
        names = {name for each in records for name in each.names}
        paths = {
            "__".join(parts[:depth])
            for parts in (name.split("__") for name in names)
            for depth in range(1, len(parts) + 1)
        }
        starts = {name for each in records for name in each.objects}
        later = {path: frozenset(each.later) for path, each in by_path.items() if each.later}
        return cls(frozenset(paths), frozenset(starts), later)
