"""Nothing makes visitors of production use HTTPS.

Without a redirect and without HSTS, the first request of a visitor goes over plain HTTP, and
whoever is on the way can read it and keep the visitor there. Switch both on in the settings of
production, or say in them that the server in front does it.

Bad:
```python shop/settings/production.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
DEBUG = False  # flagged
```
Good:
```python shop/settings/production.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 3600
DEBUG = False
```
Bad: switched off.
```python shop/settings/production.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
SECURE_SSL_REDIRECT = False  # flagged
SECURE_HSTS_SECONDS = 0  # flagged
```
Bad: Flask.
```python app/__init__.py
from flask import Flask
from flask_talisman import Talisman

app = Flask(__name__)
Talisman(app, force_https=False)  # flagged
```
Good: the server in front does it, and the settings say so.
```python shop/settings/production.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# nginx redirects to https and sends Strict-Transport-Security.
SECURE_SSL_REDIRECT = False
```
Good: developers, and a project that shows no deployment.
```python shop/settings/local.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
SECURE_SSL_REDIRECT = False
```
```python blog/settings.py
ROOT_URLCONF = "blog.urls"
INSTALLED_APPS = ["blog"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
DEBUG = False
```
Good: the environment tells.
```python shop/settings/production.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
SECURE_SSL_REDIRECT = os.environ.get("HTTPS", "1") == "1"
SECURE_HSTS_SECONDS = int(os.environ.get("HSTS_SECONDS", "3600"))
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.facts.deployed_settings import DeployedSettings, speaks_of_proxy
from rules.facts.durations import amount_of
from rules.facts.production_setting import ProductionSetting, is_word
from rules.facts.settings_module import SettingsModule
from rules.kit import (
    Fix,
    Flag,
    Here,
    InsertBefore,
    Rule,
    Severity,
    keyword,
    replacing,
)

rule = Rule(
    __name__,
    __doc__,
    code="SET108",
    severity=Severity.WARNING,
    checklist=("django.allowed-hosts", "security.headers", "security.https", "deploy.proxy"),
    scope="project",
    fix="suggestion",
    cwe=319,
)

_LINES = {
    "SECURE_SSL_REDIRECT": "SECURE_SSL_REDIRECT = True",
    "SECURE_HSTS_SECONDS": "SECURE_HSTS_SECONDS = 3600",
}
_SAID = ("SECURE_PROXY_SSL_HEADER", "SECURE_SSL_HOST", "SSLIFY_DISABLE")


@rule.on(ProductionSetting, words=tuple(_LINES))
def switched_off(setting: ProductionSetting, here: Here) -> Iterator[Flag]:
    if setting.name not in _LINES or here.module is None:
        return
    value = here.value_of(setting.value)
    amount = amount_of(value, here)
    off = is_word(value, "False", "None") or (amount is not None and amount.value == 0)
    if off and not speaks_of_proxy(here.module.code):
        message = (
            f"`{setting.name}` is off where production loads it, so visitors may be kept on "
            "plain HTTP; switch it on, or say here that the proxy does it."
        )
        on = _LINES[setting.name].rpartition(" ")[2]
        fix = replacing(setting.value, on) if value is setting.value else None
        yield Flag(setting.node, message, fix=fix)


@rule.on(cst.Call, calls=("Talisman", "SSLify"), words=("Talisman",))
def in_talisman(node: cst.Call, here: Here) -> Iterator[Flag]:
    for name in ("force_https", "strict_transport_security"):
        value = keyword(node, name)
        if not is_word(value, "False") or here.is_test or here.around(node, cst.If) is not None:
            continue
        if here.module is not None and speaks_of_proxy(here.module.code):
            continue
        message = (
            f"`{name}=False` lets visitors stay on plain HTTP; switch it off for developers "
            "only, or say here that the proxy does it."
        )
        yield Flag(node, message, fix=replacing(value, "True") if value is not None else None)


@rule.on(SettingsModule, words=("DEBUG", "ALLOWED_HOSTS", "MIDDLEWARE", "INSTALLED_APPS"))
def missing(settings: SettingsModule, here: Here) -> Iterator[Flag]:
    deployed: DeployedSettings = here.project.facts(DeployedSettings)
    known = deployed.by_path.get(here.path)
    anchor = settings.anchor if known is not None else None
    if known is None or anchor is None or not known.deploys or known.fronted:
        return
    if known.speaks_of(*_SAID, *_LINES) or any(each in settings.assignments for each in _LINES):
        return
    message = (
        "Neither `SECURE_SSL_REDIRECT` nor `SECURE_HSTS_SECONDS` is set in what production runs "
        f"with (`{here.path.rpartition('/')[2]}`), so visitors may be kept on plain HTTP; set "
        "them, or say here that the proxy does it."
    )
    fix = Fix((InsertBefore(anchor.node, tuple(_LINES.values())),))
    yield Flag(anchor.node, message, fix=fix, identity="missing https")
