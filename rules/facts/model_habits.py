"""What the Django models of a project mostly do, so that no rule argues with a habit."""

from __future__ import annotations

from dataclasses import dataclass

from rules.facts.django_models import Models
from rules.facts.python_classes import Classes
from rules.kit import Project

_FEW = 8  # models or fields that make no habit yet
_TEXTS = frozenset({"CharField", "TextField", "SlugField", "EmailField", "URLField"})


@dataclass(frozen=True)
class ModelHabits:
    """`named` where models mostly have a `__str__`, `nullable` where texts are often nullable."""

    named: bool
    nullable: bool

    @classmethod
    def gather(cls, project: Project) -> ModelHabits:
        models: Models = project.facts(Models)
        classes: Classes = project.facts(Classes)
        real = [each for each in models.by_key.values() if not each.abstract and not each.proxy]
        named = sum(1 for each in real if classes.methods(each.key, "__str__"))
        texts = [
            field.record.keywords.get("null") == "True"
            for each in real
            for field in each.fields.values()
            if field.type in _TEXTS
        ]
        return cls(
            len(real) < _FEW or named * 2 >= len(real),
            sum(texts) >= _FEW and sum(texts) * 5 >= len(texts),
        )
