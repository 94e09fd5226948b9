"""The body of an outgoing HTTP call is used without a look at the status.

When the other side answers 404, 500 or a page of its proxy, the code goes on with the body of an
error: it breaks later, in another place, or quietly stores nonsense. Call
`raise_for_status()` first, or test the status.

Bad:
```python
import requests


def rate(currency):
    answer = requests.get(f"https://rates.example.org/{currency}", timeout=5)
    return answer.json()["rate"]  # flagged
```
Good:
```python
import requests


def rate(currency):
    answer = requests.get(f"https://rates.example.org/{currency}", timeout=5)
    answer.raise_for_status()
    return answer.json()["rate"]
```
Bad:
```python
import httpx


async def rates():
    async with httpx.AsyncClient() as client:
        answer = await client.get("https://rates.example.org")
        return answer.json()  # flagged
```
Good:
```python
import httpx


async def rates():
    async with httpx.AsyncClient() as client:
        answer = await client.get("https://rates.example.org")
        answer.raise_for_status()
        return answer.json()
```
Bad:
```python
import aiohttp


async def rates():
    async with aiohttp.ClientSession() as session:
        async with session.get("https://rates.example.org") as answer:
            return await answer.json()  # flagged
```
Good:
```python
import aiohttp


async def rates():
    async with aiohttp.ClientSession() as session:
        async with session.get("https://rates.example.org") as answer:
            answer.raise_for_status()
            return await answer.json()
```
Bad: used where it comes from; `urllib3` raises for no status either.
```python
import json

import requests
import urllib3


def names():
    return requests.get("https://names.example.org", timeout=5).json()  # flagged


def prices():
    pool = urllib3.PoolManager()
    answer = pool.request("GET", "https://prices.example.org")
    return json.loads(answer.data)  # flagged
```
Good: the status is tested.
```python
import requests


def rate(currency):
    answer = requests.get(f"https://rates.example.org/{currency}", timeout=5)
    if answer.status_code != 200:
        return None
    return answer.json()["rate"]


def is_open(shop):
    answer = requests.get(shop.url, timeout=5)
    return "open" in answer.text if answer else False
```
Good: every answer of the client is tested.
```python
import aiohttp
import httpx


def fail(answer):
    answer.raise_for_status()


async def rates():
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        async with session.get("https://rates.example.org") as answer:
            return await answer.json()


def prices():
    with httpx.Client(event_hooks={"response": [fail]}) as client:
        answer = client.get("https://prices.example.org")
        return answer.json()
```
Good: the answer goes to whoever tests it, and errors that the body itself tells.
```python
import requests


def send(url, check):
    answer = requests.post(url, timeout=5)
    check(answer)
    return answer.json()


def post(url, text):
    body = requests.post(url, json={"text": text}, timeout=5).json()
    if not body["ok"]:
        raise ValueError(body["error"])
    return body
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.network_calls import NetworkCall
from rules.kit import (
    Confidence,
    Fix,
    Flag,
    Here,
    InsertBefore,
    Rule,
    Severity,
    find,
    keyword,
    walk,
)

rule = Rule(
    __name__,
    __doc__,
    code="ERR108",
    severity=Severity.WARNING,
    checklist=("errors.degradation",),
    fix="suggestion",
    cwe=252,
)

# `urlopen` raises for a bad status by itself; these have another kind of body.
_OTHER = frozenset({"urllib.request.urlopen"})
_BODIES = frozenset({"json", "text", "content", "data", "read", "iter_content", "iter_lines"})
# `.text` and `.content` of an error may be just what is wanted, for a log or a message.
_SURE = frozenset({"json", "data"})
_TESTS = frozenset(
    {"raise_for_status", "status_code", "ok", "status", "is_success", "is_error", "reason"}
    | {"is_client_error", "is_server_error", "is_redirect", "has_redirect_location", "history"}
)
_ASIDE = re.compile(r"(^|/)(pytest_\w+\.py$|dev/)")
_TOLD = re.compile(
    r"""\b(error|errors|ok|success|status|code|detail|message|errcode|msg)\b["']""", re.IGNORECASE
)


@rule.on(NetworkCall)
def check(found: NetworkCall, here: Here) -> Iterator[Flag]:
    if _ASIDE.search(here.path) or not here.mentions(_BODIES):
        return
    seen = here.kept(_seen)
    for flag in _of_call(found.call, here):
        if id(flag.where) not in seen:
            seen.add(id(flag.where))
            yield flag


def _seen(_here: Here) -> set[int]:
    """Places that were told of: two calls may end in one variable."""
    return set()


def _of_call(call: cst.Call, here: Here) -> Iterator[Flag]:
    if _is_watched(call, here) or here.name(call.func) in _OTHER:
        return
    used = _waited(call, here)
    match here.parent(used):
        case cst.Attribute(attr=cst.Name(value=name)) as read if name in _BODIES:
            if not _tells_itself(read, here):
                yield _flag(read, name, None, here)
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
            yield from _of_variable(name, used, here)
        case cst.WithItem(asname=cst.AsName(name=cst.Name(value=name))):
            yield from _of_variable(name, used, here)
        case _:
            return


def _waited(call: cst.Call, here: Here) -> cst.CSTNode:
    above = here.parent(call)
    return above if isinstance(above, cst.Await) else call


def _of_variable(name: str, used: cst.CSTNode, here: Here) -> Iterator[Flag]:
    """What is read of a variable that holds the answer, if nothing looks at its status."""
    function = here.function(used)
    if function is None:
        return
    reads: list[tuple[cst.Attribute, str]] = []
    for each in find(function.body, cst.Name):
        if each.value != name or _is_word(each, here):
            continue
        above = here.parent(each)
        if isinstance(above, cst.AssignTarget | cst.AsName):
            continue
        if not isinstance(above, cst.Attribute) or above.value is not each:
            return  # it is passed on, returned or tested itself
        attribute = above.attr.value
        if attribute in _TESTS:
            return
        if attribute in _BODIES:
            reads.append((above, attribute))
    bound = [each for each in find(function.body, cst.Name) if each.value == name]
    if reads and bound and not any(_tells_itself(each, here) for each, _ in reads):
        first, attribute = reads[0]
        yield _flag(first, attribute, name, here)


def _is_word(name: cst.Name, here: Here) -> bool:
    match here.parent(name):
        case cst.Attribute(attr=attr):
            return attr is name
        case cst.Arg(keyword=word):
            return word is name
        case _:
            return False


def _flag(read: cst.Attribute, attribute: str, name: str | None, here: Here) -> Flag:
    function = here.function(read)
    place = f" in `{function.name.value}`" if function is not None else ""
    what = f"`{name}.{attribute}`" if name else f"`.{attribute}` of this answer"
    message = (
        f"{what}{place} is used whatever the status is: of a 404 or 500 it is the body of an "
        "error. Call `raise_for_status()` first, or test the status."
    )
    sure = attribute in _SURE and not _is_guarded(read, here) and not here.is_script
    return Flag(
        read,
        message,
        fix=_fix(read, name, here),
        confidence=None if sure else Confidence.HOTSPOT,
    )


def _fix(read: cst.Attribute, name: str | None, here: Here) -> Fix | None:
    around = here.scopes.ancestors(read)
    statement = next((each for each in around if isinstance(each, cst.BaseStatement)), None)
    if name is None or not isinstance(statement, cst.SimpleStatementLine):
        return None
    if any("urllib3" in each for each in here.names(read.value)):
        return None
    return Fix((InsertBefore(statement, (f"{name}.raise_for_status()",)),))


def _is_guarded(read: cst.Attribute, here: Here) -> bool:
    """Whether a failure of reading is handled on the spot."""
    at: cst.CSTNode = read
    for around in here.scopes.ancestors(read):
        if isinstance(around, cst.FunctionDef):
            return False
        if isinstance(around, cst.Try) and around.body is at and around.handlers:
            return True
        at = around
    return False


def _is_watched(call: cst.Call, here: Here) -> bool:
    """Whether the client, or the call, raises for every bad status by itself."""
    hooked = ("raise_for_status", "event_hooks", "hooks")
    if any(keyword(call, each) is not None for each in hooked):
        return True
    owner = call.func.value if isinstance(call.func, cst.Attribute) else None
    function = here.function(call)
    if not isinstance(owner, cst.Name) or function is None:
        return isinstance(owner, cst.Attribute)
    for each in here.bindings(owner):
        if each.node is not None and any(
            word.value in hooked for word in find(each.node, cst.Name)
        ):
            return True
    return any(
        isinstance(each, cst.Attribute)
        and each.attr.value in ("hooks", "event_hooks")
        and isinstance(each.value, cst.Name)
        and each.value.value == owner.value
        for each in walk(function)
    )


def _tells_itself(read: cst.Attribute, here: Here) -> bool:
    """Whether the code looks in the body for what went wrong."""
    function = here.function(read)
    return function is not None and any(
        _TOLD.search(each.value)
        for each in find(function.body, cst.SimpleString)
        if isinstance(here.parent(each), cst.Index | cst.Arg | cst.Comparison)
    )
