"""One settings module serves developers and production through conditions.

Each `if` doubles what has to be thought of, and the branch of production is run by nobody
before it is deployed. Give each environment a module that builds on a common one, or read the
values that differ from the environment.

Bad:
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
ENVIRONMENT = os.environ.get("ENVIRONMENT", "development")

if ENVIRONMENT == "production":  # flagged
    DEBUG = False
    ALLOWED_HOSTS = ["shop.example.org"]
    SESSION_COOKIE_SECURE = True
else:
    DEBUG = True
    ALLOWED_HOSTS = []
    SESSION_COOKIE_SECURE = False
```
Good:
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
DEBUG = os.environ.get("DEBUG") == "1"
ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",")
SESSION_COOKIE_SECURE = not DEBUG
```
Good: a tool for developers is no second environment.
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
DEBUG = os.environ.get("DEBUG") == "1"
if DEBUG:
    INSTALLED_APPS += ["debug_toolbar"]
```
Good: a feature that is switched on is no environment.
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
if os.environ.get("USE_S3") == "1":
    STORAGE = "s3"
    STORAGE_BUCKET = os.environ["BUCKET"]
    STORAGE_REGION = "eu-central-1"
```
Good: modules by environment.
```python shop/settings/base.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
```
```python shop/settings/production.py
from .base import *

DEBUG = False
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.settings_module import SettingsModule
from rules.facts.settings_modules import Stage
from rules.kit import Flag, Here, Rule, Severity, find, string

rule = Rule(
    __name__,
    __doc__,
    code="SET112",
    severity=Severity.NOTICE,
    checklist=("django.settings-organised", "deploy.settings-by-environment"),
    scope="project",
    default=False,
)

_ENVIRONMENT = re.compile(
    r"^(DJANGO_|FLASK_|APP_)?(ENV(IRONMENT)?(_NAME)?|STAGE|DEPLOY(MENT)?(_ENV)?|TIER|DEBUG|PROD(UCTION)?"
    r"|IS_(PROD(UCTION)?|DEV(ELOPMENT)?|LOCAL)|LIVE)$",
    re.IGNORECASE,
)
_STAGE = re.compile(r"^(prod(uction)?|live|dev(elopment)?|local|staging)$", re.IGNORECASE)
_ENOUGH = 3


@rule.on(SettingsModule, words=("DEBUG", "INSTALLED_APPS", "ROOT_URLCONF", "SECRET_KEY"))
def check(settings: SettingsModule, here: Here) -> Iterator[Flag]:
    if settings.stage not in (Stage.MAIN, Stage.PRODUCTION) or here.module is None:
        return
    if settings.framework not in ("django", "flask", "other") or here.is_test:
        return
    for node in here.module.body:
        if isinstance(node, cst.If) and _asks_for_environment(node.test):
            names = {each.value for each in _assigned(node)}
            if len(names) >= _ENOUGH:
                message = (
                    f"{len(names)} settings depend on this condition, so production runs lines "
                    "that nobody runs before; give each environment a module, or read the values "
                    "from the environment."
                )
                yield Flag(node, message)


def _asks_for_environment(test: cst.BaseExpression) -> bool:
    for each in find(test, cst.Name, cst.SimpleString):
        if isinstance(each, cst.Name) and _ENVIRONMENT.match(each.value):
            return True
        if isinstance(each, cst.SimpleString) and _STAGE.match(string(each) or ""):
            return True
    return False


def _assigned(node: cst.If) -> Iterator[cst.Name]:
    for each in find(node, cst.AssignTarget):
        if isinstance(each.target, cst.Name) and each.target.value.isupper():
            yield each.target
