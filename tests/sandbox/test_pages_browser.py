"""A person's way through the pages, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from shop import REPOSITORY, VIEWS, Installed, Shop

pytestmark = pytest.mark.browser
REVIEWS = "/repos/acme/shop/pulls/1/reviews"
SUGGESTION = "**Say it in words** · `QLT101` · notice\n```suggestion\nline TEN\n```"


@pytest.fixture
def page(chromium: Browser, shop: Shop) -> Iterator[Page]:
    """A page of a fresh browser; anything that a page tries to run or load fails the test."""
    context = chromium.new_context(base_url=shop.github.url)
    page = context.new_page()
    trouble: list[str] = []
    page.on("dialog", lambda dialog: trouble.append(dialog.message))
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    context.close()
    assert trouble == []
    assert [url for url in asked if not url.startswith(shop.github.url)] == []


def post(bot: Installed, body: str, line: int = 10) -> None:
    comment = {"path": "app/views.py", "line": line, "side": "RIGHT", "body": body}
    bot.request("POST", REVIEWS, json={"event": "COMMENT", "comments": [comment]})


def test_thread_suggestion_and_check_run_are_on_the_page(
    page: Page, bot: Installed, shop: Shop
) -> None:
    post(bot, SUGGESTION)
    output = {"title": "1 notice introduced", "summary": "All *well*"}
    run = {"name": "Stet", "head_sha": shop.head, "conclusion": "success", "output": output}
    bot.request("POST", "/repos/acme/shop/check-runs", json=run)
    page.goto("/acme/shop/pull/1")
    thread = page.get_by_role("article", name="Thread on app/views.py, line 10")
    expect(thread).to_contain_text("Say it in words")
    suggested = thread.get_by_role("region", name="Suggested change")
    expect(suggested.locator(".minus")).to_contain_text("line ten")
    expect(suggested.locator(".plus")).to_contain_text("line TEN")
    expect(page.get_by_role("region", name="State of the checks")).to_contain_text(
        "1 notice introduced"
    )
    page.get_by_role("link", name="Checks").click()
    expect(page.get_by_role("article", name="Stet")).to_contain_text("All well")


@pytest.mark.parametrize("tab", ["", "/files"])
def test_committing_a_suggestion_moves_the_head_and_tells_the_app(
    page: Page, bot: Installed, shop: Shop, tab: str
) -> None:
    post(bot, SUGGESTION)
    before = shop.head
    page.goto(f"/acme/shop/pull/1{tab}")
    page.get_by_role("button", name="Commit suggestion").click()
    page.wait_for_load_state()
    assert shop.head != before
    last = shop.github.deliveries[-1]
    assert last.name == "pull_request.synchronize"
    assert (last.payload["before"], last.payload["after"]) == (before, shop.head)
    expect(page.get_by_text("Outdated", exact=True).first).to_be_attached()


def test_a_conversation_is_answered_and_resolved(page: Page, bot: Installed, shop: Shop) -> None:
    post(bot, "Look")
    page.goto("/acme/shop/pull/1")
    page.get_by_text("Reply…").click()
    page.get_by_label("Reply as alice").fill("It is meant so.\nReally.")
    page.get_by_role("button", name="Reply").click()
    expect(page.get_by_text("It is meant so.")).to_be_visible()
    page.get_by_role("button", name="Resolve conversation").click()
    expect(page.get_by_text("It is meant so.")).to_be_hidden()
    (thread,) = shop.github.threads(REPOSITORY, 1)
    assert thread.resolved_by == "alice"
    assert thread.comments[1]["body"] == "It is meant so.\nReally."
    assert shop.github.deliveries[-1].name == "pull_request_review_thread.resolved"
    page.locator(".thread > details > summary").click()
    page.get_by_role("button", name="Unresolve conversation").click()
    expect(page.get_by_text("It is meant so.")).to_be_visible()


def test_a_command_is_typed_as_the_person_who_was_chosen(page: Page, shop: Shop) -> None:
    shop.github.create_user("kim")
    shop.github.set_permission(REPOSITORY, "kim", "triage")
    page.goto("/acme/shop/pull/1")
    page.get_by_label("Acting as").select_option("kim")
    page.get_by_role("button", name="Switch").click()
    page.get_by_label("Comment as kim").fill("/stet review")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_role("article", name="Comment by kim")).to_contain_text("/stet review")
    last = shop.github.deliveries[-1]
    assert last.name == "issue_comment.created"
    assert last.payload["sender"]["login"] == "kim"


def test_hostile_words_neither_run_nor_break_the_page(
    page: Page, bot: Installed, shop: Shop
) -> None:
    hostile = (
        "<script>alert(1)</script><img src=https://evil.example/x onerror=alert(2)>\n\n"
        "[link](javascript:alert(3)) ![x](https://evil.example/y)\n\n"
        "</div></article></main></td></table><style>*{display:none}</style>\n\n"
        "<details open ontoggle=alert(4)><summary>fold\u202e</summary>\n\n<svg onload=alert(5)>"
    )
    post(bot, hostile + "\n```suggestion\n</td></tr></table><script>alert(6)</script>\n```")
    post(bot, "The last one", line=40)
    shop.github.comment(REPOSITORY, 1, hostile, by="alice")
    for tab in ("", "/files"):
        page.goto(f"/acme/shop/pull/1{tab}")
        expect(page.get_by_text("The last one")).to_be_visible()
        expect(page.locator("main > footer, .thread footer")).to_have_count(0)
        expect(page.locator("footer")).to_be_visible()
        assert page.locator("a[href^='javascript']").count() == 0
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) == 0


@pytest.mark.parametrize("width", [400, 1280])
def test_a_huge_line_does_not_widen_the_page(page: Page, shop: Shop, width: int) -> None:
    shop.push(VIEWS.replace("line 10\n", "x" * 200_000 + "\n"))
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/acme/shop/pull/1/files")
    expect(page.get_by_text("more characters")).to_be_visible()
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0


def test_the_keyboard_reaches_everything_in_reading_order(
    page: Page, bot: Installed, shop: Shop
) -> None:
    post(bot, SUGGESTION)
    page.goto("/acme/shop/pull/1")
    order = []
    for _ in range(60):
        page.keyboard.press("Tab")
        words = page.evaluate(
            "(e => e === document.body ? '' : (e.getAttribute('aria-label') || e.labels?.[0]?.innerText"
            " || e.innerText || e.name || '').trim())(document.activeElement)"
        )
        if not words:
            break
        order.append(words.split("\n")[0])
    assert order[0] == "Skip to the content"
    wanted = ["Acting as", "Switch", "Conversation", "Commit suggestion", "Reply…"]
    wanted += ["Resolve conversation on app/views.py, line 10", "Close pull request"]
    wanted += ["Comment as alice", "Comment"]
    places = [order.index(one) for one in wanted]
    assert places == sorted(places)


def test_every_control_has_a_name_and_every_id_is_there_once(
    page: Page, bot: Installed, shop: Shop
) -> None:
    post(bot, SUGGESTION)
    post(bot, "Another", line=40)
    for address in ("/", "/acme/shop/pull/1", "/acme/shop/pull/1/files", "/deliveries"):
        page.goto(address)
        nameless = page.evaluate(
            "[...document.querySelectorAll('button, select, textarea, a, summary, input:not([type=hidden])')]"
            ".filter(e => !(e.getAttribute('aria-label') || e.labels?.length || e.textContent.trim()))"
            ".map(e => e.outerHTML)"
        )
        assert nameless == []
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
        assert len(ids) == len(set(ids))
        assert page.locator("h1").count() == 1
        assert page.locator("html[lang]").count() == 1
