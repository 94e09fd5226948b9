"""The merge queue of the stand-in: a branch, an event, and what the checks decide."""

from __future__ import annotations

import httpx
import pytest
from shop import REPOSITORY, Installed, Shop

from sandbox.refusal import Refused

RUNS = "/repos/acme/shop/check-runs"


def conclude(bot: Installed, sha: str, conclusion: str) -> None:
    bot.request(
        "POST",
        RUNS,
        json={"name": "Stet", "head_sha": sha, "status": "completed", "conclusion": conclusion},
    )


def told(shop: Shop) -> list[tuple[str, str | None]]:
    deliveries = [each for each in shop.github.deliveries if each.event == "merge_group"]
    assert [each.violations for each in deliveries] == [()] * len(deliveries)
    return [(each.name, each.payload.get("reason")) for each in deliveries]


def test_a_queue_asks_for_checks_of_a_commit_that_holds_both_sides(shop: Shop) -> None:
    sha = shop.github.queue_merge(REPOSITORY, shop.number)

    [asked] = [each for each in shop.github.deliveries if each.event == "merge_group"]
    group = asked.payload["merge_group"]
    assert group["head_sha"] == sha != shop.head
    assert group["head_ref"].startswith(f"refs/heads/gh-readonly-queue/main/pr-{shop.number}-")
    assert told(shop) == [("merge_group.checks_requested", None)]
    with pytest.raises(Refused):
        shop.github.queue_merge(REPOSITORY, shop.number)


def test_what_passes_is_merged_and_its_branch_is_gone(bot: Installed, shop: Shop) -> None:
    sha = shop.github.queue_merge(REPOSITORY, shop.number)
    conclude(bot, sha, "success")

    pull = shop.github.pull_request(REPOSITORY, shop.number)
    assert (pull.state, pull.merge_commit_sha) == ("closed", sha)
    assert told(shop)[-1] == ("merge_group.destroyed", "merged")
    branches = bot.request("GET", "/repos/acme/shop/branches").json()
    assert {each["name"] for each in branches} == {"main", "feature"}


def test_what_fails_leaves_the_queue_open(bot: Installed, shop: Shop) -> None:
    sha = shop.github.queue_merge(REPOSITORY, shop.number)
    conclude(bot, sha, "failure")

    assert shop.github.pull_request(REPOSITORY, shop.number).state == "open"
    assert told(shop)[-1] == ("merge_group.destroyed", "dequeued")


def test_a_base_that_moved_meanwhile_makes_the_trial_worthless(bot: Installed, shop: Shop) -> None:
    sha = shop.github.queue_merge(REPOSITORY, shop.number)
    shop.github.commit(REPOSITORY, "main", {"app/new.py": "x = 1\n"})
    conclude(bot, sha, "success")

    assert shop.github.pull_request(REPOSITORY, shop.number).state == "open"
    assert told(shop)[-1] == ("merge_group.destroyed", "invalidated")


def test_somebody_takes_it_out_again(shop: Shop) -> None:
    shop.github.queue_merge(REPOSITORY, shop.number)
    shop.github.leave_queue(REPOSITORY, shop.number)

    assert told(shop)[-1] == ("merge_group.destroyed", "dequeued")
    with pytest.raises(Refused):
        shop.github.leave_queue(REPOSITORY, shop.number)


def press(shop: Shop, path: str, **form: str) -> httpx.Response:
    """A button of the pull request's page, pressed by alice."""
    page = f"/{REPOSITORY}/pull/{shop.number}"
    with httpx.Client(base_url=shop.github.url, headers={"Origin": shop.github.url}) as web:
        return web.post(f"{page}/{path}", data={"back": page, **form})


def test_the_page_has_a_button_for_the_queue(shop: Shop) -> None:
    assert press(shop, "change", change="queue").status_code == 303

    assert told(shop) == [("merge_group.checks_requested", None)]


def test_a_person_deletes_a_comment_of_the_app_on_the_page(bot: Installed, shop: Shop) -> None:
    comment = {"path": "app/views.py", "line": 10, "side": "RIGHT", "body": "Look"}
    bot.request(
        "POST",
        f"/repos/acme/shop/pulls/{shop.number}/reviews",
        json={"event": "COMMENT", "comments": [comment]},
    )
    [made] = shop.github.review_comments(REPOSITORY, shop.number)

    assert press(shop, f"comments/{made['id']}/delete").status_code == 303

    assert shop.github.review_comments(REPOSITORY, shop.number) == []
    last = [e for e in shop.github.deliveries if e.event == "pull_request_review_comment"][-1]
    assert (last.action, last.payload["sender"]["login"]) == ("deleted", "alice")
