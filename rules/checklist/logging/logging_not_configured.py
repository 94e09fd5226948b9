"""Production runs with no logging of its own, or logs everything at DEBUG.

Without `LOGGING`, Django in production writes warnings of the application to standard error,
with no time and no module, and drops what is less than a warning. At `DEBUG` the log fills with
details, queries and values that nobody reads and that should not leave the process.

Bad:
```python shop/settings.py flagged
import os

SECRET_KEY = os.environ["SECRET_KEY"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
```
Good:
```python shop/settings.py
import os

SECRET_KEY = os.environ["SECRET_KEY"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
LOGGING = {
    "version": 1,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
```
Bad:
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
LOGGING = {
    "version": 1,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django.db.backends": {"level": "DEBUG"}},  # flagged
    "root": {"handlers": ["console"], "level": "DEBUG"},  # flagged
}
```
Bad:
```python app/main.py
import logging

from fastapi import FastAPI

logging.basicConfig(level=logging.DEBUG)  # flagged
app = FastAPI()
```
Good: the level comes from the environment, or the settings are those of developers.
```python shop/settings/base.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
LOGGING = {
    "version": 1,
    "handlers": {"console": {"class": "logging.StreamHandler", "level": "DEBUG"}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "INFO")},
}
```
```python shop/settings/production.py
from .base import *

ALLOWED_HOSTS = ["shop.example.org"]
```
```python shop/settings/dev.py
from .base import *

LOGGING = {"version": 1, "root": {"level": "DEBUG"}}
```
Good: logging is set up by other means.
```python shop/settings.py
import logging.config

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
LOGGING_CONFIG = None
logging.config.dictConfig({"version": 1, "root": {"level": "INFO"}})
```
Good: a switch decides.
```python app/main.py
import logging
import os

from flask import Flask

app = Flask(__name__)
if os.environ.get("APP_VERBOSE"):
    logging.basicConfig(level=logging.DEBUG)
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.facts.console import is_application, is_run_by_hand, is_terminal_program
from rules.facts.python_modules import Modules
from rules.facts.settings_module import SettingsModule
from rules.facts.settings_modules import SettingsModules, Stage
from rules.kit import Flag, Here, Rule, Severity, dotted, find, keyword, string

rule = Rule(
    __name__,
    __doc__,
    code="LOG107",
    severity=Severity.NOTICE,
    checklist=("logging.configuration",),
    scope="project",
)

_OTHER_MEANS = ("dictConfig", "fileConfig", "basicConfig", "loguru", "structlog", "LOGGING_CONFIG")
_LOUD = frozenset({"", "root", "django", "django.db", "django.db.backends"})
_LOGGING_MODULES = ("logging.config", "loguru", "structlog", "django_structlog", "logfire")


@rule.on(SettingsModule)
def check(settings: SettingsModule, here: Here) -> Iterator[Flag]:
    if not settings.serves_production or here.is_test:
        return
    yield from _at_debug(settings)
    if settings.framework == "django" and _lacks_logging(settings, here):
        name = here.path.rpartition("/")[2]
        yield Flag(
            0,
            f"Production runs with `{name}`, and nothing configures logging: what the application "
            "logs below a warning is lost, the rest has neither time nor module. Set `LOGGING`.",
            identity="no LOGGING",
        )


def _lacks_logging(settings: SettingsModule, here: Here) -> bool:
    if settings.stage not in (Stage.MAIN, Stage.PRODUCTION):
        return False
    known = settings.known
    record = known.modules.by_path[here.path]
    line = {here.path, *_bases(here.path, known)}
    bound = {one.name for path in line for one in known.modules.by_path[path].assignments}
    if "ROOT_URLCONF" not in bound or any("LOG" in each for each in bound):
        return False
    if here.mentions(("LOGGING", *_OTHER_MEANS)):
        return False
    stars = sum(len(known.modules.by_path[path].stars) for path in line)
    if stars > len(line) - 1 or any("logging" in each for each in record.imports.values()):
        return False
    return not _is_set_up_elsewhere(known.modules)


def _bases(path: str, known: SettingsModules) -> Iterator[str]:
    """Settings modules that this one is built on."""
    stack, seen = [path], {path}
    while stack:
        at = stack.pop()
        for other, module in known.by_path.items():
            if at in module.heirs and other not in seen:
                seen.add(other)
                stack.append(other)
                yield other


def _is_set_up_elsewhere(modules: Modules) -> bool:
    return any(
        target.startswith(_LOGGING_MODULES)
        for record in modules.by_path.values()
        for target in record.imports.values()
    )


def _at_debug(settings: SettingsModule) -> Iterator[Flag]:
    last = settings.last("LOGGING")
    if last is None or last.value is None or settings.is_overridden("LOGGING"):
        return
    for each in find(last.value, cst.DictElement):
        key = string(each.key)
        if key in _LOUD and isinstance(each.value, cst.Dict):
            for inner in each.value.elements:
                if _says_debug(inner):
                    name = key or "root"
                    yield Flag(
                        inner,
                        f"Production logs `{name}` at DEBUG: details, queries and values that "
                        "nobody reads there. Use INFO, or take the level from the environment.",
                    )


def _says_debug(element: cst.BaseDictElement) -> bool:
    return (
        isinstance(element, cst.DictElement)
        and string(element.key) == "level"
        and string(element.value) == "DEBUG"
    )


@rule.on(cst.Call, calls=("basicConfig",))
def check_call(call: cst.Call, here: Here) -> Iterator[Flag]:
    level = keyword(call, "level")
    is_debug = string(level) == "DEBUG" or here.name(level) == "logging.DEBUG"
    if not is_debug or here.name(call.func) != "logging.basicConfig":
        return
    if here.is_test or is_run_by_hand(here) or is_terminal_program(here):
        return
    settings: SettingsModules = here.project.facts(SettingsModules)
    known = settings.at(here.path)
    is_live = known.stage not in (Stage.LOCAL, Stage.TEST) if known else is_application(here)
    if is_live and here.around(call, cst.If, cst.FunctionDef) is None:
        yield Flag(
            call,
            f"`{dotted(call.func)}` sets everything to DEBUG, in production too: libraries log "
            "details and values that nobody reads there. Take the level from the environment.",
        )
