"""Two versions made to be hard to compare are compared all the same."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from rules.engine.diff import line_changes


def joined(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def kept(before: bytes, after: bytes) -> list[bytes]:
    """The lines that stay, which must be the same ones on both sides."""
    added, removed = line_changes(before, after)
    old = [e for n, e in enumerate(before.split(b"\n")[:-1], 1) if n not in removed]
    new = [e for n, e in enumerate(after.split(b"\n")[:-1], 1) if n not in added]
    assert old == new
    return new


def test_changes_on_every_second_line_are_seen_each() -> None:
    before = joined([f"{kind}{n}" for n in range(20_000) for kind in ("same", "old")])
    after = joined([f"{kind}{n}" for n in range(20_000) for kind in ("same", "new")])
    assert len(kept(before, after)) == 20_000


def test_lines_that_move_to_the_end_do_not_hide_those_that_stay() -> None:
    before = joined([f"{kind}{n}" for n in range(10_000) for kind in ("same", "old")])
    same = [f"{kind}{n}" for n in range(10_000) for kind in ("same", "new")]
    after = joined([*same, *(f"old{n}" for n in range(10_000))])
    assert len(kept(before, after)) >= 10_000


def test_long_files_without_order_are_compared() -> None:
    random = Random(1)
    for kinds in (2, 100, 1_000, 100_000):
        old = joined([f"line {random.randrange(kinds)}" for _ in range(60_000)])
        new = joined([f"line {random.randrange(kinds)}" for _ in range(60_000)])
        kept(old, new)


def test_shuffled_and_reversed_lines_keep_some() -> None:
    lines = [f"line {n}" for n in range(50_000)]
    shuffled = lines[:]
    Random(1).shuffle(shuffled)
    assert len(kept(joined(lines), joined(shuffled))) > 100
    assert len(kept(joined(lines), joined(lines[::-1]))) >= 1


@given(
    st.lists(st.sampled_from("abcdef"), max_size=30),
    st.lists(st.sampled_from("abcdef"), max_size=30),
)
def test_what_stays_is_the_same_on_both_sides(before: list[str], after: list[str]) -> None:
    kept(joined(before), joined(after))


@given(st.lists(st.integers(0, 40), max_size=40, unique=True), st.data())
def test_of_lines_taken_away_nothing_else_is_said(numbers: list[int], data: st.DataObject) -> None:
    lines = [str(number) for number in numbers]
    left = [line for line in lines if data.draw(st.booleans())]
    added, removed = line_changes(joined(lines), joined(left))
    assert added == frozenset()
    assert len(removed) == len(lines) - len(left)
