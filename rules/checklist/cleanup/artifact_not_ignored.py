"""What this project's tools make is not ignored.

As long as `.gitignore` does not name bytecode, coverage data, the database of a developer or
`.env`, the next `git add .` commits them. Name them once, and nobody has to look.

Bad:
```python shop/views.py
def index(request): ...
```
```text .coveragerc
[run]
branch = true
```
```text .gitignore
*.swp
/media/  # flagged
```
Good:
```python shop/views.py
def index(request): ...
```
```text .coveragerc
[run]
branch = true
```
```text .gitignore
*.swp
/media/
__pycache__/
.coverage
```
Good: covered by wider patterns.
```python shop/views.py
def index(request): ...
```
```text .gitignore
*.py[cod]
.env*
```
```text .env.example
SECRET_KEY=
```
Good: everything is ignored but what is named.
```python shop/views.py
def index(request): ...
```
```text .gitignore
*
!shop/
!shop/*.py
```
Good: the list of a folder, and a project without such tools.
```text docs/.gitignore
_build/
```
```text .gitignore
*.aux
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.facts.ignored import Artifacts, covers
from rules.kit import Fix, Flag, Here, ReplaceLines, Rule, Severity, TextFile

rule = Rule(
    __name__,
    __doc__,
    code="CLN110",
    severity=Severity.NOTICE,
    checklist=("cleanup.bytecode", "cleanup.build", "cleanup.test-artifacts"),
    scope="project",
    fix="suggestion",
    files=(".gitignore",),
)


@rule.on(TextFile)
def check(file: TextFile, here: Here) -> Iterator[Flag]:
    if file.path != ".gitignore":
        return
    known: Artifacts = here.project.facts(Artifacts)
    missing = [each for each in known.made if not covers(file.text, each.example)]
    if not missing:
        return
    lines = file.lines
    last = max((at for at, line in enumerate(lines, start=1) if line.strip()), default=1)
    named = ", ".join(f"`{each.line}`" for each in missing)
    makers = " and ".join(dict.fromkeys(each.maker for each in missing))
    message = (
        f"This list leaves in what {makers} makes here: {named}. The next `git add .` takes it into "
        "the repository. Add the missing lines."
    )
    added = tuple(each.line for each in missing)
    fix = Fix((ReplaceLines(last, last, (lines[last - 1], *added)),))
    yield Flag(last, message, fix=fix, identity=named)
