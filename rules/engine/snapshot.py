"""One change, whole: the trees before and after it, and the files that differ."""

from __future__ import annotations

from dataclasses import dataclass

from rules.engine.index import ProjectIndex
from rules.engine.tree import Blobs, Entry, RecordCache, Tree
from rules.kit import Advisory, Commit, FileChange


@dataclass(frozen=True)
class Snapshot:
    """What a review looks at. `changes` carry both versions of each changed file."""

    before: ProjectIndex
    after: ProjectIndex
    changes: tuple[FileChange, ...]
    title: str = ""
    body: str = ""
    advisories: tuple[Advisory, ...] = ()
    commits: tuple[Commit, ...] = ()


__all__ = ["Blobs", "Entry", "RecordCache", "Snapshot", "Tree"]
