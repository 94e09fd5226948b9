"""Builds projects and changes from text, for tests of rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha1

import msgspec

from rules.engine import index
from rules.engine.diff import line_changes
from rules.engine.index import MemoryCache, ProjectIndex
from rules.engine.snapshot import Snapshot
from rules.engine.tree import Entry
from rules.kit import Advisory, Commit, FileChange


class Texts:
    """Blobs held in memory."""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self.data = {p: t.encode() if isinstance(t, str) else t for p, t in files.items()}
        self.sha = {path: sha1(data).hexdigest() for path, data in self.data.items()}

    def read(self, shas: Collection[str]) -> Mapping[str, bytes]:
        return {self.sha[path]: data for path, data in self.data.items() if self.sha[path] in shas}

    @property
    def tree(self) -> dict[str, Entry]:
        return {p: Entry(self.sha[p], "100644", len(d)) for p, d in self.data.items()}


def project_of(files: Mapping[str, str | bytes]) -> ProjectIndex:
    texts = Texts(files)
    return index.build(texts.tree, texts, MemoryCache())


def snapshot_of(
    before: Mapping[str, str | bytes],
    after: Mapping[str, str | bytes],
    renames: Mapping[str, str] | None = None,
) -> Snapshot:
    """The change from one tree to another; `renames` maps new paths to old ones.

    A file `@advisories` is none of the tree: it holds what is known of packages, as JSON.
    Nor is `@pull-request`: its first line is the title of the pull request, the rest its body.
    `@commits` holds a paragraph for each commit: its subject, then the paths that it touches.
    """
    after = dict(after)
    known = msgspec.json.decode(after.pop("@advisories", "[]"), type=tuple[Advisory, ...])
    title, _, body = str(after.pop("@pull-request", "")).partition("\n")
    told = str(after.pop("@commits", ""))
    commits = tuple(_commit(each) for each in told.split("\n\n") if each.strip())
    old, new = Texts(before).data, Texts(after).data
    moved = dict(renames or {})
    changes = []
    for path in sorted(set(old) | set(new)):
        source = moved.get(path, path)
        if path in moved.values() and path not in new:
            continue
        a, b = old.get(source), new.get(path)
        if a == b and source == path:
            continue
        added, removed = line_changes(a, b)
        status = "added" if a is None else "removed" if b is None else "modified"
        if source != path:
            status = "renamed"
        changes.append(FileChange(path, status, source, a, b, added, removed))  # type: ignore[arg-type]
    return Snapshot(
        project_of(before), project_of(after), tuple(changes), title, body, known, commits
    )


def _commit(paragraph: str) -> Commit:
    subject, *paths = (each.strip() for each in paragraph.strip().split("\n"))
    return Commit(subject, tuple(paths), 2 if subject.startswith("Merge ") else 1)
