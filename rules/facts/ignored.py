"""Which paths a `.gitignore` leaves out, and which artifacts the tools of a project make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pathspec import GitIgnoreSpec

from rules.facts.settings_modules import SettingsModules
from rules.kit import Extractor, Project, Source

_MOST_LINES = 2_000
_LONGEST = 120
_MOST_STARS = 4  # more of them in one line take long to try out, and nobody writes them
_COVERAGE = re.compile(r"(^|/)(\.coveragerc|pyproject\.toml|setup\.cfg|tox\.ini)$")


@dataclass(frozen=True)
class Artifact:
    """What is written into `.gitignore`, a path that it must cover, and who makes it."""

    line: str
    example: str
    maker: str


def covers(text: str, path: str) -> bool:
    """Whether the lines of a `.gitignore` leave a path out."""
    lines = [
        each
        for each in text.splitlines()[:_MOST_LINES]
        if len(each) <= _LONGEST and each.count("*") <= _MOST_STARS
    ]
    return bool(GitIgnoreSpec.from_lines(lines).match_file(path))


def _configures_coverage(source: Source) -> bool | None:
    text = source.text
    said = "[tool.coverage" in text or "--cov" in text or "[coverage:" in text or "[run]" in text
    return True if said else None


COVERAGE: Extractor[bool] = Extractor(
    name="coverage_configured",
    version=1,
    record=bool,
    reads=lambda path: bool(_COVERAGE.search(path)),
    extract=_configures_coverage,
    wanted=lambda data: b"cov" in data or b"[run]" in data,
)


@dataclass(frozen=True)
class Artifacts:
    """What the tools that this project uses leave in its folder and do not ignore themselves."""

    made: tuple[Artifact, ...]

    @classmethod
    def gather(cls, project: Project) -> Artifacts:
        return cls(tuple(_made(project)))


def _made(project: Project) -> Iterator[Artifact]:
    paths = project.paths
    if any(each.endswith(".py") for each in paths):
        yield Artifact("__pycache__/", "shop/__pycache__/views.cpython-312.pyc", "Python")
    if project.records(COVERAGE):
        yield Artifact(".coverage", ".coverage", "coverage")
    if {".env.example", ".env.sample", ".env.template", ".env.dist", "example.env"} & paths:
        yield Artifact(".env", ".env", "the template of its variables")
    if "package.json" in paths:
        yield Artifact("node_modules/", "node_modules/left-pad/index.js", "npm")
    if _keeps_sqlite(project):
        yield Artifact("db.sqlite3", "db.sqlite3", "Django")


def _keeps_sqlite(project: Project) -> bool:
    if "manage.py" not in project.paths:
        return False
    settings: SettingsModules = project.facts(SettingsModules)
    return any(
        each.name == "DATABASES" and "db.sqlite3" in each.value
        for path in settings.by_path
        for each in settings.modules.by_path[path].assignments
    )
