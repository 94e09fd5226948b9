"""From a pull request to its review and back, through every real part but GitHub itself."""

from __future__ import annotations

import httpx
import pytest
from desk import MODELS, RATES, RATES_BAD, SHELF_BAD
from service import REPOSITORY, Service

from sandbox import faults

pytestmark = pytest.mark.end_to_end

SETTINGS = """\
import os

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["shop.example.org"]
INSTALLED_APPS = ["django.contrib.auth", "shop"]
"""

SETTINGS_BAD = SETTINGS.replace("DEBUG = False", "DEBUG = True")

SHELF = """\
from shop.models import Book


def shelf():
    return [(book.title, book.author.name) for book in Book.objects.select_related("author")]
"""


def test_a_pull_request_is_reviewed_repaired_and_never_told_twice(service: Service) -> None:
    github = service.github
    github.create_user("alice")
    github.set_permission(REPOSITORY, "alice", "write")
    github.commit(
        REPOSITORY,
        "main",
        {"shop/settings.py": SETTINGS, "shop/models.py": MODELS, "shop/rates.py": RATES},
        by="alice",
    )
    github.commit(
        REPOSITORY,
        "feature",
        {
            "shop/settings.py": SETTINGS_BAD,
            "shop/rates.py": RATES_BAD,
            "shop/shelf.py": SHELF_BAD,
            "shop/broken.py": "def (:\n",
        },
        base="main",
        by="alice",
    )

    number = github.open_pull_request(REPOSITORY, head="feature", title="Add a shelf", by="alice")
    service.settle()

    [review] = service.reviews(number)
    assert review["body"].startswith("Stet: 4 new findings on ")
    places = {(each["path"], each["line"]) for each in service.comments(number)}
    assert {("shop/settings.py", 4), ("shop/rates.py", 5), ("shop/shelf.py", 6)} < places
    assert any("```suggestion\n" in each["body"] for each in service.comments(number))
    [check] = service.checks("feature")
    assert (check["status"], check["conclusion"]) == ("completed", "failure")
    assert check["output"]["title"] == "1 error, 3 warnings introduced"
    assert "- `shop/broken.py`: " in check["output"]["summary"]
    assert service.mails() == ["review"]

    github.commit(
        REPOSITORY,
        "feature",
        {"shop/settings.py": SETTINGS, "shop/shelf.py": SHELF, "shop/broken.py": None},
        by="alice",
    )
    service.settle()

    [left] = service.comments(number)
    assert left["path"] == "shop/rates.py"
    [check] = service.checks("feature")
    assert (check["conclusion"], check["output"]["title"]) == ("success", "1 warning introduced")
    assert service.mails() == ["review"]

    calls = len(github.exchanges)
    opened = next(each for each in github.deliveries if each.name == "pull_request.opened")
    repeat(service, opened.guid)
    service.settle()

    assert len(github.exchanges) == calls
    assert service.mails() == ["review"]
    said = service.processes.said()
    assert "reviewed: 4 findings" in said
    secrets = [*github.state.tokens, github.webhook_secret, github.private_key_pem.split("\n")[1]]
    assert [each for each in secrets if each in said] == []


def repeat(service: Service, guid: str) -> None:
    """GitHub hands the same event over once more, under its old id."""
    known = next(each for each in service.github.deliveries if each.guid == guid)
    service.github.state.deliveries.redeliver(known)


@pytest.mark.fault(15, 43)
def test_a_worker_killed_in_the_middle_costs_no_review_and_leaves_no_open_check(
    service: Service,
) -> None:
    github = service.github
    github.create_user("alice")
    github.set_permission(REPOSITORY, "alice", "write")
    github.commit(REPOSITORY, "main", {"shop/rates.py": RATES}, by="alice")
    github.commit(REPOSITORY, "feature", {"shop/rates.py": RATES_BAD}, base="main", by="alice")
    github.faults.add(faults.slow(10), method="GET", path=r"/compare/", times=1)

    number = github.open_pull_request(REPOSITORY, head="feature", title="Rates", by="alice")
    assert service.wait_for_check("feature")["status"] == "in_progress"
    service.processes.kill_newest()
    service.processes.start("worker.cli", "work")
    service.settle()

    assert [each["status"] for each in service.checks("feature")] == ["completed"]
    assert len(service.comments(number)) == 1
    assert service.mails() == ["review"]


@pytest.mark.fault(21, 40)
def test_a_push_in_the_middle_of_a_review_makes_the_old_one_silent(service: Service) -> None:
    github = service.github
    github.create_user("alice")
    github.set_permission(REPOSITORY, "alice", "write")
    github.commit(REPOSITORY, "main", {"shop/rates.py": RATES}, by="alice")
    old = github.commit(
        REPOSITORY, "feature", {"shop/rates.py": RATES_BAD}, base="main", by="alice"
    )
    github.faults.add(faults.slow(4), method="GET", path=r"/compare/", times=1)

    number = github.open_pull_request(REPOSITORY, head="feature", title="Rates", by="alice")
    service.wait_for_check("feature")
    new = github.commit(REPOSITORY, "feature", {"shop/more.py": "x = 1\n"}, by="alice")
    service.settle()

    assert [each["conclusion"] for each in service.checks(old)] == ["cancelled"]
    assert [each["conclusion"] for each in service.checks(new)] == ["success"]
    assert [each["commit_id"] for each in service.reviews(number)] == [new]
    assert service.mails() == ["review"]


def test_commands_are_for_those_who_may(service: Service) -> None:
    github = service.github
    for login, role in (("alice", "write"), ("tom", "triage"), ("rita", "read")):
        github.create_user(login)
        github.set_permission(REPOSITORY, login, role)
    github.commit(REPOSITORY, "main", {"shop/rates.py": RATES}, by="alice")
    github.commit(REPOSITORY, "feature", {"shop/rates.py": RATES_BAD}, base="main", by="alice")
    number = github.open_pull_request(REPOSITORY, head="feature", title="Rates", by="alice")
    service.settle()
    before = len(service.checks("feature"))

    asked = github.comment(REPOSITORY, number, "/stet review", by="tom")
    service.settle()
    refused = github.comment(REPOSITORY, number, "/stet review", by="rita")
    service.settle()
    quoted = github.comment(REPOSITORY, number, "> /stet review\n\nNo.", by="tom")
    service.settle()

    assert service.reactions(asked) == {"eyes", "rocket"}
    assert service.reactions(refused) == {"confused"}
    assert service.reactions(quoted) == set()
    assert len(service.checks("feature")) == before + 1
    assert len(service.comments(number)) == 1
    assert service.mails() == ["review", "comment"], "the refusal is the only other word"


def test_a_stranger_without_a_signature_moves_nothing(service: Service) -> None:
    github = service.github
    address = str(github.app.webhook_url)

    answer = httpx.post(
        address, json={"action": "opened"}, headers={"X-GitHub-Event": "pull_request"}
    )

    assert answer.status_code == 401
    assert service.mails() == []
