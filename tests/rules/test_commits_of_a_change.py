"""The commits of a local change, as rules are given them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from rules.engine.git import Repository
from rules.engine.index import MemoryCache
from rules.engine.local import change_of


def git(folder: Path, *args: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for role in ("AUTHOR", "COMMITTER"):
        who |= {f"GIT_{role}_NAME": "A", f"GIT_{role}_EMAIL": "a@example.org"}
    command = ["git", "-C", str(folder), *args]
    done = subprocess.run(command, check=True, capture_output=True, env={**clean, **who})
    return done.stdout.decode().strip()


def commit(folder: Path, message: str, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--allow-empty", "--message", message)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--initial-branch", "main")
    commit(tmp_path, "Begin", orders="a = 1\n")
    return tmp_path


def test_each_commit_is_told_with_its_message_and_its_paths(folder: Path) -> None:
    git(folder, "switch", "--create", "work")
    commit(folder, "Close orders\n\nFor good.", orders="a = 2\n", parcels="b = 1\n")
    commit(folder, "fixup! Close orders", orders="a = 3\n")
    found = change_of(folder, "main", "work", MemoryCache()).snapshot.commits
    assert [each.subject for each in found] == ["Close orders", "fixup! Close orders"]
    assert found[0].message == "Close orders\n\nFor good."
    assert found[0].paths == ("orders.py", "parcels.py")
    assert [each.parents for each in found] == [1, 1]


def test_a_merge_of_the_main_branch_has_two_parents(folder: Path) -> None:
    git(folder, "switch", "--create", "work")
    commit(folder, "Close orders", parcels="b = 1\n")
    git(folder, "switch", "main")
    commit(folder, "Another thing", books="c = 1\n")
    git(folder, "switch", "work")
    git(folder, "merge", "main", "--message", "Merge branch 'main' into work")
    found = Repository(folder).commits("main", "work")
    assert [(each.subject, each.parents) for each in found] == [
        ("Close orders", 1),
        ("Merge branch 'main' into work", 2),
    ]


def test_where_pull_requests_are_squashed_no_commit_is_of_interest(folder: Path) -> None:
    for number in range(5):
        commit(folder, f"Something (#{number})", books=f"c = {number}\n")
    git(folder, "switch", "--create", "work")
    commit(folder, "wip", orders="a = 2\n")
    assert Repository(folder).commits("main", "work") == ()


def test_hostile_messages_and_names_break_nothing(folder: Path) -> None:
    git(folder, "switch", "--create", "work")
    (folder / "a\nb.py").write_text("a = 1\n")
    commit(folder, "One\x01two\x02three\x03four")
    assert Repository(folder).commits("main", "work")
