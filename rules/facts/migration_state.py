"""The models as the migrations of an app leave them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from posixpath import dirname

from rules.facts.django_apps import App, Apps
from rules.facts.field_states import FieldState
from rules.facts.migrations import MIGRATIONS, MigrationRecord, Operation
from rules.kit import Project

ALTERABLE = (
    "base_manager_name",
    "default_manager_name",
    "default_related_name",
    "get_latest_by",
    "managed",
    "ordering",
    "permissions",
    "default_permissions",
    "select_on_save",
    "verbose_name",
    "verbose_name_plural",
)
_TOGETHER = ("unique_together", "index_together")


@dataclass
class MigratedModel:
    """A model in the state of the migrations. Unknown values are empty texts."""

    name: str
    fields: dict[str, FieldState]
    options: dict[str, str]
    indexes: set[str] = field(default_factory=set)
    constraints: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class MigrationState:
    """By folder of the app: its models by lower-case name, for apps that were understood.

    `renamed` maps labels of models that migrations rename, as `shop.book`; `bare` are the
    folders of apps that have no migration at all.
    """

    apps: Mapping[str, Mapping[str, MigratedModel]]
    renamed: Mapping[str, str]
    bare: frozenset[str] = frozenset()

    @classmethod
    def gather(cls, project: Project) -> MigrationState:
        apps: Apps = project.facts(Apps)
        records: dict[str, dict[str, MigrationRecord]] = {}
        for path, record in project.records(MIGRATIONS).items():
            name = path.rpartition("/")[2].removesuffix(".py")
            records.setdefault(dirname(path), {})[name] = record
        filled = {dirname(each) for each in project.paths if _is_numbered(each)}
        bare = {folder for folder, app in apps.by_folder.items() if app.migrations not in filled}
        found: dict[str, Mapping[str, MigratedModel]] = {}
        renamed: dict[str, str] = {}
        for app in apps.by_folder.values():
            mine = records.get(app.migrations, {}) if app.migrations else {}
            if mine and all(each.understood for each in mine.values()):
                found[app.folder] = _Replay(app, renamed).run(mine)
        return cls(found, renamed, frozenset(bare))


@dataclass(frozen=True)
class _ByFolder:
    """The migrations of a project by their folder, there by their names."""

    records: Mapping[str, Mapping[str, MigrationRecord]]

    @classmethod
    def gather(cls, project: Project) -> _ByFolder:
        found: dict[str, dict[str, MigrationRecord]] = {}
        for path, record in project.records(MIGRATIONS).items():
            name = path.rpartition("/")[2].removesuffix(".py")
            found.setdefault(dirname(path), {})[name] = record
        return cls(found)


def _is_numbered(path: str) -> bool:
    return "migrations/" in path and path.endswith(".py") and not path.endswith("/__init__.py")


def altered(
    project: Project, path: str, model: str, field_name: str
) -> tuple[FieldState, FieldState] | None:
    """A field before a migration and as the migration first alters it; None if not understood."""
    apps: Apps = project.facts(Apps)
    folder, name = dirname(path), path.rpartition("/")[2].removesuffix(".py")
    home = next((app for app in apps.by_folder.values() if app.migrations == folder), None)
    by_folder: _ByFolder = project.facts(_ByFolder)
    records = by_folder.records.get(folder, {})
    if home is None or name not in records:
        return None
    if not all(each.understood for each in records.values()):
        return None
    replay = _Replay(home, {})
    for record in in_order(home.label.lower(), records):
        if record is records[name]:
            return replay.meets(record, model.lower(), field_name)
        replay.run_one(record)
    return None


def in_order(label: str, records: Mapping[str, MigrationRecord]) -> Iterator[MigrationRecord]:
    """The migrations of an app, each after what it depends on; squashed ones for those replaced."""
    replaced = {
        name: squash
        for squash, record in records.items()
        for app, name in record.replaces
        if app == label and name in records
    }
    done: set[str] = set()

    def visit(name: str, open_: frozenset[str]) -> Iterator[MigrationRecord]:
        name = replaced.get(name, name)
        if name in done or name in open_ or name not in records:
            return
        needed = list(records[name].dependencies)
        for app, inner in records[name].replaces:
            if app == label and inner in records:
                needed += records[inner].dependencies
        for app, before in needed:
            if app == label:
                yield from visit(before, open_ | {name})
        if name not in done:
            done.add(name)
            yield records[name]

    for name in sorted(records):
        yield from visit(name, frozenset())


class _Replay:
    """Applies operations to the state of one app."""

    def __init__(self, app: App, renamed: dict[str, str]) -> None:
        self._label = app.label.lower()
        self._models: dict[str, MigratedModel] = {}
        self._renamed = renamed

    def run(self, records: Mapping[str, MigrationRecord]) -> dict[str, MigratedModel]:
        for record in in_order(self._label, records):
            self.run_one(record)
        return self._models

    def run_one(self, record: MigrationRecord) -> None:
        for each in record.operations:
            self._apply(each)

    def meets(
        self, record: MigrationRecord, model: str, name: str
    ) -> tuple[FieldState, FieldState] | None:
        """A field just before the step of a migration that alters it, and as the step leaves it."""
        for each in record.operations:
            mine = (_plain(each, "model_name") or _plain(each, "name")).lower() == model
            if each.kind == "AlterField" and mine and name in each.fields:
                known = self._models[model].fields.get(name) if model in self._models else None
                return (known, each.fields[name]) if known is not None else None
            self._apply(each)
        return None

    def _apply(self, op: Operation) -> None:
        if op.kind == "CreateModel":
            self._create(op)
        elif op.kind == "RenameModel":
            self._rename_model(_plain(op, "old_name"), _plain(op, "new_name"))
        elif op.kind == "DeleteModel":
            self._models.pop(_plain(op, "name").lower(), None)
        else:
            name = _plain(op, "model_name") or _plain(op, "name")
            model = self._models.get(name.lower())
            if model is not None:
                self._alter(model, op)

    def _create(self, op: Operation) -> None:
        options = dict(op.options)
        indexes = _names(options.pop("indexes", ""))
        constraints = _names(options.pop("constraints", ""))
        name = _plain(op, "name")
        self._models[name.lower()] = MigratedModel(
            name, dict(op.fields), options, indexes, constraints
        )

    def _rename_model(self, old: str, new: str) -> None:
        model = self._models.pop(old.lower(), None)
        if model is not None:
            model.name = new
            self._models[new.lower()] = model
            self._renamed[f"{self._label}.{old.lower()}"] = f"{self._label}.{new.lower()}"

    def _alter(self, model: MigratedModel, op: Operation) -> None:
        match op.kind:
            case "AddField" | "AlterField":
                model.fields.update(op.fields)
            case "RemoveField":
                model.fields.pop(_plain(op, "name"), None)
            case "RenameField":
                _rename_field(model, _plain(op, "old_name"), _plain(op, "new_name"))
            case "AlterModelOptions":
                for key in ALTERABLE:
                    model.options.pop(key, None)
                model.options.update(op.options)
            case "AlterModelTable":
                model.options["db_table"] = op.texts.get("table", "")
            case "AlterModelTableComment":
                model.options["db_table_comment"] = op.texts.get("table_comment", "")
            case "AlterUniqueTogether" | "AlterIndexTogether" | "AlterOrderWithRespectTo":
                for key in (*_TOGETHER, "order_with_respect_to"):
                    if key in op.texts:
                        model.options[key] = op.texts[key]
            case _:
                _alter_names(model, op)


def _alter_names(model: MigratedModel, op: Operation) -> None:
    match op.kind:
        case "AddIndex" | "AddIndexConcurrently":
            model.indexes.add(op.texts.get("index_name", ""))
        case "RemoveIndex" | "RemoveIndexConcurrently":
            model.indexes.discard(op.texts.get("name", ""))
        case "RenameIndex":
            model.indexes.discard(op.texts.get("old_name", ""))
            model.indexes.add(op.texts.get("new_name", ""))
            if op.texts.get("old_fields"):
                model.options["index_together"] = ""
        case "AddConstraint" | "AddConstraintNotValid":
            model.constraints.add(op.texts.get("constraint_name", ""))
        case "RemoveConstraint":
            model.constraints.discard(op.texts.get("name", ""))
        case _:
            pass


def _rename_field(model: MigratedModel, old: str, new: str) -> None:
    if old in model.fields:
        model.fields[new] = model.fields.pop(old)
    for key in _TOGETHER:
        if key in model.options:
            model.options[key] = model.options[key].replace(repr(old), repr(new))


def _plain(op: Operation, key: str) -> str:
    return op.texts.get(key, "").strip("'\"")


def _names(text: str) -> set[str]:
    return set(text.split(",")) if text else set()
