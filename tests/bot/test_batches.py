"""Calls that share an exchange with Redis: a real one, broken in the middle where it hurts."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import ConnectionError as BrokenError
from redis.exceptions import ResponseError

from bot.batches import Batches

if TYPE_CHECKING:
    from tests.conftest import RedisServer

KEYS = ("names",)
# 1 when the name is new, 0 when it stands there already; on a wrong name an error of its own.
SCRIPT = """
if ARGV[1] == 'wrong' then return redis.call('INCR', KEYS[1]) end
return redis.call('SADD', KEYS[1], ARGV[1])
"""


def in_batches(
    url: str, act: Callable[[Batches], Awaitable[Any]], *, seconds: float = 20.0, most: int = 64
) -> None:
    asyncio.run(_in_batches(url, act, seconds, most))


async def _in_batches(
    url: str, act: Callable[[Batches], Awaitable[Any]], seconds: float, most: int
) -> None:
    redis = AsyncRedis.from_url(url, decode_responses=True)
    try:
        await act(Batches(redis, SCRIPT, seconds=seconds, most=most))
    finally:
        await redis.aclose()


async def _all(batches: Batches, *names: str) -> list[Any]:
    calls = (batches(KEYS, [name]) for name in names)
    return await asyncio.gather(*calls, return_exceptions=True)


def _names(count: int) -> list[str]:
    return [f"name-{number}" for number in range(count)]


def _reads(client: Redis) -> int:
    return int(client.info("stats")["total_reads_processed"])


@pytest.mark.parametrize(("most", "exchanges"), [(64, 1), (4, 3)])
def test_calls_that_wait_together_go_together_up_to_the_bound(
    redis_url: str, most: int, exchanges: int
) -> None:
    async def act(batches: Batches) -> None:
        assert await batches(KEYS, ["first"]) == 1  # connection and script are there now
        with Redis.from_url(redis_url) as client:
            before = _reads(client)
            assert await _all(batches, *_names(9), "name-0") == [1] * 9 + [0]
            assert _reads(client) - before == exchanges + 1, "the last is the question itself"

    in_batches(redis_url, act, most=most)


def test_an_error_is_the_calls_own(redis_url: str) -> None:
    async def act(batches: Batches) -> None:
        await batches(KEYS, ["first"])
        one, wrong, other = await _all(batches, "one", "wrong", "other")
        assert (one, other) == (1, 1)
        assert isinstance(wrong, ResponseError)

    in_batches(redis_url, act)


def test_a_redis_that_forgot_the_script_learns_it_again(redis_url: str) -> None:
    async def act(batches: Batches) -> None:
        for _ in range(2):
            assert set(await _all(batches, *_names(10))) <= {0, 1}
            with Redis.from_url(redis_url) as client:
                assert client.scard("names") == 10
                client.script_flush()

    in_batches(redis_url, act)


@pytest.mark.fault(9)
def test_when_a_connection_breaks_only_what_was_answered_counts_as_done(
    redis_url: str, tmp_path: Path
) -> None:
    async def act(relay: Relay, batches: Batches) -> None:
        assert await batches(KEYS, ["first"]) == 1
        relay.left = len(b":1\r\n")
        answered, *others = await _all(batches, *_names(5))
        assert answered == 1
        assert all(isinstance(each, BrokenError) for each in others)
        relay.left = None
        # Redis had done them all the same: asking again, as GitHub does, does no harm.
        assert await _all(batches, *_names(6)) == [0] * 5 + [1]

    through_relay(redis_url, tmp_path / "relay.sock", act)


def test_a_caller_that_goes_away_does_not_disturb_the_others(
    redis_url: str, tmp_path: Path
) -> None:
    async def act(relay: Relay, batches: Batches) -> None:
        await batches(KEYS, ["first"])
        relay.open.clear()
        calls = [asyncio.ensure_future(call) for call in _calls(batches, _names(5))]
        await relay.asked()
        late = [asyncio.ensure_future(call) for call in _calls(batches, ["late", "later"])]
        await asyncio.sleep(0)
        for each in (calls[0], late[0]):
            each.cancel()
        relay.open.set()
        answers = await asyncio.gather(*calls, *late, return_exceptions=True)
        assert [type(each) for each in answers].count(asyncio.CancelledError) == 2
        assert answers[1:5] == [1] * 4
        assert answers[6] == 1

    through_relay(redis_url, tmp_path / "relay.sock", act)


@pytest.mark.fault(5, 9)
def test_every_call_ends_when_redis_hangs_those_in_line_too(own_redis: RedisServer) -> None:
    async def act(batches: Batches) -> None:
        await batches(KEYS, ["first"])
        own_redis.process.send_signal(signal.SIGSTOP)
        answers = await asyncio.wait_for(_all(batches, *_names(50)), 30)
        assert {type(each) for each in answers} == {TimeoutError}
        own_redis.process.send_signal(signal.SIGCONT)
        assert await asyncio.wait_for(_all(batches, "after"), 30) == [1]

    in_batches(own_redis.url, act, seconds=1.0, most=8)


def _calls(batches: Batches, names: list[str]) -> list[Awaitable[Any]]:
    return [batches(KEYS, [name]) for name in names]


def through_relay(
    redis_url: str, path: Path, act: Callable[[Relay, Batches], Awaitable[Any]]
) -> None:
    async def run() -> None:
        relay = Relay(redis_url.removeprefix("unix://").partition("?")[0])
        async with await asyncio.start_unix_server(relay.serve, path):
            await _in_batches(f"unix://{path}", partial(act, relay), 20.0, 64)
            await asyncio.gather(*relay.served)

    asyncio.run(run())


class Relay:
    """Stands between a client and Redis. Answers pass while it is open, and so many bytes of them."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._asked = asyncio.Event()
        self.served: list[asyncio.Task[Any]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.left: int | None = None

    async def asked(self) -> None:
        """Wait for the next question."""
        self._asked.clear()
        await asyncio.wait_for(self._asked.wait(), 30)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.served.append(task)
        answers, questions = await asyncio.open_unix_connection(self._socket)
        await asyncio.gather(self._ask(reader, questions), self._answer(answers, writer))
        for each in (writer, questions):
            await each.wait_closed()

    async def _ask(self, reader: asyncio.StreamReader, questions: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            questions.write(data)
            self._asked.set()
        questions.close()

    async def _answer(self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await answers.read(4096):
            await self.open.wait()
            if self.left is not None:
                data, self.left = data[: self.left], max(0, self.left - len(data))
            writer.write(data)
            if self.left == 0:
                break
        writer.close()
