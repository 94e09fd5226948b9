"""The checklist as the check run shows it: short, open where it matters, silent where it does not."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from findings import diff_file, finding, pull_request, report, thread
from markdown_it import MarkdownIt

from rules.engine.catalogue import checklist
from rules.engine.config import Config
from rules.engine.finding import Finding, Question, Topic
from rules.kit import Severity
from worker.plan import plan
from worker.render.check import About, check_text
from worker.render.checklist import checklist_part

ABOUT = About("defaults", "0.1.0", "1f2e3d4c", 0.42)
SECURITY = Topic("security", ("security.jwt", "security.cors"), ("SEC125", "SEC130"))
QUESTION = Question(
    "tests.critical-paths",
    "Which edge cases of the changed branches have no test?",
    "orders/prices.py",
    12,
    "`price` has 3 new branches",
)
TESTS = Topic("tests", ("tests.present",), ("TST101",), (QUESTION,))


def part(topics: Sequence[Topic], *findings: Finding) -> str:
    return checklist_part(topics, findings, pull_request())


def test_a_change_that_touches_nothing_gets_no_word() -> None:
    assert part([]) == ""


def test_what_is_clean_stands_in_a_fold_alone() -> None:
    text = part([SECURITY])

    assert text.startswith(
        "<details><summary>2 points of the checklist checked. Nothing found in: "
    )
    assert text.endswith("</details>")
    assert "###" not in text
    assert "JWT signed and validated · CORS configured securely" in text


def test_a_finding_opens_its_category_and_names_the_rules() -> None:
    database = Topic("database", ("database.n-plus-one",), ("DBQ101",))
    found = [
        finding("DBQ101", line=n, category="queries", severity=Severity.WARNING) for n in (1, 2)
    ]
    text = part([SECURITY, database], *found)

    assert "| Database | 1 point, 1 rule | 2 warnings: `DBQ101` |" in text
    assert "| Security" not in text
    assert "3 points of the checklist checked. Nothing found in: security</summary>" in text


def test_the_rules_of_what_weighs_most_come_first() -> None:
    light = finding("SEC124", line=1, category="security", severity=Severity.WARNING)
    text = part([SECURITY], light, finding("SEC101", line=2, category="security"))

    assert "| 1 error, 1 warning: `SEC101`, `SEC124` |" in text


def test_a_question_says_why_it_is_asked_and_where() -> None:
    text = part([TESTS])
    asked, _, fold = text.partition("<details>")

    assert QUESTION.text in asked
    assert "`price` has 3 new branches" in asked
    assert "orders/prices.py#L12" in asked
    assert QUESTION.text not in fold


def test_a_question_about_the_whole_change_points_nowhere() -> None:
    whole = Question("workflow.seven-steps", "Every step?", "", 0, "`WFL103` objects")

    assert "(`WFL103` objects)" in part([Topic("workflow", (), (), (whole,))])


def test_hostile_paths_and_names_stay_text() -> None:
    hostile = Question(
        "deploy.backup", "Backed up?", "a`](javascript:x)<b>.py", 1, "`@all` <script> is stored"
    )
    html = MarkdownIt().render(part([Topic("deployment", (), (), (hostile,))]))

    assert "<script>" not in html
    assert 'href="javascript' not in html
    assert html.count("<a ") == 1


def test_everything_at_once_stays_within_a_screen() -> None:
    categories = list(dict.fromkeys(row.category for row in checklist()))
    rows = {each: [r for r in checklist() if r.category == each] for each in categories}
    topics = [
        Topic(
            each,
            tuple(row.id for row in rows[each]),
            tuple(sorted({code for row in rows[each] for code in row.rules})),
            tuple(
                Question(row.id, row.question, "a.py", 1, "`a` does so")
                for row in rows[each]
                if row.question
            ),
        )
        for each in categories
    ]
    found = [finding(f"XXX10{n}", category=each) for each in categories for n in range(6)]
    shown = re.sub(r"<details>.*?</details>", "", part(topics, *found), flags=re.DOTALL)

    assert len([line for line in shown.splitlines() if line]) <= 40
    assert len(part(topics, *found)) < 12_000


@pytest.mark.parametrize("topics", [(), (SECURITY,), (SECURITY, TESTS)])
def test_the_summary_holds_it_above_its_footer(topics: tuple[Topic, ...]) -> None:
    found = report(topics=topics)
    decided = plan(pull_request(), found, Config.default(), {"orders/api.py": diff_file()})
    summary = check_text(pull_request(), found, decided, ABOUT).summary

    assert (part(topics) in summary) == bool(topics) or not topics
    assert summary.splitlines()[-1].startswith("3 files reviewed")
    assert ("checklist" in summary) == bool(topics)


def test_the_footer_says_what_the_project_was_taken_to_run_on() -> None:
    found = report(python="3.12", frameworks=("django", "drf"))
    decided = plan(pull_request(), found, Config.default(), {})
    footer = check_text(pull_request(), found, decided, ABOUT).summary.splitlines()[-1]

    assert " · project: Python 3.12, django, drf · configuration: defaults" in footer


def test_a_dismissed_finding_is_not_counted_as_found() -> None:
    one, other = finding("SEC130", category="security"), finding("SEC125", category="security")
    found = report(one, other, topics=(SECURITY,))
    pull = pull_request(thread(one, is_resolved=True, resolved_by="bob"))
    decided = plan(pull, found, Config.default(), {"orders/api.py": diff_file()})
    summary = check_text(pull, found, decided, ABOUT).summary

    assert "| 1 error: `SEC125` |" in summary
