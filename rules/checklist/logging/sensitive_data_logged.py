"""A secret, or a whole request, is written to the log.

Logs are copied to places with other readers: aggregators, error trackers, backups, tickets. A
password or token there is as good as published, and a whole request body brings whatever people
type in. Log what identifies the event: an id, a kind, a length.

Bad:
```python
import logging

logger = logging.getLogger(__name__)


def login(username, password):
    logger.info("login of %s with %s", username, password)  # flagged
    logger.debug(f"trying {password} for {username}")  # flagged
```
Good:
```python
import logging

logger = logging.getLogger(__name__)


def login(username, password):
    logger.info("login of %s", username)
```
Bad: headers and bodies hold secrets of people.
```python
import logging

from django.http import JsonResponse

logger = logging.getLogger(__name__)


def pay(request):
    logger.info("payment %s", request.POST)  # flagged
    logger.info("by " + request.headers["Authorization"])  # flagged
    logger.warning("failed", extra={"card": request.POST.get("card_number")})  # flagged
    return JsonResponse({})
```
Bad:
```python
import structlog
from fastapi import FastAPI, Request
from loguru import logger

app = FastAPI()
log = structlog.get_logger()


@app.post("/tokens")
async def create(request: Request, store):
    body = await request.json()
    logger.info("request {}", body)  # flagged
    access_token = store.create(body)
    log.info("created", access_token=access_token)  # flagged
    print("token", access_token)  # flagged
```
Bad: a record shows all its fields.
```python
import logging

from fastapi import APIRouter
from pydantic import BaseModel

logger = logging.getLogger(__name__)
router = APIRouter()


class NewUser(BaseModel):
    name: str
    password: str


@router.post("/users")
def create(user: NewUser):
    logger.info("new user %s", user)  # flagged
    logger.info(f"new user {user.model_dump()}")  # flagged
    logger.info("new user %s", user.name)
```
Good: what is told of a secret is not the secret.
```python
import logging

logger = logging.getLogger(__name__)


def login(user, password, token, mask):
    logger.info("password of %s has %d characters", user.id, len(password))
    logger.info("token %s", mask(token))
    logger.info("token ends in %s", token[-4:])
    logger.info("password given: %s", password is not None)
    logger.info("expires in %s", user.token_expiry)
    logger.info("password reset for %s", user.pk)
    logger.info("credentials: %s", "***" if password else "none")
```
Good: rows and classes, whose text is another.
```python
import logging

from shop.models import ApiKey

logger = logging.getLogger(__name__)


def revoke(number):
    api_key = ApiKey.objects.get(pk=number)
    logger.info("revoked %s by %s", api_key, api_key.owner_id)
```
Good: tokens of a language.
```python shop/lexer.py
import logging

logger = logging.getLogger(__name__)


def parse(tokens):
    for token in tokens:
        logger.debug("next is %s", token)
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.facts.console import is_run_by_hand, is_terminal_program
from rules.facts.log_calls import METHODS, log_call
from rules.facts.sensitive_values import is_secret_name, kind_of, may_hold, sensitive
from rules.kit import Flag, Here, Rule, Severity, keyword, string

rule = Rule(
    __name__,
    __doc__,
    code="LOG102",
    severity=Severity.ERROR,
    checklist=("logging.sensitive",),
    cwe=532,
)

_ASIDE = frozenset({"exc_info", "stack_info", "stacklevel", "end", "sep", "flush", "event"})


@rule.on(cst.Call, calls=(*sorted(METHODS), "print"))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_migration or not may_hold(call.args, here):
        return
    if isinstance(call.func, cst.Name):
        if keyword(call, "file") is not None or not _prints(call, here):
            return
        what = "print"
    else:
        logged = log_call(call, here)
        if logged is None:
            return
        what = f"log at `{logged.method}`"
    found = next(_found(call, here), None)
    if found is not None:
        yield _flag(call, found, what, here)


def _prints(call: cst.Call, here: Here) -> bool:
    """Whether a `print` goes to a log of a server, not to a person at a terminal."""
    return (
        here.name(call.func) == "builtins.print"
        and not is_run_by_hand(here)
        and not is_terminal_program(here)
    )


def _found(call: cst.Call, here: Here) -> Iterator[str]:
    for each in call.args:
        name = each.keyword.value if each.keyword is not None else ""
        if name in _ASIDE:
            continue
        for _, kind in sensitive(each.value, here):
            yield kind
        if name == "extra" and isinstance(each.value, cst.Dict):
            yield from _in_extra(each.value, here)
        elif name and is_secret_name(name, here) and _is_open(each.value, here):
            yield f"`{name}`"


def _in_extra(node: cst.Dict, here: Here) -> Iterator[str]:
    for each in node.elements:
        key = string(each.key) if isinstance(each, cst.DictElement) else None
        if key and is_secret_name(key, here) and _is_open(each.value, here):
            yield f"`{key}`"


def _is_open(node: cst.BaseExpression, here: Here) -> bool:
    """Whether a value that is called a secret is given as it is."""
    return isinstance(node, cst.Attribute | cst.Subscript) and bool(kind_of(node, here))


def _flag(call: cst.Call, kind: str, what: str, here: Here) -> Flag:
    function = here.function(call)
    place = f" of `{function.name.value}`" if function is not None else ""
    return Flag(
        call,
        f"This {what}{place} writes {kind} down where others read it: log collectors, error "
        "trackers, backups. Leave it out, or log an id or a length instead.",
    )
