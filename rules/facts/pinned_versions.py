"""Exact versions of packages of the Python index that manifests and lock files name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from rules.kit import FileChange

_REQUIREMENTS = re.compile(
    r"(^|/)(?=[\w.-]*requirements|constraints)[\w.-]+\.(txt|in)$|(^|/)requirements/[^/]+\.(txt|in)$"
)
_LOCK = re.compile(r"(^|/)(poetry|uv|pdm|pylock[\w.-]*)\.(lock|toml)$")
_PIPFILE_LOCK = re.compile(r"(^|/)Pipfile\.lock$")
_PROJECT = re.compile(r"(^|/)(pyproject\.toml|Pipfile)$")
_DEV = re.compile(r"dev|test|lint|docs?\b|ci\b", re.IGNORECASE)
_PINNED = re.compile(
    r"^\s*(?P<name>[A-Za-z0-9][\w.-]*)[ \t]*(?:\[[^\]]*\][ \t]*)?===?\s*(?P<version>[\w.!+]+)"
)
_QUOTED = re.compile(
    r"""["'](?P<name>[A-Za-z0-9][\w.-]*)[ \t]*(?:\[[^\]"']*\][ \t]*)?===?\s*(?P<version>[\w.!+]+)"""
)
_POETRY = re.compile(
    r"""^(?P<name>[A-Za-z0-9][\w.-]*)\s*=\s*(?:\{[^}]*?version\s*=\s*)?["'](?:===?\s*)?(?P<version>\d[\w.!+]*)["']"""
)
_SECTION = re.compile(r"^\s*\[{1,2}(?P<name>[^\[\]]+)\]")
_NAME = re.compile(r"""^name\s*=\s*["'](?P<name>[\w.-]+)["']""")
_VERSION = re.compile(r"""^version\s*=\s*["'](?P<version>[\w.!+]+)["']""")
_PIPFILE_NAME = re.compile(r"""^ {8}"(?P<name>[\w.-]+)": \{""")
_PIPFILE_VERSION = re.compile(r"""^ {12}"version": "==(?P<version>[\w.!+]+)\"""")
_MOST = 20_000  # lines


@dataclass(frozen=True, slots=True)
class Pin:
    """`line` is 1-based; `name` normalised; `dev` where the file or section says so."""

    name: str
    version: str
    line: int
    dev: bool


def is_manifest(path: str) -> bool:
    return any(each.search(path) for each in (_REQUIREMENTS, _LOCK, _PIPFILE_LOCK, _PROJECT))


def pins_in(path: str, text: str) -> tuple[Pin, ...]:
    """The exact versions that a file names; none for other files."""
    lines = text.splitlines()[:_MOST]
    if _LOCK.search(path):
        found = _locked(lines)
    elif _PIPFILE_LOCK.search(path):
        found = _pipfile_locked(lines)
    elif _PROJECT.search(path):
        found = _project(lines)
    elif _REQUIREMENTS.search(path):
        found = _required(lines, dev=bool(_DEV.search(path.rpartition("/")[2])))
    else:
        return ()
    return tuple(each for each in found if _is_version(each.version))


def introduced_pins(change: FileChange) -> tuple[Pin, ...]:
    """The pins of a changed manifest that it did not name before."""
    if not change.after or not is_manifest(change.path):
        return ()
    old = pins_in(change.old_path, (change.before or b"").decode("utf-8", "replace"))
    known = {(each.name, each.version) for each in old}
    new = pins_in(change.path, change.after.decode("utf-8", "replace"))
    return tuple(each for each in new if (each.name, each.version) not in known)


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _required(lines: list[str], *, dev: bool) -> Iterator[Pin]:
    for number, line in enumerate(lines, start=1):
        match = _PINNED.match(line)
        if match is not None:
            yield Pin(canonicalize_name(match["name"]), match["version"], number, dev)


def _project(lines: list[str]) -> Iterator[Pin]:
    section = ""
    for number, line in enumerate(lines, start=1):
        head = _SECTION.match(line)
        if head is not None and "=" not in line.partition("]")[0]:
            section = head["name"]
            continue
        plain = "poetry" in section or section in ("packages", "dev-packages")
        dev = bool(_DEV.search(section))
        matches = [*_QUOTED.finditer(line)]
        if (
            not matches
            and plain
            and "dependencies" in section + "dependencies" * section.endswith("packages")
        ):
            poetry = _POETRY.match(line)
            matches = [poetry] if poetry is not None else []
        for match in matches:
            yield Pin(canonicalize_name(match["name"]), match["version"], number, dev)


def _locked(lines: list[str]) -> Iterator[Pin]:
    name = ""
    for number, line in enumerate(lines, start=1):
        if line.startswith("["):
            name = ""
        named, version = _NAME.match(line), _VERSION.match(line)
        if named is not None:
            name = canonicalize_name(named["name"])
        elif version is not None and name:
            yield Pin(name, version["version"], number, dev=False)
            name = ""


def _pipfile_locked(lines: list[str]) -> Iterator[Pin]:
    name, dev = "", False
    for number, line in enumerate(lines, start=1):
        dev = dev or line.startswith('    "develop"')
        named, version = _PIPFILE_NAME.match(line), _PIPFILE_VERSION.match(line)
        if named is not None:
            name = canonicalize_name(named["name"])
        elif version is not None and name:
            yield Pin(name, version["version"], number, dev)
