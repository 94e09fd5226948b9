"""A log message is put together before the call.

`logging` fills in the values only if the line is written. An f-string does the work each time,
and makes a different text of every line, so that error trackers cannot group them. Pass the
values as arguments.

Bad:
```python
import logging

logger = logging.getLogger(__name__)


def close(order, user):
    logger.info(f"{user} closed {order.pk}")  # flagged
    logger.debug("order %s of %s" % (order.pk, user))  # flagged
```
Good:
```python
import logging

logger = logging.getLogger(__name__)


def close(order, user):
    logger.info("%s closed %s", user, order.pk)
    logger.debug("order %s of %s", order.pk, user)
```
Bad:
```python
import logging

logger = logging.getLogger(__name__)


def close(order):
    logger.warning("late: {}".format(order))  # flagged
    logger.log(logging.INFO, "order " + order.name)  # flagged
```
Good: values as arguments, and texts that are always the same.
```python
import logging

logger = logging.getLogger(__name__)


def close(order):
    logger.info("closed %s", order.pk)
    logger.info("one text " "in two parts")
    logger.info(f"a text without values")
```
Good: other libraries format in their own way.
```python
import structlog
from loguru import logger

log = structlog.get_logger()


def close(order):
    log.info(f"closed {order.pk}")
    logger.info(f"closed {order.pk}")
```
"""

from collections.abc import Iterator, Sequence

import libcst as cst

from rules.facts.leaked_errors import last_of
from rules.facts.log_calls import METHODS, log_call
from rules.kit import Fix, Flag, Here, Replace, Rule, Severity, string

rule = Rule(
    __name__,
    __doc__,
    code="LOG103",
    severity=Severity.NOTICE,
    checklist=("logging.structured",),
    fix="suggestion",
    default=False,
    peers=("ruff:G001", "ruff:G002", "ruff:G003", "ruff:G004", "pylint:W1203", "pylint:W1201"),
)


@rule.on(cst.Call, calls=tuple(sorted(METHODS)))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if not call.args or not any(_how(each.value) for each in call.args[:2]):
        return
    logged = log_call(call, here)
    if logged is None or logged.library != "logging" or logged.message is None:
        return
    how = _how(logged.message)
    if how:
        message = (
            f"{how} puts this message together even if it is never written, and differently each "
            "time. Pass the values as arguments: `%s` in the text, then a comma."
        )
        yield Flag(logged.message, message, fix=_fix(call, logged.message, here))


def _how(node: cst.BaseExpression) -> str:
    match node:
        case cst.FormattedString(parts=parts):
            held = any(isinstance(each, cst.FormattedStringExpression) for each in parts)
            return "An f-string" if held else ""
        case cst.BinaryOperation(left=left, operator=cst.Modulo()):
            return "`%`" if string(left) is not None else ""
        case cst.BinaryOperation(left=left, operator=cst.Add(), right=right):
            return "`+`" if string(left) is not None or string(right) is not None else ""
        case cst.Call(func=cst.Attribute(value=owner)) if last_of(node) == "format":
            return "`format`" if string(owner) is not None else ""
        case _:
            return ""


def _fix(call: cst.Call, message: cst.BaseExpression, here: Here) -> Fix | None:
    plain = [each for each in call.args if each.keyword is None]
    if not plain or plain[-1].value is not message:
        return None
    match message:
        case cst.FormattedString(parts=parts) if message.start in ('f"', "f'"):
            return _from_parts(message, parts, here)
        case cst.BinaryOperation(left=left, operator=cst.Modulo(), right=right):
            values = right.elements if isinstance(right, cst.Tuple) else [cst.Element(right)]
            if isinstance(right, cst.Dict | cst.Name) or not values:
                return None
            texts = [here.source(left), *(here.source(each.value) for each in values)]
            return Fix((Replace(message, ", ".join(texts)),))
        case _:
            return None


def _from_parts(
    message: cst.FormattedString, parts: Sequence[cst.BaseFormattedStringContent], here: Here
) -> Fix | None:
    text, values = "", []
    for each in parts:
        if isinstance(each, cst.FormattedStringText):
            text += each.value.replace("{{", "{").replace("}}", "}").replace("%", "%%")
            continue
        if not isinstance(each, cst.FormattedStringExpression) or each.format_spec or each.equal:
            return None
        text += {"r": "%r", "a": "%a"}.get(each.conversion or "", "%s")
        values.append(here.source(each.expression))
    quote = message.end
    return Fix((Replace(message, ", ".join([f"{quote}{text}{quote}", *values])),))
