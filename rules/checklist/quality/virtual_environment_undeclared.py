"""Nothing says which Python and which packages this project runs with.

Everybody who sets it up guesses, and gets another environment than the one it was tested in. Declare
the version of Python, and pin the packages in a lock file.

Bad:
```text requirements.txt flagged
django
```
```python manage.py
print("start")
```
Good:
```text requirements.txt
django
```
```text .python-version
3.12
```
```python manage.py
print("start")
```
Good: the project file says it, or an image does.
```text pyproject.toml
[project]
name = "shop"
requires-python = ">=3.12"
dependencies = ["django"]
```
```python shop/__init__.py
```
Good: requirements of the documentation.
```text docs/requirements.txt
sphinx
```
```text Dockerfile
FROM python:3.12
```
```text requirements.txt
django
```
```python manage.py
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.typed_project import TypedProject
from rules.kit import CommittedFile, Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="QLT115",
    severity=Severity.NOTICE,
    checklist=("quality.virtual-environment",),
    scope="project",
    default=False,
)

_MANIFESTS = ("pyproject.toml", "requirements.txt", "setup.py", "Pipfile")
_SAYS = re.compile(
    r"(^|/)(Dockerfile[^/]{0,40}|environment\.ya?ml|uv\.lock|poetry\.lock|pdm\.lock|Pipfile\.lock|conda-lock\.yml"
    r"|flake\.nix|shell\.nix|devcontainer\.json|pixi\.toml)$"
)


@rule.on(CommittedFile)
def check(file: CommittedFile, here: Here) -> Iterator[Flag]:
    if file.path not in _MANIFESTS:
        return
    paths = here.project.paths
    first = next((each for each in _MANIFESTS if each in paths), "")
    if file.path != first or any(_SAYS.search(each) for each in paths):
        return
    if not any(each.endswith(".py") for each in paths):
        return
    typed: TypedProject = here.project.facts(TypedProject)
    if not typed.python:
        yield Flag(
            0,
            "Nothing says which Python this project runs with. Declare it in `.python-version` or as "
            "`requires-python`, and pin the packages in a lock file.",
            identity="no Python declared",
        )
