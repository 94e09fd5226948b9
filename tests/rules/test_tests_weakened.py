"""Tests that go with a change: taken away, or only told another way."""

from __future__ import annotations

import pytest
from trees import snapshot_of

from rules.checklist.testing import tests_weakened
from rules.engine.config import Config
from rules.engine.run import review

SHOP = "def total(prices):\n    return sum(prices)\n"
KEPT = "from shop import total\n\n\ndef test_nothing_costs_nothing():\n    assert total([]) == 0\n"
LOST = "\n\ndef test_several_prices_are_added_up():\n    assert total([1, 2]) == 3\n"
MERGED = LOST.replace("added_up", "added_up_whatever_they_are")
FRESH = "\n\ndef test_prices_below_zero():\n    assert total([-1]) == -1\n"
LONG = KEPT.replace("== 0\n", "== 0\n    assert total([0]) == 0\n")


def said(before: str, after: str) -> list[str]:
    source = {"shop.py": SHOP}
    old, new = {**source, "test_shop.py": before}, {**source, "test_shop.py": after}
    report = review(snapshot_of(old, new), Config(), [tests_weakened.rule])
    assert report.crashes == ()
    return [each.message.partition(",")[0] for each in report.findings]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (KEPT + LOST, KEPT, ["The change takes `test_several_prices_are_added_up` away"]),
        (KEPT + LOST, KEPT + MERGED, []),
        (KEPT + MERGED + LOST, KEPT + MERGED, []),
        (KEPT + LOST + MERGED.replace("several", "many"), KEPT + FRESH, []),
        (LONG, KEPT, ["The change takes assertions out of `test_nothing_costs_nothing` and puts none in"]),
        (LONG, KEPT + "\n\ndef test_free():\n    assert total([0]) == 0\n", []),
    ],
    ids=["gone", "renamed", "merged", "others came", "an assertion gone", "an assertion moved"],
)  # fmt: skip
def test_only_what_nothing_takes_the_place_of_is_told(
    before: str, after: str, expected: list[str]
) -> None:
    assert said(before, after) == expected
