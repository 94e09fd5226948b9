"""The subject `ModelClass`: a class that the database knows, of Django or SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from rules.facts.django_models import Model, Models
from rules.facts.python_modules import Modules
from rules.facts.sqlalchemy import Table, tables
from rules.kit import Here
from rules.kit.subjects import DerivedSubject

Declaration = cst.Assign | cst.AnnAssign


@dataclass(frozen=True, eq=False)
class ModelClass(DerivedSubject):
    """A model of this file.

    `framework` is django or sqlalchemy (SQLModel too); `name` the full dotted name. `fields`
    are the fields or columns that the class itself declares, by name, with their assignments.
    `model` is what is known of a Django model in the whole project, `table` of a table.
    """

    framework: str
    name: str
    node: cst.ClassDef
    fields: Mapping[str, Declaration]
    model: Model | None = None
    table: Table | None = None

    @classmethod
    def found_in(cls, module: cst.Module, here: Here) -> Iterator[ModelClass]:
        models: Models = here.project.facts(Models)
        modules: Modules = here.project.facts(Modules)
        django = {each.name: each for each in models.by_path.get(here.path, ())}
        mapped = tables(modules.by_path.get(here.path))
        if not django and not mapped:
            return
        classes = {e.name.value: e for e in module.body if isinstance(e, cst.ClassDef) and e.bases}
        for name, node in classes.items():
            declared = dict(_declared(node))
            if name in django:
                model = django[name]
                own = {each for each, one in model.fields.items() if one.owner == model.key}
                fields = {each: declared[each] for each in declared if each in own}
                yield cls("django", model.key, node, fields, model=model)
            elif name in mapped:
                columns = mapped[name].columns
                fields = {each: declared[each] for each in declared if each in columns}
                full = f"{here.module_name}.{name}" if here.module_name else name
                yield cls("sqlalchemy", full, node, fields, table=mapped[name])


def _declared(node: cst.ClassDef) -> Iterator[tuple[str, Declaration]]:
    for line in node.body.body:
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            match each:
                case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name)), *_]):
                    yield name, each
                case cst.AnnAssign(target=cst.Name(value=name)):
                    yield name, each
                case _:
                    pass
