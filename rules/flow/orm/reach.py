"""Which modules can come upon a row at all: those whose package leads to one with models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rules.facts.python_modules import Modules
from rules.flow.orm.schema import Schema

# An outermost package or a module outside of all packages, after the name of its folder.
Root = tuple[str, str]


@dataclass(frozen=True)
class Reach:
    """`roots` are those that hold models, and those that import from them, at whatever distance."""

    roots: frozenset[Root]
    root_of: Mapping[str, Root]

    @classmethod
    def over(cls, schema: Schema) -> Reach:
        modules = schema.classes.modules
        root_of = {path: _root(path, name) for path, name in modules.name_of.items()}
        importers = _importers(modules, root_of)
        reached = {root_of[path] for path in schema.model_paths if path in root_of}
        waiting = list(reached)
        while waiting:
            new = importers.get(waiting.pop(), set()) - reached
            reached |= new
            waiting.extend(new)
        return cls(frozenset(reached), root_of)

    def holds(self, path: str) -> bool:
        """Whether the code of a file may deal with rows."""
        return self.root_of.get(path) in self.roots


def _root(path: str, name: str) -> Root:
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    names = name.split(".")
    above = parts[: -len(names)]
    return above[-1] if above else "", names[0]


def _importers(modules: Modules, root_of: Mapping[str, Root]) -> Mapping[Root, set[Root]]:
    """For each root those that import from it."""
    named: dict[str, set[Root]] = defaultdict(set)
    for each in root_of.values():
        named[each[1]].add(each)
    found: dict[Root, set[Root]] = defaultdict(set)
    seen: set[tuple[str, Root]] = set()
    for path, record in modules.by_path.items():
        own = root_of[path]
        folders = path.split("/")[:-1]
        for target in (*record.imports.values(), *record.stars):
            rest = target.lstrip(".")
            up = len(target) - len(rest)
            above = folders[: len(folders) - up + 1] if up else []
            full = ".".join((*above, rest))
            if (full, own) not in seen:
                seen.add((full, own))
                for each in _named_in(full, named):
                    found[each].add(own)
    return found


def _named_in(target: str, named: Mapping[str, set[Root]]) -> Iterator[Root]:
    before = ""
    for part in target.split("."):
        for each in named.get(part, ()):
            if not before or each[0] == before:
                yield each
        before = part
