"""Which Python files name which templates."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from rules.kit import Extractor, Project, Source
from rules.kit.paths import is_test

_NAME = re.compile(r"[\"']([\w./:-]{1,200}\.(?:html|jinja2?|j2|htm))[\"']")


class NamesRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    names: tuple[str, ...]


def extract(source: Source) -> NamesRecord | None:
    names = sorted(set(_NAME.findall(source.text)))
    return NamesRecord(tuple(names)) if names else None


USERS = Extractor(
    name="template_users",
    version=1,
    record=NamesRecord,
    reads=lambda path: path.endswith(".py") and not is_test(path),
    extract=extract,
    wanted=lambda data: b".html" in data or b".j2" in data or b".jinja" in data,
)


@dataclass(frozen=True)
class TemplateUsers:
    """Python files by the last part of the names of templates that they write out."""

    by_name: Mapping[str, tuple[str, ...]]

    @classmethod
    def gather(cls, project: Project) -> TemplateUsers:
        found: dict[str, list[str]] = defaultdict(list)
        for path, record in project.records(USERS).items():
            for name in {each.rpartition("/")[2] for each in record.names}:
                found[name].append(path)
        return cls({name: tuple(sorted(paths)) for name, paths in found.items()})
