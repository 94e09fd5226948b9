"""`stet sandbox` serves a folder of this machine and never writes to it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from sandbox.git import GitError
from sandbox.local import LocalRepository
from sandbox.server import StandIn

Run = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path) -> Run:
    """git in a fresh repository with main, a topic branch and a branch without own commits."""
    folder = tmp_path / "my shop"
    folder.mkdir()

    def run(*arguments: str) -> str:
        who = ["-c", "user.name=Bob", "-c", "user.email=bob@example.com"]
        done = subprocess.run(
            ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    run("init", "--quiet", "-b", "main")
    change(folder, run, "a = 1\n", "First")
    run("branch", "idle")
    run("checkout", "-q", "-b", "topic")
    change(folder, run, "a = 2\n", "Change a\n\nBecause.")
    return run


def change(folder: Path, run: Run, text: str, message: str) -> str:
    (folder / "a.py").write_text(text)
    run("add", ".")
    run("commit", "-q", "-m", message)
    return run("rev-parse", "HEAD")


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}


def test_branches_become_pull_requests(github: StandIn, git: Run, tmp_path: Path) -> None:
    folder = tmp_path / "my shop"
    said: list[str] = []
    before = snapshot(folder)
    served = LocalRepository.serve(github, folder, base=None, say=said.append)
    assert served.full_name == "local/my-shop"
    assert served.numbers == {"topic": 1}
    pull = github.pull_request(served.full_name, 1)
    assert (pull.title, pull.body, pull.user.login, pull.base_ref) == (
        "Change a",
        "Because.",
        "bob",
        "main",
    )
    assert any("No commits between main and idle" in line for line in said)
    assert snapshot(folder) == before


def test_what_moves_in_the_original_is_pushed(github: StandIn, git: Run, tmp_path: Path) -> None:
    folder = tmp_path / "my shop"
    served = LocalRepository.serve(github, folder, base=None, say=lambda _text: None)
    head = change(folder, git, "a = 3\n", "Again")
    git("checkout", "-q", "-b", "later")
    change(folder, git, "a = 4\n", "Later")
    served.look_again()
    assert github.pull_request(served.full_name, 1).head_sha == head
    assert served.numbers == {"topic": 1, "later": 2}
    git("checkout", "-q", "main")
    git("branch", "-D", "topic")
    served.look_again()
    assert github.pull_request(served.full_name, 1).state == "closed"
    names = [one.name for one in github.deliveries if one.event == "pull_request"]
    assert names == [
        "pull_request.opened",
        "pull_request.synchronize",
        "pull_request.opened",
        "pull_request.closed",
    ]


def test_a_folder_without_commits_is_refused(github: StandIn, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "."], cwd=tmp_path, check=True)
    with pytest.raises(GitError, match="no git repository with a commit"):
        LocalRepository.serve(github, tmp_path, base=None, say=lambda _text: None)


def sandbox_process(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "sandbox.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.end_to_end
def test_the_command_says_how_to_use_it_and_cleans_up(git: Run, tmp_path: Path) -> None:
    with sandbox_process("--repo", str(tmp_path / "my shop"), "--port", "0") as process:
        assert process.stdout is not None
        lines: list[str] = []
        deadline = time.monotonic() + 60
        while not any("Watching" in line for line in lines):
            assert time.monotonic() < deadline
            lines.append(process.stdout.readline())
        found = dict(
            line.strip().split("=", 1) for line in lines if line.strip().startswith("STET_")
        )
        key = Path(found["STET_PRIVATE_KEY_FILE"])
        assert key.read_text().startswith("-----BEGIN RSA PRIVATE KEY-----")
        assert key.stat().st_mode & 0o777 == 0o600
        assert key.parent.stat().st_mode & 0o777 == 0o700
        settings = (key.parent / "stet.env").read_text()
        secret = settings.partition("STET_WEBHOOK_SECRET=")[2].strip().strip("'")
        assert not any(secret in line for line in lines)
        assert "not GitHub" in lines[0]
        answer = httpx.get(found["STET_GITHUB_API_URL"] + "/rate_limit", trust_env=False)
        assert answer.status_code == 200
        process.send_signal(signal.SIGTERM)
        assert "Stopped" in process.stdout.read()
        assert process.wait(timeout=30) == 0
    assert not key.parent.exists()


def test_a_folder_that_is_no_repository_is_told_in_one_line(tmp_path: Path) -> None:
    with sandbox_process("--repo", str(tmp_path), "--port", "0") as process:
        assert process.stdout is not None
        said = process.stdout.read()
        assert process.wait(timeout=60) == 2
    assert "not a git repository" in said.splitlines()[-1]
