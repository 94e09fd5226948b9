"""The dependencies change and their lock file does not.

What is installed is what the lock says: the new dependency is missing where it is deployed, or
the build stops because the two do not agree. Write the lock anew (`uv lock`, `poetry lock`).

Before:
```toml pyproject.toml
[project]
name = "shop"
dependencies = ["django>=5"]
```
```toml uv.lock
version = 1
```
Bad:
```toml pyproject.toml flagged
[project]
name = "shop"
dependencies = ["django>=5", "httpx>=0.28"]
```
```toml uv.lock
version = 1
```
Good:
```toml pyproject.toml
[project]
name = "shop"
dependencies = ["django>=5", "httpx>=0.28"]
```
```toml uv.lock
version = 1
revision = 2
```
Good: another part of the file.
```toml pyproject.toml
[project]
name = "shop"
description = "A shop"
dependencies = ["django>=5"]

[tool.ruff]
line-length = 100
```
```toml uv.lock
version = 1
```
Before:
```text requirements.in
django
```
```text requirements.txt
django==5.2.3
```
Bad: a list that `pip-compile` makes another of.
```text requirements.in flagged
django
httpx
```
```text requirements.txt
django==5.2.3
```
Before:
```text requirements.in
django
rfc8785
```
```text requirements.txt
django==5.2.3
rfc8785==0.1.4
```
Good: nobody asks for it here any more; another package may.
```text requirements.in
django
```
```text requirements.txt
django==5.2.3
rfc8785==0.1.4
```
Before:
```text requirements.in
django
```
```text requirements.txt
django==5.2.3
```
Good: comments, and another order.
```text requirements.in
# What the shop needs.
django
```
```text requirements.txt
django==5.2.3
```
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from rules.kit import Change, FileChange, Flag, Here, Rule, Severity
from rules.kit.paths import name_of

rule = Rule(
    __name__,
    __doc__,
    code="DEP102",
    severity=Severity.WARNING,
    checklist=("deploy.pinned",),
    scope="pr",
)

_LOCKS = {
    "pyproject.toml": ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml"),
    "Pipfile": ("Pipfile.lock",),
}


@rule.on(Change)
def check(change: Change, here: Here) -> Iterator[Flag]:
    for each in change.files:
        if each.status != "modified" or each.before is None or each.after is None:
            continue
        lock = _lock_of(each.path, change)
        if (
            lock
            and not change.touched(lock)
            and _needs(each, each.before) != _needs(each, each.after)
            and not _only_takes_away(each)
        ):
            message = (
                f"The dependencies change here and `{lock}` does not: what is installed is what the lock "
                "says. Write it anew and commit it with this."
            )
            yield Flag(0, message, path=each.path, identity=f"{lock} out of step")


def _lock_of(path: str, change: Change) -> str:
    """The lock that a file of dependencies has, here or in a folder above."""
    name, folder = name_of(path), path.rpartition("/")[0]
    if path.endswith(".in") and "requirement" in path:
        made = f"{path.removesuffix('.in')}.txt"
        return made if made in change.after.paths else ""
    while True:
        for each in _LOCKS.get(name, ()):
            place = f"{folder}/{each}" if folder else each
            if place in change.after.paths:
                return place
        if not folder or name == "Pipfile":
            return ""
        folder = folder.rpartition("/")[0]


def _only_takes_away(file: FileChange) -> bool:
    """A name less in a list for `pip-compile`: others may need the package still, as its lock says."""
    if not file.path.endswith(".in"):
        return False
    before, after = (_rows(each or b"") for each in (file.before, file.after))
    return set(after) < set(before)


def _needs(file: FileChange, data: bytes) -> object:
    """What is asked for, without layout and what else the file says."""
    if file.path.endswith(".in"):
        return _rows(data)
    try:
        told = tomllib.loads(data.decode("utf-8", "replace"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    if name_of(file.path) == "Pipfile":
        return told.get("packages"), told.get("dev-packages")
    return _of_project(told)


def _rows(data: bytes) -> list[str]:
    text = data.decode("utf-8", "replace")
    rows = (line.partition(" #")[0].strip() for line in text.splitlines())
    return sorted(row for row in rows if row and not row.startswith("#"))


def _of_project(told: dict[str, Any]) -> object:
    project, tool = _table(told.get("project")), _table(told.get("tool"))
    poetry, uv = _table(tool.get("poetry")), _table(tool.get("uv"))
    groups = {
        name: _table(each).get("dependencies") for name, each in _table(poetry.get("group")).items()
    }
    return (
        project.get("dependencies"),
        project.get("optional-dependencies"),
        told.get("dependency-groups"),
        poetry.get("dependencies"),
        poetry.get("dev-dependencies"),
        groups,
        uv.get("sources"),
        uv.get("dev-dependencies"),
    )


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
