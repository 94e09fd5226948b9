"""The pages over plain HTTP: what they hold, what they refuse, and their headers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from shop import REPOSITORY, VIEWS, Installed, Shop

from sandbox.server import StandIn

PULL = "/acme/shop/pull/1"
REVIEWS = "/repos/acme/shop/pulls/1/reviews"


@pytest.fixture
def web(shop: Shop) -> Iterator[httpx.Client]:
    url = shop.github.url
    with httpx.Client(base_url=url, headers={"origin": url}, trust_env=False) as client:
        yield client


@pytest.fixture
def alone(github: StandIn) -> Iterator[httpx.Client]:
    """A stand-in without a repository, where a violation fails no test."""
    with httpx.Client(base_url=github.url, trust_env=False) as client:
        yield client


def review(bot: Installed, body: str, **more: Any) -> None:
    comment = {"path": "app/views.py", "line": 10, "side": "RIGHT", "body": body, **more}
    bot.request("POST", REVIEWS, json={"event": "COMMENT", "comments": [comment]})


def first(shop: Shop) -> int:
    number: int = shop.github.review_comments(REPOSITORY, 1)[0]["id"]
    return number


def file_at_head(shop: Shop, path: str = "app/views.py") -> bytes:
    git = shop.github.pull_request(REPOSITORY, 1).repository.git
    entry = git.entry_at(shop.head, path)
    assert entry is not None
    content = git.blob(entry.sha)
    assert content is not None
    return content


def commit_first_suggestion(web: httpx.Client, shop: Shop) -> httpx.Response:
    address = f"{PULL}/comments/{first(shop)}/suggestions/0"
    return web.post(address, data={"back": f"{PULL}/files"})


PAGES = ["/", "/acme/shop", PULL, f"{PULL}/commits", f"{PULL}/checks", f"{PULL}/files"]


@pytest.mark.parametrize("address", [*PAGES, "/deliveries", "/exchanges", "/no/such/page"])
def test_every_page_says_what_it_is_not_and_forbids_foreign_content(
    web: httpx.Client, address: str
) -> None:
    answer = web.get(address)
    assert answer.status_code == (404 if address.startswith("/no") else 200)
    assert "A stand-in on this machine, not GitHub" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_addresses_that_the_api_gives_lead_to_pages(
    web: httpx.Client, bot: Installed, shop: Shop
) -> None:
    review(bot, "Look")
    run = bot.rest.checks.create("acme", "shop", data={"name": "Stet", "head_sha": shop.head})
    comment = shop.github.review_comments(REPOSITORY, 1)[0]
    page = web.get(comment["html_url"])
    assert f'id="{comment["html_url"].partition("#")[2]}"' in page.text
    moved = web.get(str(run.json()["html_url"]))
    assert moved.status_code == 302
    target = moved.headers["location"]
    assert f'id="{target.partition("#")[2]}"' in web.get(target).text
    blob = web.get(f"/acme/shop/blob/{shop.head}/app/views.py")
    assert 'id="L10"' in blob.text
    assert web.get(f"/acme/shop/commit/{shop.head}").status_code == 200


def test_a_thread_stands_below_its_line_and_folds_once_outdated(
    web: httpx.Client, bot: Installed, shop: Shop
) -> None:
    review(bot, "Look at the tenth")
    page = web.get(f"{PULL}/files").text
    lines = [page.index(f'R{number}"><td') for number in (10, 11)]
    assert lines[0] < page.index("Look at the tenth") < lines[1]
    shop.push(VIEWS.replace("line 10\n", "another ten\n"))
    page = web.get(f"{PULL}/files").text
    assert "1 outdated conversation" in page
    assert page.index("Look at the tenth") < page.index("another ten")
    assert "Outdated" in web.get(PULL).text


def test_a_thread_on_a_file_that_left_the_diff_is_still_shown(
    web: httpx.Client, bot: Installed, shop: Shop
) -> None:
    review(bot, "Look at the tenth")
    shop.github.commit(REPOSITORY, "feature", {"app/views.py": VIEWS, "app/new.py": "x = 1\n"})
    page = web.get(f"{PULL}/files").text
    assert "not in the diff any more" in page
    assert "Look at the tenth" in page


def test_a_suggestion_becomes_a_commit_with_the_bot_as_co_author(
    web: httpx.Client, bot: Installed, shop: Shop
) -> None:
    before = shop.head
    body = "Better\n```suggestion\nline X\nline Y\n```"
    review(bot, body, line=11, start_line=9, start_side="RIGHT")
    answer = commit_first_suggestion(web, shop)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{PULL}/files#discussion_r")
    wanted = VIEWS.replace("line 9\nline 10\nline 11\n", "line X\nline Y\n")
    assert file_at_head(shop) == wanted.replace("line 40\n", "line forty\n").encode()
    commit = shop.github.pull_request(REPOSITORY, 1).repository.git.commit(shop.head)
    assert commit.parents == (before,)
    assert commit.author.name == "Alice"
    assert "Co-authored-by: stet[bot] <" in commit.message
    events = [one.name for one in shop.github.deliveries]
    assert events[-1] == "pull_request.synchronize"


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"a\r\nb\r\nc\r\n", b"a\r\nB\r\nc\r\n"),
        (b"a\nb", b"a\nB"),
        (b"\xff\nb\nc\n", b"\xff\nB\nc\n"),
    ],
)
def test_a_suggestion_keeps_line_ends_and_all_other_bytes(
    web: httpx.Client, bot: Installed, shop: Shop, content: bytes, wanted: bytes
) -> None:
    shop.github.commit(REPOSITORY, "feature", {"app/new.py": content})
    review(bot, "```suggestion\nB\n```", path="app/new.py", line=2)
    assert commit_first_suggestion(web, shop).status_code == 303
    assert file_at_head(shop, "app/new.py") == wanted


def test_an_empty_suggestion_removes_its_lines(
    web: httpx.Client, bot: Installed, shop: Shop
) -> None:
    review(bot, "```suggestion\n```")
    commit_first_suggestion(web, shop)
    assert b"line ten" not in file_at_head(shop)
    assert b"line 9\nline 11\n" in file_at_head(shop)


def test_a_suggestion_follows_its_line_when_lines_are_added_above(
    web: httpx.Client, bot: Installed, shop: Shop
) -> None:
    review(bot, "```suggestion\nline X\n```")
    shop.push("new\n" + VIEWS.replace("line 10\n", "line ten\n"))
    commit_first_suggestion(web, shop)
    assert file_at_head(shop) == ("new\n" + VIEWS.replace("line 10\n", "line X\n")).encode()


def test_a_suggestion_that_cannot_be_committed_is_refused_in_words(
    web: httpx.Client, bot: Installed, shop: Shop
) -> None:
    review(bot, "```suggestion\nline ten\n```")
    assert "changes nothing" in commit_first_suggestion(web, shop).text
    shop.push(VIEWS.replace("line 10\n", "other\n"))
    head = shop.head
    answer = commit_first_suggestion(web, shop)
    assert (answer.status_code, shop.head) == (422, head)
    assert "outdated" in answer.text


def test_people_act_within_their_rights(web: httpx.Client, bot: Installed, shop: Shop) -> None:
    review(bot, "```suggestion\nX\n```")
    head = shop.head
    shop.github.create_user("mallory")
    shop.github.create_user("sam")
    shop.github.set_permission(REPOSITORY, "sam", "read")
    web.post("/act-as", data={"login": "mallory"})
    assert web.post(f"{PULL}/comment", data={"body": "hello"}).status_code == 403
    web.post("/act-as", data={"login": "sam"})
    assert web.post(f"{PULL}/comment", data={"body": "hello\r\nyou"}).status_code == 303
    assert commit_first_suggestion(web, shop).status_code == 403
    assert web.post(f"{PULL}/change", data={"change": "close"}).status_code == 403
    page = web.get(PULL).text
    assert "Commit suggestion" not in page
    assert "Close pull request" not in page
    assert [one["body"] for one in shop.github.issue_comments(REPOSITORY, 1)] == ["hello\nyou"]
    assert shop.head == head
    assert shop.github.pull_request(REPOSITORY, 1).state == "open"


def test_the_bot_cannot_be_acted_as(web: httpx.Client, shop: Shop) -> None:
    assert web.post("/act-as", data={"login": shop.github.bot_login}).status_code == 422


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_a_form_of_another_page_does_nothing(web: httpx.Client, shop: Shop, origin: str) -> None:
    answer = web.post(f"{PULL}/comment", data={"body": "hello"}, headers={"origin": origin})
    assert answer.status_code == 403
    assert shop.github.issue_comments(REPOSITORY, 1) == []


def test_a_foreign_name_for_this_machine_reads_nothing(web: httpx.Client) -> None:
    host = {"host": "rebound.example", "origin": "http://rebound.example"}
    assert web.get(PULL, headers=host).status_code == 421
    assert web.post(f"{PULL}/comment", data={"body": "x"}, headers=host).status_code == 421


@pytest.mark.parametrize(
    "back", ["//evil.example/", "https://evil.example/", "/\\evil.example", "/a\r\nx: y"]
)
def test_a_form_never_leads_away(web: httpx.Client, back: str) -> None:
    answer = web.post("/act-as", data={"login": "alice", "back": back})
    assert answer.headers["location"] == "/"


def test_drafts_are_made_ready_closed_and_reopened(web: httpx.Client, shop: Shop) -> None:
    for change in ("draft", "ready", "close", "reopen"):
        assert web.post(f"{PULL}/change", data={"change": change}).status_code == 303
    names = [one.name for one in shop.github.deliveries if one.event == "pull_request"]
    assert names[-4:] == [
        "pull_request.converted_to_draft",
        "pull_request.ready_for_review",
        "pull_request.closed",
        "pull_request.reopened",
    ]
    assert web.post(f"{PULL}/change", data={"change": "explode"}).status_code == 422


def test_a_check_run_is_shown_and_its_buttons_tell_the_app(
    web: httpx.Client, bot: Installed, shop: Shop
) -> None:
    note = {"path": "app/views.py", "start_line": 10, "end_line": 10, "message": "Look here"}
    run = bot.request(
        "POST",
        "/repos/acme/shop/check-runs",
        json={
            "name": "Stet",
            "head_sha": shop.head,
            "conclusion": "failure",
            "actions": [{"label": "Again", "description": "All of it", "identifier": "again"}],
            "output": {
                "title": "1 error introduced",
                "summary": "| a | b |\n|--|--|\n| 1 | 2 |",
                "annotations": [{**note, "annotation_level": "failure"}],
            },
        },
    ).json()["id"]
    page = web.get(f"{PULL}/checks").text
    for words in ("1 error introduced", "<td>2</td>", "Look here", "All of it", "failure"):
        assert words in page
    assert "Some checks were not successful" in web.get(PULL).text
    web.post(f"/acme/shop/runs/{run}/action", data={"identifier": "again"})
    web.post(f"/acme/shop/runs/{run}/rerequest", data={})
    names = [one.name for one in shop.github.deliveries]
    assert names[-2:] == ["check_run.requested_action", "check_run.rerequested"]


def test_deliveries_are_shown_and_sent_again(web: httpx.Client, shop: Shop) -> None:
    last = shop.github.deliveries[-1]
    page = web.get(f"/deliveries/{last.id}").text
    assert last.guid in page
    assert "Redeliver" in page
    web.post(f"/deliveries/{last.id}/redeliver", data={"back": "/deliveries"})
    again = shop.github.deliveries[-1]
    assert (again.guid, again.redelivery) == (last.guid, True)


def test_exchanges_are_shown_without_their_secrets(
    web: httpx.Client, bot: Installed, shop: Shop
) -> None:
    review(bot, "Look")
    numbers = {one.operation: number for number, one in enumerate(shop.github.exchanges)}
    token = next(one.value for one in shop.github.state.tokens.values() if one.installation)
    page = web.get(f"/exchanges/{numbers['apps/create-installation-access-token']}").text
    assert token not in page
    assert "(not shown)" in page
    assert "Look" in web.get(f"/exchanges/{numbers['pulls/create-review']}").text


def test_a_violation_is_shown_first_and_on_the_first_page(alone: httpx.Client) -> None:
    alone.get("/api/v3/no/such/operation", headers={"user-agent": "test"})
    for address in ("/", "/exchanges"):
        page = alone.get(address).text
        assert "Not as GitHub describes it" in page
        assert "/no/such/operation" in page


def test_names_of_strangers_break_no_page(web: httpx.Client, bot: Installed, shop: Shop) -> None:
    name = 'a/<img src=x onerror=alert(1)>"\u202e\n&#%?x .py'
    title = "</title><script>alert(1)</script>\u202e"
    files = {name: "x" * 300_000 + "\n</table></body>\x00\x1b[31m\n", "b.py": "</td></tr>\n"}
    shop.github.commit(REPOSITORY, "odd", files, message=title, base="main")
    number = shop.github.open_pull_request(REPOSITORY, head="odd", title=title, body=title)
    body = {"event": "COMMENT", "commit_id": shop.github.pull_request(REPOSITORY, number).head_sha}
    comment = {"path": "b.py", "line": 1, "side": "RIGHT", "body": "</article></table>" + title}
    bot.request(
        "POST", f"/repos/acme/shop/pulls/{number}/reviews", json={**body, "comments": [comment]}
    )
    for tab in ("", "/files", "/commits"):
        page = web.get(f"/acme/shop/pull/{number}{tab}")
        assert page.status_code == 200
        assert "<script" not in page.text
        assert "<img" not in page.text
        assert "\u202e" not in page.text
        assert len(page.content) < 100_000


def test_the_changed_part_of_a_suggested_line_is_marked(
    web: httpx.Client, bot: Installed, shop: Shop
) -> None:
    review(bot, "```suggestion\nline <ten>\n```")
    page = web.get(PULL).text
    assert "line <mark>&lt;ten&gt;</mark>" in page


def test_a_very_long_diff_is_shown_when_it_is_asked_for(web: httpx.Client, shop: Shop) -> None:
    lines = "".join(f"unlike_{number} = {number}\n" for number in range(2000))
    shop.github.commit(REPOSITORY, "feature", {"app/a & b.py": lines})
    page = web.get(f"{PULL}/files").text
    assert "unlike_1999" not in page
    assert "?full=app/a%20%26%20b.py#diff-" in page
    assert "unlike_1999" in web.get(f"{PULL}/files?full=app/a%20%26%20b.py").text


def test_a_check_run_of_no_pull_request_has_a_page(
    web: httpx.Client, bot: Installed, shop: Shop
) -> None:
    main = shop.github.commit(REPOSITORY, "alone", {"x.py": "1\n"}, base="main")
    data = {"name": "Stet", "head_sha": main, "output": {"title": "Alone", "summary": "x"}}
    run = bot.request("POST", "/repos/acme/shop/check-runs", json=data).json()
    assert "Alone" in web.get(run["html_url"]).text


def test_an_earlier_run_of_the_same_name_is_folded_away(
    web: httpx.Client, bot: Installed, shop: Shop
) -> None:
    for title in ("The first", "The second"):
        output = {"title": title, "summary": "x"}
        data = {"name": "Stet", "head_sha": shop.head, "conclusion": "success", "output": output}
        bot.request("POST", "/repos/acme/shop/check-runs", json=data)
    page = web.get(f"{PULL}/checks").text
    assert page.index("The second") < page.index("1 earlier run") < page.index("The first")
