"""The subject `ProductionSetting`: a value of the configuration that production runs with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import libcst as cst

from rules.facts.settings_module import SettingsModule
from rules.facts.settings_modules import Stage, stage_named
from rules.kit import Here, children, dotted, string
from rules.kit.subjects import DerivedSubject

_MAPPINGS = frozenset({"update", "from_mapping"})
_HOLDERS: frozenset[type] = frozenset(
    {cst.SimpleStatementLine, cst.SimpleStatementSuite, cst.IndentedBlock, cst.FunctionDef}
    | {cst.ClassDef}
)


@dataclass(frozen=True, eq=False)
class ProductionSetting(DerivedSubject):
    """One setting with the value that production ends up with, as far as the code tells.

    `node` is the statement or call that sets it. `module` is None where the application's own
    configuration is set: `app.config["DEBUG"] = True`.
    """

    name: str
    value: cst.BaseExpression
    node: cst.CSTNode
    module: SettingsModule | None = None

    @classmethod
    def found_in(cls, module: cst.Module, here: Here) -> Iterator[ProductionSetting]:
        for found in SettingsModule.found_in(module, here):
            for each in found.in_production():
                if each.value is not None:
                    yield cls(each.name, each.value, each.node, found)
        if here.mentions(("config",)) and not _is_spared(here):
            yield from cls._of_application(module)

    @classmethod
    def _of_application(cls, module: cst.Module) -> Iterator[ProductionSetting]:
        found = [each for node in _statements(module) for each in _given(node)]
        names = [name for name, _, _ in found]
        for name, value, node in found:
            if names.count(name) == 1:
                yield cls(name, value, node)


def _is_spared(here: Here) -> bool:
    stem = here.path.rpartition("/")[2].removesuffix(".py")
    spared = stage_named(stem) in (Stage.LOCAL, Stage.TEST)
    return spared or here.is_test or here.is_script or here.is_migration


def _statements(module: cst.Module) -> Iterator[cst.BaseSmallStatement]:
    """Small statements at any depth that no condition stands around."""
    stack: list[Any] = [*reversed(module.body)]
    while stack:
        node = stack.pop()
        if isinstance(node, cst.SimpleStatementLine | cst.SimpleStatementSuite):
            yield from node.body
            continue
        below = (each for each in children(node) if each.__class__ in _HOLDERS)
        stack.extend(reversed(tuple(below)))


def _given(node: cst.BaseSmallStatement) -> Iterator[tuple[str, cst.BaseExpression, cst.CSTNode]]:
    """What a statement puts into the configuration of an application."""
    match node:
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Subscript() as item)], value=value):
            name = config_key(item)
            if name:
                yield name, value, node
        case cst.Expr(
            value=cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value=method)), args=args)
        ) if method in _MAPPINGS and dotted(owner).endswith(".config"):
            for each in args:
                if each.keyword is not None:
                    yield each.keyword.value, each.value, each
                elif isinstance(each.value, cst.Dict):
                    yield from _of_dict(each.value)
        case _:
            pass


def _of_dict(node: cst.Dict) -> Iterator[tuple[str, cst.BaseExpression, cst.CSTNode]]:
    for each in node.elements:
        key = string(each.key) if isinstance(each, cst.DictElement) else None
        if key:
            yield key, each.value, each


def config_key(item: cst.Subscript) -> str:
    """The key of `app.config["DEBUG"]`; nothing for other subscripts."""
    match item:
        case cst.Subscript(
            value=cst.Attribute(attr=cst.Name(value="config")),
            slice=[cst.SubscriptElement(slice=cst.Index(value=key))],
        ):
            return string(key) or ""
    return ""


def is_word(node: cst.CSTNode | None, *words: str) -> bool:
    """Whether an expression is one of these names: `False`, `None`."""
    return isinstance(node, cst.Name) and node.value in words
