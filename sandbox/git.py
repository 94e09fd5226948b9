"""Git plumbing over one bare repository. Reads by SHA are cached: objects never change."""

from __future__ import annotations

import os
import re
import subprocess
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

T = TypeVar("T")

ZERO = "0" * 40
SHA = re.compile(r"[0-9a-f]{40}")
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class GitError(Exception):
    """Git refused; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a tree: `type` is blob, tree or commit (a submodule)."""

    mode: str
    type: str
    sha: str
    size: int | None
    path: str


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str
    date: str  # ISO 8601, UTC, seconds


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


def clean_environment(*, own: bool = True) -> dict[str, str]:
    """The caller's environment without what would bend git.

    Own repositories are read without any user or system configuration. Somebody's repository
    is read with it, because there the user says which foreign folders may be trusted.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1", "LC_ALL": "C"}
    none = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    if own:
        return kept | quiet | none
    named = {name: os.environ[name] for name in none if name in os.environ}
    return kept | quiet | named


class Git:
    """A bare repository on disk, or with `own=False` a foreign one that is only read.

    `close()` ends its reader process.
    """

    def __init__(self, path: Path, *, own: bool = True) -> None:
        self.path = path
        self._lock = RLock()
        self._environment = clean_environment(own=own)
        self._reader: subprocess.Popen[bytes] | None = None
        self._remembered: OrderedDict[Hashable, Any] = OrderedDict()
        self._read = lru_cache(maxsize=4096)(self._read_object)
        self.tree = lru_cache(maxsize=256)(self._tree)
        self.commit = lru_cache(maxsize=4096)(self._commit)
        self.merge_base = lru_cache(maxsize=1024)(self._merge_base)
        self.commits_between = lru_cache(maxsize=512)(self._commits_between)
        self.merged_tree = lru_cache(maxsize=256)(self._merged_tree)

    @classmethod
    def create(cls, path: Path) -> Git:
        git = cls(path)
        path.mkdir(parents=True, exist_ok=True)
        git.run("init", "--quiet", "--bare", "--initial-branch=main")
        return git

    def close(self) -> None:
        with self._lock:
            if self._reader is None:
                return
            for stream in (self._reader.stdin, self._reader.stdout):
                if stream:
                    stream.close()
            self._reader.wait(timeout=10)
            self._reader = None

    def remember(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gave for this key; only for values that follow from SHAs alone."""
        with self._lock:
            if key not in self._remembered:
                self._remembered[key] = make()
                if len(self._remembered) > 1024:
                    self._remembered.popitem(last=False)
            found: T = self._remembered[key]
            return found

    def attempt(
        self, *arguments: str, given: bytes = b"", environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """One git command; the exit code is the caller's to judge."""
        return subprocess.run(  # noqa: S603 - a fixed program, arguments never reach a shell
            ["git", "-c", "core.quotePath=false", *arguments],  # noqa: S607 - git from PATH
            cwd=self.path,
            env=self._environment | (environment or {}),
            input=given,
            capture_output=True,
            check=False,
        )

    def run(
        self, *arguments: str, given: bytes = b"", environment: dict[str, str] | None = None
    ) -> bytes:
        done = self.attempt(*arguments, given=given, environment=environment)
        if done.returncode:
            raise GitError(done.stderr.decode("utf-8", "replace").strip())
        return done.stdout

    # Names

    def resolve(self, revision: str) -> str | None:
        """The commit that a branch, tag, full ref or (short) SHA names."""
        return self._verify(f"{revision}^{{commit}}")

    def object_of(self, expression: str) -> str | None:
        """The object that an expression such as `main:app/views.py` names."""
        return self._verify(expression)

    def _verify(self, expression: str) -> str | None:
        if expression.startswith("-") or "\0" in expression or "\n" in expression:
            return None
        done = self.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", expression)
        name = done.stdout.decode().strip()
        return name if done.returncode == 0 and SHA.fullmatch(name) else None

    def branches(self) -> dict[str, str]:
        return self.refs("refs/heads/")

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """Names below `prefix` (without it) and the objects that they point to."""
        lines = self.run("for-each-ref", "--format=%(objectname) %(refname)", prefix.rstrip("/"))
        pairs = (line.split(" ", 1) for line in lines.decode("utf-8", "replace").splitlines())
        return {name.removeprefix(prefix): sha for sha, name in pairs}

    def set_ref(self, name: str, sha: str) -> None:
        self.run("update-ref", name, sha)

    def delete_ref(self, name: str) -> None:
        self.run("update-ref", "-d", name)

    def is_ref_name(self, name: str) -> bool:
        return self.attempt("check-ref-format", name).returncode == 0

    # Objects

    def object(self, sha: str) -> tuple[str, bytes] | None:
        """Type and content of an object, or None where there is no such object."""
        return self._read(sha) if SHA.fullmatch(sha) else None

    def _read_object(self, sha: str) -> tuple[str, bytes] | None:
        with self._lock:
            process = self._reader or self._start_reader()
            if process.stdin is None or process.stdout is None:
                raise GitError("git cat-file has no pipes")
            process.stdin.write(sha.encode() + b"\n")
            process.stdin.flush()
            header = process.stdout.readline().split()
            if len(header) != 3:
                # A later fetch may bring it: an absence must not stay in the cache.
                raise LookupError(sha)
            content = process.stdout.read(int(header[2]))
            process.stdout.read(1)
            return header[1].decode(), content

    def _start_reader(self) -> subprocess.Popen[bytes]:
        self._reader = subprocess.Popen(
            ["git", "cat-file", "--batch"],  # noqa: S607 - git from PATH
            cwd=self.path,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return self._reader

    def blob(self, sha: str) -> bytes | None:
        return self._content(sha, "blob")

    def has(self, sha: str, kind: str) -> bool:
        return self._content(sha, kind) is not None

    def _content(self, sha: str, kind: str) -> bytes | None:
        try:
            found = self.object(sha)
        except LookupError:
            return None
        return found[1] if found and found[0] == kind else None

    def _commit(self, sha: str) -> Commit:
        raw = self._content(sha, "commit")
        if raw is None:
            raise GitError(f"no commit {sha}")
        return parse_commit(sha, raw.decode("utf-8", "replace"))

    def _tree(self, sha: str, *, recursive: bool) -> tuple[Entry, ...]:
        options = ["-r", "-t"] if recursive else []
        listing = self.run("ls-tree", "-z", "--long", "--full-tree", *options, sha)
        return tuple(_entry(line) for line in listing.split(b"\0") if line)

    def entry_at(self, commit: str, path: str) -> Entry | None:
        """The entry at a path of a commit's tree; "" and "." are the root itself."""
        path = path.strip("/")
        if not path:
            return Entry("040000", "tree", self.commit(commit).tree, None, "")
        tree = self.commit(commit).tree
        paths = self.remember(
            ("paths", tree),
            lambda: {entry.path: entry for entry in self.tree(tree, recursive=True)},
        )
        return paths.get(path)

    # History

    def _merge_base(self, one: str, other: str) -> str | None:
        done = self.attempt("merge-base", one, other)
        return done.stdout.decode().strip() or None if done.returncode == 0 else None

    def is_ancestor(self, old: str, new: str) -> bool:
        return self.merge_base(old, new) == old

    def _commits_between(self, base: str, head: str) -> tuple[str, ...]:
        """Commits of head that base lacks, oldest first."""
        listing = self.run("rev-list", "--reverse", "--topo-order", f"{base}..{head}")
        return tuple(listing.decode().split())

    def log(self, revision: str, path: str | None = None, limit: int = 1000) -> tuple[str, ...]:
        where = ["--", path] if path else ["--"]
        listing = self.run("rev-list", f"--max-count={limit}", revision, *where)
        return tuple(listing.decode().split())

    def diff(self, old: str, new: str) -> tuple[bytes, bytes]:
        """Raw status lines and the patch of two trees or commits, renames detected."""
        shape = ["--no-ext-diff", "--no-textconv", "--no-color", "-r", "--find-renames"]
        both = self.run("diff-tree", *shape, "--full-index", "-z", "--raw", "--numstat", old, new)
        patch = self.run("diff-tree", *shape, "--full-index", "--patch", old, new)
        return both, patch

    def _merged_tree(self, base: str, head: str) -> str | None:
        """The tree of the merge of two commits, None where they conflict."""
        done = self.attempt("merge-tree", "--write-tree", "--allow-unrelated-histories", base, head)
        return done.stdout.decode().split("\n", 1)[0] if done.returncode == 0 else None

    def archive(self, commit: str, prefix: str, form: str = "tar.gz") -> bytes:
        return self.run("archive", f"--format={form}", f"--prefix={prefix}/", commit)

    # Writing

    def write_blob(self, content: bytes) -> str:
        return self.run("hash-object", "-w", "--stdin", given=content).decode().strip()

    def write_tree(self, base: str | None, changes: Iterable[tuple[str, str, str | None]]) -> str:
        """A tree made of `base` and (mode, path, sha) changes; a sha of None removes the path."""
        index = {"GIT_INDEX_FILE": str(self.path / "stand-in-index")}
        with self._lock:
            self.run("read-tree", *([base] if base else ["--empty"]), environment=index)
            lines = (f"{mode if sha else '0'} {sha or ZERO}\t{path}" for mode, path, sha in changes)
            given = b"".join(line.encode() + b"\0" for line in lines)
            self.run("update-index", "-z", "--index-info", given=given, environment=index)
            return self.run("write-tree", environment=index).decode().strip()

    def write_commit(
        self, tree: str, parents: Iterable[str], message: str, author: Person, committer: Person
    ) -> str:
        environment = {
            "GIT_AUTHOR_NAME": author.name,
            "GIT_AUTHOR_EMAIL": author.email,
            "GIT_AUTHOR_DATE": author.date,
            "GIT_COMMITTER_NAME": committer.name,
            "GIT_COMMITTER_EMAIL": committer.email,
            "GIT_COMMITTER_DATE": committer.date,
        }
        options = [part for parent in parents for part in ("-p", parent)]
        made = self.run(
            "commit-tree", tree, *options, given=message.encode(), environment=environment
        )
        return made.decode().strip()

    def fetch(self, source: str, *refspecs: str) -> None:
        """Bring objects and refs from another repository on this machine."""
        foreign = Git(self.path, own=False)
        options = ("--quiet", "--no-tags", "--force", "--no-auto-gc", "--update-shallow")
        foreign.run("-c", "fetch.prune=false", "fetch", *options, "--", source, *refspecs)


def _entry(line: bytes) -> Entry:
    head, path = line.split(b"\t", 1)
    mode, kind, sha, size = head.decode().split()
    number = None if size == "-" else int(size)
    return Entry(mode, kind, sha, number, path.decode("utf-8", "replace"))


def parse_commit(sha: str, text: str) -> Commit:
    head, _, message = text.partition("\n\n")
    fields: dict[str, list[str]] = {}
    for line in head.split("\n"):
        name, _, value = line.partition(" ")
        if name:  # continuation lines of a signature start with a space
            fields.setdefault(name, []).append(value)
    return Commit(
        sha=sha,
        tree=fields["tree"][0],
        parents=tuple(fields.get("parent", ())),
        author=_person(fields["author"][0]),
        committer=_person(fields["committer"][0]),
        message=message.rstrip("\n"),
    )


def _person(line: str) -> Person:
    from datetime import UTC, datetime

    match = re.fullmatch(r"(.*?) ?<([^>]*)> ?(-?\d+)?.*", line)
    if match is None:
        return Person("", "", "1970-01-01T00:00:00Z")
    moment = datetime.fromtimestamp(min(max(int(match[3] or 0), 0), 2**32), UTC)
    return Person(match[1], match[2], moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
