"""Which admin class shows which models: `@admin.register(Book)`, `site.register(Book, BookAdmin)`."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from rules.facts.python_classes import Classes
from rules.facts.python_modules import dotted
from rules.kit import Extractor, Project, Source


class AdminRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Pairs of a model and the admin class that shows it, as they are written."""

    pairs: tuple[tuple[str, str], ...]


def extract(source: Source) -> AdminRecord | None:
    if source.tree is None:
        return None
    pairs: list[tuple[str, str]] = []
    for each in source.tree.body:
        if isinstance(each, ast.ClassDef):
            for mark in each.decorator_list:
                if isinstance(mark, ast.Call) and dotted(mark.func).endswith("register"):
                    pairs += [(dotted(arg), each.name) for arg in mark.args]
        elif isinstance(each, ast.Expr) and isinstance(each.value, ast.Call):
            call = each.value
            if dotted(call.func).endswith("register") and len(call.args) > 1:
                pairs.append((dotted(call.args[0]), dotted(call.args[1])))
    return AdminRecord(tuple(pairs)) if pairs else None


ADMINS = Extractor(
    name="admin_sites",
    version=1,
    record=AdminRecord,
    reads=lambda path: path.endswith(".py") and "admin" in path,
    extract=extract,
    wanted=lambda data: b"register(" in data,
)


@dataclass(frozen=True)
class AdminSites:
    """The models of each admin class, by the keys of both."""

    _models: Mapping[str, tuple[str, ...]]

    @classmethod
    def gather(cls, project: Project) -> AdminSites:
        classes: Classes = project.facts(Classes)
        found: dict[str, list[str]] = defaultdict(list)
        for path, record in project.records(ADMINS).items():
            for model, admin in record.pairs:
                key = classes.find(classes.modules.resolve(path, admin))
                shown = classes.find(classes.modules.resolve(path, model)) if model else ""
                if key and shown:
                    found[key].append(shown)
        return cls({key: tuple(dict.fromkeys(models)) for key, models in found.items()})

    def models_of(self, admin: str) -> list[str]:
        return list(self._models.get(admin, ()))
