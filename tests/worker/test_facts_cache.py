from __future__ import annotations

import pytest
from redis import Redis

from worker import facts_cache
from worker.facts_cache import FactsCache
from worker.seal import Seal


def test_what_was_put_is_found_again_in_any_number(redis_url: str) -> None:
    items = {f"key{n}": b"\x00value%d" % n for n in range(1200)}
    with Redis.from_url(redis_url) as redis:
        cache = FactsCache(redis, 1)
        cache.put_many(items)

        assert cache.get_many([*items, "unknown"]) == items


@pytest.mark.fault(67)
def test_no_installation_reads_the_facts_of_another(redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        FactsCache(redis, 1).put_many({"same": b"secret"})

        assert FactsCache(redis, 2).get_many(["same"]) == {}
        assert FactsCache(redis, 11).get_many(["same"]) == {}


def test_facts_are_forgotten_after_a_while_and_too_big_ones_at_once(redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        FactsCache(redis, 1).put_many({"small": b"x", "big": bytes(facts_cache.MOST_BYTES + 1)})

        [name] = redis.scan_iter("*facts*")
        assert 0 < redis.ttl(name) <= facts_cache.KEPT_SECONDS


def test_a_full_redis_is_left_to_the_queue(redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        FactsCache(redis, 1, most_total_bytes=1).put_many({"key": b"value"})

        assert list(redis.scan_iter("*facts*")) == []


@pytest.mark.fault(9)
def test_a_redis_that_is_away_costs_only_time() -> None:
    with Redis(unix_socket_path="/nowhere/redis.sock") as redis:
        cache = FactsCache(redis, 1)
        cache.put_many({"key": b"value"})

        assert cache.get_many(["key"]) == {}


@pytest.mark.fault(61, 67)
def test_who_has_redis_reads_no_sealed_facts_and_passes_off_none(redis_url: str) -> None:
    seal = Seal("the private key", "facts")
    with Redis.from_url(redis_url) as redis:
        cache = FactsCache(redis, 1, seal=seal)
        cache.put_many({"a": b"password = 'hunter2'", "b": b"x = 1"})
        kept = redis.get("{stet}:facts:1:a")
        redis.set("{stet}:facts:1:b", kept or b"")
        redis.set("{stet}:facts:1:c", b"short")

        assert kept
        assert b"hunter2" not in kept
        assert cache.get_many(["a", "b", "c"]) == {"a": b"password = 'hunter2'"}
        assert FactsCache(redis, 1, seal=Seal("another", "facts")).get_many(["a"]) == {}
