"""`python -m bench.load.flood`: more deliveries a second than planned, for a minute, and after.

Deliveries come when they are due, whether or not those before them are answered: a receiver that
is slow gets no mercy, and a delivery's time runs from when it was due. As GitHub does, the sender
gives up after 10 seconds. No worker runs, so the queue only grows.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import click
import uvloop
from redis import Redis
from rich.console import Console
from rich.table import Table

from bench.load.started import Door, started_door, started_redis
from bench.load.traffic import Body, answer_to, bodies, request_of
from worker.turns import Turns

PATIENCE = 10.0
"""Seconds that GitHub waits for an answer."""
NO_ANSWER = 0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Offered:
    """What became of deliveries: how many by status, and the seconds of those answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def within(self, share: float) -> float:
        """The milliseconds in which this share of the answers came."""
        last = min(len(self.seconds) - 1, int(len(self.seconds) * share))
        return sorted(self.seconds)[last] * 1000 if self.seconds else float("nan")


@dataclass
class Sizes:
    """Memory in MB: now, and the most that was seen."""

    door: float
    redis: float
    door_most: float = 0.0
    redis_most: float = 0.0


class _Sender:
    """Delivers over as many connections as are under way at once, up to a bound."""

    def __init__(self, port: int, sent: Sequence[Body], connections: int) -> None:
        self._port = port
        self._payloads = cycle(sent)
        self._connections = connections
        self._under_way = 0
        self._idle: list[Streams] = []
        self.offered = Offered()

    async def offer(self, rate: float, seconds: float) -> Offered:
        """Deliveries at an even pace; returns when the last has its answer or is given up."""
        begin = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(max(1, int(rate * seconds))):
                due = begin + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(self._deliver(due))
        for _, writer in self._idle:
            writer.close()
        return self.offered

    async def _deliver(self, due: float) -> None:
        status = NO_ANSWER
        if self._under_way < self._connections:
            self._under_way += 1
            with suppress(TimeoutError, OSError, asyncio.IncompleteReadError):
                async with asyncio.timeout(due + PATIENCE - time.perf_counter()):
                    status = await self._answer()
                self.offered.seconds.append(time.perf_counter() - due)
            self._under_way -= 1
        self.offered.statuses[status] += 1

    async def _answer(self) -> int:
        streams = self._idle.pop() if self._idle else None
        streams = streams or await asyncio.open_connection("127.0.0.1", self._port)
        status = NO_ANSWER
        try:
            status = await answer_to(request_of(next(self._payloads)), *streams)
        finally:
            if status == 202:
                self._idle.append(streams)
            else:
                streams[1].close()
        return status


def _offer(port: int, sent: Sequence[Body], rate: float, seconds: float, most: int) -> Offered:
    return uvloop.run(_Sender(port, sent, most).offer(rate, seconds))


def _recovery(port: int, sent: Sequence[Body], usual: float) -> float:
    """Seconds until a single delivery takes no more than thrice its usual milliseconds."""
    begin = time.perf_counter()
    while _offer(port, sent, 1, 1, 1).within(1) > 3 * usual:
        time.sleep(0.02)
    return time.perf_counter() - begin


@contextmanager
def _watched(door: Door, client: Redis) -> Iterator[Sizes]:
    """Sizes that are looked at twice a second, and once more at the end."""
    sizes = Sizes(0.0, 0.0)
    done = threading.Event()

    def look() -> None:
        sizes.door, sizes.redis = door.memory(), client.info("memory")["used_memory"] / 1e6
        sizes.door_most = max(sizes.door_most, sizes.door)
        sizes.redis_most = max(sizes.redis_most, sizes.redis)

    def watch() -> None:
        while not done.wait(0.5):
            look()

    look()
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield sizes
    finally:
        done.set()
        thread.join()
        look()


def _drained(turns: Turns) -> float:
    """Pull requests a second that leave the queue when their reviews take no time at all."""
    begin, count = time.perf_counter(), 0
    while turn := turns.take():
        turns.finish(turn)
        count += 1
    return count / (time.perf_counter() - begin)


@click.command()
@click.option("--rate", default=5000.0, help="Deliveries a second.")
@click.option("--seconds", default=60.0)
@click.option("--connections", default=8000, help="Open at once; what comes beyond has no answer.")
@click.option("--pulls", default=2000, help="Pull requests that they concern.")
def main(rate: float, seconds: float, connections: int, pulls: int) -> None:
    """Offer a load and tell what became of it."""
    table = Table("What", "Measured", box=None)
    sent = bodies(pulls)
    with tempfile.TemporaryDirectory(prefix="stet-flood-") as name, ExitStack() as stack:
        folder = Path(name)
        url = stack.enter_context(started_redis(folder / "redis"))
        client = stack.enter_context(Redis.from_url(url, decode_responses=True))
        door = stack.enter_context(started_door("stet", url, folder / "log"))
        _offer(door.port, sent, 20, 1, 9)  # connections, caches and scripts are made
        usual = _offer(door.port, sent, 20, 2, 9).within(0.5)
        at_rest = door.memory()
        client.flushall()
        with _watched(door, client) as sizes:
            offered = _offer(door.port, sent, rate, seconds, connections)
            recovery = _recovery(door.port, sent, usual)
        turns = Turns(client)
        ready = turns.counts().ready
        rows = {
            f"offered, {rate:,.1f} a second": f"{offered.statuses.total():,}",
            "put into the queue (202)": f"{offered.statuses[202]:,}",
            "refused (503)": f"{offered.statuses[503]:,}",
            "without an answer in 10 s": f"{offered.statuses[NO_ANSWER]:,}",
            "half / 99 % / all answered within": f"{offered.within(0.5):.1f} / "
            f"{offered.within(0.99):.1f} / {offered.within(1):.1f} ms",
            "one alone, before": f"{usual:.1f} ms",
            "as quick again after": f"{recovery:.2f} s",
            "memory of the receiver, before / most / after": f"{at_rest:.0f} / "
            f"{sizes.door_most:.0f} / {sizes.door:.0f} MB",
            "memory of Redis, most / after": f"{sizes.redis_most:.1f} / {sizes.redis:.1f} MB",
            "pull requests that wait": f"{ready:,}",
            "they leave the queue, without reviews": f"{_drained(turns):,.0f} a second",
        }
    for what, measured in rows.items():
        table.add_row(what, measured)
    Console().print(table)


if __name__ == "__main__":
    main()
