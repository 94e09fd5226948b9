from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from findings import diff_file, finding, marker, pull_request, replacing, report, thread
from hypothesis import given
from hypothesis import strategies as st

from rules.engine.config import Config, ConfigProblem, parse
from rules.engine.finding import Crash, Finding, Skip
from rules.kit import Confidence, Severity, Span
from worker.hunks import DiffFile, Hunk, parse_patch
from worker.placing import Reason
from worker.plan import ReviewPlan, moved_to_summary, plan
from worker.pull_request import Comment, PullRequest, Thread, markers

DEFAULT = Config.default()


def planned(
    *findings: Finding,
    pull: PullRequest | None = None,
    config: str = "",
    files: tuple[DiffFile, ...] = (),
    **more: Any,
) -> ReviewPlan:
    diff = {each.path: each for each in files or (diff_file(),)}
    chosen = parse(config, ".stet.toml") if config else DEFAULT
    return plan(pull or pull_request(), report(*findings, **more), chosen, diff)


def test_a_finding_on_a_shown_line_becomes_a_comment_there() -> None:
    [comment] = planned(finding(line=88)).inline

    assert (comment.first, comment.last) == (88, 88)


def test_an_error_fails_the_check_and_a_warning_does_not() -> None:
    assert planned(finding()).conclusion == "failure"
    assert planned(finding(severity=Severity.WARNING)).conclusion == "success"
    assert planned(
        finding(severity=Severity.WARNING), config='[check]\nfail_on = "warning"'
    ).blocking
    assert planned(finding(), config='[check]\nfail_on = "never"').conclusion == "success"


def test_the_title_is_the_verdict() -> None:
    warning = finding("QLT101", line=9, severity=Severity.WARNING)

    assert planned().title == "No new findings"
    assert planned(finding(), finding("SEC101", line=3), warning).title == (
        "2 errors, 1 warning introduced"
    )


def test_a_problem_of_the_configuration_makes_the_check_neutral() -> None:
    problems = (ConfigProblem(".stet.toml", 2, "unknown key"),)
    files = {"orders/api.py": diff_file()}

    decided = plan(pull_request(), report(finding()), DEFAULT, files, problems)

    assert decided.conclusion == "neutral"
    assert decided.title == "1 error introduced; the configuration has a mistake"


def test_what_the_diff_does_not_show_is_said_of_the_file() -> None:
    shown = diff_file(patch="@@ -1,3 +1,3 @@\n")
    findings = [finding(f"SEC10{n}", line=50 + n) for n in range(5)]

    decided = planned(*findings, files=(shown,))

    assert [each.finding.span.line for each in decided.file_level] == [50, 51, 52]
    assert [each.reason for each in decided.unplaced] == [Reason.OUTSIDE, Reason.OUTSIDE]
    assert decided.annotations == tuple(findings[3:])


def test_a_file_that_is_not_in_the_diff_is_told_in_the_summary_only() -> None:
    decided = planned(finding(path="elsewhere.py"))

    assert decided.comments == 0
    assert [each.reason for each in decided.unplaced] == [Reason.OUTSIDE]


def test_a_long_finding_is_marked_at_its_first_shown_line() -> None:
    shown = diff_file(patch="@@ -20,5 +20,5 @@\n@@ -60,9 +60,9 @@\n")

    [comment] = planned(finding(span=Span(10, 1, 70, 1)), files=(shown,)).inline

    assert (comment.first, comment.last) == (20, 20)


@pytest.mark.fault(39)
def test_beyond_the_cap_the_lightest_go_to_the_summary() -> None:
    errors = [finding(f"SEC1{n:02}", line=n) for n in range(1, 4)]
    warnings = [finding(f"QLT1{n:02}", line=n, severity=Severity.WARNING) for n in range(1, 4)]

    decided = planned(*warnings, *errors, config="[review]\nmax_inline = 4")

    assert {each.finding.code for each in decided.inline} == {
        "SEC101",
        "SEC102",
        "SEC103",
        "QLT101",
    }
    assert [each.reason for each in decided.unplaced] == [Reason.CAP, Reason.CAP]


def test_open_comments_count_towards_the_cap() -> None:
    old, new = finding("SEC101", line=3), finding("SEC102", line=4)

    decided = planned(old, new, pull=pull_request(thread(old)), config="[review]\nmax_inline = 1")

    assert decided.inline == ()
    assert [each.finding for each in decided.still_open] == [old]


def test_what_is_below_the_least_severity_is_marked_but_not_said() -> None:
    notice = finding(severity=Severity.NOTICE)

    decided = planned(notice)

    assert decided.comments == 0
    assert decided.annotations == (notice,)
    assert [each.reason for each in decided.unplaced] == [Reason.MINOR]


def test_a_hotspot_is_counted_and_told_only_when_asked_for() -> None:
    hotspot = finding(confidence=Confidence.HOTSPOT)

    quiet, asked = planned(hotspot), planned(hotspot, config='[review]\nconfidence = "all"')

    assert (quiet.new, quiet.hotspots) == ((), 1)
    assert [each.reason for each in asked.unplaced] == [Reason.HOTSPOT]
    assert asked.conclusion == "success"


def test_a_draft_is_marked_and_not_commented() -> None:
    decided = planned(finding(), pull=pull_request(is_draft=True))

    assert decided.comments == 0
    assert len(decided.annotations) == 1
    assert planned(
        finding(), pull=pull_request(is_draft=True), config='[review]\ndrafts = "full"'
    ).inline


def test_the_fourth_finding_of_a_rule_folds_all_into_one_comment() -> None:
    three = [finding(line=n) for n in (1, 2, 3)]
    sixty = [finding(line=n) for n in range(1, 61)]

    assert len(planned(*three).inline) == 3
    [comment] = planned(*sixty).inline
    assert len(comment.also) == 59
    assert len(planned(*sixty).new) == 60


def test_a_folded_comment_stands_where_the_diff_shows_a_line() -> None:
    hidden = diff_file("a.py", patch="")
    findings = [finding(path="a.py", line=n) for n in (1, 2, 3)] + [finding(line=88)]

    [comment] = planned(*findings, files=(hidden, diff_file())).inline

    assert comment.finding.path == "orders/api.py"


def test_what_a_comment_of_ours_says_already_is_not_said_again() -> None:
    old = finding()

    decided = planned(old, pull=pull_request(thread(old)))

    assert (decided.inline, decided.deletions) == ((), ())
    assert decided.title == "1 error introduced"


def test_a_folded_finding_is_remembered_with_its_file() -> None:
    first, second = finding(path="a.py", line=1), finding(path="b.py", line=2)
    files = (diff_file("a.py"), diff_file("b.py"))

    decided = planned(first, second, pull=pull_request(thread(first, second)), files=files)

    assert decided.new == ()


def test_a_renamed_file_keeps_its_comments() -> None:
    old = finding(path="old.py", fingerprint="same")
    new = finding(path="new.py", fingerprint="same", line=120)
    renamed = diff_file("new.py", status="renamed", before_path="old.py")

    by_diff = planned(new, pull=pull_request(thread(old)), files=(renamed,))
    within = planned(new, pull=pull_request(thread(old)), files=(diff_file("new.py"),))

    assert by_diff.inline == ()
    assert within.inline == ()


def test_the_same_words_in_another_file_are_another_finding() -> None:
    old = finding(path="a.py", fingerprint="same")
    copy = finding(path="b.py", fingerprint="same")
    files = (diff_file("a.py"), diff_file("b.py"))

    decided = planned(old, copy, pull=pull_request(thread(old)), files=files)

    assert [each.finding for each in decided.inline] == [copy]


def test_markers_in_somebody_elses_comment_mean_nothing() -> None:
    forged = Comment(1, "mallory", by_us=False, body=str(marker(finding())))
    said = Thread("T1", "orders/api.py", 88, False, False, "", (forged,))

    decided = planned(finding(), pull=pull_request(said))

    assert len(decided.inline) == 1
    assert decided.deletions == ()


def test_a_person_who_resolves_a_thread_is_not_contradicted() -> None:
    old = finding()
    by_bob = pull_request(thread(old, is_resolved=True, resolved_by="bob"))
    by_author = pull_request(thread(old, is_resolved=True, resolved_by="alice"))

    assert planned(old, pull=by_bob).new == ()
    assert planned(old, pull=by_bob).conclusion == "success"
    assert planned(old, pull=by_author).new == ()
    assert planned(old, pull=by_author).conclusion == "failure", "the author hides, but clears not"


def test_a_thread_that_we_resolved_ourselves_dismisses_nothing() -> None:
    old = finding()

    decided = planned(old, pull=pull_request(thread(old, is_resolved=True)))

    assert [each.finding for each in decided.inline] == [old]


def answered(old: Finding) -> Thread:
    first = thread(old)
    return replace(first, comments=(*first.comments, Comment(2, "bob", by_us=False, body="Why?")))


def test_a_fixed_finding_takes_its_comment_along() -> None:
    decided = planned(pull=pull_request(thread(finding())))

    assert [each.id for each in decided.deletions] == [1]
    assert decided.finished_reviews == (900,)
    assert len(decided.fixed) == 1


def test_a_fixed_finding_that_was_answered_is_struck_out() -> None:
    decided = planned(pull=pull_request(answered(finding())))

    assert decided.deletions == ()
    assert [each.id for each in decided.strikes] == [1]


def test_a_token_that_may_resolve_resolves() -> None:
    files = {"orders/api.py": diff_file()}
    pull = pull_request(thread(finding()))

    decided = plan(pull, report(), DEFAULT, files, may_resolve=True)

    assert [each.id for each in decided.resolutions] == [1]
    assert decided.deletions == ()


@pytest.mark.parametrize(
    "unsure",
    [
        {"skipped": (Skip("orders/api.py", "syntax error"),)},
        {"crashes": (Crash("orders/api.py", "FWK114", "KeyError"),)},
        {"crashes": (Crash("", "FWK114", "KeyError"),)},
    ],
)
def test_the_absence_of_a_finding_in_a_file_that_was_not_read_is_no_proof(
    unsure: dict[str, Any],
) -> None:
    decided = planned(pull=pull_request(thread(finding())), **unsure)

    assert decided.fixed == ()
    assert not decided.speaks


def test_a_review_with_an_open_comment_left_is_not_called_finished() -> None:
    gone, stays = finding("SEC101", line=3), finding("SEC102", line=4)
    pull = pull_request(thread(gone, id=1), thread(stays, id=2))

    decided = planned(stays, pull=pull)

    assert len(decided.deletions) == 1
    assert decided.finished_reviews == ()


def test_one_fixed_finding_of_a_folded_comment_leaves_the_comment() -> None:
    first, second = finding(line=1), finding(line=2)

    decided = planned(second, pull=pull_request(thread(first, second)))

    assert (decided.new, decided.fixed) == ((), ())


def test_a_fix_of_whole_lines_becomes_a_suggestion_in_its_own_range() -> None:
    fix = replacing("orders/api.py", Span(88, 1, 90, 1), "one\ntwo\nthree\n")

    [comment] = planned(finding(fix=fix)).inline

    assert comment.suggestion is not None
    assert comment.suggestion.lines == ("one", "two", "three")
    assert (comment.first, comment.last) == (88, 89)


def test_a_fix_within_a_line_suggests_the_whole_line() -> None:
    fix = replacing("orders/api.py", Span(88, 6, 88, 8), "eighty-eight")

    [comment] = planned(finding(fix=fix)).inline

    assert comment.suggestion is not None
    assert comment.suggestion.lines == ("line eighty-eight",)


def test_an_insertion_takes_its_neighbour_line_along() -> None:
    fix = replacing("orders/api.py", Span(88, 1, 88, 1), "new\n")

    [comment] = planned(finding(fix=fix)).inline

    assert comment.suggestion is not None
    assert comment.suggestion.lines == ("new", "line 88")


def test_a_deletion_is_an_empty_suggestion() -> None:
    fix = replacing("orders/api.py", Span(88, 1, 89, 1), "")

    [comment] = planned(finding(fix=fix)).inline

    assert comment.suggestion is not None
    assert comment.suggestion.lines == ()
    assert (comment.first, comment.last) == (88, 88)


@pytest.mark.parametrize(
    ("span", "text", "more"),
    [
        (Span(88, 1, 88, 8), "line 88", {}),  # no change
        (Span(88, 1, 89, 1), "x\n" * 31, {}),  # too long
        (Span(88, 1, 88, 8), "/merge", {}),  # another bot's command
        (Span(120, 1, 120, 2), "y", {}),  # far from the finding
        (Span(88, 1, 88, 8), "y", {"after": b"\xff" + b"line\n" * 200}),  # not UTF-8
        (Span(88, 1, 95, 1), "y\n", {"patch": "@@ -80,10 +80,10 @@\n"}),  # leaves the hunk
    ],
)
def test_a_suggestion_that_github_would_refuse_or_spoil_is_left_out(
    span: Span, text: str, more: dict[str, Any]
) -> None:
    fix = replacing("orders/api.py", span, text)

    [comment] = planned(finding(fix=fix), files=(diff_file(**more),)).inline

    assert comment.suggestion is None
    assert (comment.first, comment.last) == (88, 88)


def test_two_suggestions_never_want_the_same_line() -> None:
    one = finding("SEC101", fix=replacing("orders/api.py", Span(88, 1, 88, 5), "x"))
    two = finding("SEC102", fix=replacing("orders/api.py", Span(88, 6, 88, 8), "y"))

    given_out = [each.suggestion for each in planned(one, two).inline]

    assert sorted(each is None for each in given_out) == [False, True]


def test_a_comment_that_moves_gives_its_suggestion_up_for_a_new_one() -> None:
    moved = finding("SEC101", fix=replacing("orders/api.py", Span(88, 1, 88, 5), "x"))
    new = finding("SEC102", fix=replacing("orders/api.py", Span(88, 6, 88, 8), "y"))
    pull = pull_request(thread(moved, is_outdated=True, line=None))

    given_out = {
        each.finding.code: each.suggestion for each in planned(moved, new, pull=pull).inline
    }

    assert given_out["SEC102"] is not None
    assert given_out["SEC101"] is None


def test_annotations_are_for_what_has_no_comment_or_for_all_or_for_nothing() -> None:
    shown, elsewhere = finding(line=88), finding(path="orders/other.py")

    def annotated(choice: str) -> tuple[Finding, ...]:
        config = f'[check]\nannotations = "{choice}"' if choice else ""
        return planned(shown, elsewhere, config=config).annotations

    assert annotated("") == (elsewhere,)
    assert annotated("all") == (shown, elsewhere)
    assert annotated("none") == ()


def test_a_comment_of_no_review_leaves_no_empty_review_behind() -> None:
    comment = Comment(1, "stet[bot]", by_us=True, body=str(marker(finding())), review_id=None)

    decided = planned(pull=pull_request(thread(finding(), comments=(comment,))))

    assert [each.id for each in decided.deletions] == [1]
    assert decided.finished_reviews == ()


@pytest.mark.fault(48)
def test_a_suggestion_keeps_the_line_ends_of_its_file() -> None:
    text = b"".join(b"line %d\r\n" % n for n in range(1, 201))
    fix = replacing("orders/api.py", Span(88, 1, 89, 1), "a\r\nb\r\n")

    [comment] = planned(finding(fix=fix), files=(diff_file(after=text),)).inline

    assert comment.suggestion is not None
    assert (comment.suggestion.lines, comment.suggestion.eol) == (("a", "b"), "\r\n")


@pytest.mark.fault(38)
def test_a_refused_comment_is_told_in_the_check_run() -> None:
    good, bad = finding("SEC101", line=3), finding("SEC102", line=4)

    after = moved_to_summary(planned(good, bad), [bad], DEFAULT)

    assert [each.finding for each in after.inline] == [good]
    assert [each.reason for each in after.unplaced] == [Reason.REFUSED]
    assert after.annotations == (bad,)


def test_hunks_are_the_lines_of_the_new_side() -> None:
    patch = "@@ -1,2 +1,3 @@ def f():\n a\n+b\n c\n@@ -9 +10 @@\n-x\n+y\n@@ -20,2 +21,0 @@\n-z\n-z"

    assert parse_patch(patch) == (Hunk(1, 3), Hunk(10, 10))


def test_a_file_with_lone_carriage_returns_gets_no_comment_on_a_line() -> None:
    assert diff_file(after=b"a\rb\n").hunks == ()


@given(st.text(max_size=300))
def test_any_comment_can_be_searched_for_markers(body: str) -> None:
    assert markers(body) == ()


@given(
    st.lists(
        st.builds(
            finding,
            st.sampled_from(["SEC101", "QLT101", "FWK114"]),
            st.sampled_from(["orders/api.py", "a.py", "gone.py"]),
            st.integers(1, 250),
            severity=st.sampled_from(Severity),
            confidence=st.sampled_from(Confidence),
        ),
        max_size=40,
        unique_by=lambda each: each.fingerprint,
    ),
    st.booleans(),
)
def test_every_finding_is_placed_exactly_once(findings: list[Finding], draft: bool) -> None:  # noqa: FBT001
    half = diff_file("a.py", patch="@@ -1,100 +1,100 @@\n")
    said = findings[::3]
    pull = pull_request(*(thread(f, id=n) for n, f in enumerate(said)), is_draft=draft)

    decided = planned(*findings, pull=pull, files=(diff_file(), half))

    known = [each.finding for each in (*decided.still_open, *decided.dismissed)]
    hidden = [f for f in findings if f.confidence is Confidence.HOTSPOT]
    everything = sorted(f.fingerprint for f in (*decided.new, *known, *hidden))
    assert everything == sorted(f.fingerprint for f in findings)
    assert len(decided.inline) <= DEFAULT.review.max_inline
    assert len(decided.file_level) <= DEFAULT.review.max_file_level
    for comment in decided.inline:
        file = {"a.py": half}.get(comment.finding.path, diff_file())
        assert file.hunk(comment.first, comment.last)
