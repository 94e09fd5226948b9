"""What the checklist says of a change: silence where nothing is touched, reasons for what it asks."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec
import pytest
from trees import snapshot_of

from rules.engine.catalogue import checklist
from rules.engine.checklist_reasons import REASONS, evidence_for
from rules.engine.config import Config, RulesConfig
from rules.engine.docs.checklist_page import checklist_tables
from rules.engine.finding import Question, Report
from rules.engine.formats import json_format, line_formats, text_format
from rules.engine.pages import checklist_as
from rules.engine.run import review

VIEWS = "from django.http import HttpResponse\n\n\ndef shown(request):\n    return HttpResponse()\n"


def report_of(before: Mapping[str, str], after: Mapping[str, str]) -> Report:
    return review(snapshot_of(before, {**before, **after}), Config.default())


def asked(path: str, before: str, after: str) -> Mapping[str, Question]:
    report = report_of({path: before} if before else {}, {path: after})
    return {each.row: each for topic in report.topics for each in topic.questions}


def test_each_question_of_the_checklist_has_its_reason() -> None:
    assert {row.id for row in checklist() if row.question} == set(REASONS)


def test_a_change_of_prose_touches_nothing() -> None:
    assert report_of({"README.md": "# Shop\n"}, {"README.md": "# The shop\n"}).topics == ()


def test_no_change_touches_nothing() -> None:
    assert report_of({"a.py": "import os\n"}, {}).topics == ()


def test_a_touched_category_names_its_rows_and_the_rules_that_looked() -> None:
    (topic,) = [
        each
        for each in report_of({}, {"shop/jobs.py": "import logging\n\nlogging.info('x')\n"}).topics
        if each.category == "logging"
    ]

    assert "logging.levels" in topic.rows
    assert {"LOG104", "LOG106"} & set(topic.rules)
    assert all(code.isalnum() for code in topic.rules)


def test_the_words_of_untouched_lines_do_not_count() -> None:
    before = {"shop/jobs.py": "import logging\n\nlogging.info('x')\nRATE = 1\n"}
    after = {"shop/jobs.py": "import logging\n\nlogging.info('x')\nRATE = 2\n"}

    assert "logging" not in [each.category for each in report_of(before, after).topics]


def test_a_rule_that_is_off_did_not_look() -> None:
    snapshot = snapshot_of({}, {"shop/jobs.py": "import logging\n\nlogging.info('x')\n"})
    report = review(snapshot, Config(rules=RulesConfig(ignore=("LOG",))))

    assert not [code for each in report.topics for code in each.rules if code.startswith("LOG")]


def test_a_file_that_cannot_be_read_was_not_checked() -> None:
    report = report_of({}, {"shop/jobs.py": "import logging\nlogging.info('x'\n"})

    assert "logging" not in [each.category for each in report.topics]


def test_categories_come_in_the_order_of_the_checklist() -> None:
    order = list(dict.fromkeys(row.category for row in checklist()))
    found = [
        each.category
        for each in report_of(
            {}, {"shop/views.py": VIEWS, "Dockerfile": "FROM python:3.12\n"}
        ).topics
    ]

    assert found == sorted(found, key=order.index)
    assert "deployment" in found


CASES = {
    "deploy.backup": (
        "shop/models.py",
        "from django.db import models\n\n\nclass Book(models.Model):\n    pass\n",
        "`Book` is stored from now on",
    ),
    "tests.integrations": (
        "shop/rates.py",
        "import requests\n\n\ndef rates():\n    return requests.get('https://x.example', timeout=3)\n",
        "`rates` calls `requests`",
    ),
    "logging.performance": (
        "shop/rates.py",
        "from google.cloud import storage\n\n\ndef bucket():\n    return storage.Client()\n",
        "`bucket` calls `google.cloud`",
    ),
    "tests.performance": (
        "shop/views.py",
        (
            "from django.shortcuts import render\nfrom shop.models import Book\n\n\ndef books(request):\n"
            "    return render(request, 'a.html', {'books': Book.objects.all()})\n"
        ),
        "`books` queries the database",
    ),
    "tests.critical-paths": (
        "shop/prices.py",
        (
            "def price(a, b):\n    if a:\n        return 1\n    elif b:\n        return 2\n    try:\n"
            "        return a / b\n    except ZeroDivisionError:\n        return 3\n"
        ),
        "`price` has 3 new branches",
    ),
    "cleanup.disk-space": (
        "shop/export.py",
        "def export(rows):\n    with open('out.csv', 'w') as file:\n        file.writelines(rows)\n",
        "`export` writes files (`open`)",
    ),
    "cleanup.log-retention": (
        "shop/settings.py",
        "LOGGING = {'handlers': {'file': {'class': 'logging.handlers.RotatingFileHandler'}}}\n",
        "a `RotatingFileHandler` writes a log",
    ),
    "logging.request-context": (
        "shop/api.py",
        (
            "import logging\nfrom fastapi import APIRouter\n\nlog = logging.getLogger(__name__)\n"
            "router = APIRouter()\n\n\n@router.get('/')\ndef first():\n    log.info('asked')\n"
        ),
        "`first` logs",
    ),
    "security.warnings-ignored": (
        "shop/jobs.py",
        "import subprocess\n\nsubprocess.run('ls', shell=True)  # noqa: S602\n",
        "a comment there says `noqa`",
    ),
}


@pytest.mark.parametrize("row", sorted(CASES))
def test_a_question_is_asked_where_the_added_code_gives_reason(row: str) -> None:
    path, text, because = CASES[row]
    question = asked(path, "", text)[row]

    assert question.because == because
    assert question.path == path
    assert 1 <= question.line <= text.count("\n")


@pytest.mark.parametrize("row", sorted(CASES))
def test_code_that_was_there_before_gives_no_reason(row: str) -> None:
    path, text, _ = CASES[row]

    assert row not in asked(path, text, text + "\nRATE = 2\n")


@pytest.mark.parametrize("row", sorted(CASES))
def test_tests_give_no_reason(row: str) -> None:
    _, text, _ = CASES[row]

    assert row not in asked("tests/test_shop.py", "", text)


@pytest.mark.parametrize(
    ("path", "before", "after", "row"),
    [
        ("shop/jobs.py", "", "x = 1  # noqa: E501\n", "security.warnings-ignored"),
        ("shop/jobs.py", "", "x = open('a.txt').read()\n", "cleanup.disk-space"),
        ("shop/jobs.py", "", "x = gates.open('west')\n", "cleanup.disk-space"),
        ("shop/jobs.py", "", "def f(a):\n    if a:\n        pass\n", "tests.critical-paths"),
        ("shop/jobs.py", "", "import requests\n", "tests.integrations"),
        (
            "app.py",
            "",
            "from aiohttp import web\n\napp = web.Application()\n",
            "tests.integrations",
        ),
        ("shop/jobs.py", "", "KINDS = {'FileHandler'}\n", "cleanup.log-retention"),
        ("scripts/load.py", "", CASES["tests.performance"][1], "tests.performance"),
        ("pyproject.toml", "[project]\n", "[project]\nname = 'shop'\n", "workflow.standards"),
    ],
)
def test_what_only_looks_alike_gives_no_reason(
    path: str, before: str, after: str, row: str
) -> None:
    assert row not in asked(path, before, after)


@pytest.mark.parametrize(
    ("path", "before", "after", "line"),
    [
        (".github/workflows/ci.yml", "on: push\n", "on: pull_request\n", 0),
        ("pyproject.toml", "[tool.ruff]\n", "[tool.ruff]\nline-length = 90\n", 2),
    ],
)
def test_a_change_of_what_checks_the_project_asks_about_the_gates(
    path: str, before: str, after: str, line: int
) -> None:
    question = asked(path, before, after)["workflow.standards"]

    assert (question.path, question.line) == (path, line)


def test_newer_syntax_than_that_of_this_python_gives_reasons_too() -> None:
    text = "import requests\n\n\ndef rate[T](kind: T) -> str:\n    return requests.get(f'{kind['a']}').text\n"

    assert "tests.integrations" in asked("shop/rates.py", "", text)


def test_the_same_change_is_told_in_the_same_words() -> None:
    files = {path: text for path, text, _ in CASES.values()}

    assert report_of({}, files).topics == report_of({}, files).topics


def test_a_finding_about_how_the_change_was_made_asks_for_the_workflow() -> None:
    after = {f"shop/part_{n}.py": "".join(f"x{n} = {i}\n" for i in range(700)) for n in range(3)}
    report = report_of({}, after)
    rows = [each.row for topic in report.topics for each in topic.questions]

    assert any(each.category == "workflow" for each in report.findings)
    assert "workflow.seven-steps" in rows


def test_hostile_files_give_no_reason_but_what_their_first_line_says() -> None:
    texts = ["(" * 5000, "a" * 100_000, "\0" * 50, "def f(:\n", "# noqa" * 20_000, "x." * 20_000]
    changes = snapshot_of({}, {f"shop/a{n}.py": text for n, text in enumerate(texts)}).changes

    assert set(evidence_for(changes, [])) == {"security.warnings-ignored"}


def test_topics_travel_with_the_report() -> None:
    report = report_of({}, {path: text for path, text, _ in CASES.values()})

    assert report.topics
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(report), type=Report) == report


def test_each_format_of_a_review_tells_the_questions() -> None:
    path, text, because = CASES["tests.performance"]
    report = report_of({}, {path: text})
    rows = json.loads(json_format.write(report))["questions"]

    assert [each["because"] for each in rows if each["row"] == "tests.performance"] == [because]
    assert f"({because}, `{path}:6`)" in line_formats.markdown(report)
    assert f"tests.performance ({path}:6)" in text_format.write(report, str, colour=False)


def test_a_report_without_questions_says_nothing_of_them() -> None:
    report = report_of({}, {"README.md": "# Shop\n"})

    assert "person" not in line_formats.markdown(report)
    assert "person" not in text_format.write(report, str, colour=False)


def test_the_checklist_says_when_each_question_is_asked() -> None:
    rows = json.loads(checklist_as("json"))
    page = checklist_tables()

    assert [row["id"] for row in rows if bool(row["question"]) != bool(row["asked_when"])] == []
    assert all(
        f"Asked when a change {row['asked_when']}." in page for row in rows if row["question"]
    )
