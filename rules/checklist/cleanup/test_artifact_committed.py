"""What a run of the tests or linters leaves behind is under version control.

Coverage data, reports and caches change with every run and hold the paths of one machine. They
fill diffs and conflict with each other, and a cache that is older than the code misleads tools.

Bad:
```text .coverage flagged
(a database)
```
```text htmlcov/index.html flagged
<html></html>
```
```text htmlcov/style.css
body {}
```
```text .mypy_cache/3.12/shop.meta.json flagged
{}
```
```text reports/junit.xml flagged
<testsuites></testsuites>
```
Good:
```text .gitignore
.coverage
htmlcov/
.mypy_cache/
reports/
```
Good: configuration, and reports that the tests read.
```text .coveragerc
[run]
branch = true
```
```text tests/fixtures/coverage.xml
<coverage></coverage>
```
```text coverage/xml.py
def write(report):
    return report
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.artifacts import TEST_DATA, ArtifactFolders, artifact_folder
from rules.kit import CommittedFile, Flag, Here, Rule, Severity
from rules.kit.paths import name_of

rule = Rule(
    __name__,
    __doc__,
    code="CLN103",
    severity=Severity.WARNING,
    checklist=("cleanup.test-artifacts",),
    scope="pr",
)

_FOLDER = re.compile(
    r"(^|/)(htmlcov|\.(pytest_cache|mypy_cache|ruff_cache|pytype|hypothesis|tox|nox|nyc_output"
    r"|benchmarks)|playwright-report|test-results)$"
)
_FILE = re.compile(
    r"(^|/)(\.coverage|\.coverage\.[\w-]{1,80}\.\d{1,9}\.\w{1,20}|coverage\.(xml|lcov)|lcov\.info"
    r"|\.testmondata|\.dmypy\.json|nosetests\.xml|(junit|test-?results?|pytest)[\w-]{0,30}\.xml)$"
)


@rule.on(CommittedFile)
def check(file: CommittedFile, here: Here) -> Iterator[Flag]:
    folder = artifact_folder(file.path)
    if file.path.endswith(".py") and not folder:
        return
    if TEST_DATA.search(folder or file.path):
        return
    if folder and _FOLDER.search(folder):
        folders: ArtifactFolders = here.project.facts(ArtifactFolders)
        if folders.is_first(file.path):
            yield _flag(folder, f"{name_of(folder)}/", f"git rm -r --cached {folder}")
    elif _FILE.search(file.path):
        yield _flag(file.path, name_of(file.path), f"git rm --cached {file.path}")


def _flag(path: str, ignored: str, untrack: str) -> Flag:
    message = (
        f"`{path[-80:]}` is left behind by a run of the tests or linters, and is another after the "
        f"next. Untrack it with `{untrack[:90]}` and add `{ignored}` to `.gitignore`."
    )
    return Flag(0, message[:300])
