"""djch on the same cases: another checker of N+1 queries, run as a process over a tree of files."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from bench.cases import Place
from rules.engine.git import Repository

_SAID = re.compile(
    r"^(?P<path>[^:\s]+\.py):(?P<line>\d+):\d+: \[N\+1\] (?P<what>.*)$", re.MULTILINE
)
_SECONDS = 120


@dataclass(frozen=True)
class Said:
    """One finding. `what` names the access, and stays while lines move."""

    path: str
    line: int
    what: str


@dataclass(frozen=True)
class Rival:
    """`executable` is the program; repositories lie in `folder`."""

    executable: Path
    folder: Path

    def verdict(
        self, repository: str, parent: str, fix: str, places: Collection[Place]
    ) -> tuple[bool, bool]:
        """Whether something is said on these lines, and whether some of it is gone at the fix.

        Raises GitError where the repository or a commit is not there.
        """
        git = Repository(self.folder / repository.replace("/", "+") / "repo")
        hits = {
            (each.path, each.what)
            for each in self._said(git, parent)
            if any(p.path == each.path and p.first <= each.line <= p.last for p in places)
        }
        if not hits:
            return False, False
        left = {(each.path, each.what) for each in self._said(git, fix)}
        return True, bool(hits - left)

    def _said(self, git: Repository, revision: str) -> list[Said]:
        tree = git.tree(git.commit(revision))
        wanted = {path: each.sha for path, each in tree.items() if path.endswith(".py")}
        blobs = git.read(set(wanted.values()))
        with tempfile.TemporaryDirectory(prefix="stet-rival-") as place:
            for path, sha in wanted.items():
                if sha in blobs:
                    target = Path(place, path)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(blobs[sha])
            done = subprocess.run(
                [self.executable.resolve(), "check"],
                cwd=place,
                capture_output=True,
                text=True,
                check=False,
                timeout=_SECONDS,
            )
        found = _SAID.finditer(done.stdout + done.stderr)
        return [
            Said(e["path"].removeprefix("./"), int(e["line"]), e["what"].strip()) for e in found
        ]
