"""`/stet fix`: one commit with the safe fixes, where the operator and the owner allow it."""

from __future__ import annotations

import pytest
from desk import RATES, RATES_BAD, REPOSITORY, Desk

SHARED = "\n\ndef rates(found=[]):\n    found.append(rate('EUR'))\n    return found\n"


@pytest.fixture
def writing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The tier that may write: switched on here, and accepted by the installation."""
    monkeypatch.setenv("STET_AUTOFIX", "true")
    with desk.github.state.lock:
        desk.github.state.installations[desk.installation].permissions["contents"] = "write"
    return desk


def file_at(desk: Desk, branch: str) -> str:
    repository = desk.github.state.repository("acme", "shop")
    assert repository is not None
    sha = repository.git.object_of(f"{branch}:shop/rates.py")
    data = repository.git.blob(sha or "")
    assert data is not None
    return data.decode()


def test_a_person_with_write_access_gets_one_commit_with_the_safe_fixes(writing: Desk) -> None:
    desk = writing
    desk.open({"shop/rates.py": RATES + SHARED}, by="alice")
    before = desk.head()
    desk.review()
    assert len(desk.comments()) == 1

    desk.ask("/stet fix", by="alice")

    assert desk.head() != before
    assert "found=None" in file_at(desk, "feature")
    desk.review("synchronize")
    assert desk.check()["conclusion"] == "success"
    assert desk.mails() == {"review": 1}


def test_what_needs_a_thought_is_not_committed(writing: Desk) -> None:
    desk = writing
    desk.open({"shop/rates.py": RATES_BAD}, by="alice")
    before = desk.head()
    desk.review()

    desk.ask("/stet fix", by="alice")

    assert desk.head() == before
    assert "There is no safe fix to commit" in desk.answers()[-1]


def test_without_the_permission_of_the_installation_nothing_is_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STET_AUTOFIX", "true")
    desk.open({"shop/rates.py": RATES + SHARED}, by="alice")
    before = desk.head()
    desk.review()
    assert len(desk.comments()) == 1

    desk.ask("/stet fix", by="alice")

    assert desk.head() == before
    assert "Stet may not write" in desk.answers()[-1]


def test_a_branch_that_moved_meanwhile_wins(writing: Desk) -> None:
    desk = writing
    desk.open({"shop/rates.py": RATES + SHARED}, by="alice")
    desk.review()
    comment = desk.github.comment(REPOSITORY, desk.number, "/stet fix", by="alice")
    desk.commit({"shop/rates.py": f"# first\n{RATES}{SHARED}"})
    moved = desk.head()

    desk.command(comment, "alice")

    assert "# first" in file_at(desk, "feature")
    assert "found=None" in file_at(desk, "feature")
    assert desk.head() != moved
