"""Real Python files that every machine has: the standard library and the installed packages."""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

_WORD = re.compile(rb"[A-Za-z_]\w*")
_MOST_BYTES = 120_000
_LEFT_OUT = frozenset({"test", "tests", "idlelib", "lib2to3", "__pycache__", "versions"})


@dataclass(frozen=True)
class File:
    path: str
    data: bytes

    @property
    def words(self) -> frozenset[bytes] | None:
        """The identifiers, as the engine finds them; None where others may stand behind a star."""
        return None if b"import *" in self.data else frozenset(_WORD.findall(self.data))


def sample(count: int) -> list[File]:
    """The same `count` files on every run: those whose names have the smallest digests."""
    ranked = sorted(_candidates(), key=lambda each: sha1(str(each[0]).encode()).hexdigest())  # noqa: S324
    found: list[File] = []
    for name, path in ranked:
        if len(found) == count:
            break
        data = path.read_bytes()
        if 500 < len(data) < _MOST_BYTES and b"\0" not in data:
            found.append(File(name, data))
    return found


def _candidates() -> Iterator[tuple[str, Path]]:
    folders = [Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("purelib"))]
    for top in folders:
        for path in top.rglob("*.py"):
            parts = path.relative_to(top).parts
            if "site-packages" not in parts and not _LEFT_OUT & set(parts):
                yield "/".join(parts), path
