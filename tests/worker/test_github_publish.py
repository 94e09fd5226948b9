"""Writing to GitHub: whole or not at all, never twice, never where it is no longer wanted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from desk import RATES_BAD, REPOSITORY, Desk, client_of
from findings import finding, pull_request
from redis import Redis

from rules.engine.config import Config
from rules.engine.finding import Report
from rules.engine.index import MemoryCache
from sandbox import faults
from worker.github.checks import Checks
from worker.github.client import Client
from worker.github.errors import UnavailableError
from worker.github.gate import unguarded
from worker.github.publish import Speaker, Spoken
from worker.github.pulls import Opened, read_pull_request
from worker.ledger import Ledger
from worker.open_checks import OpenChecks
from worker.placing import FileComment, InlineComment
from worker.plan import ReviewPlan, plan
from worker.review import SupersededError, Tools, review_pull_request
from worker.turns import TurnLostError, TurnSupersededError
from worker.verdicts import Verdicts

LINES = "".join(f"LINE_{number} = {number}\n" for number in range(1, 31))


def allow() -> None:
    """A gate that stands open."""


def why(_code: str) -> str:
    return "Because."


def comments_on(*lines: int) -> ReviewPlan:
    """A plan that wants a comment on each of these lines of `shop/lines.py`."""
    empty = plan(pull_request(), Report(()), Config.default(), {})
    found = [finding("QLT101", "shop/lines.py", line) for line in lines]
    return replace(empty, inline=tuple(InlineComment(f, f.span.line, f.span.line) for f in found))


def say(desk: Desk, decided: ReviewPlan) -> Spoken:
    with client_of(desk) as client:
        opened = read_pull_request(client)
        return Speaker(client, opened.pull_request, allow, why).say(decided)


def tools(desk: Desk, client: Client) -> Tools:
    forget = list[Ledger]().append
    verdicts = Verdicts(desk.redis)
    checks = OpenChecks(desk.redis)
    return Tools(client, MemoryCache(), allow, allow, checks, forget, verdicts, dict)


@pytest.mark.fault(38)
def test_one_bad_line_of_twelve_costs_only_itself(desk: Desk) -> None:
    desk.open({"shop/lines.py": LINES})

    spoken = say(desk, comments_on(*range(1, 12), 4000))

    assert [each.span.line for each in spoken.refused] == [4000]
    assert sorted(each["line"] for each in desk.comments()) == list(range(1, 12))
    assert len(desk.reviews()) == 1
    assert desk.reviews()[0]["body"].startswith("Stet: 11 new findings on ")
    assert desk.mails() == {"review": 1}


def test_a_review_with_no_good_line_is_not_posted(desk: Desk) -> None:
    desk.open({"shop/lines.py": LINES})

    spoken = say(desk, comments_on(3000, 4000))

    assert len(spoken.refused) == 2
    assert desk.reviews() == []
    assert desk.mails() == {}


def test_a_comment_on_a_file_stands_on_the_file_and_not_on_a_line(desk: Desk) -> None:
    desk.open({"shop/lines.py": LINES})
    here, elsewhere = finding("QLT101", "shop/lines.py", 3), finding("QLT102", "shop/other.py", 3)
    wanted = (FileComment(here), FileComment(elsewhere))

    spoken = say(desk, replace(comments_on(), file_level=wanted))

    assert spoken.refused == (elsewhere,)
    [comment] = desk.comments()
    assert (comment["path"], comment["subject_type"]) == ("shop/lines.py", "file")
    with client_of(desk) as client:
        [own] = read_pull_request(client).pull_request.said
    assert own.places() == {(here.fingerprint, "shop/lines.py")}


def test_a_pending_review_that_a_crash_left_behind_is_in_nobodys_way(desk: Desk) -> None:
    desk.open({"shop/lines.py": LINES})
    with client_of(desk) as client:
        root = f"{client.repository}/pulls/{desk.number}/reviews"
        client.write("POST", root, object, {"body": "left behind"}, gate=unguarded)

    spoken = say(desk, comments_on(1, 2, 4000))

    assert len(spoken.refused) == 1
    assert sorted(each["line"] for each in desk.comments()) == [1, 2]


@pytest.mark.fault(37)
def test_a_write_whose_answer_is_lost_is_looked_for_before_it_is_sent_again(desk: Desk) -> None:
    desk.open({"shop/lines.py": LINES})
    lost = faults.bad_gateway_after_success()
    desk.github.faults.add(lost, method="POST", path=r"/reviews$", times=1)

    say(desk, comments_on(1, 2))

    assert len(desk.reviews()) == 1


@pytest.mark.fault(36)
def test_a_write_that_did_not_happen_is_sent_again(desk: Desk) -> None:
    desk.open({"shop/lines.py": LINES})
    desk.github.faults.add(faults.server_error(), method="POST", path=r"/reviews$", times=1)

    say(desk, comments_on(1, 2))

    assert len(desk.reviews()) == 1


@pytest.mark.fault(36)
def test_a_write_that_never_succeeds_is_an_error(desk: Desk) -> None:
    desk.open({"shop/lines.py": LINES})
    desk.github.faults.add(faults.server_error(), method="POST", path=r"/reviews$", times=9)

    with pytest.raises(UnavailableError):
        say(desk, comments_on(1, 2))

    assert desk.reviews() == []


@pytest.mark.fault(16, 17)
def test_a_closed_gate_lets_nothing_out(desk: Desk) -> None:
    desk.open({"shop/lines.py": LINES})

    def lost() -> None:
        raise TurnLostError(str(desk.key))

    with client_of(desk) as client:
        opened = read_pull_request(client)
        with pytest.raises(TurnLostError):
            Speaker(client, opened.pull_request, lost, why).say(comments_on(1))

    assert desk.reviews() == []


def stale_review(desk: Desk, happens: str) -> None:
    """Review what was read before something happened to the pull request."""
    with client_of(desk) as client:
        opened: Opened = read_pull_request(client)
        match happens:
            case "push":
                desk.commit({"shop/more.py": "x = 1\n"})
            case "close":
                desk.github.close(REPOSITORY, desk.number, by="alice")
            case "draft":
                desk.github.convert_to_draft(REPOSITORY, desk.number, by="alice")
            case "retarget":
                desk.github.commit(REPOSITORY, "release", {"shop/new.py": ""}, base="main")
                desk.github.retarget(REPOSITORY, desk.number, base="release")
        review_pull_request(opened, tools(desk, client), Ledger())


@pytest.mark.fault(40, 41)
@pytest.mark.parametrize(
    ("happens", "conclusion", "title"),
    [
        ("push", "cancelled", "Superseded by a newer push"),
        ("close", "neutral", "The pull request was closed"),
        ("draft", "neutral", "The pull request became a draft"),
        ("retarget", "cancelled", "Superseded by a change of the pull request"),
    ],
)
def test_what_changed_meanwhile_is_not_spoken_about(
    desk: Desk, happens: str, conclusion: str, title: str
) -> None:
    desk.open({"shop/rates.py": RATES_BAD})
    commit = desk.head()

    with pytest.raises(SupersededError, match=title):
        stale_review(desk, happens)

    [check] = desk.checks(commit)
    assert (check["conclusion"], check["output"]["title"]) == (conclusion, title)
    assert desk.reviews() == []
    assert OpenChecks(desk.redis).all() == []


@pytest.mark.fault(41)
def test_where_drafts_are_not_reviewed_one_that_becomes_a_draft_is_left_neutral(desk: Desk) -> None:
    desk.github.commit(REPOSITORY, "main", {".stet.toml": '[review]\ndrafts = "off"\n'})
    desk.open({"shop/rates.py": RATES_BAD})

    def news() -> None:
        desk.github.convert_to_draft(REPOSITORY, desk.number, by="alice")
        raise TurnSupersededError(str(desk.key))

    with client_of(desk) as client:
        superseded = replace(tools(desk, client), ensure_current=news)
        with pytest.raises(TurnSupersededError):
            review_pull_request(read_pull_request(client), superseded, Ledger())
    meanwhile = desk.check()["conclusion"]
    desk.review()
    desk.review()

    assert meanwhile == "cancelled"
    assert (desk.check()["conclusion"], len(desk.checks())) == ("neutral", 2)
    assert desk.reviews() == []


@pytest.mark.fault(41)
def test_a_check_run_that_is_open_when_the_pull_request_closes_is_neutral(desk: Desk) -> None:
    desk.open({"shop/lines.py": LINES})
    with client_of(desk) as client:
        Checks(client, allow, OpenChecks(desk.redis)).start("Stet", desk.head(), 1)
    desk.github.close(REPOSITORY, desk.number, by="alice")

    desk.review()

    assert (desk.check()["status"], desk.check()["conclusion"]) == ("completed", "neutral")


@pytest.mark.fault(43)
def test_a_check_run_left_open_is_taken_up_or_closed(desk: Desk) -> None:
    desk.open({"shop/lines.py": LINES})
    first = desk.head()
    with client_of(desk) as client:
        checks = Checks(client, allow, OpenChecks(desk.redis))
        left = checks.start("Stet", first, 1)
        again = checks.start("Stet", first, 2)
        second = desk.commit({"shop/more.py": "x = 1\n"})
        newer = checks.start("Stet", second, 1)

    assert again == left
    assert newer != left
    assert [each["conclusion"] for each in desk.checks(first)] == ["cancelled"]
    assert [each.id for each in OpenChecks(desk.redis).all()] == [newer]


@pytest.mark.fault(39)
def test_more_annotations_than_one_request_takes_are_all_there(desk: Desk) -> None:
    many = "".join(
        f"def f{n}():\n    try:\n        go({n})\n    except:\n        pass\n" for n in range(70)
    )
    desk.open({"shop/many.py": many}, draft=True)

    desk.review()

    assert len(desk.check()["annotations"]) >= 70
    assert desk.check()["status"] == "completed"


def test_open_check_runs_read_the_same_from_either_client(redis_url: str, desk: Desk) -> None:
    desk.open({"shop/lines.py": LINES})
    with client_of(desk) as client, Redis.from_url(redis_url) as raw:
        Checks(client, allow, OpenChecks(raw)).start("Stet", desk.head(), 1)

    assert [each.key for each in OpenChecks(desk.redis).all()] == [desk.key]
