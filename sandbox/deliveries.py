"""Webhook deliveries: signed, numbered, logged, sent by one thread in the order of events."""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import httpx

from sandbox.clock import Clock
from sandbox.contract import Contract
from sandbox.entities import App, Json
from sandbox.faults import Faults

TIMEOUT = 10.0  # seconds, GitHub's
NOT_SENT = "not sent"


@dataclass(frozen=True)
class Delivery:
    """One attempt to hand over an event; another attempt has another id and the same GUID."""

    id: int
    guid: str
    app: App
    event: str
    action: str | None
    payload: Json
    installation_id: int | None
    repository_id: int | None
    delivered_at: str
    redelivery: bool = False
    violations: tuple[str, ...] = ()
    url: str | None = None
    status: str = NOT_SENT
    status_code: int = 0
    duration: float = 0.0
    request_headers: Mapping[str, str] = field(default_factory=dict)
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: str | None = None

    @property
    def name(self) -> str:
        return f"{self.event}.{self.action}" if self.action else self.event


class Deliveries:
    """The queue of deliveries and their log."""

    def __init__(self, contract: Contract, clock: Clock, faults: Faults) -> None:
        self._contract = contract
        self._clock = clock
        self._faults = faults
        self._log: list[Delivery] = []
        self._next_id = 70_001
        self._lock = threading.Lock()
        self._queue: queue.Queue[Delivery | None] = queue.Queue()
        self._held: list[Delivery] = []
        self._thread = threading.Thread(target=self._work, name="deliveries", daemon=True)
        self._thread.start()

    @property
    def log(self) -> list[Delivery]:
        """All deliveries so far, oldest first, each in its newest state."""
        with self._lock:
            return list(self._log)

    def emit(
        self,
        app: App,
        event: str,
        action: str | None,
        payload: Json,
        *,
        installation_id: int | None,
        repository_id: int | None,
    ) -> None:
        """Queue an event for an App. Without a webhook URL it is only logged."""
        delivery = Delivery(
            id=0,
            guid=str(uuid.uuid4()),
            app=app,
            event=event,
            action=action,
            payload=payload,
            installation_id=installation_id,
            repository_id=repository_id,
            delivered_at=self._clock.stamp(),
            violations=tuple(self._contract.event_violations(event, action, payload)),
        )
        self._enqueue(delivery)

    def redeliver(self, delivery: Delivery) -> None:
        again = replace(
            delivery, id=0, redelivery=True, delivered_at=self._clock.stamp(), status=NOT_SENT,
            status_code=0, response_body=None,
        )  # fmt: skip
        self._enqueue(again)

    def find(self, number: int) -> Delivery | None:
        return next((one for one in self.log if one.id == number), None)

    def wait_until_sent(self, timeout: float = 30.0) -> bool:
        """Whether everything emitted so far was handed over in time (held ones excepted)."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self._queue.unfinished_tasks == 0:
                return True
            time.sleep(0.005)
        return False

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join(timeout=TIMEOUT + 5)

    def _enqueue(self, delivery: Delivery) -> None:
        with self._lock:
            numbered = replace(delivery, id=self._next_id, url=delivery.app.webhook_url)
            self._next_id += 1
            self._log.append(numbered)
        self._queue.put(numbered)

    def _work(self) -> None:
        with httpx.Client(timeout=TIMEOUT, trust_env=False, follow_redirects=False) as client:
            while (delivery := self._queue.get()) is not None:
                self._handle(client, delivery)
                self._queue.task_done()

    def _handle(self, client: httpx.Client, delivery: Delivery) -> None:
        fault = self._faults.take_delivery(delivery.name)
        if fault == "held":
            self._held.append(delivery)
            return
        if fault == "lost":
            self._record(replace(delivery, status="failed to connect to host"))
        else:
            self._send(client, delivery)
        if fault == "doubled":
            self._send(client, delivery)
        while self._held:
            self._send(client, self._held.pop(0))

    def _send(self, client: httpx.Client, delivery: Delivery) -> None:
        if delivery.url is None:
            return
        body = json.dumps(delivery.payload, ensure_ascii=False, separators=(",", ":")).encode()
        headers = headers_of(delivery, body)
        start = time.monotonic()
        sent = replace(delivery, request_headers=headers)
        try:
            answer = client.post(delivery.url, content=body, headers=headers)
        except httpx.TimeoutException:
            sent = replace(sent, status="timed out")
        except httpx.HTTPError:
            sent = replace(sent, status="failed to connect to host")
        else:
            good = answer.is_success
            sent = replace(
                sent,
                status="OK" if good else f"Invalid HTTP Response: {answer.status_code}",
                status_code=answer.status_code,
                response_headers=dict(answer.headers),
                response_body=answer.text[:65_536],
            )
        self._record(replace(sent, duration=round(time.monotonic() - start, 3)))

    def _record(self, delivery: Delivery) -> None:
        with self._lock:
            place = next(i for i, one in enumerate(self._log) if one.id == delivery.id)
            self._log[place] = delivery


def headers_of(delivery: Delivery, body: bytes) -> dict[str, str]:
    """GitHub's headers for a delivery, the signature over the body's bytes among them."""
    app = delivery.app
    secret = app.webhook_secret.encode()
    return {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/5tand1n",
        "X-GitHub-Delivery": delivery.guid,
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Hook-ID": str(app.hook_id),
        "X-GitHub-Hook-Installation-Target-ID": str(app.id),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
        "X-Hub-Signature": "sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest(),
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(),
    }
