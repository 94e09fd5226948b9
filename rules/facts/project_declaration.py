"""What a project declares of itself: the oldest Python it runs on, and its frameworks."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from rules.kit import Extractor, Project, Source
from rules.kit.paths import is_script, is_test

FRAMEWORKS = ("django", "drf", "ninja", "flask", "fastapi", "starlette", "sqlalchemy", "pydantic")
_BRINGS = {
    "drf": ("django",),
    "ninja": ("django", "pydantic"),
    "fastapi": ("starlette", "pydantic"),
}
_PACKAGES = {
    "django": "django",
    "djangorestframework": "drf",
    "django-ninja": "ninja",
    "flask": "flask",
    "fastapi": "fastapi",
    "starlette": "starlette",
    "sqlalchemy": "sqlalchemy",
    "flask-sqlalchemy": "sqlalchemy",
    "sqlmodel": "sqlalchemy",
    "pydantic": "pydantic",
}
_MANIFEST = re.compile(
    r"(^|/)(pyproject\.toml|setup\.(cfg|py)|Pipfile|[\w.-]*requirements[\w.-]*\.(txt|in)"
    r"|requirements/[\w.-]+\.(txt|in))$"
)
_VERSION_FILE = re.compile(r"(^|/)(\.python-version|runtime\.txt)$")
_NAMES = "|".join(sorted(_PACKAGES, key=len, reverse=True))
_PACKAGE = re.compile(
    rf"""(?im)(?:^[ \t]{{0,8}}|["'])(?P<name>{_NAMES})(?:\[[\w, -]{{0,80}}\])?["']?[ \t]{{0,4}}"""
    r"""(?:$|[=<>~!;,#"'^]|@)"""
)
_KEYWORDS = re.compile(r"(?m)^[ \t]{0,8}keywords[ \t]{0,4}=[ \t]{0,4}[\[(][^\])]{0,2000}")
_REQUIRED = re.compile(
    r"""(?m)^[ \t]{0,8}["']?(?:requires-python|python_requires|python_version|python_full_version|python)["']?"""
    r"""[ \t]{0,4}=[ \t]{0,4}["']?[ \t]{0,4}(?P<op>[~^>=]{0,2})[ \t]{0,4}(?P<version>3\.\d{1,2})"""
)
_PLAIN = re.compile(r"^\s{0,4}(?:python-|cpython-)?(?P<version>3\.\d{1,2})")


def _is_declaration(path: str) -> bool:
    """A manifest of the project, and not of its documentation, examples or tests."""
    if not _MANIFEST.search(path) and not _VERSION_FILE.search(path):
        return False
    inside = f"{path.rpartition('/')[0]}/manifest"
    return not is_test(inside) and not is_script(inside)


class DeclarationRecord(msgspec.Struct, frozen=True, array_like=True):
    """What one file says; `python` empty where it does not."""

    python: str
    frameworks: tuple[str, ...]


def _extract(source: Source) -> DeclarationRecord | None:
    text = source.text
    required = _REQUIRED.search(text) or _PLAIN.match(text)
    packages = _KEYWORDS.sub("", text)
    found = {_PACKAGES[each["name"].lower()] for each in _PACKAGE.finditer(packages)}
    version = required["version"] if required is not None else ""
    return DeclarationRecord(version, tuple(sorted(found))) if version or found else None


DECLARATIONS = Extractor(
    name="project_declarations",
    version=1,
    record=DeclarationRecord,
    reads=_is_declaration,
    extract=_extract,
)


def with_what_they_bring(frameworks: tuple[str, ...]) -> tuple[str, ...]:
    """Frameworks with those that they are built on."""
    found = {*frameworks, *(each for one in frameworks for each in _BRINGS.get(one, ()))}
    return tuple(each for each in FRAMEWORKS if each in found)


@dataclass(frozen=True)
class ProjectDeclaration:
    """`python` is (3, 11), None where nothing says; `frameworks` those in its dependencies."""

    python: tuple[int, int] | None
    frameworks: tuple[str, ...]

    @classmethod
    def gather(cls, project: Project) -> ProjectDeclaration:
        records = project.records(DECLARATIONS)
        named = [(path, each.python) for path, each in records.items() if each.python]
        # What stands nearest to the top of the repository speaks for all of it.
        top = min((path.count("/") for path, _ in named), default=0)
        versions = [version_of(text) for path, text in named if path.count("/") == top]
        found = {name for each in records.values() for name in each.frameworks}
        used = tuple(each for each in FRAMEWORKS if each in found)
        return cls(min(versions, default=None), used)


def version_of(text: str) -> tuple[int, int]:
    """`3.11` as numbers that can be compared."""
    major, _, minor = text.partition(".")
    return int(major), int(minor.partition(".")[0])
