"""What differs between machines is written into the code of the application.

The address of the database or the mail server is another one on each machine: to change it, code
has to be changed, reviewed and released. Read it from the environment, in one place for settings.

Bad:
```python shop/app.py
from flask import Flask

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql://db.internal/shop"  # flagged
app.config["MAIL_SERVER"] = "mail.internal"  # flagged
app.config.update(
    JSON_SORT_KEYS=False,
    CACHE_REDIS_URL="redis://cache.internal/0",  # flagged
)
```
Good:
```python shop/app.py
import os

from flask import Flask

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
app.config["MAIL_SERVER"] = os.environ["MAIL_SERVER"]
app.config.update(
    JSON_SORT_KEYS=False,
    CACHE_REDIS_URL=os.environ["CACHE_REDIS_URL"],
)
```
Bad: a constant of a module.
```python shop/database.py
from sqlalchemy import create_engine

DATABASE_URL = "sqlite:///./shop.db"  # flagged
engine = create_engine(DATABASE_URL)
```
Good:
```python shop/config.py
import os

DATABASE_URL = os.environ.get("DATABASE_URL", "sqlite:///./shop.db")
```
```python shop/database.py
from sqlalchemy import create_engine

from shop.config import DATABASE_URL

engine = create_engine(DATABASE_URL)
```
Good: how the application behaves everywhere, and classes of configuration.
```python shop/app.py
from flask import Flask

app = Flask(__name__)
app.config["JSON_SORT_KEYS"] = False
app.config["MAX_CONTENT_LENGTH"] = 16_000_000
app.config["SERVER_TITLE"] = "Shop"
app.config.from_object("shop.config.Production")
```
```python shop/config.py
class Development:
    MAIL_SERVER = "localhost"
```
Good: tests have addresses of their own.
```python tests/conftest.py
from shop.app import app

app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
```
Good: addresses of other people, which are the same everywhere.
```python shop/rates.py
RATES_URL = "https://rates.example.org/v1"
SCHEMES = ("postgresql://", "redis://")
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.production_setting import ProductionSetting
from rules.facts.settings_modules import SettingsModules, Stage, stage_named
from rules.kit import Flag, Here, Rule, Severity, dotted, string

rule = Rule(
    __name__,
    __doc__,
    code="FWK132",
    severity=Severity.WARNING,
    frameworks=("flask",),
    checklist=("flask.configuration", "deploy.environment-variables"),
    yields_to=("SET102", "SEC120", "SET103", "SET114", "SET118"),
)

_DIFFERS = re.compile(
    r"(DATABASE|DB|BINDS?|REDIS|MONGO|MAIL|SMTP|CELERY|BROKER|CACHE|ELASTICSEARCH|SESSION|LDAP|S3|KAFKA|RABBIT)"
    r"\w{0,30}_?(URI|URL|HOST|SERVER|DSN|ENDPOINT|BUCKET|PORT|USERNAME|BACKEND_URL)$|^(SERVER_NAME|UPLOAD_FOLDER)$"
)
_CONNECTION = re.compile(
    r"^(postgres(ql)?|mysql|mariadb|redis|rediss|amqps?|mongodb|sqlite|mssql|oracle|kafka|clickhouse)"
    r"(\+\w{1,30}){0,2}://\S"
)
_CONFIGURATION = re.compile(
    r"(^|/)[^/]{0,60}(config|settings|conf|const|constants|defaults|env)[^/]{0,60}(\.py$|/)"
)
_TOP = "_URL", "_URI", "_DSN", "URL", "DATABASE"


@rule.on(ProductionSetting, words=("config",))
def check_key(setting: ProductionSetting, here: Here) -> Iterator[Flag]:
    if setting.module is not None or not _DIFFERS.search(setting.name) or _is_spared(here):
        return
    if here.around(setting.node, cst.If) is None and string(here.value_of(setting.value)):
        yield _flag(setting.node, f"`{setting.name}`")


@rule.on(
    cst.Assign, words=("create_engine", "create_async_engine", "from_url", "MongoClient", "Celery")
)
def check_constant(node: cst.Assign, here: Here) -> Iterator[Flag]:
    name = dotted(node.targets[0].target)
    if not name.isupper() or here.function(node) is not None or not name.endswith(_TOP):
        return
    if here.around(node, cst.ClassDef, cst.If, cst.Try) is not None or _is_spared(here):
        return
    if _CONNECTION.match(string(node.value) or ""):
        yield _flag(node, f"`{name}`")


def _is_spared(here: Here) -> bool:
    if here.is_test or here.is_script or here.is_migration or _CONFIGURATION.search(here.path):
        return True
    stem = here.path.rpartition("/")[2].removesuffix(".py")
    settings: SettingsModules = here.project.facts(SettingsModules)
    return stage_named(stem) in (Stage.LOCAL, Stage.TEST) or settings.at(here.path) is not None


def _flag(node: cst.CSTNode, what: str) -> Flag:
    return Flag(
        node,
        f"{what} is another one on each machine, and stands in the code. Read it from the environment, "
        "in the module that holds the settings.",
    )
