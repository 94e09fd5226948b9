"""The exceptions that a project defines for itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rules.facts.python_modules import ClassRecord, Modules
from rules.kit import Project, paths

_ENDINGS = ("Error", "Exception", "Failure", "Failed")
_NO_DOMAIN = ("Test", "Mock", "Fake", "Dummy")
_FEWEST = 2
_HOMES = re.compile(r"(^|/)_?(exceptions?|errors?|exc)(/__init__)?\.py$")


@dataclass(frozen=True, slots=True)
class DomainError:
    path: str
    name: str


@dataclass(frozen=True, slots=True)
class Home:
    """A module that defines `count` exceptions."""

    path: str
    count: int


@dataclass(frozen=True)
class DomainErrors:
    """The exceptions by folder; nothing at all in a project that has but one."""

    by_folder: Mapping[str, Sequence[DomainError]]

    @classmethod
    def gather(cls, project: Project) -> DomainErrors:
        modules: Modules = project.facts(Modules)
        found: dict[str, list[DomainError]] = {}
        for path, record in sorted(modules.by_path.items()):
            if not record.classes or _is_aside(path):
                continue
            folder = path.rpartition("/")[0]
            for each in record.classes:
                if _is_error(each):
                    found.setdefault(folder, []).append(DomainError(path, each.name))
        enough = sum(len(each) for each in found.values()) >= _FEWEST
        return cls(found if enough else {})

    def near(self, path: str) -> Home | None:
        """The module whose exceptions code at this path might raise: beside it, or further up.

        Those of a module that is there for something else are its own affair.
        """
        folder = path.rpartition("/")[0]
        while True:
            for each in (
                folder,
                f"{folder}/exceptions".lstrip("/"),
                f"{folder}/errors".lstrip("/"),
            ):
                home = _home(self.by_folder.get(each, ()), path)
                if home is not None:
                    return home
            if not folder:
                return None
            folder = folder.rpartition("/")[0]


def _home(errors: Sequence[DomainError], asking: str) -> Home | None:
    counts = Counter(each.path for each in errors)
    homes = [each for each in counts if _is_home(each)]
    if counts[asking] >= _FEWEST:
        homes.append(asking)
    best = min(homes, key=lambda path: (-counts[path], path), default=None)
    return Home(best, counts[best]) if best is not None else None


def _is_home(path: str) -> bool:
    return bool(_HOMES.search(path))


def _is_aside(path: str) -> bool:
    return paths.is_test(path) or paths.is_script(path) or paths.is_generated(path)


def _is_error(record: ClassRecord) -> bool:
    return (
        record.name.endswith(_ENDINGS)
        and not record.name.startswith(("_", *_NO_DOMAIN))
        and any(base.endswith(_ENDINGS) for base in record.bases)
    )
