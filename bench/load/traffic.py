"""Signed deliveries of real size, and 32 connections that send them as fast as they are answered."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bench.load.doors import SECRET

EXAMPLE = Path("tests/webhook_examples/pull_request/synchronize.payload.json")
CONNECTIONS = 32


@dataclass(frozen=True)
class Measured:
    """Answers a second, and how long the slowest hundredth of them took at least."""

    per_second: float
    p99_seconds: float


@dataclass(frozen=True)
class Body:
    """A payload as it is sent, and its signature."""

    data: bytes
    signature: str


def bodies(pulls: int, installation: int = 1) -> list[Body]:
    """A push to each of so many pull requests."""
    payload = json.loads(EXAMPLE.read_text())
    payload["installation"] = {"id": installation}
    found = []
    for number in range(1, pulls + 1):
        payload["number"] = payload["pull_request"]["number"] = number
        data = json.dumps(payload, separators=(",", ":")).encode()
        digest = hmac.new(SECRET.encode(), data, hashlib.sha256).hexdigest()
        found.append(Body(data, f"sha256={digest}"))
    return found


def request_of(body: Body) -> bytes:
    """A delivery of its own, as it goes over the wire."""
    head = (
        "POST /webhooks/github HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"X-GitHub-Event: pull_request\r\nX-GitHub-Delivery: {uuid4()}\r\n"
        f"X-Hub-Signature-256: {body.signature}\r\nContent-Length: {len(body.data)}\r\n\r\n"
    )
    return head.encode() + body.data


async def answer_to(
    request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> int:
    """Send a request and read its answer to the end; the status."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    await _skip_body(head, reader)
    return int(head.split(b" ", 2)[1])


async def _send(port: int, requests: list[bytes], times: list[float]) -> None:
    """One connection: takes requests from the end of the list until it is empty."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while requests:
        begin = time.perf_counter()
        status = await answer_to(requests.pop(), reader, writer)
        if status != 202:
            raise RuntimeError(f"answered with {status}")
        times.append(time.perf_counter() - begin)
    writer.close()


async def _skip_body(head: bytes, reader: asyncio.StreamReader) -> None:
    lines = head.lower().split(b"\r\n")
    length = next((line for line in lines if line.startswith(b"content-length:")), None)
    if length is not None:
        await reader.readexactly(int(length.partition(b":")[2]))
        return
    while (await reader.readline()).strip() != b"0":  # chunks, each behind its size
        await reader.readline()
    await reader.readline()


def measure(port: int, sent: Sequence[Body], count: int) -> Measured:
    """Send `count` deliveries, each with an id of its own."""
    requests = [request_of(sent[number % len(sent)]) for number in range(count)]
    times: list[float] = []

    async def run() -> float:
        begin = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(_send(port, requests, times))
        return time.perf_counter() - begin

    seconds = asyncio.run(run())
    return Measured(count / seconds, sorted(times)[int(len(times) * 0.99)])
