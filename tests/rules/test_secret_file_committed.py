"""Files that hold secrets, and the many that only look like it. All values here are made up."""

from __future__ import annotations

import json

import pytest
from trees import project_of

from rules.checklist.cleanup.secret_file_committed import rule
from rules.engine.config import Config, ReviewConfig
from rules.engine.finding import Finding
from rules.engine.inspect import Ear, inspect_unread
from rules.engine.run import check
from rules.kit import Confidence

SECRET = "vd8Kq2Lw9xTz4Rb7Yn3H"
BODY = "MIIEpAIBAAKCAQEAx7Vn2kqLw9Tz4Rb7Yn3HsDpQ8mGcEjUoXfKaZtVrWbNy"


def pem(kind: str = "RSA PRIVATE KEY", body: str = BODY) -> str:
    return f"-----BEGIN {kind}-----\n{body}\n{body}\n-----END {kind}-----\n"


def findings(path: str, data: str | bytes) -> tuple[Finding, ...]:
    raw = data.encode() if isinstance(data, str) else data
    config = Config(review=ReviewConfig(confidence="all"))
    report = check([(path, raw)], project_of({path: raw}), config, [rule])
    assert report.crashes == ()
    return report.findings


SERVICE_ACCOUNT = json.dumps(
    {"type": "service_account", "project_id": "shop", "private_key": pem("PRIVATE KEY")}
)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        (".env", f"SECRET_KEY={SECRET}\n"),
        ("deploy/.env.production", f"export DB_PASSWORD='{SECRET}'\n"),
        ("prod.env", "DB_PASSWORD=correct-horse-battery\n"),
        (".envs/.production/.django", f"DJANGO_SECRET_KEY={SECRET}\n"),
        (".env", f"DATABASE_URL=postgres://shop:{SECRET}@db.bookshop.io:5432/shop\n"),
        (".streamlit/secrets.toml", f'api_key = "{SECRET}"\n'),
        ("deploy/server.key", pem()),
        ("deploy/server.pem", pem("CERTIFICATE") + pem("EC PRIVATE KEY")),
        ("id_ed25519", pem("OPENSSH PRIVATE KEY")),
        ("keys/without_ending", pem("PRIVATE KEY")),
        ("app/release.jks", b"\xfe\xed\xfe\xed\0\0\0\2rest"),
        ("certs/shop.p12", b"0\x82\x09\xa1rest"),
        ("gcp.json", SERVICE_ACCOUNT),
        ("client_secret_1.json", json.dumps({"auth_uri": "x", "client_secret": SECRET})),
        (".aws/credentials", f"[default]\naws_secret_access_key = {SECRET * 2}\n"),
        (".npmrc", f"//npm.bookshop.io/:_authToken={SECRET}\n"),
        (".pypirc", f"[pypi]\nusername = shop\npassword: {SECRET}\n"),
        (".netrc", f"machine git.bookshop.io login shop password {SECRET}\n"),
        (".htpasswd", "shop:$apr1$x1y2z3a4$Kq2Lw9xTz4Rb7Yn3HsDpQ8\n"),
        (".git-credentials", f"https://shop:{SECRET}@git.bookshop.io\n"),
        (".kube/config", f"kind: Config\nusers:\n- user:\n    token: {SECRET}\n"),
        (".docker/config.json", '{"auths": {"r.io": {"auth": "c2hvcDp2ZDhLcTJMdzl4VHo="}}}'),
    ],
)
def test_a_file_with_a_secret_is_flagged_and_the_secret_is_not_repeated(
    path: str, data: str | bytes
) -> None:
    (finding,) = findings(path, data)
    assert finding.confidence is Confidence.PROVEN
    assert finding.file_level
    assert SECRET not in finding.message
    assert BODY[:20] not in finding.message
    assert len(finding.message) <= 300


@pytest.mark.parametrize(
    ("path", "data"),
    [
        (".env", ""),
        (".env", "DEBUG=1\nPORT=8000\nAWS_REGION=eu-central-1\n"),
        (".env", "SECRET_KEY=\nPASSWORD=changeme\nAPI_TOKEN=<token>\n"),
        (".env", "POSTGRES_PASSWORD=postgres\nDATABASE_URL=postgres://a:b@db:5432/c\n"),
        (".env", f"# SECRET_KEY={SECRET}\n"),
        (
            ".env",
            "SECRET_KEY=${SECRET_KEY}\nTOKEN=op://vault/token\nPASSWORD_FILE=/run/secrets/a\n",
        ),
        (".env", f'SECRET_KEY="encrypted:{SECRET}{SECRET}"\n'),
        (".env", b"\0GITCRYPT\0" + b"x" * 50),
        (".env.example", f"SECRET_KEY={SECRET}\n"),
        ("env.template", f"SECRET_KEY={SECRET}\n"),
        (".env.dist", f"SECRET_KEY={SECRET}\n"),
        (".env.test", f"SECRET_KEY={SECRET}\n"),
        ("tests/.env", f"SECRET_KEY={SECRET}\n"),
        ("tests/keys/server.key", pem()),
        ("docs/server.key", pem()),
        ("certs/snakeoil.key", pem()),
        ("server.crt", pem("CERTIFICATE")),
        ("jwt_public.pem", pem("PUBLIC KEY")),
        ("id_rsa.pub", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 me@laptop\n"),
        ("server.key", "-----BEGIN PRIVATE KEY-----\nYOUR KEY HERE\n-----END PRIVATE KEY-----\n"),
        ("notes/keys", "A key starts with BEGIN PRIVATE KEY.\n"),
        ("readme.md", pem()),
        ("android/debug.keystore", b"\xfe\xed\xfe\xed\0\0\0\2"),
        ("truststore.jks", b"\xfe\xed\xfe\xed\0\0\0\2"),
        ("menu.key", "a = 1\n"),
        ("package.json", '{"name": "shop"}'),
        ("gcp.json", SERVICE_ACCOUNT.replace(BODY, "your-private-key")),
        (".npmrc", "//r.io/:_authToken=${NPM_TOKEN}\nsave-exact=true\n"),
        (".pypirc", "[pypi]\nusername = __token__\n"),
        (".kube/config", "kind: Config\nusers:\n- user:\n    exec: {command: aws}\n"),
        ("vault.env", f"$ANSIBLE_VAULT;1.1;AES256\n{SECRET}\n"),
    ],
)
def test_files_without_a_usable_secret_pass(path: str, data: str | bytes) -> None:
    assert findings(path, data) == ()


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("server.key", pem("ENCRYPTED PRIVATE KEY")),
        ("server.key", pem().replace("KEY-----\nM", "KEY-----\nProc-Type: 4,ENCRYPTED\n\nM", 1)),
        ("dev/server.key", pem()),
        ("certs/localhost.key", pem()),
        (".env.local", "DB_PASSWORD=correct-horse-battery\n"),
    ],
)
def test_secrets_that_may_be_worth_nothing_are_hotspots(path: str, data: str) -> None:
    (finding,) = findings(path, data)
    assert finding.confidence is Confidence.HOTSPOT


def test_a_value_that_is_cut_off_by_the_end_of_what_is_read_is_not_judged() -> None:
    filler = "A=1\n" * 252
    assert findings(".env", f"{filler}TOKEN={SECRET * 20}\n") == ()


@pytest.mark.parametrize(
    "data", [b"\xff\xfe\0\0", b"\xef\xbb\xbf", b"=" * 1024, b'"' * 1024, b"\n" * 9]
)
@pytest.mark.parametrize("path", [".env", "a.pem", "a.json", ".netrc", ".kube/config", "a.p12"])
def test_rubbish_is_no_secret(path: str, data: bytes) -> None:
    assert findings(path, data) == ()


@pytest.mark.parametrize(
    ("path", "expected"), [("a.jks", 1), ("a.pyd", 0), ("certs/cacerts.jks", 0)]
)
def test_a_key_store_whose_bytes_were_not_fetched_is_told_by_its_name(
    path: str, expected: int
) -> None:
    seen = inspect_unread(path, 2000, project_of({}), Ear.of([rule]))
    assert (len(seen.placed), seen.crashes) == (expected, ())
