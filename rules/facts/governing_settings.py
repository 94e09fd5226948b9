"""Which settings modules a file should take its configuration from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rules.facts.settings_modules import SettingsModules, Stage
from rules.kit import Project

_ENOUGH = 3
_DEEP = 3  # packages above settings
_NAMED = re.compile(r"(^|\.)(settings?|config(uration)?|conf)(\.\w+)?$")


@dataclass(frozen=True)
class GoverningSettings:
    """Settings modules by the folder that they govern.

    Those of Django serve all packages beside their own, others their own package.
    """

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
            if known.framework == "other" and not _is_central(path, name, settings):
                continue
            root = path.removesuffix(".py").removesuffix("/__init__")
            root = root.removesuffix(name.replace(".", "/")).rstrip("/")
            root = f"{root}/{_above(name)}".strip("/")
            top = name.partition(".")[0]
            if known.framework != "django" and top != name:
                root = f"{root}/{top}".lstrip("/")
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


def _above(name: str) -> str:
    """The folders above a project that stands deep in another one, such as a sample."""
    parts = name.split(".")
    depth = next((at for at, each in enumerate(parts) if "settings" in each), 0)
    return "/".join(parts[: depth - 1]) if depth >= _DEEP else ""


def _is_central(path: str, name: str, settings: SettingsModules) -> bool:
    """Whether a module of no framework is called settings, near the top, and holds some."""
    record = settings.modules.by_path[path]
    held = [*record.assignments, *(one for each in record.classes for one in each.fields)]
    public = {each.name for each in held if each.name.isupper() and not each.name.startswith("_")}
    return bool(_NAMED.search(name)) and name.count(".") < 3 and len(public) >= _ENOUGH
