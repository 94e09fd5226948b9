"""Every request of production opens a connection to the database of its own.

Django closes the connection after each request unless `CONN_MAX_AGE` or a pool is set, and an
engine with `NullPool` does the same: each request then waits for a connection, a login and
often a TLS handshake. An engine of SQLAlchemy with no pool settings keeps five connections and
does not notice those that the server or a firewall has closed.

Bad:
```python shop/settings/production.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",  # flagged
        "NAME": os.environ["DB_NAME"],
    },
}
```
Good:
```python shop/settings/production.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "NAME": os.environ["DB_NAME"],
    },
}
```
Bad:
```python app/database.py
import os

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

engine = create_engine(os.environ["DATABASE_URL"])  # flagged
reports = create_engine(os.environ["REPORTS_URL"], poolclass=NullPool)  # flagged
```
Good:
```python app/database.py
import os

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

engine = create_engine(os.environ["DATABASE_URL"], pool_pre_ping=True)
reports = create_engine(os.environ["REPORTS_URL"], pool_pre_ping=True)
```
Good: a pool stands in front, and the settings say so.
```python shop/settings/production.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
# The host is that of pgbouncer.
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": os.environ["DB_HOST"]}}
```
Good: a project that shows no deployment, and one that opens and closes by design.
```python blog/settings.py
ROOT_URLCONF = "blog.urls"
INSTALLED_APPS = ["blog"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "blog"}}
```
```python app/handler.py
import os

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

# Each AWS Lambda serves one request at a time, behind the RDS proxy.
engine = create_engine(os.environ["DATABASE_URL"], poolclass=NullPool)
```
Good: SQLite, scripts, migrations, and options that come from elsewhere.
```python app/database.py
from sqlalchemy import create_engine

from app.settings import ENGINE_OPTIONS, URL

engine = create_engine(URL, **ENGINE_OPTIONS)
local = create_engine("sqlite:///cache.db")
```
```python migrations/env.py
from sqlalchemy import create_engine, pool

engine = create_engine("postgresql://db/shop", poolclass=pool.NullPool)
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.deployed_settings import DeployedSettings
from rules.facts.settings_module import SettingsModule
from rules.facts.settings_modules import Stage, stage_named
from rules.kit import (
    Fix,
    Flag,
    Here,
    Replace,
    Rule,
    Severity,
    argument,
    dotted,
    find,
    has_star_kwargs,
    keyword,
    replacing,
    string,
    with_keyword,
)

rule = Rule(
    __name__,
    __doc__,
    code="SET115",
    severity=Severity.NOTICE,
    checklist=("database.connection-pooling", "database.production-database"),
    scope="project",
    fix="suggestion",
)

_SERVERS = re.compile(r"(postgresql|postgis|mysql|oracle|mssql|psycopg\w{0,20})$")
_ENGINES = ("create_engine", "create_async_engine")
_POOL = re.compile(r"pool|echo_pool|creator")
_SHORT_LIVED = re.compile(
    r"pgbouncer|serverless|lambda|celery|fork|proxy|zappa|vercel|one-off|event loop|dramatiq|prefork",
    re.IGNORECASE,
)
_MAKERS = re.compile(r"engine|get_db|init_app|create_app|lifespan|startup|session")
_OFFLINE = re.compile(
    r"(^|/)(env|alembic\w*|migrat\w*|conftest|seed\w*|celery\w*|worker\w*|tasks?|ping|wait\w*|check\w*|health\w*)(\.py$|/)"
)


@rule.on(SettingsModule, words=("DATABASES",))
def in_django(settings: SettingsModule, here: Here) -> Iterator[Flag]:
    setting = settings.last("DATABASES")
    if setting is None or not isinstance(setting.value, cst.Dict):
        return
    deployed: DeployedSettings = here.project.facts(DeployedSettings)
    runs = deployed.building_on(here.path)
    if not runs or not all(e.deploys and not e.pooled for e in runs):
        return
    if any(each.speaks_of("ASGI_APPLICATION") for each in runs) or _names_pool(setting.value):
        return
    engine = _engine_of_default(setting.value)
    if engine is None or settings.is_overridden("DATABASES"):
        return
    joint = ",\n        " if "\n" in here.source(setting.value) else ", "
    new = f'{here.source(engine.value)}{joint}"CONN_MAX_AGE": 60'
    message = (
        "Production opens and closes a connection for every request, because neither "
        "`CONN_MAX_AGE` nor a pool is set; keep connections, for example for 60 seconds."
    )
    yield Flag(engine, message, fix=Fix((Replace(engine.value, new),)))


@rule.on(cst.Call, calls=_ENGINES)
def in_sqlalchemy(node: cst.Call, here: Here) -> Iterator[Flag]:
    if _is_spared(here) or not node.args:
        return
    if not any(each.startswith(("sqlalchemy.", "sqlmodel.")) for each in here.names(node.func)):
        return
    pool = keyword(node, "poolclass")
    if pool is not None and dotted(pool).rpartition(".")[2] == "NullPool":
        if here.module is not None and not _SHORT_LIVED.search(here.module.code):
            yield _closing(node, here)
    elif pool is None and not _names_pool(node) and _is_server(node, here) and _is_kept(node, here):
        message = (
            "This engine keeps five connections and does not notice those that the server has "
            "closed; say how many it may keep (`pool_size`) and check them (`pool_pre_ping=True`)."
        )
        cured = with_keyword(node, "pool_pre_ping", "True")
        yield Flag(node, message, fix=replacing(node, cured))


def _is_spared(here: Here) -> bool:
    stem = here.path.rpartition("/")[2].removesuffix(".py")
    offline = here.is_test or here.is_script or here.is_migration
    staged = stage_named(stem) in (Stage.LOCAL, Stage.TEST)
    return offline or staged or bool(_OFFLINE.search(here.path))


def _is_kept(node: cst.Call, here: Here) -> bool:
    """Whether the application keeps the engine: one of the module, or of a function that makes it."""
    function = here.function(node)
    return function is None or bool(_MAKERS.search(function.name.value))


def _closing(node: cst.Call, here: Here) -> Flag:
    message = (
        "`NullPool` opens a connection for every use and closes it again; let the engine keep a "
        "pool, or say here that one stands in front of the database."
    )
    args = [
        each.with_changes(keyword=cst.Name("pool_pre_ping"), value=cst.Name("True"))
        if each.keyword is not None and each.keyword.value == "poolclass"
        else each
        for each in node.args
    ]
    return Flag(node, message, fix=replacing(node, node.with_changes(args=args)))


def _names_pool(node: cst.CSTNode) -> bool:
    """Whether anything below speaks of a pool, or brings options that cannot be seen."""
    for each in find(node, cst.Arg, cst.DictElement, cst.StarredDictElement, cst.Name):
        match each:
            case cst.Arg(keyword=cst.Name(value=name)) if _POOL.search(name):
                return True
            case cst.Arg(star="**") | cst.StarredDictElement():
                return True
            case cst.DictElement(key=key) if _POOL.search((string(key) or "").lower()):
                return True
            case _:
                pass
    return isinstance(node, cst.Call) and has_star_kwargs(node)


def _engine_of_default(value: cst.Dict) -> cst.DictElement | None:
    for each in value.elements:
        if not isinstance(each, cst.DictElement) or string(each.key) != "default":
            continue
        inner = each.value.elements if isinstance(each.value, cst.Dict) else ()
        for one in inner:
            if isinstance(one, cst.DictElement) and string(one.key) == "ENGINE":
                return one if _SERVERS.search(string(one.value) or "") else None
    return None


def _is_server(node: cst.Call, here: Here) -> bool:
    """Whether the address is not that of SQLite, and the engine is made once for all."""
    url = argument(node, 0, "url")
    if url is None or here.around(node, cst.For, cst.While) is not None:
        return False
    text = here.source(here.value_of(url)).lower()
    return "sqlite" not in text and "mock" not in text
