"""The layers of a project: whether its routes leave the database to services or repositories."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rules.facts.python_modules import Modules, absolute_target
from rules.kit import Project
from rules.kit.paths import is_script, is_test

_INNER = re.compile(
    r"(^|/)(\w{1,40}_)?(services?|repositor(y|ies)|crud|dal|dao|use_?cases?|selectors)(_\w{1,40})?(\.py$|/)"
)
_MARK = re.compile(
    r"(^|\.)(\w{1,40}_)?(services?|repositor(y|ies)|crud|dal|dao|use_?cases?|selectors)(_\w{1,40})?(\.|$)"
)
_PARTS = frozenset({"Blueprint", "APIRouter", "APIBlueprint", "Router"})
_FEW = 2


def is_inner(path: str) -> bool:
    """Whether a module is a service or repository by its name."""
    return bool(_INNER.search(path)) and not is_test(path) and not is_script(path)


@dataclass(frozen=True)
class Layers:
    """`layered` where most modules with routes use services or repositories of the project."""

    layered: bool

    @classmethod
    def gather(cls, project: Project) -> Layers:
        modules: Modules = project.facts(Modules)
        inner = [path for path in modules.by_path if is_inner(path)]
        routing = [
            path
            for path, record in modules.by_path.items()
            if not is_test(path)
            and not is_inner(path)
            and any(each.func.rpartition(".")[2] in _PARTS for each in record.assignments)
        ]
        using = sum(1 for path in routing if _uses_inner(path, modules))
        enough = len(inner) >= _FEW and len(routing) >= _FEW
        return cls(enough and using * 2 > len(routing))


def _uses_inner(path: str, modules: Modules) -> bool:
    package = path.endswith("__init__.py")
    return any(
        _MARK.search(absolute_target(each, modules.name_of[path], is_package=package))
        for each in modules.by_path[path].imports.values()
    )
