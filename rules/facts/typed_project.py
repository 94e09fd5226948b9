"""Whether a project has its types checked, its docstrings written, and its Python declared."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rules.kit import Extractor, Project, Source

_READ = re.compile(
    r"(^|/)(pyproject\.toml|setup\.(cfg|py)|tox\.ini|mypy\.ini|\.mypy\.ini|pyrightconfig\.json|Pipfile"
    r"|\.pre-commit-config\.yaml|runtime\.txt|ruff\.toml|\.ruff\.toml)$"
)
_CHECKS = re.compile(
    r"\[tool\.(mypy|pyright|basedpyright|ty|pyrefly)|\[mypy|mirrors-mypy|\"typeCheckingMode\""
)
_LOOSE = re.compile(
    r"(?m)^[ \t]*(ignore_errors|disallow_untyped_defs)[ \t]*=[ \t]*(true|True|false|False)"
)
_PYTHON = re.compile(
    r"requires-python|python_requires|python_version|(?m:^python[ \t]*=)|(?m:^python-3)"
)
_DOCS = re.compile(r"\[tool\.(pydocstyle|interrogate|docformatter)|\[pydocstyle\]")


def _extract(source: Source) -> str | None:
    text = source.text
    found = "t" if _CHECKS.search(text) else ""
    loose = {
        match[1]
        for match in _LOOSE.finditer(text)
        if match[2].lower() == "true" and match[1][0] == "i"
    }
    found += "l" if loose else ""
    found += "p" if _PYTHON.search(text) else ""
    found += "d" if _DOCS.search(text) else ""
    return found or None


DECLARES: Extractor[str] = Extractor(
    name="declared_tools",
    version=2,
    record=str,
    reads=lambda path: bool(_READ.search(path)),
    extract=_extract,
)


@dataclass(frozen=True)
class TypedProject:
    """`checks` types, has a tool that `documents` alone, declares its `python`."""

    checks: bool
    documents: bool
    python: bool

    @classmethod
    def gather(cls, project: Project) -> TypedProject:
        found = "".join(project.records(DECLARES).values())
        versioned = any(
            path.rpartition("/")[2]
            in (".python-version", "runtime.txt", ".tool-versions", "mise.toml")
            for path in project.paths
        )
        return cls("t" in found and "l" not in found, "d" in found, "p" in found or versioned)
