"""People use the stand-in through PyGithub, a client that nobody here wrote."""

from __future__ import annotations

from contextlib import closing

import pytest
from github import Auth, Github, GithubException
from github.PullRequest import PullRequest
from shop import REPOSITORY, Shop


def test_the_files_of_a_pull_request_carry_their_patches(human: PullRequest) -> None:
    (file,) = human.get_files()
    assert (file.filename, file.status, file.additions, file.deletions) == (
        "app/views.py",
        "modified",
        2,
        2,
    )
    assert file.patch.splitlines()[0].startswith("@@ -7,7 +7,7 @@")
    assert "+line ten" in file.patch
    assert not file.patch.endswith("\n")


def test_a_pull_request_says_whether_it_merges(human: PullRequest, shop: Shop) -> None:
    assert (human.mergeable, human.mergeable_state, human.changed_files) == (True, "clean", 1)
    theirs = "".join(f"line {number}\n" for number in range(1, 61)).replace("line 10\n", "line X\n")
    shop.github.commit(REPOSITORY, "main", {"app/views.py": theirs})
    again = human.base.repo.get_pull(human.number)
    assert (again.mergeable, again.mergeable_state) == (False, "dirty")


def test_a_merged_pull_request_is_closed_and_its_branch_arrives(human: PullRequest) -> None:
    done = human.merge(commit_title="Ship it")
    assert done.merged
    after = human.base.repo.get_pull(human.number)
    assert (after.merged, after.state, after.merged_by.login) == (True, "closed", "alice")
    text = human.base.repo.get_contents("app/views.py", ref="main")
    assert not isinstance(text, list)
    assert b"line forty" in text.decoded_content


def test_a_person_is_told_who_they_are(human: PullRequest, shop: Shop) -> None:
    with closing(
        Github(auth=Auth.Token(shop.token), base_url=shop.github.api_url, retry=None)
    ) as client:
        assert client.get_user().name == "Alice"
        assert client.get_user("alice").login == "alice"


def test_a_person_comments_edits_and_deletes(human: PullRequest) -> None:
    comment = human.create_issue_comment("First words")
    comment.edit("Second words")
    assert [one.body for one in human.get_issue_comments()] == ["Second words"]
    comment.create_reaction("eyes")
    assert [one.content for one in comment.get_reactions()] == ["eyes"]
    comment.delete()
    assert human.get_issue_comments().totalCount == 0


def test_a_review_holds_comments_on_both_sides(human: PullRequest) -> None:
    review = human.create_review(
        body="Two remarks",
        event="COMMENT",
        comments=[
            {"path": "app/views.py", "line": 10, "side": "RIGHT", "body": "New line"},
            {"path": "app/views.py", "line": 40, "side": "LEFT", "body": "Old line"},
        ],
    )
    assert review.state == "COMMENTED"
    right, left = human.get_review_comments()
    assert (right.line, right.side, left.line, left.side) == (10, "RIGHT", 40, "LEFT")
    assert right.diff_hunk.splitlines()[-1] == "+line ten"
    assert left.diff_hunk.splitlines()[-1] == "-line 40"
    reply = human.create_review_comment_reply(right.id, "Agreed")
    assert reply.in_reply_to_id == right.id


def test_a_range_of_lines_is_one_comment(human: PullRequest) -> None:
    (head,) = human.get_commits()
    one = human.create_review_comment(
        "These three",
        head,
        "app/views.py",
        line=12,
        side="RIGHT",
        start_line=10,
        start_side="RIGHT",
    )
    assert (one.start_line, one.line) == (10, 12)


def test_a_pull_request_is_closed_and_reopened(human: PullRequest) -> None:
    human.edit(state="closed")
    assert human.base.repo.get_pull(human.number).state == "closed"
    human.edit(state="open", title="Another title")
    again = human.base.repo.get_pull(human.number)
    assert (again.state, again.title) == ("open", "Another title")


def test_labels_come_and_go(human: PullRequest) -> None:
    human.add_to_labels("stet:skip")
    assert [one.name for one in human.get_labels()] == ["stet:skip"]
    human.remove_from_labels("stet:skip")
    assert list(human.get_labels()) == []


def test_someone_without_access_does_not_see_a_private_repository(shop: Shop) -> None:
    token = shop.github.create_user("mallory")
    with closing(Github(auth=Auth.Token(token), base_url=shop.github.api_url, retry=None)) as other:
        with pytest.raises(GithubException) as caught:
            other.get_repo(REPOSITORY)
        assert caught.value.status == 404


def test_a_reader_may_comment_but_not_merge(shop: Shop) -> None:
    token = shop.github.create_user("rita")
    shop.github.set_permission(REPOSITORY, "rita", "read")
    with closing(Github(auth=Auth.Token(token), base_url=shop.github.api_url, retry=None)) as other:
        pull = other.get_repo(REPOSITORY).get_pull(shop.number)
        pull.create_issue_comment("I read this")
        with pytest.raises(GithubException) as caught:
            pull.merge()
        assert caught.value.status == 403


def test_a_branch_is_compared_read_and_written(human: PullRequest, shop: Shop) -> None:
    repository = human.base.repo
    compared = repository.compare("main", "feature")
    assert (compared.status, compared.ahead_by, compared.behind_by) == ("ahead", 1, 0)
    made = repository.create_file("notes/a b.md", "Add notes", "hello\n", branch="feature")
    assert repository.get_pull(human.number).head.sha == made["commit"].sha
    listed = repository.get_contents("notes", ref="feature")
    assert isinstance(listed, list)
    assert [one.path for one in listed] == ["notes/a b.md"]
    tree = repository.get_git_tree("feature", recursive=True)
    assert {one.path for one in tree.tree} >= {"app", "app/views.py", "notes/a b.md"}
    assert repository.get_branch("feature").commit.sha == made["commit"].sha
    assert "pull_request.synchronize" in {one.name for one in shop.github.deliveries}
