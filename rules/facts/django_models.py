"""The Django models of a project: fields, relations both ways, managers.

Nothing is imported or run. A class is a model if its bases lead to Django's, or if it has
Django fields and a base from a library; such a class is `open`: it may hold more than is seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from rules.facts.django_apps import Apps
from rules.facts.python_classes import Classes
from rules.facts.python_modules import ClassRecord, FieldRecord
from rules.kit import Project

DEFAULT_MANAGERS = frozenset({"objects", "_default_manager", "_base_manager"})
_MODEL = frozenset({"django.db.models.Model", "django.db.models.base.Model"})
_GIS = "django.contrib.gis.db.models.Model"
_TO_ONE = frozenset({"ForeignKey", "OneToOneField", "TreeForeignKey", "ParentalKey"})
_TO_MANY = frozenset({"ManyToManyField", "ParentalManyToManyField", "SortedManyToManyField"})
_GENERIC = frozenset({"GenericForeignKey", "GenericRelation"})
_ONE_TO_ONE = "OneToOneField"
_FIELD_HOMES = ("django.db.models.", "django.contrib.gis.db.models.", "django.contrib.postgres.")
_OPEN_BASES = ("Model", "User", "PermissionsMixin", "Page", "Orderable", "Base")


@dataclass(frozen=True, slots=True)
class ModelField:
    """A field as it is declared.

    `kind` is the full name of the first class outside the project that its class descends
    from, `own` that of its class; `owner` is the key of the class that declares it.
    """

    name: str
    record: FieldRecord
    path: str
    kind: str
    own: str
    owner: str

    @property
    def type(self) -> str:
        return self.kind.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Relation:
    """An attribute of an instance that leads to other rows.

    `target` is the key of a model, empty outside the project; `inverse` the attribute that
    leads back. `single` marks a one-to-one; `generic` ones cannot be joined.
    """

    name: str
    target: str
    many: bool
    forward: bool
    inverse: str = ""
    single: bool = False
    generic: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """One model. `fields` and `managers` include inherited ones, the nearest declaration wins."""

    key: str
    name: str
    path: str
    line: int
    app: str
    options: Mapping[str, str]
    fields: Mapping[str, ModelField]
    managers: Mapping[str, FieldRecord]
    parents: tuple[str, ...]
    open: bool

    def says(self, option: str) -> bool:
        return self.options.get(option) == "True"

    @property
    def abstract(self) -> bool:
        return self.says("abstract")

    @property
    def proxy(self) -> bool:
        return self.says("proxy")

    @property
    def managed(self) -> bool:
        return self.options.get("managed") != "False"


@dataclass(frozen=True)
class Models:
    """Every model by the full dotted name of its class."""

    by_key: Mapping[str, Model]
    classes: Classes
    apps: Apps
    relations: Mapping[str, Mapping[str, Relation]]
    by_path: Mapping[str, tuple[Model, ...]]
    _named: dict[str, tuple[str, Relation] | None] = field(
        default_factory=dict, compare=False, repr=False
    )

    @classmethod
    def gather(cls, project: Project) -> Models:
        classes: Classes = project.facts(Classes)
        apps: Apps = project.facts(Apps)
        found = {m.key: m for m in _Reader(classes, apps).models()}
        by_path: dict[str, list[Model]] = defaultdict(list)
        for each in found.values():
            by_path[each.path].append(each)
        relations = _Linker(found, classes, apps).relations()
        return cls(
            found,
            classes,
            apps,
            relations,
            {path: tuple(each) for path, each in by_path.items()},
        )

    @cached_property
    def ways_to_rows(self) -> frozenset[str]:
        """The attributes one of which every expression of a query set goes through."""
        managers = {name for each in self.by_key.values() for name in each.managers}
        related = {name for held in self.relations.values() for name in held}
        return frozenset({*DEFAULT_MANAGERS, *managers, *related})

    def find(self, full: str) -> Model | None:
        """The model of a dotted name, through re-exports and from folders without `__init__`."""
        key = self.classes.find(full)
        return self.by_key.get(key) if key else None

    def many_named(self, name: str) -> tuple[str, Relation] | None:
        """The one relation to several rows of this name, with a model that has it.

        None if relations of this name lead to different models, or to one row.
        """
        if name not in self._named:
            owners = [key for key, held in self.relations.items() if name in held]
            kinds = {(r.target, r.many) for r in (self.relations[key][name] for key in owners)}
            sure = len(kinds) == 1 and all(target and many for target, many in kinds)
            self._named[name] = (owners[0], self.relations[owners[0]][name]) if sure else None
        return self._named[name]

    def ways_back(self, name: str) -> frozenset[str]:
        """The foreign keys, any of which the rows of a reverse relation of this name may be got by."""
        named = (held[name] for held in self.relations.values() if name in held)
        return frozenset(
            each.inverse
            for each in named
            if not each.forward and (back := self.relation(each.target, each.inverse)) is not None
            if not back.many
        )

    def relation(self, key: str, name: str) -> Relation | None:
        """What an attribute of an instance leads to, if it leads to rows at all."""
        return self.relations.get(key, {}).get(name)


class _Reader:
    """Finds the classes that are models, and what each holds."""

    def __init__(self, classes: Classes, apps: Apps) -> None:
        self._classes = classes
        self._apps = apps
        self._kinds: dict[str, str] = {}
        self._fields: dict[str, dict[str, ModelField]] = {}

    def models(self) -> Iterator[Model]:
        for key in self._classes.by_name:
            if self.kind(key):
                yield self._model(key)

    def kind(self, key: str) -> str:
        """`model`, `open` for one with bases that are not seen, or nothing."""
        if key not in self._kinds:
            self._kinds[key] = ""
            self._kinds[key] = self._classify(key)
        return self._kinds[key]

    def _classify(self, key: str) -> str:
        found = self._classes.by_name.get(key)
        if found is None:
            return ""
        bases = self._classes.bases(key)
        known = [self.kind(base) for base in bases if base in self._classes.by_name]
        outside = [base for base in bases if base not in self._classes.by_name]
        direct = any(base in _MODEL or base == _GIS for base in outside)
        rest = [b for b in outside if b not in _MODEL and b != _GIS and _may_be_model(b)]
        if direct or any(known):
            return "open" if rest or "open" in known else "model"
        if rest and any(_is_certain(each) for each in self._own_fields(key)):
            return "open"
        return ""

    def _own_fields(self, key: str) -> Iterator[ModelField]:
        path, record = self._classes.by_name[key]
        for each in record.fields:
            if not each.func:
                continue
            own = self._classes.modules.resolve(path, each.func)
            kind = self._classes.root(own)
            if is_field(kind):
                yield ModelField(each.name, each, path, kind, own, key)

    def fields_of(self, key: str) -> dict[str, ModelField]:
        """Own and inherited fields; a class attribute `name = None` takes an inherited one away."""
        if key not in self._fields:
            self._fields[key] = {}
            found: dict[str, ModelField] = {}
            for base in reversed(self._classes.bases(key)):
                if base in self._classes.by_name and not self._is_parent(base):
                    found |= self.fields_of(base)
            record = self._classes.by_name[key][1]
            for each in record.fields:
                if each.value == "None":
                    found.pop(each.name, None)
            found |= {each.name: each for each in self._own_fields(key)}
            self._fields[key] = found
        return self._fields[key]

    def _is_parent(self, base: str) -> bool:
        """A concrete model keeps its fields in its own table."""
        return bool(self.kind(base)) and self._options(base).get("abstract") != "True"

    def _options(self, key: str) -> dict[str, str]:
        """What `class Meta` says, with what it inherits."""
        found = self._classes.by_name.get(key)
        if found is None:
            return {}
        path, record = found
        meta = _meta(record)
        if meta is None:
            for base in self._classes.bases(key):
                inherited = self._options(base)
                if inherited.pop("abstract", "") == "True":
                    return inherited
            return {}
        options: dict[str, str] = {}
        for base in reversed(meta.bases):
            owner = base.rpartition(".")[0]
            if owner and base.endswith(".Meta"):
                options |= self._options(self._classes.modules.resolve(path, owner))
        options.pop("abstract", None)
        options |= {each.name: _text_of(each) for each in meta.fields}
        return options

    def _managers(self, key: str) -> dict[str, FieldRecord]:
        found: dict[str, FieldRecord] = {}
        for base in reversed(self._classes.bases(key)):
            if base in self._classes.by_name:
                found |= self._managers(base)
        path, record = self._classes.by_name[key]
        for each in record.fields:
            if each.func and self._is_manager(path, each.func):
                found[each.name] = each
        return found

    def _is_manager(self, path: str, func: str) -> bool:
        if func.endswith(".as_manager") or ".from_queryset(" in func:
            return True
        full = self._classes.modules.resolve(path, func)
        return self._classes.root(full).rpartition(".")[2].endswith(("Manager", "from_queryset"))

    def _model(self, key: str) -> Model:
        path, record = self._classes.by_name[key]
        options = self._options(key)
        parents = [each for each in self._classes.lineage(key)[1:] if self._is_parent(each)]
        return Model(
            key,
            record.name,
            path,
            record.line,
            _unquoted(options.get("app_label", "")) or self._apps.label_of(path),
            options,
            self.fields_of(key),
            self._managers(key),
            tuple(parents),
            self.kind(key) == "open",
        )


def _meta(record: ClassRecord) -> ClassRecord | None:
    return next((each for each in record.inner if each.name == "Meta"), None)


def _text_of(record: FieldRecord) -> str:
    """The source of a class attribute, calls included."""
    if not record.func:
        return record.value
    given = [
        *record.args,
        *(f"{k}={v}" if k != "**" else f"**{v}" for k, v in record.keywords.items()),
    ]
    return f"{record.func}({', '.join(given)})"


def _may_be_model(base: str) -> bool:
    if base.startswith(("builtins.", "typing.", "abc.", "enum.")):
        return False
    return base.rpartition(".")[2].endswith(_OPEN_BASES)


def is_field(kind: str) -> bool:
    """Whether a full class name is that of a model field, Django's or a library's."""
    name = kind.rpartition(".")[2]
    if name in _TO_ONE or name in _TO_MANY or name in _GENERIC:
        return True
    if kind.startswith(("rest_framework.", "django.forms", "wtforms.", "marshmallow.", "graphene")):
        return False
    return name.endswith("Field") and (kind.startswith(_FIELD_HOMES) or ".forms" not in kind)


def _is_certain(one: ModelField) -> bool:
    """A field that nothing but a model has."""
    return one.kind.startswith(_FIELD_HOMES) or one.type in _TO_ONE or one.type in _TO_MANY


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0] else ""


class _Linker:
    """Draws the relations between models, in both directions."""

    def __init__(self, models: Mapping[str, Model], classes: Classes, apps: Apps) -> None:
        self._models = models
        self._classes = classes
        self._apps = apps
        self._labels = {(m.app.lower(), m.name.lower()): m.key for m in models.values()}
        self._children: dict[str, list[str]] = defaultdict(list)
        self._found: dict[str, dict[str, Relation]] = {key: {} for key in models}

    def relations(self) -> Mapping[str, Mapping[str, Relation]]:
        for model in self._models.values():
            for parent in model.parents:
                self._children[parent].append(model.key)
        for model in self._models.values():
            for each in model.fields.values():
                self._relate(model, each)
        for model in self._models.values():
            for parent in model.parents:
                self._inherit(model, parent)
        return self._found

    def _inherit(self, child: Model, parent: str) -> None:
        """A child table: what the parent relates to, and the way down to the child."""
        for name, each in list(self._found[parent].items()):
            self._found[child.key].setdefault(name, each)
        if not child.proxy:
            name = child.name.lower()
            down = Relation(name, child.key, many=False, forward=False, single=True)
            self._found[parent].setdefault(name, down)

    def _relate(self, model: Model, one: ModelField) -> None:
        kind = one.type
        own = self._found[model.key]
        if kind in _GENERIC:
            many = kind == "GenericRelation"
            target = self.target(model, one) if many else ""
            own[one.name] = Relation(one.name, target, many, forward=True, generic=True)
            return
        if kind not in _TO_ONE and kind not in _TO_MANY:
            return
        target, back, single = self.target(model, one), _back(model, one), kind == _ONE_TO_ONE
        many = kind in _TO_MANY
        own[one.name] = Relation(one.name, target, many, forward=True, inverse=back, single=single)
        if target and back and not model.abstract:
            self._found[target][back] = Relation(
                back, model.key, not single, forward=False, inverse=one.name, single=single
            )

    def target(self, model: Model, one: ModelField) -> str:
        """The key of the model that a field points at."""
        record = one.record
        text = record.args[0] if record.args else record.keywords.get("to", "")
        if "AUTH_USER_MODEL" in text or text.startswith("get_user_model("):
            return self._label(self._apps.user_model, "")
        literal = _unquoted(text)
        if literal in ("self", "this"):
            return model.key
        if literal:
            return self._label(literal, model.app)
        full = self._classes.modules.resolve(one.path, text)
        found = self._classes.find(full)
        return found if found in self._models else ""

    def _label(self, label: str, app: str) -> str:
        given, _, name = label.rpartition(".")
        return self._labels.get(((given or app).lower(), name.lower()), "")


def _back(model: Model, one: ModelField) -> str:
    """The attribute of the target that leads back here; empty where there is none."""
    given = one.record.keywords.get("related_name", "")
    literal = _unquoted(given)
    if given and not literal and given != "None":
        return ""
    name = literal or _unquoted(model.options.get("default_related_name", ""))
    plain = model.name.lower()
    name = name.replace("%(class)s", plain).replace("%(app_label)s", model.app)
    if name.endswith("+"):
        return ""
    return name or (plain if one.type == _ONE_TO_ONE else f"{plain}_set")
