"""How a finding went away, what is counted of it, and what a commit comes to."""

from __future__ import annotations

from typing import Any

import pytest
from findings import EARLIER, diff_file, finding, pull_request, report, thread
from redis import Redis

from rules.engine.config import Config
from rules.engine.finding import Finding, Suppressed
from worker.accepted import accepted
from worker.github.change import Commit
from worker.ledger import Dismissal, Ledger, Place
from worker.outcomes import Record, records_of, tally
from worker.plan import Conclusion, ReviewPlan, plan
from worker.pull_request import Comment, OwnComment, Thread
from worker.render.dismissal import noted_comment
from worker.render.together import worst
from worker.request import PullRequestKey
from worker.verdicts import Verdict, Verdicts

ONE = finding("SEC124", "shop/rates.py")
BLOCK = "x\n```suggestion\n    answer = get(url, timeout=10)\n```\n"
BY_CLICK = (
    "Update shop/rates.py\n\nCo-authored-by: stet[bot] <7+stet[bot]@users.noreply.github.com>"
)


def said(body: str) -> OwnComment:
    given = thread(ONE)
    first = given.comments[0]
    ours = Comment(1, "stet[bot]", by_us=True, body=f"{body}{first.body}", review_id=9)
    [own] = pull_request(thread(ONE, comments=(ours,))).said
    return own


@pytest.mark.parametrize(
    ("message", "text", "counts"),
    [
        (BY_CLICK, b"    answer = get(url, timeout=10)\n", True),
        (BY_CLICK.replace("\n\n", "\r\n\r\n"), b"    answer = get(url, timeout=10)\r\n", True),
        (BY_CLICK.replace("shop/rates.py", "shop/other.py"), b"    answer = get(url)\n", False),
        ("Apply suggestions\n\n" + BY_CLICK.splitlines()[2], b"answer = other()\n", False),
        ("Add a time-out", b"    answer = get(url, timeout=10)\n", False),
        (
            "Fix\n\nCo-authored-by: stetson[bot] <s@x>",
            b"    answer = get(url, timeout=10)\n",
            False,
        ),
        ("", b"    answer = get(url, timeout=10)\n", False),
    ],
)
def test_a_suggestion_counts_where_its_commit_names_us_and_its_lines_stand(
    message: str, text: bytes, *, counts: bool
) -> None:
    comment = said(BLOCK)
    commits = [Commit(EARLIER, "Begin"), Commit("2" * 40, message)]

    assert accepted([comment], commits, {"shop/rates.py": text}) == ((comment,) if counts else ())


def test_a_commit_before_the_comment_took_nothing_and_no_block_is_no_suggestion() -> None:
    before = [Commit("0" * 40, BY_CLICK), Commit(EARLIER, "Begin")]
    after = [Commit(EARLIER, "Begin"), Commit("0" * 40, BY_CLICK)]
    head = {"shop/rates.py": b"    answer = get(url, timeout=10)\n"}

    assert accepted([said(BLOCK)], before, head) == ()
    assert accepted([said("no block\n")], after, head) == ()
    assert accepted([said(BLOCK)], after, {}) != ()


def test_each_finding_has_one_fate_and_a_rule_that_is_off_has_none() -> None:
    codes = ("SEC101", "SEC102", "SEC103", "SEC104", "SEC105", "SEC106")
    about = {code: finding(code, f"{code}.py") for code in codes}
    threads = [thread(about[code], id=n) for n, code in enumerate(codes, 1)]
    comments = {own.markers[0].code: own for own in pull_request(*threads).said}
    ledger = Ledger().mending([comments["SEC101"]])
    ledger = ledger.mending([comments["SEC102"]], "committed")
    ledger = ledger.mending([comments["SEC103"]], "silenced").mending([comments["SEC104"]], "off")
    place = Place(about["SEC105"].fingerprint, "SEC105.py", "SEC105")
    ledger = ledger.dismiss([place], Dismissal("fp", "walter", "no"))

    counts = tally(pull_request(*threads[4:]), ledger, is_merged=True)

    assert counts == {
        "SEC101:fixed": 1,
        "SEC102:committed": 1,
        "SEC103:dismissed": 1,
        "SEC105:mistaken": 1,
        "SEC106:shipped": 1,
    }
    back = ledger.saying([Place(about["SEC102"].fingerprint, "SEC102.py", "SEC102")])
    assert "SEC102:committed" not in tally(pull_request(), back, is_merged=True)


def test_precision_is_told_of_what_somebody_acted_on() -> None:
    assert Record(shipped=5, unmerged=3).precision is None
    assert Record(fixed=2, committed=1, dismissed=1).precision == 0.75
    assert Record(fixed=2, committed=2, mistaken=4, shipped=1).is_demoted is False
    assert records_of({"SEC124:fixed": 2, "SEC124:nonsense": 9, "x": 1, "SEC101:fixed": -1}) == {
        "SEC101": Record(),
        "SEC124": Record(fixed=2),
    }


@pytest.mark.parametrize(
    ("own", "others", "verdict"),
    [
        ("success", (), "success"),
        ("success", ("failure",), "failure"),
        ("failure", ("success",), "failure"),
        ("success", ("neutral", "success"), "neutral"),
        ("neutral", ("failure", "success"), "failure"),
    ],
)
def test_a_commit_has_the_worst_verdict_of_its_pull_requests(
    own: Conclusion, others: tuple[str, ...], verdict: str
) -> None:
    assert worst(own, [Verdict(n, "a", each) for n, each in enumerate(others)]) == verdict


def test_verdicts_are_found_by_pull_request_and_by_head(redis_url: str) -> None:
    one, two, three = (PullRequestKey(1, 2, "acme", "shop", number) for number in (7, 8, 9))
    with Redis.from_url(redis_url) as redis:
        verdicts = Verdicts(redis)
        verdicts.note(one, Verdict(7, "a" * 40, "failure", "1 error"))
        verdicts.note(two, Verdict(8, "a" * 40))
        verdicts.note(three, Verdict(9, "b" * 40, "success"))
        redis.hset("{stet}:verdicts:1:2", "10", b"rubbish " + b"a" * 40)

        assert verdicts.of(one) == Verdict(7, "a" * 40, "failure", "1 error")
        assert [each.number for each in verdicts.beside(two, "a" * 40)] == [7]
        verdicts.forget(one)
        assert verdicts.of(one) is None
        assert verdicts.beside(two, "a" * 40) == ()


def decided(threads: tuple[Thread, ...], *found: Finding, **more: Any) -> ReviewPlan:
    given = {key: more.pop(key) for key in ("suppressed",) if key in more}
    diff = {each: diff_file(each) for each in ("shop/rates.py", "shop/more.py")}
    return plan(pull_request(*threads), report(*found, **given), Config.default(), diff, **more)


def test_a_thread_that_we_resolved_is_opened_again_where_we_may_and_not_told_anew() -> None:
    ours = thread(ONE, is_resolved=True)

    back = decided((ours,), ONE, may_resolve=True)
    assert [each.finding for each in back.reopened] == [ONE]
    assert back.comments == 0
    assert back.speaks
    news = decided((ours,), ONE)
    assert (news.reopened, news.comments) == ((), 1)
    ignoring = Ledger().dismiss_rule("SEC124", Dismissal("ignore", "walter", "no", clears=True))
    quiet = decided((ours,), ONE, may_resolve=True, ledger=ignoring)
    assert (quiet.reopened, quiet.resolutions) == ((), ())


def test_what_is_silenced_or_off_is_gone_and_not_called_fixed() -> None:
    other = finding("SEC101", "shop/more.py")
    third = finding("SEC102", "shop/more.py", 9)
    threads = (thread(ONE), thread(other, id=2), thread(third, id=3))

    gone = decided(threads, suppressed=(Suppressed(ONE, "we wait", 88),), off={"SEC101"})

    assert [each.id for each in gone.silenced] == [1]
    assert [each.id for each in gone.off] == [2]
    assert [each.id for each in gone.fixed] == [3]
    assert {each.id for each in gone.deletions} == {1, 2, 3}
    assert [gone.ending_of(each) for each in gone.deletions] == ["silenced", "off", None]


def test_a_comment_says_that_it_was_dismissed_once_and_takes_it_back() -> None:
    why = Dismissal("ignore", "walter", "no", clears=True)
    ledger = Ledger().dismiss([Place(ONE.fingerprint, ONE.path, ONE.code)], why)

    [noted] = decided((thread(ONE),), ONE, ledger=ledger).noted
    assert noted.why is not None
    body = noted_comment(noted.comment, noted.why)
    assert body.split("\n")[1] == "Dismissed: ignored by walter: no"
    ours = Comment(1, "stet[bot]", by_us=True, body=body, review_id=9)
    said_so = thread(ONE, comments=(ours,))
    assert decided((said_so,), ONE, ledger=ledger).noted == ()
    [taken] = decided((said_so,), ONE).noted
    assert taken.why is None
    assert noted_comment(taken.comment, None) == noted.comment.body
