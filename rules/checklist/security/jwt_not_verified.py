"""A token is believed without a look at its signature.

Anybody can write a JSON Web Token; only the signature says who did. Without the check, with
the algorithm `none`, or with whatever algorithm the token itself asks for, a caller becomes
any user by editing a few letters. Verify each token, and name the algorithms you accept.

Bad:
```python shop/auth.py
import jwt

from shop.settings import KEY

def user_of(token):
    claims = jwt.decode(token, KEY, algorithms=["HS256"], options={"verify_signature": False})  # flagged
    return claims["sub"]
```
Good:
```python shop/auth.py
import jwt

from shop.settings import KEY

def user_of(token):
    claims = jwt.decode(token, KEY, algorithms=["HS256"], options={"verify_signature": True})
    return claims["sub"]
```
Bad:
```python shop/auth.py
import jwt
from jose import jwt as jose

def issue(user):
    return jwt.encode({"sub": user.id}, None, algorithm="none")  # flagged

def admin_of(token):
    return jose.get_unverified_claims(token)["admin"]  # flagged
```
Bad: python-jose takes any algorithm if it is told none.
```python shop/auth.py
from authlib.jose import JsonWebToken
from jose import jwt

ALGORITHM = "HS256"

def user_of(token, key):
    return jwt.decode(token, key)["sub"]  # flagged

def issue(user, key):
    return jwt.encode({"sub": user.id}, key, algorithm=ALGORITHM)

tokens = JsonWebToken(["RS256", "none"])  # flagged
```
Good:
```python shop/auth.py
from authlib.jose import JsonWebToken
from jose import jwt

ALGORITHM = "HS256"

def user_of(token, key):
    return jwt.decode(token, key, algorithms=[ALGORITHM])["sub"]

def issue(user, key):
    return jwt.encode({"sub": user.id}, key, algorithm=ALGORITHM)

tokens = JsonWebToken(["RS256"])
```
Good: verified, and the header read first to find the right key.
```python shop/auth.py
import jwt

def user_of(token, keys):
    kid = jwt.get_unverified_header(token)["kid"]
    issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
    return jwt.decode(token, keys[issuer][kid], algorithms=["RS256"])["sub"]
```
Good: verified where the options are filled in elsewhere.
```python shop/auth.py
import jwt

def user_of(token, key, **options):
    return jwt.decode(token, key, **options)
```
Good: a test looks into its own token, and other things decode too.
```python tests/test_auth.py
import jwt

def test_subject(client):
    assert jwt.decode(client.token, options={"verify_signature": False})["sub"] == "1"
```
```python shop/text.py
def text(data, charset):
    return data.decode(charset)
```
Bad: the switch is a constant.
```python shop/auth.py
from jose import jwt

from shop.settings import KEY

VERIFY = False

def user_of(token):
    return jwt.decode(token, KEY, algorithms=["HS256"], options={"verify_signature": VERIFY})["sub"]  # flagged
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.jwt_calls import WORDS, JwtCall, jwt_call, pairs_of
from rules.kit import (
    Confidence,
    Fix,
    Flag,
    Here,
    Replace,
    Rule,
    Severity,
    argument,
    find,
    has_star_kwargs,
    keyword,
    replacing,
    string,
    with_keyword,
)

rule = Rule(
    __name__,
    __doc__,
    code="SEC125",
    severity=Severity.ERROR,
    checklist=("security.jwt",),
    fix="suggestion",
    cwe=347,
    peers=("semgrep:jwt-none-alg", "semgrep:unverified-jwt-decode"),
)

_CALLED = ("decode", "encode", "verify", "sign", "decode_complete", "get_unverified_claims")
_PEEKS = re.compile(r"unverified|peek|inspect|debug|without_verif|unsafe|expir|issuer|introspect")
_TRUSTED_CHANNEL = re.compile(r"fetch_token|token_endpoint|exchange_code|get_access_token|oauth")


@rule.on(cst.Call, calls=(*_CALLED, "JsonWebToken"), words=WORDS)
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test:
        return
    names = here.names(call.func)
    if names & {"jose.jwt.get_unverified_claims", "jose.jws.get_unverified_claims"}:
        if not _verifies_too(call, here):
            yield _unsigned(call, call.func, "`get_unverified_claims` believes", None, here)
    elif any(each.startswith("authlib.jose") and each.endswith(".JsonWebToken") for each in names):
        yield from _none_allowed(argument(call, 0, "algorithms"), here)
    else:
        found = jwt_call(call, here)
        if found is not None:
            yield from _writing(found, here) if found.writes else _reading(found, here)


def _writing(found: JwtCall, here: Here) -> Iterator[Flag]:
    if found.library == "authlib":
        return
    chosen = argument(found.call, 2, "algorithm")
    held = here.value_of(chosen) if chosen is not None else None
    is_none = (string(held) or "").lower() == "none" or (
        isinstance(held, cst.Name) and held.value == "None"
    )
    if chosen is not None and is_none:
        message = (
            "With the algorithm `none` the token bears no signature: whoever holds it can write "
            "another one. Sign it, as with `HS256`."
        )
        yield Flag(chosen, message)


def _reading(found: JwtCall, here: Here) -> Iterator[Flag]:
    call = found.call
    off = _switched_off(call, here)
    if off is not None:
        if not _verifies_too(call, here):
            written = isinstance(off, cst.Name) and off.value == "False"
            fix = replacing(off, "True") if written and _is_complete(found) else None
            inside = any(each is off for each in find(call, cst.Name))
            yield _unsigned(call, off if inside else call.func, "This believes", fix, here)
        return
    if found.library == "authlib":
        return
    allowed = argument(call, 2, "algorithms")
    if allowed is not None and _comes_from_token(allowed, here):
        message = (
            "The token itself names the algorithm that it is verified with, and picks the way that "
            "suits its author. Name those that you sign with."
        )
        yield Flag(allowed, message)
    elif allowed is not None:
        yield from _none_allowed(allowed, here)
    elif not has_star_kwargs(call) and not any(each.star for each in call.args):
        yield from _without_algorithms(found, here)


def _comes_from_token(allowed: cst.BaseExpression, here: Here) -> bool:
    parts = [allowed, *(here.value_of(each) for each in find(allowed, cst.Name))]
    return any(
        name.endswith(".get_unverified_header")
        for part in parts
        for each in find(part, cst.Call)
        for name in here.names(each.func)
    )


def _is_complete(found: JwtCall) -> bool:
    return found.key is not None and argument(found.call, 2, "algorithms") is not None


def _switched_off(call: cst.Call, here: Here) -> cst.BaseExpression | None:
    """The `False` that takes the check away."""
    plain = keyword(call, "verify")
    if plain is not None and _is_false(plain, here):
        return plain
    options = keyword(call, "options") or argument(call, 3, "options")
    pairs = pairs_of(options, here) if options is not None else None
    value = (pairs or {}).get("verify_signature")
    return value if value is not None and _is_false(value, here) else None


def _is_false(node: cst.BaseExpression, here: Here) -> bool:
    held = here.value_of(node)
    return isinstance(held, cst.Name) and held.value == "False"


def _verifies_too(call: cst.Call, here: Here) -> bool:
    """Whether the same function, or one beside it, verifies the token after a look into it."""
    function = here.function(call)
    for each in find(function, cst.Call) if function is not None else ():
        if each is call:
            continue
        found = jwt_call(each, here)
        if found is not None and not found.writes and _switched_off(each, here) is None:
            return True
        if re.search(
            r"(verif|validat|check)\w{0,40}(token|jwt|signature|claims)", here.source(each.func)
        ):
            return True
    return False


def _unsigned(call: cst.Call, where: cst.CSTNode, said: str, fix: Fix | None, here: Here) -> Flag:
    message = (
        f"{said} a token without its signature: whoever writes one can be any user. Verify it "
        "with your key, and name the algorithms."
    )
    function = here.function(call)
    text = here.source(function) if function is not None else ""
    name = function.name.value if function is not None else ""
    # `unverified = decode(...)`: the author knows, and names it so for those who read on.
    statement = here.around(call, cst.SimpleStatementLine)
    said_so = statement is not None and re.search(
        r"(?<!get_)unverified_\w|untrusted", here.source(statement)
    )
    is_peek = bool(said_so or _PEEKS.search(name.lower()) or _TRUSTED_CHANNEL.search(text))
    weak = is_peek or here.is_script
    return Flag(where, message, fix=fix, confidence=Confidence.HOTSPOT if weak else None)


def _none_allowed(allowed: cst.BaseExpression | None, here: Here) -> Iterator[Flag]:
    held = here.value_of(allowed) if allowed is not None else None
    if not isinstance(held, cst.List | cst.Tuple | cst.Set):
        return
    for each in held.elements:
        if (string(here.value_of(each.value)) or "").lower() == "none":
            message = (
                "`none` among the algorithms accepts tokens without a signature, which anybody "
                "can write. Take it out."
            )
            yield Flag(each.value, message, fix=_without(held, each))


def _without(held: cst.List | cst.Tuple | cst.Set, dropped: cst.BaseElement) -> Fix | None:
    kept = [each for each in held.elements if each is not dropped]
    if not kept or not isinstance(held, cst.List):
        return None
    kept[-1] = kept[-1].with_changes(comma=held.elements[-1].comma)
    return Fix((Replace(held, held.with_changes(elements=kept)),))


def _without_algorithms(found: JwtCall, here: Here) -> Iterator[Flag]:
    if found.key is None:
        return
    message = (
        "Without a list of `algorithms` the token itself says how it is verified, and picks the "
        "way that suits its author. Name those that you sign with."
    )
    known = _algorithm_of_file(here)
    fix = Fix((Replace(found.call, with_keyword(found.call, "algorithms", f"[{known}]")),))
    yield Flag(found.call.func, message, fix=fix if known else None)


def _algorithm_of_file(here: Here) -> str:
    """What the file itself signs with."""
    for each in find(here.module, cst.Call) if here.module is not None else ():
        found = jwt_call(each, here)
        if found is not None and found.writes:
            chosen = argument(each, 2, "algorithm")
            if isinstance(chosen, cst.SimpleString | cst.Attribute):
                return here.source(chosen)
            if isinstance(chosen, cst.Name) and here.scopes.at_top(chosen.value):
                return chosen.value
    return ""
