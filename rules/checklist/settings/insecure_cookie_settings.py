"""Cookies of sessions are sent without encryption, or shown to scripts.

Without the `Secure` flag a browser sends the cookie of the session over plain HTTP too, where
anybody on the way can take it; without `HttpOnly` any script that gets into a page can read
it. Both are one line in the settings of production.

Bad: switched off where production loads it.
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
SESSION_COOKIE_SECURE = False  # flagged
SESSION_COOKIE_HTTPONLY = False  # flagged
```
Good:
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
```
Bad: Flask and Starlette.
```python app/main.py
import os

from flask import Flask
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware

app = Flask(__name__)
app.config["SESSION_COOKIE_SECURE"] = False  # flagged
api = Starlette()
api.add_middleware(SessionMiddleware, secret_key=os.environ["KEY"], https_only=False)  # flagged
api.add_middleware(SessionMiddleware, secret_key=os.environ["KEY"])  # flagged
```
Good:
```python app/main.py
import os

from flask import Flask
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware

app = Flask(__name__)
app.config["SESSION_COOKIE_SECURE"] = True
api = Starlette()
api.add_middleware(SessionMiddleware, secret_key=os.environ["KEY"], https_only=True)
api.add_middleware(SessionMiddleware, secret_key=os.environ["KEY"], https_only=True)
```
Bad: nothing says it in the settings that production is started with.
```python shop/settings/base.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.sessions", "shop"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
```
```python shop/settings/production.py
from .base import *

DEBUG = False  # flagged
```
Good:
```python shop/settings/base.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.sessions", "shop"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
```
```python shop/settings/production.py
from .base import *

SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
DEBUG = False
```
Good: developers and tests have no certificate.
```python shop/settings/local.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
SESSION_COOKIE_SECURE = False
```
Good: the environment tells.
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
DEBUG = os.environ.get("DEBUG") == "1"
SESSION_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_SECURE = os.environ.get("INSECURE") is None
```
Good: a script must be able to read this one.
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
CSRF_COOKIE_HTTPONLY = False
```
Good: settings that load further ones are not known to the end.
```python shop/settings/production.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
DEBUG = False

try:
    from .secrets_of_this_server import *
except ImportError:
    pass
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.facts.deployed_settings import Deployed, DeployedSettings
from rules.facts.production_setting import ProductionSetting, is_word
from rules.facts.settings_module import SettingsModule
from rules.facts.settings_modules import Stage, stage_named
from rules.kit import (
    Fix,
    Flag,
    Here,
    InsertBefore,
    Rule,
    Severity,
    has_star_kwargs,
    keyword,
    replacing,
    with_keyword,
)

rule = Rule(
    __name__,
    __doc__,
    code="SET106",
    severity=Severity.WARNING,
    checklist=("security.sessions", "security.https"),
    scope="project",
    fix="suggestion",
    cwe=614,
)

_OFF = {
    "SESSION_COOKIE_SECURE": "is sent over plain HTTP too",
    "CSRF_COOKIE_SECURE": "is sent over plain HTTP too",
    "REMEMBER_COOKIE_SECURE": "is sent over plain HTTP too",
    "JWT_COOKIE_SECURE": "is sent over plain HTTP too",
    "SESSION_COOKIE_HTTPONLY": "can be read by any script in a page",
    "REMEMBER_COOKIE_HTTPONLY": "can be read by any script in a page",
}
_WANTED = {
    "SESSION_COOKIE_SECURE": "SessionMiddleware",
    "CSRF_COOKIE_SECURE": "CsrfViewMiddleware",
}


@rule.on(ProductionSetting, words=tuple(_OFF))
def switched_off(setting: ProductionSetting, here: Here) -> Iterator[Flag]:
    why = _OFF.get(setting.name)
    if why is None or not is_word(here.value_of(setting.value), "False"):
        return
    message = (
        f"`{setting.name}` is `False` where production loads it, so the cookie {why}; switch it "
        "on here and off for developers only."
    )
    fix = replacing(setting.value, "True") if is_word(setting.value, "False") else None
    yield Flag(setting.node, message, fix=fix)


@rule.on(
    cst.Call,
    calls=("add_middleware", "Middleware", "SessionMiddleware"),
    words=("SessionMiddleware",),
)
def in_middleware(node: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_script or has_star_kwargs(node) or _is_for_developers(node, here):
        return
    involved = here.names(node.func, *(each.value for each in node.args[:1]))
    if not any(each.endswith("sessions.SessionMiddleware") for each in involved):
        return
    if not any(each.startswith(("starlette.", "fastapi.")) for each in involved):
        return
    given = keyword(node, "https_only")
    if given is not None and not is_word(given, "False"):
        return
    message = (
        "`SessionMiddleware` sends the session's cookie over plain HTTP too, where it can be "
        "taken on the way; pass `https_only=True`."
    )
    cured = with_keyword(node, "https_only", "True")
    yield Flag(node, message, fix=replacing(given or node, "True" if given else cured))


@rule.on(SettingsModule, words=("MIDDLEWARE", "INSTALLED_APPS", "DEBUG", "ALLOWED_HOSTS"))
def missing(settings: SettingsModule, here: Here) -> Iterator[Flag]:
    deployed: DeployedSettings = here.project.facts(DeployedSettings)
    known = deployed.by_path.get(here.path)
    anchor = settings.anchor if known is not None else None
    absent = _absent(known) if known is not None and known.deploys else []
    if anchor is None:
        return
    absent = [each for each in absent if each not in settings.assignments]
    if not absent:
        return
    names = " and ".join(f"`{each}`" for each in absent)
    message = (
        f"{names} {'is' if len(absent) == 1 else 'are'} set nowhere in the settings that "
        f"production runs with (`{here.path.rpartition('/')[2]}`), so the cookies go over plain "
        "HTTP too."
    )
    lines = tuple(f"{each} = True" for each in absent)
    fix = Fix((InsertBefore(anchor.node, lines),))
    yield Flag(anchor.node, message, fix=fix, identity=f"missing {names}")


def _absent(known: Deployed) -> list[str]:
    return [
        name
        for name, middleware in _WANTED.items()
        if known.speaks_of(middleware) and not known.speaks_of(name)
    ]


def _is_for_developers(node: cst.CSTNode, here: Here) -> bool:
    stem = here.path.rpartition("/")[2].removesuffix(".py")
    spared = stage_named(stem) in (Stage.LOCAL, Stage.TEST)
    return spared or here.around(node, cst.If) is not None
