"""Scripts and process managers that start as root and go on as somebody else."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from rules.kit import Extractor, Project, Source
from rules.kit.paths import name_of

_TOOLS = r"gosu|su-exec|setpriv|chpst|runuser|s6-setuidgid|setuidgid|su|sudo\s+-u"
_IN_SCRIPT = re.compile(
    rf"(?m)^[^#\n]*(?:^|[\s;&|(\"'])(?:exec\s+)?(?:/\S*/)?(?:{_TOOLS})\s+[-\w$\"'{{]"
    r"|--(?:uid|user|setuid)[= ]"
)
_IN_SETTINGS = re.compile(
    r"(?mi)^[ \t]*+(?:user|uid|setuid)(?:[ \t]*+=|[ \t])[ \t]*+(?!root\b|0\b)\S"
)
_SCRIPT = re.compile(
    r"(\.(sh|bash)|(^|/)([\w.-]*\.)?(?=[\w-]*(entry-?point|entry_point|start|run|init|boot|launch))"
    r"[\w-]*+)$"
)
_SETTINGS = re.compile(r"(^|/)(?=[\w.-]*(supervisor|uwsgi|circus|nginx|httpd|apache))[\w.-]*+$")


class Drop(msgspec.Struct, frozen=True):
    """The file starts something as another user than its own."""

    how: str


def _reads(path: str) -> bool:
    return bool(_SCRIPT.search(path) or _SETTINGS.search(path))


def _wanted(data: bytes) -> bool:
    return len(data) <= 64 * 1024


def _extract(source: Source) -> Drop | None:
    is_script = source.text.startswith("#!")
    for pattern in (_IN_SCRIPT,) if is_script else (_IN_SCRIPT, _IN_SETTINGS):
        found = pattern.search(source.text)
        if found is not None:
            return Drop(found[0].strip()[:80])
    return None


DROPS = Extractor("privilege_drops", 1, Drop, _reads, _extract, _wanted)


@dataclass(frozen=True)
class PrivilegeDrops:
    """The last parts of the paths of such files: an image has them under other folders."""

    names: frozenset[str]

    @classmethod
    def gather(cls, project: Project) -> PrivilegeDrops:
        return cls(frozenset(name_of(path) for path in project.records(DROPS)))
