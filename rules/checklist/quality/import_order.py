"""Imports of the standard library, of packages and of the project are mixed.

In one order, a reader sees at a glance what a module depends on, and two changes that add an
import do not collide. The standard library comes first, then packages, then the project's own.

Bad:
```python shop/orders.py
import os
from django.db import transaction  # flagged
import json
from shop.models import Order


def load(path):
    with transaction.atomic():
        return Order(json.loads(os.fspath(path)))
```
```python shop/models.py
class Order:
    pass
```
Good:
```python shop/orders.py
import os
import json

from django.db import transaction

from shop.models import Order


def load(path):
    with transaction.atomic():
        return Order(json.loads(os.fspath(path)))
```
```python shop/models.py
class Order:
    pass
```
Bad:
```python shop/books.py
from .models import Order  # flagged
import json
```
Good:
```python shop/books.py
import json

from .models import Order
```
Good: groups in their order, blank lines or not.
```python shop/orders.py
from __future__ import annotations

import json
import os
import django
from shop.models import Order
from . import books
```
```python shop/models.py
class Order:
    pass
```
Good: something has to happen in between.
```python shop/run.py
import django

django.setup()

import os
```
"""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Self

import libcst as cst

from rules.facts.python_modules import Modules
from rules.kit import Fix, Flag, Here, Project, PythonFile, Replace, Rule, Severity, dotted
from rules.kit.edits import Delete, Edit

rule = Rule(
    __name__,
    __doc__,
    code="QLT107",
    severity=Severity.NOTICE,
    checklist=("quality.pep8", "quality.imports"),
    fix="safe",
    default=False,
    peers=("ruff:I001", "pylint:C0411", "flake8:I001"),
)

_IMPORTS = frozenset({cst.Import, cst.ImportFrom})
_KINDS = ("`__future__`", "the standard library", "packages", "the project")
_PLAIN = re.compile(r"^[^\n#;]*$")


@rule.on(PythonFile, words=("import",))
def check(file: PythonFile, here: Here) -> Iterator[Flag]:
    if here.is_migration:
        return
    block = _block(file.module)
    kinds = [_kind(each, here) for each in block]
    for line, kind, lower in zip(block, kinds, _lowest_from(kinds), strict=True):
        if lower < kind:
            yield Flag(
                line,
                f"Imports of {_KINDS[kind]} stand before those of {_KINDS[lower]}: readers look "
                "for the standard library first, then packages, then the project.",
                fix=_fix(block, kinds, here),
            )
            return


def _lowest_from(kinds: Sequence[int]) -> list[int]:
    """For each, the lowest of it and those behind it."""
    return [*accumulate(reversed(kinds), min)][::-1]


def _block(module: cst.Module) -> list[cst.SimpleStatementLine]:
    """The first unbroken run of imports at the top of the module."""
    found: list[cst.SimpleStatementLine] = []
    for each in module.body:
        if isinstance(each, cst.SimpleStatementLine) and _IMPORTS.issuperset(map(type, each.body)):
            found.append(each)
        elif found:
            break
    return found


def _kind(line: cst.SimpleStatementLine, here: Here) -> int:
    node = line.body[0]
    if isinstance(node, cst.ImportFrom):
        if node.relative:
            return 3
        name = dotted(node.module)
    else:
        name = dotted(node.names[0].name) if isinstance(node, cst.Import) else ""
    head = name.partition(".")[0]
    if head == "__future__":
        return 0
    if head in sys.stdlib_module_names:
        return 1
    modules: Modules = here.project.facts(Modules)
    own = head in modules.path_of or head == here.module_name.partition(".")[0]
    folders: _OwnFolders = here.project.facts(_OwnFolders)
    return 3 if own or head in folders.names else 2


@dataclass(frozen=True)
class _OwnFolders:
    """Folders at the top of the project, packages without an `__init__` among them."""

    names: frozenset[str]

    @classmethod
    def gather(cls, project: Project) -> Self:
        found = set()
        for path in project.paths:
            if path.endswith(".py"):
                first, _, rest = path.removeprefix("src/").partition("/")
                if rest:
                    found.add(first)
        return cls(frozenset(found))


def _fix(block: Sequence[cst.SimpleStatementLine], kinds: Sequence[int], here: Here) -> Fix | None:
    """The same lines by group; none where comments belong to single lines."""
    texts = [here.source(each) for each in block]
    if any(not _PLAIN.match(text) and "(" not in text for text in texts):
        return None
    if any("#" in text or ";" in text for text in texts):
        return None
    ordered: list[str] = []
    for kind in sorted(set(kinds)):
        group = [text for text, own in zip(texts, kinds, strict=True) if own == kind]
        ordered.append("\n".join(group))
    edits: list[Edit] = [Replace(block[0], "\n\n".join(ordered))]
    edits += [Delete(each) for each in block[1:]]
    return Fix(tuple(edits), safe=True)
