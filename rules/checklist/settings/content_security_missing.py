"""Pages are sent without a policy of what they may load.

A Content-Security-Policy is the last line against scripts that get into a page: the browser
refuses what the policy does not name. Send one, if only as a report to begin with.

Bad:
```python shop/settings/production.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]  # flagged
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
```
```html shop/templates/shop/home.html
<h1>Shop</h1>
```
Bad: Flask, where the policy is switched off, and a policy for links that hides nothing.
```python app/config.py
class ProductionConfig:
    SECURE_REFERRER_POLICY = "unsafe-url"  # flagged
```
```python app/__init__.py
from flask import Flask
from flask_talisman import Talisman

app = Flask(__name__)
Talisman(app, content_security_policy=None)  # flagged
```
Good:
```python shop/settings/production.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["csp", "shop"]
MIDDLEWARE = ["csp.middleware.CSPMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"default-src": ["'self'"]}}
```
```html shop/templates/shop/home.html
<h1>Shop</h1>
```
Good: an API renders no pages.
```python shop/settings/production.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["rest_framework", "shop"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
```
Good: the server in front sends it.
```python shop/settings/production.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
# nginx adds the security headers.
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
```
```html shop/templates/shop/home.html
<h1>Shop</h1>
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.deployed_settings import DeployedSettings
from rules.facts.production_setting import ProductionSetting, is_word
from rules.facts.settings_module import SettingsModule
from rules.kit import Flag, Here, Rule, Severity, keyword, string

rule = Rule(
    __name__,
    __doc__,
    code="SET109",
    severity=Severity.NOTICE,
    checklist=("security.headers",),
    scope="project",
    default=False,
    cwe=1021,
)

_POLICY = re.compile(r"CSP|CONTENT_SECURITY|ContentSecurity|[Hh]eaders|[Tt]alisman")
_PAGE = re.compile(
    r"(^|/)(templates|jinja2)/(?!(email|mail|admin|registration)s?/).{1,300}\.(html|jinja2?)$"
)


@rule.on(SettingsModule, words=("MIDDLEWARE",))
def missing(settings: SettingsModule, here: Here) -> Iterator[Flag]:
    setting = settings.last("MIDDLEWARE")
    deployed: DeployedSettings = here.project.facts(DeployedSettings)
    runs = deployed.building_on(here.path)
    if setting is None or not runs:
        return
    if any(not e.deploys or e.fronted or e.has_word_like(_POLICY) for e in runs):
        return
    if any(_PAGE.search(each) for each in here.project.paths):
        message = (
            "The project renders pages, and nothing sends a Content-Security-Policy with them; "
            "a script that gets into a page runs. Add a policy, as a report only to begin with."
        )
        yield Flag(setting.node, message, identity="missing policy")


@rule.on(ProductionSetting, words=("SECURE_REFERRER_POLICY", "X_FRAME_OPTIONS"))
def switched_off(setting: ProductionSetting, here: Here) -> Iterator[Flag]:
    value = (string(here.value_of(setting.value)) or "").lower()
    if (setting.name, value) in (
        ("SECURE_REFERRER_POLICY", "unsafe-url"),
        ("X_FRAME_OPTIONS", "allowall"),
    ):
        message = (
            f"`{setting.name}` is `{value}` where production loads it, which protects nothing; "
            "choose a policy that does."
        )
        yield Flag(setting.node, message)


@rule.on(cst.Call, calls=("Talisman", "init_app"), words=("flask_talisman",))
def in_talisman(node: cst.Call, here: Here) -> Iterator[Flag]:
    given = keyword(node, "content_security_policy")
    if is_word(given, "None", "False") and not here.is_test:
        message = (
            "`Talisman` is told to send no Content-Security-Policy, so a script that gets into a "
            "page runs; give it a policy, as a report only to begin with."
        )
        yield Flag(node, message)
