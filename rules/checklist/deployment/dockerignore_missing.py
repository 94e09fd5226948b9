"""Everything in the folder is copied into the image: history, secrets and virtual environment too.

`COPY . .` takes what `.dockerignore` does not leave out. The `.git` folder holds every secret
that was ever committed, `.env` the ones of the developer who builds, and all of it makes the
image large and every build slow.

Bad:
```dockerfile Dockerfile
FROM python:3.12-slim
COPY . /app  # flagged
```
Good:
```dockerfile Dockerfile
FROM python:3.12-slim
COPY . /app
```
```text .dockerignore
.git
.env*
.venv
```
Bad: one that leaves the worst in.
```dockerfile Dockerfile
FROM python:3.12-slim
COPY . /app
```
```text .dockerignore
*.pyc
node_modules  # flagged
```
Good:
```dockerfile Dockerfile
FROM python:3.12-slim
COPY . /app
```
```text .dockerignore
*.pyc
node_modules
.git
.env
```
Good: single folders, stages that are left behind, and a list of what may go in.
```dockerfile Dockerfile
FROM python:3.12-slim
COPY shop requirements.txt /app/
```
```dockerfile deploy/Dockerfile
FROM python:3.12-slim
COPY . /app
```
```text deploy/Dockerfile.dockerignore
*
!shop
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.facts.operations import is_for_development
from rules.kit import Dockerfile, Fix, Flag, Here, ReplaceLines, Rule, Severity, TextFile
from rules.kit.dockerfile import FILES

rule = Rule(
    __name__,
    __doc__,
    code="DEP108",
    severity=Severity.NOTICE,
    checklist=("deploy.docker",),
    scope="project",
    fix="suggestion",
    files=(*FILES, ".dockerignore", "*/.dockerignore", "*.dockerignore"),
)

_WHOLE = frozenset({".", "./"})
_ALL = frozenset({"*", "**", "**/*", "/*", "./*"})


@rule.on(Dockerfile)
def check_image(docker: Dockerfile, here: Here) -> Iterator[Flag]:
    if is_for_development(docker.path) or not docker.stages:
        return
    folder = docker.path.rpartition("/")[0]
    beside = f"{folder}/.dockerignore" if folder else ".dockerignore"
    if {".dockerignore", beside, f"{docker.path}.dockerignore"} & here.project.paths:
        return
    for stage in docker.chain(docker.stages[-1]):
        for each in stage.of("COPY", "ADD"):
            if "from" not in each.flags and _WHOLE & set(each.words[:-1]):
                message = (
                    f"`{each.keyword} {each.value}` takes the whole folder, and no `.dockerignore` leaves "
                    "`.git`, `.env` and virtual environments out of the image; add one."
                )
                yield Flag(each.line, message, identity="no .dockerignore")
                return


@rule.on(TextFile)
def check_list(file: TextFile, here: Here) -> Iterator[Flag]:
    if not file.path.endswith(".dockerignore") or file.path.endswith("/.dockerignore"):
        return
    rows = [line.strip() for line in file.lines]
    said = {row.strip("/").removeprefix("**/") for row in rows if row and row[0] not in "#!"}
    if said & {each.strip("/") for each in _ALL} or not said:
        return
    lacks = (
        []
        if any(each.startswith(".git") for each in said - {".github", ".gitignore"})
        else [".git"]
    )
    if not any(each.startswith((".env", "*.env")) or each in (".*", "**/.*") for each in said):
        lacks.append(".env")
    if any(each in (".*", "**/.*") for each in said) or len(lacks) < _MOST:
        return
    last = max(number for number, row in enumerate(rows, start=1) if row)
    message = (
        f"This list leaves {' and '.join(f'`{each}`' for each in lacks)} in: with `COPY .` they become "
        "part of the image. Add them."
    )
    fix = Fix((ReplaceLines(last, last, (file.lines[last - 1], *lacks)),))
    yield Flag(last, message, fix=fix, identity=" ".join(lacks))


_MOST = 2
