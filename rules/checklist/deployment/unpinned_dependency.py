"""An application is deployed with whatever release of its dependencies is out that day.

What was tested is not what is deployed, a new major release breaks the build on a Friday, and
nobody can say afterwards what ran. Pin what is deployed: a lock file, or `pip-compile`.

Bad:
```text requirements.txt
django  # flagged
requests>=2.0
psycopg==3.2.3
```
```python manage.py
import django
```
Good:
```text requirements.txt
django==5.2.3
requests~=2.32.3
psycopg==3.2.3
```
```python manage.py
import django
```
Good: locked elsewhere, and lists for development.
```text requirements.txt
django
```
```text requirements-dev.txt
pytest
```
```toml uv.lock
version = 1
```
```python manage.py
import django
```
Good: a library leaves the choice to those who use it.
```text requirements.txt
requests>=2.0
```
```toml pyproject.toml
[project]
name = "shop-client"
version = "1.0"
```
Good: what a compiled list is made of, constraints, and other sources that name a commit.
```text requirements.in
django
```
```text requirements.txt
django==5.2.3
shop @ git+https://example.com/shop.git@4f1c9a7e2b6d8305c1e94a7f60d2b8e35a9c7f14
```
```text functest_requirements.txt
pytest<10
```
```text docs/requirements.txt
sphinx
```
```python manage.py
import django
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.operations import is_for_development
from rules.kit import DataFile, Flag, Here, Rule, Severity, Value
from rules.kit.paths import name_of

rule = Rule(
    __name__,
    __doc__,
    code="DEP101",
    severity=Severity.WARNING,
    checklist=("deploy.pinned",),
    scope="file",
    files=("*requirements*.txt", "requirements/*.txt", "*/requirements/*.txt"),
)

_LOCKS = frozenset(
    {"poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "conda-lock.yml"}
)
_APPLICATION = re.compile(
    r"(^|/)(manage\.py|wsgi\.py|asgi\.py|Procfile|Dockerfile|app\.py|main\.py|application\.py|serverless\.yml|app\.yaml|fly\.toml)$"
)
_LIBRARY = re.compile(r"^(setup\.py|setup\.cfg|pyproject\.toml)$")
_EXACT = re.compile(r"===?|~=")
_OTHER = re.compile(
    r"(?i)(^|[/._-])(dev|develop\w*|[a-z]{0,20}tests?|testing|docs?|lint|ci|typing|local|optional|extras?|ipython|jupyter|notebooks?|build|examples?|tools?|constraints?|min|lowest)([/._-]|$)"
)


@rule.on(DataFile)
def check(file: DataFile, here: Here) -> Iterator[Flag]:
    if file.kind != "requirements" or _OTHER.search(file.path) or is_for_development(file.path):
        return
    rows = list(file.documents[0].items.values()) if file.documents else []
    loose = [each for each in rows if _is_loose(each)]
    if not loose or _is_constrained(rows) or not _is_deployed(file.path, here):
        return
    names = ", ".join(f"`{each.data['name']}`" for each in loose[:3])
    more = f" and {len(loose) - 3} more" if len(loose) > 3 else ""
    message = (
        f"{names}{more} come in whatever release is out when the application is built: what was tested "
        "is not what is deployed. Pin them, or commit a lock file."
    )
    yield Flag(loose[0].line, message, identity="unpinned")


def _is_loose(row: Value) -> bool:
    told = row.data
    if not isinstance(told, dict) or "specifier" not in told or not told.get("name"):
        return False
    return not told.get("url") and not told.get("hashes") and not _EXACT.search(told["specifier"])


def _is_constrained(rows: list[Value]) -> bool:
    """Whether a list of constraints says the releases, or every row has its hash."""
    return any(isinstance(r.data, dict) and r.data.get("option") == "constraint" for r in rows)


def _is_deployed(path: str, here: Here) -> bool:
    """Whether the file belongs to an application that has no lock."""
    folder = path.rpartition("/")[0]
    top = folder.rpartition("/")[0] if folder.endswith("requirements") else folder
    if any(name_of(each) in _LOCKS for each in here.project.paths):
        return False
    if f"{path.removesuffix('.txt')}.lock" in here.project.paths:
        return False
    application = any(
        _APPLICATION.search(each) and each.startswith(f"{top}/" if top else "")
        for each in here.project.paths
    )
    library = not top and any(_LIBRARY.match(each) for each in here.project.paths)
    manages = any(name_of(e) in ("manage.py", "Dockerfile", "Procfile") for e in here.project.paths)
    return application and (manages or not library)
