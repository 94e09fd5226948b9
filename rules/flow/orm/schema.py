"""The models of a project, Django's and SQLAlchemy's, and how they hang together."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from rules.facts.django_models import Models, Relation
from rules.facts.python_classes import Classes
from rules.facts.python_modules import ClassRecord, FieldRecord, dotted
from rules.flow.orm import django_auth
from rules.flow.orm.django_auth import AUTH_USER, BUILT_IN, USER_BASES
from rules.flow.orm.trees import Trees

_RELATIONSHIPS = frozenset({"relationship", "Relationship", "dynamic_loader"})
_TYPE = re.compile(r"[A-Za-z_][\w.]*")
_WRAPPERS = frozenset(
    {"Mapped", "Optional", "Union", "None", "list", "List", "set", "Set", "Sequence", "dict"}
    | {
        "WriteOnlyMapped",
        "DynamicMapped",
        "typing",
        "orm",
        "Annotated",
        "ForwardRef",
        "relationship",
    }
)
_MANY = re.compile(r"\b(list|List|set|Set|Sequence|Collection|DynamicMapped|WriteOnlyMapped)\b")


@dataclass(frozen=True, slots=True)
class Related:
    """A relation with what SQLAlchemy says of its loading, empty where it says nothing."""

    relation: Relation
    lazy: str = ""

    @property
    def always(self) -> bool:
        """Whether each query loads it by itself."""
        return self.lazy in ("joined", "selectin", "subquery", "immediate", "False")

    @property
    def raises(self) -> bool:
        return self.lazy in ("raise", "raise_on_sql", "noload")


@dataclass
class Schema:
    """Relations by model and name."""

    models: Models
    classes: Classes
    trees: Trees
    _alchemy: dict[str, dict[str, Related]] = field(default_factory=dict)
    _is_alchemy: dict[str, bool] = field(default_factory=dict)
    _backrefs: dict[str, dict[str, Related]] | None = None
    _last: dict[str, list[str]] = field(default_factory=dict)

    @cached_property
    def is_alchemical(self) -> bool:
        """Whether there are models of SQLAlchemy."""
        return any(map(self.is_alchemy, self.classes.by_name))

    @cached_property
    def model_paths(self) -> frozenset[str]:
        """The files that define models."""
        return frozenset(
            path
            for key, (path, _) in self.classes.by_name.items()
            if key in self.models.by_key or self.is_alchemy(key)
        )

    def is_model(self, key: str) -> bool:
        return key in BUILT_IN or key in self.models.by_key or self.is_alchemy(key)

    def related(self, key: str, name: str) -> Related | None:
        """The relation behind an attribute of an instance."""
        if key in self.models.by_key:
            found = self.models.relation(key, name) or self._inherited(key, name)
            if found is not None and not found.target and not found.generic:
                found = self._to_user(key, found)
            return Related(found) if found is not None else None
        if key in BUILT_IN:
            found = self.of_django.get(key, {}).get(name)
            if found is None and key == AUTH_USER:
                found = self.of_users.get(name)
            return Related(found) if found is not None else None
        if not self.is_alchemy(key):
            return None
        own = self.alchemy(key).get(name)
        if own is not None:
            return own
        return next(
            (
                self.backrefs[each][name]
                for each in self.classes.lineage(key)
                if name in self.backrefs.get(each, {})
            ),
            None,
        )

    def _inherited(self, key: str, name: str) -> Relation | None:
        """The groups and permissions of a user model that takes them from Django."""
        found = self.of_django[AUTH_USER].get(name)
        if found is None or not USER_BASES.intersection(self.classes.lineage(key)):
            return None
        return found

    @cached_property
    def of_django(self) -> Mapping[str, Mapping[str, Relation]]:
        """What leads from the models that Django brings along."""
        app, _, name = self.models.apps.user_model.lower().rpartition(".")
        own = (
            key
            for key, each in self.models.by_key.items()
            if each.name.lower() == name and each.app.lower() == app
        )
        return django_auth.relations(next(own, AUTH_USER))

    def _to_user(self, key: str, relation: Relation) -> Relation:
        """A relation to Django's own user, which is no model of the project."""
        field = self.models.by_key[key].fields.get(relation.name)
        record = field.record if field is not None else None
        if field is None or record is None:
            return relation
        text = record.args[0] if record.args else record.keywords.get("to", "")
        own = "AUTH_USER_MODEL" in text or text.startswith("get_user_model(")
        if own and self.models.apps.user_model.lower() not in ("auth.user", ""):
            return relation
        full = self.classes.modules.resolve(field.path, text) if text.isidentifier() else text
        if own or full == AUTH_USER or text.strip("'\"") in ("auth.User", "User"):
            return replace(relation, target=AUTH_USER)
        return relation

    @cached_property
    def of_users(self) -> dict[str, Relation]:
        """What leads from Django's own user to the models of the project."""
        found: dict[str, Relation] = {}
        for key, model in self.models.by_key.items():
            for relation in self.models.relations.get(key, {}).values():
                if relation.target or relation.generic or not relation.forward or model.abstract:
                    continue
                if self._to_user(key, relation).target and relation.inverse:
                    single = relation.single
                    found[relation.inverse] = Relation(
                        relation.inverse,
                        key,
                        not single,
                        forward=False,
                        inverse=relation.name,
                        single=single,
                    )
        return found

    def is_alchemy(self, key: str) -> bool:
        if key not in self._is_alchemy:
            self._is_alchemy[key] = False
            self._is_alchemy[key] = self._looks_mapped(key)
        return self._is_alchemy[key]

    def _looks_mapped(self, key: str) -> bool:
        if key not in self.classes.by_name or key in self.models.by_key:
            return False
        record = self.classes.by_name[key][1]
        if record.keywords.get("table") == "True":
            return True
        for each in self.classes.lineage(key):
            if each not in self.classes.by_name:
                continue
            for one in self.classes.by_name[each][1].fields:
                if one.name in ("__tablename__", "__table__"):
                    return True
        return any(_is_relationship(one) for one in record.fields)

    def alchemy(self, key: str) -> dict[str, Related]:
        if key not in self._alchemy:
            self._alchemy[key] = {}
            found: dict[str, Related] = {}
            for each in reversed(self.classes.lineage(key)):
                if each in self.classes.by_name:
                    found |= self._declared(each)
            self._alchemy[key] = found
        return self._alchemy[key]

    def _declared(self, key: str) -> dict[str, Related]:
        path, record = self.classes.by_name[key]
        found = {}
        for one in record.fields:
            if _is_relationship(one):
                made = self._relationship(path, one.name, one.args, one.keywords, one.annotation)
                if made is not None:
                    found[one.name] = self._pointed(made, record)
        for method in record.methods:
            if any(each.rpartition(".")[2] == "declared_attr" for each in method.decorators):
                made = self._declared_attr(path, record.name, method.name)
                if made is not None:
                    found[method.name] = made
        return found

    def _pointed(self, made: Related, record: ClassRecord) -> Related:
        """One row at the other end where a column beside an untold relation points there."""
        relation = made.relation
        if (
            relation.many
            and relation.forward is False
            and (
                f"{relation.name}_id" in {each.name for each in record.fields}
                or self._points_to(relation.target, record)
            )
        ):
            return Related(replace(relation, many=False, forward=True), made.lazy)
        return made

    def _points_to(self, target: str, record: ClassRecord) -> bool:
        """Whether a column is a foreign key to the table of another class."""
        if target not in self.classes.by_name or self.classes.by_name[target][1] is record:
            return False
        table = next(
            (
                each.value
                for each in self.classes.by_name[target][1].fields
                if each.name == "__tablename__"
            ),
            "",
        ).strip("\"'")
        return bool(table) and any(
            re.search(rf"ForeignKey\(['\"](\w+\.)?{re.escape(table)}\.", text)
            for each in record.fields
            for text in each.args
        )

    def _declared_attr(self, path: str, owner: str, name: str) -> Related | None:
        node = self.trees.function(path, f"{owner}.{name}")
        for each in node.body if node is not None else ():
            value = each.value if isinstance(each, ast.Return) else None
            if (
                isinstance(value, ast.Call)
                and dotted(value.func).rpartition(".")[2] in _RELATIONSHIPS
            ):
                note = ast.unparse(node.returns) if node is not None and node.returns else ""
                args = tuple(ast.unparse(a) for a in value.args)
                keywords = {k.arg: ast.unparse(k.value) for k in value.keywords if k.arg}
                return self._relationship(path, name, args, keywords, note)
        return None

    def _relationship(
        self,
        path: str,
        name: str,
        args: tuple[str, ...],
        keywords: Mapping[str, str],
        annotation: str,
    ) -> Related | None:
        text = args[0] if args else keywords.get("argument", "")
        target = self._target(path, text) or self._target(path, annotation)
        many = _many(annotation, keywords)
        if "sa_relationship_kwargs" in keywords:
            inner = re.search(r"['\"]lazy['\"]: *['\"](\w+)", keywords["sa_relationship_kwargs"])
            lazy = inner[1] if inner else ""
        else:
            lazy = keywords.get("lazy", "").strip("'\"")
        back = keywords.get("back_populates", "").strip("'\"")
        unknown = not annotation and "uselist" not in keywords
        relation = Relation(
            name, target, many or unknown, forward=not (many or unknown), inverse=back
        )
        return Related(relation, lazy)

    def _target(self, path: str, text: str) -> str:
        for word in _TYPE.findall(text):
            if word.rpartition(".")[2] in _WRAPPERS or word in _WRAPPERS:
                continue
            found = self.classes.find(self.classes.modules.resolve(path, word))
            if found:
                return found
            return self.only_one(word.rpartition(".")[2])
        return ""

    def only_one(self, name: str) -> str:
        """The one mapped class of this name: SQLAlchemy finds it by its registry."""
        if not self._last:
            for key in self.classes.by_name:
                self._last.setdefault(key.rpartition(".")[2], []).append(key)
        fitting = [key for key in self._last.get(name, ()) if self.is_alchemy(key)]
        return fitting[0] if len(fitting) == 1 else ""

    @property
    def backrefs(self) -> dict[str, dict[str, Related]]:
        if self._backrefs is None:
            self._backrefs = {}
            for key, (path, record) in self.classes.by_name.items():
                for one in record.fields:
                    if _is_relationship(one) and "backref" in one.keywords:
                        self._note_backref(key, path, one)
        return self._backrefs

    def _note_backref(self, key: str, path: str, one: FieldRecord) -> None:
        text = one.keywords["backref"]
        name = re.search(r"['\"](\w+)['\"]", text)
        target = self._target(path, one.args[0] if one.args else one.annotation)
        if name is None or not target or self._backrefs is None:
            return
        lazy = re.search(r"lazy=['\"]?(\w+)", text)
        relation = Relation(name[1], key, many=True, forward=False, inverse=one.name)
        made = Related(relation, lazy[1] if lazy else "")
        self._backrefs.setdefault(target, {})[name[1]] = made


def _is_relationship(one: FieldRecord) -> bool:
    return one.func.rpartition(".")[2] in _RELATIONSHIPS


def _many(annotation: str, keywords: Mapping[str, str]) -> bool:
    if "uselist" in keywords:
        return keywords["uselist"] != "False"
    return bool(_MANY.search(annotation))
