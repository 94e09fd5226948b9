"""The key that signs tokens is written into the code.

Whoever reads the repository, or one of its forks and backups, can write tokens for any user,
and nothing will look wrong. Read the key from the environment or a secret store, and replace
the one that was committed.

Bad:
```python shop/auth.py
import jwt

def issue(claims):
    return jwt.encode(claims, "secret", algorithm="HS256")  # flagged
```
Good:
```python shop/auth.py
import os

import jwt

def issue(claims):
    return jwt.encode(claims, os.environ["JWT_KEY"], algorithm="HS256")
```
Bad: the constant is flagged once, where it stands.
```python shop/auth.py
from jose import jwt

SECRET_KEY = "a-key-that-everybody-can-read"  # flagged
ALGORITHM = "HS256"

def issue(claims):
    return jwt.encode(claims, SECRET_KEY, algorithm=ALGORITHM)

def claims_of(token):
    return jwt.decode(token, SECRET_KEY, algorithms=[ALGORITHM])
```
Bad:
```python shop/app.py
from flask import Flask

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = "super-secret"  # flagged
```
Bad:
```python config.py
KEY = "nobody knows"
```
```python auth.py
import jwt

import config

def issue(claims):
    return jwt.encode(claims, config.KEY, algorithm="HS256")  # flagged
```
Good: from the environment, from settings, from a file.
```python shop/auth.py
import os
from pathlib import Path

import jwt
from django.conf import settings

KEY = os.environ["JWT_KEY"]

def issue(claims):
    return jwt.encode(claims, settings.SECRET_KEY, algorithm="HS256")

def claims_of(token):
    return jwt.decode(token, Path("/run/secrets/jwt.pub").read_text(), algorithms=["RS256"])

def signed(claims):
    return jwt.encode(claims, KEY)
```
Good: a public key verifies, and signs nothing.
```python shop/auth.py
import jwt

PUBLIC = '''-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
-----END PUBLIC KEY-----'''

def claims_of(token):
    return jwt.decode(token, PUBLIC, algorithms=["ES256"])
```
Good: tests sign with what they like.
```python tests/test_auth.py
import jwt

def test_login(client):
    assert client.get("/", token=jwt.encode({"sub": "1"}, "secret")).ok
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.facts.jwt_calls import WORDS, jwt_call
from rules.facts.python_modules import Modules
from rules.kit import (
    Confidence,
    Flag,
    Here,
    PythonFile,
    Related,
    Rule,
    Severity,
    dotted,
    find,
    keyword,
    string,
)

rule = Rule(
    __name__,
    __doc__,
    code="SEC127",
    severity=Severity.ERROR,
    checklist=("security.jwt",),
    cwe=798,
    peers=("semgrep:jwt-python-hardcoded-secret",),
    hides_match=True,  # the line may hold the key
)

_SETTINGS = frozenset({"JWT_SECRET_KEY", "JWT_SECRET", "authjwt_secret_key"})
_STRATEGIES = frozenset(
    {"JWTStrategy", "LoginManager", "JwtAccessBearer", "JwtAuthorizationCredentials"}
)
_MESSAGE = (
    "This key signs tokens, and whoever reads the repository can sign as well: as any user. Read "
    "it from the environment, and replace the one that was committed."
)


@rule.on(PythonFile, words=(*WORDS, "flask_jwt_extended", *_SETTINGS, *_STRATEGIES))
def check(file: PythonFile, here: Here) -> Iterator[Flag]:
    """Each literal once, however many calls use it."""
    if here.is_test:
        return
    seen: set[int] = set()
    for call in find(file.module, cst.Call):
        key = _key_of(call, here)
        for flag in _literal(key, here) if key is not None else ():
            if id(flag.where) not in seen:
                seen.add(id(flag.where))
                yield flag


def _key_of(call: cst.Call, here: Here) -> cst.BaseExpression | None:
    func = call.func
    last = func.attr.value if isinstance(func, cst.Attribute) else dotted(func)
    if last in ("encode", "decode", "sign", "verify"):
        found = jwt_call(call, here)
        return found.key if found is not None else None
    if last in _STRATEGIES and any(
        "jwt" in e.lower() or "fastapi" in e for e in here.names(call.func)
    ):
        return keyword(call, "secret") or keyword(call, "secret_key")
    return None


def _of_self(node: cst.CSTNode, here: Here) -> cst.CSTNode:
    """What the class gives to `self.key`, if it does so once."""
    around = here.around(node, cst.ClassDef)
    if around is None or not isinstance(node, cst.Attribute):
        return node
    owner, _, name = dotted(node).partition(".")
    if owner not in ("self", "cls"):
        return node
    given = [
        each.value
        for each in find(around, cst.Assign)
        if dotted(each.targets[0].target) in (name, f"self.{name}")
    ]
    return given[0] if len(given) == 1 else node


def _text_of(node: cst.CSTNode) -> str | None:
    """A literal, of bytes too."""
    if isinstance(node, cst.SimpleString) and isinstance(node.evaluated_value, bytes):
        return node.evaluated_value.decode("utf-8", "replace")
    return string(node)


def _literal(key: cst.BaseExpression, here: Here) -> Iterator[Flag]:
    held = _of_self(here.value_of(key), here)
    text = _text_of(held)
    if text is not None:
        if _signs(text):
            identity = dotted(key) or "literal"
            yield Flag(held, _MESSAGE, confidence=_weight(here), identity=identity)
        return
    match held:
        case cst.Call(func=func, args=[_, cst.Arg(value=fallback)]) if _reads_environment(
            func, here
        ):
            if _signs(string(fallback) or ""):
                message = f"Where the variable is missing, this key is taken. {_MESSAGE}"
                identity = here.source(fallback)
                yield Flag(fallback, message, confidence=Confidence.HOTSPOT, identity=identity)
        case cst.Name() | cst.Attribute():
            yield from _of_other_module(held, here)
        case _:
            pass


def _signs(text: str) -> bool:
    return bool(text) and "PUBLIC KEY" not in text and "BEGIN CERTIFICATE" not in text


def _weight(here: Here) -> Confidence | None:
    return Confidence.HOTSPOT if here.is_script else None


def _reads_environment(func: cst.BaseExpression, here: Here) -> bool:
    return bool(here.names(func) & {"os.getenv", "os.environ.get", "decouple.config"})


def _of_other_module(node: cst.BaseExpression, here: Here) -> Iterator[Flag]:
    """A constant of a module of the project."""
    modules: Modules = here.project.facts(Modules)
    for name in here.names(node):
        module, _, last = modules.canonical(name).rpartition(".")
        path = modules.path_of.get(module)
        if path is None or path == here.path:
            continue
        given = [each for each in modules.by_path[path].assignments if each.name == last]
        literal = len(given) == 1 and not given[0].func and given[0].value[:1] in ("'", '"')
        if literal and _signs(given[0].value.strip("\"'")):
            where = Related(path, given[0].line, "the key is written here")
            yield Flag(node, _MESSAGE, related=(where,), identity=f"{module}.{last}")


@rule.on(cst.Arg, words=tuple(_SETTINGS))
def passed(arg: cst.Arg, here: Here) -> Iterator[Flag]:
    """`app.config.update(JWT_SECRET_KEY="...")`."""
    name = arg.keyword.value if arg.keyword is not None else ""
    if name in _SETTINGS and not here.is_test and _signs(string(arg.value) or ""):
        yield Flag(arg.value, _MESSAGE, confidence=_weight(here))


@rule.on(cst.DictElement, words=("SIGNING_KEY",))
def listed(element: cst.DictElement, here: Here) -> Iterator[Flag]:
    """`SIMPLE_JWT = {"SIGNING_KEY": "..."}`."""
    is_key = string(element.key) == "SIGNING_KEY" and not here.is_test
    if is_key and _signs(string(element.value) or ""):
        yield Flag(element.value, _MESSAGE, confidence=_weight(here))


@rule.on(cst.Assign, words=tuple(_SETTINGS))
def configured(assign: cst.Assign, here: Here) -> Iterator[Flag]:
    match assign.targets[0].target:
        case cst.Name(value=name):
            setting = name
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            setting = string(key) or ""
        case _:
            return
    if setting in _SETTINGS and not here.is_test and _signs(string(assign.value) or ""):
        yield Flag(assign.value, _MESSAGE, confidence=_weight(here))
