from __future__ import annotations

import time
from collections.abc import Callable

from redis import Redis

from worker.github.tokens import Token, Tokens
from worker.request import PullRequestKey

KEY = PullRequestKey(1, 2, "acme", "shop", 7)


def counting(seconds: float = 3600) -> tuple[Callable[[PullRequestKey], Token], list[str]]:
    """A mint, and the tokens that came out of it."""
    made: list[str] = []

    def mint(key: PullRequestKey) -> Token:
        made.append(f"ghs_{key.repository_id}_{len(made)}")
        return Token(made[-1], {"contents": "read"}, time.time() + seconds)

    return mint, made


def test_one_token_serves_many_reviews_of_a_repository(redis_url: str) -> None:
    mint, made = counting()
    with Redis.from_url(redis_url) as redis:
        first = Tokens(mint, app_id=1, secret="key", redis=redis).of(KEY)
        second = Tokens(mint, app_id=1, secret="key", redis=redis).of(KEY)

    assert first == second
    assert len(made) == 1


def test_each_repository_has_its_own(redis_url: str) -> None:
    mint, made = counting()
    other = PullRequestKey(1, 3, "acme", "other", 7)
    with Redis.from_url(redis_url) as redis:
        tokens = Tokens(mint, app_id=1, secret="key", redis=redis)

        assert tokens.of(KEY).value != tokens.of(other).value
    assert len(made) == 2


def test_a_token_in_its_last_minutes_is_not_given_out(redis_url: str) -> None:
    mint, made = counting(seconds=120)
    with Redis.from_url(redis_url) as redis:
        tokens = Tokens(mint, app_id=1, secret="key", redis=redis)
        tokens.of(KEY)
        tokens.of(KEY)

    assert len(made) == 2


def test_who_has_redis_but_not_the_key_has_no_token(redis_url: str) -> None:
    mint, made = counting()
    with Redis.from_url(redis_url) as redis:
        Tokens(mint, app_id=1, secret="key", redis=redis).of(KEY)
        [name] = redis.scan_iter("*token*")
        kept = redis.get(name)
        Tokens(mint, app_id=1, secret="another key", redis=redis).of(KEY)

    assert isinstance(kept, bytes)
    assert made[0].encode() not in kept
    assert len(made) == 2, "what cannot be opened is minted anew"


def test_a_dropped_token_is_minted_anew(redis_url: str) -> None:
    mint, made = counting()
    with Redis.from_url(redis_url) as redis:
        tokens = Tokens(mint, app_id=1, secret="key", redis=redis)
        tokens.of(KEY)
        tokens.drop(KEY)
        tokens.of(KEY)

    assert len(made) == 2


def test_without_redis_each_review_has_a_token_all_the_same() -> None:
    mint, _ = counting()
    with Redis(unix_socket_path="/nowhere/redis.sock") as away:
        assert Tokens(mint, app_id=1, secret="key").of(KEY).value
        assert Tokens(mint, app_id=1, secret="key", redis=away).of(KEY).value


def test_a_token_does_not_show_itself() -> None:
    assert "ghs_secret" not in repr(Token("ghs_secret", {}, 0.0))
