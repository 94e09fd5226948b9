"""Facts of a whole tree: one record per blob, read once, linked per tree."""

from __future__ import annotations

import ast
import gc
import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec

import rules.facts
from rules.engine.downlevel import read_any
from rules.engine.outline import without_tests
from rules.engine.tree import Blobs, RecordCache, Tree
from rules.kit import Extractor, Source
from rules.kit.paths import is_test

R = TypeVar("R")

_MAX_BYTES = 1024 * 1024


@cache
def extractors() -> tuple[Extractor[Any], ...]:
    """Every extractor that a module of `rules.facts` defines."""
    found: dict[str, Extractor[Any]] = {}
    for info in pkgutil.walk_packages(rules.facts.__path__, "rules.facts."):
        for value in vars(importlib.import_module(info.name)).values():
            if isinstance(value, Extractor):
                found[value.name] = value
    return tuple(found[name] for name in sorted(found))


@dataclass(frozen=True, slots=True)
class _Readers:
    """The extractors that read files of one sort, and the first part of their keys."""

    extractors: tuple[Extractor[Any], ...]
    identity: str


@cache
def _doors() -> tuple[tuple[Callable[[str], bool], int], ...]:
    """Each test of paths with the extractors, as bits, that it lets in: most share one."""
    found: dict[Callable[[str], bool], int] = {}
    for number, each in enumerate(extractors()):
        found[each.reads] = found.get(each.reads, 0) | 1 << number
    return tuple(found.items())


@cache
def _readers(bits: int) -> _Readers:
    chosen = tuple(each for number, each in enumerate(extractors()) if bits >> number & 1)
    identity = ",".join(f"{each.name}@{each.version}" for each in chosen)
    return _Readers(chosen, blake2b(identity.encode(), digest_size=6).hexdigest())


@lru_cache(maxsize=1 << 16)
def _readers_of(path: str) -> _Readers:
    bits = 0
    for reads, those in _doors():
        if reads(path):
            bits |= those
    return _readers(bits)


def wanted(path: str) -> bool:
    """Whether any fact is read from a file of this path."""
    return bool(_readers_of(path).extractors)


def key_of(path: str, sha: str) -> str:
    """The name under which a blob's facts are cached; it changes with the extractors."""
    return f"{_readers_of(path).identity}:{sha}"


def _keys_of(tree: Tree) -> dict[str, str]:
    """The keys of all files of which a fact is read, by path."""
    return {p: key_of(p, entry.sha) for p, entry in tree.items() if entry.is_file and wanted(p)}


class MemoryCache:
    """Facts kept in this process."""

    def __init__(self) -> None:
        self._items: dict[str, bytes] = {}

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        return {key: self._items[key] for key in keys if key in self._items}

    def put_many(self, items: Mapping[str, bytes]) -> None:
        self._items.update(items)


class ProjectIndex:
    """One version of a project. Records are decoded and facts gathered when first asked for."""

    def __init__(self, tree: Tree, packed: Mapping[str, bytes]) -> None:
        self.tree = tree
        self.paths = frozenset(tree)
        self.packed = packed
        self._raw: dict[str, dict[str, msgspec.Raw]] | None = None
        self._records: dict[str, Mapping[str, Any]] = {}
        self._facts: dict[type, Any] = {}

    def records(self, extractor: Extractor[R]) -> Mapping[str, R]:
        known = self._records.get(extractor.name)
        if known is None:
            decode = msgspec.msgpack.Decoder(extractor.record).decode
            known = {
                path: decode(raw[extractor.name])
                for path, raw in self._unpacked().items()
                if extractor.name in raw
            }
            self._records[extractor.name] = known
        return known

    def record(self, extractor: Extractor[R], path: str) -> R | None:
        raw = self._unpacked().get(path, {}).get(extractor.name)
        return msgspec.msgpack.decode(raw, type=extractor.record) if raw is not None else None

    def facts(self, kind: type[Any]) -> Any:
        if kind not in self._facts:
            self._facts[kind] = kind.gather(self)
        return self._facts[kind]

    def _unpacked(self) -> dict[str, dict[str, msgspec.Raw]]:
        if self._raw is None:
            decode = msgspec.msgpack.Decoder(dict[str, msgspec.Raw]).decode
            self._raw = {path: decode(data) for path, data in self.packed.items() if data}
        return self._raw


def read_record(path: str, data: bytes) -> bytes:
    """The packed facts of one file; empty where there is nothing to know."""
    readers = [each for each in _readers_of(path).extractors if each.wanted(data)]
    if not readers or len(data) > _MAX_BYTES:
        return b""
    tree, older = _parsed(path, data, readers) if path.endswith(".py") else (None, None)
    source = Source(data.decode("utf-8-sig", "replace"), tree, older)
    found = {}
    for each in readers:
        try:
            record = each.extract(source)
        except Exception:  # noqa: BLE001, S112 - no file of a project may end its review
            continue
        if record is not None:
            found[each.name] = msgspec.Raw(msgspec.msgpack.encode(record))
    return msgspec.msgpack.encode(found) if found else b""


def _parsed(
    path: str, data: bytes, readers: Sequence[Extractor[Any]]
) -> tuple[ast.Module | None, str | None]:
    """The tree of a file; of a file of tests without their bodies, if nobody looks into them."""
    if is_test(path) and not any(each.reads_tests for each in readers):
        outline = without_tests(data)
        if outline is not None:
            tree, older = read_any(outline)
            if tree is not None and older is None:
                return tree, None
    return read_any(data)


def build(tree: Tree, blobs: Blobs, cache: RecordCache) -> ProjectIndex:
    """Index a tree, reading only blobs whose facts are not in the cache."""
    keys = _keys_of(tree)
    known = dict(cache.get_many(sorted(set(keys.values()))))
    missing = {path: key for path, key in keys.items() if key not in known}
    fresh: dict[str, bytes] = {}
    if missing:
        contents = blobs.read({tree[path].sha for path in missing})
        with _no_collector():
            for path, key in missing.items():
                data = contents.get(tree[path].sha)
                if data is not None and key not in fresh:
                    fresh[key] = read_record(path, data)
        cache.put_many(fresh)
    known.update(fresh)
    return ProjectIndex(tree, {path: known[key] for path, key in keys.items() if key in known})


@contextmanager
def _no_collector() -> Iterator[None]:
    """Trees hold no cycles, and looking for some in each of thousands takes a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def missing_blobs(trees: Collection[Tree], cache: RecordCache) -> frozenset[str]:
    """The blobs that `build` would have to read for these trees."""
    keys: dict[str, str] = {}
    for tree in trees:
        keys |= {key: tree[path].sha for path, key in _keys_of(tree).items()}
    known = cache.get_many(sorted(keys))
    return frozenset(sha for key, sha in keys.items() if key not in known)
