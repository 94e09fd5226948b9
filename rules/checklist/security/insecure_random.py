"""A secret is made with random numbers that can be predicted.

The module `random` is made for simulations. Whoever has seen some of its numbers, or guesses
when the process started, computes the next ones: the next reset token, the session of the
next visitor. `secrets` takes its numbers from the operating system and is as easy to use.

Bad:
```python shop/accounts.py
import random
import string

def reset_token():
    return "".join(random.choice(string.ascii_letters) for _ in range(32))  # flagged
```
Good:
```python shop/accounts.py
import random
import secrets
import string

def reset_token():
    return "".join(secrets.choice(string.ascii_letters) for _ in range(32))
```
Bad:
```python shop/api.py
import random

from fastapi import FastAPI

app = FastAPI()

@app.post("/login")
def login(phone: str):
    otp = random.randint(100000, 999999)  # flagged
    send_text(phone, f"Your code is {otp}")
```
Good:
```python shop/api.py
import random
import secrets

from fastapi import FastAPI

app = FastAPI()

@app.post("/login")
def login(phone: str):
    otp = secrets.SystemRandom().randint(100000, 999999)
    send_text(phone, f"Your code is {otp}")
```
Bad:
```python shop/views.py
from random import getrandbits

def remember(response):
    value = str(getrandbits(64))  # flagged
    response.set_cookie("remember_me", value, secure=True, httponly=True)
```
Good: from the operating system.
```python shop/accounts.py
import random
import secrets

def token():
    return secrets.token_urlsafe(32)

def pin():
    return random.SystemRandom().randint(0, 9999)
```
Good: nobody gains from guessing these.
```python shop/tasks.py
import random

def retry_delay(attempt):
    return 2**attempt + random.random()

def offer(books):
    return random.sample(books, 3)

def shade():
    color_code = random.choice(["#fff", "#eee"])
    return color_code
```
Good: which one is taken is no secret, even where each of them is.
```python shop/mail.py
import random

def client(tokens):
    token = random.choice(tokens)
    return Client(token)
```
Good: a test may guess.
```python tests/test_accounts.py
import random

def test_wrong_token(client):
    token = random.randint(0, 10**9)
    assert client.get(f"/reset/{token}").status_code == 404
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.purposes import Purposes, as_written, words_in
from rules.kit import (
    AddImport,
    Confidence,
    Fix,
    Flag,
    Here,
    Replace,
    Rule,
    Severity,
    string,
)

rule = Rule(
    __name__,
    __doc__,
    code="SEC119",
    severity=Severity.ERROR,
    checklist=("security.cryptography",),
    fix="suggestion",
    cwe=330,
    peers=("ruff:S311", "bandit:B311"),
    defers=False,
)

_PICKS = ("choice", "choices", "sample", "shuffle")
_NUMBERS = (
    "random", "randint", "randrange", "getrandbits", "randbytes", "uniform", "normalvariate",
    "gauss", "triangular", "betavariate", "expovariate", "lognormvariate", "rand", "bytes",
    "integers",
)  # fmt: skip
_HOMES = re.compile(r"^(random|random\.Random|numpy\.random(\.default_rng|\.RandomState)?)\.\w+$")
_SURE = frozenset(
    {"password", "passwd", "pwd", "passphrase", "passcode", "token", "secret", "otp", "totp"}
    | {"csrf", "nonce", "salt", "apikey", "sessionid", "sessionkey", "captcha", "cookie", "cookies"}
    | {"credential", "pin", "sid"}
)  # fmt: skip
_LIKELY = frozenset({"code", "key"})
_OF_KEYS = frozenset(
    {"api", "secret", "private", "encryption", "signing", "access", "session", "license", "auth"}
    | {"verification", "verify", "confirm", "confirmation", "reset", "login", "activation", "sms"}
    | {"invite", "invitation", "recovery", "backup", "security", "otp", "mfa", "2fa", "email"}
)  # fmt: skip
_PLAIN_CODES = frozenset(
    {"color", "colour", "status", "country", "error", "language", "lang", "zip", "postal", "exit"}
    | {"product", "bar", "qr", "source", "response", "currency", "airport", "area", "op", "char"}
)  # fmt: skip
_HARMLESS = frozenset(
    {"jitter", "delay", "sleep", "backoff", "retry", "color", "colour", "sampling", "sampled"}
    | {"mock", "fake", "faker", "dummy", "example", "demo", "placeholder", "simulate", "tokenizer"}
    | {"tokens_count", "shard", "probability", "percentage", "weight", "noise", "ttl", "timeout"}
    | {"cache", "expires", "expiry", "lifetime", "age", "seed", "wait"}
)  # fmt: skip
_ALPHABET = re.compile(
    r"ascii|digits|letters|alphabet|charset|chars|characters|hexdigits|punctuation|alnum|ALPHA"
)


@rule.on(cst.Call, calls=(*_NUMBERS, *_PICKS), words=("random",))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test:
        return
    if not any(_HOMES.match(each) for each in here.names(call.func)):
        return
    purposes = here.kept(Purposes)
    received, owners = purposes.of(call), purposes.owner(call)
    if received & _HARMLESS or owners & {"test", "mock", "fake", "faker", "dummy", "demo"}:
        return
    secret, is_sure = _secret(received, owners, call, here)
    if not secret:
        return
    message = (
        f"`{here.source(call.func)}` can be predicted from earlier numbers, and makes what is "
        f"named `{as_written(secret)}` here: whoever computes it is let in. Use the module `secrets`."
    )
    confidence = None if is_sure and not here.is_script else Confidence.HOTSPOT
    yield Flag(call.func, message, fix=_safe_source(call, here), confidence=confidence)


def _secret(
    received: frozenset[str], owners: frozenset[str], call: cst.Call, here: Here
) -> tuple[str, bool]:
    """What the number is for, if that is to be secret, and whether that is sure."""
    if _picks_from_others(call, here):
        return "", False
    for words in (received, owners):
        sure = sorted(words & _SURE)
        if sure and not words & {
            "bucket",
            "count",
            "limit",
            "length",
            "size",
            "budget",
            "max",
            "min",
            "total",
        }:
            return sure[0], words is received or _is_made_of_signs(call, here)
        likely = sorted(words & _LIKELY)
        if likely and words & _OF_KEYS:
            return likely[0], True
        if likely and words is received and _is_made_of_signs(call, here):
            return likely[0], likely[0] == "code" and not words & _PLAIN_CODES
    return "", False


def _picks_from_others(call: cst.Call, here: Here) -> bool:
    """Whether the call chooses among things, not among signs."""
    name = here.name(call.func).rpartition(".")[2]
    return name in _PICKS and not _is_made_of_signs(call, here)


def _is_made_of_signs(call: cst.Call, here: Here) -> bool:
    """Whether letters or digits are drawn, as for a token; numbers are signs always."""
    if here.name(call.func).rpartition(".")[2] not in _PICKS or not call.args:
        return True
    pool = here.value_of(call.args[0].value)
    text = string(pool)
    if text is not None:
        return len(text) >= 8
    is_range = isinstance(pool, cst.Call) and here.name(pool.func) == "builtins.range"
    return (
        is_range
        or bool(_ALPHABET.search(here.source(call.args[0].value)))
        or bool(words_in(pool) & {"ascii", "digit", "letter", "hexdigit"})
    )


_IN_SECRETS = frozenset({"choice", "randbits"})


def _safe_source(call: cst.Call, here: Here) -> Fix | None:
    """`secrets.choice` for `random.choice`; the rest as methods of `secrets.SystemRandom()`."""
    names = here.names(call.func)
    method = here.name(call.func).rpartition(".")[2]
    if not any(each.startswith("random.") for each in names) or not isinstance(
        call.func, cst.Attribute | cst.Name
    ):
        return None
    home = "secrets" if method in _IN_SECRETS else "secrets.SystemRandom()"
    return Fix((Replace(call.func, f"{home}.{method}"), AddImport("secrets")))
