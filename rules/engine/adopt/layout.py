"""What a repository is made of, as far as `stet init` has to know."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rules.engine import local
from rules.engine.git import GitError, Repository
from rules.kit.paths import is_test

_TESTS = frozenset({"test", "tests"})
_VENDORED = frozenset({"vendor", "vendored", "_vendor", "third_party", "thirdparty", "extern"})
_MOST_NAMES = 4
_CONFIGURATIONS = (".stet.toml",)
_NAMES = {
    "django": "Django", "drf": "Django REST framework", "ninja": "Django Ninja", "flask": "Flask",
    "fastapi": "FastAPI", "starlette": "Starlette", "sqlalchemy": "SQLAlchemy",
    "pydantic": "Pydantic",
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """A repository. Paths are relative to `root` and use slashes; `python` is (3, 12) or None."""

    root: Path
    branch: str
    python: tuple[int, int] | None
    frameworks: tuple[str, ...]
    packages: tuple[str, ...]
    tests: tuple[str, ...]
    vendored: tuple[str, ...]
    files: frozenset[str]

    @property
    def configuration(self) -> str:
        """The file that configures Stet here; empty if none does."""
        own = next((name for name in _CONFIGURATIONS if name in self.files), "")
        if own or "pyproject.toml" not in self.files:
            return own
        text = (self.root / "pyproject.toml").read_text("utf-8", "replace")
        return "pyproject.toml" if "[tool.stet" in text else ""

    def words(self) -> list[str]:
        """What was found, a line each."""
        version = ".".join(map(str, self.python)) if self.python else "no version declared"
        used = ", ".join(_NAMES.get(each, each) for each in self.frameworks)
        return [
            f"Python      {version}",
            f"Frameworks  {used or 'none in the dependencies'}",
            f"Packages    {_few(self.packages)}",
            f"Tests       {_few(self.tests)}",
            f"Branch      {self.branch}",
        ]


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES]) or "none"
    more = len(names) - _MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def look_at(folder: Path) -> Layout:
    """The repository that holds this folder. Raises GitError."""
    repository = Repository(folder)
    root = repository.root
    listed = repository.run(
        "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"
    )
    names = sorted({os.fsdecode(each) for each in listed.split(b"\0") if each})
    declared = local.declaration_of(root)
    python = [each for each in names if each.endswith(".py")]
    return Layout(
        root=root,
        branch=_branch(repository),
        python=declared.python,
        frameworks=declared.frameworks,
        packages=_packages(python),
        tests=_topmost(python, _TESTS),
        vendored=_topmost(python, _VENDORED),
        files=frozenset(names),
    )


def _branch(repository: Repository) -> str:
    """The default branch by name, or the current one."""
    for args in (
        ("symbolic-ref", "--short", "refs/remotes/origin/HEAD"),
        ("symbolic-ref", "--short", "HEAD"),
    ):
        try:
            found = repository.run(*args).decode("utf-8", "replace").strip()
        except GitError:
            continue
        if found:
            return found.removeprefix("origin/")
    return "main"


def _packages(paths: Sequence[str]) -> tuple[str, ...]:
    """Top-level packages, also those below `src`."""
    found = set()
    for path in paths:
        parts = path.split("/")
        top = parts[:2] if parts[0] == "src" else parts[:1]
        if len(parts) == len(top) + 1 and parts[-1] == "__init__.py" and not is_test(path):
            found.add("/".join(top))
    return tuple(sorted(found))


def _topmost(paths: Sequence[str], names: frozenset[str]) -> tuple[str, ...]:
    """The folders of these names that lie in no other of them."""
    tops = set()
    for path in paths:
        folders = path.split("/")[:-1]
        depth = next((depth for depth, name in enumerate(folders, 1) if name in names), 0)
        if depth:
            tops.add("/".join(folders[:depth]))
    return tuple(sorted(tops))
