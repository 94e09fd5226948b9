"""After a push only what it brought is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha1
from pathlib import Path

from rules.engine import index
from rules.engine.disk_cache import DiskCache
from rules.engine.tree import Entry
from rules.facts.django_models import Models


class _Counted:
    """Blobs in memory, and every name that was asked for."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        names = {
            path: sha1(data, usedforsecurity=False).hexdigest() for path, data in files.items()
        }
        self.tree = {path: Entry(sha, "100644", len(files[path])) for path, sha in names.items()}
        self._data = {names[path]: data for path, data in files.items()}
        self.asked: list[str] = []

    def read(self, shas: Collection[str]) -> Mapping[str, bytes]:
        self.asked += sorted(shas)
        return {sha: self._data[sha] for sha in shas}


_MODEL = b"from django.db import models\n\n\nclass %s(models.Model):\n    pass\n"


def _files(**changed: bytes) -> dict[str, bytes]:
    files = {f"shop/m{number}.py": _MODEL % b"M%d" % number for number in range(40)}
    return files | {f"shop/{name}.py": data for name, data in changed.items()}


def test_only_new_blobs_are_read_after_a_push(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)
    before = _Counted(_files())
    index.build(before.tree, before, cache)
    after = _Counted(_files(m3=_MODEL % b"Changed", added=_MODEL % b"Added"))
    project = index.build(after.tree, after, cache)

    pushed = {after.tree["shop/m3.py"].sha, after.tree["shop/added.py"].sha}
    assert len(before.asked) == 40
    assert after.asked == sorted(pushed)
    names = {each.name for each in project.facts(Models).by_key.values()}
    assert {"Changed", "Added", "M7"} <= names
    assert "M3" not in names


def test_a_renamed_file_is_not_read_again(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)
    before = _Counted(_files())
    index.build(before.tree, before, cache)
    after = _Counted({path.replace("m3", "moved"): data for path, data in _files().items()})
    index.build(after.tree, after, cache)

    assert after.asked == []
