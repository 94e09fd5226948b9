"""Git objects in the graph."""

from __future__ import annotations

from sandbox.entities import Json, Repository
from sandbox.graph.base import Failure, Graph, connection

MOST_TEXT = 512_000  # bytes of a blob's text before it is cut


class CodeGraph(Graph):
    def _find_object(
        self, one: Repository, oid: str | None = None, expression: str | None = None
    ) -> Json | None:
        if not self._reads(one, "contents"):
            raise Failure("FORBIDDEN", "Resource not accessible by integration")
        if oid is not None:
            return self._object(one, oid)
        return self._object(one, one.git.object_of(expression)) if expression else None

    def _object(self, one: Repository, sha: str | None) -> Json | None:
        if sha is None:
            return None
        for kind, shape in (("blob", self._blob), ("commit", self._commit), ("tree", self._tree)):
            if one.git.has(sha, kind):
                return shape(one, sha)
        return None

    def _blob(self, one: Repository, sha: str) -> Json:
        content = one.git.blob(sha) or b""
        binary = b"\0" in content[:8000]
        text, encoded_well = _text(content[:MOST_TEXT])
        return {
            "__typename": "Blob",
            "id": f"B_{sha}",
            "oid": sha,
            "abbreviatedOid": sha[:7],
            "byteSize": len(content),
            # GitHub cannot tell for content that is not UTF-8 text.
            "isBinary": binary if binary or encoded_well else None,
            "isTruncated": len(content) > MOST_TEXT,
            "text": None if binary else text,
        }

    def _commit(self, one: Repository, sha: str) -> Json:
        commit = one.git.commit(sha)
        return {
            "__typename": "Commit",
            "id": f"C_{sha}",
            "oid": sha,
            "abbreviatedOid": sha[:7],
            "message": commit.message,
            "messageHeadline": commit.message.partition("\n")[0],
            "committedDate": commit.committer.date,
            "tree": lambda: self._tree(one, commit.tree),
            "file": lambda path: self._file(one, sha, path),
            "parents": lambda **given: connection(
                commit.parents, lambda parent: self._commit(one, parent), **given
            ),
        }

    def _branch(self, one: Repository, name: str) -> Json | None:
        sha = one.git.branches().get(name)
        if sha is None:
            return None
        return {
            "__typename": "Ref",
            "name": name,
            "prefix": "refs/heads/",
            "target": lambda: self._object(one, sha),
        }

    def _file(self, one: Repository, commit: str, path: str) -> Json | None:
        """The entry of a path; like `object`, it needs the right to read contents."""
        if not self._reads(one, "contents"):
            raise Failure("FORBIDDEN", "Resource not accessible by integration")
        found = one.git.entry_at(commit, path)
        if found is None:
            return None
        return {
            "__typename": "TreeEntry",
            "name": path.rpartition("/")[2],
            "path": path,
            "mode": int(found.mode, 8),
            "type": found.type,
            "oid": found.sha,
            "size": found.size or 0,
            "object": lambda: self._object(one, found.sha),
        }

    def _tree(self, one: Repository, sha: str) -> Json:
        def entry(name: str, mode: str, kind: str, oid: str, size: int | None) -> Json:
            return {
                "__typename": "TreeEntry",
                "name": name,
                "path": name,
                "mode": int(mode, 8),
                "type": kind,
                "oid": oid,
                "size": size or 0,
                "object": lambda: self._object(one, oid),
            }

        return {
            "__typename": "Tree",
            "id": f"T_{sha}",
            "oid": sha,
            "abbreviatedOid": sha[:7],
            "entries": lambda: [
                entry(e.path, e.mode, e.type, e.sha, e.size)
                for e in one.git.tree(sha, recursive=False)
            ],
        }


def _text(content: bytes) -> tuple[str, bool]:
    try:
        return content.decode("utf-8"), True
    except UnicodeDecodeError:
        return content.decode("utf-8", "replace"), False
