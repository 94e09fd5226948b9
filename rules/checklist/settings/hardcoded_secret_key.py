"""The key that signs sessions or tokens stands in the code.

Whoever reads the repository, an old clone or an image can sign a session or a token of any
user, and the key cannot be changed without a release. Read it from the environment and let
the program refuse to start without it. A key that was committed is known: make a new one.

Bad:
```python shop/settings.py
from pathlib import Path

BASE_DIR = Path(__file__).parent
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
SECRET_KEY = "django-insecure-k2f)8s!x0q-vw9"  # flagged
```
Good:
```python shop/settings.py
from pathlib import Path
import os

BASE_DIR = Path(__file__).parent
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
SECRET_KEY = os.environ["SECRET_KEY"]
```
Bad: a module that signs tokens.
```python app/auth.py
import os

import jwt

JWT_SECRET = "b7e0a1f6"  # flagged
LIFETIME = int(os.environ["LIFETIME"])


def sign(user_id: int) -> str:
    return jwt.encode({"sub": user_id}, JWT_SECRET, algorithm="HS256")
```
Good:
```python app/auth.py
import os

import jwt

JWT_SECRET = os.environ["JWT_SECRET"]
LIFETIME = int(os.environ["LIFETIME"])


def sign(user_id: int) -> str:
    return jwt.encode({"sub": user_id}, JWT_SECRET, algorithm="HS256")
```
Bad: Flask and Starlette.
```python app/main.py
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware

app = Flask(__name__)
app.secret_key = "s3cr3t-and-known"  # flagged
app.config["JWT_SECRET_KEY"] = "also-known"  # flagged
api = Starlette()
api.add_middleware(SessionMiddleware, secret_key="known-too")  # flagged
```
Good: the settings of developers and tests.
```python shop/settings/base.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
SECRET_KEY = os.environ.get("SECRET_KEY")
```
```python shop/settings/local.py
from .base import *

SECRET_KEY = "django-insecure-only-for-this-laptop"
```
```python shop/settings/test.py
from .base import *

SECRET_KEY = "tests"
```
Good: every production module sets its own.
```python shop/settings/base.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
SECRET_KEY = "not-a-secret"
```
```python shop/settings/production.py
import os

from .base import *

SECRET_KEY = os.environ["SECRET_KEY"]
```
Good: names that are no key, and keys that are no literal.
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
SECRET_KEY = None
JWT_SECRET_KEY_HEADER = "X-Key"
SIMPLE_JWT = {"SIGNING_KEY": os.environ["JWT_KEY"], "ALGORITHM": "HS256"}
if os.environ.get("STAGE") == "local":
    SECRET_KEY = "local"
else:
    SECRET_KEY = os.environ["SECRET_KEY"]
```
Good: the default of Flask's own tutorial, which the instance's file replaces.
```python app/__init__.py
from flask import Flask


def create_app() -> Flask:
    app = Flask(__name__)
    app.config.from_mapping(SECRET_KEY="dev")
    app.config.from_pyfile("config.py", silent=True)
    return app
```
Good: a default that the file of an instance replaces.
```python shop/__init__.py
from flask import Flask

def create_app():
    app = Flask(__name__)
    app.config.from_mapping(SECRET_KEY="dev")
    app.config.from_pyfile("config.py", silent=True)
    return app
```
Bad:
```python shop/__init__.py
from flask import Flask

def create_app():
    app = Flask(__name__)
    app.config.from_mapping(SECRET_KEY="not-so-secret-9876")  # flagged
    return app
```
Good:
```python shop/__init__.py
from flask import Flask
import os

def create_app():
    app = Flask(__name__)
    app.config.from_mapping(SECRET_KEY=os.environ["SECRET_KEY"])
    return app
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.settings_modules import SettingsModules, Stage, stage_named
from rules.kit import (
    AddImport,
    Fix,
    Flag,
    Here,
    Replace,
    Rule,
    Severity,
    dotted,
    keyword,
    string,
    walk,
)

rule = Rule(
    __name__,
    __doc__,
    code="SET102",
    severity=Severity.ERROR,
    checklist=("flask.configuration", "security.secrets-in-env"),
    scope="project",
    fix="suggestion",
    hides_match=True,
    cwe=798,
)

_KEY = re.compile(
    r"^(?:[A-Z]+_)?(?:SECRET_KEY|SIGNING_KEY|JWT_SECRET|SESSION_SECRET"
    r"|COOKIE_SECRET|TOKEN_SECRET|AUTH_SECRET|SECURITY_PASSWORD_SALT)(?:_KEY)?$"
)
_NOT_OURS = re.compile(
    r"^(AWS|S3|GCP|GOOGLE|GITHUB|GITLAB|STRIPE|TWITTER|FACEBOOK|MINIO|RECAPTCHA|HCAPTCHA|CAPTCHA"
    r"|TURNSTILE|PAYPAL|OSS|COS|QINIU|RAZORPAY|PLAID|PAYSTACK|OAUTH|LINKEDIN|DISCORD|SLACK)_"
)
_WORDS = (
    *(
        f"{who}{key}"
        for who in ("", "DJANGO_", "FLASK_", "APP_")
        for key in ("SECRET_KEY", "JWT_SECRET")
    ),
    "JWT_SECRET_KEY",
    "JWT_SIGNING_KEY",
    "SIGNING_KEY",
    "SESSION_SECRET",
    "SESSION_SECRET_KEY",
    "CSRF_SECRET_KEY",
    "WTF_CSRF_SECRET_KEY",
    "COOKIE_SECRET",
    "TOKEN_SECRET",
    "TOKEN_SECRET_KEY",
    "AUTH_SECRET",
    "AUTH_SECRET_KEY",
    "SECURITY_PASSWORD_SALT",
    "secret_key",
)
_REFERENCE = re.compile(r"\$\{|\{\{|<[A-Za-z]|^%|://|^arn:|^/|\n|^-----BEGIN PUBLIC")
_SIGNING_DICTS = frozenset({"SIMPLE_JWT", "JWT_AUTH", "NINJA_JWT", "OAUTH2_PROVIDER"})
_FROM_ELSEWHERE = frozenset(
    {"from_pyfile", "from_object", "from_prefixed_env", "from_envvar", "from_file", "from_json"}
)


@rule.on(cst.Assign, words=_WORDS)
def assigned(assign: cst.Assign, here: Here) -> Iterator[Flag]:
    if not isinstance(assign.value, cst.SimpleString | cst.ConcatenatedString | cst.Dict):
        return
    for each in assign.targets:
        name, value = _assigned_key(each.target, assign.value)
        if name and _is_secret(value, name) and _reaches_production(assign, name, here):
            yield _flag(assign, name, value, here)


@rule.on(cst.AnnAssign, words=_WORDS)
def annotated(assign: cst.AnnAssign, here: Here) -> Iterator[Flag]:
    if assign.value is None or not isinstance(assign.target, cst.Name):
        return
    name = assign.target.value
    if not _is_key(name) or not _is_secret(assign.value, name) or _is_field(assign, here):
        return
    if _reaches_production(assign, name, here):
        yield _flag(assign, name, assign.value, here)


@rule.on(
    cst.Call, calls=("SessionMiddleware", "add_middleware", "Middleware", "update", "from_mapping")
)
def passed(node: cst.Call, here: Here) -> Iterator[Flag]:
    for name, value in _given_keys(node, here):
        if value is not None and _is_secret(value, name) and _reaches_production(node, name, here):
            yield _flag(node, name, value, here)


def _given_keys(node: cst.Call, here: Here) -> Iterator[tuple[str, cst.BaseExpression | None]]:
    involved = here.names(node.func, *(each.value for each in node.args[:1]))
    if any(each.endswith(".SessionMiddleware") for each in involved):
        yield "SECRET_KEY", keyword(node, "secret_key")
    elif dotted(node.func).endswith((".config.update", ".config.from_mapping")):
        for each in node.args:
            if each.keyword is not None and _is_key(each.keyword.value):
                yield each.keyword.value, each.value


def _assigned_key(
    target: cst.BaseExpression, value: cst.BaseExpression
) -> tuple[str, cst.BaseExpression]:
    """The name of the key that an assignment sets, if it does, and the value it gets."""
    match target, value:
        case cst.Name(value=name), cst.Dict() if name in _SIGNING_DICTS:
            for each in value.elements:
                if isinstance(each, cst.DictElement) and string(each.key) == "SIGNING_KEY":
                    return "SIGNING_KEY", each.value
        case cst.Name(value=name), _ if _is_key(name):
            return name, value
        case cst.Attribute(value=cst.Name(), attr=cst.Name(value="secret_key")), _:
            return "SECRET_KEY", value
        case cst.Subscript(
            value=cst.Attribute(attr=cst.Name(value="config")),
            slice=[cst.SubscriptElement(slice=cst.Index(value=key))],
        ), _ if _is_key(string(key) or ""):
            return string(key) or "", value
    return "", value


def _is_key(name: str) -> bool:
    return bool(_KEY.match(name)) and not _NOT_OURS.match(name)


def _is_secret(node: cst.BaseExpression, name: str) -> bool:
    """A literal to sign with: no placeholder of a template, no reference, no name of a field."""
    value = string(node)
    if value is None and isinstance(node, cst.SimpleString):
        evaluated = node.evaluated_value
        value = evaluated.decode("latin-1") if isinstance(evaluated, bytes) else None
    if not value or _REFERENCE.search(value):
        return False
    return re.sub(r"\W", "_", value.lower()) != name.lower()


def _is_field(assign: cst.AnnAssign, here: Here) -> bool:
    """A default of pydantic settings: read from the environment first, another rule's affair."""
    holder = here.around(assign, cst.ClassDef)
    bases = [dotted(each.value) for each in holder.bases] if holder is not None else []
    return any(base.endswith(("Settings", "Model")) for base in bases)


def _reaches_production(node: cst.CSTNode, name: str, here: Here) -> bool:
    stem = here.path.rpartition("/")[2].removesuffix(".py")
    folder = here.path.rpartition("/")[0].rpartition("/")[2]
    if here.is_test or here.is_script or here.is_migration:
        return False
    if stage_named(stem) in (Stage.LOCAL, Stage.TEST) or _depends(node, here):
        return False
    settings: SettingsModules = here.project.facts(SettingsModules)
    if settings.at(here.path) is not None:
        if not settings.serves_production(here.path) or settings.is_overridden(here.path, name):
            return False
    elif stage_named(folder) in (Stage.LOCAL, Stage.TEST):
        return False
    return _is_last_word(node, name, here)


def _depends(node: cst.CSTNode, here: Here) -> bool:
    """Whether a condition, or a class for another environment, stands around the value."""
    for each in here.scopes.ancestors(node):
        if isinstance(each, cst.If | cst.Try | cst.Match | cst.With):
            return "__name__" not in here.source(each)[:40]
        if isinstance(each, cst.ClassDef) and _is_spared_class(each, here):
            return True
    return False


def _is_spared_class(node: cst.ClassDef, here: Here) -> bool:
    """A class of settings for developers, or one whose heirs for production set their own."""
    own = node.name.value
    stage = stage_named(own)
    if stage in (Stage.LOCAL, Stage.TEST):
        return True
    if not own.endswith(("Config", "Configuration", "Settings")) and stage is None:
        return True
    text_of = here.source
    heirs = [
        each
        for each in walk(here.module or cst.Module([]))
        if isinstance(each, cst.ClassDef)
        and any(dotted(base.value) == own for base in each.bases)
        and stage_named(each.name.value) is Stage.PRODUCTION
    ]
    return bool(heirs) and all(re.search(r"SECRET|_KEY", text_of(each.body)) for each in heirs)


def _is_last_word(node: cst.CSTNode, name: str, here: Here) -> bool:
    """Whether nothing else in the file gives the key a value, or loads a whole configuration."""
    if isinstance(node, cst.Assign | cst.AnnAssign):
        target = node.targets[0].target if isinstance(node, cst.Assign) else node.target
        if isinstance(target, cst.Name):
            return len(here.bindings(target)) < 2
    around = here.function(node) or here.module
    return around is None or not any(
        isinstance(each, cst.Attribute) and each.attr.value in _FROM_ELSEWHERE
        for each in walk(around)
    )


def _flag(node: cst.CSTNode, name: str, value: cst.BaseExpression, here: Here) -> Flag:
    read = f'os.environ["{name}"]'
    if isinstance(value, cst.SimpleString) and "b" in value.prefix.lower():
        read += ".encode()"
    message = (
        f"`{name}` is written in the code, so whoever reads the repository can sign sessions or "
        "tokens of any user; read it from the environment and replace the key that was committed."
    )
    return Flag(node, message, fix=Fix((Replace(value, read), AddImport("os"))))
