"""Reading what a pull request changes: both trees, the files that differ, their contents."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from rules.engine import index
from rules.engine.diff import line_changes
from rules.engine.finding import Skip
from rules.engine.layers import MOST_FOLDERS
from rules.engine.snapshot import Entry, RecordCache, Snapshot, Tree
from rules.kit import FileChange
from worker.github.advisories import fetch_advisories
from worker.github.blobs import GitHubBlobs
from worker.github.client import Client
from worker.hunks import Diff, DiffFile
from worker.pull_request import PullRequest

_COMPARED = 300  # files that the comparison of two commits lists
_PAGE = 100
_MOST_FILES = 3000
_MOST_KEPT_TREE = 4 * 1024 * 1024

Status = Literal["added", "modified", "removed", "renamed"]
_STATUS: dict[str, Status] = {
    "added": "added",
    "copied": "added",
    "removed": "removed",
    "renamed": "renamed",
}


class _Message(msgspec.Struct, frozen=True):
    message: str = ""


class _Commit(msgspec.Struct):
    sha: str
    commit: _Message = _Message()


class _File(msgspec.Struct):
    filename: str
    status: str
    previous_filename: str = ""
    patch: str = ""


class _Comparison(msgspec.Struct):
    merge_base_commit: _Commit
    files: list[_File] = []
    commits: list[_Commit] = []


class _TreeEntry(msgspec.Struct):
    path: str
    mode: str
    type: str
    sha: str
    size: int = 0


class _Tree(msgspec.Struct):
    tree: list[_TreeEntry]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of a pull request."""

    sha: str
    message: str


@dataclass(frozen=True)
class Fetched:
    """A pull request with everything that a review of it reads.

    `skipped` are the changed files whose content is not at hand, `folders` the configuration
    files below the root that stood there before the change. `commits` are its first hundred.
    """

    merge_base: str
    snapshot: Snapshot
    diff: Diff
    skipped: tuple[Skip, ...]
    folders: Mapping[str, bytes] = field(default_factory=dict)
    commits: tuple[Commit, ...] = ()

    @property
    def heads(self) -> dict[str, bytes]:
        """The changed files as they are at the head."""
        changes = self.snapshot.changes
        return {each.path: each.after for each in changes if each.after is not None}


def fetch_change(client: Client, pull_request: PullRequest, cache: RecordCache) -> Fetched:
    """Read the change. The number of calls does not depend on the number of small files."""
    path = f"{client.repository}/compare/{pull_request.base}...{pull_request.head}"
    compared = client.get(path, _Comparison, {"per_page": _PAGE})
    files, skipped = compared.files, list[Skip]()
    if len(files) >= _COMPARED:
        files = _list_files(client)
        if len(files) >= _MOST_FILES:
            skipped.append(Skip("", f"GitHub lists the first {_MOST_FILES} files only"))
    merge_base = compared.merge_base_commit.sha
    trees = _Trees(client, cache)
    after, before = trees.read(pull_request.head), trees.read(merge_base)
    if trees.is_cut:
        skipped.append(Skip("", "GitHub does not list all files of a repository as big as this"))
    sizes = {entry.sha: entry.size for tree in (before, after) for entry in tree.values()}
    blobs = GitHubBlobs(client, sizes, pull_request.head)
    pairs = [_pair(file, before, after) for file in files if file.status != "unchanged"]
    changed = {entry.sha for _, *sides in pairs for entry in sides if entry is not None}
    folders = {p: e.sha for p, e in before.items() if p.endswith("/.stet.toml") and e.is_file}
    folders = dict(sorted(folders.items())[:MOST_FOLDERS])
    wanted = {*changed, *folders.values()}
    contents = blobs.read(wanted | index.missing_blobs([before, after], cache))
    changes = tuple(_change(*pair, contents) for pair in pairs)
    skipped += _unread(pairs, contents, blobs)
    snapshot = Snapshot(
        before=index.build(before, blobs, cache),
        after=index.build(after, blobs, cache),
        changes=changes,
        title=pull_request.title,
        body=pull_request.body,
        advisories=fetch_advisories(client, changes),
    )
    patches = {file.filename: file.patch for file in files}
    said = {path: contents[sha] for path, sha in folders.items() if sha in contents}
    commits = tuple(Commit(each.sha, each.commit.message) for each in compared.commits)
    diff = _diff(changes, patches)
    return Fetched(merge_base, snapshot, diff, tuple(skipped), said, commits)


def _list_files(client: Client) -> list[_File]:
    path = f"{client.repository}/pulls/{client.key.number}/files"
    found: list[_File] = []
    for page in range(1, _MOST_FILES // _PAGE + 1):
        files = client.get(path, list[_File], {"per_page": _PAGE, "page": page})
        found += files
        if len(files) < _PAGE:
            break
    return found


_Pair = tuple[_File, Entry | None, Entry | None]


def _pair(file: _File, before: Tree, after: Tree) -> _Pair:
    """The file with its two sides; links and submodules have no side that can be read."""
    status = _status(file)
    old = None if status == "added" else before.get(file.previous_filename or file.filename)
    new = None if status == "removed" else after.get(file.filename)
    return file, old if old and old.is_file else None, new if new and new.is_file else None


def _status(file: _File) -> Status:
    return _STATUS.get(file.status, "modified")


def _change(
    file: _File, before: Entry | None, after: Entry | None, contents: Mapping[str, bytes]
) -> FileChange:
    old = contents.get(before.sha) if before else None
    new = contents.get(after.sha) if after else None
    added, removed = line_changes(old, new)
    status = _status(file)
    return FileChange(
        path=file.filename,
        status=status,
        before_path=file.previous_filename if status == "renamed" else None,
        before=old,
        after=new,
        added=added,
        removed=removed,
    )


def _unread(
    pairs: Iterable[_Pair], contents: Mapping[str, bytes], blobs: GitHubBlobs
) -> list[Skip]:
    found = []
    for file, _before, after in pairs:
        if after is not None and after.sha not in contents:
            reason = blobs.reason(after.sha)
            # Pictures and the like are nobody's surprise.
            if reason != "not text" or file.filename.endswith(".py"):
                found.append(Skip(file.filename, reason))
    return found


def _diff(changes: Iterable[FileChange], patches: Mapping[str, str]) -> dict[str, DiffFile]:
    return {
        each.path: DiffFile(
            path=each.path,
            status=each.status,
            before_path=each.before_path or "",
            patch=patches.get(each.path, ""),
            after=each.after,
        )
        for each in changes
    }


class _Trees:
    """Trees by commit. A commit's tree never changes, so it is kept."""

    def __init__(self, client: Client, cache: RecordCache) -> None:
        self._client = client
        self._cache = cache
        self.is_cut = False

    def read(self, commit: str) -> Tree:
        name = f"tree:{self._client.key.repository_id}:{commit}"
        kept = self._cache.get_many([name]).get(name)
        if kept is not None:
            return _unpacked(kept)
        path = f"{self._client.repository}/git/trees/{commit}"
        answer = self._client.get(path, _Tree, {"recursive": 1})
        tree = {e.path: Entry(e.sha, e.mode, e.size) for e in answer.tree if e.type == "blob"}
        if answer.truncated:
            self.is_cut = True
            return tree
        packed = _packed(tree)
        if len(packed) <= _MOST_KEPT_TREE:
            self._cache.put_many({name: packed})
        return tree


_Row = tuple[str, str, bytes, int]


def _packed(tree: Tree) -> bytes:
    rows = [(path, e.mode, bytes.fromhex(e.sha), e.size) for path, e in tree.items()]
    return zlib.compress(msgspec.msgpack.encode(rows), 1)


def _unpacked(data: bytes) -> Tree:
    rows = msgspec.msgpack.decode(zlib.decompress(data), type=list[_Row])
    return {path: Entry(sha.hex(), mode, size) for path, mode, sha, size in rows}
