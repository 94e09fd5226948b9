"""The filters and tags that a project gives its templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rules.facts.python_modules import Modules
from rules.kit import Project

_MARKS = (
    "register.filter",
    "register.simple_tag",
    "register.inclusion_tag",
    "register.assignment_tag",
)


@dataclass(frozen=True)
class TemplateTags:
    """The file and function behind the name of a tag or filter."""

    by_name: Mapping[str, tuple[str, str]]

    @classmethod
    def gather(cls, project: Project) -> TemplateTags:
        modules: Modules = project.facts(Modules)
        found: dict[str, tuple[str, str]] = {}
        for path, record in modules.by_path.items():
            if "templatetags/" not in path:
                continue
            for each in record.functions:
                if any(mark.endswith(_MARKS) for mark in each.decorators):
                    found.setdefault(each.name, (path, each.name))
        return cls(found)
