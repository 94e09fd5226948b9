"""GitHub on a bad day, and repositories of people who mean harm."""

from __future__ import annotations

import logging
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import jwt
import pytest
from desk import RATES, RATES_BAD, REPOSITORY, Desk
from odd_server import Told, odd_server
from redis import Redis

from sandbox import faults
from worker.facts_cache import FactsCache
from worker.github.client import App
from worker.github.errors import UnavailableError
from worker.github.proof import AppProof
from worker.request import CommandRequest, PullRequestKey, ReviewRequest
from worker.turns import PREFIX

if TYPE_CHECKING:
    from tests.conftest import RedisServer

TOKEN = "ghp_" + "q7Zr2Lw9Xk4Vb6Nc1Md8" + "Ty3Hu5Jg0Pf2Sa4E"


def make_due(desk: Desk) -> None:
    for pull, _due in desk.redis.zscan_iter(f"{PREFIX}later"):
        desk.redis.zadd(f"{PREFIX}later", {pull: 0})
    desk.redis.delete(f"{{stet}}:limited:{desk.installation}")
    desk.turns.sweep()


def pause_left(desk: Desk) -> float:
    """Seconds until the one pull request that was put back comes again."""
    due = next(score for _pull, score in desk.redis.zscan_iter(f"{PREFIX}later"))
    now = desk.redis.time()
    return float(due) / 1000 - (now[0] + now[1] / 1e6)


@pytest.mark.fault(34)
def test_a_limit_without_a_time_is_waited_for_twice_as_long_each_time(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    limit = faults.secondary_rate_limit(retry_after=None, status=429)
    desk.github.faults.add(limit, method="POST", path=r"/reviews$", times=2)

    desk.review()
    first = pause_left(desk)
    make_due(desk)
    desk.turn()
    second = pause_left(desk)
    make_due(desk)
    desk.turn()

    assert 50 < first <= 60
    assert 110 < second <= 120
    assert len(desk.reviews()) == 1
    assert desk.check()["status"] == "completed"


@pytest.mark.fault(34)
def test_a_limit_that_names_its_end_is_waited_for_until_then(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    limit = faults.secondary_rate_limit(retry_after=None, reset_in=500)
    desk.github.faults.add(limit, method="POST", path=r"/reviews$")

    desk.review()

    assert 480 < pause_left(desk) <= 510


@pytest.mark.fault(34)
def test_while_an_installation_is_limited_none_of_its_work_asks_github(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    limit = faults.secondary_rate_limit(retry_after=40)
    desk.github.faults.add(limit, method="POST", path=r"/graphql$")
    desk.review()
    other = PullRequestKey(desk.installation, desk.key.repository_id, "acme", "shop", 99)
    desk.turns.enqueue(ReviewRequest(other, "opened"), "other")

    assert desk.turn() == []
    assert desk.turns.counts().later == 2


@pytest.mark.fault(35)
@pytest.mark.parametrize(
    ("status", "path"),
    [
        (404, r"/compare/"),
        (409, r"/check-runs$"),
        (409, r"/reviews$"),
        (410, r"/reviews$"),
        (451, r"/compare/"),
        (451, r"/check-runs$"),
    ],
)
def test_what_is_gone_or_in_conflict_is_not_tried_again(desk: Desk, status: int, path: str) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.github.faults.add(faults.answer(status, "No."), path=path, times=9)

    desk.review()

    assert desk.turns.waiting() == []
    assert desk.reviews() == []
    assert desk.github.faults.waiting == 8, "asked once"


@pytest.mark.fault(36)
def test_where_github_stays_away_the_work_is_put_back_and_comes_again(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    for fault in (faults.server_error(504), faults.html_page(), faults.cut_off(5)):
        desk.github.faults.add(fault, method="GET", path=r"/compare/")
    desk.github.faults.add(faults.server_error(), method="GET", path=r"/compare/", times=2)
    with pytest.raises(UnavailableError):
        desk.review()
    waits = desk.turns.counts().later

    make_due(desk)
    desk.turn()

    assert waits == 1
    assert len(desk.reviews()) == 1
    assert [each["status"] for each in desk.checks()] == ["completed"]


@pytest.mark.fault(23)
def test_two_commands_and_a_push_at_once_are_one_review(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD}, by="alice")
    for number in (1, 2):
        comment = desk.github.comment(REPOSITORY, desk.number, "/stet review", by="alice")
        asked = CommandRequest(desk.key, comment, in_review_thread=False, sender="alice")
        desk.turns.enqueue(asked, f"comment-{number}")
    desk.turns.enqueue(ReviewRequest(desk.key, "synchronize"), "push")

    desk.turn()

    assert len(desk.checks()) == 1
    assert desk.mails() == {"review": 1}
    assert desk.turns.waiting() == []


@pytest.mark.fault(42)
def test_another_base_branch_means_another_change(desk: Desk) -> None:
    desk.github.commit(REPOSITORY, "release", {"shop/rates.py": RATES_BAD}, base="main")
    desk.github.commit(REPOSITORY, "feature", {"shop/more.py": "x = 1\n"}, base="release")
    desk.number = desk.github.open_pull_request(REPOSITORY, head="feature", title="A change")
    desk.review()
    against_main = len(desk.comments())

    desk.github.retarget(REPOSITORY, desk.number, base="release", by="alice")
    desk.review()

    assert against_main == 1
    assert desk.check()["output"]["title"] == "No new findings"


@pytest.mark.fault(45)
def test_beyond_three_thousand_files_the_check_says_what_was_not_seen(desk: Desk) -> None:
    files: dict[str, str | bytes | None] = {f"data/{n:04}.txt": f"{n}\n" for n in range(3001)}
    desk.open({**files, "shop/rates.py": RATES_BAD})

    desk.review()

    assert "GitHub lists the first 3000 files only" in desk.check()["output"]["summary"]


@pytest.mark.fault(61)
def test_a_secret_in_the_code_is_told_and_never_repeated(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    desk.open({"shop/client.py": f'import shop.rates\n\nTOKEN = "{TOKEN}"\n'})

    calls = desk.review()

    assert desk.check()["conclusion"] == "failure"
    sent = b"".join(each.request_body for each in calls)
    assert b"ghp_" in sent, "so much of it is said that it can be found"
    assert TOKEN[8:].encode() not in sent
    assert TOKEN[8:] not in caplog.text
    assert TOKEN[8:].encode() not in everything_in(desk.redis)


def everything_in(redis: Redis) -> bytes:
    """Each value as bytes, whatever its kind."""
    with Redis(connection_pool=redis.connection_pool) as client:
        folder = Path(str(client.config_get("dir")["dir"]))
    return b"".join(each.read_bytes() for each in folder.rglob("*.aof"))


@pytest.mark.fault(62, 69)
def test_no_credential_of_ours_is_written_anywhere(
    desk: Desk, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STET_REDIS_URL", own_redis.url)
    desk.redis = Redis.from_url(own_redis.url, decode_responses=True)
    desk.open({"shop/rates.py": RATES_BAD})

    calls = desk.review()

    tokens = [name for name in desk.github.state.tokens if name.startswith("ghs_")]
    key = desk.github.private_key_pem.split("\n")[1]
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, check=True).stdout
    places = (everything_in(desk.redis), listed, b"".join(each.request_body for each in calls))
    assert tokens
    assert [
        secret
        for secret in (*tokens, key, desk.github.webhook_secret)
        for place in places
        if secret.encode() in place
    ] == []
    desk.redis.close()


@pytest.mark.fault(69)
def test_a_token_opens_one_repository_and_no_more_than_a_review_needs(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})

    desk.review()

    token = next(each for each in desk.github.state.tokens.values() if each.repository_ids)
    assert token.repository_ids == {desk.key.repository_id}
    assert token.permissions == {
        "checks": "write",
        "contents": "read",
        "metadata": "read",
        "pull_requests": "write",
    }


@pytest.mark.fault(64)
def test_nothing_of_the_code_under_review_is_ever_run(desk: Desk, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    act = f"open({str(trace)!r}, 'a').write(__name__)\n"
    config = "[tool.pytest.ini_options]\naddopts = '-p evil'\n[tool.stet]\nplugins = ['evil']\n"
    names = ("setup", "conftest", "evil", "sitecustomize", "manage", "libcst", "rules/__init__")
    desk.github.commit(
        REPOSITORY, "main", {"pyproject.toml": config, "shop/__init__.py": act, "evil.py": act}
    )
    desk.open({**{f"{name}.py": act for name in names}, "shop/rates.py": RATES_BAD + act})

    desk.review()

    assert "shop/rates.py" in {each["path"] for each in desk.comments()}
    assert not trace.exists()


@pytest.mark.fault(66)
def test_an_address_in_what_github_says_is_never_fetched(desk: Desk) -> None:
    with odd_server(lambda _: Told()) as evil:
        body = f"See {evil.url}/a and ![x]({evil.url}/b.png)\n\n/stet review {evil.url}"
        desk.github.commit(
            REPOSITORY, "main", {".stet.toml": f'[review]\nskip_authors = ["{evil.url}"]\n'}
        )
        desk.open({"shop/rates.py": RATES_BAD + f"# {evil.url}/c\n"}, body=body)
        desk.review()
        desk.ask(f"/stet explain {evil.url}", by="alice")

    assert len(desk.comments()) == 1
    assert evil.asked == []


@pytest.mark.fault(67)
def test_a_token_of_one_installation_does_not_read_the_repository_of_another(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.github.create_repository("other/shop")
    stranger = desk.github.install(["other/shop"])
    forged = PullRequestKey(stranger, desk.key.repository_id, "acme", "shop", desk.number)
    desk.turns.enqueue(ReviewRequest(forged, "opened"), "forged")

    calls = desk.turn()

    assert [each.status for each in calls] == [422]
    assert desk.checks() == []
    assert desk.turns.waiting() == []
    with Redis(connection_pool=desk.redis.connection_pool) as redis:
        cache = FactsCache(redis, desk.installation)
        cache.put_many({"blob": b"of ours"})
        assert FactsCache(redis, stranger).get_many(["blob"]) == {}


@pytest.mark.fault(29, 69)
def test_who_we_are_is_proved_for_ten_minutes_from_a_minute_ago(desk: Desk) -> None:
    app = App(int(desk.github.app_id), desk.github.private_key_pem, desk.github.api_url)
    proof = AppProof(app.id, app.private_key).proof(time.time())
    claims = jwt.decode(proof, options={"verify_signature": False})

    assert claims["iat"] <= time.time() - 59
    assert claims["exp"] - claims["iat"] <= 600


@pytest.mark.fault(74)
def test_an_old_event_that_is_sent_again_under_a_new_id_changes_nothing(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.review()
    desk.commit({"shop/rates.py": RATES})
    desk.review()
    before = (desk.comments(), desk.check()["output"]["title"])

    desk.turns.enqueue(ReviewRequest(desk.key, "opened"), "an id that nobody has seen")
    desk.turn()

    assert (desk.comments(), desk.check()["output"]["title"]) == before
    assert desk.mails() == {"review": 1}
