"""Whether the API of a project shows its documentation to anybody."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from rules.kit import Extractor, Project, Source
from rules.kit.paths import is_module, is_script, is_test

_APPS = ("FastAPI", "NinjaAPI")


def _extract(source: Source) -> str | None:
    """`h` for an application that hides its documentation, `s` for one that shows it."""
    found = {"h" if _hides(call) else "s" for call in source.calls(*_APPS)}
    return "".join(sorted(found)) or None


def _hides(call: ast.Call) -> bool:
    return any(
        each.arg == "openapi_url" and isinstance(each.value, ast.Constant) and not each.value.value
        for each in call.keywords
    )


APPLICATIONS: Extractor[str] = Extractor(
    name="api_documentation",
    version=1,
    record=str,
    reads=lambda path: is_module(path) and not is_test(path) and not is_script(path),
    extract=_extract,
    reads_tests=False,
    wanted=lambda data: b"FastAPI(" in data or b"NinjaAPI(" in data,
)


@dataclass(frozen=True)
class ApiDocumentation:
    """`hidden` where every application of the project turns it off."""

    hidden: bool

    @classmethod
    def gather(cls, project: Project) -> ApiDocumentation:
        return cls(set("".join(project.records(APPLICATIONS).values())) == {"h"})
