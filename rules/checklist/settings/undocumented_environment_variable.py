"""The change reads a variable that the example of the environment does not name.

Whoever sets up the application copies the example file. A variable that is missing there is
found by an error, or not at all where it has a default. Add a line for it in the same change.

Before:
```python shop/settings.py
import os

DATABASE_URL = os.environ["DATABASE_URL"]
```
```text .env.example
DATABASE_URL=
PAGE_SIZE=50
```
Bad:
```python shop/settings.py
import os

DATABASE_URL = os.environ["DATABASE_URL"]
CARRIER_URL = os.environ["CARRIER_URL"]  # flagged
```
```text .env.example
DATABASE_URL=
PAGE_SIZE=50
```
Before:
```python shop/settings.py
import os

DATABASE_URL = os.environ["DATABASE_URL"]
```
```text .env.example
DATABASE_URL=
```
Bad: the example is a part of the change, so it is said there.
```python shop/settings.py
import os

DATABASE_URL = os.environ["DATABASE_URL"]
PAGE_SIZE = int(os.environ.get("PAGE_SIZE", "50"))
CARRIER_URL = os.environ["CARRIER_URL"]
```
```text .env.example
DATABASE_URL=
PAGE_SIZE=50  # flagged
```
Good:
```python shop/settings.py
import os

DATABASE_URL = os.environ["DATABASE_URL"]
PAGE_SIZE = int(os.environ.get("PAGE_SIZE", "50"))
CARRIER_URL = os.environ["CARRIER_URL"]
```
```text .env.example
DATABASE_URL=
PAGE_SIZE=50
CARRIER_URL=
```
Before:
```python app/config.py
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    database_url: str
```
```text env.sample
DATABASE_URL=postgresql://localhost/shop
```
Bad: fields of pydantic settings are variables too.
```python app/config.py
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    database_url: str
    carrier_url: str  # flagged
```
```text env.sample
DATABASE_URL=postgresql://localhost/shop
```
Before:
```python shop/settings.py
import os
```
```text .env.example
# CARRIER_URL=https://carrier.example.org
PAGE_SIZE=50
```
```text README.md
Set `STOCK_URL` to the address of the warehouse.
```
Good: named in a comment of the example or in the documents, given by the platform, or read before.
```python shop/settings.py
import os

CARRIER_URL = os.environ.get("CARRIER_URL")
STOCK_URL = os.environ.get("STOCK_URL")
CI = os.environ.get("CI")
HOME = os.environ["HOME"]
```
```text .env.example
# CARRIER_URL=https://carrier.example.org
PAGE_SIZE=50
```
```text README.md
Set `STOCK_URL` to the address of the warehouse.
```
Before:
```python shop/settings.py
import os
```
Good: a project without an example.
```python shop/settings.py
import os

CARRIER_URL = os.environ["CARRIER_URL"]
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.facts.environment import EnvironmentRead
from rules.facts.example_variables import ExampleVariables
from rules.facts.platform_variables import is_of_platform
from rules.facts.python_modules import module_name
from rules.kit import Change, FileChange, Flag, Here, Project, Rule, Severity
from rules.kit.paths import is_migration, is_script, is_test
from rules.kit.positions import positions

rule = Rule(
    __name__,
    __doc__,
    code="SET111",
    severity=Severity.NOTICE,
    checklist=("deploy.environment-variables",),
    scope="project",
)


@rule.on(EnvironmentRead)
def wait(_read: EnvironmentRead, _here: Here) -> Iterator[Flag]:
    """A change brings the trees of those files only that some rule waits for."""
    yield from ()


@rule.on(Change)
def check(change: Change, _here: Here) -> Iterator[Flag]:
    documented: ExampleVariables = change.after.facts(ExampleVariables)
    if not documented.examples:
        return
    told: set[str] = set()
    for each in change.files:
        if each.after is None or not _is_of_interest(each):
            continue
        before, after = change.trees.get(each.path, (None, None))
        example = documented.example_for(each.path)
        if after is None or example is None:
            continue
        known = {one.variable for one in _reads(each.old_path, before, change.before)}
        for read in _reads(each.path, after, change.after):
            name = read.variable
            if name in known or name in told or name in documented.anywhere:
                continue
            told.add(name)
            yield _flag(read, each.path, after, example, change)


def _is_of_interest(each: FileChange) -> bool:
    words = (b"environ", b"getenv", b"env", b"BaseSettings", b"decouple")
    spared = is_test(each.path) or is_script(each.path) or is_migration(each.path)
    return (
        each.path.endswith(".py")
        and not spared
        and any(word in (each.after or b"") for word in words)
    )


def _reads(path: str, module: cst.Module | None, project: Project) -> Iterator[EnvironmentRead]:
    if module is None:
        return
    here = Here(path, project, module, module_name(path, project.paths))
    for each in EnvironmentRead.found_in(module, here):
        if each.variable.isupper() and not is_of_platform(each.variable):
            yield each


def _flag(
    read: EnvironmentRead, path: str, module: cst.Module, example: str, change: Change
) -> Flag:
    """At the end of the example, where the change holds it; else where it is read."""
    name = read.variable
    message = (
        f"`{name}` is new in `{path}`, but `{example}` does not name it: who sets up the "
        f"application will miss it. Add `{name}=` there."
    )
    identity = f"variable {name}"
    file = next((each for each in change.files if each.path == example and each.added), None)
    if file is None or file.after is None:
        line = positions(module, [read.node])[id(read.node)].line
        return Flag(line, message, path=path, identity=identity)
    lines = file.after.decode("utf-8", "replace").splitlines()
    last = max((number for number, each in enumerate(lines, 1) if each.strip()), default=1)
    return Flag(last, message, path=example, identity=identity)
