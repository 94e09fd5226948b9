"""The code of every module of the project, for analyses that follow calls.

Kept compressed and parsed only where something is followed into it.
"""

from __future__ import annotations

import ast
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from rules.facts.python_modules import Modules
from rules.kit import Extractor, Project, Source
from rules.kit.paths import is_migration, is_test

_LONGEST = 256 * 1024  # characters: longer modules are made by machines
_FAILURES = (SyntaxError, ValueError, RecursionError, MemoryError, LookupError, zlib.error)


class BodyRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`packed` is the text in UTF-8, compressed; older syntax where `ast` needs that. `size`
    and `digest` are those of the text as it stands in the file.
    """

    packed: bytes
    size: int
    digest: int


def _extract(source: Source) -> BodyRecord | None:
    text = source.text if source.older is None else source.older
    if source.tree is None or not source.tree.body or len(text) > _LONGEST:
        return None
    packed = zlib.compress(text.encode("utf-8", "surrogatepass"), 1)
    return BodyRecord(packed, *_fingerprint(source.text))


def _fingerprint(text: str) -> tuple[int, int]:
    data = text.removeprefix("\ufeff").encode("utf-8", "surrogatepass")
    return len(data), zlib.crc32(data)


BODIES = Extractor(
    name="bodies",
    version=1,
    record=BodyRecord,
    reads=lambda path: path.endswith(".py") and not is_test(path) and not is_migration(path),
    extract=_extract,
    wanted=lambda data: len(data) <= _LONGEST,
)


@dataclass(frozen=True)
class Bodies:
    """Modules by path and by dotted name, parsed when asked for and kept."""

    project: Project
    modules: Modules
    _by_end: Mapping[str, tuple[str, ...]] = field(repr=False)
    _trees: dict[str, ast.Module | None] = field(default_factory=dict, repr=False)

    @classmethod
    def gather(cls, project: Project) -> Bodies:
        modules: Modules = project.facts(Modules)
        ends: dict[str, list[str]] = {}
        for path in sorted(modules.by_path):
            ends.setdefault(_parts(path)[-1], []).append(path)
        return cls(project, modules, {name: tuple(paths) for name, paths in ends.items()})

    def tree(self, path: str) -> ast.Module | None:
        """The syntax of a module; None for tests, migrations and what cannot be parsed."""
        if path not in self._trees:
            self._trees[path] = self._read(path)
        return self._trees[path]

    def holds(self, path: str, text: str) -> bool:
        """Whether this is the text of the file in the project, not that of a version of it."""
        record = self.project.record(BODIES, path)
        return record is not None and (record.size, record.digest) == _fingerprint(text)

    def _read(self, path: str) -> ast.Module | None:
        record = self.project.record(BODIES, path)
        if record is None:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes are the author's affair
            try:
                return ast.parse(zlib.decompress(record.packed).decode("utf-8", "surrogatepass"))
            except _FAILURES:
                return None

    def path_of(self, module: str) -> str:
        """The file of a dotted module name; empty for modules of libraries.

        Folders without `__init__` give their files no package, so a name is also known by the
        end of its path, if only one file fits.
        """
        known = self.modules.path_of.get(module)
        if known is not None:
            return known
        if "." not in module:
            return ""
        wanted = module.split(".")
        fitting = [
            path
            for path in self._by_end.get(wanted[-1], ())
            if _parts(path)[-len(wanted) :] == wanted
        ]
        return fitting[0] if len(fitting) == 1 else ""


def _parts(path: str) -> list[str]:
    return path.removesuffix(".py").removesuffix("/__init__").split("/")
