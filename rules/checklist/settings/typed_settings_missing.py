"""The configuration of the application is scattered over calls of `getenv`.

Each call has a name, a default and a cast of its own, mistakes show when the line is reached,
and no one can say what the application needs. Declare a class of settings with types: it
reads everything at the start and refuses what is missing or wrong.

Bad:
```python app/main.py
import os

from fastapi import FastAPI

app = FastAPI()
DATABASE_URL = os.environ["DATABASE_URL"]  # flagged
PAGE_SIZE = int(os.getenv("PAGE_SIZE", "50"))
MAIL_HOST = os.getenv("MAIL_HOST", "localhost")
MAIL_PORT = int(os.getenv("MAIL_PORT", "25"))
```
Good:
```python app/config.py
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    database_url: str
    page_size: int = 50
    mail_host: str = "localhost"
    mail_port: int = 25
```
```python app/main.py
import os

from fastapi import FastAPI

app = FastAPI()
RELEASE = os.environ.get("RELEASE")
REGION = os.environ.get("REGION")
SHARD = os.environ.get("SHARD")
STAGE = os.environ.get("STAGE")
```
Good: a module or class of settings holds the calls together.
```python app/config.py
import os


class Config:
    DATABASE_URL = os.environ["DATABASE_URL"]
    PAGE_SIZE = int(os.getenv("PAGE_SIZE", "50"))
    MAIL_HOST = os.getenv("MAIL_HOST", "localhost")
    MAIL_PORT = int(os.getenv("MAIL_PORT", "25"))
```
Good: two variables need no class, and scripts need none either.
```python app/main.py
import os

from flask import Flask

app = Flask(__name__)
URL = os.environ["URL"]
KEY = os.environ["KEY"]
```
```python scripts/fill.py
import os

A, B = os.environ["A"], os.environ["B"]
C, D = os.environ["C"], os.environ["D"]
```
"""

import re
from collections.abc import Iterator

from rules.facts.environment import EnvironmentRead
from rules.facts.platform_variables import is_of_platform
from rules.facts.python_modules import Modules
from rules.kit import Flag, Here, PythonFile, Rule, Severity
from rules.kit.paths import is_script, is_test

rule = Rule(
    __name__,
    __doc__,
    code="SET119",
    severity=Severity.NOTICE,
    checklist=("flask.configuration", "deploy.settings-by-environment"),
    scope="project",
    default=False,
)

_WEB = re.compile(r"^(fastapi|flask|starlette|quart|litestar|sanic)\b")
_TYPED = re.compile(
    r"^(pydantic_settings|dynaconf|environ|environs|decouple|typed_settings|confz|hydra)\b"
)
_SETTINGS = re.compile(r"(^|/)\w*(settings?|config(uration)?|conf|env)(_\w+)?(/|\.py$)")
_ENOUGH = 4


@rule.on(PythonFile, words=("getenv", "environ"))
def check(file: PythonFile, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_script or here.is_migration or _SETTINGS.search(file.path):
        return
    if file.source.count(b"environ") + file.source.count(b"getenv") < _ENOUGH:
        return
    reads = [
        each
        for each in EnvironmentRead.found_in(file.module, here)
        if each.library == "os" and each.variable and not is_of_platform(each.variable)
    ]
    if len({each.variable for each in reads}) < _ENOUGH or not _is_untyped_web(here):
        return
    message = (
        f"{len(reads)} variables are read one by one here, each with its own default and cast; "
        "declare them in a class of settings, which checks them all at the start."
    )
    yield Flag(reads[0].node, message, identity="scattered settings")


def _is_untyped_web(here: Here) -> bool:
    modules: Modules = here.project.facts(Modules)
    is_web = False
    for path, record in modules.by_path.items():
        if is_test(path) or is_script(path):
            continue
        for target in record.imports.values():
            if _TYPED.match(target) or target.endswith("BaseSettings"):
                return False
            is_web = is_web or bool(_WEB.match(target))
    return is_web
