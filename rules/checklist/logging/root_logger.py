"""A message goes to the root logger.

`logging.info(...)` names nobody as its source, so the level of one part of the program cannot be
set apart from the rest, and the first such call configures logging if nothing did before. Give
each module a logger of its own.

Bad:
```python shop/orders.py
import logging

from shop.models import Order


def close(order: Order) -> None:
    order.close()
    logging.info("closed %s", order.pk)  # flagged
```
Good:
```python shop/orders.py
import logging

from shop.models import Order


logger = logging.getLogger(__name__)


def close(order: Order) -> None:
    order.close()
    logger.info("closed %s", order.pk)
```
Bad: the module has one already.
```python shop/tasks.py
import logging

log = logging.getLogger(__name__)


def nightly(orders):
    log.info("closing %d orders", len(orders))
    for order in orders:
        try:
            order.close()
        except ValueError:
            logging.exception("not closed: %s", order.pk)  # flagged
```
Good:
```python shop/tasks.py
import logging

log = logging.getLogger(__name__)


def nightly(orders):
    log.info("closing %d orders", len(orders))
    for order in orders:
        try:
            order.close()
        except ValueError:
            log.exception("not closed: %s", order.pk)
```
Good: a script, and a module that sets logging up.
```python scripts/clean.py
import logging

logging.info("cleaning")
```
```python shop/setup_logging.py
import logging


def configure(level):
    logging.basicConfig(level=level)
    logging.info("logging at %s", level)
```
Good: a logger that happens to have the module's name.
```python shop/orders.py
from loguru import logger as logging


def close(order):
    logging.info("closed {}", order.pk)
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.facts.console import is_run_by_hand, is_terminal_program
from rules.facts.log_calls import METHODS, log_call
from rules.kit import Fix, Flag, Here, InsertBefore, Replace, Rule, Severity, dotted, find

rule = Rule(
    __name__,
    __doc__,
    code="LOG105",
    severity=Severity.NOTICE,
    checklist=("logging.configuration",),
    fix="safe",
    peers=("ruff:LOG015",),
)

_SETUP = ("basicConfig", "dictConfig", "fileConfig")
_NAME = "logger"


@rule.on(cst.Call, calls=tuple(sorted(METHODS)), words=("logging",))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if dotted(call.func).partition(".")[0] != "logging" and here.mentions(("getLogger",)):
        # An alias of the module itself is too rare to look for among all loggers.
        return
    if here.is_test or here.is_migration or is_run_by_hand(here):
        return
    logged = log_call(call, here)
    if logged is None or not logged.on_root or logged.method in ("trace", "success", "msg"):
        return
    if here.mentions(_SETUP) or is_terminal_program(here):
        return
    name = _logger_of(here)
    advice = f"Use this module's `{name}`." if name else "Give the module a logger of its own."
    message = (
        f"`logging.{logged.method}` goes to the root logger, so its lines cannot be told from "
        f"those of other modules. {advice}"
    )
    yield Flag(call, message, fix=_fix(call, name, here))


def _logger_of(here: Here) -> str:
    """The module's own logger, if it has one."""
    for line in here.module.body if here.module is not None else ():
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            match each:
                case cst.Assign(
                    targets=[cst.AssignTarget(target=cst.Name(value=name))],
                    value=cst.Call() as made,
                ) if here.name(made.func) == "logging.getLogger":
                    return name
    return ""


def _fix(call: cst.Call, name: str, here: Here) -> Fix | None:
    if not isinstance(call.func, cst.Attribute) or here.module is None:
        return None
    calling = Replace(call.func.value, cst.Name(name or _NAME))
    if name:
        bound = here.function(call)
        is_hidden = bound is not None and not _sees(name, call, here)
        return None if is_hidden else Fix((calling,), safe=True)
    first = _after_imports(here.module)
    taken = any(each.value == _NAME for each in find(here.module, cst.Name))
    if first is None or taken or dotted(call.func.value) != "logging":
        return None
    lines = (f"{_NAME} = logging.getLogger(__name__)", "", "")
    return Fix((calling, InsertBefore(first, lines)), safe=True)


def _sees(name: str, call: cst.Call, here: Here) -> bool:
    """Whether the name means the module's where the call stands."""
    function = here.function(call)
    while function is not None:
        params = function.params
        own = [*params.params, *params.kwonly_params, *params.posonly_params]
        bound = {each.name.value for each in own}
        for each in find(function.body, cst.AssignTarget):
            bound.add(dotted(each.target))
        if name in bound:
            return False
        function = here.function(function)
    return True


def _after_imports(module: cst.Module) -> cst.CSTNode | None:
    """The first function or class after all imports at the top of the module."""
    found: cst.CSTNode | None = None
    for each in module.body:
        if isinstance(each, cst.SimpleStatementLine):
            if any(isinstance(one, cst.Import | cst.ImportFrom) for one in each.body):
                found = None
        elif isinstance(each, cst.FunctionDef | cst.ClassDef) and found is None:
            found = each
    return found
