"""Which version of Pydantic a project runs on, and which of its classes are Pydantic's."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rules.facts.pinned_versions import is_manifest
from rules.facts.python_classes import Classes
from rules.kit import Extractor, Project, Source
from rules.kit.paths import is_module

_REQUIRED = re.compile(
    r"(?m)^[ \t]*[\"']?pydantic(?:\[[\w,-]{1,60}\])?[\"']?[ \t]*(?:[=~^<>!]{1,3}|=[ \t]*\{?[^\"'\n]{0,40})"
    r"[ \t]*[\"'^~>=v]{0,4}(?P<major>[12])\b"
)
_LOCKED = re.compile(r"name = \"pydantic\"\s{1,4}version = \"(?P<major>\d)")
_SECOND = re.compile(
    r"\b(field_validator|model_validator|field_serializer|model_serializer|ConfigDict|TypeAdapter"
    r"|computed_field|pydantic_settings|model_config|model_dump)\b"
)
_BASES = frozenset(
    {"pydantic.BaseModel", "pydantic.main.BaseModel", "pydantic.generics.GenericModel"}
)


def _extract(source: Source) -> str | None:
    if source.tree is not None:
        return "2" if _SECOND.search(source.text) else None
    found = {match["major"] for match in _REQUIRED.finditer(source.text)}
    found |= {match["major"] for match in _LOCKED.finditer(source.text)}
    return "".join(sorted(found)) or None


VERSIONS: Extractor[str] = Extractor(
    name="pydantic_versions",
    version=1,
    record=str,
    reads=lambda path: is_module(path) or is_manifest(path),
    extract=_extract,
    reads_tests=False,
    wanted=lambda data: b"pydantic" in data,
)


@dataclass(frozen=True)
class Pydantic:
    """`second` where the project runs on version 2 and on no other."""

    second: bool
    classes: Classes

    @classmethod
    def gather(cls, project: Project) -> Pydantic:
        records = project.records(VERSIONS)
        required = {v for path, each in records.items() if not is_module(path) for v in each}
        used = {each for path, each in records.items() if is_module(path)}
        second = required == {"2"} or (not required and "2" in used)
        return cls(second, project.facts(Classes))

    def is_model(self, name: str) -> bool:
        """Whether a dotted name is that of a model, of the project or Pydantic's own."""
        key = self.classes.find(name)
        line = self.classes.lineage(key) if key else (name,)
        return any(each in _BASES for each in line)
