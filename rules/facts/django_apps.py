"""The Django apps of a project: their folders, labels and migrations."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import dirname

from rules.facts.python_modules import Modules
from rules.kit import Project
from rules.kit.paths import is_test

_NAME = re.compile(r"""["'](\w[\w.]*)["']""")


@dataclass(frozen=True)
class App:
    """One app. `migrations` is the folder of its migrations, empty if it has none."""

    folder: str
    label: str
    migrations: str


@dataclass(frozen=True)
class Apps:
    """Apps by folder. `user_model` is the label of the user model: `accounts.User`.

    `installed` are the names that settings install; `moved` the labels of apps whose migrations
    settings put elsewhere, or switch off.
    """

    by_folder: Mapping[str, App]
    user_model: str
    installed: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()

    @classmethod
    def gather(cls, project: Project) -> Apps:
        modules: Modules = project.facts(Modules)
        labels = _labels(modules)
        moved = _moved_migrations(modules)
        migrations = _migration_folders(project.paths)
        homes = {*labels, *(dirname(each) for each in migrations)}
        for path in modules.by_path:
            if path.endswith("/models.py") or path == "models.py":
                homes.add(dirname(path))
            elif path.endswith("/models/__init__.py"):
                homes.add(dirname(dirname(path)))
        found = {}
        for folder in homes:
            label = labels.get(folder) or folder.rpartition("/")[2]
            place = f"{folder}/migrations" if folder else "migrations"
            where = moved.get(label, place if place in migrations else "")
            found[folder] = App(folder, label, where)
        return cls(found, _user_model(modules), _installed(modules), frozenset(moved))

    def installs(self, folder: str) -> bool:
        """Whether settings install the app of a folder, by its name or its configuration."""
        name = folder.replace("/", ".")
        return any(
            f".{name}".endswith(f".{each}") or f".{each}".startswith(f".{name}.apps.")
            for each in self.installed
            if each
        )

    def of(self, path: str) -> App | None:
        """The app that a file belongs to: the nearest folder above it that is one."""
        folder = dirname(path)
        while True:
            if folder in self.by_folder:
                return self.by_folder[folder]
            if not folder:
                return None
            folder = dirname(folder)

    def label_of(self, path: str) -> str:
        app = self.of(path)
        return app.label if app is not None else ""

    def with_label(self, label: str) -> App | None:
        """The app of this label, if there is exactly one with migrations, or exactly one."""
        fitting = [each for each in self.by_folder.values() if each.label == label]
        migrated = [each for each in fitting if each.migrations]
        chosen = migrated or fitting
        return chosen[0] if len(chosen) == 1 else None


def _migration_folders(paths: frozenset[str]) -> frozenset[str]:
    """Folders named `migrations` that hold a Django migration or a package for one."""
    return frozenset(
        dirname(each)
        for each in paths
        if each.endswith(".py") and dirname(each).rpartition("/")[2] == "migrations"
    )


def _labels(modules: Modules) -> dict[str, str]:
    """Folder -> label, from the configurations in `apps.py` or in the package itself."""
    found: dict[str, str] = {}
    for path, record in modules.by_path.items():
        if path.rpartition("/")[2] not in ("apps.py", "__init__.py"):
            continue
        for each in record.classes:
            if not any(base.rpartition(".")[2].endswith("Config") for base in each.bases):
                continue
            said = {f.name: f.value.strip("'\"") for f in each.fields if f.value}
            if "name" in said or "label" in said:
                found[dirname(path)] = said.get("label") or said["name"].rpartition(".")[2]
    return found


def _moved_migrations(modules: Modules) -> dict[str, str]:
    """Label -> folder, where the setting MIGRATION_MODULES says so; empty for none."""
    found: dict[str, str] = {}
    for record in modules.by_path.values():
        for each in record.assignments:
            if each.name != "MIGRATION_MODULES" or not each.value:
                continue
            try:
                given = ast.literal_eval(each.value)
            except (ValueError, SyntaxError):
                continue
            if isinstance(given, dict):
                for label, module in given.items():
                    found[str(label)] = _folder_of(modules, str(module)) if module else ""
    return found


def _installed(modules: Modules) -> frozenset[str]:
    """The dotted names in INSTALLED_APPS and in the lists that it is put together from."""
    found: set[str] = set()
    for path, record in modules.by_path.items():
        lists = [each for each in record.assignments if each.name.endswith("_APPS")]
        if lists and not is_test(path):
            found |= {name for each in lists for name in _NAME.findall(each.value)}
    return frozenset(found)


def _folder_of(modules: Modules, module: str) -> str:
    path = modules.path_of.get(module, "")
    return dirname(path) if path else module.replace(".", "/")


def _user_model(modules: Modules) -> str:
    for record in modules.by_path.values():
        for each in record.assignments:
            if each.name == "AUTH_USER_MODEL" and each.value[:1] in "'\"":
                return each.value.strip("'\"")
    return "auth.User"
