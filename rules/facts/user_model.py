"""Which model the users of a Django project are."""

from __future__ import annotations

from dataclasses import dataclass

from rules.facts.settings_modules import SettingsModules
from rules.kit import Project


@dataclass(frozen=True)
class UserModel:
    """`chosen` is what `AUTH_USER_MODEL` says, empty where nothing sets it.

    `has_settings` says that the project has settings of Django: without, it is made to be installed
    in projects that may choose any model.
    """

    chosen: str
    has_settings: bool

    @classmethod
    def gather(cls, project: Project) -> UserModel:
        settings: SettingsModules = project.facts(SettingsModules)
        found = ""
        for path in sorted(settings.by_path):
            for each in settings.modules.by_path[path].assignments:
                if each.name == "AUTH_USER_MODEL":
                    found = each.value.strip("\"'") or "another model"
        django = any(each.framework == "django" for each in settings.by_path.values())
        return cls(found, django)

    @property
    def is_djangos(self) -> bool:
        return self.chosen == "auth.User"

    @property
    def is_open(self) -> bool:
        """Whether the project's own settings leave Django's model in place."""
        return not self.chosen and self.has_settings
