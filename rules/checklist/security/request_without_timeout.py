"""An outgoing HTTP call waits for its answer without end.

`requests`, `urllib` and `http.client` have no timeout of their own, and `timeout=None` takes
away the one that `httpx` and `aiohttp` have. When the other side accepts the connection and then says nothing, the worker
that made the call is lost; a few such calls and the whole service stands still. Say how many
seconds the answer is worth.

Bad:
```python
import requests

def rate(currency):
    answer = requests.get(f"https://rates.example.org/{currency}")  # flagged
    answer.raise_for_status()
    return answer.json()["rate"]
```
Good:
```python
import requests

def rate(currency):
    answer = requests.get(f"https://rates.example.org/{currency}", timeout=10)
    answer.raise_for_status()
    return answer.json()["rate"]
```
Bad: a session has no timeout either.
```python
import requests

class Courier:
    def __init__(self):
        self.session = requests.Session()

    def send(self, parcel):
        return self.session.post(  # flagged
            "https://courier.example.org/parcels",
            json={
                "weight": parcel.weight,
            },
        )
```
Good:
```python
import requests

class Courier:
    def __init__(self):
        self.session = requests.Session()

    def send(self, parcel):
        return self.session.post(
            "https://courier.example.org/parcels",
            json={
                "weight": parcel.weight,
            },
            timeout=10,
        )
```
Bad: the timeout of `httpx` is switched off.
```python
import httpx

async def ping(url: str) -> int:
    async with httpx.AsyncClient(timeout=None) as client:  # flagged
        return (await client.get(url)).status_code
```
Good:
```python
import httpx

async def ping(url: str) -> int:
    async with httpx.AsyncClient(timeout=10) as client:
        return (await client.get(url)).status_code
```
Bad:
```python
from urllib.request import urlopen

def fetch(url):
    with urlopen(url) as answer:  # flagged
        return answer.read()
```
Good:
```python
from urllib.request import urlopen

def fetch(url):
    with urlopen(url, timeout=10) as answer:
        return answer.read()
```
Bad: neither have the clients below, nor one whose type a parameter tells.
```python
import http.client

import aiohttp
import requests
import urllib3

pool = urllib3.PoolManager()

def rates(session: requests.Session):
    pool.request("GET", "https://rates.example.org/")  # flagged
    session.get("https://rates.example.org/")  # flagged
    return http.client.HTTPSConnection("rates.example.org")  # flagged

def client():
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))  # flagged
```
Good:
```python
import http.client

import aiohttp
import requests
import urllib3

pool = urllib3.PoolManager()

def rates(session: requests.Session):
    pool.request("GET", "https://rates.example.org/", timeout=10)
    session.get("https://rates.example.org/", timeout=10)
    return http.client.HTTPSConnection("rates.example.org", timeout=10)

def client():
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
```
Good: the pool has a timeout for all, and `aiohttp` has five minutes, or what the parts say.
```python
import aiohttp
import urllib3

pool = urllib3.PoolManager(timeout=5.0)

async def rates(url):
    pool.request("GET", url)
    async with aiohttp.ClientSession() as session:
        await session.get(url)
        await session.get(url, timeout=aiohttp.ClientTimeout(total=None, sock_read=5))
```
Good: an adapter gives every call of this session its timeout.
```python
import requests
from shop.http import TimeoutAdapter

def total(url):
    session = requests.Session()
    session.mount("https://", TimeoutAdapter(timeout=5))
    return session.get(url).json()
```
Good: the keywords come from elsewhere and may hold a timeout.
```python
import requests

def get(url, **options):
    options.setdefault("timeout", 5)
    return requests.get(url, **options)
```
Good: `httpx` has a timeout of five seconds, and an endless stream is meant to be endless.
```python
import httpx

def follow(url):
    httpx.get(url)
    with httpx.Client(timeout=None) as client, client.stream("GET", url) as answer:
        yield from answer.iter_lines()
```
Good: the timeout is the third argument.
```python
import urllib.request

def fetch(url):
    return urllib.request.urlopen(url, None, 5).read()
```
"""

import re
from collections.abc import Iterator, Mapping

import libcst as cst

from rules.kit import (
    Fix,
    Flag,
    Here,
    Kind,
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
    code="SEC124",
    severity=Severity.WARNING,
    quiet=True,
    checklist=("performance.timeouts", "errors.degradation"),
    fix="suggestion",
    cwe=400,
    peers=("ruff:S113", "bandit:B113", "pylint:W3101"),
)

_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request")
_SESSIONS = frozenset(
    {
        "requests.Session",
        "requests.session",
        "requests.sessions.Session",
        "requests.sessions.session",
        "requests_oauthlib.OAuth1Session",
        "requests_oauthlib.OAuth2Session",
    }
)
_REQUESTS = frozenset(f"{home}.{verb}" for home in ("requests", "requests.api") for verb in _VERBS)
_OF_SESSION = frozenset(f"{home}.{verb}" for home in _SESSIONS for verb in _VERBS)
_URLOPEN = frozenset({"urllib.request.urlopen", "six.moves.urllib.request.urlopen"})
_CLIENTS = frozenset({"httpx.Client", "httpx.AsyncClient"})
_HTTPX = frozenset(
    {f"{home}.{verb}" for home in ("httpx", *_CLIENTS) for verb in _VERBS}
    | _CLIENTS
    | {"httpx.Timeout"}
)
_AIOHTTP = frozenset(
    {f"aiohttp.ClientSession.{verb}" for verb in _VERBS}
    | {"aiohttp.ClientSession", "aiohttp.request"}
)
_PARTS = ("sock_read", "connect", "sock_connect")
_ENDLESS = re.compile(r"iter_(any|chunk)|\.content\b|stream|sse|ws_connect|EventSource")
_POOLS = frozenset(
    {"urllib3.PoolManager", "urllib3.ProxyManager", "urllib3.poolmanager.PoolManager"}
)
_OF_POOL = frozenset(f"{home}.{verb}" for home in _POOLS for verb in ("request", "urlopen"))
_CONNECTIONS = frozenset({"http.client.HTTPSConnection", "http.client.HTTPConnection"})
_PLAIN_ADAPTERS = frozenset({"requests.adapters.HTTPAdapter"})
_CALLED = frozenset(
    {
        *_VERBS,
        "urlopen",
        "Client",
        "AsyncClient",
        "Timeout",
        "ClientTimeout",
        "ClientSession",
        "open",
    }
    | {"HTTPSConnection", "HTTPConnection"}
)
_NAMED = (
    "requests", "httpx", "urlopen", "requests_oauthlib", "aiohttp", "urllib3", "HTTPSConnection",
    "HTTPConnection", "build_opener",
)  # fmt: skip
_NO_SERVICE = re.compile(r"(^|/)\.[\w-]+/|(^|/)pytest_\w+\.py$")
_SECONDS = "10"


@rule.on(cst.Call, calls=tuple(_CALLED), words=_NAMED)
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    """Looks at calls only in files that name a client: `.get()` stands in nearly all."""
    if here.is_test or _NO_SERVICE.search(here.path):
        return
    names = here.names(call.func) or _of_attribute(call.func, here)
    if names & (_REQUESTS | _OF_SESSION):
        yield from _requests(call, here, in_session=bool(names & _OF_SESSION))
    elif names & _URLOPEN:
        yield from _urlopen(call, here)
    elif names & _HTTPX:
        yield from _httpx(call, here)
    elif names & _AIOHTTP or "aiohttp.ClientTimeout" in names:
        yield from _aiohttp(call, names, here)
    elif names & _OF_POOL or "urllib3.request" in names:
        yield from _pooled(call, here)
    elif names & _CONNECTIONS or "urllib.request.build_opener.open" in names:
        yield from _connection(call, names)


def _requests(call: cst.Call, here: Here, *, in_session: bool) -> Iterator[Flag]:
    given = keyword(call, "timeout")
    if given is None and (has_star_kwargs(call) or _is_bounded_around(call, here)):
        return
    if in_session and (_has_positional_timeout(call) or _has_default_timeout(call, here)):
        return
    if given is None or _is_none(given):
        yield _flag(call, given)


def _has_positional_timeout(call: cst.Call) -> bool:
    """`Session.request` takes the timeout as its ninth argument."""
    plain = [each for each in call.args if each.keyword is None]
    return dotted(call.func).endswith(".request") and (
        len(plain) >= 9 or any(each.star for each in plain)
    )


def _urlopen(call: cst.Call, here: Here) -> Iterator[Flag]:
    given = argument(call, 2, "timeout")
    url = argument(call, 0, "url")
    if url is None or has_star_kwargs(call) or any(each.star for each in call.args):
        return
    if (string(here.value_of(url)) or "").startswith(("data:", "file:")):
        return
    if (given is None and not _sets_default_timeout(here)) or _is_none(given):
        yield _flag(call, given)


def _httpx(call: cst.Call, here: Here) -> Iterator[Flag]:
    given = keyword(call, "timeout")
    if here.names(call.func) & {"httpx.Timeout"}:
        given = argument(call, 0, "timeout") if len(call.args) == 1 else None
    in_process = keyword(call, "transport") is not None or keyword(call, "app") is not None
    if not _is_none(given) or in_process or _streams(call, here):
        return
    yield _flag(call, given)


def _aiohttp(call: cst.Call, names: frozenset[str], here: Here) -> Iterator[Flag]:
    if "aiohttp.ClientTimeout" in names:
        given = argument(call, 0, "total")
        if any(keyword(call, each) is not None for each in _PARTS) or len(call.args) > 1:
            return
    else:
        given = keyword(call, "timeout")
    around = here.function(call) or here.module
    if _is_none(given) and not (around and _ENDLESS.search(here.source(around))):
        yield _flag(call, given)


def _pooled(call: cst.Call, here: Here) -> Iterator[Flag]:
    """A pool has the timeout that it was made with, for each request that names none."""
    given = keyword(call, "timeout")
    owner = here.value_of(call.func.value) if isinstance(call.func, cst.Attribute) else None
    if given is None and has_star_kwargs(call):
        return
    if isinstance(owner, cst.Call) and (
        keyword(owner, "timeout") is not None or has_star_kwargs(owner)
    ):
        return
    if given is None or _is_none(given):
        yield _flag(call, given)


def _connection(call: cst.Call, names: frozenset[str]) -> Iterator[Flag]:
    given = argument(call, 2, "timeout") if names & _CONNECTIONS else keyword(call, "timeout")
    positional = len([each for each in call.args if each.keyword is None])
    if has_star_kwargs(call) or (given is None and positional > 2):
        return
    if given is None or _is_none(given):
        yield _flag(call, given)


def _streams(call: cst.Call, here: Here) -> bool:
    """Whether the client serves a stream, which may rightly stay open for ever."""
    around = here.function(call) or here.module
    streams = ("stream", "connect_sse", "aconnect_sse")
    return around is not None and any(
        dotted(each.func).rpartition(".")[2] in streams for each in find(around, cst.Call)
    )


def _flag(call: cst.Call, given: cst.BaseExpression | None) -> Flag:
    name = dotted(call.func) or "this call"
    if given is not None:
        message = (
            f"`None` for a timeout lets `{name}` wait for ever: a server that stops answering keeps "
            "this worker. Say how many seconds the answer is worth."
        )
        return Flag(call.func, message, fix=replacing(given, _SECONDS))
    message = (
        f"`{name}` has no timeout: a server that stops answering keeps this worker for ever. "
        f"Pass `timeout=`, in seconds."
    )
    fix = Fix((Replace(call, with_keyword(call, "timeout", _SECONDS)),))
    return Flag(call.func, message, fix=fix)


def _is_none(node: cst.BaseExpression | None) -> bool:
    return isinstance(node, cst.Name) and node.value == "None"


def _of_attribute(func: cst.BaseExpression, here: Here) -> frozenset[str]:
    """The names of `self.session.get`, where the class itself assigns `self.session`."""
    match func:
        case cst.Attribute(
            value=cst.Attribute(value=cst.Name(value="self")) as held, attr=cst.Name(value=verb)
        ):
            values = [each.value for each in _assignments(held, here)]
            made = here.names(*values)
            if values and made and made <= _SESSIONS | _CLIENTS:
                return frozenset(f"{each}.{verb}" for each in made)
        case cst.Attribute(value=cst.Name() as owner, attr=cst.Name(value=verb)):
            made = _annotated(owner, here)
            return frozenset(f"{each}.{verb}" for each in made & (_SESSIONS | _CLIENTS))
    return frozenset()


def _annotated(owner: cst.Name, here: Here) -> frozenset[str]:
    """What the annotation of a parameter says that it is."""
    bound = here.bindings(owner)
    node = bound[0].node if len(bound) == 1 and bound[0].kind is Kind.PARAMETER else None
    if not isinstance(node, cst.Param) or node.annotation is None:
        return frozenset()
    return here.names(node.annotation.annotation)


class _Held:
    """What each class of a file gives to its attributes, found once."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._known: dict[int, dict[str, list[cst.Assign]]] = {}

    def by(self, around: cst.ClassDef) -> Mapping[str, list[cst.Assign]]:
        known = self._known.get(id(around))
        if known is None:
            known = self._known[id(around)] = {}
            for each in find(around, cst.Assign):
                for target in each.targets:
                    known.setdefault(dotted(target.target), []).append(each)
        return known


def _assignments(held: cst.Attribute, here: Here) -> list[cst.Assign]:
    around = here.around(held, cst.ClassDef)
    return here.kept(_Held).by(around).get(dotted(held), []) if around is not None else []


def _has_default_timeout(call: cst.Call, here: Here) -> bool:
    """Whether an adapter of the project's own, or a patched method, bounds the session."""
    if not isinstance(call.func, cst.Attribute) or here.module is None:
        return False
    session = dotted(call.func.value)
    in_class = here.around(call, cst.ClassDef) if session.startswith("self.") else None
    around = in_class or here.function(call) or here.module
    for each in find(around, cst.Call, cst.Assign):
        match each:
            case cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value="mount"))):
                adapter = argument(each, 1, "adapter")
                made = here.names(adapter)
                if dotted(owner) == session and not (made and made <= _PLAIN_ADAPTERS):
                    return True
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Attribute(value=owner))]):
                names = [f"{session}.{verb}" for verb in (*_VERBS, "send")]
                if dotted(owner) == session and dotted(each.targets[0].target) in names:
                    return True
    return _is_passed_on(session, around, here)


def _is_passed_on(session: str, around: cst.CSTNode, here: Here) -> bool:
    """Whether the session goes through a function that may well set it up."""
    for each in find(around, cst.Call):
        if any(dotted(arg.value) == session for arg in each.args):
            words = (dotted(each.func) or here.source(each.func)).lower()
            if any(hint in words for hint in ("timeout", "adapter", "retr", "configure", "setup")):
                return True
    return False


def _is_bounded_around(call: cst.Call, here: Here) -> bool:
    """`with Timeout(5): ...` of gevent, eventlet and their like."""
    for each in here.scopes.ancestors(call):
        if isinstance(each, cst.FunctionDef):
            return False
        if isinstance(each, cst.With):
            heads = [item.item.func for item in each.items if isinstance(item.item, cst.Call)]
            if any(dotted(head).lower().endswith(("timeout", "time_limit")) for head in heads):
                return True
    return False


def _sets_default_timeout(here: Here) -> bool:
    """Whether the module gives every socket a timeout, which `urlopen` honours."""
    return here.module is not None and any(
        dotted(each.func).endswith("setdefaulttimeout") for each in find(here.module, cst.Call)
    )
