"""What operators see of a review: everything that was decided, and nothing of the code."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import replace
from datetime import UTC, datetime

from desk import RATES, RATES_BAD, REPOSITORY, SHELF_BAD, Desk
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from worker.belongings import drop_all, known_installations
from worker.journal import Detail, Journal, Summary, detail_of, latest
from worker.request import Closing
from worker.weeks import last_weeks, name_of, week_of

CANARY = "ghp_" + "R7kQ2mZx9LbT4vYc8NwJ5sHd3FgA6pUe1iOq"


def read(redis: Redis) -> tuple[list[Summary], list[Detail | None]]:
    """As the pages read it."""
    path = redis.connection_pool.connection_kwargs["path"]

    async def ask() -> tuple[list[Summary], list[Detail | None]]:
        async with AsyncRedis(unix_socket_path=path, decode_responses=True) as client:
            found = await latest(client, 10)
            return found, [await detail_of(client, each.id) for each in found]

    return asyncio.run(ask())


def test_a_review_is_noted_with_what_became_of_each_finding(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD, "shop/shelf.py": SHELF_BAD})
    desk.review()
    (summary,), (detail,) = read(desk.redis)
    assert (summary.name, summary.head) == ("acme/shop#1", desk.head())
    assert (summary.outcome, summary.title) == ("success", "3 warnings introduced")
    assert detail
    assert {(each.path, each.fate) for each in detail.told} >= {("shop/rates.py", "comment")}
    assert len(detail.told) == summary.findings
    assert list(detail.stages) == ["read the change", "run the rules", "say it"]
    assert abs(sum(detail.stages.values()) - summary.seconds) < 0.01
    assert detail.facts["Try"] == "1"
    assert detail.rules["SEC124"].name == "request-without-timeout"
    assert detail.rules.keys() == {each.code for each in detail.told}


def test_what_is_said_no_more_is_told_with_its_reason(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.review()
    desk.review()
    desk.commit({"shop/rates.py": RATES})
    desk.review()
    fates = [[each.fate for each in detail.told] for detail in read(desk.redis)[1] if detail]
    assert fates == [["repaired"], ["said before, still open"], ["comment"]]


def test_a_pull_request_that_is_not_reviewed_is_noted_too(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.github.add_label(REPOSITORY, desk.number, "stet:skip")
    desk.review()
    (summary,), _ = read(desk.redis)
    assert (summary.outcome, summary.title) == ("skipped", "label stet:skip")


def test_no_code_and_no_secret_is_in_the_journal(desk: Desk) -> None:
    secret = f'TOKEN = "{CANARY}"\n'
    desk.open({"shop/rates.py": RATES_BAD, "shop/keys.py": secret})
    desk.review()
    kept = b"".join(
        zlib.decompress(value) if value.startswith(b"x") else value
        for value in everything_in(desk.redis)
    )
    assert b"shop/keys.py" in kept
    for words in (CANARY[4:20], "rates.example.org", "requests.get"):
        assert words.encode() not in kept


def everything_in(redis: Redis) -> list[bytes]:
    path = redis.connection_pool.connection_kwargs["path"]
    with Redis(unix_socket_path=path) as raw:
        rows = [raw.get(name) or b"" for name in raw.scan_iter("{stet}:review:*")]
        return [*rows, *raw.lrange("{stet}:reviews", 0, -1)]


def test_the_fates_of_findings_are_counted_by_week(desk: Desk) -> None:
    now = datetime.now(UTC)
    desk.open({"shop/rates.py": RATES_BAD})
    desk.review()
    desk.github.close(REPOSITORY, desk.number)
    desk.errand(Closing(desk.key, is_merged=False))
    assert desk.redis.hgetall(name_of(week_of(now))) == {"SEC124:unmerged": "1"}
    weeks = last_weeks(13, now)
    assert (len(weeks), weeks[-1], len(set(weeks))) == (13, week_of(now), 13)


def test_what_was_noted_of_an_installation_goes_with_it(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.review()
    ours = read(desk.redis)[0][0]
    other = replace(ours, id=f"{desk.installation}1-{'0' * 16}")
    path = desk.redis.connection_pool.connection_kwargs["path"]
    with Redis(unix_socket_path=path) as raw:
        Journal(raw).write(Detail(other))
        assert desk.installation in known_installations(raw)
        drop_all(raw, desk.installation)
        assert desk.installation not in known_installations(raw)
        drop_all(desk.redis, desk.installation)  # of a client that decodes, too
    summaries, details = read(desk.redis)
    assert [each.id for each in summaries] == [other.id]
    assert details == [Detail(other)]
    assert not [n for n in desk.redis.scan_iter("*review:*") if other.id.partition("-")[0] not in n]
