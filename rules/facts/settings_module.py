"""The subject `SettingsModule`: a file of settings with what it assigns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from rules.facts.settings_modules import SettingsModules, Stage, stage_named
from rules.kit import Here, dotted
from rules.kit.subjects import DerivedSubject
from rules.kit.tree import children

_ANCHORS = ("DEBUG", "ALLOWED_HOSTS", "SECRET_KEY", "MIDDLEWARE", "INSTALLED_APPS", "DATABASES")
_BRANCHES = (cst.If, cst.Try, cst.For, cst.While, cst.Else, cst.ExceptHandler, cst.Finally)


@dataclass(frozen=True, eq=False)
class Setting:
    """One assignment of a setting. `always` is false under a condition."""

    name: str
    node: cst.Assign | cst.AnnAssign | cst.AugAssign
    value: cst.BaseExpression | None
    always: bool

    @property
    def adds(self) -> bool:
        """Whether it adds to what was there: `MIDDLEWARE += [...]`."""
        return isinstance(self.node, cst.AugAssign)


Settings = Mapping[str, tuple[Setting, ...]]


@dataclass(frozen=True, eq=False)
class SettingsClass:
    """A class of settings, of Flask or pydantic. `stage` is what its name says."""

    name: str
    node: cst.ClassDef
    stage: Stage | None
    assignments: Settings

    @property
    def bases(self) -> frozenset[str]:
        """The last parts of the names of its bases."""
        return frozenset(dotted(each.value).rpartition(".")[2] for each in self.node.bases)


@dataclass(frozen=True, eq=False)
class SettingsModule(DerivedSubject):
    """The file at hand, if it is a settings module.

    `framework` is django, flask, pydantic or other; `stage` whom it serves. `assignments` are
    those at module level, in order, by name; `classes` holds the rest. `known` are the
    settings modules of the whole project.
    """

    path: str
    framework: str
    stage: Stage
    assignments: Settings
    classes: tuple[SettingsClass, ...]
    known: SettingsModules

    @classmethod
    def found_in(cls, module: cst.Module, here: Here) -> Iterator[SettingsModule]:
        known: SettingsModules = here.project.facts(SettingsModules)
        found = known.at(here.path)
        if found is None:
            return
        assignments = _settings(module)
        classes = tuple(
            SettingsClass(each.name.value, each, stage_named(each.name.value), _settings(each.body))
            for each in module.body
            if isinstance(each, cst.ClassDef)
        )
        if assignments or any(each.assignments for each in classes):
            yield cls(here.path, found.framework, found.stage, assignments, classes, known)

    @property
    def serves_production(self) -> bool:
        """Whether a server in production may run with these values."""
        return self.known.serves_production(self.path)

    def is_overridden(self, name: str) -> bool:
        """Whether each production module that builds on this one sets it for itself."""
        return self.known.is_overridden(self.path, name)

    def last(self, name: str) -> Setting | None:
        """The assignment that counts: the last one that always runs."""
        held = [e for e in self.assignments.get(name, ()) if e.always and not e.adds]
        return held[-1] if held else None

    @property
    def anchor(self) -> Setting | None:
        """Where to speak of a setting that is missing: beside one that it belongs to."""
        found = (self.last(each) for each in _ANCHORS)
        return next((each for each in found if each is not None), None)

    def in_production(self) -> Iterator[Setting]:
        """Every assignment, at module level or in a class, whose value production ends up with."""
        if not self.serves_production or self._is_filled_in:
            return
        for name, each in self.assignments.items():
            last = _settled(each)
            if last is not None and not self.is_overridden(name):
                yield last
        for one in self.classes:
            for name, each in one.assignments.items():
                last = _settled(each)
                if last is not None and self._counts(one, name):
                    yield last

    @property
    def _is_filled_in(self) -> bool:
        """Whether dynaconf reads other values over these, which are defaults then."""
        record = self.known.modules.by_path.get(self.path)
        imports = record.imports.values() if record is not None else ()
        return any(each.startswith("dynaconf") for each in imports)

    def _counts(self, one: SettingsClass, name: str) -> bool:
        """Whether production loads a class, or one built on it that leaves `name` alone."""
        if one.stage in (Stage.LOCAL, Stage.TEST) or not _speaks_of_settings(one):
            return False
        if one.stage is Stage.PRODUCTION:
            return True
        heirs = [each for each in self.classes if one.name in each.bases]
        live = [each for each in heirs if each.stage not in (Stage.LOCAL, Stage.TEST)]
        return not heirs or not all(name in each.assignments for each in live)


def _settled(assigned: tuple[Setting, ...]) -> Setting | None:
    """The last assignment, if it always runs and replaces what was there."""
    last = assigned[-1]
    return last if last.always and not last.adds else None


def _speaks_of_settings(one: SettingsClass) -> bool:
    return one.stage is not None or one.name.endswith(("Config", "Configuration", "Settings"))


def _settings(body: cst.CSTNode) -> Settings:
    found: dict[str, list[Setting]] = {}
    for each in _assigned(body):
        found.setdefault(each.name, []).append(each)
    return {name: tuple(each) for name, each in found.items()}


def _assigned(body: cst.CSTNode) -> Iterator[Setting]:
    """The assignments of a body, under conditions too, but not in functions and classes."""
    stack = [(each, True) for each in reversed(children(body))]
    while stack:
        node, always = stack.pop()
        match node:
            case cst.FunctionDef() | cst.ClassDef():
                continue
            case cst.Assign(targets=targets, value=value):
                for each in targets:
                    if isinstance(each.target, cst.Name):
                        yield Setting(each.target.value, node, value, always)
            case cst.AnnAssign(target=cst.Name(value=name), value=given):
                yield Setting(name, node, given, always)
            case cst.AugAssign(target=cst.Name(value=name), value=value):
                yield Setting(name, node, value, always)
            case _ if isinstance(node, _BODIES):
                inner = always and not isinstance(node, _BRANCHES)
                stack += [(each, inner) for each in reversed(children(node))]
            case _:
                pass


_BODIES = (
    *_BRANCHES,
    cst.SimpleStatementLine,
    cst.IndentedBlock,
    cst.SimpleStatementSuite,
    cst.With,
)
