"""A log, a database or a dump is under version control.

Such files hold what people did and who they are, names, addresses and tokens among it, and
everybody with a copy of the repository keeps them. They are of one machine and one moment. Take
them out, and treat real data in them as leaked.

Bad:
```text logs/shop.log flagged
2026-03-01 12:00:00 INFO ann@example.org logged in
```
```text db.sqlite3 flagged
SQLite format 3
```
```text backup/shop.sql flagged
--
-- PostgreSQL database dump
--
```
```text celerybeat-schedule flagged
(a database)
```
Good:
```text .gitignore
*.log
db.sqlite3
celerybeat-schedule
```
Good: what tests and demonstrations start from.
```text tests/data/access.log
127.0.0.1 - - "GET / HTTP/1.1" 200
```
```text shop/fixtures/demo.sqlite3
SQLite format 3
```
```text docs/sample.log
2026-03-01 12:00:00 INFO started
```
Good: the structure of a database without its rows, and queries that people write.
```text db/structure.sql
--
-- PostgreSQL database dump
--
CREATE TABLE book (id integer);
```
```text reports/turnover.sql
SELECT sum(total) FROM shop_order;
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.artifacts import TEST_DATA
from rules.kit import CommittedFile, Flag, Here, Rule, Severity
from rules.kit.paths import name_of

rule = Rule(
    __name__,
    __doc__,
    code="CLN104",
    severity=Severity.ERROR,
    checklist=("cleanup.log-rotation", "cleanup.leftovers"),
    scope="pr",
)

_SPARED = re.compile(
    r"(?i)(^|[/._-])(schema|structure|seeds?|init|initial|initdb|demo|docs?|documentation|data"
    r"|datasets?|migrations?|licen[cs]es?|changes?|changelog|history|geoip|playground|mocks?|bench"
    r"|benchmarks?|example|sample|template|search|index|lookup|wordlists?)([/._-]|$)"
)
_LOG = re.compile(
    r"(\.log(\.\d{1,8})?|(^|/)(nohup\.out|(npm|yarn|lerna)-(debug|error)\.log))$", re.IGNORECASE
)
_DATABASE = re.compile(r"\.(sqlite3?|db3?)$|(^|/)db\.sqlite3?-(journal|wal|shm)$", re.IGNORECASE)
_SCHEDULE = re.compile(
    r"(^|/)(celerybeat-schedule(\.(db|dat|bak|dir))?|celerybeat\.pid|dump\.rdb)$"
)
_DUMP = re.compile(r"\.(sql(\.(gz|bz2|xz|zst))?|dump|pgdump|bak\.gz)$", re.IGNORECASE)
_DUMPED = re.compile(
    rb"-- (PostgreSQL database( cluster)?|MySQL|MariaDB) dump|^PGDMP|^PRAGMA foreign_keys=OFF;\s"
    rb"|-- Dump(ed)? (by|completed|from)|-- phpMyAdmin SQL Dump"
)
_PROFILE = re.compile(
    r"\.(prof|pstats|cprof|hprof|heapsnapshot|cpuprofile)$|(^|/)mprofile_\d{1,20}\.dat$"
)
_CORE = re.compile(r"(^|/)(core(\.\d{1,9})?|vgcore\.\d{1,9})$")
_SQLITE = b"SQLite format 3"
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")


@rule.on(CommittedFile)
def check(file: CommittedFile, here: Here) -> Iterator[Flag]:
    what = _what(file)
    if not what or TEST_DATA.search(file.path) or here.is_test or _SPARED.search(file.path):
        return
    message = (
        f"`{name_of(file.path)[:80]}` is {what}: it is of one machine, and what it holds of people "
        f"stays in every copy of the repository. Run `git rm --cached {file.path[-90:]}` and ignore it."
    )
    yield Flag(0, message[:300])


def _what(file: CommittedFile) -> str:
    """What kind of leftover a file is, in words; empty for any other file."""
    path, head = file.path, file.head
    if path.endswith(".py"):
        return ""
    if _LOG.search(path):
        return "a log"
    if _SCHEDULE.search(path):
        return "the state of a running service"
    if _DATABASE.search(path):
        known = not head or head.startswith(_SQLITE) or name_of(path).startswith("db.sqlite3")
        return "a database" if known else ""
    if _DUMP.search(path):
        dumped = not head or head.startswith(_PACKED) or _DUMPED.search(head)
        return "a dump of a database" if dumped else ""
    if _PROFILE.search(path):
        return "the record of a profiler"
    return "a core dump" if _CORE.search(path) and head.startswith(b"\x7fELF") else ""
