"""Any host name is accepted where production runs.

`ALLOWED_HOSTS` is what stops a request with a forged `Host` header. With `"*"` in it, links
in password-reset mails and cached pages can be made to point to the host of an attacker. List
the names that the site answers to, or read them from the environment.

Bad:
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
ALLOWED_HOSTS = ["*"]  # flagged
```
Bad: the wildcard is what is left if nobody sets the variable.
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "*").split(",")  # flagged
```
Bad: the same check of Starlette, switched off.
```python app/main.py
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

app = FastAPI()
app.add_middleware(TrustedHostMiddleware, allowed_hosts=["*"])  # flagged
```
Good:
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",")
```
Good: the settings of developers and tests.
```python shop/settings/base.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
ALLOWED_HOSTS = []
```
```python shop/settings/local.py
from .base import *

ALLOWED_HOSTS = ["*"]
```
Good: production replaces what the base says.
```python shop/settings/base.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
ALLOWED_HOSTS = ["*"]
```
```python shop/settings/production.py
from .base import *

ALLOWED_HOSTS = ["shop.example.org"]
```
Good: a wildcard for developers only, and one for the names below a domain.
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
DEBUG = os.environ.get("DEBUG") == "1"
ALLOWED_HOSTS = [".example.org"]
if DEBUG:
    ALLOWED_HOSTS = ["*"]
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.facts.environment import read_of
from rules.facts.production_setting import ProductionSetting
from rules.kit import Flag, Here, Rule, Severity, keyword, string

rule = Rule(
    __name__,
    __doc__,
    code="SET105",
    severity=Severity.ERROR,
    checklist=("django.allowed-hosts",),
    scope="project",
    cwe=644,
)


@rule.on(ProductionSetting, words=("ALLOWED_HOSTS",))
def in_settings(setting: ProductionSetting, here: Here) -> Iterator[Flag]:
    if setting.name != "ALLOWED_HOSTS":
        return
    value = here.value_of(setting.value)
    if _holds_wildcard(value):
        said = "`ALLOWED_HOSTS` holds `*` in settings that production loads"
    elif _falls_back_to_wildcard(value, here):
        said = "`ALLOWED_HOSTS` is `*` wherever its variable is not set"
    else:
        return
    message = (
        f"{said}, so a forged `Host` header gets into links, mails and caches; name the hosts "
        "that the site answers to."
    )
    yield Flag(setting.node, message)


@rule.on(cst.Call, calls=("add_middleware", "Middleware", "TrustedHostMiddleware"))
def in_middleware(node: cst.Call, here: Here) -> Iterator[Flag]:
    hosts = keyword(node, "allowed_hosts")
    if hosts is None or here.is_test or not _holds_wildcard(here.value_of(hosts)):
        return
    involved = here.names(node.func, *(each.value for each in node.args[:1]))
    if any(each.endswith(".TrustedHostMiddleware") for each in involved):
        message = (
            '`TrustedHostMiddleware` with `"*"` lets every `Host` header pass, so it checks '
            "nothing; name the hosts that the application answers to."
        )
        yield Flag(node, message)


def _holds_wildcard(node: cst.CSTNode) -> bool:
    match node:
        case (
            cst.List(elements=elements) | cst.Tuple(elements=elements) | cst.Set(elements=elements)
        ):
            return any(string(each.value) == "*" for each in elements)
    return False


def _falls_back_to_wildcard(node: cst.CSTNode, here: Here) -> bool:
    """`env.list("ALLOWED_HOSTS", default=["*"])`, and texts that are split afterwards."""
    match node:
        case cst.Call(func=cst.Attribute(value=inner, attr=cst.Name(value="split" | "strip"))):
            return _falls_back_to_wildcard(inner, here)
    read = read_of(node, here)
    if read is None or read.default is None:
        return False
    default = here.value_of(read.default)
    return _holds_wildcard(default) or string(default) == "*"
