"""Files that programs and people leave behind, and the many that only look like it."""

from __future__ import annotations

import pytest
from trees import project_of

from rules.checklist.cleanup import (
    build_artifact_committed,
    editor_or_system_file_committed,
    log_or_dump_committed,
    test_artifact_committed,
    virtualenv_committed,
)
from rules.engine.config import Config, ReviewConfig
from rules.engine.run import check
from rules.kit import Rule

RULES = {
    "CLN102": build_artifact_committed.rule,
    "CLN103": test_artifact_committed.rule,
    "CLN104": log_or_dump_committed.rule,
    "CLN105": virtualenv_committed.rule,
    "CLN106": editor_or_system_file_committed.rule,
}


def flagged(path: str, data: bytes = b"x\n", *rules: Rule) -> set[str]:
    config = Config(review=ReviewConfig(confidence="all"))
    report = check([(path, data)], project_of({path: data}), config, rules or [*RULES.values()])
    assert report.crashes == ()
    return {each.code for each in report.findings}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("shop.egg-info/PKG-INFO", "CLN102"),
        ("src/shop.egg-info/SOURCES.txt", "CLN102"),
        ("build/bdist.linux-x86_64/wheel/a.txt", "CLN102"),
        ("dist/shop-1.0.tar.gz", "CLN102"),
        ("node_modules/a/index.js", "CLN102"),
        (".coverage", "CLN103"),
        (".coverage.ann-laptop.4711.XyZabc", "CLN103"),
        ("backend/coverage.xml", "CLN103"),
        (".tox/py312/log.txt", "CLN103"),
        (".hypothesis/examples/a", "CLN103"),
        ("debug.log", "CLN104"),
        ("logs/app.log.1", "CLN104"),
        ("celerybeat-schedule.db", "CLN104"),
        ("dump.rdb", "CLN104"),
        ("run.prof", "CLN104"),
        ("venv/pyvenv.cfg", "CLN105"),
        ("env/Scripts/activate.bat", "CLN105"),
        ("locales/messages.bak", "CLN106"),
        ("static/css/.style.css.swp", "CLN106"),
        ("rpm/gevent-0.12.2-py2.4-linux-x86_64.egg-info/PKG-INFO", "CLN102"),
        ("tests/extensions/dummy/dummy.egg-info/PKG-INFO", "CLN102"),
        (".DS_Store", "CLN106"),
        ("shop/views.py~", "CLN106"),
        ("shop/.views.py.swp", "CLN106"),
        ("shop/views.py.rej", "CLN106"),
        ("shop/views.py.bak", "CLN106"),
    ],
)
def test_what_programs_leave_is_told_of(path: str, code: str) -> None:
    assert flagged(path) == {code}


@pytest.mark.parametrize(
    "path",
    [
        "build/__init__.py",
        "build.py",
        "docs/build/index.rst",
        "dist/index.html",
        "distribution/shop.txt",
        ".coveragerc",
        "coverage/report.py",
        "shop/logs.py",
        "shop/logging.py",
        "CHANGELOG.log",
        "tests/data/access.log",
        "fixtures/demo.sqlite3",
        "env/settings.ini",
        "venv.md",
        "bin/activate_users.py",
        "shop/original.py",
        "shop/backup.py",
        "docs/swap.md",
        ".editorconfig",
        ".vscode/settings.json",
    ],
)
def test_what_people_write_is_spared(path: str) -> None:
    assert flagged(path) == set()


def test_a_dump_is_told_by_what_it_begins_with() -> None:
    assert flagged("shop.sql", b"-- MySQL dump 10.13\n") == {"CLN104"}
    assert flagged("shop.sql", b"SELECT 1;\n") == set()


def test_a_core_dump_is_no_module_of_that_name() -> None:
    assert flagged("core", b"\x7fELF\x02\x01") == {"CLN104"}
    assert flagged("core", b"echo core\n") == set()


def test_a_folder_of_a_program_is_told_of_once() -> None:
    files = {
        f"shop.egg-info/{name}": b"x\n" for name in ("PKG-INFO", "SOURCES.txt", "top_level.txt")
    }
    report = check(files.items(), project_of(files), Config(), [build_artifact_committed.rule])
    assert [each.path for each in report.findings] == ["shop.egg-info/PKG-INFO"]
