"""Calls of one script that go to Redis together.

What comes while one exchange is under way waits for the next, so that under load a round trip
carries many deliveries. See docs/decisions/0009.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, ResponseError

MOST = 64
"""Calls in one exchange."""


@dataclass(frozen=True, slots=True)
class _Call:
    packed: bytes
    end: float
    answer: asyncio.Future[Any]


class Batches:
    """A script of Redis, called like redis-py's own, at less than one round trip a call.

    An error of one call is that call's alone. A connection that breaks fails every call of its
    exchange: none of them is known to be done. Every call ends within `seconds`, well or badly;
    the first in line sets the limit of an exchange, so that one timer does for all of them.
    """

    def __init__(self, redis: Redis, script: str, *, seconds: float, most: int = MOST) -> None:
        self._pool = redis.connection_pool
        self._script = redis.register_script(script)
        self._seconds = seconds
        self._most = most
        self._waiting: list[_Call] = []
        self._sender: asyncio.Task[None] | None = None

    async def __call__(self, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """The answer to one call. Raises RedisError, OSError or TimeoutError."""
        packed = _packed(["EVALSHA", self._script.sha, len(keys), *keys, *args])
        loop = asyncio.get_running_loop()
        call = _Call(packed, loop.time() + self._seconds, loop.create_future())
        self._waiting.append(call)
        if self._sender is None:
            self._sender = loop.create_task(self._send())
        try:
            return await call.answer
        except NoScriptError:  # a Redis that was set up or emptied since: it learns the script
            async with asyncio.timeout_at(call.end):
                return await self._script(keys=keys, args=args)

    async def _send(self) -> None:
        try:
            while self._waiting:
                calls, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._exchange(calls)
        finally:
            self._sender = None

    async def _exchange(self, calls: Sequence[_Call]) -> None:
        error: Exception = ConnectionError("the sender was stopped")
        try:
            async with asyncio.timeout_at(calls[0].end):
                await self._ask(calls)
        except Exception as found:  # noqa: BLE001  # whatever it was, each caller raises it
            error = found
        finally:
            for call in calls:
                _settle(call, error)

    async def _ask(self, calls: Sequence[_Call]) -> None:
        connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]  # redis-py
        try:
            await connection.send_packed_command([call.packed for call in calls])
            for call in calls:
                try:
                    _settle(call, await connection.read_response())
                except ResponseError as refused:
                    _settle(call, refused)
        finally:
            await self._pool.release(connection)


def _settle(call: _Call, answer: object) -> None:
    """Hand over the answer, unless the caller has gone or has one."""
    if call.answer.done():
        return
    if isinstance(answer, Exception):
        call.answer.set_exception(answer)
    else:
        call.answer.set_result(answer)


def _packed(parts: Sequence[object]) -> bytes:
    """A command as Redis reads it: redis-py's own way takes five times as long."""
    texts = [str(part).encode() for part in parts]
    return b"*%d\r\n" % len(texts) + b"".join(
        [b"$%d\r\n%b\r\n" % (len(text), text) for text in texts]
    )
