"""Whether the project keeps a changelog with each change, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rules.kit import Extractor, Project, Source

_FILE = re.compile(
    r"(?i)^(docs/)?(CHANGELOG|CHANGES|HISTORY|NEWS|RELEASE[_-]?NOTES)(\.(md|rst|txt))?$"
)
_FRAGMENTS = re.compile(
    r"(?i)(^|/)(newsfragments?|changelog\.d|changes\.d|\.changeset|\.changes|changelog_unreleased"
    r"|CHANGES)/(?P<name>[^/]+(/[^/]+)?)$"
)
_OPEN = re.compile(
    r"(?i)\bunreleased\b|\bin development\b|\bupcoming\b|\bnot yet released\b|\.dev\d*\b"
)
_HEAD = 1500  # characters


def _is_open(source: Source) -> bool | None:
    return bool(_OPEN.search(source.text[:_HEAD]))


OPEN_CHANGELOGS: Extractor[bool] = Extractor(
    name="open_changelogs",
    version=1,
    record=bool,
    reads=lambda path: bool(_FILE.match(path)),
    extract=_is_open,
)


def is_changelog(path: str) -> bool:
    """Whether a file is a changelog, or a fragment of the next one."""
    return bool(_FILE.match(path) or _FRAGMENTS.search(path))


@dataclass(frozen=True)
class Changelog:
    """`place` is the file with a section for what is not released yet, or the folder of fragments."""

    place: str

    @classmethod
    def gather(cls, project: Project) -> Changelog:
        opened = sorted(path for path, yes in project.records(OPEN_CHANGELOGS).items() if yes)
        if opened:
            return cls(opened[0])
        for path in sorted(project.paths):
            found = _FRAGMENTS.search(path)
            if found is not None:
                return cls(path[: found.start("name") - 1])
        return cls("")

    def speaks_of(self, path: str) -> bool:
        """Whether changes of a file belong into it: those of the folder that it stands in."""
        folder = self.place.rpartition("/")[0]
        return folder in ("", "docs") or path.startswith(f"{folder}/")
