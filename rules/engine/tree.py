"""Git trees and blobs, as the engine sees them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a git tree. `size` in bytes, 0 if not known."""

    sha: str
    mode: str
    size: int = 0

    @property
    def is_file(self) -> bool:
        """Neither a symbolic link nor a submodule."""
        return self.mode in ("100644", "100755")


Tree = Mapping[str, Entry]


class Blobs(Protocol):
    """Reads the contents of blobs; a blob that cannot be read is absent from the answer."""

    def read(self, shas: Collection[str]) -> Mapping[str, bytes]: ...


class RecordCache(Protocol):
    """Keeps facts by key. May forget anything at any time."""

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]: ...

    def put_many(self, items: Mapping[str, bytes]) -> None: ...
