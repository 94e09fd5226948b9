"""A secret is compared in a way that tells how much of it was right.

`==` stops at the first character that differs. By measuring answers an attacker finds a valid
signature or token piece by piece. `hmac.compare_digest` takes the same time wherever the two
differ.

Bad:
```python shop/hooks.py
import hashlib
import hmac

from django.conf import settings
from django.http import HttpResponseForbidden

def paid(request):
    wanted = hmac.new(settings.HOOK_KEY, request.body, hashlib.sha256).hexdigest()
    if wanted != request.headers["X-Signature"]:  # flagged
        return HttpResponseForbidden()
```
Good:
```python shop/hooks.py
import hashlib
import hmac

from django.conf import settings
from django.http import HttpResponseForbidden

def paid(request):
    wanted = hmac.new(settings.HOOK_KEY, request.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, request.headers["X-Signature"]):
        return HttpResponseForbidden()
```
Bad:
```python shop/api.py
import os

from fastapi import Header, HTTPException

API_KEY = os.environ["API_KEY"]

def guard(x_api_key: str = Header()):
    if x_api_key == API_KEY:  # flagged
        return
    raise HTTPException(401)
```
Good:
```python shop/api.py
import os
import hmac

from fastapi import Header, HTTPException

API_KEY = os.environ["API_KEY"]

def guard(x_api_key: str = Header()):
    if hmac.compare_digest(x_api_key, API_KEY):
        return
    raise HTTPException(401)
```
Good: nothing secret in a constant, a kind or an absence.
```python shop/api.py
from flask import request

def kind(token):
    if token == "" or token is None or token.type == "Bearer":
        return None
    if request.headers["X-Signature"] == "none":
        return None
    return token
```
Good: a checksum is public, and both of these were typed by the same person.
```python shop/files.py
import hashlib

def is_whole(data, checksum):
    return hashlib.sha256(data).hexdigest() == checksum

def is_repeated(form):
    return form.data["token"] == form.data["token_again"]
```
Good: a condition for the database, which has an index to look it up.
```python shop/users.py
def by_token(session, token):
    return session.query(User).filter(User.api_token == token).one()
```
Good: identifiers are no secrets, and neither are words of a language.
```python shop/parse.py
def is_end(self, token):
    return token.id == self.token_id or token == self.end_token
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.purposes import short_name, words_in, words_of
from rules.facts.routes import is_request_data
from rules.kit import (
    AddImport,
    Confidence,
    Fix,
    Flag,
    Here,
    Kind,
    Replace,
    Rule,
    Severity,
    dotted,
    find,
    string,
)

rule = Rule(
    __name__,
    __doc__,
    code="SEC121",
    severity=Severity.ERROR,
    checklist=("security.cryptography",),
    fix="suggestion",
    cwe=208,
    peers=("semgrep:timing-attack",),
    yields_to=("SEC116",),
)

_WORDS = (
    "hmac", "hexdigest", "digest", "signature", "sig", "token", "api_key", "apikey", "secret",
    "x_api_key", "x_token", "auth_token", "access_token", "API_KEY", "SECRET", "TOKEN",
    "secret_key", "webhook_secret", "csrf_token", "authorization", "mac", "api_token", "headers",
    "META", "password",
)  # fmt: skip
_SECRET = re.compile(
    r"(^|_)(signature|sig|hmac|mac|api_?key|secret(_?key)?|token|auth_?token|password|passwd|key"
    r"|authorization|credentials?|digest|shared_?secret|access_?key)(_?(header|hash|value|param))?$",
    re.IGNORECASE,
)
_HELD = re.compile(
    r"secret|token|password|signature|credential|passphrase"
    r"|(api|auth|access|private|signing|webhook|admin|service|shared)_?key",
    re.IGNORECASE,
)
_STORED = re.compile(
    r"(reset|verification|verify|auth|access|refresh|api|session|confirm|confirmation|invite|activation|login|secret"
    r"|unsubscribe)_(token|key|secret|hash)$|^(otp|otp_code|totp|secret_key|api_?key)$",
    re.IGNORECASE,
)
_EXPECTED = re.compile(
    r"^(stored|expected|valid|correct|real|actual|saved|computed|calculated|server)_\w*"
    r"(token|key|secret|signature|sig|hmac|mac|password|digest)$",
    re.IGNORECASE,
)
_NO_SECRET = frozenset(
    {"type", "kind", "id", "name", "status", "count", "length", "url", "csrf", "again", "confirm"}
    | {"confirmation", "repeat", "public", "end", "start", "eof", "next", "previous", "parser"}
)  # fmt: skip
_TELLING = re.compile(
    r"token|secret|key|password|signature|credential|passphrase|otp", re.IGNORECASE
)
_CONFIGURED = re.compile(
    r"(^|\.)(settings|config|conf|app\.config|current_app\.config|Config|environ|env)\b|^os\.getenv"
    r"|^os\.environ",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"authorization|signature|token|api.?key|secret|hmac|digest|password", re.IGNORECASE
)


@rule.on(cst.Comparison, words=_WORDS)
def check(comparison: cst.Comparison, here: Here) -> Iterator[Flag]:
    if len(comparison.comparisons) != 1:
        return
    target = comparison.comparisons[0]
    if not isinstance(target.operator, cst.Equal | cst.NotEqual):
        return
    left, right = comparison.left, target.comparator
    # A cheap look first: comparisons are everywhere.
    if not (
        _TELLING.search(f"{_last(_inside_text(left))} {_last(_inside_text(right))}")
        or here.mentions(("hmac",))
    ):
        return
    if here.is_test or here.is_migration:
        return
    if _is_plain(left, here) or _is_plain(right, here):
        return
    found = _judged(left, right, here) or _judged(right, left, here)
    if found is None or _is_asked_of_database(comparison, here):
        return
    shown, sure = found
    message = (
        f"`{shown}` is compared with `{'!=' if isinstance(target.operator, cst.NotEqual) else '=='}`, "
        "which stops at the first difference: the time it takes gives the secret away piece by "
        "piece. Use `hmac.compare_digest`."
    )
    confidence = None if sure and not here.is_script else Confidence.HOTSPOT
    yield Flag(comparison, message, fix=_fixed(comparison, target, here), confidence=confidence)


def _is_plain(node: cst.BaseExpression, here: Here) -> bool:
    """Constants, numbers and answers to questions are no secrets; nor is what `len` gives."""
    match node:
        case cst.Name(value="None" | "True" | "False"):
            return True
        case cst.Name() | cst.Attribute() | cst.Subscript() | cst.Call() | cst.Await():
            held = here.value_of(node)
            if string(held) is not None or isinstance(held, cst.Integer):
                return True
            return here.name(held) == "builtins.len" if isinstance(held, cst.Call) else False
        case cst.BinaryOperation() | cst.FormattedString():
            return False
        case _:
            return True


def _judged(
    kept: cst.BaseExpression, given: cst.BaseExpression, here: Here
) -> tuple[str, bool] | None:
    """What is secret about `kept` when a caller brings `given`, and whether that is sure."""
    if _is_hmac(kept, here):
        return _short(kept, here), True
    kept = _inside_text(kept)
    name = _last(kept)
    stored = _STORED.search(name) is not None
    if not name or not _HELD.search(name) or (words_of(name) & _NO_SECRET and not stored):
        return None
    if not _names_secret(given, here) or _same_source(kept, given):
        return None
    if _is_configured(kept, here):
        return _short(kept, here), _comes_from_outside(given, here)
    if isinstance(kept, cst.Attribute) and _comes_from_request(given, here):
        return _short(kept, here), not is_request_data(kept, here)
    if (stored and isinstance(kept, cst.Attribute)) or (
        isinstance(kept, cst.Name) and _EXPECTED.search(name)
    ):
        return (_short(kept, here), True) if _is_parameter(given, here) else None
    return None


def _inside_text(node: cst.BaseExpression) -> cst.BaseExpression:
    """The one value in `f"Bearer {TOKEN}"` or `"Bearer " + TOKEN`."""
    match node:
        case cst.FormattedString(parts=parts):
            held = [each for each in parts if isinstance(each, cst.FormattedStringExpression)]
            return held[0].expression if len(held) == 1 else node
        case cst.BinaryOperation(left=left, right=right) if string(left) is not None:
            return right
        case _:
            return node


def _is_asked_of_database(comparison: cst.Comparison, here: Here) -> bool:
    """`query.filter(User.token == token)` is no comparison, but a condition for the database."""
    for side in (comparison.left, comparison.comparisons[0].comparator):
        match side:
            case cst.Attribute(
                value=cst.Name(value="cls") | cst.Attribute(attr=cst.Name(value="c"))
            ):
                return True
            case cst.Attribute(value=cst.Name(value=owner)) if owner[:1].isupper():
                if not owner.isupper() and not _CONFIGURED.search(owner):
                    return True
            case _:
                pass
    arg = here.parent(comparison)
    around = here.parent(arg) if isinstance(arg, cst.Arg) else None
    return isinstance(around, cst.Call) and short_name(around) in {
        "filter",
        "where",
        "and_",
        "or_",
        "having",
        "select",
        "join",
        "exists",
    }


def _is_parameter(node: cst.BaseExpression, here: Here) -> bool:
    bound = here.bindings(node) if isinstance(node, cst.Name) else ()
    return bool(bound) and all(each.kind is Kind.PARAMETER for each in bound)


def _is_hmac(node: cst.BaseExpression, here: Here) -> bool:
    """`hmac.new(...).hexdigest()`, or a variable that holds it, encoded or not."""
    held = here.value_of(node)
    for each in find(held, cst.Call):
        names = here.names(each.func)
        if any(name.startswith(("hmac.new", "hmac.digest", "hmac.HMAC")) for name in names):
            return not isinstance(held, cst.Comparison | cst.BooleanOperation)
    return False


def _last(node: cst.BaseExpression) -> str:
    match node:
        case cst.Name(value=name) | cst.Attribute(attr=cst.Name(value=name)):
            return name
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            return string(key) or ""
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="get" | "getenv")), args=[first, *_]):
            return string(first.value) or ""
        case _:
            return ""


def _names_secret(node: cst.BaseExpression, here: Here) -> bool:
    name = _last(node)
    if _SECRET.search(name.replace("-", "_")) or _HEADER.search(name):
        return not words_of(name) & _NO_SECRET
    held = here.value_of(node)
    return isinstance(node, cst.FormattedString | cst.BinaryOperation) or bool(
        held is not node and words_in(held) & {"authorization", "token", "secret", "apikey"}
    )


def _is_configured(node: cst.BaseExpression, here: Here) -> bool:
    """Whether a setting or the environment holds the secret."""
    names = [*here.names(node), *here.names(here.value_of(node)), dotted(node)]
    if any(_CONFIGURED.search(each) for each in names):
        return True
    last = _last(node)
    return last.isupper() and isinstance(node, cst.Name | cst.Attribute)


def _comes_from_outside(node: cst.BaseExpression, here: Here) -> bool:
    """Read from a request, or a parameter that carries the name of a secret."""
    if _comes_from_request(node, here):
        return True
    if isinstance(node, cst.Name):
        return any(each.kind is Kind.PARAMETER for each in here.bindings(node)) or bool(
            _SECRET.search(node.value)
        )
    return isinstance(node, cst.Attribute)


def _comes_from_request(node: cst.BaseExpression, here: Here) -> bool:
    held = here.value_of(node)
    return any(
        is_request_data(each, here) or dotted(each).endswith((".headers", ".META", ".cookies"))
        for each in find(held, cst.Attribute, cst.Subscript, cst.Call)
    )


def _same_source(left: cst.BaseExpression, right: cst.BaseExpression) -> bool:
    """Two fields of one form are no secret to whoever sent it."""
    owner = dotted(left.value) if isinstance(left, cst.Attribute | cst.Subscript) else ""
    other = dotted(right.value) if isinstance(right, cst.Attribute | cst.Subscript) else "-"
    return owner == other


def _short(node: cst.BaseExpression, here: Here) -> str:
    return " ".join(here.source(node).split())[:60].replace("`", "")


def _fixed(comparison: cst.Comparison, target: cst.ComparisonTarget, here: Here) -> Fix:
    sides = [_text(each, here) for each in (comparison.left, target.comparator)]
    call = f"hmac.compare_digest({sides[0]}, {sides[1]})"
    negated = isinstance(target.operator, cst.NotEqual)
    new = f"not {call}" if negated else call
    outer = here.parent(comparison)
    if negated and isinstance(outer, cst.Comparison | cst.UnaryOperation | cst.BinaryOperation):
        new = f"({new})"
    return Fix((Replace(comparison, new), AddImport("hmac")))


def _text(node: cst.BaseExpression, here: Here) -> str:
    """`compare_digest` takes no `None`, which a header that is missing would be."""
    match node:
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="get")), args=[_]):
            return f'{here.source(node)[:-1].rstrip().rstrip(",")}, "")'
        case _:
            return here.source(node)
