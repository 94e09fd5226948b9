import subprocess
from pathlib import Path

import pytest

from demo.story import (
    EXPECTED,
    FIX_REF,
    HEAD_BRANCH,
    NEAR_MISSES,
    Expectation,
    NearMiss,
    build_repository,
    tree,
)


def git(directory: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=directory, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_the_repository_is_the_same_on_every_machine(tmp_path: Path) -> None:
    first = build_repository(tmp_path / "first")
    second = build_repository(tmp_path / "second")

    assert (first.base_sha, first.head_sha, first.fix_sha) == (
        second.base_sha,
        second.head_sha,
        second.fix_sha,
    )


def test_the_pull_request_and_its_fix_are_there_to_be_pushed(tmp_path: Path) -> None:
    story = build_repository(tmp_path)

    assert git(tmp_path, "rev-parse", HEAD_BRANCH) == story.head_sha
    assert git(tmp_path, "rev-parse", FIX_REF) == story.fix_sha
    assert git(tmp_path, "rev-parse", f"{FIX_REF}~1") == story.head_sha
    assert git(tmp_path, "merge-base", "main", HEAD_BRANCH) == story.base_sha
    assert git(tmp_path, "status", "--porcelain") == ""


def test_a_commit_holds_exactly_the_files_of_the_story(tmp_path: Path) -> None:
    build_repository(tmp_path)

    listed = git(tmp_path, "ls-tree", "-r", "--name-only", HEAD_BRANCH).splitlines()

    assert set(listed) == set(tree("base", "change"))
    assert ".gitignore" in listed
    assert "docs/export-by-hand.md" not in listed


def test_eight_things_are_broken_in_five_parts_and_five_are_repaired() -> None:
    assert len(EXPECTED) == 8
    assert {expectation.rule[:3] for expectation in EXPECTED} >= {"SEC", "DBQ", "SET", "TST", "CLN"}
    assert len({expectation.rule for expectation in EXPECTED}) == 8
    assert sum(expectation.repaired for expectation in EXPECTED) == 5
    assert len(NEAR_MISSES) == 4


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda expected: expected.rule)
def test_a_finding_is_expected_on_a_line_that_the_pull_request_adds(
    tmp_path: Path, expected: Expectation
) -> None:
    build_repository(tmp_path)
    added = added_lines(tmp_path, expected.path)

    assert added
    assert expected.line() is None or expected.line() in added


@pytest.mark.parametrize(
    "kept", [e for e in EXPECTED if not e.repaired], ids=lambda expected: expected.rule
)
def test_what_the_fix_leaves_can_still_be_found(kept: Expectation) -> None:
    assert kept.path in tree("base", "change", "fix")
    assert (kept.line(after_fix=True) is None) == (kept.marker == "")


@pytest.mark.parametrize("miss", NEAR_MISSES, ids=lambda miss: miss.path)
def test_a_near_miss_is_a_line_that_the_pull_request_adds(tmp_path: Path, miss: NearMiss) -> None:
    build_repository(tmp_path)

    assert miss.line() in added_lines(tmp_path, miss.path)


def added_lines(directory: Path, path: str) -> set[int]:
    """The 1-based lines that the pull request adds; for a binary file, just line 1."""
    diff = git(directory, "diff", "--unified=0", f"main...{HEAD_BRANCH}", "--", path)
    if "Binary files" in diff:
        return {1}
    added: set[int] = set()
    for line in diff.splitlines():
        if line.startswith("@@"):
            start, _, count = line.split("+")[1].split(" ")[0].partition(",")
            added |= set(range(int(start), int(start) + int(count or 1)))
    return added
