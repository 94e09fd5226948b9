"""How a web project is laid out: applications, blueprints, factories, and who imports them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rules.facts.python_modules import ModuleRecord, Modules, absolute_target
from rules.kit import Project
from rules.kit.paths import is_script, is_test

_PARTS = frozenset({"Blueprint", "APIRouter", "APIBlueprint", "SmorestBlueprint", "Router"})
_APPLICATIONS = frozenset({"Flask", "FastAPI", "APIFlask", "Quart", "Starlette", "OpenAPI"})
_FACTORY = re.compile(
    r"^(create|make|build|get|init)_(flask_|fastapi_)?(app|application|api)$|^app_factory$"
)
_ENTRY = re.compile(
    r"(^|/)(wsgi|asgi|manage|run|main|serve|server|gunicorn[^/]{0,30}|conftest|__main__)\.py$"
)


@dataclass(frozen=True)
class WebLayout:
    """`parts` are the files that hold blueprints or routers, `factories` those with a factory.

    `importers` maps a file with an application at its top to the files that import it from there.
    """

    parts: frozenset[str]
    factories: frozenset[str]
    importers: Mapping[str, frozenset[str]]

    @classmethod
    def gather(cls, project: Project) -> WebLayout:
        modules: Modules = project.facts(Modules)
        own = {p: r for p, r in modules.by_path.items() if not is_test(p) and not is_script(p)}
        parts = frozenset(path for path, record in own.items() if _makes(record, _PARTS))
        factories = frozenset(
            path for path, r in own.items() if any(_FACTORY.match(e.name) for e in r.functions)
        )
        applications = {
            f"{modules.name_of[path]}.{name}": path
            for path, record in own.items()
            for name in _made(record, _APPLICATIONS)
        }
        importers: dict[str, set[str]] = {}
        for path, record in own.items() if applications else ():
            if _ENTRY.search(path):
                continue
            package = path.endswith("__init__.py")
            for target in record.imports.values():
                full = absolute_target(target, modules.name_of[path], is_package=package)
                home = applications.get(full)
                if home is not None and home != path:
                    importers.setdefault(home, set()).add(path)
        return cls(parts, factories, {home: frozenset(each) for home, each in importers.items()})


def _made(record: ModuleRecord, kinds: frozenset[str]) -> list[str]:
    return [e.name for e in record.assignments if e.func.rpartition(".")[2] in kinds]


def _makes(record: ModuleRecord, kinds: frozenset[str]) -> bool:
    return bool(_made(record, kinds))
