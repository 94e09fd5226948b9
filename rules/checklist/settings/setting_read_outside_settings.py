"""A view, service or model reads the environment by itself, beside the settings.

The project has one place for its configuration; a variable that is read elsewhere shows up in
no settings, has its default and its cast in several places, and cannot be replaced in a test.
Read it once in the settings and use it from there.

Bad:
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
PAGE_SIZE = int(os.environ.get("PAGE_SIZE", "50"))
```
```python shop/services.py
import os


def ship(order: dict) -> str:
    url = os.environ["CARRIER_URL"]  # flagged
    return url + os.getenv("CARRIER_PATH", "/orders")  # flagged
```
Good:
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
CARRIER_URL = os.environ["CARRIER_URL"]
```
```python shop/services.py
from django.conf import settings


def ship(order: dict) -> str:
    return settings.CARRIER_URL + "/orders"
```
Good: where a process starts, scripts and tests.
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
```
```python shop/wsgi.py
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
release = os.environ.get("RELEASE")
```
```python shop/gunicorn_conf.py
import os

workers = int(os.environ.get("WORKERS", "2"))
```
```python shop/management/commands/import_orders.py
import os

URL = os.environ["ORDERS_URL"]
```
Good: what the platform tells, and what is passed on to another program.
```python app/config.py
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    database_url: str
```
```python app/services.py
import os
import subprocess


def convert(path: str) -> None:
    env = {**os.environ, "HOME": os.environ["HOME"]}
    os.environ["CONVERTER"] = "fast"
    subprocess.run(["convert", path], env=env, check=True)
```
Good: a row of a table of settings, which an administrator may change later.
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
```
```python shop/instance.py
import os


def rows(load):
    return load([{"key": "EMAIL_HOST", "default": os.environ.get("EMAIL_HOST", "")}])
```
Good: a project that has no settings module.
```python tool/service.py
import os

URL = os.environ["ORDERS_URL"]
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.environment import EnvironmentRead
from rules.facts.governing_settings import GoverningSettings
from rules.facts.platform_variables import is_of_platform
from rules.kit import Flag, Here, Rule, Severity, string

rule = Rule(
    __name__,
    __doc__,
    code="SET110",
    severity=Severity.WARNING,
    quiet=True,
    checklist=("deploy.environment-variables",),
    scope="project",
)

_STARTS = re.compile(
    r"(^|/)(manage|wsgi|asgi|celery\w*|worker|gunicorn\w*|uvicorn\w*|uwsgi\w*|hypercorn\w*|main|run\w*|serve\w*"
    r"|server|app|application|factory|bootstrap|entrypoint|start\w*|cli|__main__|__init__|setup|conftest|pytest\w*|\w*plugin"
    r"|version|env|environment|constants|defaults|logg\w+|sentry\w*|telemetry|tracing|instrumentation"
    r"|observability|debug|storage|apps)\.py$"
    r"|(^|/)\w*(settings?|config(s|uration)?|conf|env)(_\w+)?(/|\.py$)|(^|/)(alembic|deploy|infra|docker|lambda\w*)/"
)


@rule.on(EnvironmentRead, words=("environ", "getenv", "decouple"))
def check(read: EnvironmentRead, here: Here) -> Iterator[Flag]:
    if read.library not in ("os", "decouple") or is_of_platform(read.variable):
        return
    if not read.variable or _STARTS.search(here.path) or _is_spared(here):
        return
    settings: GoverningSettings = here.project.facts(GoverningSettings)
    home = settings.of(here.path)
    if home is None or here.path in settings.paths or _is_row_of_table(read, here):
        return
    message = (
        f"`{read.variable}` is read here and not in the settings (`{home}`), so its default and "
        "cast live in several places and no test can replace it; read it there and use the setting."
    )
    yield Flag(read.node, message)


def _is_row_of_table(read: EnvironmentRead, here: Here) -> bool:
    """`{"key": "EMAIL_HOST", "default": os.environ.get("EMAIL_HOST")}`: settings of another kind."""
    row = here.around(read.node, cst.Dict)
    values = (each.value for each in row.elements) if row is not None else ()
    return any(string(each) == read.variable for each in values)


def _is_spared(here: Here) -> bool:
    return here.is_test or here.is_script or here.is_migration
