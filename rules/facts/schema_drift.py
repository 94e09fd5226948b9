"""Where models say something that the migrations of their app do not."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rules.facts.declared_values import DeclaredValues
from rules.facts.django_models import Model, ModelField, Models
from rules.facts.field_states import KNOWN, FieldState, differences, is_doubtful, state_of
from rules.facts.field_values import reference
from rules.facts.migration_state import ALTERABLE, MigratedModel, MigrationState
from rules.kit import Project
from rules.kit.paths import is_test

_COMPARED = (*ALTERABLE, "db_table", "db_table_comment", "order_with_respect_to")
_TOGETHER = ("unique_together", "index_together")
_VIRTUAL = frozenset({"GenericForeignKey", "GenericRelation"})
_LABELLED = frozenset({"to", "through"})
_FIELDLESS = re.compile(
    r"^(django\.(contrib\.gis\.)?db\.models\.|builtins\.|typing\.|abc\.|collections\.)"
)
_USER = "ref:django.conf.settings.AUTH_USER_MODEL"


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference, between two lines.

    `what` completes "the migrations of `app` do not know ..."; without it the app has none.
    """

    line: int
    end_line: int
    app: str
    model: str
    what: str


@dataclass(frozen=True)
class SchemaDrift:
    """Differences by the file in which the model, or the abstract base, says it."""

    by_path: Mapping[str, tuple[Drift, ...]]

    @classmethod
    def gather(cls, project: Project) -> SchemaDrift:
        found: dict[str, dict[tuple[int, str], Drift]] = defaultdict(dict)
        for path, drift in _Comparison(project).run():
            found[path].setdefault((drift.line, drift.what), drift)
        return cls({path: tuple(each.values()) for path, each in found.items()})


class _Comparison:
    """Compares every model with the state of its app's migrations."""

    def __init__(self, project: Project) -> None:
        self._models: Models = project.facts(Models)
        self._state: MigrationState = project.facts(MigrationState)
        self._values = DeclaredValues(self._models.classes)
        self._user: str = self._models.apps.user_model.lower()

    def run(self) -> Iterator[tuple[str, Drift]]:
        labels = Counter((self._folder(m), m.name.lower()) for m in self._concrete())
        for model in self._concrete():
            folder = self._folder(model)
            if labels[(folder, model.name.lower())] > 1:
                continue  # defined twice, as in a branch: which one counts is not seen
            if folder not in self._state.apps:
                yield model.path, self._of_model(model, "")
                continue
            known = self._state.apps[folder]
            migrated = known.get(model.name.lower())
            if migrated is None:
                if self._is_loaded(model):
                    yield model.path, self._of_model(model, "this model")
                continue
            if not model.proxy and model.managed:
                yield from self._fields(model, migrated)
            yield from self._options(model, migrated)

    def _concrete(self) -> Iterator[Model]:
        for each in self._models.by_key.values():
            if each.abstract or is_test(each.path):
                continue
            if self._folder(each) in self._state.apps or self._is_forgotten(each):
                yield each

    def _is_forgotten(self, model: Model) -> bool:
        """Whether an installed app has models and, unlike others of the project, no migrations."""
        apps = self._models.apps
        app = apps.by_folder.get(self._folder(model))
        if app is None or app.folder not in self._state.bare or not self._state.apps:
            return False
        if app.label in apps.moved:
            return False
        at_home = f"/{model.path}".endswith("/models.py") or "/models/" in f"/{model.path}"
        if not at_home or model.proxy or not model.managed or model.open:
            return False
        return bool(app.folder) and apps.installs(app.folder)

    def _of_model(self, model: Model, what: str) -> Drift:
        """A difference that the class as a whole has: from its head to the end of its `Meta`."""
        record = self._models.classes.by_name[model.key][1]
        meta = next((each for each in record.inner if each.name == "Meta"), None)
        end = meta.end_line if meta is not None else model.line
        return Drift(model.line, max(end, model.line), model.app, model.name, what)

    def _folder(self, model: Model) -> str:
        """The folder of the app that the model belongs to."""
        app = self._models.apps.of(model.path)
        if app is None or app.label != model.app:
            app = self._models.apps.with_label(model.app)
        return app.folder if app is not None else "?"

    def _is_loaded(self, model: Model) -> bool:
        """Whether Django certainly sees the class: it stands where models stand."""
        known = self._state.apps[self._folder(model)]
        beside = self._models.by_path[model.path]
        return (
            f"/{model.path}".endswith("/models.py")
            or any(each.name.lower() in known for each in beside)
            or "/models/" in f"/{model.path}"
        )

    def _fields(self, model: Model, migrated: MigratedModel) -> Iterator[tuple[str, Drift]]:
        real = {n: f for n, f in model.fields.items() if f.type not in _VIRTUAL}
        for name, each in real.items():
            known = migrated.fields.get(name)
            if known is None:
                if each.type in KNOWN:
                    yield from self._of_field(model, each, f"the field `{name}`")
                continue
            mine = self._field_state(model, each)
            theirs = self._migrated_field(model, known)
            keys = differences(mine, theirs)
            if keys:
                said = "the type" if keys == ["type"] else " and ".join(f"`{k}`" for k in keys[:3])
                yield from self._of_field(model, each, f"{said} of the field `{name}`")
        if not self._is_whole(model) or any(
            each.kind != each.own or each.type not in KNOWN for each in real.values()
        ):
            return  # bases and fields that are not seen may add columns
        held = {each.name for each in self._models.classes.by_name[model.key][1].fields}
        for name, state in migrated.fields.items():
            if (
                name not in real
                and name not in held
                and state.known
                and name not in ("id", "_order")
                and not name.endswith("_ptr")
            ):
                yield model.path, self._of_model(model, f"that the field `{name}` is gone")

    def _is_whole(self, model: Model) -> bool:
        """Whether no base of the model can bring fields that are not seen."""
        classes = self._models.classes
        lineage = classes.lineage(model.key)
        outside = [each for each in lineage if each not in classes.by_name]
        return not model.open and all(_FIELDLESS.match(each) for each in outside)

    def _of_field(self, model: Model, one: ModelField, what: str) -> Iterator[tuple[str, Drift]]:
        """Said where the field is declared; in another file, said of the model that has it too."""
        line = one.record.line
        yield one.path, Drift(line, line, model.app, model.name, what)
        if one.path != model.path:
            yield model.path, self._of_model(model, what)

    def _field_state(self, model: Model, one: ModelField) -> FieldState:
        owner = self._models.classes.by_name[one.owner][1]
        record = one.record

        def value(source: str) -> str | None:
            return self._values.canonical(source, one.path, owner)

        keywords = {k: value(v) for k, v in record.keywords.items() if k != "**"}
        args = [value(each) for each in record.args]
        partial = "**" in record.keywords or any(a.startswith("*") for a in record.args)
        state = state_of(reference(one.own), args, keywords, partial=partial)
        given = dict(state.given)
        if "to" in given:
            given["to"] = self._target(model, one)
        if "through" in given:
            given["through"] = self._through(model, one)
        return FieldState(state.type, self._with_names(model, given), state.partial)

    def _target(self, model: Model, one: ModelField) -> str:
        relation = self._models.relation(model.key, one.name)
        target: Model | None = None
        if relation is not None:
            target = self._models.by_key.get(relation.target)
        if target is not None:
            return f"{target.app}.{target.name}".lower()
        text: str = one.record.args[0] if one.record.args else one.record.keywords.get("to", "")
        if "AUTH_USER_MODEL" in text or text.startswith("get_user_model("):
            return self._user
        literal: str = text[1:-1].lower() if text[:1] in "'\"" else ""
        return literal if "." in literal else ""

    def _through(self, model: Model, one: ModelField) -> str:
        source: str = one.record.keywords.get("through", "")
        if source[:1] in "'\"":
            literal: str = source[1:-1].lower()
            return literal if "." in literal else f"{model.app}.{literal}".lower()
        found = self._models.find(self._models.classes.modules.resolve(one.path, source))
        return f"{found.app}.{found.name}".lower() if found is not None else ""

    def _with_names(self, model: Model, given: dict[str, str]) -> dict[str, str]:
        for key in ("related_name", "related_query_name"):
            if given.get(key):
                text = given[key].replace("%(class)s", model.name.lower())
                given[key] = text.replace("%(app_label)s", model.app).lower()
        return given

    def _migrated_field(self, model: Model, state: FieldState) -> FieldState:
        given = dict(state.given)
        for key in _LABELLED & set(given):
            given[key] = self._label(model, given[key])
        for key, value in given.items():
            if value.startswith("ref:") and not value.startswith("ref:django.db.models."):
                given[key] = self._current(value)
        return FieldState(state.type, self._with_names(model, given), state.partial)

    def _label(self, model: Model, text: str) -> str:
        """The label that a migration points at, by the name that it has today."""
        if text == _USER:
            return self._user
        if not text.startswith("'"):
            return ""
        label = text.strip("'").lower()
        label = label if "." in label else f"{model.app}.{label}".lower()
        seen: set[str] = set()
        while label in self._state.renamed and label not in seen:
            seen.add(label)
            app, _, name = label.partition(".")
            home = self._models.apps.with_label(app)
            if home is not None and name in self._state.apps.get(home.folder, {}):
                break
            label = self._state.renamed[label]
        return label

    def _current(self, value: str) -> str:
        """A name in a migration, as the declaration of a model would give it today."""
        full = self._models.classes.modules.canonical(value.removeprefix("ref:"))
        path = self._models.classes.modules.path_of.get(full.rpartition(".")[0])
        if path is None:
            return value
        return self._values.name(full.rpartition(".")[2], path, None, 8) or ""

    def _options(self, model: Model, migrated: MigratedModel) -> Iterator[tuple[str, Drift]]:
        path, record = self._models.classes.by_name[model.key]
        meta = next((each for each in record.inner if each.name == "Meta"), None)
        lines = {each.name: each.line for each in meta.fields} if meta is not None else {}
        at = meta.line if meta is not None else model.line
        inherited = meta is not None and any(each for each in meta.bases)
        unseen = model.open or inherited or (meta is None and len(model.parents) == 0)
        for key in (*_COMPARED, *_TOGETHER):
            mine = self._option(model, key)
            theirs = migrated.options.get(key)
            if mine == theirs or is_doubtful(mine, theirs):
                continue
            if mine is None and (unseen or theirs in ("None", "[]", None)):
                continue
            if key in _TOGETHER:
                mine, theirs = _together(mine), _together(theirs)
            if key in ("db_table", "db_table_comment"):
                mine, theirs = mine or "None", theirs or "None"
            if mine != theirs:
                what = f"`{key}` of `class Meta`"
                line = lines.get(key, at)
                yield path, Drift(line, line, model.app, model.name, what)
        for key, names in (("indexes", migrated.indexes), ("constraints", migrated.constraints)):
            for what in self._named(model, key, names, unseen=unseen):
                line = lines.get(key, at)
                yield path, Drift(line, line, model.app, model.name, what)

    def _option(self, model: Model, key: str) -> str | None:
        """The canonical text of an option; None if it is not given, empty if it is unknown."""
        source = model.options.get(key)
        if source is None:
            return None
        path, record = self._models.classes.by_name[model.key]
        return self._values.canonical(source, path, record) or ""

    def _named(self, model: Model, key: str, known: set[str], *, unseen: bool) -> Iterator[str]:
        """Indexes and constraints that are in the model only, or in the migrations only."""
        source = model.options.get(key)
        if "" in known:
            return
        names, whole = _names_in(source) if source is not None else ([], not unseen)
        expanded = [
            repr(name.replace("%(class)s", model.name.lower()).replace("%(app_label)s", model.app))
            for name in names
        ]
        whole = whole and not unseen
        kind = "index" if key == "indexes" else "constraint"
        for name in expanded:
            if name not in known:
                yield f"the {kind} `{name[1:-1]}`"
        for name in sorted(known - set(expanded)) if whole else ():
            yield f"that the {kind} `{name[1:-1]}` is gone"


def _together(text: str | None) -> str:
    """`("a", "b")` and `[("a", "b")]` say the same, in any order."""
    try:
        value = ast.literal_eval(text) if text else []
    except (ValueError, SyntaxError):
        return ""
    if value and isinstance(value, list) and not isinstance(value[0], list):
        value = [value]
    return repr(sorted(map(tuple, value or []))) if isinstance(value or [], list) else ""


def _names_in(source: str) -> tuple[list[str], bool]:
    """The names of indexes or constraints in a list, and whether these are surely all."""
    try:
        node = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [], False
    if not isinstance(node, ast.List | ast.Tuple):
        return [], False
    names: list[str] = []
    whole = True
    for each in node.elts:
        given = {k.arg: k.value for k in each.keywords} if isinstance(each, ast.Call) else {}
        name = given.get("name")
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            names.append(name.value)
        else:
            whole = False
    return names, whole
