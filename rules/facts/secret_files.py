"""Files that exist to hold secrets: what kind one is, told by its name and its first kilobyte.

Nothing here ever gives back a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from rules.facts.credentials import (
    is_placeholder,
    looks_random,
    names_a_secret,
    private_key_in,
    shapes_in,
    tokens_in,
)

_ENV = re.compile(
    r"(^|/)(\.env|[\w.-]+\.env|\.env[._-][\w.-]+|\.envrc|\.?secrets\.toml)$|(^|/)\.envs/"
)
_TRIAL = re.compile(
    r"(^|[._/-])(dev|devel|development|local|localhost|docker|ci|test|tests|testing|e2e|demo|compose)"
    r"([._/-]|$)",
    re.IGNORECASE,
)
_SETTING = re.compile(
    r"^\s*(?:export\s+)?(?P<name>[A-Za-z_][\w.]*)\s*=\s*(?P<quote>[\"']?)(?P<value>.*?)(?P=quote)"
    r"\s*(?:\s#.*)?$"
)
_IN_ADDRESS = re.compile(
    r"^[a-z][a-z0-9+.-]*://[^:/@\s]*:(?P<password>[^@/\s]+)@(?P<host>[^/:\s]+)"
)
_ELSEWHERE = re.compile(
    r"\$\{?\w|\$\(|\{\{|<\w|^(op|vault|ssm|arn|gcp|aws|awssm|file|ref|keyring|doppler)[:+]"
    r"|^(ENC\[|encrypted:|enc:)|^/(run|etc|var|secrets|app|vault)/"
)
_WEAK = frozenset(
    {"postgres", "postgresql", "root", "admin", "user", "guest", "rabbitmq", "redis", "mysql"}
    | {"minio", "minioadmin", "mongo", "app", "django", "flask", "none", "null", "true", "false"}
    | {"django_user", "docker", "service", "letmein", "hunter2", "pass", "pw", "db", "web", "api"}
)
_SEALED = (b"\0GITCRYPT\0", b"$ANSIBLE_VAULT", b"age-encryption.org", b"-----BEGIN PGP MESSAGE")
_KEYSTORES: Mapping[str, tuple[bytes, ...]] = {
    ".jks": (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce", b"0\x82"),
    ".keystore": (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce", b"0\x82"),
    ".p12": (b"0\x82", b"0\x80"),
    ".pfx": (b"0\x82", b"0\x80"),
    ".kdbx": (b"\x03\xd9\xa2\x9a",),
}
_KEY_FILE = re.compile(
    r"\.(pem|key|p8|pk8|priv|private|ppk|rsa|asc|gpg|crt|cer)$|(^|/)(id_(rsa|dsa|ecdsa|ed25519)[\w.-]*"
    r"|[\w.-]*_(rsa|dsa|ecdsa|ed25519)|(?=[\w.-]*(private[_-]?key|privkey))[\w.-]*+)$",
    re.IGNORECASE,
)
_TOKEN_LINE = re.compile(r"(?m)^[^#;\n]*(?::_authToken|_auth|_password)\s*=\s*(?P<value>\S+)")
_PASSWORD_LINE = re.compile(
    r"(?mi)^[ \t]*+[\"']?(?:password|secret_key|passwd)[\"']?\s*[=:]\s*(?P<value>\S+)"
)
_NETRC = re.compile(r"(?m)\bpassword\s+(?P<value>\S+)")
_PGPASS = re.compile(r"(?m)^[^#:\s]+:[^:\s]+:[^:\s]+:[^:\s]+:(?P<value>\S+)$")
_HTPASSWD = re.compile(
    r"(?m)^[\w.@-]+:(?:\$(?:apr1|2[aby]|5|6)\$(?:\S*\$)?|\{SHA\})(?P<value>[\w./+=]{20,})"
)
_GIT_CREDENTIAL = re.compile(r"(?m)^https?://[^:/\s]+:(?P<value>[^@\s]+)@")
_AWS = re.compile(r"(?mi)^[ \t]*+aws_secret_access_key\s*=\s*(?P<value>\S{30,})")
_AWS_CSV = re.compile(r"Access key ID,\s*Secret access key[ \t\r]*+\n\s*+\w+,(?P<value>\S{30,})")
_DOCKER = re.compile(r"\"auth\"\s*:\s*\"(?P<value>[A-Za-z0-9+/=]{8,})\"")
_CLUSTER = re.compile(
    r"(?m)^[ \t]*+(?:token|client-key-data|password):\s*[\"']?(?P<value>[^\s\"']{8,})"
)
_NAMED: tuple[tuple[re.Pattern[str], re.Pattern[str], str], ...] = tuple(
    (re.compile(path), value, kind)
    for path, value, kind in (
        (r"(^|/)\.npmrc$", _TOKEN_LINE, "a token of a package registry"),
        (r"(^|/)\.pypirc$", _PASSWORD_LINE, "a password of a package index"),
        (r"(^|/)[._]netrc$", _NETRC, "passwords of servers"),
        (r"(^|/)\.pgpass$", _PGPASS, "passwords of databases"),
        (r"(^|/)\.(my\.cnf|s3cfg)$", _PASSWORD_LINE, "a password"),
        (r"(^|/)\.htpasswd$", _HTPASSWD, "hashes of passwords"),
        (r"(^|/)\.git-credentials$", _GIT_CREDENTIAL, "a password of a git server"),
        (r"(^|/)(\.aws/config|credentials)$", _AWS, "a secret key of AWS"),
        (r"(?i)access_?keys[^/]*\.csv$", _AWS_CSV, "a secret key of AWS"),
        (
            r"(^|/)(\.docker/config\.json|\.?dockercfg|\.dockerconfigjson)$",
            _DOCKER,
            "a registry login",
        ),
        (r"(^|/)(\.kube/config|(?=[\w.-]*kubeconfig)[\w.-]*+)$", _CLUSTER, "a login to a cluster"),
    )
)
_SERVICE_ACCOUNT = re.compile(r"\"private_key\"\s*:\s*\"(?P<value>[^\"]+)")
_CLIENT_SECRET = re.compile(
    r"\"(?:client_secret|clientSecret|refresh_token)\"\s*:\s*\"(?P<value>[^\"]{12,})"
)

Kind = tuple[str, bool]


def secrets_in(path: str, head: bytes, size: int) -> Kind | None:
    """What the file holds, and whether that is sure; None if it is nothing to keep secret.

    An empty `head` of a file with a `size` was not read; then a key store is told by its name.
    """
    if not head and size and path.lower().endswith(tuple(_KEYSTORES)):
        return "a key store", True
    if not head.strip() or any(each in head for each in _SEALED):
        return None
    for ending, magic in _KEYSTORES.items():
        if path.lower().endswith(ending):
            return ("a key store", True) if head.startswith(magic) else None
    text = head.decode("utf-8-sig", "replace")
    readers: tuple[Callable[[str, str], Kind | None], ...] = (_key, _named, _document, _settings)
    return next((found for read in readers if (found := read(path, text)) is not None), None)


def _key(path: str, text: str) -> Kind | None:
    if text.startswith("PuTTY-User-Key-File"):
        return ("an encrypted private key", False) if "Encryption: aes" in text else _PRIVATE
    if "AGE-SECRET-KEY-1" in text and not is_placeholder(
        text.partition("AGE-SECRET-KEY-1")[2][:58]
    ):
        return _PRIVATE
    if "PRIVATE KEY" not in text:
        return None
    if not _KEY_FILE.search(path) and not text.lstrip().startswith("-----BEGIN "):
        return None
    if "ENCRYPTED" in text:
        return ("an encrypted private key", False)
    lines = tuple(text.splitlines())
    found = any(private_key_in(lines, at) is not None for at in range(len(lines)))
    return _PRIVATE if found else None


_PRIVATE: Kind = ("a private key", True)


def _named(path: str, text: str) -> Kind | None:
    for where, pattern, kind in _NAMED:
        if where.search(path):
            return (
                (kind, True) if any(_is_real(m["value"]) for m in pattern.finditer(text)) else None
            )
    return None


def _document(path: str, text: str) -> Kind | None:
    """JSON that a cloud provider hands out for download."""
    if not path.endswith(".json"):
        return None
    found = _SERVICE_ACCOUNT.search(text)
    if found is not None and '"service_account"' in text:
        lines = tuple(found["value"].replace("\\n", "\n").splitlines())
        real = bool(lines) and private_key_in(lines, 0) is not None
        return ("the key of a service account", True) if real else None
    if not any(each in text for each in ('"auth_uri"', '"tenantId"', '"authorized_user"')):
        return None
    secret = _CLIENT_SECRET.search(text)
    return ("a client secret", True) if secret and _is_real(secret["value"]) else None


def _settings(path: str, text: str) -> Kind | None:
    """A file of environment variables, if one of them is a secret that somebody uses."""
    if not _ENV.search(path):
        return None
    lines = text.splitlines()
    if len(text) >= 1000:
        lines = lines[:-1]  # the last one may be cut short
    shapes = shapes_in(text)
    if any(any(tokens_in(line, shapes)) for line in lines if not line.lstrip().startswith("#")):
        return ("live credentials", True)
    found = dict(_given(lines))
    if any(looks_random(each) and _is_real(each) for each in found.values()):
        return ("secrets of the environment", True)
    real = [name for name, value in found.items() if _is_chosen(value)]
    return ("passwords of the environment", not _TRIAL.search(path)) if real else None


def _given(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Names of secrets with the values that are written down here."""
    for line in lines:
        match = _SETTING.match(line)
        if match is None or line.lstrip().startswith("#"):
            continue
        name, value = match["name"], match["value"].strip()
        address = _IN_ADDRESS.match(value)
        if address is not None and _is_public_host(address["host"]):
            yield name, address["password"]
        elif names_a_secret(name) and address is None:
            yield name, value


def _is_public_host(host: str) -> bool:
    """Not a service of a compose file, nor this machine."""
    return "." in host and not host.startswith(("127.", "10.", "192.168.", "host.docker"))


def _is_chosen(value: str) -> bool:
    return len(value) >= 8 and _is_real(value) and value.lower() not in _WEAK


def _is_real(value: str) -> bool:
    value = value.strip("\"',;")
    return bool(value) and not _ELSEWHERE.search(value) and not is_placeholder(value)
