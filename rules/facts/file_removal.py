"""Who deletes the files of rows that go away: django-cleanup, or receivers of `post_delete`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rules.kit import Extractor, Project, Source
from rules.kit.paths import is_module

_SENDER = re.compile(r"\bsender ?= ?(?:[A-Za-z_]\w{0,60}\.){0,3}[\"']?(?:\w{1,60}\.)?(\w{1,80})")


def _extract(source: Source) -> tuple[str, ...] | None:
    found = set(_SENDER.findall(source.text))
    if "django_cleanup" in source.text:
        found.add("*")
    return tuple(sorted(found)) or None


REMOVERS: Extractor[tuple[str, ...]] = Extractor(
    name="file_removers",
    version=1,
    record=tuple[str, ...],
    reads=is_module,
    extract=_extract,
    reads_tests=False,
    wanted=lambda data: b"django_cleanup" in data or (b"_delete" in data and b"sender" in data),
)


@dataclass(frozen=True)
class FileRemoval:
    """The last names of the models for which something waits for deletions; `*` means all."""

    names: frozenset[str]

    @classmethod
    def gather(cls, project: Project) -> FileRemoval:
        records = project.records(REMOVERS).values()
        return cls(frozenset(name for each in records for name in each))

    def serves(self, model: str) -> bool:
        return "*" in self.names or model in self.names
