"""A flag or a number is read from the environment and stays a string.

Every value of the environment is a string, and every string but the empty one is true: with
`DEBUG=False` in the environment, `os.environ.get("DEBUG", False)` is the true string
`"False"`. A number stays `"5"` and fails in the first sum or comparison. Convert what is
read, where it is read.

Bad:
```python shop/settings.py
import os

DEBUG = os.environ.get("DEBUG", False)  # flagged
USE_CACHE = bool(os.getenv("USE_CACHE", "True"))  # flagged
PAGE_SIZE = os.environ.get("PAGE_SIZE", 50)  # flagged
```
Good:
```python shop/settings.py
import os

DEBUG = os.environ.get("DEBUG", "false").lower() in {"1", "true", "yes", "on"}
USE_CACHE = os.getenv("USE_CACHE", "true").lower() in {"1", "true", "yes", "on"}
PAGE_SIZE = int(os.environ.get("PAGE_SIZE", 50))
```
Bad: `decouple` and `environs` convert when they are told to.
```python shop/settings.py
from decouple import config
from environs import Env

env = Env()
DEBUG = config("DEBUG", default=False)  # flagged
PAGE_SIZE = env("PAGE_SIZE", 50)  # flagged
```
Good:
```python shop/settings.py
from decouple import config
from environs import Env

env = Env()
DEBUG = config("DEBUG", default=False, cast=bool)
PAGE_SIZE = env.int("PAGE_SIZE", 50)
```
Bad: the default makes it true for ever.
```python shop/features.py
import os


def search(query: str) -> str:
    if os.getenv("USE_INDEX", "false"):  # flagged
        return query.lower()
    return query
```
Bad: what Django reads as a flag, and what the code does.
```python shop/settings.py
import os

DEBUG = os.environ["DEBUG"]  # flagged
SESSION_COOKIE_SECURE = os.getenv("SECURE_COOKIES")  # flagged
WITH_TOOLBAR = os.getenv("WITH_TOOLBAR", "no")  # flagged

if WITH_TOOLBAR:
    INSTALLED_APPS = ["debug_toolbar"]
```
Good:
```python shop/settings.py
import os

DEBUG = os.environ["DEBUG"].lower() in {"1", "true", "yes", "on"}
SESSION_COOKIE_SECURE = os.getenv("SECURE_COOKIES", "false").lower() in {"1", "true", "yes", "on"}
WITH_TOOLBAR = os.getenv("WITH_TOOLBAR", "no").lower() in {"1", "true", "yes", "on"}

if WITH_TOOLBAR:
    INSTALLED_APPS = ["debug_toolbar"]
```
Good: values that are compared or converted.
```python shop/settings.py
import os
from distutils.util import strtobool

DEBUG = os.environ.get("DEBUG", "False") == "True"
TESTING = strtobool(os.environ.get("TESTING", "0"))
WORKERS = int(os.environ.get("WORKERS", 4))
FLAGS = {name: os.environ.get(name, "") in ("1", "true") for name in ("A", "B")}
VERBOSE = os.environ.get("VERBOSE")
VERBOSE = VERBOSE == "1"
RATIO = os.environ.get("RATIO", 0.5)
RATIO = float(RATIO)
```
Good: strings, and ports, which every driver takes as strings.
```python shop/settings.py
import os

NAME = os.environ.get("NAME", "shop")
DATABASES = {"default": {"HOST": os.getenv("DB_HOST"), "PORT": os.getenv("DB_PORT", 5432)}}
HAS_SENTRY = bool(os.environ.get("SENTRY_DSN"))
SEARCH_URL = os.environ.get("SEARCH_URL", False)
IN_CI = "CI" in os.environ
```
Good: readers that convert by themselves.
```python shop/settings.py
import environ
from pydantic_settings import BaseSettings

env = environ.Env()
DEBUG = env("DEBUG", default=False)
USE_TLS = env.bool("USE_TLS", False)


class Settings(BaseSettings):
    debug: bool = False
    page_size: int = 50
```
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from rules.kit import (
    Fix,
    Flag,
    Here,
    Replace,
    Rule,
    Severity,
    argument,
    dotted,
    find,
    keyword,
    string,
    walk,
)

rule = Rule(
    __name__,
    __doc__,
    code="SET104",
    severity=Severity.ERROR,
    checklist=("deploy.environment-variables",),
    fix="suggestion",
    peers=("pylint:W1508", "ruff:PLW1508"),
)

_PLAIN = frozenset({"os.environ.get", "os.getenv", "os.environ"})
_DECOUPLE = frozenset(
    {"decouple.config", "decouple.AutoConfig", "decouple.Config", "starlette.config.Config"}
)
_ENVIRONS = frozenset({"environs.Env", "environs.env"})
_READERS = ("decouple", "environs", "Env", "env", "Config")
_TRUTH_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "1", "0", "t", "f"})
_FLAG_NAME = re.compile(
    r"^(DEBUG|TESTING|.*_DEBUG|DEBUG_.*|IS_.*|USE_.*|ENABLE_.*|DISABLE_.*|.*_ENABLED?|.*_DISABLED"
    r"|ALLOW_.*|SECURE_SSL_REDIRECT|.*_COOKIE_(SECURE|HTTPONLY)|EMAIL_USE_(TLS|SSL))$",
    re.IGNORECASE,
)
_STRING_NAME = re.compile(
    r"(UR[LI]|HOST|DSN|KEY|TOKEN|PATH|DIR|ROOT|FILE|NAME|SECRET|ID|API|DATABASE|DB|VERSION|EMAIL|DOMAIN"
    r"|USER|PASSWORD|REGION|BUCKET|SERVER|ADDRESS|PREFIX|BROKER|BACKEND|ENDPOINT|LEVEL)S?$",
    re.IGNORECASE,
)
_DJANGO_FLAG = re.compile(
    r"^(DEBUG|SECURE_SSL_REDIRECT|(SESSION|CSRF)_COOKIE_(SECURE|HTTPONLY)|EMAIL_USE_(TLS|SSL)|USE_TZ"
    r"|SECURE_HSTS_(PRELOAD|INCLUDE_SUBDOMAINS)|CORS_(ORIGIN_)?ALLOW_ALL(_ORIGINS)?)$"
)
_PORT = re.compile(r"(?:^|_)PORTS?(?:_|$)", re.IGNORECASE)
_TYPES = {"bool": "flag", "int": "number", "float": "number"}
_TRUTHS = '.lower() in {"1", "true", "yes", "on"}'


@dataclass(frozen=True, slots=True)
class _Read:
    """One reading of the environment: the call, the variable, what stands for it if absent."""

    call: cst.BaseExpression
    variable: str
    default: cst.BaseExpression | None
    library: str

    @property
    def shown(self) -> str:
        return self.variable or "the variable"


@rule.on(
    cst.Call,
    calls=("get", "getenv", "config", "env", "Env"),
    words=("environ", "getenv", *_READERS),
)
def check(node: cst.Call, here: Here) -> Iterator[Flag]:
    if not _may_read(node.func) or here.is_test:
        return
    read = _read(node, here)
    if read is None:
        return
    parent = here.parent(node)
    whole: cst.BaseExpression = node
    default = read.default
    if isinstance(parent, cst.BooleanOperation) and isinstance(parent.operator, cst.Or):
        if parent.left is not node or here.parent(parent) is None:
            return
        whole, default = parent, parent.right
    yield from _judge(_Read(node, read.variable, default, read.library), whole, here)


@rule.on(cst.Subscript, words=("environ",))
def check_item(node: cst.Subscript, here: Here) -> Iterator[Flag]:
    if here.is_test or here.name(node.value) != "os.environ":
        return
    key = node.slice[0].slice
    variable = (string(key.value) if isinstance(key, cst.Index) else None) or ""
    yield from _judge(_Read(node, variable, None, "os"), node, here)


def _may_read(func: cst.BaseExpression) -> bool:
    """A cheap look: of all methods that are called `get`, one is that of the environment."""
    match func:
        case cst.Attribute(value=owner, attr=cst.Name(value="get")):
            return dotted(owner).endswith("environ")
        case _:
            return True


def _read(node: cst.Call, here: Here) -> _Read | None:
    names = here.names(node.func)
    variable = string(argument(node, 0, "key")) or ""
    default = argument(node, 1, "default")
    if names & (_PLAIN - {"os.environ"}):
        return _Read(node, variable, default, "os")
    if keyword(node, "cast") is not None or len(node.args) > 2:
        return None
    if names & _DECOUPLE and isinstance(node.func, cst.Name):
        return _Read(node, variable, keyword(node, "default"), "decouple")
    if names & _ENVIRONS and isinstance(node.func, cst.Name) and variable:
        return _Read(node, variable, default, "environs")
    return None


def _judge(read: _Read, whole: cst.BaseExpression, here: Here) -> Iterator[Flag]:
    parent = _above(whole, here)
    if isinstance(parent, cst.Call):
        if _says_truth(read.default) or _FLAG_NAME.match(read.variable):
            yield _flag(read, parent, "flag", here)
        return
    kind = _meant(read, whole, parent, here)
    if kind:
        yield _flag(read, whole, kind, here)


def _meant(read: _Read, whole: cst.BaseExpression, parent: cst.CSTNode | None, here: Here) -> str:
    """`flag` or `number`, if that is what the place of a bare string asks for."""
    kind = "" if _means_absent(read) else _kind(read.default)
    match parent:
        case cst.If() | cst.IfExp() | cst.UnaryOperation() | cst.While():
            is_truth = _says_truth(read.default) and not _is_false(read.default)
            return "flag" if is_truth and _is_test_of(whole, parent) else ""
        case cst.Assign() | cst.AnnAssign():
            kind = kind or _kind_of_target(parent, read, here)
            spared = _is_port(parent, read) or _is_converted_later(parent, here)
            return "" if spared else kind
        case cst.DictElement(key=key):
            return "" if any(_PORT.search(n) for n in (string(key) or "", read.variable)) else kind
        case cst.Arg(keyword=cst.Name(value="debug" | "port" | "reload")):
            outer = here.around(whole, cst.Call)
            runs = outer is not None and dotted(outer.func).endswith((".run", "run_simple"))
            return kind if runs else ""
        case cst.Return():
            around = here.function(whole)
            told = around.returns.annotation if around is not None and around.returns else None
            return _TYPES.get(dotted(told), "")
    return ""


def _above(node: cst.CSTNode, here: Here) -> cst.CSTNode | None:
    """What uses a value: a call of `bool` for its only argument, else the parent."""
    parent = here.parent(node)
    if isinstance(parent, cst.Arg):
        outer = here.parent(parent)
        if isinstance(outer, cst.Call) and here.name(outer.func) == "builtins.bool":
            return outer
    return parent


def _kind(default: cst.BaseExpression | None) -> str:
    """`flag` or `number`, where the default says what the value is meant to be."""
    match default:
        case cst.Name(value="True" | "False"):
            return "flag"
        case cst.Integer() | cst.Float():
            return "number"
        case cst.UnaryOperation(operator=cst.Minus(), expression=cst.Integer() | cst.Float()):
            return "number"
    return ""


def _says_truth(default: cst.BaseExpression | None) -> bool:
    return (string(default) or "").lower() in _TRUTH_WORDS or _kind(default) == "flag"


def _is_false(default: cst.BaseExpression | None) -> bool:
    return isinstance(default, cst.Name) and default.value == "False"


def _means_absent(read: _Read) -> bool:
    """`False` stands for "no address" or "no key" where the value is a string by its name."""
    return _is_false(read.default) and bool(_STRING_NAME.search(read.variable))


def _is_test_of(node: cst.CSTNode, parent: cst.CSTNode) -> bool:
    if isinstance(parent, cst.UnaryOperation):
        return isinstance(parent.operator, cst.Not)
    return isinstance(parent, cst.If | cst.IfExp | cst.While) and parent.test is node


def _kind_of_target(parent: cst.Assign | cst.AnnAssign, read: _Read, here: Here) -> str:
    """What the annotation says, what Django takes it for, or a truth value by its use."""
    if isinstance(parent, cst.AnnAssign):
        return _TYPES.get(dotted(parent.annotation.annotation), "")
    names = {each.rpartition(".")[2] for each in _targets(parent)}
    if any(_DJANGO_FLAG.match(each) for each in names):
        return "flag"
    around = here.function(parent) or here.module
    if _says_truth(read.default) and around is not None:
        used = any(
            _is_test_of(each, here.parent(each) or each)
            for each in walk(around)
            if isinstance(each, cst.Name) and each.value in names
        )
        return "flag" if used else ""
    return ""


def _targets(parent: cst.Assign | cst.AnnAssign) -> list[str]:
    if isinstance(parent, cst.AnnAssign):
        return [dotted(parent.target)]
    return [dotted(each.target) for each in parent.targets]


def _is_port(parent: cst.Assign | cst.AnnAssign, read: _Read) -> bool:
    """A port that only ever names an address may stay a string."""
    names = [*_targets(parent), read.variable]
    return not isinstance(parent, cst.AnnAssign) and any(_PORT.search(each) for each in names)


def _is_converted_later(parent: cst.Assign | cst.AnnAssign, here: Here) -> bool:
    """Whether the variable is compared, converted or handed to a function afterwards."""
    holder = here.around(parent, cst.ClassDef)
    if holder is not None and _converts(holder):
        return True
    names = {each.rpartition(".")[2] for each in _targets(parent)} - {""}
    around = here.function(parent) or here.module
    if not names or around is None:
        return True
    found = here.kept(_uses) if around is here.module else _uses_in(around)
    return any(_treats(each, names) for each in found)


def _uses(here: Here) -> list[cst.CSTNode]:
    return _uses_in(here.module) if here.module is not None else []


def _uses_in(around: cst.CSTNode) -> list[cst.CSTNode]:
    """The comparisons and calls, which alone can treat a value."""
    return list(find(around, cst.Comparison, cst.Call))


def _converts(holder: cst.ClassDef) -> bool:
    """Classes of pydantic convert their defaults, or may be told to."""
    bases = [dotted(each.value) for each in holder.bases]
    return any(base.endswith(("Settings", "Model")) for base in bases)


def _treats(node: cst.CSTNode, names: set[str]) -> bool:
    match node:
        case cst.Comparison(left=left, comparisons=rights):
            involved = [left, *(each.comparator for each in rights)]
            literal = any(string(each) is not None for each in involved) or any(
                isinstance(each.operator, cst.In | cst.NotIn) for each in rights
            )
            return literal and any(_mentions(each, names) for each in involved)
        case cst.Call(func=func, args=args):
            if isinstance(func, cst.Attribute) and dotted(func.value) in names:
                return True
            return any(each.keyword is None and dotted(each.value) in names for each in args)
    return False


def _mentions(node: cst.CSTNode, names: set[str]) -> bool:
    return dotted(node) in names


def _flag(read: _Read, whole: cst.BaseExpression, kind: str, here: Here) -> Flag:
    if kind == "flag":
        said = (
            f"`{read.shown}` is a string whenever it is set, and `'False'` and `'0'` are true: the "
            "flag cannot be switched off. Compare or cast what the environment gives."
        )
    else:
        said = (
            f"`{read.shown}` is a number only while it is not set; set, it is a string that fails "
            "in sums and comparisons. Cast what the environment gives."
        )
    new = _cure(read, whole, kind, here)
    return Flag(whole, said, fix=Fix((Replace(whole, new),)) if new else None)


def _cure(read: _Read, whole: cst.BaseExpression, kind: str, here: Here) -> str:
    source = here.source(read.call)
    cast = "float" if isinstance(read.default, cst.Float) else "int"
    if read.library == "decouple":
        return f"{source[:-1].rstrip().rstrip(',')}, cast={'bool' if kind == 'flag' else cast})"
    if read.library == "environs":
        method = "bool" if kind == "flag" else cast
        return source.replace("(", f".{method}(", 1)
    if kind == "number":
        if isinstance(read.call, cst.Subscript):
            return f"{cast}({source})"
        return f"{cast}({here.source(whole)})" if read.default is not None else ""
    if isinstance(read.call, cst.Subscript):
        return f"{source}{_TRUTHS}"
    default = _default_word(read.default)
    if default is None or not isinstance(read.call, cst.Call) or not read.variable:
        return ""
    return f'{here.source(read.call.func)}("{read.variable}", "{default}"){_TRUTHS}'


def _default_word(default: cst.BaseExpression | None) -> str | None:
    """The default as a word of the environment; None if it cannot be told."""
    if default is None or (isinstance(default, cst.Name) and default.value == "None"):
        return "false"
    if isinstance(default, cst.Name):
        return default.value.lower()
    text = string(default)
    return text.lower() if text is not None and text.lower() in _TRUTH_WORDS else None
