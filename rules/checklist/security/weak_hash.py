"""MD5 or SHA-1 protects something that has to be protected.

Two inputs with the same MD5 or SHA-1 can be made on a laptop, and short secrets are guessed
from their hash at billions a second. For signatures, tokens and secrets take SHA-256 or an
HMAC. Where the hash protects nothing, as in a cache key or a checksum, say so with
`usedforsecurity=False`; that also lets the code run where only approved algorithms exist.

Bad:
```python shop/links.py
import hashlib

from django.conf import settings

def sign(link):
    signature = hashlib.sha1((link + settings.SECRET_KEY).encode()).hexdigest()  # flagged
    return f"{link}?signature={signature}"
```
Good:
```python shop/links.py
import hashlib

from django.conf import settings

def sign(link):
    signature = hashlib.sha256((link + settings.SECRET_KEY).encode()).hexdigest()
    return f"{link}?signature={signature}"
```
Bad:
```python shop/api.py
import hashlib

from flask import request

@app.post("/reset")
def reset():
    digest = hashlib.new("md5")  # flagged
    digest.update(request.form["answer"].encode())
    return mail_reset_token(request.form["email"], digest.hexdigest())
```
Good:
```python shop/api.py
import hashlib

from flask import request

@app.post("/reset")
def reset():
    digest = hashlib.new("sha256")
    digest.update(request.form["answer"].encode())
    return mail_reset_token(request.form["email"], digest.hexdigest())
```
Bad:
```python shop/keys.py
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

def signed(private_key, order):
    return private_key.sign(order, padding.PKCS1v15(), hashes.SHA1())  # flagged
```
Good:
```python shop/keys.py
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

def signed(private_key, order):
    return private_key.sign(order, padding.PKCS1v15(), hashes.SHA256())
```
Good: the code says that nothing depends on it.
```python shop/cache.py
import hashlib

def token_of(session):
    return hashlib.md5(session.encode(), usedforsecurity=False).hexdigest()
```
Good: cache keys, entity tags, checksums and pictures by address protect nothing.
```python shop/files.py
import hashlib

def cache_key(user, path):
    return "page:" + hashlib.md5(f"{user.token}{path}".encode()).hexdigest()

def etag(body):
    return hashlib.sha1(body).hexdigest()

class Upload:
    def save(self, content):
        self.checksum = hashlib.md5(content).hexdigest()

def avatar(email):
    return "https://www.gravatar.com/avatar/" + hashlib.md5(email.encode()).hexdigest()
```
Good: an HMAC with SHA-1 is not broken, and some partners know no other.
```python shop/hooks.py
import hashlib
import hmac

def signature(body, key):
    return hmac.new(key, body, hashlib.sha1).hexdigest()
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.purposes import Purposes, as_written, words_in
from rules.facts.routes import is_request_data, view_of
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
    string,
    with_keyword,
)

rule = Rule(
    __name__,
    __doc__,
    code="SEC117",
    severity=Severity.WARNING,
    checklist=("security.cryptography",),
    fix="suggestion",
    cwe=328,
    peers=("ruff:S324", "bandit:B324"),
    defers=False,
    yields_to=("SEC116",),
)

_HASHLIB = frozenset({"hashlib.md5", "hashlib.sha1", "hashlib.md4"})
_MODULES = frozenset(
    f"{home}.Hash.{name}.new" for home in ("Crypto", "Cryptodome") for name in
    ("MD2", "MD4", "MD5", "SHA", "SHA1")
)  # fmt: skip
_CLASSES = frozenset(f"cryptography.hazmat.primitives.hashes.{name}" for name in ("MD5", "SHA1"))
_WEAK = re.compile(r"^(md[245]|sha-?1)$", re.IGNORECASE)
_GUARDS = frozenset(
    {"password", "passwd", "passphrase", "secret", "token", "signature", "sign", "signed", "signing"}
    | {"auth", "authenticate", "authentication", "authorization", "credential", "csrf", "nonce"}
    | {"otp", "pin", "salt", "login", "activation", "verification", "sensitive", "hmac", "mac"}
    | {"ssn", "cvv", "privatekey", "apikey", "sessionid"}
)  # fmt: skip
_HARMLESS = frozenset(
    {"cache", "cached", "etag", "checksum", "fingerprint", "dedup", "dedupe", "deduplicate"}
    | {"gravatar", "avatar", "identicon", "color", "colour", "bucket", "shard", "partition"}
    | {"filename", "thumbnail", "slug", "uuid", "lock", "md5sum", "sha1sum", "content_md5"}
    | {"blob", "chunk", "file", "static", "asset", "version", "revision", "memoize", "unique"}
    | {"index", "constraint", "lookup", "seed", "sampling", "sample", "variant", "experiment"}
    | {"contenthash", "filehash", "bodyhash", "imagehash", "hashring", "etags"}
    | {"git", "commit", "torrent", "deterministic", "throttle", "ratelimit", "idempotency"}
)  # fmt: skip


@rule.on(
    cst.Call,
    calls=("md5", "md4", "sha1", "new", "MD5", "SHA1"),
    words=("hashlib", "Crypto", "Cryptodome", "cryptography"),
)
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_migration:
        return
    algorithm = _weak_algorithm(call, here)
    if algorithm is None or _is_disclaimed(call, here):
        return
    guards, is_followed = _purpose(call, here)
    if guards is None:
        return
    shown = here.source(algorithm).strip("\"'")[:40]
    message = (
        f"`{shown}` guards `{as_written(guards)}` here, and can be forged or guessed; take SHA-256 or an HMAC."
        if guards
        else f"`{shown}` is broken as a protection. Take SHA-256, or say "
        "`usedforsecurity=False` if nothing depends on it."
    )
    fix = _stronger(algorithm) if is_followed else _disclaimed(call, here)
    confidence = None if is_followed else Confidence.HOTSPOT
    yield Flag(call.func, message, fix=fix, confidence=confidence)


def _weak_algorithm(call: cst.Call, here: Here) -> cst.BaseExpression | None:
    """The part of the call that chooses the algorithm, if it is a weak one."""
    names = here.names(call.func)
    if names & (_HASHLIB | _CLASSES | _MODULES):
        return call.func
    if "hashlib.new" in names:
        given = argument(call, 0, "name")
        held = string(_element(given, here)) if given is not None else None
        return given if held is not None and _WEAK.match(held) else None
    return None


def _element(node: cst.BaseExpression, here: Here) -> cst.CSTNode:
    """A constant, also one that is looked up in a dict which stands there as a whole."""
    held = here.value_of(node)
    match held:
        case cst.Subscript(value=owner, slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            table, wanted = here.value_of(owner), string(here.value_of(key))
        case _:
            return held
    for each in table.elements if isinstance(table, cst.Dict) else ():
        if isinstance(each, cst.DictElement) and wanted and string(each.key) == wanted:
            return here.value_of(each.value)
    return held


def _is_disclaimed(call: cst.Call, here: Here) -> bool:
    said = keyword(call, "usedforsecurity")
    if said is not None:
        held = here.value_of(said)
        return isinstance(held, cst.Name) and held.value == "False"
    if has_star_kwargs(call):
        return True
    # Signatures and key derivation with an algorithm of a protocol: HMAC, OAEP, TOTP.
    around = here.around(call, cst.Call)
    outer = here.names(around.func) if around is not None else frozenset()
    return any(each.rpartition(".")[2] in _SOUND for each in outer)


_SOUND = frozenset({"HMAC", "OAEP", "MGF1", "TOTP", "HOTP", "PBKDF2HMAC", "HKDF", "uuid5"})


def _purpose(call: cst.Call, here: Here) -> tuple[str | None, bool]:
    """What the hash guards and whether that is sure; None where names say that it guards nothing."""
    purposes = here.kept(Purposes)
    received = purposes.of(call)
    given = words_in(call) | _updated(call, here)
    owners = purposes.owner(call)
    if received & _HARMLESS or owners & _HARMLESS or given & {"gravatar"}:
        return None, False
    for words in (received, given, owners):
        guards = sorted(words & _GUARDS)
        if guards:
            return guards[0], True
    if here.names(call.func) & _CLASSES and "sign" in received:
        return "sign", True
    if given & _HARMLESS:
        return None, False
    return "", _answers_a_request(call, here) or bool(_function_words(call, here) & _TELLING)


_TELLING = frozenset({"password", "sensitive", "secret", "credential"})


def _function_words(call: cst.Call, here: Here) -> frozenset[str]:
    function = here.function(call)
    return words_in(function.body) if function is not None else frozenset()


def _updated(call: cst.Call, here: Here) -> frozenset[str]:
    """The words of what goes into the hash later: `digest.update(password)`."""
    match here.parent(call):
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
            around = here.function(call) or here.module
        case _:
            return frozenset()
    found: set[str] = set()
    for each in find(around, cst.Call) if around is not None else ():
        match each.func:
            case cst.Attribute(value=cst.Name(value=owner), attr=cst.Name(value="update")):
                if owner == name:
                    found |= frozenset().union(*(words_in(arg.value) for arg in each.args))
            case _:
                pass
    return frozenset(found)


def _answers_a_request(call: cst.Call, here: Here) -> bool:
    """Whether the hash is made while a request is answered, so that a caller has a say in it."""
    function = here.function(call)
    if function is None:
        return False
    if view_of(function, here) is not None:
        return True
    return any(
        is_request_data(each, here)
        for each in find(function.body, cst.Attribute, cst.Call, cst.Subscript)
    )


def _stronger(algorithm: cst.BaseExpression) -> Fix | None:
    match algorithm:
        case cst.Attribute(attr=cst.Name(value="md5" | "sha1" | "md4") as name):
            return Fix((Replace(name, "sha256"),))
        case cst.Attribute(attr=cst.Name(value="MD5" | "SHA1") as name):
            return Fix((Replace(name, "SHA256"),))
        case cst.SimpleString(quote=quote):
            return Fix((Replace(algorithm, f"{quote}sha256{quote}"),))
        case _:
            return None


def _disclaimed(call: cst.Call, here: Here) -> Fix | None:
    if not here.names(call.func) & (_HASHLIB | {"hashlib.new"}):
        return None
    return Fix((Replace(call, with_keyword(call, "usedforsecurity", "False")),))
