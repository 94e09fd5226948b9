"""The ledger when Redis holds nonsense, or cannot be asked."""

from __future__ import annotations

from contextlib import closing

import pytest
from redis import Redis
from redis.exceptions import RedisError

from worker.ledger import Ledger, Ledgers
from worker.request import PullRequestKey

KEY = PullRequestKey(installation=5, repository_id=6, owner="octo", repository="shop", number=7)
NOBODY_LISTENS = "redis://127.0.0.1:1/0"


def test_a_ledger_that_cannot_be_read_is_put_together_anew(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING")  # whatever a test before has the process say
    with closing(Redis.from_url(redis_url)) as redis:
        ledgers = Ledgers(redis)
        ledgers.write(KEY, Ledger(said={"a path": "SEC101"}))
        [name] = redis.keys("*")
        redis.set(name, b"{")

        assert ledgers.read(KEY) is None
    assert "put together anew" in caplog.text


def test_a_role_is_asked_for_again_and_nothing_refused_while_redis_is_away() -> None:
    with closing(Redis.from_url(NOBODY_LISTENS)) as redis:
        ledgers = Ledgers(redis)
        ledgers.keep_role(KEY, "alice", "write")

        assert ledgers.role(KEY, "alice") is None
        assert ledgers.allows("answers", 1, 60)
        with pytest.raises(RedisError):
            ledgers.write(KEY, Ledger())
