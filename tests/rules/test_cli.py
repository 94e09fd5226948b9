"""The command line as people and scripts use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rules.engine.command import children_for

BAD = "def f(order):\n    try:\n        return order.total\n    except:\n        return 0\n"
GOOD = "def f(order):\n    return order.total\n"


def stet(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "STET_CACHE_DIR": str(cwd.with_suffix(".cache")), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "rules.cli", *args]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def git(*args: str, cwd: Path) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    command = ["git", *who, *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose branch `topic` adds one bad file and leaves an old one alone."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git("init", cwd=folder)
    (folder / "old.py").write_text(BAD)
    (folder / "kept.py").write_text(GOOD)
    git("add", ".", cwd=folder)
    git("commit", "-m", "Start", cwd=folder)
    git("checkout", "-b", "topic", cwd=folder)
    (folder / "new.py").write_text(BAD.replace("def f", "def another"))
    git("add", ".", cwd=folder)
    git("commit", "-m", "Add", cwd=folder)
    return folder


def findings(output: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(output)["findings"]
    return rows


def test_check_names_the_place_in_one_based_code_points(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 'äöü'; y = 1\n" + BAD, "utf-8")
    done = stet("check", "a.py", "--format", "json", "--select", "ERR101", cwd=tmp_path)
    (row,) = findings(done.stdout)
    assert (row["path"], row["line"], row["column"]) == ("a.py", 5, 5)
    assert (row["end_line"], row["end_column"]) == (5, 12)
    assert row["fix"]["edits"][0]["text"] == "except Exception:"
    assert done.returncode == 0, "a warning does not fail by default"


def test_exit_code_follows_the_failing_severity(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(BAD)
    (tmp_path / ".stet.toml").write_text('[check]\nfail_on = "warning"\n')
    assert stet("check", cwd=tmp_path).returncode == 1
    assert stet("check", "--exit-zero", cwd=tmp_path).returncode == 0
    assert stet("check", "--isolated", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["check", "nowhere.py"], "nowhere.py: no such file"),
        (["check", "--select", "FOO1"], "no rule is called `FOO1`"),
        (["review", "--repo", "."], "not a git repository"),
        (["explain", "SEC999"], "no rule is called `SEC999`"),
        (["check", "--config", "none.toml"], "none.toml:1: cannot be read"),
        (["check", "--format", "xml"], "xml"),
    ],
)
def test_misuse_is_said_on_stderr_with_exit_code_two(
    tmp_path: Path, args: list[str], words: str
) -> None:
    done = stet(*args, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_does_not_parse_is_named_and_the_rest_reviewed(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(BAD)
    (tmp_path / "b.py").write_text("def broken(:\n")
    rows = json.loads(stet("check", ".", "--format", "json", cwd=tmp_path).stdout)
    assert [each["path"] for each in rows["skipped"]] == ["b.py"]
    assert "line 1" in rows["skipped"][0]["reason"]
    assert "a.py" in {each["path"] for each in rows["findings"]}


def test_review_says_only_what_the_change_introduces(repository: Path) -> None:
    done = stet("review", "--format", "json", "--select", "ERR101", cwd=repository)
    assert [row["path"] for row in findings(done.stdout)] == ["new.py"]


def test_review_sees_the_work_tree_with_untracked_files_but_not_ignored_ones(
    repository: Path,
) -> None:
    (repository / ".gitignore").write_text("ignored.py\n.cache-of-test\n")
    (repository / "untracked.py").write_text(BAD)
    (repository / "ignored.py").write_text(BAD)
    done = stet("review", "--format", "json", "--select", "ERR101", cwd=repository)
    assert [row["path"] for row in findings(done.stdout)] == ["new.py", "untracked.py"]


def test_review_reads_commits_of_a_bare_repository_with_a_detached_head(
    repository: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.git"
    git("clone", "--bare", "--quiet", str(repository), str(bare), cwd=tmp_path)
    head = git("rev-parse", "topic", cwd=repository).strip()
    git("update-ref", "--no-deref", "HEAD", head, cwd=bare)
    args = ["review", "--repo", str(bare), "--base", "main", "--head", head, "--format", "json"]
    done = stet(*args, "--select", "ERR101", cwd=tmp_path)
    assert [row["path"] for row in findings(done.stdout)] == ["new.py"]


def test_review_leaves_the_work_tree_untouched(repository: Path) -> None:
    (repository / "kept.py").write_text(GOOD + "# edited\n")
    before = git("status", "--porcelain", "-uall", cwd=repository)
    stet("review", "--repo", str(repository), cwd=repository.parent)
    assert git("status", "--porcelain", "-uall", cwd=repository) == before


def test_moved_and_renamed_code_is_not_blamed(repository: Path) -> None:
    git("mv", "old.py", "elsewhere.py", cwd=repository)
    text = (repository / "elsewhere.py").read_text()
    (repository / "elsewhere.py").write_text("# moved\n\n" + text)
    git("add", ".", cwd=repository)
    git("commit", "-m", "Move", cwd=repository)
    args = ["review", "--head", "topic", "--format", "json", "--select", "ERR101"]
    done = stet(*args, cwd=repository)
    assert [row["path"] for row in findings(done.stdout)] == ["new.py"]


def test_sarif_carries_rule_code_place_and_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(BAD)
    args = ["check", "a.py", "--format", "sarif", "--output", "out.sarif", "--select", "ERR101"]
    done = stet(*args, cwd=tmp_path)
    assert done.stdout == ""
    run = json.loads((tmp_path / "out.sarif").read_text())["runs"][0]
    (result,) = run["results"]
    assert result["ruleId"] == "ERR101"
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "ERR101"
    assert result["partialFingerprints"]["stet/v1"]
    assert result["fixes"][0]["artifactChanges"][0]["replacements"]


@pytest.mark.parametrize("name", ["rdjson", "github", "markdown", "text"])
def test_every_format_names_the_place(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.py").write_text(BAD)
    done = stet("check", "a.py", "--format", name, "--select", "ERR101", cwd=tmp_path)
    assert "a.py" in done.stdout
    assert "ERR101" in done.stdout


def test_a_reason_in_the_code_silences_a_finding(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(BAD.replace("except:", "except:  # stet: ignore[ERR101] old"))
    done = stet("check", "a.py", "--format", "json", "--select", "ERR101", cwd=tmp_path)
    rows = json.loads(done.stdout)
    assert rows["findings"] == []
    assert rows["statistics"]["suppressed"] == 1


def test_an_expired_suppression_silences_nothing(tmp_path: Path) -> None:
    comment = "except:  # stet: ignore[ERR101] old (until=2020-01-01)"
    (tmp_path / "a.py").write_text(BAD.replace("except:", comment))
    done = stet("check", "a.py", "--format", "json", "--select", "ERR101", cwd=tmp_path)
    assert len(findings(done.stdout)) == 1


def test_an_unknown_key_is_named_with_its_line_and_the_nearest_known_one(tmp_path: Path) -> None:
    (tmp_path / ".stet.toml").write_text("[review]\nmax_inlne = 3\n")
    done = stet("check", ".", cwd=tmp_path)
    assert done.returncode == 2
    assert ".stet.toml:2: unknown key `max_inlne`; did you mean `max_inline`?" in done.stderr


def test_many_processes_say_the_same_as_one(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"m{number}.py").write_text(BAD)
    one = stet("check", ".", "--format", "json", cwd=tmp_path)
    four = stet("check", ".", "--format", "json", "--jobs", "4", cwd=tmp_path)
    assert findings(one.stdout) == findings(four.stdout)
    assert findings(one.stdout)


def test_rules_and_checklist_are_complete_as_json(tmp_path: Path) -> None:
    rules = json.loads(stet("rules", "--format", "json", cwd=tmp_path).stdout)
    rows = json.loads(stet("checklist", "--format", "json", cwd=tmp_path).stdout)
    assert {"code", "name", "category", "scope", "severity", "confidence", "default", "fix",
            "cwe", "summary", "url", "checklist"} <= set(rules[0])  # fmt: skip
    assert len(rows) == 167
    assert {"id", "mode", "rules", "question"} <= set(rows[0])


def test_explain_shows_the_page(tmp_path: Path) -> None:
    by_code = stet("explain", "ERR101", cwd=tmp_path).stdout
    assert by_code == stet("explain", "bare-except", cwd=tmp_path).stdout
    assert "KeyboardInterrupt" in by_code


def test_config_names_the_origin_of_every_key(tmp_path: Path) -> None:
    (tmp_path / ".stet.toml").write_text("[review]\nmax_inline = 3\n")
    rows = json.loads(stet("config", "--format", "json", cwd=tmp_path).stdout)
    by_key = {row["key"]: row for row in rows}
    assert by_key["review.max_inline"] == {
        "key": "review.max_inline", "value": 3, "origin": ".stet.toml",
    }  # fmt: skip
    assert by_key["check.name"]["origin"] == "default"


def test_file_names_cannot_drive_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m.py").write_text(BAD)
    done = stet("check", ".", "--select", "ERR101", cwd=tmp_path)
    assert "\x1b" not in done.stdout
    assert "ERR101" in done.stdout


def test_hostile_brackets_cost_one_file_only(tmp_path: Path) -> None:
    (tmp_path / "deep.py").write_text(BAD + "x = " + "(" * 3000 + "1" + ")" * 3000 + "\n")
    (tmp_path / "a.py").write_text(BAD)
    done = stet("check", ".", "--format", "json", "--select", "ERR101", cwd=tmp_path)
    rows = json.loads(done.stdout)
    assert [each["path"] for each in rows["skipped"]] == ["deep.py"]
    assert [each["path"] for each in rows["findings"]] == ["a.py"]


def test_a_rule_is_left_to_the_linter_that_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(BAD)
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\n")
    args = ["check", ".", "--format", "json", "--select", "ERR101"]
    left = stet(*args, cwd=tmp_path)
    assert findings(left.stdout) == []
    assert "ERR101 is left to ruff E722" in left.stderr
    assert len(findings(stet(*args, "--isolated", cwd=tmp_path).stdout)) == 1


def test_a_secret_is_shown_nowhere(tmp_path: Path) -> None:
    secret = "ghp_" + "x7Kq2mZp9LwR4tYb6NcV8sDf1GhJ3aQe5UiO"
    (tmp_path / "settings.py").write_text(f'SECRET_KEY = "{secret}"\nTOKEN = "{secret}"\n')
    for name in ("text", "json", "sarif", "rdjson", "github", "markdown"):
        done = stet("check", ".", "--format", name, "--statistics", cwd=tmp_path)
        assert "SEC120" in done.stdout
        assert secret[8:] not in done.stdout + done.stderr


def test_a_committed_file_is_judged_by_its_name_though_nobody_reads_it(repository: Path) -> None:
    (repository / "lib").mkdir()
    (repository / "lib" / "big.pyc").write_bytes(bytes(6 * 1024 * 1024))
    git("add", "-f", ".", cwd=repository)
    git("commit", "-m", "Bytecode", cwd=repository)
    args = ["review", "--head", "topic", "--format", "json", "--select", "CLN101"]
    assert [row["path"] for row in findings(stet(*args, cwd=repository).stdout)] == ["lib/big.pyc"]


def test_what_is_left_after_a_fix_is_quoted_from_the_repaired_file(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"def g(rest=[]):\n    return rest\n\n\n{BAD}")
    done = stet("check", "a.py", "--fix", "--select", "ERR101,QLT101", cwd=tmp_path)
    assert "1 finding fixed" in done.stderr
    assert "def g(rest=None):" in (tmp_path / "a.py").read_text()
    place, quoted, *_ = done.stdout.splitlines()
    assert place.startswith("a.py:10:5  warning ERR101")
    assert quoted.endswith("|     except:")


@pytest.mark.parametrize(
    ("files", "children"), [(0, 0), (1, 1), (100, 1), (300, 3), (1600, 16), (4327, 16), (9000, 23)]
)
def test_a_large_project_is_not_gathered_by_ever_more_children(files: int, children: int) -> None:
    assert children_for(files) == children
