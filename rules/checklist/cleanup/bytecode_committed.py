"""Compiled Python is under version control.

Python writes these files itself, for one interpreter on one machine. In the repository they
change with every run, hide what the source says and may be imported in place of a module
that was deleted. Take them out with `git rm --cached` and name them in `.gitignore`.

Bad:
```text shop/__pycache__/views.cpython-311.pyc flagged
(bytecode)
```
```python shop/views.py
def index(request):
    return None
```
Bad: next to its source, as Python 2 did.
```text shop/models.pyc flagged
(bytecode)
```
Good:
```text .gitignore
__pycache__/
*.py[cod]
```
```python shop/views.py
def index(request):
    return None
```
Good: bytecode that a test reads on purpose.
```text tests/data/truncated.pyc
(bytecode)
```
Good: only the name is alike.
```text docs/pycache.md
How Python caches bytecode.
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import dirname

from rules.kit import CommittedFile, Flag, Here, Rule, Severity
from rules.kit.paths import name_of

rule = Rule(
    __name__,
    __doc__,
    code="CLN101",
    severity=Severity.ERROR,
    checklist=("cleanup.bytecode",),
    scope="pr",
)

_SUFFIXES = (".pyc", ".pyo", ".pyd", "$py.class")
_TEST_DATA = re.compile(
    r"(^|/)(tests?|testing|[\w-]*fixtures?|test_?data|samples?|corpus|cassettes)/"
)
_CACHED = re.compile(r"^(?P<stem>.+?)\.(?:cpython|pypy|graalpy|jython)[\w.-]{0,40}\.py[co]$")


@rule.on(CommittedFile)
def check(file: CommittedFile, here: Here) -> Iterator[Flag]:
    if not file.path.endswith(_SUFFIXES):
        return
    source = _source_of(file.path)
    if _TEST_DATA.search(file.path) and source not in here.project.paths:
        return
    folder, ignored = dirname(file.path), "*.py[cod]"
    untrack = f"git rm --cached {file.path}"
    if name_of(folder) == "__pycache__":
        ignored, untrack = "__pycache__/", f"git rm -r --cached {folder}"
    message = (
        f"`{name_of(file.path)}` is bytecode that Python writes itself. "
        f"Untrack it with `{untrack}` and add `{ignored}` to `.gitignore`."
    )
    if file.path.endswith(".pyd"):
        message = (
            f"`{name_of(file.path)}` is a compiled extension for one Windows interpreter. Untrack "
            f"it with `git rm --cached {file.path}`, ignore `*.pyd`, and build it at installation."
        )
    yield Flag(0, message[:300])


def _source_of(path: str) -> str:
    """The module that a bytecode file was compiled from, as its name tells."""
    folder, name = dirname(path), name_of(path)
    cached = _CACHED.match(name)
    stem = cached["stem"] if cached else name.rpartition(".")[0].removesuffix("$py")
    if name_of(folder) == "__pycache__":
        folder = dirname(folder)
    return f"{folder}/{stem}.py" if folder else f"{stem}.py"
