"""Operations that clients reach for now and then: each answers as GitHub describes it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from github import InputGitTreeElement
from github.PullRequest import PullRequest
from githubkit.exception import RequestFailed
from shop import REPOSITORY, Installed, Shop

PULL = "/repos/acme/shop/pulls/1"


def test_an_app_looks_at_itself_and_its_installations(shop: Shop, bot: Installed) -> None:
    with shop.app as app:
        (one,) = app.rest.apps.list_installations().parsed_data
        told = [
            app.rest.apps.get_installation(shop.installation),
            app.rest.apps.get_repo_installation("acme", "shop"),
            app.rest.apps.get_org_installation("acme"),
            app.rest.apps.get_user_installation("acme"),
        ]
        assert {answer.parsed_data.id for answer in told} == {one.id} == {shop.installation}
        address = "http://127.0.0.1:9/other"
        changed = app.rest.apps.update_webhook_config_for_app(url=address)
        assert changed.parsed_data.url == address
        assert app.rest.apps.get_webhook_config_for_app().parsed_data.secret == "********"
        with pytest.raises(RequestFailed):
            app.rest.apps.get_repo_installation("acme", "nowhere")
    about = bot.rest.apps.get_by_slug("stet").parsed_data
    assert about is not None
    assert about.client_id == shop.github.client_id
    listed = bot.rest.apps.list_repos_accessible_to_installation().parsed_data
    assert [one.full_name for one in listed.repositories] == [REPOSITORY]


def test_a_token_is_given_back(shop: Shop, bot: Installed) -> None:
    assert bot.request("GET", PULL).status_code == 200
    assert bot.rest.apps.revoke_installation_access_token().status_code == 204
    with pytest.raises(RequestFailed) as caught:
        bot.request("GET", PULL)
    assert caught.value.response.status_code == 401


def test_a_commit_is_built_from_its_parts(human: PullRequest, shop: Shop) -> None:
    repository = human.base.repo
    blob = repository.create_git_blob(base64.b64encode(b"\0\1").decode(), "base64")
    parent = repository.get_git_commit(human.head.sha)
    tree = repository.create_git_tree(
        [
            InputGitTreeElement("logo.bin", "100644", "blob", sha=blob.sha),
            InputGitTreeElement("b.py", "100644", "blob", content="b = 1\n"),
            InputGitTreeElement("app/old.py", "100644", "blob", sha=None),
        ],
        parent.tree,
    )
    commit = repository.create_git_commit("By hand", tree, [parent])
    repository.get_git_ref("heads/feature").edit(commit.sha)
    assert repository.get_pull(human.number).head.sha == commit.sha
    assert repository.get_git_blob(blob.sha).size == 2
    assert {one.filename: one.status for one in human.get_files()} == {
        "app/old.py": "removed",
        "app/views.py": "modified",
        "b.py": "added",
        "logo.bin": "added",
    }
    assert commit.author.name == "Alice"
    made = repository.create_git_ref("refs/heads/second", commit.sha)
    assert [one.ref for one in repository.get_git_matching_refs("heads/s")] == ["refs/heads/second"]
    made.delete()
    assert "second" not in [one.name for one in repository.get_branches()]


def test_a_ref_moves_forward_only_unless_forced(bot: Installed, human: PullRequest) -> None:
    from github import GithubException

    repository = human.base.repo
    main = repository.get_branch("main").commit.sha
    ref = repository.get_git_ref("heads/feature")
    with pytest.raises(GithubException) as caught:
        ref.edit(main)
    assert caught.value.status == 422
    ref.edit(main, force=True)
    with pytest.raises(RequestFailed) as refused:
        bot.request("DELETE", "/repos/acme/shop/git/refs/heads/main")
    assert refused.value.response.status_code == 403


def test_commits_are_listed_and_lead_to_their_pull_request(human: PullRequest, shop: Shop) -> None:
    repository = human.base.repo
    shas = [one.sha for one in repository.get_commits(sha="feature", path="app/views.py")]
    assert (shas[0], len(shas)) == (shop.head, 2)
    commit = repository.get_commit("feature")
    assert (commit.stats.total, [one.filename for one in commit.files]) == (4, ["app/views.py"])
    assert [one.number for one in commit.get_pulls()] == [shop.number]
    assert commit.get_combined_status().state == "pending"
    assert "Python" in repository.get_languages()
    assert [one.login for one in repository.get_collaborators()] == ["alice"]
    assert [one.number for one in repository.get_pulls(base="main", head="acme:feature")] == [1]


def test_a_review_is_dismissed_or_thrown_away(bot: Installed, shop: Shop) -> None:
    posted = bot.request("POST", f"{PULL}/reviews", json={"event": "APPROVE"}).json()
    gone = bot.request(
        "PUT", f"{PULL}/reviews/{posted['id']}/dismissals", json={"message": "No"}
    ).json()
    assert gone["state"] == "DISMISSED"
    remark = {"path": "app/views.py", "position": 5, "body": "By position"}
    pending = bot.request("POST", f"{PULL}/reviews", json={"comments": [remark]}).json()
    held = bot.request("GET", f"{PULL}/reviews/{pending['id']}/comments").json()
    assert [(one["line"], one["position"]) for one in held] == [(10, 5)]
    second = refusal(bot, "POST", f"{PULL}/reviews", {"comments": [remark]})
    assert "one pending review" in second
    bot.request("DELETE", f"{PULL}/reviews/{pending['id']}")
    assert "Not Found" in refusal(bot, "GET", f"{PULL}/reviews/{pending['id']}")
    assert "non-pending" in refusal(bot, "DELETE", f"{PULL}/reviews/{posted['id']}")


def refusal(bot: Installed, method: str, path: str, body: dict[str, Any] | None = None) -> str:
    with pytest.raises(RequestFailed) as caught:
        bot.request(method, path, json=body)
    return str(caught.value.response.text)


def test_comments_of_a_repository_are_listed_from_a_moment_on(
    human: PullRequest, shop: Shop
) -> None:
    (head,) = human.get_commits()
    human.create_issue_comment("Early")
    early = human.create_review_comment("Early", head, "app/views.py", line=10)
    shop.github.clock.advance(120)
    human.create_issue_comment("Late")
    human.create_review_comment("Late", head, "app/views.py", line=40)
    repository = human.base.repo
    newest_first = repository.get_pulls_comments(sort="created", direction="desc")
    assert [one.body for one in newest_first] == ["Late", "Early"]
    since = early.created_at.replace(second=0) if early.created_at.second > 58 else early.created_at
    assert [one.body for one in human.get_review_comments(since=since)][-1] == "Late"
    assert [one.body for one in human.get_issue_comments()] == ["Early", "Late"]
    reaction = early.create_reaction("rocket")
    assert [one.content for one in early.get_reactions()] == ["rocket"]
    assert early.delete_reaction(reaction.id)
    again = repository.get_pull(human.number).get_review_comment(early.id)
    assert again.body == "Early"


def test_labels_belong_to_the_repository(human: PullRequest) -> None:
    from github import GithubException

    repository = human.base.repo
    repository.create_label("bug", "ff0000", "It is broken")
    assert repository.get_label("bug").color == "ff0000"
    with pytest.raises(GithubException) as caught:
        repository.create_label("Bug", "00ff00")
    assert caught.value.status == 422
    with pytest.raises(GithubException):
        human.remove_from_labels("bug")


def test_an_issue_is_the_pull_request_seen_from_its_conversation(human: PullRequest) -> None:
    issue = human.as_issue()
    assert (issue.number, issue.title) == (human.number, "Change two lines")
    assert issue.pull_request is not None
    issue.create_reaction("heart")
    assert [one.content for one in issue.get_reactions()] == ["heart"]


def test_suites_are_read_and_asked_for_again(
    bot: Installed, human: PullRequest, shop: Shop
) -> None:
    body = {"name": "Stet", "head_sha": shop.head, "conclusion": "success"}
    run = bot.request("POST", "/repos/acme/shop/check-runs", json=body).json()
    again = bot.rest.checks.get("acme", "shop", run["id"]).parsed_data
    assert again.conclusion == "success"
    (suite,) = bot.rest.checks.list_suites_for_ref(
        "acme", "shop", "feature"
    ).parsed_data.check_suites
    told = bot.rest.checks.list_for_suite("acme", "shop", suite.id).parsed_data
    assert [one.id for one in told.check_runs] == [run["id"]]
    same = bot.request("POST", "/repos/acme/shop/check-suites", json={"head_sha": shop.head})
    assert (same.status_code, same.json()["id"]) == (200, suite.id)
    assert bot.rest.checks.rerequest_run("acme", "shop", run["id"]).status_code == 201
    assert bot.rest.checks.rerequest_suite("acme", "shop", suite.id).status_code == 201
    named = {one.name for one in shop.github.deliveries}
    assert {"check_run.rerequested", "check_suite.rerequested"} <= named
    filtered = human.base.repo.get_commit(shop.head).get_check_runs(check_name="Other")
    assert filtered.totalCount == 0
