"""The life of one comment, state by state, and what is counted at its end."""

from __future__ import annotations

import httpx
import pytest
from desk import RATES, RATES_BAD, SHELF_BAD
from town import Street

pytestmark = pytest.mark.end_to_end

STRICTER = {".stet.toml": '[check]\nfail_on = "warning"\n'}
FINE = {"shop/rates.py": RATES}
BAD = {"shop/rates.py": RATES_BAD}


def opened(street: Street) -> int:
    street.open(BAD, base={**FINE, **STRICTER})
    assert street.verdict() == ("failure", "1 warning introduced")
    return int(street.comment()["id"])


def thread(street: Street) -> tuple[bool, str | None]:
    """Whether the one thread stands on a line of today, and who resolved it."""
    [one] = street.github.threads(street.name, street.number)
    return not one.outdated, one.resolved_by


def test_where_stet_may_write_it_resolves_what_is_fixed_and_opens_what_is_back(
    street: Street,
) -> None:
    street.may_write()
    street.open({**BAD, "shop/more.py": "x = 1\n"}, base={**FINE, **STRICTER})
    first = street.comment()["id"]
    bot = street.github.bot_login

    street.push(FINE)
    assert thread(street)[1] == bot
    assert street.verdict() == ("success", "No new findings")
    street.push(BAD)

    assert thread(street)[1] is None
    assert street.comment()["id"] == first
    assert street.verdict()[0] == "failure"
    street.say("/stet ignore the proxy waits", "walter", thread=first)
    assert thread(street)[1] == bot
    street.say("/stet unignore", "walter", thread=first)
    assert thread(street)[1] is None
    assert street.comment()["id"] == first
    assert "Dismissed" not in street.comment()["body"]
    assert street.mails() == ["review"]


def test_a_comment_that_comes_along_to_a_new_review_leaves_no_false_word_behind(
    street: Street,
) -> None:
    opened(street)
    moved = RATES_BAD.replace("get(f", "get(  f")
    head = street.push({"shop/rates.py": moved, "shop/shelf.py": SHELF_BAD})

    old, new = street.reviews()
    assert old["body"] == f"Stet: what was said here now stands in the review of {head[:7]}"
    assert new["body"] == f"Stet: 1 new finding on {head[:7]}"
    assert len(street.comments()) == 2
    assert street.mails() == ["review", "review"]


def test_a_rule_that_is_switched_off_says_so_and_counts_for_nobody(street: Street) -> None:
    first = opened(street)
    street.say("Is that so?", "alice", thread=first)
    shipped = street.metric("stet_findings_ended_total", rule="SEC124", outcome="fixed")
    street.commit({".stet.toml": '[rules]\nignore = ["SEC124"]\n'}, "main")
    street.push({"shop/more.py": "x = 1\n"})

    assert "The rule is no longer enabled." in street.comment()["body"]
    street.github.close(street.name, street.number)
    street.settle()
    fixed = street.metric("stet_findings_ended_total", rule="SEC124", outcome="fixed")
    assert fixed == shipped


def test_what_the_code_silences_is_listed_and_its_comment_goes(street: Street) -> None:
    opened(street)
    silent = RATES_BAD.replace('{currency}")', '{currency}")  # stet: ignore[SEC124] we wait')
    head = street.push({"shop/rates.py": silent})

    assert street.comments() == []
    [review] = street.reviews()
    assert review["body"] == f"Stet: nothing of this review is open any more, as of {head[:7]}"
    assert "we wait" in street.summary()
    assert street.verdict()[0] == "success"
    assert street.mails() == ["review"]


def test_a_deleted_comment_stays_away_though_redis_forgets(street: Street) -> None:
    first = opened(street)
    street.github.delete_review_comment(street.name, street.number, first, by="walter")
    street.settle()
    assert street.verdict()[0] == "success"
    [review] = street.reviews()
    assert review["body"].startswith("Stet: 1 new finding on ")

    street.lose_redis()
    street.push({"shop/exchange.py": f"# renamed\n{RATES_BAD}", "shop/rates.py": None})

    assert street.comments() == []
    assert "walter deleted the comment" in street.summary()
    assert street.verdict()[0] == "success"
    street.say("/stet unignore SEC124", "walter")
    assert street.verdict()[0] == "failure"
    street.lose_redis()
    street.push({"shop/more.py": "x = 1\n"})
    assert street.verdict()[0] == "failure"
    assert len(street.comments()) == 1


def test_people_and_stet_agree_on_what_is_settled_after_redis_is_lost(street: Street) -> None:
    street.open({**BAD, "shop/shelf.py": SHELF_BAD}, base={**FINE, **STRICTER})
    by_path = {each["path"]: int(each["id"]) for each in street.comments()}
    street.say("/stet fp @all it has a *proxy*", "walter", thread=by_path["shop/rates.py"])
    bodies = {each["path"]: each["body"].split("\n") for each in street.comments()}
    assert bodies["shop/rates.py"][1] == (
        "Dismissed: a mistake of the rule, says walter: @\u200ball it has a \\*proxy\\*"
    )
    street.say("/stet pause", "alice")
    before = street.verdict()

    street.lose_redis()
    street.push({"shop/more.py": "def f(x=[]):\n    return x\n"})

    assert "it has a \\*proxy" in street.summary()
    assert "Stet is paused on this pull request" in street.summary()
    assert before[0] == street.verdict()[0] == "failure"
    assert street.mails() == ["review"]


def test_one_commit_that_heads_two_pull_requests_has_the_worse_verdict_of_both(
    street: Street,
) -> None:
    street.commit(FINE, "main")
    street.commit(BAD, "release")
    opened_on_release = street.commit({"shop/more.py": "x = 1\n"}, "feature", base="release")
    street.commit(STRICTER, "main")
    one = street.github.open_pull_request(street.name, head="feature", base="main", by="alice")
    street.settle()
    two = street.github.open_pull_request(street.name, head="feature", base="release", by="alice")
    street.settle()

    street.number = two
    assert street.head() == opened_on_release
    assert street.verdict() == ("failure", f"No new findings; #{one} fails")
    assert f"- #\u200b{one}: 1 warning introduced" in street.summary().replace(
        f"#{one}", f"#\u200b{one}"
    )

    street.github.close(street.name, one)
    street.settle()
    street.github.rerequest_suite(street.name, street.head(), by="walter")
    street.settle()
    assert street.verdict() == ("success", "No new findings")


def test_a_label_turns_on_the_rules_that_are_off_by_default(street: Street) -> None:
    street.open(BAD, base=FINE)
    rules = street.summary()
    street.github.add_label(street.name, street.number, "stet:strict", by="walter")
    street.settle()

    assert "with the label stet:strict" in street.summary()
    assert street.summary() != rules
    street.github.add_label(street.name, street.number, "stet:skip", by="walter")
    street.settle()
    assert street.verdict() == ("neutral", "Skipped: label stet:skip")
    assert street.mails() == ["review"]


def commit_suggestion(street: Street, comment: int) -> None:
    """Press "Commit suggestion" on the page, as walter."""
    page = f"{street.github.url}/{street.name}/pull/{street.number}"
    with httpx.Client(follow_redirects=True, headers={"Origin": street.github.url}) as web:
        web.post(f"{street.github.url}/act-as", data={"login": "walter", "back": "/"})
        answer = web.post(f"{page}/comments/{comment}/suggestions/0")
        assert answer.status_code == 200, answer.text
    street.settle()


def test_what_became_of_each_finding_is_counted_for_its_rule(street: Street) -> None:
    shared = "def rates(found=[]):\n    found.append(1)\n    return found\n"
    files = {
        "shop/rates.py": RATES_BAD,
        "shop/fixed.py": RATES_BAD.replace("rate(", "old("),
        "shop/shared.py": shared,
        "shop/left.py": RATES_BAD.replace("rate(", "left("),
    }
    base = {"shop/shared.py": "x = 1\n", ".stet.toml": "[review]\ngroup_after = 9\n"}
    street.open(files, base=base)
    by_path = {each["path"]: each for each in street.comments()}
    suggested = by_path["shop/shared.py"]
    code = suggested["body"].partition(" · `")[2].partition("`")[0]
    names = ("fixed", "committed", "shipped", "mistaken")
    before = {
        n: street.metric("stet_findings_ended_total", rule="SEC124", outcome=n) for n in names
    }

    commit_suggestion(street, suggested["id"])
    street.push({"shop/fixed.py": RATES})
    street.say("/stet fp it has a proxy", "walter", thread=by_path["shop/rates.py"]["id"])
    street.github.merge(street.name, street.number, by="walter")
    street.settle()

    after = {n: street.metric("stet_findings_ended_total", rule="SEC124", outcome=n) for n in names}
    assert {n: after[n] - before[n] for n in names} == {
        "fixed": 1,
        "committed": 0,
        "shipped": 1,
        "mistaken": 1,
    }
    assert street.metric("stet_findings_ended_total", rule=code, outcome="committed") == 1
    assert street.metric("stet_rule_precision", rule=code) == 1.0
    assert street.metric("stet_rule_precision", rule="SEC124") < 1.0
    assert street.mails() == ["review"]


def test_what_is_said_of_a_file_comes_in_the_same_mail_as_the_rest(street: Street) -> None:
    compiled = {"shop/__pycache__/rates.cpython-312.pyc": b"\xcb\r\r\n" + bytes(12) + b"N"}
    street.open({**BAD, **compiled}, base=FINE)

    [review] = street.reviews()
    assert review["body"] == f"Stet: 2 new findings on {street.head()[:7]}"
    assert {each["subject_type"] for each in street.comments()} == {"file", "line"}
    about_file = next(c["body"] for c in street.comments() if c["subject_type"] == "file")
    assert "# stet: ignore" not in about_file
    assert street.mails() == ["review"]
