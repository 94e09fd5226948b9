"""Reads a local repository with git alone; writes nothing, runs none of its hooks or filters."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha1
from pathlib import Path

from rules.engine.diff import line_changes
from rules.engine.tree import Entry, Tree
from rules.kit import Commit, FileChange
from rules.kit.subjects import Status

_MAX_CHANGED_BYTES = 5 * 1024 * 1024
_STATUS: Mapping[str, Status] = {
    "A": "added",
    "C": "added",
    "D": "removed",
    "M": "modified",
    "R": "renamed",
    "T": "modified",
}
_SAFE = (
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.quotePath=false",
    "-c",
    "diff.renames=true",
    "-c",
    "diff.renameLimit=2000",
)


class GitError(Exception):
    """git refused, in words for the person at the terminal."""


@dataclass(frozen=True)
class Repository:
    """A repository or work tree, given by any folder in it, or a bare repository."""

    folder: Path

    def run(self, *args: str, given: bytes | None = None) -> bytes:
        """What git prints. Raises GitError with git's own last line."""
        command = ["git", "--no-optional-locks", *_SAFE, "-C", str(self.folder), *args]
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        try:
            done = subprocess.run(  # noqa: S603 - fixed program, arguments are no options
                command, input=given, capture_output=True, check=False, env=environment
            )
        except FileNotFoundError:
            raise GitError("git is not installed, or the folder does not exist") from None
        if done.returncode:
            words = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise GitError(words[0] if words else f"git {args[0]} failed")
        return done.stdout

    @cached_property
    def root(self) -> Path:
        """The top of the work tree; of a bare repository, the folder itself."""
        if self.is_bare:
            return self.folder
        return Path(os.fsdecode(self.run("rev-parse", "--show-toplevel").rstrip(b"\n")))

    @cached_property
    def is_bare(self) -> bool:
        return self.run("rev-parse", "--is-bare-repository").strip() == b"true"

    def commit(self, revision: str) -> str:
        """The full name of a commit. Raises GitError if there is none of that name."""
        if revision.startswith("-"):
            raise GitError(f"not a revision: {revision}")
        try:
            found = self.run("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        except GitError:
            raise GitError(f"no commit is named `{revision}` here") from None
        return found.decode().strip()

    def merge_base(self, one: str, other: str) -> str:
        """The newest common ancestor; `one` itself where the two share no history."""
        try:
            return self.run("merge-base", one, other).decode().split()[0]
        except GitError:
            return one

    def default_branch(self) -> str:
        """The branch that changes are meant for: the remote's head, else main or master."""
        candidates = ["refs/remotes/origin/HEAD"]
        candidates += [f"refs/remotes/origin/{name}" for name in _USUAL]
        candidates += [f"refs/heads/{name}" for name in _USUAL]
        for each in candidates:
            try:
                return self.commit(each)
            except GitError:
                continue
        raise GitError("no default branch found; name one with --base")

    def tree(self, commit: str) -> dict[str, Entry]:
        """Every file of a commit."""
        found = {}
        for row in self.run("ls-tree", "-r", "-z", "-l", "--full-tree", commit).split(b"\0"):
            if row:
                head, _, name = row.partition(b"\t")
                mode, kind, sha, size = head.split()
                if kind == b"blob":
                    bytes_ = (
                        int(size) if size.isdigit() else 0
                    )  # no size: "-", or "BAD" without the blob
                    found[name.decode("utf-8", "replace")] = _entry(sha, mode, bytes_)
        return found

    def read(self, shas: Collection[str]) -> Mapping[str, bytes]:
        """The contents of blobs, in one git process."""
        wanted = sorted(shas)
        if not wanted:
            return {}
        asked = "\n".join(wanted).encode() + b"\n"
        data = self.run("cat-file", "--batch", "--buffer", given=asked)
        found: dict[str, bytes] = {}
        at = 0
        for sha in wanted:
            end = data.index(b"\n", at)
            head = data[at:end].split()
            at = end + 1
            if head[-1] == b"missing":
                continue
            size = int(head[2])
            found[sha] = data[at : at + size]
            at += size + 1
        return found

    def work_tree(self, commit: str) -> tuple[dict[str, Entry], dict[str, bytes]]:
        """The files as they lie on disk now, untracked ones too, ignored ones not.

        Returns the tree, and the bytes of every file that differs from `commit`.
        """
        known = self.tree(commit)
        listed = self.run(
            "-C", str(self.root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"
        )
        names = {os.fsdecode(each) for each in listed.split(b"\0") if each}
        changed = self._differing(commit)
        tree: dict[str, Entry] = {}
        fresh: dict[str, bytes] = {}
        for name in sorted(names):
            if name in known and name not in changed:
                tree[name] = known[name]
                continue
            data = _on_disk(self.root / name)
            if data is None:
                continue
            sha = sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
            executable = os.access(self.root / name, os.X_OK)
            tree[name] = Entry(sha, "100755" if executable else "100644", len(data))
            fresh[sha] = data
        return tree, fresh

    def _differing(self, commit: str) -> frozenset[str]:
        rows = self.run(
            "-C",
            str(self.root),
            "diff",
            "--no-ext-diff",
            "--no-renames",
            "--name-only",
            "-z",
            commit,
        )
        return frozenset(os.fsdecode(each) for each in rows.split(b"\0") if each)

    def only_message(self, start: str, tip: str) -> tuple[str, str]:
        """Subject and body where one commit makes the change, as GitHub proposes for its title."""
        told = self.run("log", "-z", "--max-count=2", "--format=%B", f"{start}..{tip}")
        messages = [each for each in told.decode("utf-8", "replace").split("\0") if each.strip()]
        if len(messages) != 1:
            return "", ""
        subject, _, body = messages[0].strip().partition("\n")
        return subject, body.strip()

    def commits(self, start: str, tip: str) -> tuple[Commit, ...]:
        """The commits from one to another, the oldest first; none where the merge melts them.

        Whether it does is told by the last ones before `start`: where pull requests are
        squashed, most are no merges and carry the number that GitHub gives them.
        """
        if self._squashes(start):
            return ()
        told = self.run(
            "log", "-z", "--reverse", f"--max-count={_MOST_COMMITS}", "--name-only",
            "--format=%x01%P%x02%B%x03", f"{start}..{tip}",
        ).decode("utf-8", "replace")  # fmt: skip
        found = []
        for each in told.split("\x01")[1:]:
            head, _, names = each.partition("\x03")
            parents, _, message = head.partition("\x02")
            paths = tuple(name for name in names.replace("\0", "\n").split("\n") if name)
            found.append(Commit(message.strip(), paths, len(parents.split())))
        return tuple(found)

    def _squashes(self, start: str) -> bool:
        told = self.run("log", "-z", "--first-parent", "--max-count=30", "--format=%P%x02%s", start)
        rows = [each.partition("\x02") for each in told.decode("utf-8", "replace").split("\0")]
        melted = [s for parents, _, s in rows if " " not in parents and _NUMBERED.search(s)]
        return len(melted) * 2 > len(rows)

    def renames(self, before: str, after: str) -> dict[str, str]:
        """New path -> old path, as git finds renames between two commits."""
        rows = self.run(
            "diff-tree", "-r", "-M", "-z", "--name-status", "--diff-filter=R", before, after
        )
        parts = [os.fsdecode(each) for each in rows.split(b"\0")]
        return {parts[i + 2]: parts[i + 1] for i in range(0, len(parts) - 2, 3)}


_MOST_COMMITS = 250
_NUMBERED = re.compile(r"\(#\d+\)$")
_USUAL = ("main", "master", "develop", "trunk")


def _entry(sha: bytes, mode: bytes, size: int) -> Entry:
    return Entry(sha.decode(), mode.decode(), size)


def _on_disk(path: Path) -> bytes | None:
    """A regular file's bytes; symbolic links are not followed."""
    if path.is_symlink() or not path.is_file():
        return None
    try:
        return path.read_bytes()
    except OSError:
        return None


def changes_between(
    before: Tree, after: Tree, contents: Mapping[str, bytes], renames: Mapping[str, str]
) -> tuple[FileChange, ...]:
    """The files that differ between two trees, with both versions."""
    moved = set(renames.values())
    found = []
    for path in sorted(set(before) | set(after)):
        old_path = renames.get(path, path)
        old, new = before.get(old_path), after.get(path)
        if new is None and path in moved:
            continue
        if old_path == path and old == new:
            continue
        if not all(each is None or each.is_file for each in (old, new)):
            continue
        found.append(_change(path, old_path, old, new, contents))
    return tuple(found)


def _change(
    path: str, old_path: str, old: Entry | None, new: Entry | None, contents: Mapping[str, bytes]
) -> FileChange:
    before = contents.get(old.sha) if old is not None else None
    after = contents.get(new.sha) if new is not None else None
    added, removed = line_changes(before, after)
    status: Status = "modified"
    if old is None:
        status = "added"
    elif new is None:
        status = "removed"
    elif old_path != path:
        status = "renamed"
    return FileChange(path, status, old_path, before, after, added, removed)


def changed_shas(before: Tree, after: Tree, renames: Mapping[str, str]) -> frozenset[str]:
    """The blobs that `changes_between` needs, without those too large to review."""
    found: set[str] = set()
    for path in set(before) | set(after):
        old, new = before.get(renames.get(path, path)), after.get(path)
        if old != new:
            sides: Sequence[Entry | None] = (old, new, before.get(path))
            found |= {e.sha for e in sides if e is not None and e.size <= _MAX_CHANGED_BYTES}
    return frozenset(found)
