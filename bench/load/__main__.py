"""The table: the door against others, and what the queue costs in Redis."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click
from redis import Redis
from rich.console import Console
from rich.table import Table

from bench.load.started import started_door, started_redis
from bench.load.traffic import Measured, bodies, measure
from bench.speed import Row
from worker.request import PullRequestKey, ReviewRequest
from worker.turns import Turns

_PULLS = 400


def _compare(folder: Path, count: int, rounds: int) -> tuple[dict[str, Measured], float]:
    """The best round of each door, all of them in turn, and round trips to Redis for an event."""
    kinds = ["bare", "stet", "obvious"]
    if importlib.util.find_spec("gidgethub"):
        kinds.append("gidgethub")
    sent = bodies(_PULLS)
    best: dict[str, Measured] = {}
    with ExitStack() as stack:
        url = stack.enter_context(started_redis(folder / "redis"))
        client = stack.enter_context(Redis.from_url(url))
        doors = [started_door(kind, url, folder / f"{kind}.log") for kind in kinds]
        ports = {
            kind: stack.enter_context(door).port for kind, door in zip(kinds, doors, strict=True)
        }
        for kind in kinds:
            measure(ports[kind], sent, 200)  # connections, caches and scripts are made
        trips = 0.0
        for _ in range(rounds):
            for kind in kinds:
                client.flushall()
                before = _reads(client)
                found = measure(ports[kind], sent, count)
                if kind == "stet":
                    trips = round(
                        (_reads(client) - before) / count, 2
                    )  # the two questions are reads, too
                if kind not in best or found.per_second > best[kind].per_second:
                    best[kind] = found
    return best, trips


def _reads(client: Redis) -> int:
    """How often Redis has read from a connection: once for each round trip."""
    return int(client.info("stats")["total_reads_processed"])


def _memory(folder: Path, events: int, pulls: int) -> tuple[float, float]:
    """Bytes of Redis for each waiting pull request, and MB after many events on them."""
    with (
        started_redis(folder / "memory") as url,
        Redis.from_url(url, decode_responses=True) as client,
    ):
        turns = Turns(client)
        turns.enqueue(_push(0, pulls), "first")
        empty = client.info("memory")["used_memory"]
        for number in range(pulls):
            turns.enqueue(_push(number, pulls), f"delivery-{number}")
        each = (client.info("memory")["used_memory"] - empty) / pulls
        for number in range(pulls, events):
            turns.enqueue(_push(number, pulls), f"{number:08x}-0000-4000-8000-{number:012x}")
        return each, (client.info("memory")["used_memory"] - empty) / 1e6


def _push(number: int, pulls: int) -> ReviewRequest:
    place = number % pulls
    key = PullRequestKey(place % 97, place % 911, "acme", "orders", place)
    return ReviewRequest(key, "synchronize")


def _rows(best: dict[str, Measured], trips: float) -> list[Row]:
    ours = best["stet"]
    rows = [
        Row("a bare answer / ours", best["bare"].per_second / ours.per_second, 1 / 0.20, "\u00d7"),
        Row("the obvious receiver / ours", best["obvious"].per_second / ours.per_second, 1 / 1.5,
            "\u00d7"),
        Row("p99 of ours", ours.p99_seconds * 1000, 250, "ms"),
        Row("round trips to Redis for an event", trips, 1.0, ""),
    ]  # fmt: skip
    if "gidgethub" in best:
        theirs = best["gidgethub"].per_second
        rows.append(Row("gidgethub, verify only / ours", theirs / ours.per_second, 1.0, "\u00d7"))
    return rows


@click.command()
@click.option("--count", default=4000, help="Deliveries in a round.")
@click.option("--rounds", default=3, help="The best of so many counts.")
@click.option("--events", default=1_000_000, help="Events on 10,000 pull requests, for memory.")
def main(count: int, rounds: int, events: int) -> None:
    """Print the table; exit 1 if a budget is broken."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="stet-load-") as folder:
        best, trips = _compare(Path(folder), count, rounds)
        each, total = _memory(Path(folder), events, 10_000)
    for kind, found in best.items():
        console.print(
            f"{kind:10} {found.per_second:8.0f} /s   p99 {found.p99_seconds * 1000:.1f} ms"
        )
    rows = [*_rows(best, trips), Row("Redis for a waiting pull request", each, 2000, "bytes")]
    rows.append(Row(f"Redis after {events:,} events on 10,000 of them", total, 25, "MB"))
    table = Table("What", "Measured", "At most", "", box=None)
    for row in rows:
        mark = "[green]ok[/]" if row.is_met else "[red]over[/]"
        table.add_row(row.what, f"{row.value:.3f} {row.unit}", f"{row.limit:.3g}", mark)
    console.print(table)
    sys.exit(not all(row.is_met for row in rows))


if __name__ == "__main__":
    main()
