"""Production keeps its data in SQLite.

SQLite is one file on one machine: it lets one writer in at a time, and the file goes away
with the container or the machine it is on. Use a database server in production, and let the
program refuse to start where its address is not set; SQLite is fine for developers and tests.

Bad:
```python shop/settings.py
from pathlib import Path

BASE_DIR = Path(__file__).parent
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",  # flagged
        "NAME": BASE_DIR / "db.sqlite3",
    }
}
```
Bad: what is left if the variable is not set.
```python app/config.py
import os


class Config:
    SQLALCHEMY_DATABASE_URI = os.environ.get("DATABASE_URL", "sqlite:///app.db")  # flagged


class ProductionConfig(Config):
    LOG_LEVEL = "INFO"
```
Bad:
```python app/database.py
from fastapi import FastAPI
from sqlalchemy import create_engine

DATABASE_URL = "sqlite:///./shop.db"

engine = create_engine(DATABASE_URL, connect_args={"check_same_thread": False})  # flagged
app = FastAPI()
```
Good:
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["DB_NAME"],
    }
}
```
Good: the settings of developers, and a base whose value production replaces.
```python shop/settings/base.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "dev.db"}}
```
```python shop/settings/production.py
import os

import dj_database_url

from .base import *

DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
```
Good: the environment chooses.
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "dev.db"}}
if os.environ.get("DB") == "postgres":
    DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "shop"}}
```
Good: a second database beside that of the application, and one in memory.
```python shop/settings.py
import os

from sqlalchemy import create_engine

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["DB_NAME"]},
    "geo": {"ENGINE": "django.db.backends.sqlite3", "NAME": "geo.db"},
}
scratch = create_engine("sqlite://")
```
Good: a class for each environment.
```python app/config.py
import os


class Config:
    SQLALCHEMY_DATABASE_URI = os.environ["DATABASE_URL"]


class DevelopmentConfig(Config):
    SQLALCHEMY_DATABASE_URI = "sqlite:///dev.db"
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.environment import EnvironmentRead, read_of
from rules.facts.production_setting import ProductionSetting
from rules.facts.python_modules import Modules
from rules.facts.settings_modules import Stage, stage_named
from rules.kit import Flag, Here, Rule, Severity, argument, dotted, keyword, string

rule = Rule(
    __name__,
    __doc__,
    code="SET113",
    severity=Severity.WARNING,
    checklist=("database.production-database",),
    scope="project",
)

_ENGINE = re.compile(r"(^|\.)(sqlite3|spatialite)$")
_URL = re.compile(r"^(sqlite|spatialite)(\+\w+)?:///?(?!$|:memory:|/?:memory:)")
_SETTINGS = ("DATABASES", "SQLALCHEMY_DATABASE_URI", "DATABASE_URL", "DATABASE_URI")
_ENGINES = ("create_engine", "create_async_engine")
_WEB = re.compile(r"^(fastapi|flask|starlette|sanic|litestar|quart)\b")


@rule.on(ProductionSetting, words=_SETTINGS)
def in_settings(setting: ProductionSetting, here: Here) -> Iterator[Flag]:
    if setting.name not in _SETTINGS or _is_field(setting, here):
        return
    found = _default_database(setting.value, here) if setting.name == "DATABASES" else setting.value
    where = _sqlite(found, here) if found is not None else None
    if where is not None:
        yield Flag(where, _said(f"`{setting.name}`", where, here))


@rule.on(EnvironmentRead, words=("BaseSettings",))
def in_fields(read: EnvironmentRead, here: Here) -> Iterator[Flag]:
    if read.library != "pydantic" or read.default is None or _is_spared(here):
        return
    if _names_sqlite(here.value_of(read.default)):
        yield Flag(read.node, _said(f"`{read.variable}`", read.node, here, fallback=True))


@rule.on(cst.Call, calls=_ENGINES)
def in_engine(node: cst.Call, here: Here) -> Iterator[Flag]:
    url = argument(node, 0, "url")
    if url is None or _is_spared(here) or here.function(node) is not None:
        return
    value = here.value_of(url)
    read = read_of(value, here)
    default = here.value_of(read.default) if read is not None and read.default else value
    if _names_sqlite(default) and _is_web(here) and _is_sqlalchemy(node, here):
        yield Flag(node, _said("The engine", node, here, fallback=read is not None))


def _is_sqlalchemy(node: cst.Call, here: Here) -> bool:
    return any(each.startswith(("sqlalchemy.", "sqlmodel.")) for each in here.names(node.func))


def _is_web(here: Here) -> bool:
    """Whether the file, or one beside it, is of a web application."""
    modules: Modules = here.project.facts(Modules)
    return any(
        _WEB.match(target)
        for path, record in modules.by_path.items()
        if path.startswith(here.path.rpartition("/")[0])
        for target in record.imports.values()
    )


def _is_spared(here: Here) -> bool:
    parts = here.path.removesuffix(".py").split("/")[-2:]
    staged = any(stage_named(each) in (Stage.LOCAL, Stage.TEST) for each in parts)
    return staged or here.is_test or here.is_script or here.is_migration


def _is_field(setting: ProductionSetting, here: Here) -> bool:
    holder = here.around(setting.node, cst.ClassDef)
    bases = [dotted(each.value) for each in holder.bases] if holder is not None else []
    return any(each.endswith("BaseSettings") for each in bases)


def _default_database(node: cst.BaseExpression, here: Here) -> cst.BaseExpression | None:
    value = here.value_of(node)
    for each in value.elements if isinstance(value, cst.Dict) else ():
        if isinstance(each, cst.DictElement) and string(each.key) == "default":
            return each.value
    return None


def _sqlite(node: cst.BaseExpression, here: Here) -> cst.CSTNode | None:
    """Where an engine, an address or the default of one speaks of SQLite."""
    value = here.value_of(node)
    if isinstance(value, cst.Dict):
        for each in value.elements:
            if isinstance(each, cst.DictElement) and string(each.key) == "ENGINE":
                engine = _fallback(here.value_of(each.value), here)
                return each if _ENGINE.search(string(engine) or "") else None
        return None
    return node if _names_sqlite(_fallback(value, here)) else None


def _fallback(node: cst.CSTNode, here: Here) -> cst.CSTNode:
    """What a reading gives where nothing is set; else the expression itself."""
    match node:
        case cst.BooleanOperation(operator=cst.Or(), right=right):
            return here.value_of(right)
        case cst.Call(func=func) if dotted(func).endswith(("dj_database_url.config", ".parse")):
            given = keyword(node, "default") or argument(node, 0, "url")
            return _fallback(here.value_of(given), here) if given is not None else node
    read = read_of(node, here)
    if read is not None and read.default is not None:
        return here.value_of(read.default)
    return node


def _names_sqlite(node: cst.CSTNode) -> bool:
    text = string(node)
    match node:
        case cst.FormattedString(parts=[cst.FormattedStringText(value=head), *_]):
            text = head + "x"
        case cst.BinaryOperation(left=left, operator=cst.Add()):
            text = (string(left) or "") + "x"
    return text is not None and bool(_URL.match(text)) and ":memory:" not in text


def _said(what: str, where: cst.CSTNode, here: Here, *, fallback: bool = False) -> str:
    value = where.value if isinstance(where, cst.DictElement) else where
    if fallback or (isinstance(value, cst.BaseExpression) and read_of(value, here) is not None):
        return (
            f"{what} falls back to a SQLite file where nothing else is set: production then "
            "writes to a file that goes away with its container. Let it fail without an address."
        )
    return (
        f"{what} keeps the data of production in a SQLite file: one writer at a time, on one "
        "machine. Use a database server there, and SQLite for developers and tests."
    )
