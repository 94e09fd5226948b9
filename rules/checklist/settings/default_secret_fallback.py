"""A secret that is not set is replaced by one that everybody can read.

The literal is meant for developers, but production uses it as soon as the variable is missing
or misspelt, and nothing says so: sessions and tokens are then signed with a value from the
repository. Let the program fail where the secret is not set.

Bad:
```python shop/settings.py
import os

SECRET_KEY = os.environ.get("SECRET_KEY", "change-me")  # flagged
JWT_SECRET = os.getenv("JWT_SECRET") or "dev-secret"  # flagged
```
Good:
```python shop/settings.py
import os

SECRET_KEY = os.environ["SECRET_KEY"]
JWT_SECRET = os.environ["JWT_SECRET"]
```
Bad: `decouple` and `environ`.
```python shop/settings.py
import environ
from decouple import config

env = environ.Env()
SECRET_KEY = env("DJANGO_SECRET_KEY", default="insecure")  # flagged
DB_PASSWORD = config("DB_PASSWORD", default="postgres")  # flagged
```
Good:
```python shop/settings.py
import environ
from decouple import config

env = environ.Env()
SECRET_KEY = env("DJANGO_SECRET_KEY")
DB_PASSWORD = config("DB_PASSWORD")
```
Bad: a field of pydantic settings.
```python app/config.py
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    jwt_secret: str = "s3cret"  # flagged
    access_token_minutes: int = 30
```
Good:
```python app/config.py
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    jwt_secret: str
    access_token_minutes: int = 30
```
Good: defaults that nobody can sign with.
```python shop/settings.py
import os
import secrets

SECRET_KEY = os.environ.get("SECRET_KEY")
API_TOKEN = os.environ.get("API_TOKEN", "")
CSRF_SECRET = os.environ.get("CSRF_SECRET", secrets.token_hex(32))
TOKEN_URL = os.environ.get("TOKEN_URL", "https://id.example.org/token")
SECRET_NAME = os.environ.get("SECRET_NAME", "shop/production")
```
Good: developers only, or refused later.
```python shop/settings.py
import os

DEBUG = os.environ.get("DEBUG") == "1"
if DEBUG:
    SECRET_KEY = os.environ.get("SECRET_KEY", "only-for-developers")
else:
    SECRET_KEY = os.environ["SECRET_KEY"]

JWT_SECRET = os.environ.get("JWT_SECRET", "insecure")
if JWT_SECRET == "insecure" and not DEBUG:
    raise RuntimeError("JWT_SECRET is not set")
```
Good: production sets its own.
```python shop/settings/base.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
SECRET_KEY = os.environ.get("SECRET_KEY", "dev")
```
```python shop/settings/production.py
import os

from .base import *

SECRET_KEY = os.environ["SECRET_KEY"]
```
Good: settings that refuse the default themselves.
```python app/config.py
from pydantic import model_validator
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    secret_key: str = "changethis"

    @model_validator(mode="after")
    def refuse_defaults(self) -> "Settings":
        if self.secret_key == "changethis":
            raise ValueError("set a secret key")
        return self
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.credentials import is_placeholder
from rules.facts.environment import EnvironmentRead
from rules.facts.settings_modules import SettingsModules, Stage, stage_named
from rules.kit import Fix, Flag, Here, Replace, Rule, Severity, dotted, find, string

rule = Rule(
    __name__,
    __doc__,
    code="SET103",
    severity=Severity.ERROR,
    checklist=("security.secrets-in-env", "deploy.secrets"),
    fix="suggestion",
    cwe=1188,
    hides_match=True,
    yields_to=("SEC120",),
)

_OURS = re.compile(
    r"(^|_)(SECRET(_KEY)?(_BASE)?|(SIGNING|ENCRYPTION|FERNET|SESSION|APP|JWT|HMAC)_KEY|SALT|PASSWORD"
    r"|PASSWD|PASSPHRASE|PWD|PASS)(_?\d)?$",
    re.IGNORECASE,
)
_THEIRS = re.compile(
    r"(^|_)((API|ACCESS|AUTH|PRIVATE|MASTER|SERVICE)_?KEY|TOKEN|CREDENTIALS?)(_?\d)?$",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"(^|_)(PUBLIC|PUBLISHABLE|SITE|ANON|CSRF|BYPASS)(_|$)", re.IGNORECASE)
_NO_VALUE = re.compile(
    r"^$|^(none|null|false|true|unset|disabled|\d{1,2})$|^/|://|\$\{|\{\{", re.IGNORECASE
)


@rule.on(EnvironmentRead)
def check(read: EnvironmentRead, here: Here) -> Iterator[Flag]:
    may_be = _OURS.search(read.variable) or _THEIRS.search(read.variable)
    if not may_be or not _is_production(here):
        return
    whole, default = _with_fallback(read, here)
    value = string(here.value_of(default)) if default is not None else None
    if value is None or _NO_VALUE.search(value) or value.upper() == read.variable.upper():
        return
    if not _opens(read.variable, value) or (" " in value.strip() and _THEIRS.search(read.variable)):
        return
    if _depends(whole, here) or _is_replaced(whole, here) or _is_refused(whole, value, here):
        return
    message = (
        f"`{read.variable}` falls back to a literal of this repository where it is not set, and "
        "production would run with it unnoticed; read it without a default, so that it fails."
    )
    yield Flag(whole, message, fix=_cure(read, whole, default))


def _opens(variable: str, value: str) -> bool:
    """Whether a literal does as a secret: any signs or logs in, but no third party takes a dummy."""
    if _NO_SECRET.search(variable):
        return False
    if _OURS.search(variable) and not variable.upper().startswith("AWS_"):
        return True
    theirs = _OURS.search(variable) or _THEIRS.search(variable)
    return bool(theirs) and not is_placeholder(value)


def _is_production(here: Here) -> bool:
    if here.is_test or here.is_script or here.is_migration:
        return False
    parts = here.path.removesuffix(".py").split("/")[-2:]
    return not any(stage_named(each) in (Stage.LOCAL, Stage.TEST) for each in parts)


def _with_fallback(
    read: EnvironmentRead, here: Here
) -> tuple[cst.CSTNode, cst.BaseExpression | None]:
    """The reading with what stands for it, also as `os.getenv("KEY") or "secret"`."""
    parent = here.parent(read.node)
    match parent:
        case cst.BooleanOperation(left=left, operator=cst.Or()) if left is read.node:
            return parent, parent.right
    return read.node, read.default


def _depends(node: cst.CSTNode, here: Here) -> bool:
    """Whether a choice stands around it, or a class for developers or tests."""
    for each in here.scopes.ancestors(node):
        if isinstance(each, cst.If | cst.IfExp | cst.Match):
            return True
        if isinstance(each, cst.ClassDef):
            return stage_named(each.name.value) in (Stage.LOCAL, Stage.TEST)
    return False


def _is_replaced(node: cst.CSTNode, here: Here) -> bool:
    """Whether every production module that builds on this one sets it for itself."""
    name = _target(node, here)
    if not name:
        return False
    settings: SettingsModules = here.project.facts(SettingsModules)
    known = settings.at(here.path)
    return known is not None and settings.is_overridden(here.path, name)


def _target(node: cst.CSTNode, here: Here) -> str:
    assign = here.around(node, cst.Assign, cst.AnnAssign)
    if isinstance(node, cst.AnnAssign):
        assign = node
    if isinstance(assign, cst.AnnAssign):
        return dotted(assign.target)
    return dotted(assign.targets[0].target) if isinstance(assign, cst.Assign) else ""


def _is_refused(node: cst.CSTNode, value: str, here: Here) -> bool:
    """Whether the file compares the name with something, or looks for the literal again."""
    name = _target(node, here).rpartition(".")[2]
    if here.module is None or not name:
        return False
    for each in find(here.module, cst.Comparison, cst.If):
        involved = (
            [each.left, *(one.comparator for one in each.comparisons)]
            if isinstance(each, cst.Comparison)
            else []
        )
        speaks = any(dotted(one).rpartition(".")[2] == name for one in involved)
        if speaks or any(string(one) == value for one in involved):
            return True
    return _is_validated(name, value, here)


def _is_validated(name: str, value: str, here: Here) -> bool:
    """A validator of pydantic that names the field, or a helper that is given it."""
    for each in find(here.module or cst.Module([]), cst.Decorator, cst.Call):
        call = each.decorator if isinstance(each, cst.Decorator) else each
        if not isinstance(call, cst.Call):
            continue
        last = dotted(call.func).rpartition(".")[2]
        if "validat" in last or "check" in last:
            texts = [string(arg.value) for arg in call.args]
            passed = [dotted(arg.value).rpartition(".")[2] for arg in call.args]
            if name in texts or name in passed or value in texts:
                return True
    return False


def _cure(
    read: EnvironmentRead, whole: cst.CSTNode, default: cst.BaseExpression | None
) -> Fix | None:
    node = read.node
    if isinstance(node, cst.AnnAssign):
        plain = node.value is default
        bare = node.with_changes(value=None, equal=cst.MaybeSentinel.DEFAULT)
        return Fix((Replace(node, bare),)) if plain else None
    if not isinstance(node, cst.Call):
        return None
    if read.library == "os":
        owner = dotted(node.func)
        if owner == "os.getenv" or owner.endswith("environ.get"):
            home = "os.environ" if owner == "os.getenv" else owner.removesuffix(".get")
            return Fix((Replace(whole, f'{home}["{read.variable}"]'),))
        return None
    kept = [each for each in node.args if each.value is not default]
    if whole is not node or len(kept) != len(node.args) - 1 or read.library == "helper":
        return None
    kept[-1] = kept[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    return Fix((Replace(node, node.with_changes(args=kept)),))
