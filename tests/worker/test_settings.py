from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bot.settings import BotSettings
from worker.settings import SettingsError, WorkerSettings, load


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    ).decode()


KEY = pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
GOOD = {
    "STET_APP_ID": "29310",
    "STET_WEBHOOK_SECRET": "a-secret-of-the-tests",
    "STET_PRIVATE_KEY": KEY,
    "STET_REDIS_URL": "redis://127.0.0.1:6379/0",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("STET_"):
            monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def problems(settings: type[BotSettings | WorkerSettings]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(settings)
    return caught.value.problems


def test_the_good_environment_is_read() -> None:
    worker, bot = load(WorkerSettings), load(BotSettings)
    assert worker.private_key.get_secret_value() == KEY
    assert (worker.app_id, worker.github_api_url) == (29310, "https://api.github.com")
    assert (bot.host, bot.port, bot.keys()) == ("127.0.0.1", 8000, (b"a-secret-of-the-tests",))
    assert worker.warnings() == bot.warnings() == ()


@pytest.mark.parametrize("name", ["STET_APP_ID", "STET_PRIVATE_KEY", "STET_REDIS_URL"])
@pytest.mark.parametrize("empty", [True, False])
def test_what_the_worker_lacks_is_named_with_the_cure(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    empty: bool,  # noqa: FBT001
) -> None:
    monkeypatch.delenv(name)
    if empty:
        monkeypatch.setenv(name, "")
    (problem,) = problems(WorkerSettings)
    assert problem.startswith(name)
    assert "Set it to" in problem


def test_every_problem_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in GOOD:
        monkeypatch.delenv(name)
    assert len(problems(WorkerSettings)) == 3
    assert len(problems(BotSettings)) == 3


@pytest.mark.fault(62, 65)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STET_APP_ID", "hunter2"),
        ("STET_APP_ID", "-1"),
        ("STET_PRIVATE_KEY", "hunter2"),
        ("STET_PRIVATE_KEY", KEY.replace("A", "hunter2")),
        ("STET_PRIVATE_KEY", pem(ec.generate_private_key(ec.SECP256R1()))),
        ("STET_REDIS_URL", "http://hunter2"),
        ("STET_REDIS_URL", "redis://:hunter2@redis.example/0"),
        ("STET_GITHUB_API_URL", "http://hunter2.example"),
        ("STET_GITHUB_API_URL", "file:///hunter2"),
        ("STET_GITHUB_API_URL", "http://169.254.169.254/hunter2"),
        ("STET_GITHUB_API_URL", "https://user:hunter2@ghe.example/api/v3"),
        ("STET_GITHUB_API_URL", "https://ghe.example/?hunter2"),
        ("STET_PUBLIC_URL", "hunter2"),
        ("STET_LOG_LEVEL", "hunter2"),
        ("STET_REVIEW_SECONDS", "hunter2"),
    ],
)
def test_what_is_malformed_is_named_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    (problem,) = problems(WorkerSettings)
    assert problem.startswith(f"{name} cannot be used")
    assert "hunter2" not in problem
    assert "\n" not in problem


@pytest.mark.parametrize(("name", "value"), [("STET_PORT", "x"), ("STET_WEBHOOK_SECRET", " , ,")])
def test_the_receiver_names_what_it_cannot_use(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    (problem,) = problems(BotSettings)
    assert problem.startswith(f"{name} cannot be used")


def test_several_webhook_secrets_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STET_WEBHOOK_SECRET", "the-first-of-the-secrets, the-second-of-the-secrets")
    assert load(BotSettings).keys() == (b"the-first-of-the-secrets", b"the-second-of-the-secrets")


def test_a_key_in_one_line_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STET_PRIVATE_KEY", KEY.replace("\n", "\\n"))
    assert load(WorkerSettings).private_key.get_secret_value() == KEY


def test_a_key_in_a_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "app.pem"
    path.write_text(KEY)
    path.chmod(0o600)
    monkeypatch.delenv("STET_PRIVATE_KEY")
    monkeypatch.setenv("STET_PRIVATE_KEY_FILE", str(path))
    settings = load(WorkerSettings)
    assert settings.private_key.get_secret_value() == KEY
    assert settings.warnings() == ()
    path.chmod(0o644)
    assert "chmod 600" in load(WorkerSettings).warnings()[0]


def test_a_key_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STET_PRIVATE_KEY")
    monkeypatch.setenv("STET_PRIVATE_KEY_FILE", "/nowhere/app.pem")
    (problem,) = problems(WorkerSettings)
    assert "No such file" in problem


@pytest.mark.fault(73)
@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost/0",
        "redis://[::1]:6379",
        "rediss://:pw@redis.example:6380/0",
        "unix:///run/redis.sock?db=0",
    ],
)
def test_redis_nearby_or_encrypted_is_accepted(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("STET_REDIS_URL", url)
    assert load(BotSettings).redis_url.get_secret_value() == url


@pytest.mark.fault(73)
def test_plain_redis_elsewhere_must_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STET_REDIS_URL", "redis://redis:6379/0")
    (problem,) = problems(BotSettings)
    assert "STET_INSECURE_REDIS=true" in problem
    monkeypatch.setenv("STET_INSECURE_REDIS", "true")
    assert load(BotSettings).insecure_redis


@pytest.mark.parametrize("url", ["http://127.0.0.1:8001/api", "https://ghe.example/api/v3/"])
def test_another_github_is_accepted(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("STET_GITHUB_API_URL", url)
    assert load(WorkerSettings).github_api_url == url.rstrip("/")


@pytest.mark.fault(62)
def test_settings_do_not_show_secrets_when_printed() -> None:
    shown = repr(load(WorkerSettings)) + str(load(BotSettings))
    assert "PRIVATE" not in shown
    assert "a-secret" not in shown


@pytest.mark.end_to_end
@pytest.mark.parametrize(
    "command",
    [["bot.cli"], ["worker.cli", "work"], ["worker.cli", "up"], ["worker.cli", "queue", "list"]],
)
def test_without_its_settings_a_command_refuses_to_start(command: list[str]) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("STET_")}
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        env=bare,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert lines
    assert all(line.startswith("STET_") for line in lines)
    assert len(lines) == len(set(lines))
