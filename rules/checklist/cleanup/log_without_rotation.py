"""A log file of production grows without end.

A `FileHandler` appends to one file for as long as the service lives. The day the disk is full,
the database and the uploads stop too. Rotate the file, or log to standard output and leave
keeping and deleting to the platform.

Bad:
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
LOGGING = {
    "version": 1,
    "handlers": {
        "file": {
            "class": "logging.FileHandler",  # flagged
            "filename": "/var/log/shop.log",
        },
    },
}
```
Good:
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
LOGGING = {
    "version": 1,
    "handlers": {
        "file": {
            "class": "logging.handlers.RotatingFileHandler", "maxBytes": 10_000_000, "backupCount": 5,
            "filename": "/var/log/shop.log",
        },
    },
}
```
Bad: handlers made in the code of an application.
```python app/main.py
import logging
from logging.handlers import RotatingFileHandler

from fastapi import FastAPI

app = FastAPI()
logging.basicConfig(filename="app.log")  # flagged
logging.getLogger("orders").addHandler(logging.FileHandler("orders.log"))  # flagged
logging.getLogger("books").addHandler(RotatingFileHandler("books.log"))  # flagged
```
Good:
```python app/main.py
import logging
from logging.handlers import RotatingFileHandler

from fastapi import FastAPI

app = FastAPI()
logging.basicConfig()
handler = RotatingFileHandler("orders.log", maxBytes=10_000_000, backupCount=5)
logging.getLogger("orders").addHandler(handler)
```
Good: another program rotates the file.
```text deploy/logrotate.conf
/var/log/shop.log { daily }
```
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
LOGGING = {
    "version": 1,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": "/var/log/shop.log"}},
}
```
Good: it watches for the rotation, or is for developers.
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
LOGGING = {
    "version": 1,
    "handlers": {
        "file": {"class": "logging.handlers.WatchedFileHandler", "filename": "/var/log/shop.log"},
        "out": {"class": "logging.FileHandler", "filename": "/dev/stdout"},
    },
}
```
```python shop/settings_local.py
from shop.settings import *

LOGGING = {
    "version": 1,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": "debug.log"}},
}
```
Good: a command that runs once.
```python scripts/load.py
import logging

logging.basicConfig(filename="load.log")
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.console import is_application, is_run_by_hand, is_terminal_program
from rules.facts.production_setting import ProductionSetting
from rules.facts.settings_modules import Stage, stage_named
from rules.kit import (
    Fix,
    Flag,
    Here,
    Replace,
    Rule,
    Severity,
    argument,
    find,
    has_star_kwargs,
    keyword,
    string,
)

rule = Rule(
    __name__,
    __doc__,
    code="CLN115",
    severity=Severity.WARNING,
    checklist=("cleanup.log-rotation", "cleanup.log-retention"),
    scope="project",
    fix="suggestion",
)

_FILE_HANDLER = "logging.FileHandler"
_ROTATING = "logging.handlers.RotatingFileHandler"
_STREAM = re.compile(r"^/(dev|proc)/|^nul$", re.IGNORECASE)
_ROTATED = re.compile(r"(?i)log-?_?rotat|newsyslog")
_CURE = "Rotate it, or log to standard output."


@rule.on(ProductionSetting, words=("LOGGING",))
def check_settings(setting: ProductionSetting, here: Here) -> Iterator[Flag]:
    if setting.name != "LOGGING" or _is_rotated(here):
        return
    for each in find(here.value_of(setting.value), cst.Dict):
        pairs = _pairs(each)
        kind = pairs.get("class")
        if string(kind) == _FILE_HANDLER and kind is not None and not _is_stream(pairs):
            quote = '"' if here.source(kind).startswith('"') else "'"
            new = ", ".join(
                (
                    f"{quote}{_ROTATING}{quote}",
                    f"{quote}maxBytes{quote}: 10_000_000",
                    f"{quote}backupCount{quote}: 5",
                )
            )
            message = f"Production writes this log file, and nothing ever shortens it. {_CURE}"
            yield Flag(kind, message, fix=Fix((Replace(kind, new),)))


def _pairs(node: cst.Dict) -> dict[str, cst.BaseExpression]:
    found = {}
    for each in node.elements:
        key = string(each.key) if isinstance(each, cst.DictElement) else None
        if key:
            found[key] = each.value
    return found


def _is_stream(pairs: dict[str, cst.BaseExpression]) -> bool:
    return "filename" not in pairs or bool(_STREAM.search(string(pairs["filename"]) or ""))


def _is_rotated(here: Here) -> bool:
    """Whether a program outside of Python shortens the files."""
    return any(_ROTATED.search(each) for each in here.project.paths)


@rule.on(cst.Call, calls=("FileHandler", "RotatingFileHandler", "basicConfig"))
def check_call(call: cst.Call, here: Here) -> Iterator[Flag]:
    name = here.name(call.func)
    if not name.startswith("logging.") or not _grows(name, call):
        return
    if here.is_test or is_run_by_hand(here) or is_terminal_program(here):
        return
    stem = here.path.rpartition("/")[2].removesuffix(".py")
    if stage_named(stem) in (Stage.LOCAL, Stage.TEST) or here.around(call, cst.If) is not None:
        return
    if is_application(here) and not _is_rotated(here):
        yield Flag(call, f"The service writes this log file, and nothing ever shortens it. {_CURE}")


def _grows(name: str, call: cst.Call) -> bool:
    if has_star_kwargs(call):
        return False
    if name == "logging.basicConfig":
        return keyword(call, "filename") is not None
    if name == _ROTATING:
        return argument(call, 2, "maxBytes") is None
    stream = string(argument(call, 0, "filename")) or ""
    is_new = string(argument(call, 1, "mode")) in ("w", "x")
    return name == _FILE_HANDLER and not _STREAM.search(stream) and not is_new
