"""Redis, the queue in it, the workers on it, and the disk of this machine."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from redis.exceptions import NoPermissionError, RedisError, ResponseError

from worker.doctor.line import Line, fail, warn, well
from worker.roster import FIELDS, ROSTER, Worker, worker_of
from worker.turns import PREFIX, Turns

if TYPE_CHECKING:
    from redis import Redis

MOST_SKEW = 30.0
LONG_WAIT = 300.0
LEAST_FREE = 200 * 1024 * 1024
_NEARLY_FULL = 0.8


def queue_lines(redis: Redis) -> Iterator[Line]:
    """`redis` must decode responses."""
    began = time.monotonic()
    try:
        redis.set(f"{PREFIX}probe", 1, ex=60)
    except RedisError as error:
        yield _away(error)
        return
    milliseconds = (time.monotonic() - began) * 1000
    try:
        version = redis.info("server").get("redis_version", "?")
        yield well("Redis", f"version {version} takes work, {milliseconds:.1f} ms")
        yield from _memory(redis)
        yield from _persistence(redis)
        yield _redis_clock(redis)
        yield _workers(redis)
        yield from _work(redis)
    except RedisError as error:
        yield _away(error)


def _away(error: RedisError) -> Line:
    kind = type(error).__name__
    cure = "See that it runs, that STET_REDIS_URL names it, and that no firewall is between."
    if isinstance(error, NoPermissionError) or "NOAUTH" in str(error):
        cure = "Put the user and the password into STET_REDIS_URL: rediss://user:password@host/0."
    elif str(error).startswith(("READONLY", "You can't write against a read only")):
        cure = "STET_REDIS_URL names a replica; name the primary."
    elif str(error).startswith(("OOM", "command not allowed when used memory")):
        cure = "Its memory is full: raise maxmemory. Stet needs less than 2 kB a pull request."
    return fail("Redis", f"does not take work ({kind})", cure)


def _config(redis: Redis, name: str) -> Mapping[str, str]:
    try:
        return cast("Mapping[str, str]", redis.config_get(name))
    except ResponseError:
        return {}  # managed services forbid the question


def _memory(redis: Redis) -> Iterator[Line]:
    memory = redis.info("memory")
    policy = _config(redis, "maxmemory-policy").get("maxmemory-policy") or memory.get(
        "maxmemory_policy", "noeviction"
    )
    most, used = int(memory.get("maxmemory", 0)), int(memory.get("used_memory", 0))
    if policy != "noeviction":
        state = fail if most else warn
        cure = "Set maxmemory-policy noeviction; any other throws queued reviews away when full."
        yield state("Redis memory", f"maxmemory-policy is {policy}", cure)
    elif most and used > _NEARLY_FULL * most:
        cure = "Raise maxmemory: when it is full, GitHub's deliveries are refused."
        yield warn("Redis memory", f"{used / most:.0%} of {most / 2**20:.0f} MB are used", cure)
    else:
        limit = f" of {most / 2**20:.0f} MB" if most else ", no limit"
        yield well("Redis memory", f"noeviction, {used / 2**20:.1f} MB used{limit}")


def _persistence(redis: Redis) -> Iterator[Line]:
    told = redis.info("persistence")
    subject = "Redis on disk"
    if not told.get("aof_enabled"):
        cure = "Set appendonly yes, or the queue is gone when Redis restarts."
        yield fail(subject, "no append-only file", cure)
        return
    if told.get("aof_last_write_status", "ok") != "ok":
        cure = "See its log: its disk is full or may not be written."
        yield fail(subject, "the last write to the append-only file failed", cure)
        return
    how = _config(redis, "appendfsync").get("appendfsync", "")
    if how == "no":
        cure = "Set appendfsync everysec."
        yield warn(subject, "appendfsync is no: a loss of power costs up to 30 s of work", cure)
        return
    yield well(subject, f"append-only file{f', fsync {how}' if how else ''}")


def _redis_clock(redis: Redis) -> Line:
    seconds, micros = redis.time()
    skew = seconds + micros / 1e6 - time.time()
    if abs(skew) > MOST_SKEW:
        cure = "Set both clocks by NTP. Turns go by the clock of Redis; waits are shown wrongly."
        return warn("Redis clock", f"{skew:+.0f} s from this machine", cure)
    return well("Redis clock", f"{skew:+.1f} s from this machine")


def workers_of(redis: Redis) -> list[Worker]:
    """Every worker whose sign of life has not run out. `redis` must decode responses."""
    names = sorted(cast("set[str]", redis.smembers(ROSTER)))
    found = []
    for name in names:
        values = cast("list[str | None]", redis.hmget(name, FIELDS))
        found.append(worker_of(dict(zip(FIELDS, values, strict=True))))
    return [each for each in found if each is not None]


def _workers(redis: Redis) -> Line:
    found = workers_of(redis)
    if not found:
        cure = "Start some: `stet work`, or `stet up` for everything on one machine."
        return fail("Workers", "none lives on this queue", cure)
    quiet = min((datetime.now(UTC) - each.beat).total_seconds() for each in found)
    busy = sum(each.state == "busy" for each in found)
    return well(
        "Workers", f"{len(found)}, of which {busy} busy; last sign {max(quiet, 0):.0f} s ago"
    )


def _work(redis: Redis) -> Iterator[Line]:
    counts = Turns(redis).counts()
    if counts.ready and counts.oldest_seconds > LONG_WAIT:
        text = f"{counts.ready} wait, the longest for {counts.oldest_seconds:.0f} s"
        yield warn("Queue", text, "Start more workers; docs/scaling.md says how many.")
    else:
        text = f"{counts.ready} wait, {counts.running} in review, {counts.later} put back"
        yield well("Queue", text)
    if counts.failures:
        cure = "`stet queue failed` names them, `stet queue retry --all` tries them again."
        yield warn("Given up", f"{counts.failures} pull requests", cure)


def disk_line() -> Line:
    """The folder for temporary files, where children that parse are given room."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        return warn("Disk", f"{free / 2**20:.0f} MB free in {folder}", "Make room there.")
    return well("Disk", f"{free / 2**30:.1f} GB free in {folder}")
