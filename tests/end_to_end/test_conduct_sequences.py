"""What people see of Stet over the life of a pull request: events over HTTP, real workers, mails."""

from __future__ import annotations

import pytest
from desk import RATES, RATES_BAD, SHELF_BAD
from town import Street

from sandbox import faults

pytestmark = pytest.mark.end_to_end

STRICTER = {".stet.toml": '[check]\nfail_on = "warning"\n'}
FINE = {"shop/rates.py": RATES}
BAD = {"shop/rates.py": RATES_BAD}


def calls(count: int) -> str:
    """So many findings of one rule, the first in line 5, with seven lines to the next."""
    body = (
        "    answer = requests.get(host)\n    answer.raise_for_status()\n    return answer.json()\n"
    )
    each = (f"\n\ndef rate_{number}(host):\n{body}\n" for number in range(count))
    return "import requests\n" + "".join(each)


def test_nothing_that_leaves_the_code_as_it_is_says_anything_new(street: Street) -> None:
    street.open(BAD, base=FINE)
    first = street.comment()
    lines = "# one more line\n" * 10
    laid_out = RATES_BAD.replace("(f", "(\n        f").replace('}")', '}"\n    )')

    street.commit(BAD)
    street.commit(BAD)
    for text in (RATES_BAD, lines + RATES_BAD, laid_out):
        street.push({"shop/rates.py": text})
        assert street.comment()["id"] == first["id"]
        assert street.verdict() == ("success", "1 warning introduced")
    street.push({"shop/rates.py": None, "shop/exchange.py": laid_out})

    assert street.comment()["id"] == first["id"]
    assert len(street.reviews()) == 1
    assert street.mails() == ["review"]


def test_a_squash_that_is_forced_costs_no_mail(street: Street) -> None:
    street.open(BAD, base=FINE)
    street.push({"shop/shelf.py": SHELF_BAD})
    said = {each["id"] for each in street.comments()}
    assert street.mails() == ["review", "review"]

    files = {"shop/rates.py": f"# squashed\n{RATES_BAD}", "shop/shelf.py": SHELF_BAD}
    squashed = street.commit(files, "squashed", push=False)
    street.github.push(street.name, "feature", revision=squashed)
    street.settle()

    assert street.head() == squashed
    assert {each["id"] for each in street.comments()} == said
    assert street.mails() == ["review", "review"]


def test_what_a_person_resolved_does_not_return_by_any_way(street: Street) -> None:
    street.open(BAD, base={**FINE, **STRICTER})
    first = street.comment()["id"]
    street.github.resolve(street.name, street.number, first, by="walter")
    street.settle()
    assert street.verdict()[0] == "success"

    squashed = street.commit({"shop/rates.py": f"# moved\n{RATES_BAD}"}, "squashed", push=False)
    street.github.push(street.name, "feature", revision=squashed)
    street.settle()
    street.github.close(street.name, street.number)
    street.settle()
    street.github.reopen(street.name, street.number)
    street.settle()
    street.lose_redis()
    street.push({"shop/rates.py": f"# moved again\n{RATES_BAD}"})

    assert street.comment()["id"] == first
    assert street.verdict()[0] == "success"
    assert street.mails() == ["review"]


def test_an_author_who_resolves_hides_and_clears_nothing(street: Street) -> None:
    street.open(BAD, base={**FINE, **STRICTER})
    street.github.resolve(street.name, street.number, street.comment()["id"], by="alice")
    street.push({"shop/rates.py": f"# moved\n{RATES_BAD}"})

    assert street.verdict()[0] == "failure"
    assert street.mails() == ["review"]


def test_an_answered_comment_is_edited_when_it_is_fixed(street: Street) -> None:
    street.open(BAD, base=FINE)
    first = street.comment()["id"]
    street.say("Is that so?", "walter", thread=first)

    street.push(FINE)

    assert street.comment()["id"] == first
    assert street.comment()["body"].startswith("~~**")
    assert street.mails() == ["review"]


def test_an_event_that_is_told_twice_to_two_workers_is_one_review(street: Street) -> None:
    street.github.faults.add_delivery("doubled", event="pull_request", times=2)
    street.open(BAD, base=FINE)

    assert len(street.checks()) == 1
    assert len(street.reviews()) == 1
    assert street.mails() == ["review"]


def test_an_event_that_never_came_is_worked_on_when_it_is_delivered_again(street: Street) -> None:
    street.github.faults.add_delivery("lost", event=r"pull_request\.opened")
    street.open(BAD, base=FINE)
    assert street.checks() == []

    lost = next(
        each
        for each in reversed(street.github.deliveries)
        if each.name == "pull_request.opened" and each.installation_id == street.installation
    )
    street.github.state.deliveries.redeliver(lost)
    street.settle()

    assert street.verdict() == ("success", "1 warning introduced")
    assert street.mails() == ["review"]


def test_one_line_that_github_refuses_costs_itself_alone(street: Street) -> None:
    base = {".stet.toml": "[review]\nmax_inline = 12\ngroup_after = 20\n"}
    street.github.faults.add(
        faults.answer(422, "Unprocessable Entity"),
        method="POST",
        path=r"/reviews$",
        body=rb'"line": ?40\b',
        times=30,
    )

    street.open({"shop/many.py": calls(12)}, base={**FINE, **base})

    assert len(street.comments()) == 11
    assert "GitHub refused the place" in street.summary()
    assert [each["state"] for each in street.reviews()] == ["COMMENTED"]
    assert street.mails() == ["review"]


def test_sixty_findings_of_one_rule_are_one_comment(street: Street) -> None:
    street.open({"shop/many.py": calls(60)}, base=FINE)

    assert "(59 more in this pull request)" in street.comment()["body"]
    assert street.verdict()[1] == "60 warnings introduced"
    assert street.mails() == ["review"]


def test_fifty_one_marks_take_two_requests_and_stand_there_once(street: Street) -> None:
    street.open({"shop/many.py": calls(51)}, base=FINE, draft=True)

    assert len(street.check()["annotations"]) == 51
    sent = [e for e in street.calls("check-runs/") if e.method == "PATCH"]
    assert len(sent) == 2
    assert street.mails() == []

    street.github.ready_for_review(street.name, street.number, by="alice")
    street.settle()
    assert street.mails() == ["review"]


def test_checks_of_a_fork_are_run_again_from_either_button(street: Street) -> None:
    fork = street.github.fork(street.name, "frank")
    street.github.commit(fork, "feature", BAD, base="main", by="frank")
    street.number = street.github.open_pull_request(
        street.name, head="frank:feature", title="From afar", by="frank"
    )
    street.settle()
    [first] = street.checks()
    assert first["pull_requests"] == []

    street.github.rerequest_check(street.name, first["id"], by="walter")
    street.settle()
    street.github.rerequest_suite(street.name, street.head(), by="walter")
    street.settle()

    runs = street.checks()
    assert len(runs) == 3
    assert {each["conclusion"] for each in runs} == {"success"}
    assert len({each["output"]["title"] for each in runs}) == 1
    assert street.mails() == ["review"]

    street.github.delete_repository(fork)
    street.github.rerequest_suite(street.name, street.head(), by="walter")
    street.settle()
    assert len(street.checks()) == 4
    assert street.verdict() == ("success", "1 warning introduced")


def test_another_base_branch_means_another_verdict(street: Street) -> None:
    street.commit(FINE, "main")
    street.commit(BAD, "release")
    street.commit({"shop/more.py": "x = 1\n"}, base="release")
    street.open({"shop/more.py": "x = 2\n"})
    assert street.verdict()[1] == "1 warning introduced"

    street.github.retarget(street.name, street.number, base="release")
    street.settle()

    assert street.verdict() == ("success", "No new findings")
    assert street.comments() == []
    assert street.mails() == ["review"]


def test_a_merge_queue_has_its_verdict_without_a_review_and_merges(street: Street) -> None:
    street.open(BAD, base=FINE)

    made = len(street.github.exchanges)
    tried = street.github.queue_merge(street.name, street.number, by="walter")
    street.settle()

    assert len(street.github.exchanges) - made <= 4  # GitHub waits; then one more for the closing
    assert street.verdict(tried) == ("success", f"Reviewed in #{street.number}")
    assert street.github.pull_request(street.name, street.number).merged_at
    assert street.mails() == ["review"]


def test_a_merge_queue_does_not_pass_what_the_review_did_not(street: Street) -> None:
    street.open(BAD, base={**FINE, **STRICTER})
    street.lose_redis()

    tried = street.github.queue_merge(street.name, street.number, by="walter")
    street.settle()

    title = f"#{street.number} has findings that fail the check"
    assert street.verdict(tried) == ("failure", title)
    assert street.github.pull_request(street.name, street.number).state == "open"


def test_words_that_are_no_command_of_a_person_who_may_move_nothing(street: Street) -> None:
    street.open(BAD, base={**FINE, **STRICTER})
    runs = len(street.checks())
    for text in ("> /stet ignore SEC124 no", "```\n/stet ignore SEC124 no\n```", "`/stet pause`"):
        street.say(text, "walter")
    edited = street.say("Later perhaps.", "walter")
    street.github.edit_comment(
        street.name, street.number, edited, "/stet ignore SEC124 no", by="walter"
    )
    street.github.state.make_user("renovate[bot]", "Bot")
    street.say("/stet ignore SEC124 no", "renovate[bot]")
    assert len(street.checks()) == runs
    assert street.mails() == ["review"]

    street.say("/stet ignore SEC124 it is fine", "alice")

    assert street.answers() == [
        "Only someone with the write role or more can ask for `/stet ignore`."
    ]
    assert street.verdict()[0] == "failure"


def test_a_configuration_that_the_change_brings_is_tried_and_not_obeyed(street: Street) -> None:
    street.open({**BAD, ".stet.toml": '[rules]\nignore = ["ALL"]\n'}, base={**FINE, **STRICTER})

    assert street.verdict()[0] == "failure"
    assert "there would be 0 findings here instead of 1" in street.summary()


def test_a_suppression_without_a_reason_is_a_finding_and_one_with_a_reason_is_told(
    street: Street,
) -> None:
    silent = RATES_BAD.replace('{currency}")', '{currency}")  # stet: ignore[SEC124]')
    street.open({"shop/rates.py": silent}, base=FINE)
    assert "SUP" in street.check()["output"]["text"]

    street.push({"shop/rates.py": silent.replace("[SEC124]", "[SEC124] the proxy waits")})

    assert "the proxy waits" in street.summary()
    assert street.verdict() == ("success", "No new findings")
