"""A field as Django's `deconstruct()` gives it: without what is its default anyway.

Only Django's own fields are known so well that their arguments can be compared. Of others
nothing but their presence counts.
"""

from __future__ import annotations

import msgspec

_DJANGO = "ref:django.db.models."
_POSTGRES = "ref:django.contrib.postgres.fields."
_GENERAL = frozenset(
    {"null", "blank", "default", "help_text", "db_index", "unique", "related_name", "db_column"}
)
_NAMELESS_FIRST = frozenset({"ForeignKey", "OneToOneField", "ManyToManyField"})
_DEFAULTS = {
    "verbose_name": "None",
    "primary_key": "False",
    "max_length": "None",
    "unique": "False",
    "blank": "False",
    "null": "False",
    "db_index": "False",
    "default": "ref:django.db.models.NOT_PROVIDED",
    "editable": "True",
    "unique_for_date": "None",
    "unique_for_month": "None",
    "unique_for_year": "None",
    "choices": "None",
    "help_text": "''",
    "db_column": "None",
    "db_tablespace": "None",
    "db_comment": "None",
    "db_collation": "None",
    "validators": "[]",
    "error_messages": "None",
    "to_field": "None",
    "related_name": "None",
    "related_query_name": "None",
    "limit_choices_to": "{}",
    "parent_link": "False",
    "through": "None",
    "db_table": "None",
    "db_constraint": "True",
    "auto_now": "False",
    "auto_now_add": "False",
    "max_digits": "None",
    "decimal_places": "None",
    "upload_to": "''",
    "allow_unicode": "False",
    "protocol": "'both'",
    "unpack_ipv4": "False",
    "encoder": "None",
    "decoder": "None",
    "width_field": "None",
    "height_field": "None",
}
_TYPE_DEFAULTS = {
    "SlugField": {"max_length": "50", "db_index": "True"},
    "URLField": {"max_length": "200"},
    "FileField": {"max_length": "100"},
    "ImageField": {"max_length": "100"},
    "FilePathField": {"max_length": "100"},
    "ForeignKey": {"db_index": "True"},
    "GenericIPAddressField": {"max_length": "39"},
    "OneToOneField": {"db_index": "True"},
    "BinaryField": {"editable": "False"},
}
_FIXED_LENGTH = frozenset({"GenericIPAddressField", "UUIDField"})
# What no migration tells apart, or what differs between versions of Django.
_IGNORED = frozenset(
    {"serialize", "auto_created", "storage", "through_fields", "symmetrical", "swappable", "name"}
)
KNOWN = frozenset(
    {"BigIntegerField", "BinaryField", "BooleanField", "CharField", "DateField", "DateTimeField"}
    | {"DecimalField", "DurationField", "EmailField", "FileField", "FilePathField", "FloatField"}
    | {"ForeignKey", "GenericIPAddressField", "ImageField", "IntegerField", "JSONField"}
    | {"ManyToManyField", "NullBooleanField", "OneToOneField", "PositiveBigIntegerField"}
    | {"PositiveIntegerField", "PositiveSmallIntegerField", "SlugField", "SmallIntegerField"}
    | {"TextField", "TimeField", "URLField", "UUIDField", "AutoField", "BigAutoField"}
    | {"SmallAutoField"}
)


class FieldState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A field of a model or of a migration.

    `type` is the canonical class; `given` its arguments as canonical text, an empty text
    standing for what cannot be known; `partial` says that further arguments may be there.
    """

    type: str
    given: dict[str, str]
    partial: bool = False

    @property
    def known(self) -> str:
        """The name of Django's class, or nothing."""
        name = self.type.removeprefix(_DJANGO) if self.type.startswith(_DJANGO) else ""
        return name if name in KNOWN else ""


def state_of(
    kind: str, args: list[str | None], keywords: dict[str, str | None], *, partial: bool = False
) -> FieldState:
    """The state of a field from its class and its arguments as written."""
    name = kind.removeprefix(_DJANGO)
    order = ["verbose_name", "name", "primary_key", "max_length", "unique", "blank", "null"]
    if name in _NAMELESS_FIRST:
        order = ["to"] if name == "ManyToManyField" else ["to", "on_delete"]
    given = {key: value or "" for key, value in keywords.items()}
    for position, value in zip(order, args, strict=False):
        given.setdefault(position, value or "")
    partial = partial or len(args) > len(order)
    defaults = _DEFAULTS | _TYPE_DEFAULTS.get(name, {})
    dated = "True" in (given.get("auto_now"), given.get("auto_now_add"))
    dropped = {"editable", "blank"} if dated else set()
    if name == "OneToOneField":
        dropped |= {"unique"}
    if name in _FIXED_LENGTH:
        dropped |= {"max_length"}
    if name.endswith("AutoField"):
        dropped |= {"blank", "verbose_name"}
    kept = {
        key: value
        for key, value in given.items()
        if key not in _IGNORED and key not in dropped and defaults.get(key) != value
    }
    if kept.get("on_delete") == "ref:django.db.models.CASCADE":
        del kept["on_delete"]
    return FieldState(kind, kept, partial)


def differences(model: FieldState, migrated: FieldState) -> list[str]:
    """The arguments in which a model and its migrations surely differ; `type` for the class."""
    if not model.known or not migrated.known:
        return _of_others(model, migrated)
    if model.known != migrated.known:
        return ["type"]
    found = []
    for key in sorted({*model.given, *migrated.given}):
        mine, theirs = model.given.get(key), migrated.given.get(key)
        if mine == theirs or is_doubtful(mine, theirs):
            continue
        if (mine is None and model.partial) or (theirs is None and migrated.partial):
            continue
        if key == "max_length" and model.known == "EmailField" and mine is None:
            continue  # the default has changed between versions of Django
        found.append(key)
    return found


def _of_others(model: FieldState, migrated: FieldState) -> list[str]:
    """Differences between fields that are not among Django's common ones.

    Those of libraries and of the project may take and give their arguments as they like: what
    counts is what both sides say, and that a column may be NULL.
    """
    if model.type.rpartition(".")[2] != migrated.type.rpartition(".")[2]:
        return []
    postgres = model.type.startswith(_POSTGRES) and migrated.type.startswith(_POSTGRES)
    found = []
    for key in sorted(_GENERAL):
        mine, theirs = model.given.get(key), migrated.given.get(key)
        if mine == theirs or is_doubtful(mine, theirs) or model.partial or migrated.partial:
            continue
        said = mine is not None and theirs is not None
        if postgres or (said and key != "default") or (key == "null" and mine == "True"):
            found.append(key)
    return found


def is_doubtful(mine: str | None, theirs: str | None) -> bool:
    """Whether two different texts may stand for the same value.

    A name outside the project may be a constant of any value; two of them are taken for
    functions or classes, which differ as their names do.
    """
    both = [each for each in (mine, theirs) if each is not None]
    if "" in both or any("ref:django.conf.settings." in each for each in both):
        return True
    named = ["ref:" in each for each in both]
    whole = [each.startswith("ref:") for each in both]
    return len(both) == 2 and any(named) and not all(whole)
