"""Turns folders and repositories on this machine into what the engine reviews."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

from rules.engine import index
from rules.engine.git import GitError, Repository, changed_shas, changes_between
from rules.engine.index import MemoryCache, ProjectIndex
from rules.engine.snapshot import Snapshot
from rules.engine.tree import Entry, RecordCache
from rules.facts.project_declaration import DECLARATIONS, ProjectDeclaration

_IGNORED_FOLDERS = frozenset(
    {".git", ".hg", ".venv", "venv", "node_modules", ".tox", ".nox", ".mypy_cache", ".ruff_cache",
     ".pytest_cache", "site-packages"}
)  # fmt: skip
_MAX_BYTES = 5 * 1024 * 1024


class Unreadable(Exception):  # noqa: N818 - reads as a sentence
    """Something named on the command line cannot be read."""


@dataclass(frozen=True)
class Target:
    """One file to check: where it lies in its project, and how the person named it."""

    path: str
    shown: str
    data: bytes


class _OnDisk:
    """Blobs of files on disk, by a digest of their bytes."""

    def __init__(self, root: Path, names: Iterable[str]) -> None:
        self.root = root
        self.tree: dict[str, Entry] = {}
        self._path_of: dict[str, str] = {}
        for name in names:
            data = self.bytes_of(name)
            if data is not None:
                sha = sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
                mode = "100755" if os.access(root / name, os.X_OK) else "100644"
                self.tree[name] = Entry(sha, mode, len(data))
                self._path_of[sha] = name

    def bytes_of(self, name: str) -> bytes | None:
        path = self.root / name
        if path.is_symlink():
            return None
        try:
            return path.read_bytes() if path.stat().st_size <= _MAX_BYTES else b""
        except OSError:
            return None

    def read(self, shas: Collection[str]) -> Mapping[str, bytes]:
        found = {sha: self.bytes_of(self._path_of[sha]) for sha in shas if sha in self._path_of}
        return {sha: data for sha, data in found.items() if data is not None}


def root_of(paths: Sequence[Path]) -> Path:
    """The project that the paths belong to: their git work tree, else their common folder."""
    folders = [each if each.is_dir() else each.parent for each in paths]
    common = Path(os.path.commonpath([str(each.resolve()) for each in folders]))
    try:
        return Repository(common).root if (_git_above(common)) else common
    except GitError:
        return common


def _git_above(folder: Path) -> bool:
    return any((each / ".git").exists() for each in (folder, *folder.parents))


def names_under(root: Path, paths: Sequence[Path]) -> list[str]:
    """What git lists; without git, what lies in the folders given and beside the files given."""
    if (root / ".git").exists():
        try:
            listed = Repository(root).run(
                "ls-files", "-z", "--cached", "--others", "--exclude-standard"
            )
            return sorted({os.fsdecode(each) for each in listed.split(b"\0") if each})
        except GitError:
            pass
    found: set[str] = set()
    for path in paths:
        whole = path.resolve()
        if whole.is_dir():
            found.update(each.relative_to(root).as_posix() for each in _files_below(whole))
        else:
            found.update(each.relative_to(root).as_posix() for each in whole.parent.glob("*.py"))
    return sorted(found)


def _files_below(top: Path) -> Iterator[Path]:
    for folder, below, files in os.walk(top):
        below[:] = sorted(each for each in below if each not in _IGNORED_FOLDERS)
        yield from (Path(folder) / each for each in files)


def targets(paths: Sequence[Path], cache: RecordCache) -> tuple[list[Target], ProjectIndex]:
    """The files under the paths, and the project around them.

    Files that git ignores are left out unless named themselves. Raises Unreadable.
    """
    for each in paths:
        if not each.exists():
            raise Unreadable(f"{each}: no such file or folder")
        if each.is_file() and not os.access(each, os.R_OK):
            raise Unreadable(f"{each}: may not be read")
    root = root_of(paths)
    named = {_relative(each, root): each for each in paths if each.is_file()}
    disk = _OnDisk(root, sorted({*names_under(root, paths), *named}))
    project = index.build(disk.tree, disk, cache)
    found: dict[str, Target] = {}
    for name in disk.tree:
        shown = _shown(name, root, paths)
        if shown is not None:
            data = disk.bytes_of(name)
            if data is not None:
                found[name] = Target(name, shown, data)
    return list(found.values()), project


def _relative(path: Path, root: Path) -> str:
    return Path(os.path.relpath(path.resolve(), root)).as_posix()


def _shown(name: str, root: Path, paths: Sequence[Path]) -> str | None:
    """The path as its person would write it; None if none of the paths covers it."""
    whole = root / name
    for each in paths:
        if each.is_file():
            if whole == each.resolve():
                return each.as_posix()
            continue
        base = each.resolve()
        if whole.is_relative_to(base):
            return (each / whole.relative_to(base)).as_posix()
    return None


def declaration_of(root: Path) -> ProjectDeclaration:
    """What the manifests of a project say of its Python and its frameworks."""
    names = [each for each in names_under(root, [root]) if DECLARATIONS.reads(each)]
    disk = _OnDisk(root, names)
    found: ProjectDeclaration = index.build(disk.tree, disk, MemoryCache()).facts(
        ProjectDeclaration
    )
    return found


def folder_files(root: Path, paths: Iterable[str]) -> dict[str, bytes]:
    """The `.stet.toml` below the root, among these paths of the tree."""
    found = {}
    for path in paths:
        if path.endswith("/.stet.toml"):
            file = root / path
            if file.is_file() and not file.is_symlink():
                found[path] = file.read_bytes()
    return found


@dataclass(frozen=True)
class LocalChange:
    """A change of a local repository, ready for review."""

    snapshot: Snapshot
    base: str
    head: str
    config_files: tuple[bytes | None, bytes | None]


def change_of(folder: Path, base: str | None, head: str | None, cache: RecordCache) -> LocalChange:
    """The change from the merge base to `head` (default: the work tree). Raises GitError."""
    repository = Repository(folder)
    is_bare = repository.is_bare
    tip = repository.commit(head or "HEAD")
    onto = repository.commit(base) if base else repository.default_branch()
    start = repository.merge_base(onto, tip)
    before = repository.tree(start)
    fresh: Mapping[str, bytes] = {}
    if head is None and not is_bare:
        after, fresh = repository.work_tree(tip)
        renames = repository.renames(start, tip) if start != tip else {}
        renames = {new: old for new, old in renames.items() if new in after and old not in after}
    else:
        after = repository.tree(tip)
        renames = repository.renames(start, tip)
    wanted = changed_shas(before, after, renames)
    contents = {**repository.read(wanted - set(fresh)), **fresh}
    blobs = _Both(repository, fresh)
    snapshot = Snapshot(
        index.build(before, blobs, cache),
        index.build(after, blobs, cache),
        changes_between(before, after, contents, renames),
        *repository.only_message(start, tip),
        commits=repository.commits(start, tip),
    )
    names = (".stet.toml", "pyproject.toml")
    tip_tree = repository.tree(onto)
    shas = [tip_tree[each].sha if each in tip_tree else "" for each in names]
    config = repository.read({each for each in shas if each})
    return LocalChange(
        snapshot, start, head or "work tree", (config.get(shas[0]), config.get(shas[1]))
    )


class _Both:
    """Blobs of the repository, and of files that only lie on disk."""

    def __init__(self, repository: Repository, fresh: Mapping[str, bytes]) -> None:
        self._repository = repository
        self._fresh = fresh

    def read(self, shas: Collection[str]) -> Mapping[str, bytes]:
        here = {sha: self._fresh[sha] for sha in shas if sha in self._fresh}
        return {**self._repository.read(set(shas) - set(here)), **here}
