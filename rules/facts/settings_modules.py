"""Which modules are settings, and which environment each of them serves.

Three things tell: the names (`settings/production.py`), who builds on whom
(`from .base import *`), and who starts what (`DJANGO_SETTINGS_MODULE` in `manage.py`,
`wsgi.py`, a Dockerfile, the configuration of pytest).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum

from rules.facts.python_modules import ModuleRecord, Modules, absolute_target
from rules.kit import Extractor, Project, Source, paths


class Stage(Enum):
    """Whom a settings module serves. `MAIN` is the only one of its project: everybody."""

    MAIN = "main"
    BASE = "base"
    PRODUCTION = "production"
    LOCAL = "local"
    TEST = "test"


_STAGES: Mapping[Stage, frozenset[str]] = {
    Stage.TEST: frozenset({"test", "tests", "testing", "unittest", "ci", "e2e", "pytest", "tox"}),
    Stage.LOCAL: frozenset(
        {"local", "dev", "devel", "develop", "development", "debug", "docker", "sandbox", "demo"}
        | {"example", "sample", "vagrant", "gitpod", "codespaces", "proxito", "build", "docs"}
    ),
    Stage.PRODUCTION: frozenset(
        {"prod", "production", "live", "staging", "stage", "deploy", "deployment", "heroku"}
    ),
    Stage.BASE: frozenset({"base", "common", "default", "defaults", "shared", "core"}),
}
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_DJANGO_MARKS = frozenset(
    {"INSTALLED_APPS", "MIDDLEWARE", "MIDDLEWARE_CLASSES", "ROOT_URLCONF", "WSGI_APPLICATION"}
)
_FILE_NAMES = re.compile(
    r"(^|/)(settings?|config(uration)?s?|conf)(_\w+)?\.py$|(^|/)\w+_(settings|config)\.py$"
)
_FOLDERS = re.compile(r"(^|/)(settings|configs?)/(components/|environments?/)?[^/]+\.py$")


def stage_named(name: str) -> Stage | None:
    """The environment that a name speaks of: `settings_dev`, `ProductionConfig`."""
    words = {each.lower() for each in _WORD.findall(name)}
    return next((stage for stage, marks in _STAGES.items() if words & marks), None)


_MENTION = re.compile(
    r"""DJANGO_SETTINGS_MODULE["']?+\s*+(?:\]\s*+)?(?:,|=|:-|:|(?<=\s))\s*+["']?([A-Za-z_][\w.]*)"""
    r"""|--(?:settings|ds)[= ]["']?([A-Za-z_][\w.]*)"""
    r"""|from_object\(\s*["']([A-Za-z_][\w.]*)"""
)
_MENTIONING = re.compile(
    r"(^|/)(Dockerfile[^/]*|Procfile|Makefile|(docker-)?compose[^/]*\.ya?ml|\.env[^/]*"
    r"|(pytest|tox|uwsgi|supervisord)\.ini|setup\.cfg|pyproject\.toml)$"
    r"|^[^/]+\.ya?ml$|^\.github/workflows/[^/]+$|\.py$"
)
_RUNS_TESTS = re.compile(
    r"(^|/)((pytest|tox)\.ini|setup\.cfg|pyproject\.toml|conftest\.py|runtests\.py)$|^\.github/"
)
_RUNS_PRODUCTION = re.compile(r"(^|/)(wsgi|asgi|Procfile|Dockerfile|uwsgi|supervisord)")


def _mentions(source: Source) -> tuple[str, ...] | None:
    """Names of settings modules; those that Flask loads begin with `flask:`."""
    found = set()
    for each in _MENTION.finditer(source.text):
        found.add(f"flask:{each[3]}" if each[3] else each[1] or each[2])
    return tuple(sorted(found)) or None


MENTIONS: Extractor[tuple[str, ...]] = Extractor(
    name="settings_mentions",
    version=1,
    record=tuple[str, ...],
    reads=lambda path: bool(_MENTIONING.search(path)),
    extract=_mentions,
    reads_tests=False,
    wanted=lambda data: (
        b"DJANGO_SETTINGS_MODULE" in data
        or b"--ds" in data
        or b"--settings" in data
        or b"from_object" in data
    ),
)


@dataclass(frozen=True)
class SettingsModule:
    """`framework` is django, flask, pydantic or other. `heirs` build on it by a star import."""

    path: str
    framework: str
    stage: Stage
    heirs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SettingsModules:
    """The settings modules of a project by path."""

    by_path: Mapping[str, SettingsModule]
    modules: Modules

    @classmethod
    def gather(cls, project: Project) -> SettingsModules:
        modules: Modules = project.facts(Modules)
        heirs = _heirs(modules)
        started = _started(project, modules)
        django = _django(modules, heirs, started)
        found = {}
        flask = _loaded_by_flask(project, modules)
        for path, record in modules.by_path.items():
            framework = "django" if path in django else "flask" if path in flask else ""
            framework = framework or _framework(path, record)
            if framework:
                below = frozenset(heirs[path])
                stage = _stage(path, started.get(path, set()), below)
                found[path] = SettingsModule(path, framework, stage, below)
        return cls(found, modules)

    def at(self, path: str) -> SettingsModule | None:
        """The settings module that this file is, if it is one."""
        return self.by_path.get(path)

    def serves_production(self, path: str) -> bool:
        """Whether a server in production may run with the values of this module."""
        known = self.by_path.get(path)
        return known is not None and known.stage not in (Stage.LOCAL, Stage.TEST)

    def is_overridden(self, path: str, name: str) -> bool:
        """Whether each production module that builds on this one sets `name` for itself.

        False where no production module builds on it: then its own value counts.
        """
        heirs = [each for each in self._all_heirs(path) if self._is_final(each)]
        return bool(heirs) and all(name in self._bound_by(each, path) for each in heirs)

    def _all_heirs(self, path: str) -> Iterator[str]:
        seen = {path}
        queue = [path]
        while queue:
            at = queue.pop()
            known = self.by_path.get(at)
            for heir in sorted(known.heirs - seen) if known else ():
                seen.add(heir)
                queue.append(heir)
                yield heir

    def _is_final(self, path: str) -> bool:
        known = self.by_path.get(path)
        return known is not None and known.stage in (Stage.PRODUCTION, Stage.MAIN)

    def _bound_by(self, heir: str, base: str) -> AbstractSet[str]:
        """What `heir`, or a module between it and `base`, assigns."""
        bound: set[str] = set()
        between = {heir} | (set(self._ancestors(heir)) & set(self._all_heirs(base)))
        for each in between:
            bound |= {one.name for one in self.modules.by_path[each].assignments}
        return bound

    def _ancestors(self, path: str) -> Iterator[str]:
        for other in self.by_path:
            if path in set(self._all_heirs(other)):
                yield other


def _heirs(modules: Modules) -> defaultdict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path, record in modules.by_path.items():
        for star in record.stars:
            source = star_source(path, star, modules)
            if source is not None and source != path:
                found[source].add(path)
    return found


def star_source(path: str, star: str, modules: Modules) -> str | None:
    """The file that `from star import *` takes its names from, if it is of the project."""
    name = absolute_target(star, modules.name_of[path], is_package=path.endswith("__init__.py"))
    return modules.path_of.get(name) or _beside(path, star, modules)


def _beside(path: str, star: str, modules: Modules) -> str | None:
    """The file of a star import where folders without `__init__.py` hide the package's name."""
    level = len(star) - len(star.lstrip("."))
    folder = path.split("/")[:-1]
    if level:
        folder = folder[: len(folder) - level + 1]
    target = "/".join([*folder, *star.lstrip(".").split(".")])
    return next(
        (p for p in (f"{target}.py", f"{target}/__init__.py") if p in modules.by_path), None
    )


def _started(project: Project, modules: Modules) -> dict[str, set[Stage]]:
    """Settings modules that something names, with what that something runs."""
    found: dict[str, set[Stage]] = defaultdict(set)
    for path, names in project.records(MENTIONS).items():
        if paths.is_test(path) or _RUNS_TESTS.search(path):
            runs = Stage.TEST
        else:
            runs = Stage.PRODUCTION if _RUNS_PRODUCTION.search(path) else Stage.MAIN
        for name in names:
            if name.startswith("flask:"):
                continue
            target = modules.path_of.get(name) or _by_suffix(name, modules)
            if target is not None:
                found[target].add(runs)
    return found


def _loaded_by_flask(project: Project, modules: Modules) -> set[str]:
    """Modules that `app.config.from_object("shop.config.Production")` names."""
    found = set()
    for names in project.records(MENTIONS).values():
        for name in names:
            full = name.removeprefix("flask:")
            if full != name:
                found |= _holding(full, modules)
    return found


def _holding(full: str, modules: Modules) -> set[str]:
    """The module of this name, or the one that holds a class of this name."""
    whole = modules.path_of.get(full)
    if whole is not None:
        return {whole}
    module, _, name = full.rpartition(".")
    path = modules.path_of.get(module)
    if path is not None and any(each.name == name for each in modules.by_path[path].classes):
        return {path}
    return set()


def _by_suffix(name: str, modules: Modules) -> str | None:
    tail = name.replace(".", "/")
    ends = (f"/{tail}.py", f"/{tail}/__init__.py")
    found = [each for each in modules.by_path if f"/{each}".endswith(ends)]
    return found[0] if len(found) == 1 else None


def _django(
    modules: Modules, heirs: Mapping[str, set[str]], started: Mapping[str, set[Stage]]
) -> set[str]:
    """Modules with Django's own settings, and what is linked to those by star imports."""
    found = {
        path
        for path, record in modules.by_path.items()
        if path in started or _has_marks(record) or ("INSTALLED_APPS" in _constants(record))
    }
    sources: dict[str, set[str]] = defaultdict(set)
    for source, below in heirs.items():
        for heir in below:
            sources[heir].add(source)
    queue = list(found)
    while queue:
        at = queue.pop()
        for near in (heirs.get(at, set()) | sources[at]) - found:
            if _constants(modules.by_path[near]) or modules.by_path[near].stars:
                found.add(near)
                queue.append(near)
    return found


def _constants(record: ModuleRecord) -> set[str]:
    return {each.name for each in record.assignments if each.name.isupper()}


def _has_marks(record: ModuleRecord) -> bool:
    return len(_constants(record) & _DJANGO_MARKS) > 1


def _framework(path: str, record: ModuleRecord) -> str:
    """`pydantic` by its classes; `other` where name and content speak of settings."""
    bases = {base.rpartition(".")[2] for each in record.classes for base in each.bases}
    if "BaseSettings" in bases:
        return "pydantic"
    by_name = _FILE_NAMES.search(path) or _FOLDERS.search(path)
    if not by_name or paths.is_test(path):
        return ""
    in_classes = any(one.name.isupper() for each in record.classes for one in each.fields)
    return "other" if in_classes or _constants(record) else ""


def _stage(path: str, runs: AbstractSet[Stage], heirs: AbstractSet[str]) -> Stage:
    stem = path.removesuffix(".py").removesuffix("/__init__")
    folder, _, name = stem.rpartition("/")
    named = stage_named(name) or stage_named(folder.rpartition("/")[2])
    if named is None and paths.is_test(path):
        return Stage.TEST
    if named is not None:
        return named
    if Stage.PRODUCTION in runs:
        return Stage.PRODUCTION
    if runs == {Stage.TEST} and not heirs:
        return Stage.TEST
    return Stage.BASE if heirs else Stage.MAIN
