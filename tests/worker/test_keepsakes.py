"""What was dismissed and is shown nowhere, hidden in the body of a review."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from worker import keepsakes
from worker.ledger import Dismissal, Ledger, Place
from worker.pull_request import OwnReview

words = st.text(max_size=60)
dismissals = st.builds(
    Dismissal,
    kind=st.sampled_from(["ignore", "fp", "deleted", "gone"]),
    by=words,
    reason=words,
    clears=st.booleans(),
    code=st.just("SEC124"),
)
names = st.builds(
    "{} {}".format, st.from_regex(r"[0-9a-f]{24}", fullmatch=True), st.text(min_size=1, max_size=40)
)


@given(st.dictionaries(names, dismissals, max_size=5), words)
def test_whatever_people_write_is_found_again_and_shows_nothing(
    kept: dict[str, Dismissal], body: str
) -> None:
    body = body.replace("<", "").strip()
    written = keepsakes.keeping(body, kept, at=7)

    assert keepsakes.found([OwnReview(1, written)]) == kept
    assert keepsakes.words_of(written) == body
    hidden = written[len(body) :].strip().split("\n")
    assert all(each.startswith("<!-- ") and each.endswith(" -->") for each in hidden)
    assert all("--" not in each[4:-3] and ">" not in each[:-1] for each in hidden)


def test_the_newest_words_count_and_an_empty_set_takes_all_back() -> None:
    name, why = "ab12 shop/rates.py", Dismissal("deleted", "walter", code="SEC124")
    old = OwnReview(1, keepsakes.keeping("Stet: 1 new finding", {name: why}, at=5))
    new = OwnReview(2, keepsakes.keeping("Stet: 2 new findings", {}, at=6))

    assert keepsakes.found([new, old]) == {}
    assert keepsakes.found([old]) == {name: why}
    assert keepsakes.holder([old, new, OwnReview(3, "Stet: another")]) == new
    assert keepsakes.holder([OwnReview(3, "Stet: one"), OwnReview(4, "")]) == OwnReview(
        3, "Stet: one"
    )
    assert keepsakes.holder([]) is None


def test_more_than_a_body_holds_loses_the_oldest() -> None:
    many = {f"{n:024x} {'p' * 200}.py": Dismissal("gone", code="SEC124") for n in range(400)}
    body = keepsakes.keeping("Stet", many, at=1)

    assert len(body.encode()) < 65_535
    found = keepsakes.found([OwnReview(1, body)])
    assert 100 < len(found) < 400
    assert list(many)[-1] in found


def test_what_a_standing_comment_tells_is_not_kept_twice() -> None:
    here, gone = Place("aa", "a.py", "SEC124"), Place("bb", "b.py", "SEC124")
    ledger = Ledger().saying([here]).dismiss([here, gone], Dismissal("ignore", "walter"))

    assert list(keepsakes.unshown(ledger)) == ["bb b.py"]
    assert keepsakes.unshown(replace(ledger, findings={})) == {}
