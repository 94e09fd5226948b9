"""A password, key or token is written into the repository.

Whoever can read the repository, its forks, its build logs or a laptop that was lost can use
it, and it stays in the history after the line is gone. Revoke it, issue a new one, and read
that from the environment or a secret store. Stet never repeats the value it found.

Bad:
```python shop/payments.py
import stripe

WEBHOOK_SECRET = "q7Rv2mXw9LzT4bNcY8sKdP3h"  # flagged

def event(body, signature):
    return stripe.Webhook.construct_event(body, signature, WEBHOOK_SECRET)
```
Good:
```python shop/payments.py
import os

import stripe

WEBHOOK_SECRET = os.environ["STRIPE_WEBHOOK_SECRET"]

def event(body, signature):
    return stripe.Webhook.construct_event(body, signature, WEBHOOK_SECRET)
```
Bad:
```yaml deploy/values.yaml
mail:
  user: shop
  password: hG7pQz93LmVx2RtB  # flagged
```
Bad:
```text .env
SEARCH_API_KEY=4f9d1c7be02a48d3a6f5590b7c3e81d2  # flagged
SEARCH_HOST=search.internal
```
Bad:
```python shop/mail.py
from smtplib import SMTP

def connect():
    server = SMTP("mail.example.org")
    server.login(user="orders", password="Kestrel-47-plum")  # flagged
    return server
```
Bad:
```yaml docker/production.yml
services:
  db:
    environment:
      - POSTGRES_PASSWORD=kB2vX9qLm4Tz  # flagged
```
Good: placeholders, names of secrets, and words.
```python shop/settings.py
SECRET_KEY = "change-me-before-you-deploy-this-9f8e7d"
TOKEN_URL = "https://id.example.org/oauth2/token/9fJ2kQ81xZ"
API_KEY_HEADER = "X-Shop-Api-Key-V2"
PASSWORD_RESET_TOKEN = "password_reset_token_v2"
AUTH_TOKEN_BACKEND = "shop.auth.backends.TokenBackend2"
```
Good: hashes, public keys and identifiers are no secrets.
```python shop/payments.py
PASSWORD_HASH = "9b74c9897bac770ffc029102a200c5de71d6a4b8"
STRIPE_PUBLIC_KEY = "pk_prod_q7Rv2mXw9LzT4bNcY8sKdP3h"
ACCESS_KEY_ID = "q7Rv2mXw9LzT4bNcY8sKdP3h"
SESSION_TOKEN = "3b241101-e2bb-4255-8caf-4136c566a962"
```
Good: what a file takes from elsewhere.
```yaml deploy/values.yaml
password: ${MAIL_PASSWORD_9f8e7d6c5b4a}
api_key: "{{ lookup('env', 'SEARCH_API_KEY_2') }}"
token: !vault q7Rv2mXw9LzT4bNcY8sKdP3h
```
Good: a test needs some value.
```python tests/test_payments.py
WEBHOOK_SECRET = "q7Rv2mXw9LzT4bNcY8sKdP3h"
```
"""

import re
from collections.abc import Iterator

from rules.facts.credentials import (
    PRIVATE_KEY,
    Found,
    lines_that_name_a_secret,
    looks_chosen,
    looks_random,
    masked,
    names_a_password,
    names_a_secret,
    private_key_in,
    shapes_in,
    tokens_in,
)
from rules.kit import Confidence, Flag, Here, Rule, Severity, Span, TextFile

rule = Rule(
    __name__,
    __doc__,
    code="SEC120",
    severity=Severity.ERROR,
    checklist=("security.secrets-in-env", "deploy.secrets"),
    scope="file",
    cwe=798,
    peers=("ruff:S105", "ruff:S106", "ruff:S107", "bandit:B105", "bandit:B106", "bandit:B107"),
    files=("*",),
    defers=False,
    hides_match=True,
    yields_to=("SET102", "CLN109", "SEC127"),
)

_LONGEST_LINE = 2000
_SPARED = re.compile(
    r"(^|/)(fixtures?|cassettes?|mocks?|__mocks__|__snapshots__|testdata|test-data|locales?"
    r"|translations|node_modules|vendor|vendored|third_party|test[-_]\w+|\w*tests?|e2e\w*|cypress)/"
    r"|\.(test|spec|stories)\.\w+$|\.(lock|min\.js|map|svg|ipynb|po|ftl|snap|sum|secrets\.baseline)$"
    r"|(^|/)(package-lock\.json|pnpm-lock\.yaml|npm-shrinkwrap\.json|\.secrets\.baseline"
    r"|\.?gitleaks\.toml|LICENSE\S*)$",
    re.IGNORECASE,
)
_TRIAL = re.compile(
    r"(^|/)(examples?|samples?|demos?|tutorials?|dev|development|local|\.ci|\.circleci|\.github"
    r"|\.devcontainer)/|example|sample|template|[._-]dist$|(^|/)(docker-)?compose[^/]*\.ya?ml$",
    re.IGNORECASE,
)
_MANUAL = re.compile(r"(^|/)(docs?|openapi)/|\.(md|rst|txt|adoc)$", re.IGNORECASE)
# The answer of an API that is shown in a docstring, whose head has a few lines.
_MESSAGE = re.compile(r"^\s*(?:HTTP/[12](?:\.[01])? \d{3}|\.\. (?:sourcecode|code-block):: )")
_LONGEST_HEAD = 15
_ALLOWED = re.compile(r"pragma: ?allowlist secret|gitleaks:allow|trufflehog:ignore", re.IGNORECASE)
_BROWSER = (".js", ".jsx", ".ts", ".tsx", ".vue", ".html", ".plist", ".xml", ".json")
_QUOTED_FILES = re.compile(
    r"(\.(py|pyi|toml|ya?ml|json|ini|cfg|conf|properties|sh|bash|env|tf|tfvars)|(^|/)\.env[\w.-]*|(^|/)Dockerfile[\w.-]*)$"
)
_BARE_FILES = re.compile(
    r"(\.(ya?ml|ini|cfg|conf|properties|env)|(^|/)\.env[\w.-]*|(^|/)Dockerfile[\w.-]*)$"
)
_QUOTED = re.compile(
    r"""(?<![A-Za-z_])(?P<name>[A-Za-z_][\w.-]{0,80}+)(?:["']?\]|["'])?\s*(?::\s*[A-Za-z_][\w.\[\]]*\s*=|=|:)\s*+(?:\(\s*+)?"""
    r"""(?:b|r|br|u)?(?P<quote>["'])(?P<value>[^"'\s]{8,400})(?P=quote)"""
)
_BARE = re.compile(
    r"""^\s*(?:-\s+|export\s+|ENV\s+|ARG\s+)*(?P<name>[A-Za-z_][\w.-]*)\s*(?:=|:\s)\s*"""
    r"""(?P<value>[^\s"'#$!*&|>{\[][^\s"'#]{7,399})\s*(?:\#.*)?$"""
)

_HEADER = re.compile(
    r"""(?P<name>[Aa]uthorization)["']?\]?\s*[:=,]\s*["']?(?:Bearer|Basic|Token|token) (?P<value>[\w.~+/=-]{16,400})["']"""
)


@rule.on(TextFile)
def check(file: TextFile, here: Here) -> Iterator[Flag]:
    if here.is_test or _SPARED.search(file.path):
        return
    found = set(_shapes(file))
    for at, each in sorted(found, key=lambda one: (one[0], one[1].start)):
        if _counts(each, file.path):
            yield _of_shape(file, at, each)
    if "uthorization" in file.text:
        yield from _headers(file, {at for at, _ in found})
    if _QUOTED_FILES.search(file.path):
        spoken_for = {at for at, _ in found}
        for start in lines_that_name_a_secret(file.text):
            end = file.text.find("\n", start)
            line = file.text[start : end if end >= 0 else None]
            matches = _assignments(line, file.path) if len(line) <= _LONGEST_LINE else []
            if matches and not _ALLOWED.search(line):
                at = file.text.count("\n", 0, start)
                yield from (_named(file, at, each) for each in matches if at not in spoken_for)


def _shapes(file: TextFile) -> Iterator[tuple[int, Found]]:
    """The credentials that show by their shape, with the index of their line."""
    shapes = shapes_in(file.text)
    keys = PRIVATE_KEY in file.text
    for at, line in enumerate(file.lines if shapes or keys else ()):
        found = list(tokens_in(line, shapes)) if shapes else []
        if keys and PRIVATE_KEY in line:
            key = private_key_in(file.lines, at)
            found += [key] if key is not None else []
        if found and not _ALLOWED.search(line):
            yield from ((at, each) for each in found)


def _headers(file: TextFile, spoken_for: set[int]) -> Iterator[Flag]:
    """`{"Authorization": "Bearer 8d7f2c1e..."}`."""
    for at, line in enumerate(file.lines):
        if at in spoken_for or "uthorization" not in line or len(line) > _LONGEST_LINE:
            continue
        for match in _HEADER.finditer(line):
            if looks_random(match["value"]) and not _ALLOWED.search(line):
                yield _named(file, at, match)


def _counts(found: Found, path: str) -> bool:
    """A page in the browser shows its Google key to everybody, and may."""
    return found.kind != "a Google API key" or not path.endswith(_BROWSER)


def _of_shape(file: TextFile, at: int, found: Found) -> Flag:
    value = file.lines[at][found.start : found.end]
    what = "" if found.kind == "a private key" else f" ({masked(value)})"
    message = (
        f"This is {found.kind}{what}: whoever can read the repository or its history can use it. "
        "Revoke it and read a new one from the environment."
    )
    where = Span(at + 1, found.start + 1, at + 1, found.end + 1)
    confidence = Confidence.HOTSPOT if _is_for_show(file, at) else None
    return Flag(where, message, confidence=confidence, identity=f"{found.kind} {masked(value)}")


def _assignments(line: str, path: str) -> list[re.Match[str]]:
    """Where a line gives a random value to the name of a secret."""
    matches = list(_QUOTED.finditer(line))
    if not matches and _BARE_FILES.search(path):
        matches = list(_BARE.finditer(line))
    return [each for each in matches if _gives_away(each["name"], each["value"])]


def _gives_away(name: str, value: str) -> bool:
    if names_a_password(name) and looks_chosen(value):
        return True
    return names_a_secret(name) and looks_random(value)


def _named(file: TextFile, at: int, match: re.Match[str]) -> Flag:
    name, value = match["name"], match["value"]
    message = (
        f"`{name}` is given a secret in clear ({masked(value)}): whoever can read the "
        "repository or its history can use it. Revoke it and read a new one from the "
        "environment."
    )
    where = Span(at + 1, match.start("value") + 1, at + 1, match.end("value") + 1)
    doubtful = _is_for_show(file, at) or _MANUAL.search(file.path)
    confidence = Confidence.HOTSPOT if doubtful else None
    return Flag(where, message, confidence=confidence, identity=f"{name} {masked(value)}")


def _is_for_show(file: TextFile, at: int) -> bool:
    """Whether the file, or the lines before, belong to an example or a throw-away set-up."""
    before = " ".join(file.lines[max(0, at - 6) : at + 1]).lower()
    shown = "example" in before or ">>>" in before or "placeholder" in file.lines[at].lower()
    message = any(map(_MESSAGE.search, file.lines[max(0, at - _LONGEST_HEAD) : at]))
    return shown or message or bool(_TRIAL.search(file.path))
