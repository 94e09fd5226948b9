"""What the names in a model's declarations stand for: constants, members of choices, functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rules.facts.field_values import canonical, reference
from rules.facts.python_classes import Classes
from rules.facts.python_modules import ClassRecord, FieldRecord

_CHOICES = ("TextChoices", "IntegerChoices", "Choices")
_ENUMS = ("Enum", "StrEnum", "IntEnum", "IntFlag", "Flag")
_DEPTH = 8


def text_of(record: FieldRecord) -> str:
    """The source of what is assigned, calls included."""
    if not record.func:
        return record.value
    given = [*record.args]
    given += [f"**{v}" if k == "**" else f"{k}={v}" for k, v in record.keywords.items()]
    return f"{record.func}({', '.join(given)})"


class DeclaredValues:
    """Evaluates source as it would be in a class body of the project."""

    def __init__(self, classes: Classes) -> None:
        self._classes = classes
        self._modules = classes.modules
        self._tops = frozenset(each.partition(".")[0] for each in classes.modules.path_of)

    def canonical(
        self, source: str, path: str, owner: ClassRecord | None, depth: int = _DEPTH
    ) -> str | None:
        """The canonical text of an expression that stands in `owner`, or at module level."""
        if depth <= 0 or not source:
            return None
        try:
            node = ast.parse(source, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        return canonical(node, lambda name: self.name(name, path, owner, depth - 1))

    def name(self, name: str, path: str, owner: ClassRecord | None, depth: int) -> str | None:
        """What a dotted name stands for where it is written."""
        if owner is not None:
            head, _, rest = name.partition(".")
            inner = next((each for each in owner.inner if each.name == head), None)
            if inner is not None:
                return (
                    self._member(inner, path, rest, depth)
                    if rest
                    else self._choices(inner, path, depth)
                )
            if any(each.name == head for each in owner.fields) and not rest:
                return self._member(owner, path, head, depth)
        return self._global(self._modules.resolve(path, name), depth)

    def _global(self, full: str, depth: int) -> str | None:
        if depth <= 0:
            return None
        full = self._modules.canonical(full)
        module, _, last = full.rpartition(".")
        path = self._modules.path_of.get(module)
        if path is not None:
            return self._of_module(path, last, full, depth)
        for count in (1, 2, 3):
            parts = full.split(".")
            key = self._classes.find(".".join(parts[:-count])) if len(parts) > count else ""
            if key:
                where, record = self._classes.by_name[key]
                rest = parts[-count:]
                inner = next((i for i in record.inner if i.name == rest[0]), None)
                if inner is not None and len(rest) > 1:
                    return self._member(inner, where, ".".join(rest[1:]), depth)
                return self._member(record, where, ".".join(rest), depth)
        inside = full.partition(".")[0] in self._tops
        return None if inside else reference(full)

    def _of_module(self, path: str, name: str, full: str, depth: int) -> str | None:
        record = self._modules.by_path[path]
        for each in reversed(record.assignments):
            if each.name == name:
                return self.canonical(text_of(each), path, None, depth)
        if any(each.name == name for each in record.functions):
            return reference(full)
        for one in record.classes:
            if one.name == name:
                return self._choices(one, path, depth) or reference(full)
        return (
            reference(f"builtins.{name}") if name in ("dict", "list", "set", "str", "int") else None
        )

    def _base_kinds(self, record: ClassRecord, path: str) -> set[str]:
        found = set()
        for each in record.bases:
            full = self._modules.resolve(path, each)
            found.add(self._classes.root(full).rpartition(".")[2])
        return found

    def _choices(self, record: ClassRecord, path: str, depth: int) -> str | None:
        """The pairs of a Django enumeration."""
        if not self._base_kinds(record, path) & set(_CHOICES):
            return None
        pairs = [f"[{value}, {label}]" for value, label in self._members(record, path, depth)]
        known = all("?" not in (v, la) for v, la in self._members(record, path, depth))
        return f"[{', '.join(pairs)}]" if known else None

    def _members(self, record: ClassRecord, path: str, depth: int) -> Iterator[tuple[str, str]]:
        """Value and label of each member, `?` for what is not known."""
        for each in record.fields:
            if each.name.startswith("_") and each.name != "__empty__":
                continue
            yield self._pair(each, record, path, depth)

    def _pair(
        self, member: FieldRecord, record: ClassRecord, path: str, depth: int
    ) -> tuple[str, str]:
        if member.name == "__empty__":
            return "?", "?"
        text = self.canonical(text_of(member), path, record, depth)
        if text is None:
            return "?", "?"
        value = ast.literal_eval(text) if not text.startswith("ref:") else None
        if isinstance(value, list):
            if len(value) == 2 and isinstance(value[1], str):
                return repr(value[0]), repr(value[1])
            return "?", "?"
        if value is None:
            return "?", "?"
        return text, repr(member.name.replace("_", " ").title())

    def _chosen(
        self, record: ClassRecord, path: str, name: str, rest: str, depth: int
    ) -> str | None:
        """What `Status.choices`, `Status.SOLD` or `Status.SOLD.label` is."""
        if name == "choices":
            return self._choices(record, path, depth)
        found = next((each for each in record.fields if each.name == name), None)
        if found is None or rest not in ("", "value", "label"):
            return None
        value, label = self._pair(found, record, path, depth)
        chosen = label if rest == "label" else value
        return None if chosen == "?" else chosen

    def _listed(self, record: ClassRecord, path: str, depth: int) -> str | None:
        """Names and values of the members of an enumeration."""
        named = [each.name for each in record.fields if not each.name.startswith("_")]
        values = [value for value, _ in self._members(record, path, depth)]
        if "?" in values or len(named) != len(values):
            return None
        pairs = [f"[{name!r}, {value}]" for name, value in zip(named, values, strict=True)]
        return f"[{', '.join(pairs)}]"

    def _member(self, record: ClassRecord, path: str, name: str, depth: int) -> str | None:
        """An attribute of a class: a member of choices, or a constant."""
        head, _, rest = name.partition(".")
        kinds = self._base_kinds(record, path)
        if head == "__members__":
            return self._listed(record, path, depth) if kinds & {*_CHOICES, *_ENUMS} else None
        if kinds & set(_CHOICES):
            return self._chosen(record, path, head, rest, depth)
        if kinds & set(_ENUMS):
            if rest != "value":
                return None
            rest = ""
        if rest:
            return None
        for each in reversed(record.fields):
            if each.name == head:
                return self.canonical(text_of(each), path, record, depth)
        if any(each.name == head for each in record.methods):
            return None
        for base in record.bases:
            key = self._classes.find(self._modules.resolve(path, base))
            if key and depth > 0:
                where, parent = self._classes.by_name[key]
                return self._member(parent, where, name, depth - 1)
        return None
