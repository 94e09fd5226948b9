"""What migrations do, read from their operations without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

import msgspec

from rules.facts.field_states import FieldState, state_of
from rules.facts.field_values import canonical, reference
from rules.kit import Extractor, Source
from rules.kit.paths import is_migration

_IGNORED = frozenset({"RunPython", "RunSQL", "ValidateConstraint", "CreateCollation"})


class Operation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One operation on the state of models.

    `texts` are its arguments as canonical text (empty if unknown), `fields` the fields that
    it declares, `options` those of a created or altered model.
    """

    kind: str
    line: int
    texts: dict[str, str]
    fields: dict[str, FieldState]
    options: dict[str, str]


class MigrationRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A Django migration. `understood` is false if an operation could not be read."""

    dependencies: tuple[tuple[str, str], ...]
    replaces: tuple[tuple[str, str], ...]
    operations: tuple[Operation, ...]
    understood: bool


class _Reader:
    """Reads the operations of one file."""

    def __init__(self, source: Source) -> None:
        self.understood = True
        self._left = _MOST_LISTS
        self._imports: dict[str, str] = {}
        for node in source.statements:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    head = alias.name.partition(".")[0]
                    self._imports[alias.asname or head] = alias.name if alias.asname else head
            elif isinstance(node, ast.ImportFrom) and not node.level:
                for alias in node.names:
                    self._imports[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        self._constants = {
            target.id: node.value
            for node in (source.tree.body if source.tree is not None else ())
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        self.lists: Mapping[str, ast.expr] = self._constants

    def resolve(self, name: str) -> str | None:
        head, _, rest = name.partition(".")
        if head in self._imports:
            full = f"{self._imports[head]}.{rest}" if rest else self._imports[head]
            return reference(full)
        if name in self._constants:
            value = self._constants.pop(name)  # popped while it is read: no endless loop
            found = canonical(value, self.resolve)
            self._constants[name] = value
            return found
        return f"ref:builtins.{name}" if name in ("dict", "list", "set", "str", "int") else None

    def operations(self, node: ast.expr | None, depth: int = 8) -> Iterator[Operation]:
        """The operations of a list, also of one that has a name or is put together."""
        self._left -= 1
        if self._left < 0 or depth < 0:  # lists made of one another, without end
            self.understood = False
            return
        if isinstance(node, ast.Name) and node.id in self.lists:
            yield from self.operations(self.lists[node.id], depth - 1)
            return
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            yield from self.operations(node.left, depth - 1)
            yield from self.operations(node.right, depth - 1)
            return
        if not isinstance(node, ast.List | ast.Tuple):
            self.understood = False
            return
        for each in node.elts:
            if isinstance(each, ast.Starred):
                yield from self.operations(each.value, depth - 1)
            else:
                yield from self._operation(each)

    def _operation(self, node: ast.expr) -> Iterator[Operation]:
        name = _last(node.func) if isinstance(node, ast.Call) else ""
        if name in _IGNORED or name.endswith("Extension"):
            return
        order = ARGUMENTS.get(name)
        if not isinstance(node, ast.Call) or (order is None and name != _SEPARATE):
            self.understood = False
            return
        given = dict(
            zip(order or ("database_operations", "state_operations"), node.args, strict=False)
        )
        given |= {each.arg: each.value for each in node.keywords if each.arg}
        if name == _SEPARATE:
            if "state_operations" in given:
                yield from self.operations(given["state_operations"])
            return
        yield self._plain(name, node.lineno, given)

    def _plain(self, name: str, line: int, given: dict[str, ast.expr]) -> Operation:
        fields: dict[str, FieldState] = {}
        options: dict[str, str] = {}
        if "fields" in given and name == "CreateModel":
            fields = dict(self._fields(given.pop("fields")))
        if "field" in given:
            one = self._field(given.pop("field"))
            if one is not None and self._text(given.get("preserve_default")) == "False":
                one = FieldState(one.type, _without_default(one.given), one.partial)
            fields = {self._text(given.get("name")).strip("'"): one} if one else {}
        if "options" in given:
            options = self._options(given.pop("options"))
        bases = given.pop("bases", None)
        given.pop("managers", None)
        given.pop("preserve_default", None)
        texts = {key: self._text(value) for key, value in given.items()}
        if bases is not None:
            texts["bases"] = self._text(bases)
        for key in ("index", "constraint"):
            if key in given:
                texts[f"{key}_name"] = self._name_of(given[key])
        return Operation(name, line, texts, fields, options)

    def _text(self, node: ast.expr | None) -> str:
        return (canonical(node, self.resolve) if node is not None else "") or ""

    def _name_of(self, node: ast.expr) -> str:
        """The `name=` of an index or constraint."""
        for each in node.keywords if isinstance(node, ast.Call) else ():
            if each.arg == "name":
                return self._text(each.value)
        return ""

    def _fields(self, node: ast.expr) -> Iterator[tuple[str, FieldState]]:
        for each in node.elts if isinstance(node, ast.List | ast.Tuple) else ():
            match each:
                case ast.Tuple(elts=[ast.Constant(value=str() as name), value]):
                    found = self._field(value)
                    if found is not None:
                        yield name, found
                case _:
                    self.understood = False
        if not isinstance(node, ast.List | ast.Tuple):
            self.understood = False

    def _field(self, node: ast.expr) -> FieldState | None:
        if not isinstance(node, ast.Call):
            self.understood = False
            return None
        kind = canonical(node.func, self.resolve) or ""
        keywords = {e.arg: canonical(e.value, self.resolve) for e in node.keywords if e.arg}
        args = [canonical(each, self.resolve) for each in node.args]
        return state_of(kind, args, keywords, partial=any(not e.arg for e in node.keywords))

    def _options(self, node: ast.expr) -> dict[str, str]:
        found: dict[str, str] = {}
        if not isinstance(node, ast.Dict):
            self.understood = False
            return found
        for key, value in zip(node.keys, node.values, strict=True):
            name = key.value if isinstance(key, ast.Constant) else None
            if not isinstance(name, str):
                self.understood = False
                continue
            found[name] = self._text(value)
            if name in ("indexes", "constraints"):
                items = value.elts if isinstance(value, ast.List | ast.Tuple) else []
                found[name] = ",".join(self._name_of(each) for each in items)
        return found


_MOST_LISTS = 1000
_NOTHING = ast.List([], ast.Load())
_SEPARATE = "SeparateDatabaseAndState"
_FIELD = ("model_name", "name", "field")
_INDEX = ("model_name", "index")
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "CreateModel": ("name", "fields", "options", "bases", "managers"),
    "DeleteModel": ("name",),
    "RenameModel": ("old_name", "new_name"),
    "AlterModelTable": ("name", "table"),
    "AlterModelTableComment": ("name", "table_comment"),
    "AlterModelOptions": ("name", "options"),
    "AlterModelManagers": ("name", "managers"),
    "AlterUniqueTogether": ("name", "unique_together"),
    "AlterIndexTogether": ("name", "index_together"),
    "AlterOrderWithRespectTo": ("name", "order_with_respect_to"),
    "AddField": _FIELD,
    "AlterField": _FIELD,
    "RemoveField": ("model_name", "name"),
    "RenameField": ("model_name", "old_name", "new_name"),
    "AddIndex": _INDEX,
    "AddIndexConcurrently": _INDEX,
    "RemoveIndex": ("model_name", "name"),
    "RemoveIndexConcurrently": ("model_name", "name"),
    "RenameIndex": ("model_name", "new_name", "old_name", "old_fields"),
    "AddConstraint": ("model_name", "constraint"),
    "AddConstraintNotValid": ("model_name", "constraint"),
    "RemoveConstraint": ("model_name", "name"),
    "AlterConstraint": ("model_name", "name", "constraint"),
}


def _without_default(given: dict[str, str]) -> dict[str, str]:
    """`preserve_default=False`: the default was for the rows of that day only."""
    return {key: value for key, value in given.items() if key != "default"}


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _pairs(node: ast.expr | None) -> tuple[tuple[str, str], ...]:
    """`[("shop", "0001_initial")]`; `swappable_dependency(...)` and the like are left out."""
    found = []
    for each in node.elts if isinstance(node, ast.List | ast.Tuple) else ():
        match each:
            case ast.Tuple(
                elts=[ast.Constant(value=str() as app), ast.Constant(value=str() as name)]
            ):
                found.append((app, name))
            case _:
                pass
    return tuple(found)


def extract(source: Source) -> MigrationRecord | None:
    """The record of a Django migration; None for other files."""
    for node in source.tree.body if source.tree is not None else ():
        if isinstance(node, ast.ClassDef) and node.name == "Migration" and source.tree is not None:
            said = {
                target.id: each.value
                for each in node.body
                if isinstance(each, ast.Assign)
                for target in each.targets
                if isinstance(target, ast.Name)
            }
            reader = _Reader(source)
            reader.lists = {**reader.lists, **said}
            operations = tuple(reader.operations(said.get("operations", _NOTHING)))
            if not {"operations", "dependencies", "initial", "replaces"} & set(said):
                reader.understood = False  # South's migrations have the same class name
            return MigrationRecord(
                _pairs(said.get("dependencies")),
                _pairs(said.get("replaces")),
                operations,
                reader.understood,
            )
    return None


MIGRATIONS = Extractor(
    name="migrations",
    version=3,
    record=MigrationRecord,
    reads=is_migration,
    extract=extract,
    wanted=lambda data: b"Migration" in data,
)
