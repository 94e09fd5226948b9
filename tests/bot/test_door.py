"""The receiver as GitHub meets it: a real process, HTTP, a real Redis."""

from __future__ import annotations

import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest
from redis import Redis
from waiting import wait_for as wait

from worker.turns import Turns

if TYPE_CHECKING:
    from tests.conftest import RedisServer

EXAMPLES = Path(__file__).parents[1] / "webhook_examples"
OLD, NEW = "the-old-secret-of-tests", "the-new-secret-of-tests"
OPENED = json.dumps(
    {
        "action": "opened",
        "installation": {"id": 5},
        "repository": {"id": 6, "name": "shop", "owner": {"login": "octo"}},
        "pull_request": {"number": 7, "state": "open"},
    }
).encode()
GITHUB_WAITS = 10.0


wait_for = partial(wait, seconds=30.0)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Receiver:
    def __init__(self, redis_url: str, log: Path, **environment: str) -> None:
        self.port = free_port()
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot.cli", "--port", str(self.port)],
                env={
                    **os.environ,
                    "STET_APP_ID": "29310",
                    "STET_WEBHOOK_SECRET": f"{OLD}, {NEW}",
                    "STET_REDIS_URL": redis_url,
                    "STET_LOG_FORMAT": "json",
                    **environment,
                },
                stdout=output,
                stderr=output,
            )
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", timeout=30, trust_env=False
        )
        wait_for(self._listens)

    def _listens(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def deliver(
        self,
        body: bytes = OPENED,
        *,
        event: str = "pull_request",
        delivery: str = "",
        secret: str = NEW,
        **headers: str,
    ) -> httpx.Response:
        sent = {
            "content-type": "application/json",
            "user-agent": "GitHub-Hookshot/044aadd",
            "x-github-event": event,
            "x-github-delivery": delivery or str(uuid4()),
            "x-hub-signature-256": sign(body, secret),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        raw = [(name.encode(), value.encode()) for name, value in sent.items() if value]
        return self.client.post("/webhooks/github", content=body, headers=raw)

    def end(self) -> None:
        self.client.close()
        self.process.terminate()
        assert self.process.wait(10) == 0


def sign(body: bytes, secret: str) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()


@contextmanager
def receiving(redis_url: str, log: Path, **environment: str) -> Iterator[Receiver]:
    receiver = Receiver(redis_url, log, **environment)
    try:
        yield receiver
    finally:
        receiver.end()


@pytest.fixture
def receiver(redis_url: str, tmp_path: Path) -> Iterator[Receiver]:
    with receiving(redis_url, tmp_path / "receiver.log") as started:
        yield started


@pytest.fixture
def turns(redis_url: str) -> Iterator[Turns]:
    with Redis.from_url(redis_url, decode_responses=True) as client:
        yield Turns(client)


@pytest.mark.end_to_end
def test_a_signed_event_is_in_the_queue_when_github_has_its_answer(
    receiver: Receiver, turns: Turns
) -> None:
    answer = receiver.deliver()
    assert answer.status_code == 202
    assert answer.json() == {"decision": "review", "pull_request": "octo/shop#7", "queue": "queued"}
    turn = turns.take()
    assert turn
    assert str(turn.key) == "octo/shop#7"


@pytest.mark.fault(1)
def test_whoever_cannot_sign_gets_nothing_done_and_nothing_back(
    receiver: Receiver, turns: Turns
) -> None:
    sha1 = "sha1=" + hmac.new(NEW.encode(), OPENED, "sha1").hexdigest()
    signatures = [
        "",
        "sha256=",
        sign(OPENED, "guess"),
        sign(OPENED, NEW)[:-1],
        sha1,
        "sha256=é\x80",
    ]
    for signature in signatures:
        answer = receiver.deliver(b"{broken" + OPENED, x_hub_signature_256=signature)
        assert answer.status_code == 401
        assert b"octo" not in answer.content
        assert signature.encode() not in answer.content or not signature
    assert turns.counts().ready == 0
    metrics = receiver.client.get("/metrics").text
    assert f'event="pull_request",result="401"}} {len(signatures)}.0' in metrics


@pytest.mark.fault(3)
def test_both_secrets_pass_while_they_are_changed(receiver: Receiver) -> None:
    statuses = [receiver.deliver(secret=secret).status_code for secret in (OLD, NEW, "third")]
    assert statuses == [202, 202, 401]


@pytest.mark.fault(4)
def test_ten_copies_of_a_delivery_at_once_are_one(receiver: Receiver, turns: Turns) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: receiver.deliver(delivery="same"), range(10)))
    assert {answer.status_code for answer in answers} == {202}
    assert sorted(answer.json()["queue"] for answer in answers) == ["queued", *["repeated"] * 9]
    assert turns.counts().ready == 1


@pytest.mark.fault(7)
def test_every_example_of_githubs_is_answered_well(receiver: Receiver) -> None:
    examples = sorted(EXAMPLES.rglob("*.json"))
    refused = [
        (path.name, answer.text)
        for path in examples
        if not (answer := receiver.deliver(path.read_bytes(), event=path.parent.name)).is_success
    ]
    assert len(examples) == 79
    assert refused == []


@pytest.mark.fault(8)
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"a":' * 100_000, b'{"x": NaN}', rb'{"action": "\ud800"}', b"\xff", b"[1]"],
    ids=["empty", "cut", "deep", "nan", "surrogate", "bytes", "array"],
)
def test_signed_rubbish_is_refused_and_the_door_stays_open(receiver: Receiver, body: bytes) -> None:
    assert receiver.deliver(body).status_code == 400
    assert receiver.deliver().status_code == 202


@pytest.mark.fault(7)
@pytest.mark.parametrize("missing", ["x_github_event", "x_github_delivery"])
def test_a_delivery_without_its_headers_is_refused(receiver: Receiver, missing: str) -> None:
    headers: dict[str, Any] = {missing: ""}
    assert receiver.deliver(**headers).status_code == 400


@pytest.mark.fault(11)
def test_a_form_is_refused_with_the_cure(receiver: Receiver) -> None:
    answer = receiver.deliver(content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 415
    assert "application/json" in answer.json()["error"]


def test_the_webhook_takes_post_alone(receiver: Receiver) -> None:
    assert receiver.client.get("/webhooks/github").status_code == 405


@pytest.mark.fault(6)
def test_too_large_a_body_is_refused_before_it_is_read(receiver: Receiver) -> None:
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=30) as connection:
        connection.sendall(_head(f"content-length: {26 * 1024 * 1024}"))
        assert b" 413 " in connection.recv(1000)


@pytest.mark.fault(6)
def test_an_endless_body_is_cut_off_and_does_not_fill_the_memory(receiver: Receiver) -> None:
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=30) as connection:
        connection.sendall(_head("transfer-encoding: chunked"))
        try:
            for _ in range(60):
                connection.sendall(chunk)
            answer = connection.recv(1000)
        except OSError:  # cut off while we sent
            answer = b" 413 "
    assert b" 413 " in answer
    assert _memory(receiver) < 160


@pytest.mark.fault(6)
def test_a_body_that_trickles_is_cut_off(receiver: Receiver) -> None:
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=30) as connection:
        connection.sendall(_head("content-length: 100") + b"{")
        assert b" 408 " in connection.recv(1000)
        connection.settimeout(5)
        while connection.recv(1000):
            pass


def _head(length: str) -> bytes:
    return (
        "POST /webhooks/github HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        f"x-github-event: push\r\nx-github-delivery: 1\r\n{length}\r\n\r\n"
    ).encode()


def _memory(receiver: Receiver) -> float:
    """Resident, in MiB."""
    shown = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(receiver.process.pid)],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(shown.stdout) / 1024


def _seconds(act: Callable[[], httpx.Response]) -> tuple[int, float]:
    start = time.monotonic()
    return act().status_code, time.monotonic() - start


@pytest.mark.fault(5, 9)
@pytest.mark.parametrize("fault", ["gone", "hung", "full", "read-only", "locked"])
def test_without_a_queue_github_is_told_to_deliver_again(
    own_redis: RedisServer, tmp_path: Path, fault: str
) -> None:
    with (
        receiving(own_redis.url, tmp_path / "receiver.log") as receiver,
        Redis.from_url(own_redis.url) as admin,
    ):
        assert receiver.deliver().status_code == 202
        _break(fault, own_redis, admin)
        status, seconds = _seconds(lambda: receiver.deliver(delivery="missed"))
        assert status == 503
        assert seconds < GITHUB_WAITS / 2, "far from GitHub's patience; the figure is in the bench"
        assert receiver.client.get("/healthz").status_code == 200
        assert receiver.client.get("/readyz").status_code == 503
        assert "stet_redis_up 0.0" in receiver.client.get("/metrics").text
        assert receiver.client.get("/").status_code == 200
        _mend(fault, own_redis, admin)
        wait_for(lambda: receiver.client.get("/readyz").status_code == 200)
        again = receiver.deliver(delivery="missed")
        assert again.status_code == 202
        # A hung Redis may have done in the end what we had given up.
        assert again.json()["queue"] in {"coalesced", "repeated"}


def _break(fault: str, server: RedisServer, admin: Redis) -> None:
    match fault:
        case "gone":
            time.sleep(1.2)  # let what was queued reach the disk
            server.kill()
        case "hung":
            server.process.send_signal(signal.SIGSTOP)
        case "full":
            admin.config_set("maxmemory", 1)
        case "read-only":
            admin.config_set("replica-read-only", "yes")
            admin.replicaof("127.0.0.1", "1")
        case _:
            admin.config_set("requirepass", "hunter2")
            admin.auth("hunter2")
            admin.client_kill_filter(_type="normal", skipme=True)


def _mend(fault: str, server: RedisServer, admin: Redis) -> None:
    match fault:
        case "gone":
            server.restart()
        case "hung":
            server.process.send_signal(signal.SIGCONT)
        case "full":
            admin.config_set("maxmemory", 0)
        case "read-only":
            admin.replicaof("NO", "ONE")
        case _:
            admin.config_set("requirepass", "")


@pytest.mark.fault(9)
def test_the_receiver_starts_while_redis_is_away(tmp_path: Path) -> None:
    with receiving(f"unix://{tmp_path}/none.sock", tmp_path / "receiver.log") as receiver:
        assert receiver.deliver().status_code == 503


@pytest.mark.fault(9)
def test_an_evicting_redis_is_not_ready(own_redis: RedisServer, tmp_path: Path) -> None:
    with (
        receiving(own_redis.url, tmp_path / "receiver.log") as receiver,
        Redis.from_url(own_redis.url) as admin,
    ):
        assert receiver.client.get("/readyz").json() == {"ready": True, "problems": []}
        admin.config_set("maxmemory", 10**9)
        admin.config_set("maxmemory-policy", "allkeys-lru")
        admin.config_set("appendonly", "no")
        answer = receiver.client.get("/readyz")
        assert answer.status_code == 503
        problems = " ".join(answer.json()["problems"])
        assert "maxmemory-policy noeviction" in problems
        assert "appendonly yes" in problems


def test_the_receiver_is_light_and_knows_neither_rules_nor_github(tmp_path: Path) -> None:
    code = (
        "import sys, bot.app, bot.cli, uvicorn\n"
        "heavy = {'libcst', 'githubkit', 'rules', 'rq', 'worker.jobs', 'worker.github'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert shown.stdout.strip() == "[]"


def test_the_receiver_stays_under_120_mebibytes(receiver: Receiver) -> None:
    for number in range(200):
        receiver.deliver(OPENED.replace(b'"number": 7', b'"number": %d' % (number + 1)))
    receiver.client.get("/")
    receiver.client.get("/metrics")
    assert _memory(receiver) < 120


@pytest.mark.fault(68)
def test_pages_are_for_this_machine_alone(receiver: Receiver) -> None:
    for path in ("/", "/metrics"):
        assert receiver.client.get(path).status_code == 200
        for header in ("x-forwarded-for", "forwarded", "x-real-ip"):
            through_proxy = receiver.client.get(path, headers={header: "127.0.0.1"})
            assert through_proxy.status_code == 404
        rebound = receiver.client.get(path, headers={"host": "evil.example"})
        assert rebound.status_code == 404


def test_pages_are_for_everyone_who_has_the_token(redis_url: str, tmp_path: Path) -> None:
    token = "a-token-for-the-pages-of-tests"
    given = {"STET_PAGES": "everyone", "STET_PAGES_TOKEN": token}
    with receiving(redis_url, tmp_path / "log", **given) as receiver:
        proxied = {"x-forwarded-for": "10.1.1.1"}
        assert receiver.client.get("/", headers=proxied).status_code == 303
        allowed = {**proxied, "authorization": f"Bearer {token}"}
        assert receiver.client.get("/", headers=allowed).status_code == 200


def test_pages_for_everyone_need_a_long_token() -> None:
    given = {"STET_APP_ID": "1", "STET_WEBHOOK_SECRET": NEW, "STET_REDIS_URL": "unix:///x"}
    for more in ({}, {"STET_PAGES_TOKEN": "short"}):
        shown = subprocess.run(
            [sys.executable, "-m", "bot.cli", "--check"],
            env={**os.environ, **given, "STET_PAGES": "everyone", **more},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert shown.returncode == 2
        assert "STET_PAGES_TOKEN cannot be used" in shown.stderr
        assert "short" not in shown.stderr


@pytest.mark.fault(58, 68)
def test_the_page_runs_nothing_and_shows_names_as_text(receiver: Receiver) -> None:
    receiver.deliver()
    page = receiver.client.get("/")
    assert "octo/shop#7" in page.text
    assert "<script" not in page.text
    assert page.headers["content-security-policy"].startswith(
        "default-src 'none'; style-src 'nonce-"
    )


@pytest.mark.fault(62)
def test_no_secret_reaches_the_log(receiver: Receiver) -> None:
    receiver.deliver(delivery=f"{NEW} ghs_{'a' * 36}")
    receiver.deliver(secret="wrong")
    wait_for(lambda: "octo/shop#7" in receiver.log.read_text())
    log = receiver.log.read_text()
    for secret in (OLD, NEW, "ghs_aaa", sign(OPENED, NEW)):
        assert secret not in log


@pytest.mark.fault(28)
def test_a_full_disk_under_the_log_does_not_stop_deliveries(redis_url: str) -> None:
    with receiving(redis_url, Path("/dev/full")) as receiver:
        assert [receiver.deliver().json()["decision"] for _ in range(100)] == ["review"] * 100
