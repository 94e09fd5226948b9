"""`stet doctor`: every line is true, and each ill has its cure."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from click.testing import CliRunner
from redis import Redis
from rq import Worker
from service import Processes, free_port, wait_until_ready

from sandbox.faults import server_error
from sandbox.server import StandIn
from worker.alive import is_alive
from worker.doctor.command import doctor
from worker.doctor.github import github_lines
from worker.doctor.line import Line
from worker.doctor.queue import queue_lines
from worker.github.client import App
from worker.manifest import EVENTS, PERMISSIONS, manifest
from worker.request import PullRequestKey, ReviewRequest
from worker.turns import QUEUE, Turns

if TYPE_CHECKING:
    from tests.conftest import RedisServer

ROOT = Path(__file__).resolve().parents[2]
SHOP = PullRequestKey(5, 6, "octo", "shop", 7)


def test_the_manifest_is_the_one_that_people_read() -> None:
    shown = yaml.safe_load((ROOT / "app.yml").read_text())
    made = manifest("Stet", "https://stet.example.org", "https://stet.example.org/setup")
    assert made == shown


@dataclass
class Clinic:
    """An App on the stand-in, and the doctor's look at it."""

    github: StandIn
    number: int
    may_commit: bool = False

    def lines(self, public_url: str | None = "https://stet.example.org") -> dict[str, Line]:
        key, url = self.github.private_key_pem, self.github.api_url
        app = App(self.number, key, url, may_commit=self.may_commit)
        return {each.subject: each for each in github_lines(app, public_url)}


@pytest.fixture
def clinic() -> Iterator[Clinic]:
    with StandIn.start(events=EVENTS) as github:
        github.create_repository("acme/shop")
        github.install(["acme/shop"])
        github.set_webhook("https://stet.example.org/webhooks/github", ping=False)
        yield Clinic(github, github.app_id)
        assert github.violations == []


def test_a_healthy_app_has_only_good_lines(clinic: Clinic) -> None:
    lines = clinic.lines()
    assert {each.state for each in lines.values()} == {"ok"}
    assert lines.keys() == {
        "Clock", "App", "Permissions", "Events", "Webhook", "Deliveries", "Installations",
    }  # fmt: skip


@dataclass(frozen=True)
class Ill:
    """What goes wrong, which line says so, and words that it must hold."""

    break_it: Callable[[Clinic], object]
    subject: str
    state: str
    words: tuple[str, ...] = field(default=())


def _refused(clinic: Clinic) -> None:
    """The receiver knows another secret than the App."""
    clinic.github.set_webhook("http://127.0.0.1:9/webhooks/github")
    assert clinic.github.wait_until_delivered()


def _set(**fields: object) -> Callable[[Clinic], None]:
    def change(clinic: Clinic) -> None:
        for name, value in fields.items():
            setattr(clinic.github.app, name, value)

    return change


def _no_installation(clinic: Clinic) -> None:
    for number in clinic.github.state.installations:
        clinic.github.uninstall(number)


def _suspended(clinic: Clinic) -> None:
    for number in clinic.github.state.installations:
        clinic.github.suspend(number)


ILLS = {
    "the clock is wrong": Ill(lambda c: c.github.clock.advance(90), "Clock", "fail", ("NTP",)),
    "the App is another one": Ill(_set(id=4711), "App", "fail", ("STET_APP_ID",)),
    "a permission is missing": Ill(
        _set(permissions={**PERMISSIONS, "checks": "read"}),
        "Permissions", "fail", ("checks: write", "/apps/stet"),
    ),
    "a permission is too much": Ill(
        _set(permissions={**PERMISSIONS, "contents": "write", "secrets": "read"}),
        "Permissions", "warn", ("secrets: read", "STET_AUTOFIX=true"),
    ),
    "an event is missing": Ill(_set(events=EVENTS[1:]), "Events", "fail", (EVENTS[0],)),
    "there is no webhook": Ill(_set(webhook_url=None), "Webhook", "fail", ("no address",)),
    "the webhook goes elsewhere": Ill(
        _set(webhook_url="https://old.example.org/webhooks/github"),
        "Webhook", "fail", ("https://stet.example.org/webhooks/github",),
    ),
    "deliveries fail": Ill(_refused, "Deliveries", "fail", ("failed to connect",)),
    "it is installed nowhere": Ill(_no_installation, "Installations", "fail", ("/apps/stet",)),
}  # fmt: skip


@pytest.mark.parametrize("name", ILLS)
def test_an_ill_is_named_with_its_cure(clinic: Clinic, name: str) -> None:
    ill = ILLS[name]
    ill.break_it(clinic)
    line = clinic.lines()[ill.subject]
    assert line.state == ill.state
    assert line.cure
    for words in ill.words:
        assert words in f"{line.text} {line.cure}"


def test_who_suspended_the_app_is_named(clinic: Clinic) -> None:
    _suspended(clinic)
    app = App(clinic.github.app_id, clinic.github.private_key_pem, clinic.github.api_url)
    told = [each for each in github_lines(app, None) if each.subject == "Installations"]
    assert next((each.state, each.text) for each in told) == ("warn", "acme: suspended")


def test_the_autofix_tier_needs_one_permission_more(clinic: Clinic) -> None:
    clinic.may_commit = True
    line = clinic.lines()["Permissions"]
    assert (line.state, line.text) == ("fail", "missing contents: write")


def test_a_question_that_github_refuses_does_not_end_the_visit(clinic: Clinic) -> None:
    clinic.github.faults.add(server_error(502), path="/app/hook/config")
    lines = clinic.lines()
    assert lines["Webhook"].state == "warn"
    assert lines["Installations"].state == "ok"


def _queue(redis: Redis) -> dict[str, Line]:
    return {each.subject: each for each in queue_lines(redis)}


def test_redis_is_well_when_it_forgets_nothing(redis_url: str) -> None:
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        lines = _queue(redis)
    assert {n: each.state for n, each in lines.items() if n != "Workers"} == {
        "Redis": "ok", "Redis memory": "ok", "Redis on disk": "ok", "Redis clock": "ok",
        "Queue": "ok",
    }  # fmt: skip
    assert lines["Workers"].state == "fail"
    assert "stet work" in lines["Workers"].cure


def test_what_redis_would_lose_is_a_line(own_redis: RedisServer) -> None:
    with Redis.from_url(own_redis.url, decode_responses=True) as redis:
        redis.config_set("appendonly", "no")
        redis.config_set("maxmemory-policy", "allkeys-lru")
        redis.config_set("maxmemory", "100mb")
        turns = Turns(redis)
        turns.enqueue(ReviewRequest(SHOP, "opened"), "1")
        turn = turns.take()
        assert turn
        turns.give_up(turn, "it crashed")
        lines = _queue(redis)
    assert lines["Redis on disk"].state == "fail"
    assert "appendonly yes" in lines["Redis on disk"].cure
    assert lines["Redis memory"].state == "fail"
    assert "noeviction" in lines["Redis memory"].cure
    assert "stet queue retry" in lines["Given up"].cure


def test_a_redis_that_is_away_or_full_says_which(own_redis: RedisServer) -> None:
    with Redis.from_url(own_redis.url, decode_responses=True) as redis:
        redis.config_set("maxmemory", "1")
        assert "full" in _queue(redis)["Redis"].cure
    own_redis.kill()
    with Redis.from_url(own_redis.url, decode_responses=True) as redis:
        assert "STET_REDIS_URL" in _queue(redis)["Redis"].cure


def test_missing_settings_are_lines_and_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith("STET_")]:
        monkeypatch.delenv(name)
    shown = CliRunner().invoke(doctor, ["--format", "json"])
    lines = json.loads(shown.output)
    ill = [each for each in lines if each["state"] == "fail"]
    assert shown.exit_code == 1
    assert {each["text"].split()[0] for each in ill} == {
        "STET_APP_ID", "STET_PRIVATE_KEY", "STET_WEBHOOK_SECRET", "STET_REDIS_URL",
    }  # fmt: skip
    assert all(each["cure"] for each in ill)
    assert lines[-1]["subject"] == "Disk"


@pytest.mark.end_to_end
def test_a_running_stet_is_well_and_no_secret_is_told(redis_url: str, tmp_path: Path) -> None:
    with StandIn.start(events=EVENTS) as github:
        url = f"http://127.0.0.1:{free_port()}"
        given = github.environment(tmp_path / "key.pem")
        environment = {**os.environ, **given, "STET_REDIS_URL": redis_url, "STET_PUBLIC_URL": url}
        processes = Processes(environment, tmp_path / "log")
        try:
            processes.start("bot.cli", "--port", url.rpartition(":")[2])
            processes.start("worker.cli", "work")
            wait_until_ready(url)
            github.create_repository("acme/shop")
            github.install(["acme/shop"])
            github.set_webhook(f"{url}/webhooks/github")
            github.wait_until_delivered()
            _wait_for_worker(redis_url)
            shown = subprocess.run(
                [sys.executable, "-P", "-m", "worker.doctor.command"],
                env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
        finally:
            processes.stop()
    assert shown.stdout.endswith("\nAll is well.\n"), shown.stdout
    assert shown.returncode == 0
    assert "Receiver: " in shown.stdout
    for secret in (github.webhook_secret, "PRIVATE KEY"):
        assert secret not in shown.stdout + shown.stderr


def _wait_for_worker(redis_url: str) -> None:
    deadline = time.monotonic() + 60
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        while _queue(redis)["Workers"].state != "ok":
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_probe_tells_a_living_worker_from_a_dead_one(redis_url: str) -> None:
    now = datetime.now(UTC)
    with (
        Redis.from_url(redis_url) as raw,
        Redis.from_url(redis_url, decode_responses=True) as redis,
    ):
        assert not is_alive(redis, socket.gethostname(), now)
        Worker([QUEUE], connection=raw).register_birth()  # type: ignore[no-untyped-call]
        assert is_alive(redis, socket.gethostname(), now)
        assert not is_alive(redis, "another-pod", now)
        assert not is_alive(redis, socket.gethostname(), now + timedelta(minutes=5))


@pytest.mark.fault(9)
def test_a_probe_starts_no_worker_again_while_redis_is_away(tmp_path: Path) -> None:
    environment = {**os.environ, "STET_REDIS_URL": f"unix://{tmp_path}/none"}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "worker.alive"], env=environment, check=False
    )
    assert done.returncode == 0
