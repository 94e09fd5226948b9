"""The subject `EnvironmentRead`: a variable that is read from the environment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import libcst as cst

from rules.kit import Here, argument, dotted, find, keyword, paths, string
from rules.kit.subjects import DerivedSubject

_PLAIN = frozenset({"os.environ.get", "os.getenv", "os.environ.pop"})
_DECOUPLE = frozenset({"decouple.config", "decouple.AutoConfig", "decouple.Config"})
_STARLETTE = frozenset({"starlette.config.Config"})
_TYPED = re.compile(r"^(environ|environs|envparse)\.(\w+\.)?(Env|FileAwareEnv|env)\.(?P<kind>\w+)$")
_READER = re.compile(r"^(environ|environs|envparse)\.(\w+\.)?(Env|FileAwareEnv|env)$")
_KINDS = frozenset(
    """str bytes bool int float json list tuple dict url db db_url database_url cache cache_url email
    email_url search_url channels path decimal date datetime timedelta uuid log_level enum unicode
    dj_db_url dj_cache_url dj_email_url""".split()  # noqa: SIM905 - a table reads best so
)
_HELPER = re.compile(
    r"^_?((get|read|load)_?)?env(iron(ment)?)?(_?(var|variable|value|str|string|bool|int|list))?$"
    r"|^get_\w+_from_env$"
)
# Literal beginnings let the search run over a file without stopping at every letter.
_RENAMED = re.compile(r"(?:getenv|get|pop|config|Config|AutoConfig) as ")
_BOUND = re.compile(
    r"= ?(?:\w+\.){0,3}(?:(?:getenv|environ\.(?:get|pop)|config)\b(?!\()|(?:Auto)?Config\()"
)
_VARIABLE = re.compile(r"^[A-Za-z_]\w*$")
_CONSTANT = re.compile(r"^[A-Z][A-Z0-9_]+$")


@dataclass(frozen=True, eq=False)
class EnvironmentRead(DerivedSubject):
    """One reading: what reads it, the variable, and what stands for it where it is not set.

    `variable` is empty where its name is not written out. `library` is os, environ, decouple,
    starlette, pydantic, or helper for a function of the project.
    """

    node: cst.CSTNode
    variable: str
    default: cst.BaseExpression | None
    library: str

    words: ClassVar[frozenset[str]] = frozenset(
        {"environ", "getenv", "decouple", "environs", "BaseSettings", "Env"}
    )

    @classmethod
    def lives_in(cls, path: str) -> bool:
        return not paths.is_test(path) and not paths.is_migration(path)

    @classmethod
    def found_in(cls, module: cst.Module, here: Here) -> Iterator[EnvironmentRead]:
        del module
        for node in here.find(cst.Call, cst.Subscript, cst.ClassDef):
            if isinstance(node, cst.ClassDef):
                yield from _fields(node)
            elif (found := read_of(node, here)) is not None:
                yield found


def read_of(node: cst.CSTNode, here: Here) -> EnvironmentRead | None:
    """What an expression reads from the environment, if that is what it does."""
    match node:
        case cst.Subscript(
            value=owner, slice=[cst.SubscriptElement(slice=cst.Index(value=key))]
        ) if dotted(owner).endswith("environ"):
            if here.name(owner) == "os.environ" and not _is_written(node, here):
                return EnvironmentRead(node, string(key) or "", None, "os")
            return None
        case cst.Call(func=func, args=[_, *_]):
            return _called(node, func, here)
    return None


def _renames(here: Here) -> bool:
    """Whether the file may read the environment by a name of its own."""
    imported = " as " in here.text and _RENAMED.search(here.text) is not None
    return imported or _BOUND.search(here.text) is not None


@lru_cache(maxsize=2048)
def _may_read(name: str) -> bool:
    """Whether something of this name may read the environment."""
    return name in _INTERESTING or name in _KINDS or _HELPER.match(name) is not None


def _attribute(node: cst.BaseExpression) -> str:
    return node.attr.value if isinstance(node, cst.Attribute) else ""


def _is_written(node: cst.CSTNode, here: Here) -> bool:
    """`os.environ["A"] = "1"` and `del os.environ["A"]`."""
    return isinstance(here.parent(node), cst.AssignTarget | cst.Del)


def _called(node: cst.Call, func: cst.BaseExpression, here: Here) -> EnvironmentRead | None:
    last = func.value if isinstance(func, cst.Name) else _attribute(func)
    if not _may_read(last):
        renamed = isinstance(func, cst.Name) and here.kept(_renames)
        if not renamed or not here.names(func) & (_PLAIN | _DECOUPLE):
            return None
    written = dotted(func)
    variable = string(argument(node, 0, "key")) or ""
    names = here.names(func)
    if names & _PLAIN:
        return EnvironmentRead(node, variable, argument(node, 1, "default"), "os")
    if not _VARIABLE.match(variable):
        return None
    named = keyword(node, "default")
    if names & _DECOUPLE:
        return EnvironmentRead(node, variable, argument(node, 1, "default"), "decouple")
    if names & _STARLETTE and isinstance(func, cst.Name):
        return EnvironmentRead(node, variable, named or argument(node, 2, "default"), "starlette")
    if any(_is_typed(each) for each in names) or (
        not names and written.startswith(("env.", "ENV.")) and last in _KINDS
    ):
        return EnvironmentRead(node, variable, argument(node, 1, "default"), "environ")
    if any(_READER.match(each) for each in names) or (not names and written in ("env", "ENV")):
        second = argument(node, 1, "default") if _is_environs(names) else named
        return EnvironmentRead(node, variable, second or argument(node, 2, "default"), "environ")
    if _HELPER.match(last) and _CONSTANT.match(variable):
        return EnvironmentRead(node, variable, argument(node, 1, "default"), "helper")
    return None


_INTERESTING = frozenset({"get", "getenv", "pop", "config", "env", "ENV", "Env"})


def _is_typed(name: str) -> bool:
    match = _TYPED.match(name)
    return match is not None and match["kind"] in _KINDS


def _is_environs(names: frozenset[str]) -> bool:
    return any(each.startswith("environs.") for each in names)


def _fields(owner: cst.ClassDef) -> Iterator[EnvironmentRead]:
    """The fields of a class of pydantic settings."""
    bases = [dotted(each.value).rpartition(".")[2] for each in owner.bases]
    if not any(base.endswith("BaseSettings") for base in bases):
        return
    prefix = _prefix(owner)
    for line in owner.body.body:
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            match each:
                case cst.AnnAssign(target=cst.Name(value=name), value=value) if (
                    name != "model_config"
                ):
                    own = _alias(value)
                    variable = own or f"{prefix}{name}".upper()
                    yield EnvironmentRead(each, variable, _field_default(value), "pydantic")
                case _:
                    pass


def _prefix(owner: cst.ClassDef) -> str:
    for each in find(owner.body, cst.Assign, cst.Arg):
        match each:
            case cst.Arg(keyword=cst.Name(value="env_prefix"), value=value):
                return string(value) or ""
            case cst.Assign(
                targets=[cst.AssignTarget(target=cst.Name(value="env_prefix"))], value=value
            ):
                return string(value) or ""
            case _:
                pass
    return ""


def _alias(value: cst.BaseExpression | None) -> str:
    if not isinstance(value, cst.Call):
        return ""
    for name in ("validation_alias", "alias", "env"):
        found = string(keyword(value, name))
        if found:
            return found
    return ""


def _field_default(value: cst.BaseExpression | None) -> cst.BaseExpression | None:
    """`"a"` of `Field("a")`, `Field(default="a")` and `SecretStr("a")`."""
    for _ in range(3):
        match value:
            case cst.Call(func=func, args=args) if dotted(func).rpartition(".")[2] in _WRAPPERS:
                first = args[0] if args and args[0].keyword is None else None
                value = keyword(value, "default") or (first.value if first else None)
            case cst.Ellipsis():
                return None
            case _:
                return value
    return value


_WRAPPERS = frozenset({"Field", "SecretStr", "SecretBytes", "PostgresDsn", "RedisDsn", "AnyUrl"})
