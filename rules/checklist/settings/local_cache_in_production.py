"""Production caches in the memory of each process, or not at all.

`LocMemCache` and `SimpleCache` live inside one process: every worker has a cache of its own,
rate limits and locks count per worker, and deleting an entry leaves the others as they were.
A dummy cache keeps nothing. Use Redis, Memcached or the database where more than one process
serves.

Bad:
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",  # flagged
        "LOCATION": "shop",
    }
}
```
Bad: Flask-Caching.
```python app/__init__.py
from flask import Flask

app = Flask(__name__)
app.config["CACHE_TYPE"] = "SimpleCache"  # flagged
```
Bad:
```python app/main.py
from fastapi import FastAPI
from flask import Flask
from flask_caching import Cache
from fastapi_cache import FastAPICache
from fastapi_cache.backends.inmemory import InMemoryBackend

app = Flask(__name__)
cache = Cache(app, config={"CACHE_TYPE": "null"})  # flagged
FastAPICache.init(InMemoryBackend())  # flagged
```
Good:
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ["REDIS_URL"],
    }
}
```
Good: a small cache beside the one that is shared, for what may differ between processes.
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ["REDIS_URL"],
    },
    "local": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
```
Good: developers, tests, and a note that one process is all there is.
```python shop/settings/base.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
# We run a single process, so its memory is shared by all.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
```
```python shop/settings/local.py
from .base import *

CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
```
Good: what the environment chooses.
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
if os.environ.get("REDIS_URL"):
    CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache"}}
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.production_setting import ProductionSetting
from rules.facts.settings_modules import Stage, stage_named
from rules.kit import Flag, Here, Rule, Severity, argument, dotted, keyword, string

rule = Rule(
    __name__,
    __doc__,
    code="SET117",
    severity=Severity.WARNING,
    checklist=("performance.caching",),
    scope="project",
)

_LOCAL = re.compile(r"(^|\.)(LocMemCache|DummyCache|SimpleCache|NullCache|simple|null)$")
_SAYS_ONE = re.compile(
    r"single[- ](process|worker|instance|container)|one (process|worker|instance)"
    r"|only one (process|worker)|workers?\s*=\s*1\b",
    re.IGNORECASE,
)


@rule.on(ProductionSetting, words=("CACHES", "CACHE_TYPE"))
def in_settings(setting: ProductionSetting, here: Here) -> Iterator[Flag]:
    where: cst.CSTNode | None = None
    if setting.name == "CACHES":
        where, kind = _of_django(setting.value, here)
    elif setting.name == "CACHE_TYPE":
        where, kind = setting.node, string(here.value_of(setting.value)) or ""
    if where is not None and _LOCAL.search(kind) and not _says_one(here):
        yield _flag(where, kind)


@rule.on(cst.Call, calls=("Cache", "init"), words=("flask_caching", "InMemoryBackend"))
def in_calls(node: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_script or here.around(node, cst.If) is not None:
        return
    if stage_named(here.path.rpartition("/")[2].removesuffix(".py")) in (Stage.LOCAL, Stage.TEST):
        return
    names = here.names(node.func)
    if "flask_caching.Cache" in names:
        kind = _cache_type(here.value_of(keyword(node, "config") or node))
    elif any(each.endswith("FastAPICache.init") for each in names):
        backend = argument(node, 0, "backend")
        made = here.value_of(backend) if backend is not None else None
        in_memory = any(each.endswith(".InMemoryBackend") for each in here.names(made))
        kind = "InMemoryBackend" if in_memory else ""
    else:
        return
    if (_LOCAL.search(kind) or kind == "InMemoryBackend") and not _says_one(here):
        yield _flag(node, kind)


def _of_django(node: cst.BaseExpression, here: Here) -> tuple[cst.CSTNode | None, str]:
    """The entry that names the backend of the default cache."""
    value = here.value_of(node)
    for each in value.elements if isinstance(value, cst.Dict) else ():
        if not isinstance(each, cst.DictElement) or string(each.key) != "default":
            continue
        inner = here.value_of(each.value)
        for one in inner.elements if isinstance(inner, cst.Dict) else ():
            if isinstance(one, cst.DictElement) and string(one.key) == "BACKEND":
                return one, string(here.value_of(one.value)) or ""
    return None, ""


def _cache_type(config: cst.CSTNode) -> str:
    match config:
        case cst.Dict(elements=elements):
            for each in elements:
                if isinstance(each, cst.DictElement) and string(each.key) == "CACHE_TYPE":
                    return string(each.value) or ""
        case cst.Call() if dotted(config.func) == "dict":
            return string(keyword(config, "CACHE_TYPE")) or ""
    return ""


def _says_one(here: Here) -> bool:
    return here.module is not None and bool(_SAYS_ONE.search(here.module.code))


def _flag(where: cst.CSTNode, kind: str) -> Flag:
    name = kind.rpartition(".")[2]
    if name in ("DummyCache", "NullCache", "null"):
        message = (
            f"`{name}` keeps nothing, and production loads these settings: every lookup of the "
            "cache misses, locks and rate limits never hold. Use a cache that the workers share."
        )
    else:
        message = (
            f"`{name}` is a cache of one process: each worker of production has its own, so "
            "deleted entries live on in the others and rate limits count per worker. Use one "
            "that they share."
        )
    return Flag(where, message)
