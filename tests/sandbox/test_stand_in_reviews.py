"""Reviews are strict where GitHub is strict: in the diff, all or nothing, outdated after a push."""

from __future__ import annotations

from typing import Any

import pytest
from github.PullRequest import PullRequest
from githubkit.exception import RequestFailed
from shop import VIEWS, Installed, Shop

Comments = list[dict[str, Any]]


def post(bot: Installed, shop: Shop, comments: Comments, **more: Any) -> Any:
    address = f"/repos/acme/shop/pulls/{shop.number}/reviews"
    body = {"event": "COMMENT", "body": "Found something", "comments": comments, **more}
    return bot.request("POST", address, json=body).json()


def on(line: int, **more: Any) -> dict[str, Any]:
    return {"path": "app/views.py", "line": line, "side": "RIGHT", "body": "Look", **more}


def changed(*extra: tuple[str, str]) -> str:
    text = VIEWS.replace("line 10\n", "line ten\n").replace("line 40\n", "line forty\n")
    for old, new in extra:
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (on(25), "Line could not be resolved"),
        (on(10, path="app/other.py"), "Path could not be resolved"),
        (on(10, side="LEFT", path="app/old.py"), "Path could not be resolved"),
        (on(40, start_line=10, start_side="RIGHT"), "same hunk"),
        (on(10, start_line=11, start_side="RIGHT"), "precede"),
        (on(10, start_line=10, start_side="RIGHT"), "precede"),
        (on(10, body="  "), "blank"),
    ],
)
def test_one_comment_outside_the_diff_refuses_the_whole_review(
    bot: Installed, shop: Shop, bad: dict[str, Any], says: str
) -> None:
    with pytest.raises(RequestFailed) as caught:
        post(bot, shop, [on(10), bad])
    answer = caught.value.response
    assert answer.status_code == 422
    assert answer.json()["message"] == "Unprocessable Entity"
    assert says in answer.json()["errors"][0]
    assert shop.github.reviews("acme/shop", shop.number) == []
    assert shop.github.review_comments("acme/shop", shop.number) == []


def test_a_context_line_of_a_hunk_takes_a_comment(bot: Installed, shop: Shop) -> None:
    post(bot, shop, [on(8), on(13)])
    found = shop.github.review_comments("acme/shop", shop.number)
    assert [one["line"] for one in found] == [8, 13]


def test_a_review_counts_as_one_mail_and_an_edit_as_none(bot: Installed, shop: Shop) -> None:
    review = post(bot, shop, [on(10), on(40)])
    first = shop.github.review_comments("acme/shop", shop.number)[0]
    bot.rest.pulls.update_review_comment("acme", "shop", first["id"], body="Reworded")
    bot.rest.pulls.update_review("acme", "shop", shop.number, review["id"], body="Nothing left")
    assert [(one.kind, one.author) for one in shop.github.mails] == [("review", "stet[bot]")]
    assert shop.github.reviews("acme/shop", shop.number)[0]["body"] == "Nothing left"


def test_a_comment_follows_its_line_when_lines_are_added_above(bot: Installed, shop: Shop) -> None:
    post(bot, shop, [on(10)])
    head = shop.push("new\nnew\n" + changed())
    (comment,) = shop.github.review_comments("acme/shop", shop.number)
    assert (comment["line"], comment["original_line"], comment["commit_id"]) == (12, 10, head)
    assert not shop.github.threads("acme/shop", shop.number)[0].outdated


def test_a_comment_is_outdated_once_its_line_changes(bot: Installed, shop: Shop) -> None:
    first = shop.head
    post(bot, shop, [on(10), on(40)])
    shop.push(changed(("line ten\n", "line 10 again\n")))
    gone, kept = shop.github.review_comments("acme/shop", shop.number)
    assert (gone["line"], gone["position"], gone["original_line"]) == (None, None, 10)
    assert gone["commit_id"] == gone["original_commit_id"] == first
    assert kept["line"] == 40
    assert [one.outdated for one in shop.github.threads("acme/shop", shop.number)] == [True, False]


def test_a_comment_is_outdated_once_its_line_leaves_the_diff(bot: Installed, shop: Shop) -> None:
    post(bot, shop, [on(13)])
    shop.push(changed(("line ten\n", "line 10\n")))
    assert shop.github.threads("acme/shop", shop.number)[0].outdated


def test_a_range_is_outdated_when_its_inside_grows(bot: Installed, shop: Shop) -> None:
    post(bot, shop, [on(12, start_line=9, start_side="RIGHT")])
    shop.push(changed(("line 11\n", "line 11\nmore\n")))
    assert shop.github.threads("acme/shop", shop.number)[0].outdated


def test_a_comment_on_a_file_needs_no_line(bot: Installed, shop: Shop) -> None:
    bot.rest.pulls.create_review_comment(
        "acme",
        "shop",
        shop.number,
        body="On the file",
        commit_id=shop.head,
        path="app/views.py",
        subject_type="file",
    )
    (comment,) = shop.github.review_comments("acme/shop", shop.number)
    assert (comment["subject_type"], comment["line"]) == ("file", None)


def test_a_single_comment_outside_the_diff_is_refused_in_the_long_form(
    bot: Installed, shop: Shop
) -> None:
    with pytest.raises(RequestFailed) as caught:
        bot.rest.pulls.create_review_comment(
            "acme",
            "shop",
            shop.number,
            body="No",
            commit_id=shop.head,
            path="app/views.py",
            line=25,
        )
    (error,) = caught.value.response.json()["errors"]
    assert error["resource"] == "PullRequestReviewComment"
    assert error["code"] == "custom"


def test_a_commit_of_another_branch_is_refused(bot: Installed, shop: Shop) -> None:
    main = shop.github.commit("acme/shop", "other", {"x.py": "1\n"}, base="main")
    with pytest.raises(RequestFailed) as caught:
        post(bot, shop, [on(10)], commit_id=main)
    assert "not part of the pull request" in caught.value.response.json()["errors"][0]


def test_a_review_on_an_older_commit_is_placed_in_its_diff(bot: Installed, shop: Shop) -> None:
    first = shop.head
    shop.push("new\n" + changed())
    post(bot, shop, [on(10)], commit_id=first)
    (comment,) = shop.github.review_comments("acme/shop", shop.number)
    assert (comment["original_line"], comment["line"]) == (10, 11)


@pytest.mark.parametrize("event", ["COMMENT", "REQUEST_CHANGES"])
def test_a_review_without_any_words_is_refused(bot: Installed, shop: Shop, event: str) -> None:
    with pytest.raises(RequestFailed) as caught:
        post(bot, shop, [], body="", event=event)
    assert caught.value.response.status_code == 422


def test_a_pending_review_is_its_authors_alone_until_submitted(
    bot: Installed, human: PullRequest, shop: Shop
) -> None:
    address = f"/repos/acme/shop/pulls/{shop.number}/reviews"
    pending = bot.request("POST", address, json={"comments": [on(10)]}).json()
    assert pending["state"] == "PENDING"
    assert human.get_reviews().totalCount == 0
    assert human.get_review_comments().totalCount == 0
    assert shop.github.mails == []
    bot.request(
        "POST", f"{address}/{pending['id']}/events", json={"event": "COMMENT", "body": "Now"}
    )
    assert [one.body for one in human.get_reviews()] == ["Now"]
    assert human.get_review_comments().totalCount == 1


def test_nobody_approves_their_own_pull_request(human: PullRequest) -> None:
    from github import GithubException

    with pytest.raises(GithubException) as caught:
        human.create_review(event="APPROVE")
    assert caught.value.status == 422


def test_a_bot_does_not_change_the_words_of_people(
    bot: Installed, human: PullRequest, shop: Shop
) -> None:
    comment = human.create_issue_comment("Mine")
    with pytest.raises(RequestFailed) as caught:
        bot.request("DELETE", f"/repos/acme/shop/issues/comments/{comment.id}")
    assert caught.value.response.status_code == 403
