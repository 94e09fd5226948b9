"""All fixes of a review as one patch."""

from __future__ import annotations

from findings import finding, replacing

from rules.engine.finding import Finding
from rules.kit import Span
from worker.patch import as_diff, patched

PATH = "orders/api.py"
FILES = {PATH: b"a = 1\nb = 2\n"}


def fixed(code: str, span: Span, text: str, path: str = PATH) -> Finding:
    return finding(code, path, line=span.line, fix=replacing(path, span, text))


def test_of_two_fixes_that_overlap_the_first_is_taken() -> None:
    [file] = patched(
        [fixed("SEC101", Span(1, 5, 1, 6), "7"), fixed("SEC102", Span(1, 1, 1, 6), "c = 9")], FILES
    )

    assert file.codes == ("SEC101",)
    assert (
        as_diff([file])
        == "--- a/orders/api.py\n+++ b/orders/api.py\n@@ -1,2 +1,2 @@\n-a = 1\n+a = 7\n b = 2\n"
    )


def test_a_fix_that_changes_nothing_makes_no_patch() -> None:
    assert patched([fixed("SEC101", Span(1, 5, 1, 6), "1")], FILES) == ()
    assert patched([finding("SEC102")], FILES) == ()


def test_a_file_that_is_no_text_is_left_out() -> None:
    one = fixed("SEC101", Span(1, 1, 1, 2), "x", "a.py")
    assert patched([one], {"a.py": b"\xff\xfe"}) == ()


def test_a_last_line_without_an_end_is_said_as_git_says_it() -> None:
    one = fixed("SEC101", Span(1, 1, 1, 2), "x", "a.py")
    assert as_diff(patched([one], {"a.py": b"y"})).count("\\ No newline at end of file") == 2
