"""Line breaks of a caller get into a header or a line of the log.

A line break ends the header or line that was meant and begins another: a forged cookie, a forged entry
under someone else's name. Take line breaks out, or log data as fields of their own.

Bad:
```python shop/api.py
import logging

from flask import Flask, request

app = Flask(__name__)
log = logging.getLogger(__name__)

@app.route("/login", methods=["POST"])
def login():
    log.warning("Failed login of " + request.form["user"])  # flagged
    return {}, 401
```
Good:
```python shop/api.py
import logging

from flask import Flask, request

app = Flask(__name__)
log = logging.getLogger(__name__)

@app.route("/login", methods=["POST"])
def login():
    user = request.form["user"].replace("\\n", "").replace("\\r", "")
    log.warning("Failed login of " + user)
    return {}, 401
```
Bad:
```python shop/raw.py
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote

from fastapi import FastAPI

app = FastAPI()

@app.get("/log")
def note(text: str):
    import logging
    logging.info(f"note: {text}")  # flagged
    return {}
```
Good: fields and `%r` keep the line whole.
```python shop/api.py
import logging

from flask import Flask, request

app = Flask(__name__)
log = logging.getLogger(__name__)

@app.route("/login", methods=["POST"])
def login():
    log.warning("Failed login of %r", request.form["user"])
    log.warning("Failed login", extra={"user": request.form["user"]})
    log.info("page %d", int(request.form["page"]))
    return {}, 401
```
"""

from collections.abc import Iterator

from rules.flow.domain import Call
from rules.flow.frame import Frame
from rules.flow.taint.report import flag
from rules.flow.taint.sinks import Sink
from rules.flow.taint.subject import TaintedCall
from rules.flow.values import Text
from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="SEC115",
    severity=Severity.WARNING,
    quiet=True,
    checklist=("security.injection-family",),
    cwe=117,
    defers=False,
    peers=(),
)

_LOGGERS = (
    "logging",
    "logging.getLogger()",
    "flask.current_app.logger",
    "flask.Flask().logger",
    "loguru.logger",
)
_LEVELS = ("info", "warning", "warn", "error", "exception", "critical")


def _is_text_made_here(call: Call, frame: Frame) -> bool:
    """Whether the line itself is put together: arguments beside it are for the handler."""
    given = call.argument(0, "msg")
    return isinstance(given, Text)


class LogLine(TaintedCall):
    family = "log"
    sinks = (
        Sink(
            tuple(f"{one}.{level}" for one in _LOGGERS for level in _LEVELS),
            (0, "msg"),
            _is_text_made_here,
        ),
    )


@rule.on(LogLine)
def check(found: LogLine, here: Here) -> Iterator[Flag]:
    yield flag(
        found,
        here,
        "becomes part of a line of the log: a line break in it forges another entry",
        "Log it with `%r` or as a field of its own.",
    )
