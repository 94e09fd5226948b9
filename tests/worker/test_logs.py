from __future__ import annotations

import json
import subprocess
import sys

import pytest

from worker.logs import Scrubber, scrub

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----\n"


@pytest.mark.fault(61, 62)
@pytest.mark.parametrize(
    "secret",
    [
        "ghp_" + "a1B2" * 9,
        "ghs_" + "a1B2" * 9,
        "github_pat_" + "a1B2" * 10,
        "v1." + "0f" * 20,
        "eyJhbGciOiJS.eyJpc3MiOiIx.c2lnbmF0dXJl",
        "AKIA" + "IOSFODNN7EXAMPLE",
        KEY,
        KEY.replace("\n", "\\n"),
        "sha256=" + "0f" * 32,
    ],
)
def test_what_is_shaped_like_a_secret_is_masked(secret: str) -> None:
    text = scrub(f"before {secret} after")
    assert secret not in text
    assert "MIIEow" not in text
    assert text.startswith("before ***")
    assert text.endswith("after")


@pytest.mark.fault(62)
@pytest.mark.parametrize(
    "text",
    [
        "redis://user:hunter2hunter2@host/0",
        "https://:hunter2hunter2@host",
        "Authorization: Bearer hunter2hunter2",
        "authorization: token hunter2hunter2",
    ],
)
def test_credentials_in_addresses_and_headers_are_masked(text: str) -> None:
    assert "hunter2hunter2" not in scrub(text)


def test_known_secrets_are_masked_in_every_spelling() -> None:
    scrubber = Scrubber(['pass"word', "two\nlines", "", "short", "short-and-longer"])
    for text in ('pass"word', "two\nlines", "two\\nlines", repr("two\nlines"), "short-and-longer"):
        assert scrubber(f"<{text}>").strip("<>'\"") == "***"


def test_ordinary_text_stays_as_it_is() -> None:
    text = "octo/shop#7 at 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567 took 1.5 s, see https://docs.example/a"
    assert Scrubber(["a secret"])(text) == text


@pytest.mark.fault(62)
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_secret_gets_into_a_log_by_any_way(log_format: str) -> None:
    code = f"""
import logging, structlog
from worker.logs import configure
configure(log_format={log_format!r}, level="info", secrets=["hunter2hunter2", {KEY!r}])
secret, key = "hunter2hunter2", {KEY!r}
structlog.get_logger("a").info("text %s", secret, field=secret, nested={{"deep": [secret, key]}})
logging.getLogger("b").warning("plain %s", secret)
try:
    raise ValueError(secret + key)
except ValueError:
    logging.getLogger("c").exception("with \\x1b[31m trace")
    structlog.get_logger("d").exception("with trace", forged="line\\nlevel=error \\u202e")
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == ""
    assert shown.stderr.count("***") >= 6
    for part in ("hunter2", "MIIEow", "\x1b[31m", "\u202e", "\nlevel=error"):
        assert part not in shown.stderr
    if log_format == "json":
        assert [json.loads(line)["logger"] for line in shown.stderr.splitlines()] == list("abcd")
