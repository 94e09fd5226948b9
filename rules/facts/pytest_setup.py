"""How a project runs its tests: the settings of pytest, and whether anything measures coverage."""

from __future__ import annotations

import configparser
import re
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

import msgspec

from rules.kit import Extractor, Project, Source

_READ = re.compile(
    r"(^|/)(pyproject\.toml|pytest\.ini|\.pytest\.ini|tox\.ini|setup\.cfg|\.coveragerc|Makefile|makefile"
    r"|noxfile\.py|Jenkinsfile|justfile|Taskfile\.ya?ml|codecov\.ya?ml|\.codecov\.ya?ml|Pipfile)$"
    r"|(^|/)[^/]*requirements?[^/]*\.(txt|in)$|(^|/)requirements/[^/]+\.(txt|in)$|\.(sh|bash)$"
    r"|^\.(github|circleci|gitlab)/.+\.ya?ml$|(^|/)(\.gitlab-ci|azure-pipelines|bitbucket-pipelines|\.travis)\.ya?ml$"
    r"|(^|/)(docker-)?compose[^/]*\.ya?ml$|(^|/)Dockerfile[^/]*$"
)
_COVERAGE = re.compile(r"(?i)pytest.cov|--cov\b|coverage|codecov|coveralls")


class PytestRecord(msgspec.Struct, frozen=True, array_like=True):
    """One file. The settings are there where it has a section of pytest."""

    has_section: bool
    measures: bool
    files: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    testpaths: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()
    strict: bool = False


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def _lines(value: Any) -> tuple[str, ...]:
    given = value.splitlines() if isinstance(value, str) else value
    rows = (str(each).strip() for each in given) if isinstance(given, list) else ()
    return tuple(re.split(r"[:(\s]", each, maxsplit=1)[0] for each in rows if each)


def _section(source: Source) -> dict[str, Any] | None:
    text = source.text
    if "[tool.pytest" in text:
        try:
            tool = tomllib.loads(text).get("tool", {}).get("pytest", {})
        except (tomllib.TOMLDecodeError, RecursionError, AttributeError):
            return None
        found = tool.get("ini_options", tool) if isinstance(tool, dict) else None
        return found if isinstance(found, dict) else None
    name = "tool:pytest" if "[tool:pytest]" in text else "pytest" if "[pytest]" in text else ""
    if not name:
        return None
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
        return dict(parser[name])
    except (configparser.Error, KeyError):
        return None


def _extract(source: Source) -> PytestRecord | None:
    measures = bool(_COVERAGE.search(source.text))
    found = _section(source)
    if found is None:
        return PytestRecord(False, True) if measures else None
    options = " ".join(_words(found.get("addopts", "")))
    strict = (
        "strict" in options
        or str(found.get("strict_markers", found.get("strict", ""))).lower() == "true"
    )
    return PytestRecord(
        True,
        measures,
        _words(found.get("python_files", "")),
        _words(found.get("python_classes", "")),
        _words(found.get("python_functions", "")),
        _words(found.get("testpaths", "")),
        _lines(found.get("markers", "")),
        strict,
    )


PYTEST: Extractor[PytestRecord] = Extractor(
    name="pytest_setup",
    version=1,
    record=PytestRecord,
    reads=lambda path: bool(_READ.search(path)),
    extract=_extract,
    wanted=lambda data: b"pytest" in data or b"cov" in data.lower(),
)


@dataclass(frozen=True)
class PytestSetup:
    """The nearest section of pytest counts for a file; `measures` says that coverage is known."""

    sections: dict[str, PytestRecord]
    measures: bool

    @classmethod
    def gather(cls, project: Project) -> PytestSetup:
        records = project.records(PYTEST)
        sections = {path: each for path, each in records.items() if each.has_section}
        return cls(sections, any(each.measures for each in records.values()))

    def over(self, path: str) -> PytestRecord | None:
        """The settings in the nearest folder above a file; None where there are none or several."""
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            here = [r for p, r in self.sections.items() if p.rpartition("/")[0] == folder]
            if here:
                return here[0] if len(here) == 1 else None
        return None


def collects(record: PytestRecord, path: str) -> bool:
    """Whether pytest takes a file of this name for one of tests."""
    forms = record.files or ("test_*.py", "*_test.py")
    name = path.rpartition("/")[2]
    return any(fnmatch(name, each) or fnmatch(path, f"*{each}") for each in forms)


def takes(forms: tuple[str, ...], usual: str, name: str) -> bool:
    """Whether a class or function of this name is collected."""
    return any(name.startswith(each) or fnmatch(name, each) for each in forms or (usual,))
