"""A free text is logged in a project whose logs have fields.

Values inside a text can be read by people only: no search by order or user finds the line, and
no chart counts it. Name the event, and give each value a field of its own.

Bad:
```python
import structlog

log = structlog.get_logger()


def close(order, user):
    log.info(f"order {order.pk} closed by {user.pk}")  # flagged
    log.info("order %s closed", order.pk)  # flagged
```
Good:
```python
import structlog

log = structlog.get_logger()


def close(order, user):
    log.info("order closed", order=order.pk, user=user.pk)
```
Good: texts without values, and a library without fields.
```python
import logging

import structlog

log = structlog.get_logger()
plain = logging.getLogger(__name__)


def close(order):
    log.info("closing")
    log.info("order " "closed", order=order.pk)
    plain.info("order %s closed", order.pk)
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.facts.log_calls import METHODS, log_call
from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="LOG109",
    severity=Severity.NOTICE,
    checklist=("logging.structured", "logging.request-context"),
    scope="project",
    default=False,
)


@rule.on(cst.Call, calls=tuple(sorted(METHODS)), words=("structlog", "log", "logger", "_logger"))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    logged = None if here.is_test else log_call(call, here)
    if logged is None or logged.library != "structlog" or logged.message is None:
        return
    if _holds_values(logged.message) or _passes_values(call):
        message = (
            "This project's logs have fields, and here the values stand in the text, where no "
            "search finds them. Name the event, and pass each value as a keyword."
        )
        yield Flag(logged.message, message)


def _holds_values(node: cst.BaseExpression) -> bool:
    match node:
        case cst.FormattedString(parts=parts):
            return any(isinstance(each, cst.FormattedStringExpression) for each in parts)
        case cst.BinaryOperation(operator=cst.Modulo() | cst.Add()):
            return True
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="format"))):
            return True
        case _:
            return False


def _passes_values(call: cst.Call) -> bool:
    plain = [each for each in call.args if each.keyword is None and not each.star]
    return len(plain) > 1
