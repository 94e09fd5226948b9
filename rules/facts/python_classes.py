"""Every class of the project by its full dotted name, with its bases followed across modules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from rules.facts.python_modules import ClassRecord, Modules
from rules.kit import Project


@dataclass(frozen=True)
class Classes:
    """`by_name` maps `shop.models.Book` to its file and record. Nested classes are left out."""

    modules: Modules
    by_name: Mapping[str, tuple[str, ClassRecord]]
    _loose: Mapping[str, tuple[str, ...]] = field(repr=False)
    _bases: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def gather(cls, project: Project) -> Classes:
        modules: Modules = project.facts(Modules)
        found: dict[str, tuple[str, ClassRecord]] = {}
        loose: dict[str, list[str]] = defaultdict(list)
        for path, record in modules.by_path.items():
            for each in record.classes:
                key = f"{modules.name_of[path]}.{each.name}"
                # Files of the same module name, in folders without __init__.
                if key in found and found[key][0] != path:
                    key = f"{path.removesuffix('.py').replace('/', '.')}.{each.name}"
                found[key] = (path, each)
                home = _module_path(path).rpartition("/")[2]
                loose[f"{home}.{each.name}"].append(key)
        return cls(modules, found, {name: tuple(keys) for name, keys in loose.items()})

    def find(self, full: str) -> str:
        """The key of a dotted name, through re-exports and folders without `__init__`; or nothing.

        A folder without `__init__` gives its files no package, so a name is also known by
        the end of its path, if only one class fits.
        """
        if full in self.by_name:
            return full
        full = self.modules.canonical(full)
        if full in self.by_name or "." not in full:
            return full if full in self.by_name else ""
        module, _, name = full.rpartition(".")
        tail = f"/{module.replace('.', '/')}"
        fitting = [
            key
            for key in self._loose.get(f"{module.rpartition('.')[2]}.{name}", ())
            if f"/{_module_path(self.by_name[key][0])}".endswith(tail)
        ]
        return fitting[0] if len(fitting) == 1 else ""

    def bases(self, key: str) -> tuple[str, ...]:
        """Full names of the bases of a class: keys for those of the project."""
        if key not in self._bases:
            path, record = self.by_name[key]
            resolved = [self.modules.resolve(path, base) for base in record.bases if base]
            self._bases[key] = tuple(self.find(each) or each for each in resolved)
        return self._bases[key]

    def lineage(self, key: str) -> tuple[str, ...]:
        """The class and all it inherits from, nearest first, classes outside the project too."""
        found: dict[str, None] = {}
        stack = [key]
        while stack:
            at = stack.pop()
            if at in found:
                continue
            found[at] = None
            if at in self.by_name:
                stack.extend(reversed(self.bases(at)))
        return tuple(found)

    def root(self, full: str) -> str:
        """The first class outside the project that a class descends from; itself if outside."""
        key = self.find(full)
        if not key:
            return full
        outside = [each for each in self.lineage(key) if each not in self.by_name]
        return outside[0] if outside else key

    def methods(self, key: str, name: str) -> str:
        """The nearest class of the project that defines the method; empty if none does."""
        for each in self.lineage(key):
            if each in self.by_name and any(m.name == name for m in self.by_name[each][1].methods):
                return each
        return ""


def _module_path(path: str) -> str:
    return path.removesuffix("/__init__.py").removesuffix(".py")
