"""What became of each finding: one fate, however many say something of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from findings import finding, pull_request, thread

from worker.ledger import Dismissal, Ledger
from worker.outcomes import tally

ONE = finding("SEC101", line=3)
NAME = f"{ONE.fingerprint} {ONE.path}"


def told(ledger: Ledger, *, is_merged: bool = True, **state: Any) -> Counter[str]:
    return tally(pull_request(thread(ONE, **state)), ledger, is_merged=is_merged)


def test_what_stands_when_it_is_merged_was_shipped() -> None:
    assert told(Ledger()) == {"SEC101:shipped": 1}
    assert told(Ledger(), is_merged=False) == {"SEC101:unmerged": 1}


def test_a_thread_that_we_resolved_was_fixed_and_one_of_a_persons_dismissed() -> None:
    assert told(Ledger(), is_resolved=True) == {"SEC101:fixed": 1}
    assert told(Ledger(), is_resolved=True, resolved_by="alice") == {"SEC101:dismissed": 1}


def test_an_ending_counts_more_than_the_thread_and_a_dismissal_more_than_both() -> None:
    assert told(Ledger(endings={NAME: "committed"})) == {"SEC101:committed": 1}
    assert told(Ledger(endings={NAME: "silenced"})) == {"SEC101:dismissed": 1}
    assert told(Ledger(endings={NAME: "off"})) == {}
    mistaken = Ledger(findings={NAME: Dismissal("fp", "alice", code="SEC101")})
    assert told(mistaken, is_resolved=True) == {"SEC101:mistaken": 1}


def test_a_dismissal_from_before_codes_were_kept_changes_no_count() -> None:
    assert told(Ledger(findings={NAME: Dismissal("ignore", "alice")})) == {"SEC101:shipped": 1}
