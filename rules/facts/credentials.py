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
    *(
        _shape("an AWS access key", head, rf"{head}[A-Z2-7]{{16}}")
        for head in ("AKIA", "ASIA", "ABIA", "ACCA")
    ),
    _shape("an AWS Bedrock key", "ABSK", r"ABSK[A-Za-z0-9+/]{109,269}={0,2}"),
    *(_shape("a GitHub token", f"gh{c}_", rf"gh{c}_[A-Za-z0-9]{{36,251}}") for c in "pousr"),
    _shape("a GitHub token", "github_pat_", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    *(
        _shape("a GitLab token", f"{head}-", rf"{head}-[A-Za-z0-9_.-]{{20,300}}")
        for head in (
            "glpat",
            "gldt",
            "glrt",
            "glsoat",
            "glcbt",
            "glptt",
            "glft",
            "glagent",
            "gloas",
        )
    ),
    _shape(
        "a Slack token",
        "xox",
        r"xox(?:[abeprs]-(?:\d{1,2}-)?\d{9,14}-[A-Za-z0-9-]{20,80}|e\.xox[bp]-\d-[A-Za-z0-9]{140,180}|e-\d-[A-Za-z0-9]{140,160})",
    ),
    _shape("a Slack token", "xapp-", r"xapp-\d-[A-Z0-9]{9,13}-\d{9,14}-[a-f0-9]{40,80}"),
    _shape(
        "a Slack webhook address",
        "hooks.slack.com/",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[TA][A-Z0-9]{7,12}/[A-Z0-9]{8,18}/[A-Za-z0-9/]{24,60}",
    ),
    _shape("a Stripe live key", "k_live_", r"[sr]k_live_[A-Za-z0-9]{24,247}"),
    _shape("a Stripe webhook secret", "whsec_", r"whsec_[A-Za-z0-9+/]{32,64}={0,2}"),
    _shape("a Google API key", "AIza", r"AIza[A-Za-z0-9_-]{35}"),
    _shape("a Google client secret", "GOCSPX-", r"GOCSPX-[A-Za-z0-9_-]{28}"),
    _shape("a Google access token", "ya29.", r"ya29\.[A-Za-z0-9_-]{30,400}"),
    _shape("a Firebase server key", ":APA91", r"AAAA[A-Za-z0-9_-]{7}:APA91[A-Za-z0-9_-]{129,135}"),
    _shape("an Azure storage key", "AccountKey=", r"AccountKey=[A-Za-z0-9+/]{86}=="),
    _shape("an Azure access key", "SharedAccessKey=", r"SharedAccessKey=[A-Za-z0-9+/]{43}="),
    _shape("an Azure client secret", "Q~", r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}"),
    _shape("an Azure DevOps token", "AZDO", r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}"),
    _shape(
        "a Teams webhook address",
        ".webhook.office.com/",
        r"[a-z0-9-]{1,60}\.webhook\.office\.com/webhookb2/[a-f0-9@-]{70,80}/IncomingWebhook/[a-f0-9]{32}/[a-f0-9-]{36}",
    ),
    _shape("a SendGrid key", "SG.", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    _shape("a Brevo key", "xkeysib-", r"xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    _shape("an npm token", "npm_", r"npm_[A-Za-z0-9]{36}"),
    _shape("a PyPI token", "pypi-AgE", r"pypi-AgE[A-Za-z0-9_-]{50,1000}"),
    _shape("a RubyGems key", "rubygems_", r"rubygems_[a-f0-9]{48}"),
    _shape("an OpenAI key", "T3BlbkFJ", r"sk-[A-Za-z0-9_-]{20,80}T3BlbkFJ[A-Za-z0-9_-]{20,80}"),
    _shape("an OpenAI key", "sk-proj-", r"sk-proj-(?![\w-]*T3BlbkFJ)[A-Za-z0-9_-]{40,200}"),
    _shape("an Anthropic key", "sk-ant-", r"sk-ant-(?:api|admin|oat)\d\d-[A-Za-z0-9_-]{80,120}"),
    _shape("a Hugging Face token", "hf_", r"hf_[A-Za-z0-9]{34}"),
    _shape("a Groq key", "gsk_", r"gsk_[A-Za-z0-9]{52}"),
    _shape("a Replicate token", "r8_", r"r8_[A-Za-z0-9]{37}"),
    _shape("an xAI key", "xai-", r"xai-[A-Za-z0-9]{80}"),
    _shape("a Perplexity key", "pplx-", r"pplx-[A-Za-z0-9]{48}"),
    _shape("a LangSmith key", "lsv2_", r"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}"),
    _shape("a DigitalOcean token", "_v1_", r"do[opr]_v1_[a-f0-9]{64}"),
    _shape(
        "a Heroku key",
        "HRKU-",
        r"HRKU-(?:AA[A-Za-z0-9_-]{58}|[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12})",
    ),
    _shape("a Shopify token", "shp", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    _shape("a Mailgun key", "key-", r"key-[0-9a-f]{32}"),
    _shape("a Mailchimp key", "-us", r"[0-9a-f]{32}-us\d{1,2}"),
    _shape("a Telegram bot token", ":AA", r"\d{8,10}:AA[A-Za-z0-9_-]{33}"),
    _shape(
        "a Discord webhook address",
        "/api/webhooks/",
        r"discord(?:app)?\.com/api/webhooks/\d{17,20}/[A-Za-z0-9_-]{60,80}",
    ),
    _shape("a Databricks token", "dapi", r"dapi[0-9a-f]{32}(?:-\d)?"),
    _shape("a Vault token", "hvs.", r"hvs\.[A-Za-z0-9_-]{24,200}"),
    _shape("a Vault token", "hvb.", r"hvb\.[A-Za-z0-9_-]{100,300}"),
    _shape(
        "a Terraform Cloud token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}"
    ),
    *(
        _shape(
            "a Doppler token",
            f"dp.{kind}.",
            rf"dp\.{kind}\.(?:[a-z0-9_-]{{2,35}}\.)?[A-Za-z0-9]{{40,44}}",
        )
        for kind in ("pt", "st", "ct", "sa", "scim", "audit")
    ),
    _shape("a Pulumi token", "pul-", r"pul-[a-f0-9]{40}"),
    _shape("a Linear key", "lin_api_", r"lin_api_[A-Za-z0-9]{40}"),
    _shape("a Notion token", "ntn_", r"ntn_\d{11}[A-Za-z0-9]{35}"),
    _shape("an Atlassian token", "ATATT3", r"ATATT3[A-Za-z0-9_=-]{180,200}"),
    _shape("a Figma token", "figd_", r"figd_[A-Za-z0-9_-]{38,43}"),
    _shape("a Postman key", "PMAK-", r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    *(
        _shape(
            "a HubSpot token",
            f"pat-{place}",
            rf"pat-{place}\d-[a-f0-9]{{8}}(?:-[a-f0-9]{{4}}){{3}}-[a-f0-9]{{12}}",
        )
        for place in ("na", "eu", "ap")
    ),
    _shape("a Docker Hub token", "dckr_", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{27,60}"),
    _shape("a Sentry token", "sntry", r"sntry(?:u_[a-f0-9]{64}|s_eyJ[A-Za-z0-9+/=_-]{60,400})"),
    _shape(
        "a Sentry address with its secret",
        "sentry.io/",
        r"[0-9a-f]{32}:[0-9a-f]{32}@(?:[a-z0-9]+\.)*sentry\.io/\d+",
    ),
    _shape("a Grafana token", "glsa_", r"glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}"),
    _shape("a Grafana token", "glc_", r"glc_eyJ[A-Za-z0-9+/=]{40,400}"),
    _shape("a New Relic key", "NRAK-", r"NRAK-[A-Z0-9]{27}"),
    _shape("a New Relic key", "NRII-", r"NRII-[A-Za-z0-9_-]{32}"),
    _shape("a New Relic licence key", "NRAL", r"[a-f0-9]{36}NRAL"),
    _shape("a PostHog key", "phx_", r"phx_[A-Za-z0-9]{43,47}"),
    _shape("a Supabase token", "sbp_", r"sbp_[a-f0-9]{40}"),
    _shape("a PlanetScale token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,64}"),
    _shape("a Square secret", "sq0", r"sq0(?:csp-[A-Za-z0-9_-]{43}|atp-[A-Za-z0-9_-]{22})"),
    _shape("a Square token", "EAAA", r"EAAA[A-Za-z0-9_-]{60}"),
    _shape(
        "a Braintree token",
        "access_token$",
        r"access_token\$production\$[a-z0-9]{16}\$[a-f0-9]{32}",
    ),
    _shape(
        "a Plaid token",
        "access-production-",
        r"access-production-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}",
    ),
    _shape("a CircleCI token", "CCIP", r"CCIPAT_[A-Za-z0-9]{22}_[a-f0-9]{40}"),
    *(_shape("a Sonar token", f"sq{c}_", rf"sq{c}_[a-f0-9]{{40}}") for c in "pua"),
    _shape("a Tailscale key", "tskey-", r"tskey-[a-z]+-[A-Za-z0-9]{8,20}-[A-Za-z0-9]{20,40}"),
    _shape(
        "an age key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"
    ),
    _shape("a 1Password token", "ops_eyJ", r"ops_eyJ[A-Za-z0-9+/]{250,2000}={0,3}"),
    _shape(
        "a signed JSON Web Token",
        "eyJ",
        r"eyJ[A-Za-z0-9_-]{10,400}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{20,700}",
    ),
)
_BY_HINT = {each.hint: each for each in SHAPES}
_HINTS = tuple(_BY_HINT)
_SHORTEST = 20
_NOISE = re.compile(r"[A-Z0-9][A-Z0-9]")  # of 20 random characters 1 in 2,500 has none
_TWILIO = _shape("a Twilio key", "SK", r"SK[0-9a-f]{32}")
_DISCORD = _shape(
    "a Discord bot token", ".", r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}"
)
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
    # No credential holds white space, is shorter than an AWS access key, or is made of words.
    noisy = _NOISE.search
    long = "\n".join([each for each in text.split() if len(each) >= _SHORTEST and noisy(each)])
    found = [_BY_HINT[each] for each in _HINTS if each in long] if long else []
    if "wilio" in text and "SK" in text:
        found.append(_TWILIO)
    if "iscord" in text or "DISCORD" in text:
        found.append(_DISCORD)
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


_PASSWORDS = frozenset({"password", "passwd", "pwd", "passphrase"})
_COMMON = re.compile(
    r"admin|root|postgres|mysql|redis|rabbit|minio|docker|guest|user|django|flask|welcome|letmein"
    r"|none|null|true|false|empty|blank|invalid|wrong|hidden|masked|random|generate|config|setting"
    r"|field|input|hash|bcrypt|argon|encod|encrypt|crypt|valid|login|reset|forgot|old|new|form|view",
    re.IGNORECASE,
)
_CHOSEN = re.compile(r"^(?=[!-~]*[A-Za-z])(?=[!-~]*[0-9])[A-Za-z0-9!@#%^&*+=?~._-]{8,40}$")


def names_a_password(name: str) -> bool:
    """Whether a person keys in what bears this name: `DB_PASSWORD`, `smtpPwd`."""
    words = [each.lower() for each in _CAMEL_SEAM.split(name) if each]
    return bool(words) and words[-1] in _PASSWORDS and names_a_secret(name)


def looks_chosen(value: str) -> bool:
    """Whether a value is a password that a person made up, not a word, a name or a place.

    It holds letters and digits, and neither the words of manuals nor those of software.
    """
    if not _CHOSEN.match(value) or is_placeholder(value) or _COMMON.search(value):
        return False
    return not _UUID.match(value) and not _HASH_HEAD.match(value) and _changes(value) >= 2


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
_NAME_HINTS = ("secret", "passw", "passphrase", "pwd", "token", "credential")
_KEY_HINTS = ("_key", "-key", "apikey", "accesskey", "authkey", "privatekey", "signingkey")
_LONG = re.compile(r"""[^\s"'(),]{8}""")


def lines_that_name_a_secret(text: str) -> Iterator[int]:
    """Where lines start (offsets, in order) that hold a name of a secret and a long value."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a letter that is longer in lower case moves the offsets
        lowered = text
    starts: set[int] = set()
    for hint in (*_NAME_HINTS, *(_KEY_HINTS if "key" in lowered else ())):
        at = lowered.find(hint)
        while at >= 0:
            end = lowered.find("\n", at)
            end = len(lowered) if end < 0 else end
            if end - at > 9 and _LONG.search(lowered, at + len(hint), min(end, at + _REACH)):
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
