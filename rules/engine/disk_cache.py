"""Facts kept on disk between runs of the command line, bounded in size."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_BATCH = 500
_MAX_ROWS = 200_000


def default_folder() -> Path:
    """`$STET_CACHE_DIR`, or the user's cache folder."""
    named = os.environ.get("STET_CACHE_DIR")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "stet"


class DiskCache:
    """A RecordCache in one SQLite file. A cache that cannot be used is an empty one."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "facts-1.sqlite"

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=2)
        try:
            connection.execute("pragma journal_mode=wal")
            connection.execute("pragma synchronous=off")
            connection.execute(
                "create table if not exists facts (key text primary key, data blob) without rowid"
            )
            with connection:
                yield connection
        finally:
            connection.close()

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        found: dict[str, bytes] = {}
        try:
            with self._open() as connection:
                for start in range(0, len(keys), _BATCH):
                    some = keys[start : start + _BATCH]
                    marks = ",".join("?" * len(some))
                    query = f"select key, data from facts where key in ({marks})"  # noqa: S608 - only marks
                    found.update(connection.execute(query, some).fetchall())
        except (sqlite3.Error, OSError):
            return {}
        return found

    def put_many(self, items: Mapping[str, bytes]) -> None:
        if not items:
            return
        try:
            with self._open() as connection:
                rows = connection.execute("select count(*) from facts").fetchone()[0]
                if rows + len(items) > _MAX_ROWS:
                    connection.execute("delete from facts")
                connection.executemany("insert or replace into facts values (?, ?)", items.items())
        except (sqlite3.Error, OSError):
            return
