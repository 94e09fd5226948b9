"""Entries of the cache never end, and there may be any number of them.

With a key for each user, page or search the cache only grows, until the server throws out what
is needed or stops accepting; and what is wrong in it stays wrong. Give every entry a time after
which it is made anew.

Bad:
```python shop/services.py
from django.core.cache import cache


def remember(user, orders):
    cache.set(f"orders-{user.pk}", orders, timeout=None)  # flagged
    return cache.get_or_set("total:" + str(user.pk), user.total, None)  # flagged
```
Good:
```python shop/services.py
from django.core.cache import cache


def remember(user, orders):
    cache.set(f"orders-{user.pk}", orders, timeout=3600)
    return cache.get_or_set("total:" + str(user.pk), user.total, 3600)
```
Bad: the settings say that nothing ends.
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "TIMEOUT": None}}
```
```python shop/services.py
from django.core.cache import cache


def remember(user, orders):
    cache.set(f"orders-{user.pk}", orders)  # flagged
```
Bad: Redis as a cache.
```python app/cache.py
import redis

client = redis.Redis()


def cache_orders(user_id, orders):
    client.set(f"cache:orders:{user_id}", orders)  # flagged
```
Good: the timeout of the settings, or of Django, holds.
```python shop/services.py
from django.core.cache import cache


def remember(user, orders):
    cache.set(f"orders-{user.pk}", orders)
```
Good: one key that is replaced, and entries that somebody deletes.
```python shop/services.py
from django.core.cache import cache


def remember(rates):
    cache.set("exchange-rates", rates, timeout=None)


def hold(order):
    cache.set(f"order-{order.pk}", order, timeout=None)


def drop(order):
    cache.delete(f"order-{order.pk}")
```
Good: Redis as a store, and entries with an end.
```python app/store.py
import redis

client = redis.Redis()


def save_orders(user_id, orders):
    client.set(f"orders:{user_id}", orders)


def cache_orders(user_id, orders):
    client.set(f"cache:orders:{user_id}", orders, ex=3600)
    client.setex(f"cache:all:{user_id}", 3600, orders)


def cache_more(user_id, orders):
    client.set(f"cache:more:{user_id}", orders)
    client.expire(f"cache:more:{user_id}", 3600)
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.production_setting import is_word
from rules.facts.settings_modules import SettingsModules
from rules.kit import Flag, Here, Kind, Rule, Severity, argument, dotted, find, keyword

rule = Rule(
    __name__,
    __doc__,
    code="DBQ123",
    severity=Severity.NOTICE,
    frameworks=("django",),
    checklist=("performance.caching", "cleanup.cache-expiry"),
)

_DJANGO = re.compile(r"^django\.core\.cache\.(cache|caches)\b")
_REDIS = re.compile(r"^(redis|aioredis)\.")
_TIMEOUTS = {"set": 2, "aset": 2, "add": 2, "get_or_set": 2, "aget_or_set": 2, "set_many": 1}
_DROPS = frozenset(
    {"delete", "delete_many", "adelete", "delete_pattern", "touch", "expire", "clear"}
)
_ENDS = ("ex", "px", "exat", "pxat", "keepttl")


@rule.on(cst.Call, calls=tuple(_TIMEOUTS), words=("cache", "caches", "redis", "aioredis"))
def check(node: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_migration or not isinstance(node.func, cst.Attribute):
        return
    names = here.names(node.func.value)
    method = node.func.attr.value
    if any(_DJANGO.match(each) for each in names):
        endless = _is_endless(node, method, here)
    elif method == "set" and any(_REDIS.match(each) for each in names):
        endless = _is_redis_cache(node, here)
    else:
        return
    if endless and _has_many_keys(node, here) and not _is_dropped(node, here):
        message = (
            "This entry never ends, and there is one for each value of its key, so the cache only "
            "grows and keeps what is wrong; give it a time to live."
        )
        yield Flag(node, message)


def _is_endless(node: cst.Call, method: str, here: Here) -> bool:
    timeout = argument(node, _TIMEOUTS[method], "timeout")
    if timeout is not None:
        return is_word(here.value_of(timeout), "None")
    return not any(each.star for each in node.args) and _settings_say_never(here)


def _settings_say_never(here: Here) -> bool:
    settings: SettingsModules = here.project.facts(SettingsModules)
    texts = [
        each.value
        for path in settings.by_path
        if settings.serves_production(path)
        for each in settings.modules.by_path[path].assignments
        if each.name == "CACHES"
    ]
    return bool(texts) and all("'TIMEOUT': None" in each for each in texts)


def _is_redis_cache(node: cst.Call, here: Here) -> bool:
    """Whether a call writes a cache's entry without an end, by its key or where it stands."""
    if any(keyword(node, each) is not None for each in _ENDS) or len(node.args) != 2:
        return False
    function = here.function(node)
    where = [function.name.value if function is not None else "", here.source(node.args[0].value)]
    return any("cache" in each.lower() for each in where)


def _has_many_keys(node: cst.Call, here: Here) -> bool:
    """Whether the key holds something that differs from call to call."""
    key = argument(node, 0, "key")
    if key is None:
        return False
    value = here.value_of(key)
    if not isinstance(value, cst.FormattedString | cst.BinaryOperation | cst.Call):
        return False
    if isinstance(value, cst.Call) and not dotted(value.func).endswith(".format"):
        return bool(value.args) and "key" in here.source(value.func).lower()
    return any(_differs(name, here) for name in find(value, cst.Name))


def _differs(name: cst.Name, here: Here) -> bool:
    """Whether a name is one of a call's own, and no constant of the module."""
    bound = here.bindings(name)
    own = any(each.kind in (Kind.PARAMETER, Kind.ELEMENT, Kind.VALUE) for each in bound)
    return own and not here.scopes.at_top(name.value)


def _is_dropped(node: cst.Call, here: Here) -> bool:
    """Whether this file takes entries of the cache away again, or gives them an end."""
    owner = dotted(node.func.value) if isinstance(node.func, cst.Attribute) else ""
    for each in find(here.module or cst.Module([]), cst.Attribute):
        if each.attr.value in _DROPS and dotted(each.value) == owner:
            return True
    return False
