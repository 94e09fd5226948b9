"""Application code prints where the project logs.

What is printed has no level, no time, no module and no request; it cannot be switched off, and
in many deployments nobody ever sees it. The same holds for `sys.stderr.write` and
`traceback.print_exc()`. Use the logger.

Bad:
```python shop/orders.py
import logging
import traceback

from django.db import transaction

logger = logging.getLogger(__name__)


def close(order):
    try:
        with transaction.atomic():
            order.close()
    except Exception:
        traceback.print_exc()  # flagged
```
Good:
```python shop/orders.py
import logging
import traceback

from django.db import transaction

logger = logging.getLogger(__name__)


def close(order):
    try:
        with transaction.atomic():
            order.close()
    except Exception:
        logger.exception("`close` failed")
```
Bad:
```python app/mail.py
import structlog
from fastapi import FastAPI

app = FastAPI()
log = structlog.get_logger()


@app.post("/mails")
def send(mail: dict):
    print(f"sending to {mail['to']}")  # flagged
```
Good:
```python app/mail.py
import structlog
from fastapi import FastAPI

app = FastAPI()
log = structlog.get_logger()


@app.post("/mails")
def send(mail: dict):
    log.info(f"sending to {mail['to']}")
```
Bad: streams of the process.
```python shop/stock.py
import logging
import sys

from django.db import transaction

logger = logging.getLogger(__name__)


def count(book):
    print("counting", book.pk, file=sys.stderr)  # flagged
    sys.stdout.write(f"{book.count}\\n")  # flagged
```
Good: a command talks to the person who runs it.
```python shop/management/commands/clean.py
import logging

from django.core.management.base import BaseCommand

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    def handle(self, *args, **options):
        print("cleaning")
```
Good: a module that does not log, and output to a stream of one's choice.
```python shop/export.py
from django.db import connection


def export(rows, to):
    for row in rows:
        print(*row, sep=",", file=to)
    print(connection.vendor)
```
Good: a main block, and a test.
```python shop/report.py
import logging

import django

logger = logging.getLogger(__name__)

if __name__ == "__main__":
    print(django.VERSION)
```
```python tests/test_orders.py
import logging

import django

logger = logging.getLogger(__name__)


def test_order():
    print(django.VERSION)
    assert django.VERSION
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.facts.caught import handler_around
from rules.facts.console import is_application, is_run_by_hand, is_terminal_program, talks
from rules.facts.log_calls import logger_of
from rules.kit import Fix, Flag, Here, Replace, Rule, Severity, dotted, keyword

rule = Rule(
    __name__,
    __doc__,
    code="LOG101",
    severity=Severity.NOTICE,
    checklist=("logging.print",),
    fix="suggestion",
    peers=("ruff:T201", "flake8:T201"),
    yields_to=("CLN111", "LOG102"),
)

_STREAMS = frozenset({"sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"})
_TRACES = frozenset({"traceback.print_exc", "traceback.print_exception", "traceback.print_stack"})


@rule.on(cst.Call, calls=("print", "write", "print_exc", "print_exception", "print_stack"))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    what = _output(call, here)
    if not what or here.is_test or here.is_migration or is_run_by_hand(here):
        return
    name = logger_of(here)
    if not name or is_terminal_program(here) or talks(call, here) or not is_application(here):
        return
    function = here.function(call)
    place = f" in `{function.name.value}`" if function is not None else ""
    message = (
        f"`{what}`{place} writes past the log of this module, with no level, time or request to "
        f"find it by. Use `{name}`."
    )
    yield Flag(call, message, fix=_fix(call, name, here))


def _output(call: cst.Call, here: Here) -> str:
    """What the call writes with, if it writes to the console."""
    named = here.name(call.func)
    if named == "builtins.print":
        to = keyword(call, "file")
        return "print" if to is None or here.name(to) in _STREAMS else ""
    if named in _TRACES:
        is_elsewhere = keyword(call, "file") is not None
        return "" if is_elsewhere else dotted(call.func)
    owner, _, last = named.rpartition(".")
    return dotted(call.func) if last == "write" and owner in _STREAMS else ""


def _fix(call: cst.Call, name: str, here: Here) -> Fix | None:
    """Only where the log's message is plain: one value, or a failure that is handled here."""
    if not isinstance(here.parent(call), cst.Expr):
        return None
    function = here.function(call)
    if here.name(call.func) == "traceback.print_exc" and not call.args and function is not None:
        if handler_around(call, here) is None:
            return None
        return Fix((Replace(call, f'{name}.exception("`{function.name.value}` failed")'),))
    match call.args:
        case [cst.Arg(keyword=None, star="", value=cst.FormattedString() | cst.SimpleString())]:
            if here.name(call.func) != "builtins.print":
                return None
            func = cst.Attribute(cst.Name(name), cst.Name("info"))
            return Fix((Replace(call.func, func),))
        case _:
            return None
