"""A file of somebody's editor or operating system is under version control.

Swap files, backups, rejected hunks, `.DS_Store` and the workspace of an editor say nothing to
anybody else, and come again with every commit of that person. Untrack them, and ignore them in
your own `~/.config/git/ignore`, which serves every repository.

Bad:
```text .DS_Store flagged
(a database)
```
```text shop/.views.py.swp flagged
(an editor's notes)
```
```text shop/models.py.orig flagged
class Book: pass
```
```text .idea/workspace.xml flagged
<project></project>
```
Good:
```text .gitignore
.DS_Store
*.swp
*.orig
.idea/
```
Before:
```python shop/models.py
class Book: ...
```
Bad: settings of an editor come in for the first time.
```text .idea/misc.xml flagged
<project></project>
```
```text .idea/modules.xml
<project></project>
```
```python shop/models.py
class Book: ...
```
Before:
```text .idea/misc.xml
<project></project>
```
Good: the repository shares them already.
```text .idea/misc.xml
<project></project>
```
```text .idea/modules.xml
<project></project>
```
Before:
```python shop/models.py
class Book: ...
```
Good: settings that a team shares, and names that only sound so.
```text .vscode/extensions.json
{"recommendations": ["ms-python.python"]}
```
```text .editorconfig
root = true
```
```text docs/swp.md
What a swap file is.
```
```python shop/models.py
class Book: ...
```
Good: files that tests read.
```text tests/fixtures/.DS_Store
(a database)
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.artifacts import TEST_DATA
from rules.kit import Change, CommittedFile, Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="CLN106",
    severity=Severity.NOTICE,
    checklist=("cleanup.leftovers",),
    scope="pr",
)

_LEFT = re.compile(
    r"(^|/)(\.DS_Store|Thumbs\.db|ehthumbs\.db|[Dd]esktop\.ini|\._[^/]{1,200}"
    r"|\.[^/]{1,200}\.sw[a-p]|[^/]{1,200}(~|\.orig|\.rej)|\.?\#[^/]{1,200}\#?"
    r"|[^/]{1,200}\.bak|[^/]{1,200}\.(py|pyi|html|js|ts|css|ya?ml|toml|txt|md|cfg|ini|json|sh|conf)\.(old|save)"
    r"|[^/]{1,200}\.sublime-workspace|\.spyderproject|\.ropeproject/[^/]{1,200}"
    r"|\.idea/(workspace|tasks|usage\.statistics|dictionaries/[^/]{1,200}|dataSources\.local)\.xml"
    r"|\.idea/shelf/[^/]{1,200}|\.vs/[^/]{1,200}/\.suo|\.history/[^/]{1,200})$"
)
# Most files are cleared by their end, without a look at the pattern.
_ENDS = (
    "~", "#", ".orig", ".rej", ".bak", ".old", ".save", ".sublime-workspace", "humbs.db", "esktop.ini",
)  # fmt: skip
_EDITORS = (".idea/", ".vs/", ".settings/", "nbproject/")


@rule.on(CommittedFile)
def check(file: CommittedFile, here: Here) -> Iterator[Flag]:
    name = file.path.rpartition("/")[2]
    if not (name.endswith(_ENDS) or name.startswith((".", "#")) or "/." in f"/{file.path}"):
        return
    if not _LEFT.search(file.path) or TEST_DATA.search(file.path) or name.endswith("#.md"):
        return
    message = (
        f"`{name[:80]}` belongs to somebody's editor or system, not to the project. "
        f"Untrack it with `git rm --cached {file.path[-90:]}`."
    )
    yield Flag(0, message[:300])


@rule.on(Change)
def check_change(change: Change, here: Here) -> Iterator[Flag]:
    for folder in _EDITORS:
        new = sorted(
            each.path
            for each in change.files
            if each.status == "added" and each.path.startswith(folder)
        )
        personal = any(_LEFT.search(each) for each in new)
        if not new or personal or any(each.startswith(folder) for each in change.before.paths):
            continue
        message = (
            f"`{folder}` is the setting-up of one editor, and new to this repository. Unless all are "
            f"to share it, untrack it with `git rm -r --cached {folder}`."
        )
        yield Flag(0, message, path=new[0], identity=folder)
