"""An address holds the password that opens it.

Whoever reads the repository, an old clone or an image can log in to the database, broker or
proxy, and the password cannot be changed without a release. Read the address from the
environment, and change the password that was committed: the history keeps it.

Bad:
```python shop/settings.py
DATABASE_URL = "postgresql://shop:k3-Riesling@db.shop.internal:5432/shop"  # flagged
CELERY_BROKER_URL = "amqp://worker:Tr0ub4dor@mq.shop.internal//"  # flagged
```
Bad: a part of the address does not make the password less known.
```python app/database.py
import os

from sqlalchemy import create_engine

host = os.environ["DB_HOST"]
engine = create_engine(f"mysql+pymysql://shop:k3-Riesling@{host}/shop")  # flagged
proxies = {"https": "http://crawler:Tr0ub4dor@proxy.shop.internal:3128"}  # flagged
```
Bad: files of configuration are read by as many.
```yaml deploy/values.yaml
redis:
  url: redis://default:k3-Riesling@cache.shop.internal:6379/0  # flagged
```
Good:
```python shop/settings.py
import os

DATABASE_URL = os.environ["DATABASE_URL"]
CELERY_BROKER_URL = os.environ["CELERY_BROKER_URL"]
```
Good: the password comes from elsewhere, or there is none.
```python shop/settings.py
import os
from urllib.parse import quote

password = quote(os.environ["DB_PASSWORD"])
DATABASE_URL = f"postgresql://shop:{password}@db.shop.internal/shop"
REPLICA_URL = "postgresql://shop:%s@replica.shop.internal/shop" % password
CACHE_URL = "redis://cache.shop.internal:6379/0"
SENTRY_DSN = "https://0a1b2c3d@sentry.shop.internal/7"
```
Good: what a text explains.
```python shop/database.py
def connect(url: str) -> None:
    'Takes an address such as postgresql://shop:k3-Riesling@db.shop.internal/shop.'
```
Good: placeholders, and the machine of the developer.
```python shop/settings/local.py
DATABASE_URL = "postgresql://shop:shop@localhost:5432/shop"
BROKER_URL = "amqp://guest:guest@rabbitmq//"
HELP = "Set DATABASE_URL to postgresql://user:password@host:5432/name"
```
Good: what everybody starts for himself.
```yaml docker-compose.yml
services:
  web:
    environment:
      DATABASE_URL: postgresql://shop:devsecret@db:5432/shop
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.settings_modules import Stage, stage_named
from rules.kit import Confidence, Flag, Here, PythonFile, Rule, Severity, Span, TextFile, find

rule = Rule(
    __name__,
    __doc__,
    code="SET114",
    severity=Severity.ERROR,
    checklist=("security.secrets-in-env", "security.database"),
    cwe=798,
    hides_match=True,
    yields_to=("SEC120", "CLN109"),
    files=(
        *("*.yml", "*.yaml", "*.toml", "*.ini", "*.cfg", "*.conf", "*.json", "*.env"),
        *(".env*", "*.sh", "Dockerfile*", "*.properties", "*.tf", "*.tfvars"),
    ),
)

_URL = re.compile(
    r"(?<![A-Za-z0-9+.-])(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{1,30})://(?P<user>[^\s:/@\"'`<>|]{0,80})"
    r":(?P<password>[^\s:/@\"'`<>|]{1,200})@(?P<host>[^\s/:@\"'`,?#)\\|]{1,200})"
)
_MAY_HOLD = re.compile(rb"://[^\s/@\"'`<>|]{0,80}:[^\s/@\"'`<>|]{1,200}@")
_INSERTED = re.compile(r"[{}$%*<>\[\]\\]|\.\.\.|…|^_+$|^-+$")
_SHOWN = re.compile(
    r"^(my|the|some|a|your|db|app|test|root|admin|user|super)?[-_]?(pass(w(or)?d|phrase)?|pwd|pw|secret|key"
    r"|token|user(name)?|foo|bar|baz|guest|test(ing)?|example|sample|x+|change[-_]?(me|this|it)|redacted"
    r"|placeholder|dummy|fake|insecure|admin|root|postgres|none|null|default|password123?|p|1234\w*|abc\w{0,4}"
    r"|api[-_]?key|oauth\w*|auth[-_]?token|letmein|s3cr3t|p4ssw0rd|replace\w*|hunter2)$",
    re.IGNORECASE,
)
_NEAR = re.compile(
    r"^(localhost|127\.|0\.0\.0\.0|\[?::1|host\.docker\.internal)|\.(local|test|localhost)$"
)
_EXAMPLE = re.compile(r"(^|\.)(example|domain|host|hostname|foo|bar|acme|server)(\.\w{1,63}){0,6}$")
_TRIAL = re.compile(
    r"(^|/)(examples?|samples?|demos?|tutorials?|dev|development|local|\.ci|\.circleci|\.github|docs?"
    r"|\.devcontainer|fixtures?|cassettes?|mocks?|testdata|node_modules|vendor|e2e\w*|cypress|\w*tests?)/"
    r"|example|sample|template|[._-]dist$|(^|/)(docker-)?compose[^/]*\.ya?ml$|\.gitlab-ci|\.travis"
    r"|\.(lock|ipynb)$|(^|/)(tox\.ini|azure-pipelines\.ya?ml|package-lock\.json|\.env\.(dev|local|test)\w*)$",
    re.IGNORECASE,
)
_LONGEST_LINE = 2000


@rule.on(TextFile)
def check(file: TextFile, here: Here) -> Iterator[Flag]:
    if "://" not in file.text or "@" not in file.text or _is_spared(file.path, here):
        return
    for number, line in enumerate(file.lines, 1):
        if "://" not in line or "@" not in line or len(line) > _LONGEST_LINE:
            continue
        plain = line.lstrip().startswith(("#", "//", "*", ";"))
        for match in _URL.finditer(line):
            if _gives_away(match):
                where = Span(number, match.start() + 1, number, match.end() + 1)
                yield _flag(where, match, sure=not plain)


@rule.on(PythonFile)
def check_python(file: PythonFile, here: Here) -> Iterator[Flag]:
    if (
        b"://" not in file.source
        or not _MAY_HOLD.search(file.source)
        or _is_spared(file.path, here)
    ):
        return
    text = file.source.decode("utf-8", "replace")
    if not any(_gives_away(each) for each in _URL.finditer(text)):
        return
    for node in find(file.module, cst.SimpleString, cst.FormattedStringText):
        match = _URL.search(_text_of(node, here))
        if match is not None and _gives_away(match) and not _explains(node, here):
            yield _flag(node, match, sure=True)


def _text_of(node: cst.CSTNode, here: Here) -> str:
    """The text, with what follows it in an f-string as a hole."""
    match node:
        case cst.SimpleString(value=text):
            return text
        case cst.FormattedStringText(value=text):
            return f"{text}{{}}" if isinstance(here.parent(node), cst.FormattedString) else text
    return ""


def _explains(node: cst.CSTNode, here: Here) -> bool:
    """Whether a string stands alone, as docstrings do, or is the text of help."""
    above = here.parent(node)
    if isinstance(above, cst.Arg) and above.keyword is not None:
        return above.keyword.value in ("help", "description", "help_text", "examples", "example")
    return isinstance(above, cst.Expr)


def _is_spared(path: str, here: Here) -> bool:
    parts = path.rpartition(".")[0].split("/")[-2:]
    staged = any(stage_named(each) in (Stage.LOCAL, Stage.TEST) for each in parts)
    return staged or here.is_test or here.is_migration or bool(_TRIAL.search(path))


def _gives_away(match: re.Match[str]) -> bool:
    """Whether it is a password of somebody's, and no placeholder or default of a product."""
    password, user = match["password"], match["user"]
    if _INSERTED.search(password) or _SHOWN.match(password) or _INSERTED.search(user):
        return False
    if password.lower() == user.lower() or (password.isdigit() and len(password) < 6):
        return False
    if match["scheme"].lower() in ("http", "https") and _EXAMPLE.search(match["host"]):
        return False
    return not _NEAR.search(match["host"])


def _flag(where: cst.CSTNode | Span, match: re.Match[str], *, sure: bool) -> Flag:
    what, host = match["scheme"].lower(), match["host"]
    message = (
        f"This `{what}://` address holds a password, so whoever reads the repository or its "
        "history can use it; read the address from the environment and change the password."
    )
    sure = sure and ("." in host or "{" in host)
    confidence = None if sure else Confidence.HOTSPOT
    return Flag(where, message, confidence=confidence, identity=f"{what} {host}")
