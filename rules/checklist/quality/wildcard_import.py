"""A module imports everything that another one holds.

Nobody can tell where a name comes from, neither readers nor tools, and a name that is added over
there silently hides one here. Import the names that are used, or the module.

Bad:
```python shop/orders.py
from shop.models import *  # flagged


def total(number):
    return Order.objects.get(pk=number).total
```
Good:
```python shop/orders.py
from shop.models import Order


def total(number):
    return Order.objects.get(pk=number).total
```
Bad: two of them, and nobody knows which `join` it is.
```python shop/paths.py
from os.path import *  # flagged
from shop.text import *  # flagged

HOME = join("home", "shop")
```
Good: settings that build on others, and what a package offers.
```python shop/settings/production.py
from .base import *

DEBUG = False
```
```python shop/settings/base.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
```
```python shop/models/__init__.py
from .orders import *
from .books import *
```
Good: a module that only passes on what has moved.
```python shop/old_models.py
'''Kept for those who import it from here.'''

from shop.models import *  # noqa: F403
```
Good: settings of one machine, if there are any.
```python shop/conf.py
DEBUG = False

try:
    from local_conf import *
except ImportError:
    pass
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.settings_modules import SettingsModules
from rules.kit import Flag, Here, Rule, Severity, dotted

rule = Rule(
    __name__,
    __doc__,
    code="QLT106",
    severity=Severity.NOTICE,
    checklist=("quality.pep8", "quality.imports"),
    peers=("ruff:F403", "flake8:F403", "pylint:W0401"),
)

_LAYERED = re.compile(r"(?i)settings|(^|/|\.|_)(conf|config|local|defaults)(\.|/|_|$)")
_MEANT = frozenset(
    {"tkinter", "pylab", "manim", "ctypes", "sympy", "z3", "pyparsing", "hypothesis.strategies"}
)


@rule.on(cst.ImportFrom)
def check(node: cst.ImportFrom, here: Here) -> Iterator[Flag]:
    if node.names.__class__ is not cst.ImportStar:
        return
    module = "." * len(node.relative) + dotted(node.module)
    if here.path.endswith("__init__.py") or here.is_test or here.is_migration or module in _MEANT:
        return
    if _LAYERED.search(here.path) or _LAYERED.search(module) or _only_passes_on(here):
        return
    settings: SettingsModules = here.project.facts(SettingsModules)
    if settings.at(here.path) is None and here.around(node, cst.Try) is None:
        yield Flag(
            node,
            f"`from {module} import *` hides where names come from, and whatever is added there "
            "may hide a name here. Import what is used.",
        )


def _only_passes_on(here: Here) -> bool:
    """Whether the module holds nothing but imports and texts."""
    statements = [
        small
        for line in (here.module.body if here.module is not None else ())
        for small in (line.body if isinstance(line, cst.SimpleStatementLine) else [line])
    ]
    return all(
        isinstance(each, cst.Import | cst.ImportFrom)
        or (isinstance(each, cst.Expr) and isinstance(each.value, cst.SimpleString))
        or (isinstance(each, cst.Assign) and dotted(each.targets[0].target) == "__all__")
        for each in statements
    )
