"""A token is issued that is valid for ever.

A token cannot be called back: whoever finds one in a log, a backup or an old laptop goes on
using it. With a claim `exp` the harm ends by itself. Give tokens minutes or hours, and a
refresh token for the rest.

Bad:
```python shop/auth.py
import jwt

from shop.settings import KEY

def issue(user):
    return jwt.encode({"sub": user.id, "admin": user.admin}, KEY, algorithm="HS256")  # flagged
```
Good:
```python shop/auth.py
from datetime import UTC, datetime, timedelta

import jwt

from shop.settings import KEY

def issue(user):
    claims = {"sub": user.id, "exp": datetime.now(UTC) + timedelta(minutes=15)}
    return jwt.encode(claims, KEY, algorithm="HS256")
```
Bad:
```python shop/auth.py
from jose import jwt

def create_access_token(data: dict, key: str):
    to_encode = data.copy()
    return jwt.encode(to_encode, key, algorithm="HS256")  # flagged
```
Bad:
```python shop/views.py
from flask_jwt_extended import create_access_token

def login(user):
    return create_access_token(identity=user.id, expires_delta=False)  # flagged
```
Good: the claim is added on the way.
```python shop/auth.py
from datetime import UTC, datetime, timedelta

from jose import jwt

def create_access_token(data: dict, key: str, lifetime: timedelta):
    to_encode = data.copy()
    to_encode.update({"exp": datetime.now(UTC) + lifetime})
    return jwt.encode(to_encode, key, algorithm="HS256")

def issue(user, key):
    claims = {"sub": user.id}
    claims["exp"] = datetime.now(UTC) + timedelta(hours=1)
    return jwt.encode(claims, key)
```
Good: what is not known may hold it.
```python shop/auth.py
import jwt

def signed(claims, key):
    return jwt.encode(claims, key, algorithm="HS256")

def merged(claims, key):
    return jwt.encode({**claims, "iss": "shop"}, key, algorithm="HS256")
```
Good: the library has a lifetime of its own.
```python shop/views.py
from flask_jwt_extended import create_access_token

def login(user):
    return create_access_token(identity=user.id)
```
Bad: there is an end, and nobody looks at it.
```python shop/auth.py
import jwt

from shop.settings import KEY

def user_of(token):
    return jwt.decode(token, KEY, algorithms=["HS256"], options={"verify_exp": False})["sub"]  # flagged
```
Good: a token that is over may be traded for a new one, or looked into to put it on a list.
```python shop/auth.py
import jwt

from shop.settings import KEY

def refresh(token):
    return jwt.decode(token, KEY, algorithms=["HS256"], options={"verify_exp": False})["sub"]
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.jwt_calls import WORDS, jwt_call, pairs_of
from rules.kit import (
    Confidence,
    Flag,
    Here,
    Kind,
    Rule,
    Severity,
    argument,
    find,
    keyword,
    string,
)

rule = Rule(
    __name__,
    __doc__,
    code="SEC126",
    severity=Severity.WARNING,
    checklist=("security.jwt",),
    cwe=613,
)

_ISSUES = re.compile(r"token|jwt")
_READS_EXPIRY = re.compile(r"""(get\(|\[)["']exp["'](?!\]\s*=[^=])""")
_RENEWS = re.compile(
    r"refresh|renew|revoke|logout|blacklist|blocklist|expired|debug|peek|introspect"
)
_FOREVER = frozenset({"create_access_token", "create_refresh_token"})


@rule.on(cst.Call, calls=("encode",), words=WORDS)
def encoded(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test:
        return
    found = jwt_call(call, here)
    if found is None or not found.writes or found.payload is None:
        return
    lacks, sure = _lacks_expiry(found.payload, call, here)
    if lacks:
        message = (
            "This token has no `exp` and so is valid for ever, wherever a copy of it turns up. "
            'Put an end to it: `"exp": datetime.now(UTC) + timedelta(minutes=15)`.'
        )
        weak = not sure or here.is_script
        yield Flag(call.func, message, confidence=Confidence.HOTSPOT if weak else None)


def _lacks_expiry(payload: cst.BaseExpression, call: cst.Call, here: Here) -> tuple[bool, bool]:
    """Whether no `exp` gets into the payload, and whether that is sure."""
    around = here.function(call)
    held = here.value_of(payload)
    literal = _keys(held)
    if literal is not None:
        if "exp" in literal:
            return False, True
        named = isinstance(payload, cst.Name)
        return not (named and around is not None and _mentions_expiry(around, here)), True
    if around is None or (isinstance(held, cst.Call) and not _is_copy(held)):
        return False, False
    name = around.name.value.lower()
    root = _root(held)
    bound = here.bindings(root) if root is not None else ()
    from_caller = bool(bound) and all(each.kind is Kind.PARAMETER for each in bound)
    if not from_caller or not _ISSUES.search(name) or _mentions_expiry(around, here):
        return False, False
    # A function that issues tokens from what callers give: who gives `exp` would show it somewhere.
    return not _gives_expiry(here), True


def _keys(node: cst.CSTNode) -> frozenset[str] | None:
    """The keys of a dict as it is written; None if some are not known."""
    match node:
        case cst.Dict(elements=elements):
            keys = [string(e.key) if isinstance(e, cst.DictElement) else None for e in elements]
        case cst.Call(func=cst.Name(value="dict"), args=args) if args:
            keys = [each.keyword.value if each.keyword is not None else None for each in args]
        case _:
            return None
    return None if None in keys else frozenset(each for each in keys if each is not None)


def _is_copy(call: cst.Call) -> bool:
    match call.func:
        case cst.Attribute(attr=cst.Name(value="copy" | "deepcopy")) | cst.Name(value="dict"):
            return True
        case _:
            return False


def _root(node: cst.CSTNode) -> cst.Name | None:
    """The name that `data.copy()`, `dict(data)` or `data` is about."""
    match node:
        case cst.Call(func=cst.Attribute(value=cst.Name() as name), args=[]):
            return name
        case cst.Call(args=[cst.Arg(value=cst.Name() as name)]):
            return name
        case cst.Name():
            return node
        case _:
            return None


def _mentions_expiry(around: cst.FunctionDef, here: Here) -> bool:
    """Whether the function sets the claim, or hands the payload to one that may."""
    for each in find(around, cst.SimpleString, cst.Arg):
        if isinstance(each, cst.SimpleString) and string(each) == "exp":
            return True
        if isinstance(each, cst.Arg) and each.keyword is not None and each.keyword.value == "exp":
            return True
    return bool(re.search(r"add_exp|set_exp|with_exp|claims\(", here.source(around)))


def _gives_expiry(here: Here) -> bool:
    return here.module is not None and any(
        string(each) == "exp" for each in find(here.module, cst.SimpleString)
    )


@rule.on(cst.Call, calls=("decode",), words=("verify_exp",))
def unasked(call: cst.Call, here: Here) -> Iterator[Flag]:
    """`options={"verify_exp": False}`: the end that is written in the token is not looked at."""
    found = jwt_call(call, here) if not here.is_test else None
    options = keyword(call, "options") or argument(call, 3, "options")
    if found is None or found.writes or options is None:
        return
    pairs = pairs_of(options, here) or {}
    value = pairs.get("verify_exp")
    around = here.function(call)
    name = around.name.value if around is not None else ""
    if value is None or "verify_signature" in pairs or _RENEWS.search(name):
        return
    held = here.value_of(value)
    looks_itself = here.module is not None and _READS_EXPIRY.search(here.module.code)
    if isinstance(held, cst.Name) and held.value == "False" and not looks_itself:
        message = (
            "This takes a token whose time is over: one that was stolen long ago still opens the "
            "door. Let the library look at `exp`, and renew tokens in one place."
        )
        inside = any(each is value for each in find(call, cst.Name))
        yield Flag(value if inside else options, message)


@rule.on(cst.Call, calls=tuple(_FOREVER))
def without_end(call: cst.Call, here: Here) -> Iterator[Flag]:
    """`flask_jwt_extended` takes `expires_delta=False` for: never."""
    if here.is_test or not any(e.startswith("flask_jwt_extended.") for e in here.names(call.func)):
        return
    given = keyword(call, "expires_delta") or argument(call, 2, "expires_delta")
    if isinstance(given, cst.Name) and given.value == "False":
        yield Flag(
            given, "`expires_delta=False` makes a token that is valid for ever. Give it an end."
        )


@rule.on(cst.Assign, words=("JWT_ACCESS_TOKEN_EXPIRES", "flask_jwt_extended", "JWTManager"))
def configured(assign: cst.Assign, here: Here) -> Iterator[Flag]:
    """`app.config["JWT_ACCESS_TOKEN_EXPIRES"] = False` and the same in a class of settings."""
    if not (isinstance(assign.value, cst.Name) and assign.value.value in ("False", "None")):
        return
    match assign.targets[0].target:
        case cst.Name(value=name):
            setting = name
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            setting = string(key) or ""
        case _:
            return
    if setting == "JWT_ACCESS_TOKEN_EXPIRES" and assign.value.value == "False" and not here.is_test:
        yield Flag(
            assign, f"`{setting} = False` makes tokens that are valid for ever. Give them an end."
        )
