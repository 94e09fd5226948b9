"""Debug mode is switched on where production runs.

A debug page shows source code, settings and local variables to whoever makes the
application fail, and the debugger of Flask runs any code that a visitor types in. Switch it
on in the settings of developers only; a base module is what every new environment gets.

Bad:
```python shop/settings.py
from pathlib import Path

BASE_DIR = Path(__file__).parent
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
DEBUG = True  # flagged
```
Good:
```python shop/settings.py
from pathlib import Path

BASE_DIR = Path(__file__).parent
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
DEBUG = False
```
Bad:
```python app/main.py
from fastapi import FastAPI

app = FastAPI(title="Shop", debug=True)  # flagged
```
Good:
```python app/main.py
from fastapi import FastAPI

app = FastAPI(title="Shop", debug=False)
```
Bad:
```python app/main.py
from flask import Flask

app = Flask(__name__)
app.config["DEBUG"] = True  # flagged

if __name__ == "__main__":
    app.run(host="0.0.0.0", debug=True)  # flagged
```
Good:
```python app/main.py
from flask import Flask

app = Flask(__name__)
app.config["DEBUG"] = False

if __name__ == "__main__":
    app.run(host="0.0.0.0", debug=False)
```
Bad: the class that production loads takes the value over.
```python app/config.py
class Config:
    DEBUG = True  # flagged


class ProductionConfig(Config):
    LOG_LEVEL = "INFO"
```
Good: the settings of developers, built on a base that is safe.
```python shop/settings/base.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
DEBUG = False
```
```python shop/settings/local.py
from .base import *

DEBUG = True
```
Good: every production module sets it for itself.
```python shop/settings/base.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
DEBUG = True
```
```python shop/settings/production.py
from .base import *

DEBUG = False
```
Good: it is decided by the environment.
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
DEBUG = os.environ.get("DEBUG") == "1"

if os.environ.get("ENVIRONMENT") == "development":
    DEBUG = True
```
Good: a class for each environment.
```python app/config.py
class Config:
    DEBUG = False


class DevelopmentConfig(Config):
    DEBUG = True
```
Good: the debug mode of an event loop shows nothing to visitors.
```python app/worker.py
import asyncio


async def main() -> None: ...


asyncio.run(main(), debug=True)
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.facts.python_modules import Modules
from rules.facts.settings_modules import SettingsModules, Stage, stage_named
from rules.kit import Flag, Here, Rule, Severity, dotted, keyword, replacing, string, walk

rule = Rule(
    __name__,
    __doc__,
    code="SET101",
    severity=Severity.ERROR,
    checklist=(
        "django.settings-organised",
        "flask.debug",
        "security.debug-disabled",
    ),
    scope="project",
    fix="suggestion",
    cwe=489,
    peers=("ruff:S201", "bandit:B201"),
)

_APPLICATIONS = frozenset(
    {
        "flask.Flask",
        "fastapi.FastAPI",
        "fastapi.applications.FastAPI",
        "starlette.applications.Starlette",
        "quart.Quart",
        "litestar.Litestar",
    }
)
_RUNNERS = frozenset(
    {
        "flask.Flask.run",
        "quart.Quart.run",
        "dash.Dash.run",
        "dash.Dash.run_server",
        "bottle.run",
        "bottle.Bottle.run",
        "flask_socketio.SocketIO.run",
    }
)


@rule.on(cst.Assign, words=("DEBUG", "debug"))
def in_settings(assign: cst.Assign, here: Here) -> Iterator[Flag]:
    if not _is_true(assign.value) or not any(_may_be_debug(each.target) for each in assign.targets):
        return
    if _spared(here) or not _always_runs(assign, here):
        return
    for each in assign.targets:
        match each.target:
            case cst.Name(value="DEBUG"):
                message = _setting(each.target, here)
            case cst.Attribute(value=owner, attr=cst.Name(value="debug")):
                message = _of_app(owner, here)
            case cst.Subscript() as item if _config_key(item) == "DEBUG":
                message = _of_app(item.value, here)
            case _:
                message = ""
        if message:
            yield Flag(assign, message, fix=replacing(assign.value, "False"))


@rule.on(cst.AnnAssign, words=("DEBUG",))
def in_annotated_settings(assign: cst.AnnAssign, here: Here) -> Iterator[Flag]:
    if not isinstance(assign.target, cst.Name) or assign.target.value != "DEBUG":
        return
    if not _is_true(assign.value) or _spared(here) or not _always_runs(assign, here):
        return
    message = _setting(assign.target, here)
    if message and assign.value is not None:
        yield Flag(assign, message, fix=replacing(assign.value, "False"))


@rule.on(
    cst.Call,
    calls=("run", "run_server", "Flask", "FastAPI", "Starlette", "Quart", "Litestar", "update"),
)
def in_calls(node: cst.Call, here: Here) -> Iterator[Flag]:
    value = keyword(node, "debug") or keyword(node, "DEBUG")
    if value is None or not _is_true(value) or _spared(here) or _under_condition(node, here):
        return
    names = here.names(node.func)
    if names & _APPLICATIONS:
        shown = f"`{dotted(node.func)}(debug=True)` answers errors with source code and variables"
    elif names & _RUNNERS or _is_app_runner(node, here):
        shown = f"`{here.source(node.func)}(debug=True)` lets a visitor run code in the debugger"
    elif dotted(node.func).endswith("app.config.update"):
        shown = "`DEBUG=True` in the application's configuration opens the debugger to visitors"
    else:
        return
    message = f"{shown} wherever this module is started; read it from the environment."
    yield Flag(node, message, fix=replacing(value, "False"))


def _is_true(node: cst.BaseExpression | None) -> bool:
    return isinstance(node, cst.Name) and node.value == "True"


def _may_be_debug(target: cst.BaseExpression) -> bool:
    """A cheap look at what is assigned."""
    match target:
        case cst.Name(value=name) | cst.Attribute(attr=cst.Name(value=name)):
            return name in ("DEBUG", "debug")
        case _:
            return isinstance(target, cst.Subscript)


def _spared(here: Here) -> bool:
    stem = here.path.rpartition("/")[2].removesuffix(".py")
    return (
        here.is_test
        or (here.is_script and not stem.startswith(("cli", "manage", "__main__")))
        or stage_named(stem) in (Stage.LOCAL, Stage.TEST)
    )


def _under_condition(node: cst.CSTNode, here: Here) -> bool:
    """Whether a choice decides if this runs; being the main program is no choice."""
    return any(
        isinstance(each, cst.If | cst.IfExp | cst.Match | cst.Try | cst.With)
        and "__name__" not in here.source(each)[:40]
        for each in here.scopes.ancestors(node)
    )


def _always_runs(node: cst.CSTNode, here: Here) -> bool:
    return not _under_condition(node, here)


def _config_key(item: cst.Subscript) -> str | None:
    match item:
        case cst.Subscript(
            value=cst.Attribute(attr=cst.Name(value="config")),
            slice=[cst.SubscriptElement(slice=cst.Index(value=key))],
        ):
            return string(key)
    return None


def _of_app(owner: cst.BaseExpression, here: Here) -> str:
    """`app.debug = True` and `app.config["DEBUG"] = True`, where `app` is an application."""
    names = here.names(owner)
    flat = {each.removesuffix(".config") for each in names}
    if not flat & _APPLICATIONS and dotted(owner).removesuffix(".config") != "app":
        return ""
    return (
        f"`{dotted(owner)}` is put into debug mode for every environment, so its errors show "
        "source code and variables to visitors; read the value from the environment."
    )


def _is_app_runner(node: cst.Call, here: Here) -> bool:
    """`app.run(debug=True)` where `app` comes from elsewhere, in a project that uses Flask."""
    match node.func:
        case cst.Attribute(value=owner, attr=cst.Name(value="run")):
            name = dotted(owner.func if isinstance(owner, cst.Call) else owner)
        case _:
            return False
    if name.rpartition(".")[2] not in ("app", "application", "server", "create_app", "make_app"):
        return False
    modules: Modules = here.project.facts(Modules)
    return any(
        target.startswith(("flask.", "dash", "quart."))
        for record in modules.by_path.values()
        for target in record.imports.values()
    )


def _setting(name: cst.Name, here: Here) -> str:
    settings: SettingsModules = here.project.facts(SettingsModules)
    if not settings.serves_production(here.path) or here.function(name) is not None:
        return ""
    if any(each.node is None or not _is_true_node(each.node) for each in here.bindings(name)):
        return ""
    holder = here.around(name, cst.ClassDef)
    if holder is not None:
        return _class_setting(holder, here)
    known = settings.at(here.path)
    if known is None or settings.is_overridden(here.path, "DEBUG"):
        return ""
    if known.stage is Stage.BASE:
        return (
            "`DEBUG = True` in a base module reaches every environment that does not set it, "
            "and error pages then show settings and variables; make `False` the base."
        )
    return (
        f"`DEBUG = True` in `{here.path.rpartition('/')[2]}`, which production loads, shows "
        "visitors source code, settings and variables of every error; read it from the environment."
    )


def _is_true_node(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.BaseExpression) and _is_true(node)


def _class_setting(holder: cst.ClassDef, here: Here) -> str:
    """A class of settings that production uses, itself or through a class built on it."""
    own = holder.name.value
    stage = stage_named(own)
    speaks = own.endswith(("Config", "Configuration", "Settings")) or stage is not None
    if not speaks or stage in (Stage.LOCAL, Stage.TEST):
        return ""
    if stage is not Stage.PRODUCTION:
        heirs = [each for each in _classes(here) if own in _bases(each)]
        live = [
            each for each in heirs if stage_named(each.name.value) not in (Stage.LOCAL, Stage.TEST)
        ]
        if heirs and all(_sets_debug(each) for each in live):
            return ""
    return (
        f"`{own}.DEBUG` is `True`, and production runs with `{own}` or what builds on it: errors "
        "show source code and variables to visitors. Set it in the developers' class only."
    )


def _classes(here: Here) -> Iterator[cst.ClassDef]:
    if here.module is not None:
        yield from (each for each in walk(here.module) if isinstance(each, cst.ClassDef))


def _bases(node: cst.ClassDef) -> set[str]:
    return {dotted(each.value).rpartition(".")[2] for each in node.bases}


def _sets_debug(node: cst.ClassDef) -> bool:
    return any(
        isinstance(each, cst.AssignTarget | cst.AnnAssign)
        and isinstance(each.target, cst.Name)
        and each.target.value == "DEBUG"
        for each in walk(node.body)
    )
