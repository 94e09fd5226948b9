"""A virtual environment is under version control.

It holds thousands of files of other people, compiled for one machine, with paths that exist on
that machine alone. Nobody reviews what is changed in there, and vulnerable versions stay for
good. Untrack it, ignore it, and let `requirements.txt` or a lock file say what belongs into it.

Bad:
```text venv/pyvenv.cfg flagged
home = /usr/bin
version = 3.12.3
```
```text venv/lib/python3.12/site-packages/django/__init__.py
VERSION = (5, 0)
```
Good:
```text .gitignore
venv/
```
```text requirements.txt
django==5.0
```
Bad: the marker was left out, the rest was not.
```text env/bin/activate flagged
VIRTUAL_ENV=/home/ann/shop/env
```
```text env/lib/python3.12/site-packages/six.py
```
Good: a folder of that name that holds something else.
```text env/production.ini
[shop]
debug = false
```
```text venv/README.md
Create the environment here.
```
Good: environments that tests look at.
```text tests/data/venv/pyvenv.cfg
home = /usr/bin
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import dirname

from rules.facts.artifacts import TEST_DATA
from rules.kit import CommittedFile, Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="CLN105",
    severity=Severity.ERROR,
    checklist=("quality.virtual-environment", "cleanup.virtualenv"),
    scope="pr",
)

_SCRIPT = re.compile(r"(^|/)(bin/activate|Scripts/activate\.bat)$")
_INSIDE = re.compile(r"(^|/)(\.tox|\.nox|node_modules|site-packages)/")


@rule.on(CommittedFile)
def check(file: CommittedFile, here: Here) -> Iterator[Flag]:
    folder = _environment(file.path, here)
    if not folder or TEST_DATA.search(file.path) or _INSIDE.search(file.path):
        return
    message = (
        f"`{folder[-80:]}` is a virtual environment: other people's files, made for one machine. Untrack "
        f"it with `git rm -r --cached {folder[-80:]}` and add it to `.gitignore`."
    )
    yield Flag(0, message[:300])


def _environment(path: str, here: Here) -> str:
    """The folder of the environment that this file is the mark of."""
    if path.endswith("/pyvenv.cfg"):
        return dirname(path)
    if not path.endswith(("activate", ".bat")) or not _SCRIPT.search(path):
        return ""
    folder = dirname(dirname(path))
    return folder if f"{folder}/pyvenv.cfg" not in here.project.paths else ""
