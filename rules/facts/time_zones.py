"""Whether the times of a project have a zone."""

from __future__ import annotations

from dataclasses import dataclass

from rules.facts.settings_modules import SettingsModules
from rules.kit import Project


@dataclass(frozen=True)
class TimeZones:
    """`aware` says it of the whole project: all of Django's settings that say anything say so."""

    aware: bool

    @classmethod
    def gather(cls, project: Project) -> TimeZones:
        known: SettingsModules = project.facts(SettingsModules)
        said = [
            one.value
            for path, module in known.by_path.items()
            if module.framework == "django"
            for one in known.modules.by_path[path].assignments
            if one.name == "USE_TZ"
        ]
        return cls(bool(said) and all(each == "True" for each in said))

    def at(self, path: str) -> bool:
        """Whether code at this path works with Django's aware times."""
        return self.aware and path.endswith(".py")
