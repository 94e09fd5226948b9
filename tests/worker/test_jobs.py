"""The whole work of a turn: a real Redis, the stand-in GitHub, the job run in this process."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from desk import RATES, RATES_BAD, REPOSITORY, SHELF_BAD, Desk
from redis import Redis

from sandbox import faults
from worker.github.errors import UnavailableError


def make_due(desk: Desk) -> None:
    """Let the pause of every turn that was given back be over."""
    for pull, _due in desk.redis.zscan_iter("{stet}:later"):
        desk.redis.zadd("{stet}:later", {pull: 0})
    desk.redis.delete(f"{{stet}}:limited:{desk.installation}")
    desk.turns.sweep()


def test_a_pull_request_gets_one_review_with_suggestions_and_a_check(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD, "shop/shelf.py": SHELF_BAD})

    desk.review()

    assert len(desk.reviews()) == 1
    assert desk.reviews()[0]["body"].startswith("Stet: 3 new findings on ")
    rates = next(each for each in desk.comments() if each["path"] == "shop/rates.py")
    assert rates["line"] == 5
    assert "```suggestion\n    answer = requests.get(f" in rates["body"]
    assert desk.check()["conclusion"] == "success"
    assert desk.check()["output"]["title"] == "3 warnings introduced"
    assert desk.check()["annotations"] == []
    assert desk.mails() == {"review": 1}


def test_the_same_commit_reviewed_again_says_nothing(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.review()

    desk.review()
    desk.review("rerequest")

    assert len(desk.comments()) == 1
    assert desk.mails() == {"review": 1}
    assert {each["status"] for each in desk.checks()} == {"completed"}


@pytest.mark.fault(47)
def test_lines_above_and_a_new_name_of_the_file_repeat_nothing(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.review()
    first = desk.comments()

    desk.commit({"shop/rates.py": "# one\n# two\n# three\n" + RATES_BAD})
    desk.review()
    desk.commit({"shop/rates.py": None, "shop/exchange.py": "# one\n# two\n# three\n" + RATES_BAD})
    desk.review()

    assert [each["id"] for each in desk.comments()] == [each["id"] for each in first]
    assert desk.check()["output"]["title"] == "1 warning introduced"
    assert desk.mails() == {"review": 1}


def test_a_fix_takes_the_comment_away_without_a_mail(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD, "shop/shelf.py": "x = 1\n"})
    desk.review()

    head = desk.commit({"shop/rates.py": RATES})
    desk.review()

    assert desk.comments() == []
    assert (
        desk.reviews()[0]["body"] == f"Stet: every finding of this review is fixed, by {head[:7]}"
    )
    assert desk.check()["conclusion"] == "success"
    assert desk.check()["output"]["title"] == "No new findings"
    assert "| warning | 0 | 0 | 1 | 0 | 0 |" in desk.check()["output"]["summary"]
    assert desk.mails() == {"review": 1}


def test_an_answered_comment_is_struck_out_and_comes_back_with_its_finding(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD, "shop/shelf.py": "x = 1\n"})
    desk.review()
    [comment] = desk.comments()
    desk.github.reply(REPOSITORY, desk.number, comment["id"], "Really?", by="alice")

    head = desk.commit({"shop/rates.py": RATES})
    desk.review()
    struck = desk.comments()[0]["body"]
    desk.commit({"shop/rates.py": RATES_BAD})
    desk.review()

    assert struck.startswith("~~**An outgoing HTTP call waits for its answer without end**")
    assert f"fixed in {head[:7]}" in struck
    assert "Back since" in desk.comments()[0]["body"]
    assert len(desk.comments()) == 2
    assert desk.mails() == {"review": 1}


def test_a_finding_whose_thread_a_person_resolved_never_returns(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.review()
    [comment] = desk.comments()
    desk.github.resolve(REPOSITORY, desk.number, comment["id"], by="alice")

    desk.commit({"shop/rates.py": "# moved\n" + RATES_BAD})
    desk.review()

    assert len(desk.comments()) == 1
    assert "| warning | 0 | 0 | 0 | 1 | 0 |" in desk.check()["output"]["summary"]
    assert desk.mails() == {"review": 1}


def test_a_clean_pull_request_hears_nothing_but_its_check(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES.replace("10", "20")})

    calls = desk.review()

    assert desk.reviews() == []
    assert desk.mails() == {}
    assert desk.check()["output"]["title"] == "No new findings"
    assert desk.check()["conclusion"] == "success"
    assert [each.path for each in calls if each.path.endswith("/reviews")] == []


@pytest.mark.fault(49)
def test_a_file_that_does_not_parse_is_named_and_proves_nothing(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD, "shop/more.py": "x = 1\n"})
    desk.review()

    desk.commit({"shop/rates.py": "def (:\n", "shop/more.py": RATES_BAD})
    desk.review()

    assert sorted(each["path"] for each in desk.comments()) == ["shop/more.py", "shop/rates.py"]
    summary = desk.check()["output"]["summary"]
    assert "### Not reviewed\n- `shop/rates.py`: " in summary
    assert "1 file reviewed" in summary


def test_a_secret_fails_the_check(desk: Desk) -> None:
    desk.open(
        {
            "shop/settings.py": 'SECRET_KEY = "kx9!d0s8f7a6w5e4q3z2x1c0v9b8n7m6l5k4j3h2"\nDEBUG = True\n'
        }
    )

    desk.review()

    assert desk.check()["conclusion"] == "failure"
    assert "### These fail the check" in desk.check()["output"]["summary"]


def test_a_draft_gets_its_check_and_no_comment(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD}, draft=True)
    desk.review()
    draft = desk.check()

    desk.github.ready_for_review(REPOSITORY, desk.number, by="alice")
    desk.review()

    assert [mark["start_line"] for mark in draft["annotations"]] == [5]
    assert "(the pull request is a draft)" in draft["output"]["summary"]
    assert len(desk.comments()) == 1


@pytest.mark.fault(10, 41)
def test_a_closed_pull_request_is_left_alone(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.github.close(REPOSITORY, desk.number, by="alice")

    desk.review()

    assert desk.checks() == []
    assert desk.reviews() == []


@pytest.mark.fault(55)
def test_the_configuration_of_the_base_branch_counts(desk: Desk) -> None:
    desk.github.commit(REPOSITORY, "main", {".stet.toml": '[rules]\nignore = ["SEC124"]\n'})
    desk.open({"shop/rates.py": RATES_BAD, ".stet.toml": '[rules]\nignore = ["ALL"]\n'})

    desk.review()

    assert desk.comments() == []
    assert "configuration: .stet.toml of main" in desk.check()["output"]["summary"]


def test_a_broken_configuration_is_shown_and_leaves_the_check_neutral(desk: Desk) -> None:
    desk.github.commit(REPOSITORY, "main", {".stet.toml": "[review]\nmax_inlin = 3\n"})
    desk.open({"shop/rates.py": RATES_BAD})

    desk.review()

    check = desk.check()
    assert check["conclusion"] == "neutral"
    assert check["output"]["title"] == "1 warning introduced; the configuration has a mistake"
    assert "did you mean `max_inline`" in check["output"]["summary"]
    assert check["annotations"][0]["path"] == ".stet.toml"
    assert check["annotations"][0]["start_line"] == 2
    assert len(desk.comments()) == 1


def test_an_option_that_no_rule_knows_is_a_mistake_like_any_other(desk: Desk) -> None:
    desk.github.commit(REPOSITORY, "main", {".stet.toml": "[rules.SEC124]\nno_such_option = 3\n"})
    desk.open({"shop/rates.py": RATES_BAD})

    desk.review()

    assert desk.check()["conclusion"] == "neutral"
    assert "this rule has no options" in desk.check()["output"]["summary"]
    assert len(desk.comments()) == 1


@pytest.mark.fault(50)
def test_bots_are_skipped_with_a_word_in_the_check(desk: Desk) -> None:
    desk.github.commit(REPOSITORY, "main", {".stet.toml": '[review]\nskip_authors = ["ali*"]\n'})
    desk.open({"shop/rates.py": RATES_BAD}, by="alice")

    desk.review()

    assert desk.check()["conclusion"] == "neutral"
    assert desk.check()["output"]["title"] == "Skipped: opened by alice"


def test_a_push_starts_no_review_where_the_repository_wants_none(desk: Desk) -> None:
    desk.github.commit(REPOSITORY, "main", {".stet.toml": '[review]\non = ["opened"]\n'})
    desk.open({"shop/rates.py": RATES_BAD}, by="alice")

    desk.review("synchronize")

    assert desk.check()["conclusion"] == "neutral"
    title = "Skipped: `synchronize` starts no review here; `/stet review` does"
    assert desk.check()["output"]["title"] == title
    assert desk.comments() == []

    desk.ask("/stet review", by="alice")

    assert len(desk.comments()) == 1


@pytest.mark.parametrize("who", ["alice", "tom"])
def test_those_who_may_ask_for_a_review_get_one_and_a_rocket(desk: Desk, who: str) -> None:
    desk.open({"shop/rates.py": RATES_BAD}, by="alice")
    comment = desk.github.comment(REPOSITORY, desk.number, "Please.\n\n/stet review", by=who)

    desk.command(comment, who)

    assert reactions(desk) == {"eyes", "rocket"}
    assert len(desk.comments()) == 1
    assert desk.mails() == {"review": 1}


@pytest.mark.fault(52)
@pytest.mark.parametrize("who", ["rita", "stranger"])
def test_others_get_a_reason_and_no_review(desk: Desk, who: str) -> None:
    desk.open({"shop/rates.py": RATES_BAD}, by="alice")
    desk.github.create_user(who)
    comment = desk.github.comment(REPOSITORY, desk.number, "/stet review", by=who)

    desk.command(comment, who)

    assert reactions(desk) == {"confused"}
    assert desk.checks() == []
    answer = desk.github.issue_comments(REPOSITORY, desk.number)[-1]["body"]
    assert answer.startswith("Only the author of the pull request")


@pytest.mark.fault(54)
def test_an_unknown_command_gets_the_list_of_those_that_work(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD}, by="alice")
    text = "/stet format-disk @everyone <b>"
    desk.command(desk.github.comment(REPOSITORY, desk.number, text, by="alice"), "alice")

    assert reactions(desk) == {"confused"}
    answer = desk.github.issue_comments(REPOSITORY, desk.number)[-1]["body"]
    assert "`/stet review`" in answer
    assert "everyone" not in answer


@pytest.mark.fault(53)
def test_a_quoted_command_is_no_command(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD}, by="alice")
    text = "> /stet review\n\nWhat does this do?"
    desk.command(desk.github.comment(REPOSITORY, desk.number, text, by="alice"), "alice")

    assert reactions(desk) == set()
    assert desk.checks() == []


def test_a_command_in_a_thread_is_answered_there(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD}, by="alice")
    desk.review()
    [comment] = desk.comments()
    reply = desk.github.reply(REPOSITORY, desk.number, comment["id"], "/stet help", by="alice")

    desk.command(reply, "alice", in_thread=True)

    assert [each["in_reply_to_id"] for each in desk.comments()[1:]] == [comment["id"]] * 2
    assert "/stet review" in desk.comments()[-1]["body"]


def reactions(desk: Desk) -> set[str]:
    """What Stet put on the newest comment of a person."""
    state = desk.github.state
    comments = [each for each in state.issue_comments.values() if each.user.type == "User"]
    return {each.content for each in comments[-1].reactions}


@pytest.mark.fault(51)
def test_a_review_of_a_hundred_files_in_a_warm_repository_takes_eight_calls(desk: Desk) -> None:
    files: dict[str, str | bytes | None] = {f"shop/part_{n}.py": f"x = {n}\n" for n in range(99)}
    desk.open({**files, "shop/rates.py": RATES})
    desk.review()
    desk.commit({"shop/part_1.py": RATES_BAD, "shop/rates.py": RATES})

    calls = desk.review()

    assert len(desk.comments()) == 1
    assert len(calls) <= 8
    changes = [call for call in calls if call.method != "GET" and "/repos/" in call.path]
    assert len(changes) == 3, "the check run opened, everything said, the check run closed"


def test_a_cold_repository_is_read_as_one_archive(desk: Desk) -> None:
    files: dict[str, str | bytes | None] = {
        f"shop/models_{n}.py": f"from django.db import models\n\nclass M{n}(models.Model):\n    pass\n"
        for n in range(400)
    }
    desk.github.commit(REPOSITORY, "main", files)
    desk.open({"shop/rates.py": RATES_BAD})

    calls = desk.review()

    assert len(calls) <= 13
    assert sum("/tarball/" in each.path for each in calls) == 1
    assert len(desk.comments()) == 1


@pytest.mark.fault(47, 48, 58)
def test_odd_files_cost_nothing_but_themselves(desk: Desk) -> None:
    latin = "# -*- coding: latin-1 -*-\nNAME = 'caf\xe9'\n" + RATES_BAD
    desk.open(
        {
            "shop/latin.py": latin.encode("latin-1"),
            "shop/crlf.py": RATES_BAD.replace("\n", "\r\n"),
            "shop/bom.py": b"\xef\xbb\xbf" + RATES_BAD.encode(),
            "shop/logo.png": b"\x89PNG\0\0" + bytes(3000),
            "shop/big.py": "x = 1\n" * 200_000,
            "shop/empty.py": "",
            "shop/name with [odd] `marks`.py": RATES_BAD,
        }
    )

    desk.review()

    bodies = [each["body"] for each in desk.comments() if "SEC124" in each["body"]]
    summary = desk.check()["output"]["summary"]
    assert "- `shop/big.py`: larger than 1 MB" in summary
    assert "logo.png" not in summary
    assert len(bodies) == 1, "four findings of one rule share a comment"
    assert "(3 more in this pull request)" in bodies[0]


@pytest.mark.fault(37)
def test_a_review_that_was_posted_though_the_answer_was_lost_is_posted_once(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    fault = faults.bad_gateway_after_success()
    desk.github.faults.add(fault, method="POST", path=r"/pulls/\d+/reviews$", times=1)

    desk.review()

    assert len(desk.reviews()) == 1
    assert desk.check()["status"] == "completed"


@pytest.mark.fault(36)
@pytest.mark.parametrize(
    "fault", [faults.server_error(), faults.html_page(), faults.cut_off(20)], ids=str
)
def test_reading_survives_an_answer_that_makes_no_sense(desk: Desk, fault: faults.Fault) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.github.faults.add(fault, method="GET", path=r"/compare/", times=1)

    desk.review()

    assert len(desk.comments()) == 1


@pytest.mark.fault(32)
def test_a_revoked_token_is_replaced_once_and_the_work_goes_on(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.github.faults.add(faults.revoked_token(), method="GET", path=r"/compare/", times=1)

    calls = desk.review()

    assert len(desk.comments()) == 1
    minted = [each for each in calls if each.path.endswith("/access_tokens")]
    assert len(minted) == 3  # twice the repository's, and the one for the organisation's file


@pytest.mark.fault(34)
def test_a_rate_limit_frees_the_worker_and_the_turn_comes_again(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    limit = faults.secondary_rate_limit(retry_after=40)
    desk.github.faults.add(limit, method="POST", path=r"/reviews$", times=1)
    desk.review()
    paused = desk.turns.counts().later

    make_due(desk)
    desk.turn()

    assert paused == 1
    assert len(desk.reviews()) == 1
    assert [each["status"] for each in desk.checks()] == ["completed"]


@pytest.mark.fault(18)
def test_a_crash_between_the_review_and_the_end_of_its_check_repeats_nothing(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.github.faults.add(faults.server_error(), method="PATCH", path=r"/check-runs/", times=3)
    with pytest.raises(UnavailableError):
        desk.review()

    make_due(desk)
    desk.turn()

    assert len(desk.reviews()) == 1
    assert [each["conclusion"] for each in desk.checks()] == ["success"]
    assert desk.mails() == {"review": 1}


@pytest.mark.fault(24)
def test_a_review_that_keeps_failing_ends_in_a_neutral_check(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.github.faults.add(faults.answer(500, "no"), method="POST", path=r"/reviews$", times=99)
    with pytest.raises(UnavailableError):
        desk.review()
    for _ in range(2):
        make_due(desk)
        with pytest.raises(UnavailableError):
            desk.turn()
    make_due(desk)
    desk.turn()

    assert [each["conclusion"] for each in desk.checks()] == ["neutral"]
    assert desk.check()["output"]["title"] == "Could not be analysed"
    assert len(desk.turns.failures()) == 1


@pytest.mark.fault(33)
def test_an_installation_that_is_gone_costs_one_call(desk: Desk) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    desk.github.uninstall(desk.installation)

    calls = desk.review()

    assert len(calls) == 1
    assert desk.turns.counts().ready == 0
    assert desk.checks() == []


@pytest.mark.fault(62)
def test_no_token_lies_open_in_redis(desk: Desk, redis_url: str) -> None:
    desk.open({"shop/rates.py": RATES_BAD})

    desk.review()

    tokens = [value.encode() for value in desk.github.state.tokens]
    with Redis.from_url(redis_url) as redis:
        dumps = {bytes(name): redis.dump(name) or b"" for name in redis.scan_iter()}
    assert any(b":token:" in name for name in dumps)
    assert not [name for name, dump in dumps.items() if any(each in dump for each in tokens)]


@pytest.mark.fault(45)
def test_a_pull_request_of_more_files_than_a_comparison_lists_is_read_whole(desk: Desk) -> None:
    files: dict[str, str | bytes | None] = {
        f"shop/part_{n:03}.py": f"x = {n}\n" for n in range(305)
    }
    desk.open({**files, "shop/zz_last.py": RATES_BAD})

    desk.review()

    assert [each["path"] for each in desk.comments()] == ["shop/zz_last.py"]
    assert "306 files reviewed" in desk.check()["output"]["summary"]


@pytest.mark.fault(46)
def test_a_fork_that_is_gone_is_read_through_the_base_repository(desk: Desk) -> None:
    desk.github.create_user("mallory")
    desk.github.fork(REPOSITORY, owner="mallory")
    desk.github.commit(
        "mallory/shop", "patch", {"shop/rates.py": RATES_BAD}, base="main", by="mallory"
    )
    desk.number = desk.github.open_pull_request(
        REPOSITORY, head="mallory:patch", title="From outside", by="mallory"
    )
    desk.github.delete_repository("mallory/shop")

    desk.review()

    assert [each["path"] for each in desk.comments()] == ["shop/rates.py"]


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=alice", "-c", "user.email=alice@example.org")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True)


def test_a_branch_without_common_history_ends_in_a_neutral_check(
    desk: Desk, tmp_path: Path
) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    git(tmp_path, "init", "-q", "-b", "feature")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "Another beginning")
    desk.github.push(REPOSITORY, "feature", source=tmp_path, by="alice")

    desk.review()

    assert desk.check()["conclusion"] == "neutral"
    assert desk.check()["output"]["title"] == "Could not be read"


@pytest.mark.fault(47)
def test_links_and_submodules_are_not_followed(desk: Desk, tmp_path: Path) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    git(tmp_path, "init", "-q", "-b", "feature")
    git(tmp_path, "fetch", "-q", str(desk.github.git_path(REPOSITORY)), "feature")
    git(tmp_path, "reset", "-q", "--hard", "FETCH_HEAD")
    (tmp_path / "shop" / "link.py").symlink_to("/etc/passwd")
    (tmp_path / "shop" / "loop.py").symlink_to("loop.py")
    git(tmp_path, "add", "shop")
    git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{'a' * 40},vendor/module")
    git(tmp_path, "commit", "-q", "-m", "Links")
    desk.github.push(REPOSITORY, "feature", source=tmp_path, by="alice")

    desk.review()

    assert [each["path"] for each in desk.comments()] == ["shop/rates.py"]
    assert "link.py" not in desk.check()["output"]["summary"]


@pytest.mark.fault(37)
def test_marks_whose_answer_was_lost_do_not_stand_there_twice(desk: Desk) -> None:
    fault = faults.bad_gateway_after_success()
    desk.github.faults.add(fault, method="PATCH", path=r"/check-runs/", body=b"annotations")
    desk.open({"shop/rates.py": RATES_BAD}, draft=True)
    with pytest.raises(UnavailableError):
        desk.review()
    make_due(desk)

    desk.turn()

    assert len(desk.check()["annotations"]) == 1
    assert {each["status"] for each in desk.checks()} == {"completed"}
