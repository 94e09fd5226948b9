"""The operators' pages in a real browser, over a real receiver and a real Redis."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from redis import Redis
from rq import Worker
from service import Processes, free_port, wait_until_ready

from worker import weeks
from worker.asked import Tally, counted
from worker.journal import Called, Detail, Journal, Outcome, Summary, Told
from worker.request import PullRequestKey, ReviewRequest
from worker.turns import QUEUE, Turns

if TYPE_CHECKING:
    from tests.conftest import RedisServer

TOKEN = "a-token-for-the-operators-of-tests"
HOSTILE = "<img src=x onerror=alert(1)>\u202e"
WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
NAMELESS = (
    "[...document.querySelectorAll('button, a, input:not([type=hidden]), svg[role=img]')]"
    ".filter(e => !(e.getAttribute('aria-label') || e.labels?.length || e.textContent.trim()))"
    ".map(e => e.outerHTML)"
)
# Relative luminance of text and of what is behind it, as WCAG has it.
CONTRAST = """() => {
  const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => {
    const s = v / 255; return s <= .03928 ? s / 12.92 : ((s + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) {
    const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$/.test(c)) return c; } };
  const weak = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const style = getComputedStyle(e);
    const [a, b] = [light(e.closest('svg') ? style.fill : style.color), light(behind(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) weak.push(`${e.tagName} ${e.textContent.trim().slice(0, 30)} ${ratio}`);
  }
  return weak; }"""


@dataclass(frozen=True)
class Receivers:
    """One for this machine alone, and one for whoever has the token."""

    here: str
    everywhere: str
    log: Path


@pytest.fixture(scope="module")
def receivers(
    _shared_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Receivers]:
    log = tmp_path_factory.mktemp("pages") / "log"
    environment = {
        **os.environ,
        "STET_APP_ID": "29310",
        "STET_WEBHOOK_SECRET": "the-secret-of-these-tests",
        "STET_REDIS_URL": _shared_server.url,
        "STET_PAGES_TOKEN": TOKEN,
        "STET_GITHUB_API_URL": "https://github.example.org/api/v3",
    }
    addresses = []
    running = []
    for more in ({}, {"STET_PAGES": "everyone"}):
        processes = Processes({**environment, **more}, log)
        address = f"http://127.0.0.1:{free_port()}"
        processes.start("bot.cli", "--port", address.rpartition(":")[2])
        running.append(processes)
        addresses.append(address)
    for address in addresses:
        wait_until_ready(address)
    here, everywhere = addresses
    yield Receivers(here, everywhere, log)
    for processes in running:
        processes.stop()


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def context(chromium: Browser, receivers: Receivers) -> Iterator[BrowserContext]:
    """A fresh browser; whatever a page tries to run or to load fails the test."""
    context = chromium.new_context(base_url=receivers.here)
    trouble: list[str] = []
    asked: list[str] = []

    def watch(page: Page) -> None:
        page.on("dialog", lambda dialog: trouble.append(dialog.message))
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))

    context.on("page", watch)
    yield context
    context.close()
    # Chromium reports every answer over 399 there.
    assert [each for each in trouble if not each.startswith("Failed to load resource")] == []
    homes = (receivers.here, receivers.everywhere)
    assert [url for url in asked if not url.startswith(homes)] == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def pull(number: int, repository: str = "shop") -> PullRequestKey:
    return PullRequestKey(5, 6, "octo", repository, number)


def review(redis: Redis, number: int, outcome: Outcome, title: str) -> str:
    """A review that ended just now."""
    name = f"5-{number:016x}"
    at = datetime.now(UTC).timestamp() - 60 * number
    summary = Summary(
        name, "octo/shop", number, f"{number:040x}", outcome, title, at, 2.5, 2, 3
    )  # fmt: skip
    detail = Detail(
        summary,
        told=(
            Told("SEC124", "orders/couriers.py", 5, "comment"),
            Told("QLT101", "orders/couriers.py", 4, "check run only: over the limit of comments"),
            Told("DBQ101", f"orders/{HOSTILE}.py", 0, "not said: ignored by a command"),
        ),
        unread=(("orders/huge.py", "more than 1 MB"),),
        crashes=(("SEC101", "orders/odd.py", "RecursionError"),),
        stages={"read the change": 0.5, "run the rules": 1.5, "say it": 0.5},
        facts={"Configuration": "defaults"},
        rules={"SEC124": Called("request-without-timeout", "https://docs.example.org/SEC124")},
        left_out=7,
    )
    Journal(redis).write(detail)
    return name


def populate(redis: Redis) -> None:
    """An ordinary day, with some trouble in it."""
    review(redis, 3, "success", "No findings")
    review(redis, 2, "failure", "2 errors introduced")
    review(redis, 1, "neutral", HOSTILE)
    Worker([QUEUE], connection=redis).register_birth()  # type: ignore[no-untyped-call]
    turns = _turns(redis)
    for number in (7, 8, 9):
        turns.enqueue(ReviewRequest(pull(number), "opened"), f"d{number}")
    turn = turns.take()
    assert turn
    turns.give_up(turn, "several tries failed; see the log")
    turns.take()
    now = datetime.now(UTC)
    with redis.pipeline() as pipe:
        for back, good in enumerate((9, 8, 8, 5, 2)):
            counted = {"SEC124:fixed": good, "SEC124:dismissed": 10 - good, "QLT101:fixed": 4}
            weeks.add(pipe, counted, now - timedelta(weeks=back))
        weeks.add(pipe, {"DBQ101:mistaken": 8, "DBQ101:fixed": 1, "DBQ101:shipped": 3}, now)
        pipe.execute()


def _turns(redis: Redis) -> Turns:
    path = redis.connection_pool.connection_kwargs["path"]
    return Turns(Redis(unix_socket_path=path, decode_responses=True))


def test_an_operator_sees_at_a_glance_whether_it_is_well(page: Page, redis: Redis) -> None:
    populate(redis)
    page.goto("/")
    tiles = page.locator(".tiles")
    for name, value in (("Waiting", "1"), ("In review", "1"), ("Workers", "1"), ("Given up", "1")):
        tile = tiles.locator("div").filter(has=page.get_by_text(name, exact=True))
        expect(tile.locator("dd")).to_have_text(value)
    row = page.get_by_role("row").filter(has_text="octo/shop#2")
    expect(row).to_contain_text("failing")
    expect(row).to_contain_text("2 errors introduced")
    expect(row).to_contain_text("2.5 s")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_what_is_ill_is_said_first(page: Page, redis: Redis) -> None:
    page.goto("/")
    expect(page.get_by_role("alert")).to_contain_text("No worker lives")
    expect(page.get_by_text("stet doctor")).to_be_visible()


def test_what_was_given_up_is_tried_again_with_one_button(page: Page, redis: Redis) -> None:
    populate(redis)
    before = _turns(redis).counts()
    page.goto("/")
    page.get_by_role("button", name="Try octo/shop#7 again").click()
    expect(page.get_by_role("status")).to_contain_text("Queued again: octo/shop#7")
    after = _turns(redis).counts()
    assert (before.failures, after.failures) == (1, 0)
    assert after.ready == before.ready + 1


def test_a_review_tells_what_was_said_and_what_not_and_why(page: Page, redis: Redis) -> None:
    populate(redis)
    page.goto("/")
    page.get_by_role("link", name="octo/shop#2").click()
    for words in (
        "orders/couriers.py:5",
        "check run only: over the limit of comments",
        "not said: ignored by a command",
        "more than 1 MB",
        "RecursionError",
        "7 more rows",
        "Run the rules",
    ):
        expect(page.get_by_text(words).first).to_be_visible()
    link = page.get_by_role("link", name="The pull request")
    expect(link).to_have_attribute("href", "https://github.example.org/octo/shop/pull/2")


def test_rules_stand_with_their_trend_the_least_wanted_first(page: Page, redis: Redis) -> None:
    populate(redis)
    page.goto("/rules")
    heads = page.get_by_role("rowheader").all_inner_texts()
    assert [each.split()[0] for each in heads] == ["DBQ101", "SEC124", "QLT101"]
    assert "unwanted" in heads[0]
    row = page.get_by_role("row").filter(has_text="SEC124")
    expect(row.get_by_role("link", name="request-without-timeout")).to_be_visible()
    expect(row).to_contain_text("64 %")
    drawn = row.locator("polyline").get_attribute("points") or ""
    heights = [float(point.split(",")[1]) for point in drawn.split()]
    assert len(heights) == 5
    assert heights == sorted(heights, reverse=True)  # better each week, and up is small in an SVG
    week = weeks.week_of(datetime.now(UTC))
    assert f"{week}: 90%" in (row.get_by_role("img").get_attribute("aria-label") or "")


@pytest.mark.fault(58, 68)
def test_hostile_names_neither_run_nor_break_a_page(page: Page, redis: Redis) -> None:
    populate(redis)
    for address in ("/", f"/reviews/5-{1:016x}", "/rules"):
        page.goto(address)
        assert page.locator("main img, main script").count() == 0
        assert page.evaluate(WIDE) == 0
    page.goto(f"/reviews/5-{2:016x}")
    expect(page.get_by_text("\\u202e.py")).to_be_visible()
    answer = page.goto("/reviews/..%2f..%2fx")
    assert answer
    assert answer.status == 404


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1280])
def test_pages_are_readable_everywhere(page: Page, redis: Redis, scheme: str, width: int) -> None:
    populate(redis)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 800})
    for address in ("/", f"/reviews/5-{2:016x}", "/rules"):
        page.goto(address)
        assert page.evaluate(WIDE) == 0
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate(NAMELESS) == []
        assert page.locator("h1").count() == 1
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
        assert len(ids) == len(set(ids))


def test_the_keyboard_reaches_everything_in_reading_order(page: Page, redis: Redis) -> None:
    populate(redis)
    page.goto("/")
    order = []
    for _ in range(40):
        page.keyboard.press("Tab")
        words = page.evaluate(
            "(e => e === document.body ? '' : (e.getAttribute('aria-label') || e.innerText)"
            ".trim().split('\\n')[0])(document.activeElement)"
        )
        if not words:
            break
        order.append(words)
    assert order[0] == "Skip to the content"
    wanted = ["Status", "Rules", "Load again by itself", "Try octo/shop#7 again", "octo/shop#3"]
    places = [order.index(one) for one in wanted]
    assert places == sorted(places)


def test_from_elsewhere_the_token_opens_the_pages(
    page: Page, context: BrowserContext, receivers: Receivers, redis: Redis
) -> None:
    populate(redis)
    page.goto(f"{receivers.everywhere}/")
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not the token")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Status")).to_be_visible()
    (cookie,) = context.cookies()
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
    assert TOKEN not in cookie["value"]
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_visible()
    page.goto(f"{receivers.everywhere}/rules")
    expect(page.get_by_label("Token")).to_be_visible()
    assert TOKEN not in receivers.log.read_text()


@pytest.mark.fault(68)
def test_nothing_opens_the_pages_but_the_token(receivers: Receivers, redis: Redis) -> None:
    populate(redis)
    private = ("/", "/rules", f"/reviews/5-{2:016x}", "/metrics")
    forged = f"{2**33}.{'0' * 64}"
    with httpx.Client(base_url=receivers.everywhere, trust_env=False) as client:
        for path in private:
            for headers in (
                {},
                {"cookie": f"__Host-stet-session={forged}"},
                {"authorization": "Bearer x"},
            ):
                answer = client.get(path, headers=headers)
                assert answer.status_code in (303, 401), path
                assert "octo/shop" not in answer.text
            given = client.get(path, headers={"authorization": f"Bearer {TOKEN}"})
            assert given.status_code == 200
        for open_path in ("/healthz", "/readyz"):
            assert client.get(open_path).status_code == 200
        assert client.get("/setup").status_code == 410


@pytest.mark.fault(68)
def test_the_form_of_another_site_does_nothing(receivers: Receivers, redis: Redis) -> None:
    populate(redis)
    with httpx.Client(base_url=receivers.here, trust_env=False) as client:
        for origin in ({}, {"origin": "https://evil.example"}, {"origin": "null"}):
            answer = client.post("/retry", data={"pull_request": "octo/shop#7"}, headers=origin)
            assert answer.status_code == 403
        own = {"origin": receivers.here}
        assert client.post("/retry", data={"pull_request": "x"}, headers=own).status_code == 404
        big = client.post("/retry", content=b"x" * 20_000, headers=own)
        assert big.status_code == 413
        elsewhere = client.get("/rules", headers={"x-forwarded-for": "10.0.0.1"})
        assert elsewhere.status_code == 404
    assert _turns(redis).counts().failures == 1


def test_a_page_allows_itself_nothing_from_outside(receivers: Receivers, redis: Redis) -> None:
    with httpx.Client(base_url=receivers.here, trust_env=False) as client:
        policy = client.get("/").headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'nonce-")
        assert client.get("/").headers["content-security-policy"] != policy
        assert client.get("/").headers["cache-control"] == "no-store"


def test_reviews_are_kept_small_and_not_for_ever(redis: Redis) -> None:
    for number in range(520):
        review(redis, number, "success", "No findings")
    assert redis.llen("{stet}:reviews") == 500
    assert 0 < redis.ttl(f"{{stet}}:review:5:{7:016x}") <= 30 * 24 * 3600
    assert 0 < (redis.memory_usage(f"{{stet}}:review:5:{7:016x}") or 0) < 1500


def test_what_an_older_version_wrote_is_passed_over(page: Page, redis: Redis) -> None:
    review(redis, 2, "success", "No findings")
    redis.lpush("{stet}:reviews", json.dumps({"id": "x"}), b"\xff{")
    redis.set(f"{{stet}}:review:5:{4:016x}", b"no zlib")
    page.goto("/")
    expect(page.get_by_role("link", name="octo/shop#2")).to_be_visible()
    answer = page.goto(f"/reviews/5-{4:016x}")
    assert answer
    assert answer.status == 404


def test_prometheus_hears_how_reviews_end_and_how_long_they_take(
    receivers: Receivers, redis: Redis
) -> None:
    for number in range(4):
        review(redis, number, "success", "No findings")
    review(redis, 9, "failure", "1 error introduced")
    told = httpx.get(f"{receivers.here}/metrics", trust_env=False).text
    for line in (
        'stet_reviews_total{outcome="success"} 4.0',
        'stet_reviews_total{outcome="failure"} 1.0',
        'stet_review_seconds_bucket{le="2"} 0.0',
        'stet_review_seconds_bucket{le="5"} 5.0',
        'stet_review_seconds_bucket{le="+Inf"} 5.0',
        "stet_review_seconds_sum 12.5",
    ):
        assert line in told.splitlines(), told


def test_prometheus_hears_what_was_asked_of_github(receivers: Receivers, redis: Redis) -> None:
    tally = Tally()
    for status in (200, 200, 403):
        tally.asked()
        reset = str(int(time.time()) + 600)
        tally.hear(status, {"x-ratelimit-remaining": "41", "x-ratelimit-reset": reset})
    with counted(redis, 5, tally):
        pass
    told = httpx.get(f"{receivers.here}/metrics", trust_env=False).text.splitlines()
    for line in (
        'stet_github_requests_total{status="200"} 2.0',
        'stet_github_requests_total{status="403"} 1.0',
        'stet_github_remaining{installation="5"} 41.0',
    ):
        assert line in told
