"""A message is logged at a level that does not fit it.

Levels decide who reads a line, and when: a failure at `debug` or `info` is seen by nobody, and
routine at `error` wakes people until they stop looking. `warn` is an old name that Python 3.13
has deprecated everywhere: it is `warning`.

Bad:
```python
import logging

logger = logging.getLogger(__name__)


def deliver(message):
    try:
        message.send()
    except Exception as error:
        logger.info("delivery failed: %s", error)  # flagged
    if message.is_late:
        logger.warn("late")  # flagged
```
Good:
```python
import logging

logger = logging.getLogger(__name__)


def deliver(message):
    try:
        message.send()
    except Exception as error:
        logger.exception("delivery failed: %s", error)
    if message.is_late:
        logger.warning("late")
```
Bad:
```python
from loguru import logger


def import_books(rows):
    logger.error("Import started")  # flagged
    for row in rows:
        row.save()
    logger.error(f"successfully imported {len(rows)} books")  # flagged
```
Good:
```python
from loguru import logger


def import_books(rows):
    logger.info("Import started")
    for row in rows:
        row.save()
    logger.info(f"successfully imported {len(rows)} books")
```
Good: a failure that was expected, or that is told elsewhere too.
```python
import logging

logger = logging.getLogger(__name__)


def read(path, fallback):
    try:
        return path.read_text()
    except FileNotFoundError:
        logger.debug("no %s, so the default", path)
    try:
        return fallback()
    except Exception:
        logger.info("the fallback failed")
        raise
    try:
        return path.stat()
    except Exception:
        logger.info("no details of %s", path, exc_info=True)
```
Good: these do tell of failures.
```python
import logging

logger = logging.getLogger(__name__)


def stop(service, count):
    logger.error("Started service cannot be stopped")
    logger.error("Completed with %d errors", count)
```
Good: other things that can warn.
```python
import warnings


def old(messages, request):
    warnings.warn("old", DeprecationWarning, stacklevel=2)
    messages.error(request, "Import finished")
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.caught import handler_around, is_broad, uses, variable
from rules.facts.leaked_errors import last_of
from rules.facts.log_calls import FAILING, LogCall, carries_traceback, log_call, log_calls, reports
from rules.kit import Fix, Flag, Here, Replace, Rule, Severity, find, string

rule = Rule(
    __name__,
    __doc__,
    code="LOG106",
    severity=Severity.NOTICE,
    checklist=("logging.levels",),
    fix="suggestion",
    peers=("ruff:G010", "pylint:W1505"),
)

_QUIET = ("debug", "info", "adebug", "ainfo")
_FAILURE = re.compile(r"(?i)fail|error|exception|unable|could\s?n.t|could not|cannot|can.t|crash")
_ROUTINE = re.compile(
    r"(?i)^\W*(\w+ ){0,3}(start(ed|ing)|finished|completed|succe(ss|eded|ssful(ly)?)|done)\b"
)
_TROUBLE = re.compile(
    r"(?i)fail|error|exception|unable|n.t\b|not\b|cannot|without|invalid|missing|unexpected|before"
    r"|after|already|but|no\b|never|while|timed? ?out|bad|wrong|refus|reject|stuck|lost|twice|with"
    r"|when|if\b|problem|issue|warn|unknown|denied|abort|cancel|un\w+|too\b|only|should|must|again"
)


@rule.on(cst.Call, calls=("warn", *_QUIET, *sorted(FAILING)))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    name = last_of(call)
    handler = handler_around(call, here) if name in _QUIET else None
    if (
        here.is_test
        or here.is_migration
        or (name in _QUIET and (handler is None or not is_broad(handler)))
    ):
        return
    logged = log_call(call, here)
    if logged is None:
        return
    if name == "warn":
        message = "`warn` is a deprecated name: write `warning`."
        yield Flag(call, message, fix=_calling(call, "warning"))
    elif handler is not None:
        yield from _hidden_failure(logged, handler, here)
    elif name in FAILING:
        yield from _alarming_routine(logged, here)


def _hidden_failure(logged: LogCall, handler: cst.ExceptHandler, here: Here) -> Iterator[Flag]:
    """A failure of any kind, logged where nobody looks for failures."""
    if any(True for _ in find(handler.body, cst.Raise)) or reports(handler.body):
        return
    if any(each.method not in _QUIET for each in log_calls(handler.body, here)):
        return
    if carries_traceback(logged):
        return  # whoever asks for the traceback has chosen the level too
    told = uses(logged.node, variable(handler))
    if not told and not _FAILURE.search(_text(logged.message)):
        return
    function = here.function(logged.node)
    place = f" in `{function.name.value}`" if function is not None else ""
    message = (
        f"Any failure{place} is logged at `{logged.method}`, where nobody looks for failures. "
        "Use `exception`, or catch only what is expected here."
    )
    better = "aexception" if logged.method.startswith("a") else "exception"
    yield Flag(logged.node, message, fix=_calling(logged.node, better))


def _alarming_routine(logged: LogCall, here: Here) -> Iterator[Flag]:
    text = _text(logged.message)
    if not _ROUTINE.search(text) or _TROUBLE.search(text) or carries_traceback(logged):
        return
    if here.around(logged.node, cst.ExceptHandler, cst.If, cst.Else) is not None:
        return
    message = (
        f"`{text.strip()[:60]}` is routine, and at `{logged.method}` it raises alarms and hides "
        "real ones. Use `info`."
    )
    yield Flag(logged.node, message, fix=_calling(logged.node, "info"))


def _text(node: cst.BaseExpression | None) -> str:
    """The words of a message that are written out."""
    if isinstance(node, cst.FormattedString):
        parts = [p.value for p in node.parts if isinstance(p, cst.FormattedStringText)]
        return " ".join(parts)
    if isinstance(node, cst.BinaryOperation):
        return _text(node.left)
    return string(node) or ""


def _calling(call: cst.Call, method: str) -> Fix | None:
    if not isinstance(call.func, cst.Attribute):
        return None
    return Fix((Replace(call.func, call.func.with_changes(attr=cst.Name(method))),))
