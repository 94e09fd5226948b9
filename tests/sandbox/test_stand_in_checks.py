"""Check runs: limits, appending, buttons, suites."""

from __future__ import annotations

from typing import Any

import pytest
from github.PullRequest import PullRequest
from githubkit.exception import RequestFailed
from shop import REPOSITORY, Installed, Shop

RUNS = "/repos/acme/shop/check-runs"


def annotation(line: int = 10, **more: Any) -> dict[str, Any]:
    base = {"path": "app/views.py", "start_line": line, "end_line": line}
    return base | {"annotation_level": "warning", "message": "Look"} | more


def create(bot: Installed, shop: Shop, **more: Any) -> dict[str, Any]:
    body = {"name": "Stet", "head_sha": shop.head, **more}
    run: dict[str, Any] = bot.request("POST", RUNS, json=body).json()
    return run


def refusal(bot: Installed, shop: Shop, **more: Any) -> tuple[int, str]:
    with pytest.raises(RequestFailed) as caught:
        create(bot, shop, **more)
    return caught.value.response.status_code, caught.value.response.text


def test_annotations_are_appended_request_by_request(bot: Installed, shop: Shop) -> None:
    output = {"title": "t", "summary": "s", "annotations": [annotation()] * 50}
    run = create(bot, shop, output=output)
    more = {"title": "t", "summary": "s", "annotations": [annotation(40)]}
    bot.request("PATCH", f"{RUNS}/{run['id']}", json={"output": more})
    (kept,) = shop.github.check_runs(REPOSITORY, "feature")
    assert kept["output"]["annotations_count"] == 51
    listed = bot.request("GET", f"{RUNS}/{run['id']}/annotations", params={"per_page": 100}).json()
    assert listed[-1]["start_line"] == 40


@pytest.mark.parametrize(
    "more",
    [
        {"output": {"title": "t", "summary": "s", "annotations": [annotation()] * 51}},
        {"output": {"title": "t", "summary": "x" * 65_536}},
        {"output": {"title": "t", "summary": "s", "text": "é" * 32_768}},
        {"actions": [{"label": "x" * 21, "description": "d", "identifier": "i"}]},
        {"actions": [{"label": "l", "description": "d", "identifier": "i"}] * 4},
        {"status": "completed"},
        {"head_sha": "1" * 40},
        {
            "output": {
                "title": "t",
                "summary": "s",
                "annotations": [annotation(end_line=12, start_column=1)],
            }
        },
        {"output": {"title": "t", "summary": "s", "annotations": [annotation(end_line=9)]}},
    ],
)
def test_what_github_refuses_is_refused(bot: Installed, shop: Shop, more: dict[str, Any]) -> None:
    status, _text = refusal(bot, shop, **more)
    assert status == 422
    assert shop.github.check_runs(REPOSITORY, "feature") == []


def test_a_conclusion_completes_a_run_and_its_suite(
    bot: Installed, human: PullRequest, shop: Shop
) -> None:
    run = create(bot, shop, status="in_progress")
    assert run["status"] == "in_progress"
    done = bot.rest.checks.update("acme", "shop", run["id"], data={"conclusion": "failure"})
    assert (done.parsed_data.status, done.parsed_data.conclusion) == ("completed", "failure")
    commit = human.base.repo.get_commit(shop.head)
    assert [(one.name, one.conclusion) for one in commit.get_check_runs()] == [("Stet", "failure")]
    (suite,) = commit.get_check_suites()
    assert (suite.status, suite.conclusion) == ("completed", "failure")


def test_the_newest_run_of_a_name_is_listed(bot: Installed, shop: Shop) -> None:
    create(bot, shop, conclusion="failure")
    create(bot, shop, conclusion="success")
    listed = bot.rest.checks.list_for_ref("acme", "shop", "feature").parsed_data
    assert [one.conclusion for one in listed.check_runs] == ["success"]
    every = bot.rest.checks.list_for_ref("acme", "shop", "feature", filter_="all").parsed_data
    assert every.total_count == 2


def test_a_run_names_its_pull_request(bot: Installed, shop: Shop) -> None:
    run = create(bot, shop)
    assert [one["number"] for one in run["pull_requests"]] == [shop.number]


def test_a_person_asks_for_another_run_or_presses_a_button(bot: Installed, shop: Shop) -> None:
    button = {"label": "Re-review", "description": "Look again", "identifier": "again"}
    run = create(bot, shop, conclusion="neutral", actions=[button])
    shop.github.request_action(REPOSITORY, run["id"], "again")
    shop.github.rerequest_check(REPOSITORY, run["id"])
    shop.github.rerequest_suite(REPOSITORY, "feature")
    pressed, again, suite = shop.github.deliveries[-3:]
    assert pressed.name == "check_run.requested_action"
    assert pressed.payload["requested_action"] == {"identifier": "again"}
    assert again.name == "check_run.rerequested"
    assert suite.name == "check_suite.rerequested"


def test_each_push_opens_a_suite(shop: Shop) -> None:
    head = shop.push("changed\n")
    asked = [one for one in shop.github.deliveries if one.name == "check_suite.requested"]
    assert asked[-1].payload["check_suite"]["head_sha"] == head


def test_another_app_does_not_touch_the_run(bot: Installed, shop: Shop) -> None:
    from githubkit import AppAuthStrategy, GitHub

    run = create(bot, shop)
    other = shop.github.create_app("Other")
    number = shop.github.install([REPOSITORY], app=other)
    app = GitHub(
        AppAuthStrategy(other.id, other.private_key_pem),
        base_url=shop.github.api_url,
        http_cache=False,
        auto_retry=False,
    )
    with (
        app.with_auth(app.auth.as_installation(number)) as client,
        pytest.raises(RequestFailed) as caught,
    ):
        client.request("PATCH", f"{RUNS}/{run['id']}", json={"conclusion": "success"})
    assert caught.value.response.status_code == 403
