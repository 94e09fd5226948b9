"""What people decide about a finding holds: it is not said again, and the verdict follows."""

from __future__ import annotations

import pytest
from desk import RATES, RATES_BAD, REPOSITORY, SHELF_BAD, Desk

from worker.request import ButtonRequest, Closing, DeletedComment, QueuedMerge

FAILS_ON_WARNINGS = '[check]\nfail_on = "warning"\n'


def opened(desk: Desk, **more: str) -> int:
    """A pull request of alice's with one comment on it, whose finding fails the check."""
    config = FAILS_ON_WARNINGS + "".join(more.values())
    desk.github.commit(REPOSITORY, "main", {".stet.toml": config})
    desk.open({"shop/rates.py": RATES_BAD}, by="alice")
    for login in ("walter", "rita"):
        desk.github.create_user(login)
    desk.github.set_permission(REPOSITORY, "walter", "write")
    desk.github.set_permission(REPOSITORY, "alice", "read")
    desk.review()
    assert desk.check()["conclusion"] == "failure"
    [comment] = desk.comments()
    return int(comment["id"])


def summary(desk: Desk) -> str:
    return str(desk.check()["output"]["summary"])


def stet_comments(desk: Desk) -> list[str]:
    return [c["body"] for c in desk.comments() if c["user"]["login"] == desk.github.bot_login]


def push(desk: Desk, text: str = RATES_BAD) -> None:
    desk.commit({"shop/rates.py": f"# one line more\n{text}"})
    desk.review()


@pytest.mark.parametrize("verb", ["ignore", "fp"])
def test_somebody_with_write_dismisses_a_finding_and_the_check_passes(
    desk: Desk, verb: str
) -> None:
    thread = opened(desk)

    desk.ask(f"/stet {verb} the proxy has a time-out", "walter", thread=thread)

    assert desk.check()["conclusion"] == "success"
    assert "walter" in summary(desk)
    assert "the proxy has a time-out" in summary(desk)
    push(desk)
    assert len(stet_comments(desk)) == 1
    assert desk.check()["conclusion"] == "success"
    assert desk.mails() == {"review": 1}


def test_a_dismissal_survives_the_loss_of_redis(desk: Desk) -> None:
    thread = opened(desk)
    desk.ask("/stet ignore the proxy has a time-out", "walter", thread=thread)
    desk.github.delete_review_comment(REPOSITORY, desk.number, thread, by="walter")

    desk.forget()
    push(desk)

    assert (
        desk.check()["conclusion"] == "failure"
    )  # its thread is gone, and so is what it was about
    desk.forget()
    desk.ask("/stet ignore SEC124 the proxy has a time-out", "walter")
    assert desk.check()["conclusion"] == "success"
    said = len(stet_comments(desk))
    desk.forget()
    push(desk)
    assert desk.check()["conclusion"] == "success"
    assert len(stet_comments(desk)) == said


def test_a_dismissal_in_a_thread_is_recalled_from_the_thread(desk: Desk) -> None:
    thread = opened(desk)
    desk.ask("/stet ignore the proxy has a time-out", "walter", thread=thread)

    desk.forget()
    push(desk)

    assert desk.check()["conclusion"] == "success"
    assert len(stet_comments(desk)) == 1


def test_the_author_may_dismiss_only_where_the_configuration_says_so(desk: Desk) -> None:
    thread = opened(desk)

    desk.ask("/stet ignore I know better", "alice", thread=thread)

    assert desk.check()["conclusion"] == "failure"
    assert stet_comments(desk)[-1].startswith("Only someone with the write role")


def test_an_author_who_may_dismiss_does(desk: Desk) -> None:
    thread = opened(desk, commands="[commands]\nauthors_may_ignore = true\n")

    desk.ask("/stet ignore I know better", "alice", thread=thread)

    assert desk.check()["conclusion"] == "success"


def test_a_dismissal_is_taken_back(desk: Desk) -> None:
    thread = opened(desk)
    desk.ask("/stet ignore for now", "walter", thread=thread)

    desk.ask("/stet unignore", "walter", thread=thread)

    assert desk.check()["conclusion"] == "failure"
    assert len(stet_comments(desk)) == 1


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("/stet ignore", "Name the rule"),
        ("/stet ignore SEC124", "Say why"),
        ("/stet ignore XYZ999 because", "Stet has no rule `XYZ999`"),
        ("/stet unignore SEC124", "Nothing was dismissed"),
        ("/stet explain", "Which rule?"),
        ("/stet fix", "Stet may not write"),
        ("/stet dance", "does not know this command"),
    ],
)
def test_what_cannot_be_done_is_explained_in_a_few_words(
    desk: Desk, text: str, answer: str
) -> None:
    opened(desk)

    desk.ask(text, "walter")

    assert answer in desk.answers()[-1]
    assert desk.check()["conclusion"] == "failure"


def test_a_paused_pull_request_gets_its_verdict_and_no_comment(desk: Desk) -> None:
    opened(desk)
    desk.ask("/stet pause", "alice")
    desk.commit({"shop/shelf.py": SHELF_BAD})
    desk.review()

    assert len(stet_comments(desk)) == 1
    assert "Stet is paused on this pull request" in summary(desk)
    assert desk.check()["conclusion"] == "failure"

    desk.ask("/stet resume", "alice")
    assert len(stet_comments(desk)) > 1


def test_an_explanation_is_the_page_of_the_rule(desk: Desk) -> None:
    opened(desk)
    desk.ask("/stet explain sec124", "rita")

    assert "Bad:" in desk.answers()[-1]


def test_help_is_said_once_and_edited_from_then_on(desk: Desk) -> None:
    opened(desk)
    desk.ask("/stet help", "alice")
    desk.forget()
    desk.ask("/stet help", "alice")
    desk.ask("/stet config", "alice")

    help_text, config_text = desk.answers()
    assert "/stet ignore" in help_text
    assert ".stet.toml of main" in config_text
    assert "fail_on" in config_text


def test_the_patch_stands_in_the_check(desk: Desk) -> None:
    opened(desk)

    desk.ask("/stet patch", "alice")

    assert f"/pull/{desk.number}/checks?check_run_id={desk.check()['id']}" in desk.answers()[-1]
    assert "+    answer = requests.get(" in desk.check()["output"]["text"]


def test_the_eleventh_command_of_an_hour_is_refused(desk: Desk) -> None:
    opened(desk)
    for _ in range(10):
        desk.ask("/stet explain SEC124", "walter")
    many = desk.answers()
    desk.ask("/stet ignore SEC124 enough", "walter")

    assert desk.check()["conclusion"] == "failure"
    assert "more than Stet answers in an hour" in desk.answers()[-1]
    assert sum("Bad:" in each for each in many) == 5


def test_who_gives_several_commands_is_asked_for_once(desk: Desk) -> None:
    opened(desk)
    calls = desk.ask("/stet patch", "walter") + desk.ask("/stet patch", "WALTER")

    asked = [each for each in calls if each.path.endswith("/permission")]
    assert len(asked) == 1
    assert len(desk.answers()) == 2


def test_a_comment_that_a_person_deleted_never_returns(desk: Desk) -> None:
    thread = opened(desk)
    desk.github.delete_review_comment(REPOSITORY, desk.number, thread, by="walter")
    desk.errand(DeletedComment(desk.key, thread, "walter"))

    push(desk)

    assert stet_comments(desk) == []
    assert "walter deleted the comment" in summary(desk)
    assert desk.check()["conclusion"] == "success"


def test_an_author_who_deletes_a_comment_clears_nothing(desk: Desk) -> None:
    thread = opened(desk)
    desk.github.delete_review_comment(REPOSITORY, desk.number, thread, by="alice")
    desk.errand(DeletedComment(desk.key, thread, "alice"))

    push(desk)

    assert stet_comments(desk) == []
    assert desk.check()["conclusion"] == "failure"


def test_a_comment_that_vanished_is_told_in_the_check_alone(desk: Desk) -> None:
    thread = opened(desk)
    desk.github.delete_review_comment(REPOSITORY, desk.number, thread, by="walter")

    push(desk)

    assert stet_comments(desk) == []
    assert "its comment was deleted" in summary(desk)


MOVED = RATES_BAD.replace('requests.get(f"https', 'requests.get(  f"https')


def test_a_comment_on_an_edited_line_says_where_the_code_is_now(desk: Desk) -> None:
    opened(desk)
    push(desk, MOVED)

    [body] = stet_comments(desk)
    assert "Now at [`shop/rates.py:6`]" in body
    assert desk.mails() == {"review": 1}
    push(desk, MOVED)
    assert stet_comments(desk) == [body]


def test_an_old_comment_comes_along_with_a_review_that_is_posted_anyway(desk: Desk) -> None:
    thread = opened(desk)
    desk.commit({"shop/rates.py": f"# one line more\n{MOVED}", "shop/shelf.py": SHELF_BAD})
    desk.review()

    [moved] = [c for c in desk.comments() if c["path"] == "shop/rates.py"]
    assert moved["id"] != thread
    assert moved["line"] == 6
    assert "Stet: 2 new findings" in desk.reviews()[-1]["body"]
    assert desk.mails() == {"review": 2}
    push(desk, MOVED)
    assert desk.check()["conclusion"] == "failure"


def test_a_full_review_brings_old_comments_to_their_lines(desk: Desk) -> None:
    thread = opened(desk)
    push(desk, MOVED)

    desk.ask("/stet review full", "walter")

    [moved] = desk.comments()
    assert moved["id"] != thread
    assert moved["line"] == 6


def test_a_button_posts_what_a_draft_keeps_back(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD}, by="alice", draft=True)
    desk.review()
    assert desk.comments() == []
    assert [b["identifier"] for b in actions(desk)] == ["review-full", "post"]

    desk.errand(ButtonRequest(desk.key, "post", "rita"))
    assert desk.comments() == []
    desk.github.set_permission(REPOSITORY, "walter", "write")
    desk.errand(ButtonRequest(desk.key, "post", "walter"))
    assert len(desk.comments()) == 1


def actions(desk: Desk) -> list[dict[str, str]]:
    run = desk.github.state.check_runs[int(desk.check()["id"])]
    return list(run.actions)


def test_a_merge_queue_gets_the_verdict_of_the_pull_request_at_once(desk: Desk) -> None:
    opened(desk)
    merged = desk.github.commit(
        REPOSITORY, "gh-readonly-queue/main/pr-1-abc", {"shop/rates.py": RATES}, base="main"
    )

    calls = desk.errand(QueuedMerge(desk.key, merged))

    [check] = desk.github.check_runs(REPOSITORY, merged)
    assert (check["conclusion"], check["output"]["title"]) == (
        "failure",
        f"#{desk.number} has findings that fail the check",
    )
    assert len(calls) <= 3


def test_a_rule_that_a_repository_keeps_dismissing_is_told_in_the_check_alone(desk: Desk) -> None:
    thread = opened(desk)
    for _ in range(4):
        desk.ask("/stet fp we have a proxy", "walter", thread=thread)
        close(desk)
        again(desk)
        [comment] = desk.comments()
        thread = int(comment["id"])
    desk.ask("/stet fp we have a proxy", "walter", thread=thread)
    close(desk)

    again(desk)

    assert desk.comments() == []
    assert "`SEC124` was dismissed 5 of 5 times in this repository" in summary(desk)
    assert desk.check()["conclusion"] == "failure"
    desk.github.commit(
        REPOSITORY, "main", {".stet.toml": FAILS_ON_WARNINGS + '[rules]\nkeep = ["SEC124"]\n'}
    )
    desk.review()
    assert len(desk.comments()) == 1


def close(desk: Desk) -> None:
    desk.github.close(REPOSITORY, desk.number)
    desk.errand(Closing(desk.key, is_merged=False))


def again(desk: Desk) -> None:
    """The same change in another pull request."""
    desk.number = desk.github.open_pull_request(
        REPOSITORY, head="feature", title="Once more", by="alice"
    )
    desk.redis.delete(f"{{stet}}:rate:commands:{desk.key.repository_id}:{desk.number}")
    desk.review()


def test_a_closing_that_is_told_twice_counts_once(desk: Desk) -> None:
    opened(desk)
    close(desk)
    desk.errand(Closing(desk.key, is_merged=True))

    counts = desk.redis.hgetall(
        f"{{stet}}:outcomes:{desk.key.installation}:{desk.key.repository_id}"
    )
    assert {name: value for name, value in counts.items() if value != "0"} == {
        "SEC124:shipped": "1"
    }
