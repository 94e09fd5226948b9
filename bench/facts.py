"""What the facts of a whole repository cost: read anew, from the cache, and after a push."""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from bench.speed import Row
from rules.engine import index
from rules.engine.disk_cache import DiskCache
from rules.engine.git import Repository
from rules.facts.django_models import Models
from rules.facts.python_classes import Classes

_ROUNDS = 3
_COLD, _WARM = 6.0, 0.3


class _Counting:
    """Reads blobs of a repository and counts them."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.blobs = 0

    def read(self, shas: Collection[str]) -> Mapping[str, bytes]:
        self.blobs += len(shas)
        return self._repository.read(shas)


def rows(folder: Path) -> list[Row]:
    """Seconds for the newest commit of a repository, and how many blobs a push makes it read."""
    repository = Repository(folder)
    commit = repository.commit("HEAD")
    with tempfile.TemporaryDirectory(prefix="stet-bench-") as place:
        cold = _seconds(lambda: _index(repository, commit, Path(place)), process_time)
        warm = median(
            _seconds(lambda: _index(repository, commit, Path(place)), perf_counter)
            for _ in range(_ROUNDS)
        )
        files = sum(path.endswith(".py") for path in repository.tree(commit))
        return [
            Row(f"facts of {files} Python files, cold, CPU", cold, _COLD, "s"),
            Row("the same from the cache on disk", warm, _WARM, "s"),
            _after_push(repository, commit, Path(place)),
        ]


def _index(repository: Repository, commit: str, place: Path) -> int:
    """As a review does: list the tree, load or read the facts, link models; blobs that were read."""
    blobs = _Counting(repository)
    project = index.build(repository.tree(commit), blobs, DiskCache(place))
    project.facts(Classes)
    project.facts(Models)
    return blobs.blobs


def _after_push(repository: Repository, commit: str, place: Path) -> Row:
    """Blobs read for the newest commit where the cache knows only the one before it."""
    shutil.rmtree(place)
    before = repository.commit(f"{commit}~1")
    _index(repository, before, place)
    old = {entry.sha for entry in repository.tree(before).values()}
    new = {
        entry.sha
        for path, entry in repository.tree(commit).items()
        if entry.is_file and index.wanted(path)
    } - old
    read = _index(repository, commit, place)
    return Row("blobs read after a push", read, len(new), "blobs")


def _seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    gc.collect()
    gc.disable()
    begin = clock()
    try:
        work()
        return clock() - begin
    finally:
        gc.enable()
