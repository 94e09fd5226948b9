"""Variables of the environment: which the code reads, and which the documentation explains."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rules.facts.changelogs import is_changelog
from rules.kit import Extractor, Project, Source, paths

_READ = re.compile(
    r"""(?:environ(?:\.get|\.pop|\.setdefault)?\s?[\[(]|getenv\(|\benv(?:\.\w+)?\(|\bconfig\()\s*["']"""
    r"""([A-Z][A-Z0-9]*_[A-Z0-9_]+)["']"""
)
_NAME = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]\b")
_DOCUMENT = re.compile(
    r"(?i)(^|/)(README|INSTALL|CONFIGURATION|DEPLOY\w*|SETTINGS)(\.(md|rst|txt|adoc))?$|^[^/]+\.(md|rst)$"
    r"|(^|/)docs?/.*\.(md|rst|txt|adoc)$"
)


def variables_read(text: str) -> Iterator[re.Match[str]]:
    """Each place that reads a variable; group 1 is its name."""
    return _READ.finditer(text)


def is_document(path: str) -> bool:
    """Whether a file explains the project to those who run it."""
    return bool(_DOCUMENT.search(path)) and not is_changelog(path)


def _reads(source: Source) -> tuple[str, ...] | None:
    return tuple(sorted({each[1] for each in variables_read(source.text)})) or None


def _explains(source: Source) -> tuple[str, ...] | None:
    return tuple(sorted(set(_NAME.findall(source.text)))) or None


READS: Extractor[tuple[str, ...]] = Extractor(
    name="variables_read",
    version=1,
    record=tuple[str, ...],
    reads=lambda path: path.endswith(".py") and not paths.is_test(path),
    extract=_reads,
    wanted=lambda data: (
        b"environ" in data or b"getenv" in data or b"env(" in data or b"env." in data
    ),
)
EXPLAINS: Extractor[tuple[str, ...]] = Extractor(
    name="variables_explained",
    version=1,
    record=tuple[str, ...],
    reads=is_document,
    extract=_explains,
)


@dataclass(frozen=True)
class Variables:
    """`read` and `explained` map names to a file that does so."""

    read: Mapping[str, str]
    explained: Mapping[str, str]

    @classmethod
    def gather(cls, project: Project) -> Variables:
        return cls(_first(project.records(READS)), _first(project.records(EXPLAINS)))

    @property
    def coverage(self) -> float:
        """The part of all variables that is explained."""
        known = sum(1 for each in self.read if each in self.explained)
        return known / len(self.read) if self.read else 0.0


def _first(records: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path, names in sorted(records.items()):
        for each in names:
            found.setdefault(each, path)
    return found
