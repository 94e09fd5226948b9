"""A password is kept in a form that gives it away.

MD5, SHA-1 and SHA-256 are made to be fast: whoever gets the table of users tries billions of
passwords a second, salted or not. Passwords compared in clear need not even be guessed. Use a
hash that is slow on purpose: Argon2, bcrypt, scrypt or PBKDF2, as every framework brings one.

Bad:
```python shop/accounts.py
import hashlib

def register(name, password):
    digest = hashlib.sha256(password.encode()).hexdigest()  # flagged
    return User(name=name, password=digest)
```
Good:
```python shop/accounts.py
from argon2 import PasswordHasher

def register(name, password):
    return User(name=name, password=PasswordHasher().hash(password))
```
Bad:
```python shop/views.py
from flask import request
from werkzeug.security import generate_password_hash

def login():
    user = User.query.filter_by(name=request.form["name"]).first()
    if user and user.password == request.form["password"]:  # flagged
        return welcome(user)

def change(user):
    user.hash = generate_password_hash(request.form["password"], method="sha256")  # flagged
```
Bad:
```python shop/api.py
from passlib.context import CryptContext

passwords = CryptContext(schemes=["md5_crypt"])  # flagged
```
Good: hashes that are made for passwords.
```python shop/accounts.py
import bcrypt
import hashlib
from django.contrib.auth.hashers import check_password, make_password
from passlib.context import CryptContext

passwords = CryptContext(schemes=["argon2", "md5_crypt"], deprecated="auto")

def stored(password, salt):
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 600_000)

def long(password):
    # bcrypt reads 72 bytes only
    return bcrypt.hashpw(hashlib.sha256(password.encode()).digest(), bcrypt.gensalt())

def change(user, password):
    user.password = make_password(password)
```
Good: both were typed just now.
```python shop/forms.py
def clean(self):
    if self.data["password"] != self.data["password_again"]:
        raise ValidationError("The passwords differ")
```
Good: a service is asked whether the password has leaked, by a part of its hash.
```python shop/breaches.py
import hashlib

def is_breached(password):
    digest = hashlib.sha1(password.encode()).hexdigest().upper()
    return digest[5:] in ask("https://api.pwnedpasswords.com/range/" + digest[:5])
```
Good: other secrets that are random are hashed fast.
```python shop/tokens.py
import hashlib

def stored(token):
    return hashlib.sha256(token.encode()).hexdigest()
```
Bad: a slow hash that is told to be quick.
```python shop/security.py
import hashlib

def keep(password, salt):
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1000)  # flagged
```
Good:
```python shop/security.py
import hashlib

ROUNDS = 600_000

def keep(password, salt):
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)

def key_of(session_key, salt):
    return hashlib.pbkdf2_hmac("sha256", session_key, salt, 1)
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.purposes import Purposes, short_name, words_in
from rules.kit import (
    Confidence,
    Flag,
    Here,
    Rule,
    Severity,
    argument,
    dotted,
    find,
    string,
)

rule = Rule(
    __name__,
    __doc__,
    code="SEC116",
    severity=Severity.ERROR,
    checklist=("security.password-hashing",),
    cwe=328,
    peers=("semgrep:md5-used-as-password",),
)

_FAST = (
    "md4", "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "sha3_512",
    "blake2b", "blake2s",
)  # fmt: skip
_FAST_NAMES = frozenset(f"hashlib.{each}" for each in _FAST)
_MODULES = re.compile(r"^Crypto(dome)?\.Hash\.(MD[245]|SHA\d*|SHA3_\d+)\.new$")
_ALGORITHM = re.compile(r"^(md\d|sha[-\d_]*|blake2[bs])$", re.IGNORECASE)
_PASSWORD = frozenset({"password", "passwd", "passphrase", "passcode", "pwd", "pass_word"})
_SLOW = re.compile(
    r"bcrypt|scrypt|argon2|pbkdf2|make_password|\.set_password\(|generate_password_hash|hashpw|PasswordHasher"
    r"|pwned|hibp|breach|haveibeen|realm|\bha1\b|digest_?auth|mysql_native|challenge|fernet",
    re.IGNORECASE,
)
_HARMLESS = frozenset({"cache", "etag", "fingerprint", "checksum", "file", "url", "reset", "hint"})
_NOT_KEPT = frozenset({"reset", "token", "url", "link", "key", "hint", "changed", "salt", "id"})
_KEEPS = frozenset(
    {"hash", "hashed", "set", "verify", "check", "encrypt", "encode", "make", "crypt"}
)
_PASSLIB = frozenset(
    {"md5_crypt", "hex_md5", "hex_sha1", "hex_sha256", "hex_sha512", "plaintext", "des_crypt"}
    | {"ldap_md5", "ldap_sha1", "ldap_salted_md5", "ldap_salted_sha1", "ldap_plaintext", "lmhash"}
    | {"nthash", "mysql323", "mysql41", "unix_disabled_plaintext", "apr_md5_crypt", "bsdi_crypt"}
)  # fmt: skip
_DJANGO_WEAK = frozenset({"md5", "unsalted_md5", "sha1", "unsalted_sha1", "crypt"})
_CURE = "Use Argon2, bcrypt, scrypt or PBKDF2."


@rule.on(cst.Call, calls=(*_FAST, "new"), words=("hashlib", "Crypto", "Cryptodome"))
def hashed(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_migration:
        return
    shown = _fast_algorithm(call, here)
    if not shown or _is_safe_use(call, here):
        return
    received = here.kept(Purposes).of(call)
    if _guards_password(call, received, here) and not received & _HARMLESS:
        message = (
            f"`{shown}` is too fast for a password: from a stolen table it is guessed at billions "
            f"of tries a second. {_CURE}"
        )
        yield Flag(call.func, message)


def _guards_password(call: cst.Call, received: frozenset[str], here: Here) -> bool:
    """Whether names say so: of what is hashed, of what keeps the hash, or of the function."""
    if _given_words(call, here) & _PASSWORD:
        return True
    if received & _PASSWORD and not received & _NOT_KEPT:
        return True
    owners = here.kept(Purposes).owner(call)
    return bool(owners & _PASSWORD and owners & _KEEPS) and not owners & _NOT_KEPT


def _fast_algorithm(call: cst.Call, here: Here) -> str:
    names = here.names(call.func)
    if names & _FAST_NAMES or any(_MODULES.match(each) for each in names):
        return dotted(call.func)
    if "hashlib.new" in names:
        given = argument(call, 0, "name")
        held = string(here.value_of(given)) if given is not None else None
        return held if held is not None and _ALGORITHM.match(held) else ""
    return ""


def _is_safe_use(call: cst.Call, here: Here) -> bool:
    """Whether a slow hash follows, or a protocol asks for this one."""
    function = here.function(call)
    return function is not None and bool(_SLOW.search(here.source(function)))


def _given_words(call: cst.Call, here: Here) -> frozenset[str]:
    """The words of what is hashed: the arguments, and what `update` adds later."""
    found = _plain_words(call, here)
    match here.parent(call):
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
            around = here.function(call) or here.module
        case _:
            return found
    for each in find(around, cst.Call) if around is not None else ():
        match each.func:
            case cst.Attribute(value=cst.Name(value=owner), attr=cst.Name(value="update")):
                found |= _plain_words(each, here) if owner == name else frozenset()
            case _:
                pass
    return found


def _plain_words(call: cst.Call, here: Here) -> frozenset[str]:
    """Of `form.password.encode()` the last names, so that a `password_reset_url` is none."""
    found: set[str] = set()
    for arg in call.args:
        if arg.keyword is not None and arg.keyword.value == "usedforsecurity":
            continue
        found |= _ends(arg.value)
        for name in find(arg.value, cst.Name):
            held = here.value_of(name)
            if held is not name and isinstance(held, cst.Attribute | cst.Subscript | cst.Call):
                found |= _ends(held)
    return frozenset(found)


def _ends(node: cst.CSTNode) -> set[str]:
    found: set[str] = set()
    for each in find(node, cst.Name, cst.SimpleString):
        text = each.value if isinstance(each, cst.Name) else string(each) or ""
        last = re.split(r"[^A-Za-z]+", text.strip("_"))[-1].lower() if len(text) < 40 else ""
        found |= {last} if last in _PASSWORD else set()
    return found


_FEWEST_ROUNDS = 100_000


@rule.on(cst.Call, calls=("pbkdf2_hmac", "PBKDF2HMAC"))
def derived(call: cst.Call, here: Here) -> Iterator[Flag]:
    """PBKDF2 is as slow as it is told to be."""
    if here.is_test or here.is_migration:
        return
    names = here.names(call.func)
    if not any(each.endswith((".pbkdf2_hmac", ".PBKDF2HMAC")) for each in names):
        return
    given = argument(call, 3, "iterations")
    held = here.value_of(given) if given is not None else None
    if given is None or not isinstance(held, cst.Integer):
        return
    rounds = held.evaluated_value
    around = here.function(call)
    if rounds < _FEWEST_ROUNDS and around is not None and _ends(around) & _PASSWORD:
        message = (
            f"{rounds:,} rounds of PBKDF2 are tried in no time: a stolen table is guessed through. "
            "Use at least 600,000 with SHA-256, or Argon2."
        )
        yield Flag(given, message)


@rule.on(
    cst.Call, calls=("generate_password_hash", "make_password", "CryptContext", "hash", "encrypt")
)
def configured(call: cst.Call, here: Here) -> Iterator[Flag]:
    """Helpers of frameworks that can be told to take a weak hash."""
    if here.is_test:
        return
    names = here.names(call.func)
    chosen = _chosen(call, names, here)
    if chosen is not None:
        node, shown = chosen
        yield Flag(
            node, f"`{shown}` is no hash for passwords: it is too fast to resist guessing. {_CURE}"
        )


def _chosen(
    call: cst.Call, names: frozenset[str], here: Here
) -> tuple[cst.BaseExpression, str] | None:
    if "werkzeug.security.generate_password_hash" in names:
        method = argument(call, 1, "method")
        text = string(here.value_of(method)) if method is not None else None
        if method is not None and text is not None and not text.startswith(("pbkdf2", "scrypt")):
            return method, text
    elif "django.contrib.auth.hashers.make_password" in names:
        method = argument(call, 2, "hasher")
        text = string(here.value_of(method)) if method is not None else None
        if method is not None and text in _DJANGO_WEAK:
            return method, text or ""
    elif "passlib.context.CryptContext" in names:
        schemes = argument(call, 0, "schemes")
        held = here.value_of(schemes) if schemes is not None else None
        first = (
            held.elements[0].value
            if isinstance(held, cst.List | cst.Tuple) and held.elements
            else None
        )
        text = string(first)
        if first is not None and text in _PASSLIB:
            return first, text or ""
    else:
        for each in names:
            if each.startswith("passlib.hash.") and each.split(".")[2] in _PASSLIB:
                return call.func, each.split(".")[2]
    return None


_OWNERS = re.compile(
    r"user|account|member|customer|admin|employee|student|person|profile|\bu\b|row|record",
    re.IGNORECASE,
)
_TYPED = re.compile(
    r"form|data|request|args|json|body|payload|params|serializer|input|credentials|schema|login",
    re.IGNORECASE,
)


@rule.on(cst.Comparison, words=("password", "passwd"))
def compared(comparison: cst.Comparison, here: Here) -> Iterator[Flag]:
    """`user.password == password`: what is kept is what was typed."""
    if here.is_test or len(comparison.comparisons) != 1:
        return
    target = comparison.comparisons[0]
    if not isinstance(target.operator, cst.Equal | cst.NotEqual):
        return
    for kept, typed in ((comparison.left, target.comparator), (target.comparator, comparison.left)):
        if _is_kept(kept, here) and _is_typed(typed, here):
            message = (
                f"`{here.source(kept)}` is compared with the password as it was typed, so it is "
                f"kept in clear: one look into the table gives away all. {_CURE}"
            )
            sure = not _is_maybe_hashed(typed, comparison, here)
            yield Flag(comparison, message, confidence=None if sure else Confidence.HOTSPOT)
            return


_LOOKS_UP = frozenset({"filter_by", "filter", "get", "find_one", "get_or_404", "get_object_or_404"})


@rule.on(cst.Arg, words=("password", "passwd"))
def looked_up(arg: cst.Arg, here: Here) -> Iterator[Flag]:
    """`User.objects.get(name=name, password=password)`: the table is asked for the plain text."""
    if arg.keyword is None or arg.keyword.value not in ("password", "passwd") or here.is_test:
        return
    call = here.parent(arg)
    if not isinstance(call, cst.Call) or short_name(call) not in _LOOKS_UP:
        return
    if not re.search(
        r"objects|query|session|collection|get_object_or_404|\bdb\b", here.source(call.func)
    ):
        return
    if _is_typed(arg.value, here) and not _is_maybe_hashed(arg.value, arg, here):
        message = (
            f"The table is asked for `{here.source(arg.value)[:80]}` as it was typed, so it keeps "
            f"passwords in clear: one look into it gives away all. {_CURE}"
        )
        yield Flag(arg, message)


def _is_kept(node: cst.BaseExpression, here: Here) -> bool:
    match node:
        case cst.Attribute(value=owner, attr=cst.Name(value="password" | "passwd")):
            named = short_name(owner)
        case cst.Subscript(value=owner, slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            if string(key) not in ("password", "passwd"):
                return False
            named = short_name(owner)
        case _:
            return False
    made = " ".join(here.names(owner))
    if named == "self":
        around = here.around(node, cst.ClassDef)
        named = around.name.value if around is not None else ""
    return bool(_OWNERS.search(named)) and not _TYPED.search(f"{named} {made}")


def _is_typed(node: cst.BaseExpression, here: Here) -> bool:
    """A plain password: a name, an attribute of a form, an element of a request."""
    match node:
        case cst.Name(value=name):
            return name in ("password", "passwd", "pwd", "raw_password", "plain_password")
        case cst.Attribute(
            value=cst.Attribute(attr=cst.Name(value=name)), attr=cst.Name(value="data")
        ):
            return name in ("password", "passwd")
        case cst.Attribute(attr=cst.Name(value="password" | "passwd")):
            return bool(_TYPED.search(here.source(node)))
        case cst.Subscript() | cst.Call():
            return (
                bool(words_in(node) & {"password", "passwd"})
                and bool(_TYPED.search(here.source(node)))
                and not _SLOW.search(here.source(node))
                and "hash" not in here.source(node).lower()
            )
    return False


def _is_maybe_hashed(typed: cst.BaseExpression, at: cst.CSTNode, here: Here) -> bool:
    """Whether the variable was given a hash before."""
    if not isinstance(typed, cst.Name):
        return False
    values = [each.node for each in here.bindings(typed) if isinstance(each.node, cst.Call)]
    made = " ".join(here.source(each) for each in values)
    return bool(re.search(r"hash|crypt|digest|encode", made, re.IGNORECASE)) and at is not typed
