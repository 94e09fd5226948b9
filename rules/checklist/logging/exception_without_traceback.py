"""An error is logged without its traceback.

The line says that something failed and perhaps how, never where: nobody can find the cause in
the code, and error trackers cannot group it. `logger.exception(...)` adds the traceback.

Bad:
```python
import logging

logger = logging.getLogger(__name__)


def refresh(feed):
    try:
        feed.load()
    except Exception as error:
        logger.error("cannot load %s: %s", feed, error)  # flagged
```
Good:
```python
import logging

logger = logging.getLogger(__name__)


def refresh(feed):
    try:
        feed.load()
    except Exception as error:
        logger.exception("cannot load %s: %s", feed, error)
```
Bad:
```python
import structlog

log = structlog.get_logger()


async def deliver(message, exc_info=False):
    try:
        await message.send()
    except (ValueError, Exception):
        log.error("delivery failed", id=message.id, exc_info=False)  # flagged
        message.retry()
```
Good:
```python
import structlog

log = structlog.get_logger()


async def deliver(message, exc_info=False):
    try:
        await message.send()
    except (ValueError, Exception):
        log.exception("delivery failed", id=message.id)
        message.retry()
```
Good: it has one, or the exception goes on and is logged further up.
```python
import logging
import traceback

logger = logging.getLogger(__name__)


def refresh(feed):
    try:
        feed.load()
    except Exception:
        logger.error("cannot load %s", feed, exc_info=True)
    try:
        feed.save()
    except Exception as error:
        logger.error("cannot save %s: %s", feed, error)
        raise
    try:
        feed.close()
    except Exception:
        logger.error(traceback.format_exc())
```
Good: an error that is expected, and whose place is known.
```python
import logging

logger = logging.getLogger(__name__)


def read(path):
    try:
        return path.read_text()
    except FileNotFoundError:
        logger.error("%s is missing", path)
        return ""
```
Good: an error tracker is told as well.
```python
import logging

import sentry_sdk

logger = logging.getLogger(__name__)


def refresh(feed):
    try:
        feed.load()
    except Exception as error:
        sentry_sdk.capture_exception(error)
        logger.error("cannot load %s", feed)
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.facts.caught import handler_around, is_broad
from rules.facts.leaked_errors import last_of
from rules.facts.log_calls import FAILING, carries_traceback, log_call, reports, tells_trace
from rules.kit import Fix, Flag, Here, Replace, Rule, Severity, find, keyword

rule = Rule(
    __name__,
    __doc__,
    code="LOG104",
    severity=Severity.WARNING,
    quiet=True,
    checklist=("logging.levels",),
    fix="suggestion",
    peers=("ruff:TRY400", "ruff:G201"),
)


@rule.on(cst.Call, calls=tuple(sorted(FAILING)))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    handler = handler_around(call, here)
    if handler is None or not is_broad(handler) or here.is_test or here.is_migration:
        return
    logged = log_call(call, here)
    if logged is None or carries_traceback(logged):
        return
    goes_on = any(True for _ in find(handler.body, cst.Raise))
    if goes_on or reports(handler.body) or tells_trace(handler.body, call, here):
        return
    function = here.function(call)
    place = f" in `{function.name.value}`" if function is not None else ""
    message = (
        f"Whatever failed{place} is logged here without a traceback, so nobody can tell where. "
        f"Use `{_better(call)}(...)`, which adds it."
    )
    yield Flag(call, message, fix=_fix(call))


def _better(call: cst.Call) -> str:
    owner = call.func.value if isinstance(call.func, cst.Attribute) else None
    name = owner.attr.value if isinstance(owner, cst.Attribute) else getattr(owner, "value", "")
    method = "aexception" if last_of(call).startswith("a") else "exception"
    return f"{name}.{method}" if isinstance(name, str) and name else method


def _fix(call: cst.Call) -> Fix | None:
    """The same call of `exception`; what is above an error keeps its level."""
    given = keyword(call, "exc_info")
    if last_of(call) not in ("error", "aerror") or not isinstance(call.func, cst.Attribute):
        return None
    method = "aexception" if last_of(call) == "aerror" else "exception"
    func = call.func.with_changes(attr=cst.Name(method))
    if given is None:
        return Fix((Replace(call.func, func),))
    kept = [each for each in call.args if each.value is not given]
    if kept:
        kept[-1] = kept[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    return Fix((Replace(call, call.with_changes(func=func, args=kept)),))
