"""Which settings modules a file should take its configuration from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rules.facts.settings_modules import SettingsModules, Stage
from rules.kit import Project

_NAMED = re.compile(r"(^|\.)(settings?|config(uration)?|conf)(\.\w+)?$")


@dataclass(frozen=True)
class GoverningSettings:
    """Settings modules by the folder that their top package stands in."""

    by_root: Mapping[str, str]
    paths: frozenset[str]

    @classmethod
    def gather(cls, project: Project) -> GoverningSettings:
        settings: SettingsModules = project.facts(SettingsModules)
        found: dict[str, str] = {}
        for path in sorted(settings.by_path, key=lambda each: (each.count("/"), each)):
            known = settings.by_path[path]
            name = settings.modules.name_of[path]
            if known.stage in (Stage.TEST, Stage.LOCAL):
                continue
            if known.framework == "other" and not (_NAMED.search(name) and name.count(".") < 3):
                continue
            root = path.removesuffix(".py").removesuffix("/__init__")
            root = root.removesuffix(name.replace(".", "/")).rstrip("/")
            found.setdefault(root, path)
        return cls(found, frozenset(settings.by_path))

    def of(self, path: str) -> str | None:
        """The settings module that governs a file: that of the nearest folder above it."""
        folder = path.rpartition("/")[0]
        while True:
            if folder in self.by_root:
                return self.by_root[folder]
            if not folder:
                return None
            folder = folder.rpartition("/")[0]
