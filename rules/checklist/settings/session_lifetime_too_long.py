"""Sessions or tokens stay good for months, or for ever.

A session that is stolen is open to the thief as long as it lasts, and a token that never ends
cannot be taken back at all. Thirty days is long already; let access tokens end after minutes
or hours and renew them.

Bad:
```python shop/settings.py
from datetime import timedelta

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
SESSION_COOKIE_AGE = 60 * 60 * 24 * 365  # flagged
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(days=90),  # flagged
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
}
```
Bad: Flask.
```python app/__init__.py
from datetime import timedelta

from flask import Flask

app = Flask(__name__)
app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(days=365)  # flagged
app.config["JWT_ACCESS_TOKEN_EXPIRES"] = False  # flagged
```
Bad: FastAPI.
```python app/main.py
from datetime import datetime, timedelta, timezone

import jwt
from fastapi import FastAPI
from starlette.middleware.sessions import SessionMiddleware

ACCESS_TOKEN_EXPIRE_MINUTES = 60 * 24 * 60  # flagged
app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key=load_key(), max_age=31536000)  # flagged


def sign(user_id: int, key: str) -> str:
    expires = datetime.now(timezone.utc) + timedelta(days=400)  # flagged
    return jwt.encode({"sub": str(user_id), "exp": expires}, key, algorithm="HS256")


def sign_again(user_id: int, key: str) -> str:
    expires = datetime.now(timezone.utc) + timedelta(minutes=ACCESS_TOKEN_EXPIRE_MINUTES)  # flagged
    return jwt.encode({"sub": str(user_id), "exp": expires}, key, algorithm="HS256")
```
Good:
```python shop/settings.py
from datetime import timedelta

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=30),
}
```
Good: who asked to be remembered, and ages that are of something else.
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
REMEMBER_COOKIE_DURATION = 60 * 60 * 24 * 365
SESSION_REMEMBER_ME_AGE = 60 * 60 * 24 * 365
CSRF_COOKIE_AGE = 60 * 60 * 24 * 364
LANGUAGE_COOKIE_AGE = 60 * 60 * 24 * 365
```
Good: tests, developers, and what the environment says.
```python shop/settings/local.py
SESSION_COOKIE_AGE = 60 * 60 * 24 * 365
```
```python shop/settings/base.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
SESSION_COOKIE_AGE = int(os.environ["SESSION_COOKIE_AGE"])
```
Good: lengths of time that end no token.
```python app/tasks.py
from datetime import datetime, timedelta, timezone

import jwt


def old(orders: list) -> list:
    limit = datetime.now(timezone.utc) - timedelta(days=400)
    return [each for each in orders if each.created < limit]
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.durations import Amount, amount_of
from rules.facts.environment import read_of
from rules.facts.production_setting import ProductionSetting, is_word
from rules.kit import Flag, Here, Rule, Severity, dotted, keyword, string

rule = Rule(
    __name__,
    __doc__,
    code="SET118",
    severity=Severity.NOTICE,
    checklist=("security.sessions",),
    scope="project",
    cwe=613,
)

_LONGEST = 30 * 86_400.0
_NAMES = (
    "SESSION_COOKIE_AGE",
    "PERMANENT_SESSION_LIFETIME",
    "JWT_ACCESS_TOKEN_EXPIRES",
    "JWT_REFRESH_TOKEN_EXPIRES",
    "JWT_EXPIRATION_DELTA",
    "SECURITY_TOKEN_MAX_AGE",
)
_UNITS = {"SECONDS": 1, "MINUTES": 60, "HOURS": 3_600, "DAYS": 86_400}
_CONSTANTS = tuple(
    f"{whose}{what}_{unit}"
    for whose in ("", "ACCESS_", "JWT_", "JWT_ACCESS_", "AUTH_")
    for what in (
        "TOKEN_EXPIRE",
        "TOKEN_EXPIRES",
        "TOKEN_EXPIRATION",
        "EXPIRATION",
        "EXPIRE",
        "TOKEN_TTL",
    )
    for unit in _UNITS
    if whose or what.startswith("TOKEN")
)
_DICTS = ("SIMPLE_JWT", "NINJA_JWT", "JWT_AUTH", "REST_KNOX", "GRAPHQL_JWT")
_KEYS = re.compile(
    r"^((ACCESS|REFRESH|SLIDING)_TOKEN_(REFRESH_)?LIFETIME|SLIDING_TOKEN_\w+LIFETIME"
    r"|JWT_(REFRESH_)?EXPIRATION_DELTA|TOKEN_TTL)$"
)
_NEVER = ("JWT_ACCESS_TOKEN_EXPIRES", "JWT_REFRESH_TOKEN_EXPIRES", "TOKEN_TTL")
_EXPIRY = re.compile(r"^(exp|expires?(_at|_on|_delta)?|expiry|expiration|valid_until)$")


@rule.on(ProductionSetting, words=(*_NAMES, *_DICTS))
def in_settings(setting: ProductionSetting, here: Here) -> Iterator[Flag]:
    if setting.name in _NAMES:
        yield from _judge(setting.name, setting.value, setting.node, here)
    elif setting.name in _DICTS:
        value = here.value_of(setting.value)
        for each in value.elements if isinstance(value, cst.Dict) else ():
            key = string(each.key) if isinstance(each, cst.DictElement) else None
            if key and _KEYS.match(key):
                yield from _judge(key, each.value, each, here)


@rule.on(cst.Assign, words=_CONSTANTS)
def in_constants(node: cst.Assign, here: Here) -> Iterator[Flag]:
    name = dotted(node.targets[0].target)
    if name in _CONSTANTS and not here.is_test and here.function(node) is None:
        yield from _judge_constant(name, node.value, node, here)


@rule.on(cst.AnnAssign, words=(*_CONSTANTS, *(each.lower() for each in _CONSTANTS)))
def in_fields(node: cst.AnnAssign, here: Here) -> Iterator[Flag]:
    name = dotted(node.target)
    if name.upper() in _CONSTANTS and node.value is not None and not here.is_test:
        yield from _judge_constant(name, node.value, node, here)


@rule.on(
    cst.Call,
    calls=("add_middleware", "Middleware", "SessionMiddleware"),
    words=("SessionMiddleware",),
)
def in_middleware(node: cst.Call, here: Here) -> Iterator[Flag]:
    age = keyword(node, "max_age")
    if age is None or here.is_test:
        return
    involved = here.names(node.func, *(each.value for each in node.args[:1]))
    if any(each.endswith(".SessionMiddleware") for each in involved):
        found = amount_of(age, here)
        if found is not None and found.value > _LONGEST:
            yield Flag(node, _said("The session cookie", found.value))


@rule.on(cst.Call, calls=("timedelta",), words=("jwt", "jose", "exp"))
def in_tokens(node: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_script or here.is_migration:
        return
    # "exp" is also a part of mathematics.
    if not here.mentions(("jwt", "jose", "JWT", "authlib")):
        return
    found = amount_of(node, here)
    if found is not None and found.value > _LONGEST and _ends_token(node, here):
        yield Flag(node, _said("The token", found.value))


def _ends_token(node: cst.Call, here: Here) -> bool:
    """Whether the time is added to now and becomes the end of something that is signed."""
    above = here.parent(node)
    if not isinstance(above, cst.BinaryOperation) or not isinstance(above.operator, cst.Add):
        return False
    target = here.parent(above)
    function = here.function(node)
    if function is None or "remember" in function.name.value or "invit" in function.name.value:
        return False
    match target:
        case cst.DictElement(key=key):
            return string(key) == "exp"
        case cst.Arg(keyword=cst.Name(value="exp")):
            return True
        case cst.Assign(targets=[cst.AssignTarget(target=name)]):
            last = dotted(name).rpartition(".")[2]
            signs = re.search(r"[\"']exp[\"']\s*:|\bexp=|\[[\"']exp[\"']\]", here.source(function))
            return bool(_EXPIRY.match(last)) and signs is not None
    return False


def _judge(name: str, value: cst.BaseExpression, where: cst.CSTNode, here: Here) -> Iterator[Flag]:
    never = is_word(value, "False") or (name == "TOKEN_TTL" and is_word(value, "None"))
    if name in _NEVER and never:
        message = (
            f"`{name}` is switched off, so a token that leaks is good for ever; give it an end "
            "and renew it."
        )
        yield Flag(where, message)
        return
    found = _amount(value, here)
    if found is not None and found.value > _LONGEST:
        yield Flag(where, _said(f"`{name}`", found.value))


def _judge_constant(
    name: str, value: cst.BaseExpression, where: cst.CSTNode, here: Here
) -> Iterator[Flag]:
    """A number whose name says its unit: `ACCESS_TOKEN_EXPIRE_MINUTES`."""
    found = _amount(value, here)
    seconds = found.value * _UNITS[name.upper().rpartition("_")[2]] if found is not None else 0
    if seconds > _LONGEST:
        yield Flag(where, _said(f"`{name}`", seconds))


def _amount(value: cst.BaseExpression, here: Here) -> Amount | None:
    found = amount_of(value, here)
    if found is None:
        read = read_of(here.value_of(value), here)
        found = amount_of(read.default, here) if read is not None else None
    return found


def _said(what: str, seconds: float) -> str:
    return (
        f"{what} stays good for {seconds / 86_400:,.0f} days, and so does one that is stolen; "
        "let it end within 30 days and renew it while it is used."
    )
