"""The words of comments and check runs, held to files that a person can read.

STET_WRITE_GOLDEN=1 writes the files anew; look at the difference before you commit it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from findings import HEAD, diff_file, finding, pull_request, replacing, report, thread
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rules.engine.config import Config, ConfigProblem
from rules.engine.finding import Crash, Finding, Skip, Suppressed
from rules.kit import Related, Severity, Span
from worker.plan import plan
from worker.pull_request import markers
from worker.render.check import About, CheckText, check_text
from worker.render.comment import (
    MOST_BYTES,
    file_comment,
    inline_comment,
    review_body,
    struck_comment,
    title_of,
)
from worker.render.text import clean, code, fence_for, fit, prose

GOLDEN = Path(__file__).parent / "golden"
ABOUT = About("defaults", "0.1.0", "1f2e3d4c", 0.42)


def why(_code: str) -> str:
    return (
        "The event loop runs everything on this worker. While one call blocks it, no other "
        "request is answered. Use the asynchronous client, or `run_in_threadpool`."
    )


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    def compare(name: str, text: str) -> None:
        path = GOLDEN / f"{name}.md"
        if os.environ.get("STET_WRITE_GOLDEN"):
            path.write_text(text + "\n", encoding="utf-8", newline="")
        assert text + "\n" == path.read_bytes().decode()

    return compare


def body_of(*findings: Finding) -> str:
    decided = plan(
        pull_request(), report(*findings), Config.default(), {"orders/api.py": diff_file()}
    )
    return inline_comment(decided.inline[0], pull_request(), why)


def test_a_comment_with_a_suggestion(golden: Callable[[str, str], None]) -> None:
    fix = replacing("orders/api.py", Span(88, 1, 89, 1), "    resp = await client.get(url)\n")

    golden("comment_with_suggestion", body_of(finding(fix=fix)))


def test_a_comment_with_a_path_through_the_code(golden: Callable[[str, str], None]) -> None:
    related = (
        Related("orders/models.py", 12, "`Order.customer` is a relation"),
        Related("orders/api.py", 80, "the loop begins here"),
    )

    golden("comment_with_related_places", body_of(finding(related=related)))


def test_a_comment_that_stands_for_many(golden: Callable[[str, str], None]) -> None:
    golden("comment_for_many", body_of(*(finding(line=n) for n in range(40, 70))))


def test_a_comment_on_a_file(golden: Callable[[str, str], None]) -> None:
    hidden = {"orders/api.py": diff_file(patch="")}
    decided = plan(pull_request(), report(finding()), Config.default(), hidden)

    golden("comment_on_file", file_comment(decided.file_level[0], pull_request(), why))


@pytest.mark.fault(58)
def test_a_comment_about_hostile_names(golden: Callable[[str, str], None]) -> None:
    path = "a`b](javascript:alert(1))<script>\u202e@org/all.py"
    message = (
        "`@org/everyone` and ``a`b`` <img src=x onerror=alert(1)> fixes #1, see GH-7 and "
        "https://evil.example *now* @dependabot merge\n/merge\n<!-- stet:1 fp=x rule=SEC101@1 "
        "sha=abcdef1 --> \x1b[31mred"
    )
    hostile = finding(path=path, message=message, scope="f`<b>`")
    decided = plan(pull_request(), report(hostile), Config.default(), {path: diff_file(path)})

    golden("comment_hostile", inline_comment(decided.inline[0], pull_request(), why))


@pytest.mark.fault(60)
def test_a_suggestion_that_holds_fences_cannot_break_out(
    golden: Callable[[str, str], None],
) -> None:
    text = (
        '    """\n```suggestion\n````\n</details>\n<!-- stet:1 fp=x rule=SEC101@1 sha=abcdef1 -->\n'
    )
    fix = replacing("orders/api.py", Span(88, 1, 89, 1), text)
    body = body_of(finding(fix=fix))

    assert [each.fingerprint for each in markers(body)] == [finding().fingerprint]
    golden("comment_with_fences", body)


def test_a_struck_comment(golden: Callable[[str, str], None]) -> None:
    said = pull_request(thread(finding())).said[0]
    body = struck_comment(said, HEAD)

    assert all(each.fixed == HEAD for each in markers(body))
    golden("comment_struck", body)


def full_check() -> CheckText:
    open_, dismissed, gone = finding("SEC101", line=3), finding("SEC102", line=4), finding("SEC103")
    notice = finding("QLT101", line=20, severity=Severity.NOTICE)
    pull = pull_request(
        thread(open_, id=1),
        thread(dismissed, id=2, is_resolved=True, resolved_by="bob"),
        thread(gone, id=3),
    )
    found = report(
        open_,
        dismissed,
        notice,
        finding(line=90),
        skipped=(Skip("broken.py", "not valid Python: line 3, `def (:`"),),
        crashes=(Crash("odd.py", "DBQ101", "KeyError"),),
        suppressed=(Suppressed(finding("SEC120", line=7), "a fixture, not a key", 7),),
    )
    decided = plan(pull, found, Config.default(), {"orders/api.py": diff_file()})
    return check_text(pull, found, decided, ABOUT)


def test_the_summary_of_a_check_run(golden: Callable[[str, str], None]) -> None:
    check = full_check()

    assert check.title == "2 errors, 1 notice introduced"
    golden("check_summary", check.summary)
    golden("check_text", check.text)


def test_the_summary_of_a_clean_check_run(golden: Callable[[str, str], None]) -> None:
    decided = plan(pull_request(), report(), Config.default(), {})
    check = check_text(pull_request(), report(), decided, ABOUT)

    assert (check.title, check.text, check.annotations) == ("No new findings", "", ())
    golden("check_summary_clean", check.summary)


def test_a_mistake_in_the_configuration_is_marked_on_its_line() -> None:
    problem = ConfigProblem(".stet.toml", 3, "unknown key `max_inlin`; did you mean `max_inline`?")
    about = About("defaults", "0.1.0", "1f2e3d4c", 0.42, (problem,))
    decided = plan(pull_request(), report(), Config.default(), {}, (problem,))

    check = check_text(pull_request(), report(), decided, about)

    assert [(each.path, each.start_line) for each in check.annotations] == [(".stet.toml", 3)]
    assert "The configuration has a mistake" in check.summary


def test_annotations_have_columns_on_one_line_only() -> None:
    one = finding(severity=Severity.NOTICE, span=Span(5, 3, 5, 9))
    many = finding("QLT101", severity=Severity.NOTICE, span=Span(5, 3, 8, 1))
    decided = plan(
        pull_request(), report(one, many), Config.default(), {"orders/api.py": diff_file()}
    )

    first, second = check_text(pull_request(), report(one, many), decided, ABOUT).annotations

    assert (first.start_column, first.end_column, first.end_line) == (3, 9, 5)
    assert (second.start_column, second.end_column, second.end_line) == (None, None, 7)
    assert first.level == "notice"


@pytest.mark.fault(39)
def test_a_thousand_findings_stay_within_githubs_limits() -> None:
    findings = [finding("QLT101", line=n % 190 + 1, fingerprint=str(n), message="é" * 400,
                        severity=Severity.NOTICE) for n in range(1000)]  # fmt: skip
    decided = plan(
        pull_request(), report(*findings), Config.default(), {"orders/api.py": diff_file()}
    )

    check = check_text(pull_request(), report(*findings), decided, ABOUT)

    assert len(check.summary.encode()) <= 65_535
    assert len(check.text.encode()) <= 65_535
    assert "cut here" in check.text
    assert len(check.annotations) == 200


def test_a_comment_for_a_hundred_keeps_all_its_markers() -> None:
    body = body_of(*(finding(line=n) for n in range(1, 101)))

    assert len(markers(body)) == 100
    assert len(body.encode()) <= MOST_BYTES


def test_the_visible_part_of_a_comment_is_short() -> None:
    body = body_of(finding(message="word " * 500))

    assert len(body.partition("<details>")[0]) <= 700


def test_the_review_says_how_many_and_on_which_commit() -> None:
    decided = plan(
        pull_request(),
        report(*(finding(line=n) for n in range(1, 6))),
        Config.default(),
        {"orders/api.py": diff_file()},
    )

    assert review_body(decided, HEAD) == "Stet: 5 new findings on abc1234"


# What GitHub or another bot would act upon, in the text as people see it.
LIVE = re.compile(r"@\w|#\d|GH-\d|https?:|www\.|^/\w", re.IGNORECASE | re.MULTILINE)
HOSTILE = st.text(alphabet="@#/`*_[]()<>!|~\\&:.\n\r -x1GH\u202e\x1b\u200bhttps", max_size=60)


def visible(markdown: str) -> str:
    """The text outside code spans, as GitHub's Markdown shows it."""
    shown = []
    for token in MarkdownIt("commonmark").parse(markdown):
        assert token.type in ("paragraph_open", "paragraph_close", "inline"), token.type
        for child in token.children or ():
            assert child.type in ("text", "code_inline", "text_special"), child.type
            shown.append("·" if child.type == "code_inline" else child.content)
    return "".join(shown)


@pytest.mark.fault(59)
@given(HOSTILE)
def test_any_words_become_plain_text_on_one_line(text: str) -> None:
    said = prose(text)

    assert "\n" not in said
    assert not LIVE.search(visible(said))


@given(st.text(alphabet="`a \n\\", max_size=30))
def test_any_text_fits_in_a_code_span(text: str) -> None:
    [_, inline, _] = MarkdownIt("commonmark").parse(code(text))
    [span] = inline.children or []

    assert span.type == "code_inline"


@pytest.mark.fault(60)
@given(st.text(alphabet="`~\nab", max_size=60))
def test_no_text_closes_the_fence_around_it(text: str) -> None:
    fence = fence_for(text)
    tokens = MarkdownIt("commonmark").parse(f"{fence}suggestion\n{text}\n{fence}\nend")

    assert [each.type for each in tokens[:2]] == ["fence", "paragraph_open"]


@given(
    st.lists(
        st.sampled_from(
            ["text", "é" * 9, "```py", "```", "<details><summary>a</summary>", "</details>"]
        ),
        max_size=30,
    ),
    st.integers(60, 300),
)
def test_cut_text_fits_and_leaves_nothing_open(lines: list[str], most: int) -> None:
    text = fit("\n".join(lines), most)

    assert len(text.encode()) <= most
    if "cut here" in text:
        assert text.endswith("… cut here: too long for GitHub")
        [*_, last] = [
            each for each in MarkdownIt("commonmark").parse(text) if each.type == "inline"
        ]
        assert "cut here" in last.content


@pytest.mark.fault(58)
def test_characters_that_hide_or_reorder_are_shown() -> None:
    assert clean("a\u202eb\x1b[0m\u200b") == "a\\u202eb\\x1b[0m\\u200b"


def test_a_title_is_readable_in_a_mail() -> None:
    assert title_of(finding()) == (
        "**A blocking call stands in an async function** · `FWK114` · error"
    )
