"""What a credential looks like: the shapes that providers give theirs, and random values.

A value is never to be repeated: `masked` gives all that may be said of one.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Shape:
    """Credentials of one kind. `hint` stands in each of them and is quick to look for."""

    kind: str
    hint: str
    pattern: re.Pattern[str]


def _shape(kind: str, hint: str, pattern: str) -> Shape:
    return Shape(kind, hint, re.compile(rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])"))


SHAPES = (
    _shape("an AWS access key", "AKIA", r"AKIA[A-Z2-7]{16}"),
    _shape("an AWS access key", "ASIA", r"ASIA[A-Z2-7]{16}"),
    *(_shape("a GitHub token", f"gh{c}_", rf"gh{c}_[A-Za-z0-9]{{36,251}}") for c in "pousr"),
    _shape("a GitHub token", "github_pat_", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    *(
        _shape("a GitLab token", f"{head}-", rf"{head}-[A-Za-z0-9_.-]{{20,300}}")
        for head in ("glpat", "gldt", "glrt", "glsoat")
    ),
    _shape("a Slack token", "xox", r"xox[abeprs]-(?:\d{1,2}-)?\d{9,14}-[A-Za-z0-9-]{20,80}"),
    _shape("a Slack token", "xapp-", r"xapp-\d-[A-Z0-9]{9,13}-\d{9,14}-[a-f0-9]{40,80}"),
    _shape(
        "a Slack webhook address",
        "hooks.slack.com/",
        r"hooks\.slack\.com/services/T[A-Z0-9]{7,12}/B[A-Z0-9]{7,12}/[A-Za-z0-9]{24}",
    ),
    _shape("a Stripe live key", "k_live_", r"[sr]k_live_[A-Za-z0-9]{24,247}"),
    _shape("a Stripe webhook secret", "whsec_", r"whsec_[A-Za-z0-9+/]{32,64}={0,2}"),
    _shape("a Google API key", "AIza", r"AIza[A-Za-z0-9_-]{35}"),
    _shape("a Google client secret", "GOCSPX-", r"GOCSPX-[A-Za-z0-9_-]{28}"),
    _shape("an Azure storage key", "AccountKey=", r"AccountKey=[A-Za-z0-9+/]{86}=="),
    _shape("an Azure client secret", "Q~", r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}"),
    _shape("a SendGrid key", "SG.", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    _shape("an npm token", "npm_", r"npm_[A-Za-z0-9]{36}"),
    _shape("a PyPI token", "pypi-AgE", r"pypi-AgE[A-Za-z0-9_-]{50,1000}"),
    _shape("an OpenAI key", "T3BlbkFJ", r"sk-[A-Za-z0-9_-]{20,80}T3BlbkFJ[A-Za-z0-9_-]{20,80}"),
    _shape("an Anthropic key", "sk-ant-", r"sk-ant-(?:api|admin|oat)\d\d-[A-Za-z0-9_-]{80,120}"),
    _shape("a Hugging Face token", "hf_", r"hf_[A-Za-z0-9]{34}"),
    _shape("a Groq key", "gsk_", r"gsk_[A-Za-z0-9]{52}"),
    _shape("a DigitalOcean token", "_v1_", r"do[opr]_v1_[a-f0-9]{64}"),
    _shape("a Shopify token", "shp", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    _shape("a Mailgun key", "key-", r"key-[0-9a-f]{32}"),
    _shape("a Mailchimp key", "-us", r"[0-9a-f]{32}-us\d{1,2}"),
    _shape("a Telegram bot token", ":AA", r"\d{8,10}:AA[A-Za-z0-9_-]{33}"),
    _shape("a Databricks token", "dapi", r"dapi[0-9a-f]{32}"),
    _shape("a Vault token", "hvs.", r"hvs\.[A-Za-z0-9_-]{24,200}"),
    _shape("a Linear key", "lin_api_", r"lin_api_[A-Za-z0-9]{40}"),
    _shape("a Docker Hub token", "dckr_pat_", r"dckr_pat_[A-Za-z0-9_-]{27,60}"),
    _shape("a Sentry token", "sntry", r"sntry(?:u_[a-f0-9]{64}|s_eyJ[A-Za-z0-9+/=_-]{60,400})"),
    _shape("a Grafana token", "glsa_", r"glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}"),
    _shape("a New Relic key", "NRAK-", r"NRAK-[A-Z0-9]{27}"),
    _shape("a Square secret", "sq0csp-", r"sq0csp-[A-Za-z0-9_-]{43}"),
    _shape(
        "a signed JSON Web Token",
        "eyJ",
        r"eyJ[A-Za-z0-9_-]{10,400}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{20,700}",
    ),
)
_BY_HINT = {each.hint: each for each in SHAPES}
_HINTS = tuple(_BY_HINT)
_SHORTEST = 20
_TWILIO = _shape("a Twilio key", "SK", r"SK[0-9a-f]{32}")
PRIVATE_KEY = "PRIVATE KEY"
_PRIVATE_KEY_HEAD = re.compile(
    r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |PGP )?PRIVATE KEY(?: BLOCK)?-----"
)
_KEY_BODY = re.compile(r"[A-Za-z0-9+/=]{40,}")


@dataclass(frozen=True, slots=True)
class Found:
    """A credential in a line: what it is, and where it starts and ends (0-based, exclusive)."""

    kind: str
    start: int
    end: int


def shapes_in(text: str) -> tuple[Shape, ...]:
    """The shapes that a text may hold, by a quick look."""
    # No credential holds white space, or is shorter than an AWS access key.
    long = "\n".join({each for each in text.split() if len(each) >= _SHORTEST})
    found = [_BY_HINT[each] for each in _HINTS if each in long]
    if "wilio" in text and "SK" in text:
        found.append(_TWILIO)
    return tuple(found)


def tokens_in(line: str, shapes: tuple[Shape, ...]) -> Iterator[Found]:
    """The credentials of these shapes in a line, placeholders left out."""
    for each in shapes:
        if each.hint not in line:
            continue
        for match in each.pattern.finditer(line):
            if not _is_made_up(match[0], each):
                yield Found(each.kind, match.start(), match.end())


def private_key_in(lines: tuple[str, ...], at: int) -> Found | None:
    """The head of a private key in `lines[at]`, if the key itself follows it."""
    match = _PRIVATE_KEY_HEAD.search(lines[at])
    if match is None:
        return None
    rest = lines[at][match.end() :].replace("\\n", " ")
    following = " ".join([rest, *lines[at + 1 : at + 8]])
    body = _KEY_BODY.search(following)
    if body is None or is_placeholder(body[0]):
        return None
    return Found("a private key", match.start(), match.end())


_AZURE_EMULATOR = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq"


def _is_made_up(value: str, shape: Shape) -> bool:
    body = value.replace(shape.hint, "", 1)
    if shape.hint == "eyJ":
        return not _is_real_jwt(value)
    return is_placeholder(body) or entropy(body) < 2.8 or _AZURE_EMULATOR in value


def _is_real_jwt(value: str) -> bool:
    """Whether header and claims can be read, and are not those of a manual or for everybody."""
    head, claims = (_json_part(each) for each in value.split(".")[:2])
    if "alg" not in head or str(head["alg"]).lower() == "none" or not claims:
        return False
    return claims.get("sub") != "1234567890" and claims.get("role") != "anon"


def _json_part(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def masked(value: str) -> str:
    """All that may be said of a secret: how it begins and how long it is."""
    return f"`{value[:4]}…`, {len(value)} characters"


def entropy(value: str) -> float:
    """Shannon entropy in bits a character."""
    size = len(value)
    return -sum(n / size * math.log2(n / size) for n in Counter(value).values()) if size else 0.0


_PLACEHOLDER = re.compile(
    r"example|sample|change.?(?:me|this)|replace|your|placeholder|dummy|fake|insecure|redacted"
    r"|secret|passw|not.?(?:a.)?real|default|x{4}|\*{3}|\.{3}|…|12345678|abcdefg|01234567|qwerty"
    r"|deadbeef|lorem|mock|todo|fixme|(?<![a-z])(?:test|demo|foo|bar|dev|local)(?![a-z])"
    r"|(.)\1{5}",
    re.IGNORECASE,
)


def is_placeholder(value: str) -> bool:
    """Whether a value says itself that it is none: `changeme`, `xxxx`, `<token>`."""
    return bool(_PLACEHOLDER.search(value))


_UUID = re.compile(r"^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$", re.IGNORECASE)
_HEX = re.compile(r"^[0-9a-fA-F]+$")
_HASH_HEAD = re.compile(r"^(?:sha\d+[:$-]|\$2[aby]\$|\$argon2|pbkdf2|bcrypt|scrypt|md5|\$[156]\$)")
_INSERTED = re.compile(r"\$\{|\$\(|\{\{|\{\w*\}|%\(|%s|<[^<>]*>|\[\[")
_SEPARATORS = re.compile(r"[-_./:@,;=+]+")
_CAMEL = re.compile(r"^(?:[A-Z]*+[a-z]{2,}+|[A-Z]{2,}+(?![a-z]{2})|\d++|[-_.:/@])+$")
_ALPHABET = re.compile(r"^[!-~]+$")


def looks_random(value: str) -> bool:
    """Whether a value was made by a machine to be unguessable, and is no hash, UUID or address."""
    if not 16 <= len(value) <= 400 or not _ALPHABET.match(value) or "://" in value:
        return False
    if _UUID.match(value) or _HASH_HEAD.match(value) or _INSERTED.search(value):
        return False
    if is_placeholder(value) or _is_words(value) or _CAMEL.match(value):
        return False
    if _HEX.match(value):
        return len(value) >= 20 and entropy(value) >= 3.0 and not value.isdigit()
    return entropy(value) >= 3.4 and _changes(value) >= 0.25 * len(value)


def _is_words(value: str) -> bool:
    """Whether most of a value is words with something between: `checkout_link_e2e`."""
    pieces = [each for each in _SEPARATORS.split(value) if each]
    words = [
        each
        for each in pieces
        if each.isalpha() and (each.islower() or each.istitle() or each.isupper())
    ]
    return len(pieces) > 1 and sum(map(len, words)) >= 0.6 * sum(map(len, pieces))


def _changes(value: str) -> int:
    """How often the class of the character changes; words change seldom, noise all the time."""
    classes = [
        "d" if c.isdigit() else "l" if c.islower() else "u" if c.isupper() else "p" for c in value
    ]
    return sum(a != b for a, b in pairwise(classes))


_CAMEL_SEAM = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_SECRET_WORDS = frozenset(
    [
        "secret",
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "token",
        "credential",
        "credentials",
        "apikey",
        "authkey",
    ]
)
_KEYS = frozenset(
    [
        "api",
        "access",
        "auth",
        "private",
        "signing",
        "encryption",
        "master",
        "session",
        "jwt",
        "fernet",
    ]
)
_HARMLESS = frozenset(
    [
        "public",
        "pub",
        "publishable",
        "site",
        "csrf",
        "xsrf",
        "hash",
        "hashed",
        "hashes",
        "digest",
        "checksum",
        "sha256",
        "page",
        "next",
        "continuation",
        "cursor",
        "pagination",
        "sync",
        "tokenizer",
        "encrypted",
        "sealed",
        "fingerprint",
        "placeholder",
    ]
)
_TAILS = frozenset(
    [
        "id",
        "ids",
        "url",
        "uri",
        "path",
        "file",
        "filename",
        "dir",
        "name",
        "names",
        "type",
        "field",
        "fields",
        "header",
        "headers",
        "prefix",
        "suffix",
        "label",
        "class",
        "regex",
        "pattern",
        "length",
        "ttl",
        "expiry",
        "expires",
        "param",
        "params",
        "arn",
        "ref",
        "env",
        "var",
        "endpoint",
        "model",
        "version",
        "kind",
        "scope",
        "help",
        "text",
        "title",
        "description",
        "message",
        "format",
        "algorithm",
        "backend",
        "validator",
        "validators",
        "manager",
        "form",
        "template",
        "view",
        "action",
        "status",
        "count",
    ]
)
_NAME_HINTS = ("secret", "passw", "passphrase", "pwd", "token", "credential", "_key", "-key")
_JOINED_KEYS = ("apikey", "accesskey", "authkey", "privatekey", "signingkey")
_LONG = re.compile(r"""[^\s"'(),]{16}""")


def lines_that_name_a_secret(text: str) -> Iterator[int]:
    """Where lines start (offsets, in order) that hold a name of a secret and a long value."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a letter that is longer in lower case moves the offsets
        lowered = text
    starts: set[int] = set()
    for hint in (*_NAME_HINTS, *_JOINED_KEYS):
        at = lowered.find(hint)
        while at >= 0:
            end = lowered.find("\n", at)
            end = len(lowered) if end < 0 else end
            if end - at > 17 and _LONG.search(lowered, at + len(hint), min(end, at + _REACH)):
                starts.add(lowered.rfind("\n", 0, at) + 1)
            at = lowered.find(hint, end)
    return iter(sorted(starts))


_REACH = 2000


def names_a_secret(name: str) -> bool:
    """Whether what bears this name is meant to be known to few: `DB_PASSWORD`, `apiKey`."""
    words = [each.lower() for each in _CAMEL_SEAM.split(name) if each]
    if not words or words[-1] in _TAILS or _HARMLESS & set(words):
        return False
    if _SECRET_WORDS & set(words):
        return True
    return any(b == "key" and a in _KEYS for a, b in pairwise(words))
