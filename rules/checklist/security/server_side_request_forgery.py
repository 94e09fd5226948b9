"""A caller decides to which host a request of the server goes.

The server reaches what callers cannot: services of the internal network, the cloud's metadata, its
own administration. Keep scheme and host constant and let callers choose only a part of the path or
query, or hold the host against a list of your own.

Bad:
```python shop/views.py
import requests
from django.http import HttpResponse

def preview(request):
    page = requests.get(request.GET["url"], timeout=5)  # flagged
    return HttpResponse(page.content, content_type="image/png")
```
Bad:
```python shop/api.py
import httpx
from fastapi import APIRouter

router = APIRouter()

@router.post("/hooks")
async def hook(target: str):
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"https://{target}/ping")  # flagged
    return answer.json()
```
Good: the host is fixed.
```python shop/api.py
import httpx
import requests
from fastapi import APIRouter

router = APIRouter()
API = "https://api.example.com"

@router.get("/books/{isbn}")
async def book(isbn: str, q: str):
    async with httpx.AsyncClient() as client:
        await client.get(f"{API}/books/{isbn}", params={"q": q})
    return requests.get("https://api.example.com/search?q=" + q, timeout=5).json()
```
Good: the host is on a list.
```python shop/views.py
from urllib.parse import urlparse

import requests
from django.http import HttpResponse, HttpResponseBadRequest

HOSTS = ("images.example.com", "cdn.example.com")

def preview(request):
    url = request.GET["url"]
    if urlparse(url).hostname not in HOSTS:
        return HttpResponseBadRequest()
    page = requests.get(url, timeout=5)
    return HttpResponse(page.content, content_type="image/png")
```
"""

import re
from collections.abc import Iterator

from rules.flow.domain import Call
from rules.flow.frame import Frame
from rules.flow.taint.report import flag
from rules.flow.taint.sinks import Sink
from rules.flow.taint.subject import TaintedCall
from rules.flow.values import Choice, Text, Value
from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="SEC105",
    severity=Severity.ERROR,
    checklist=("security.request-forgery",),
    cwe=918,
    defers=False,
    peers=("ruff:S310", "bandit:B310"),
)

_VERBS = ("get", "post", "put", "patch", "delete", "head", "options")
_CLIENTS = ("requests", "httpx", "requests.Session()", "requests.session()", "httpx.Client()")
_MORE = ("httpx.AsyncClient()", "aiohttp.ClientSession()", "niquests", "curl_cffi.requests")
_HOST = re.compile(r"^[a-z][a-z0-9+.-]*://[^/?#]+[/?#]", re.IGNORECASE)


def _is_open_host(call: Call, frame: Frame) -> bool:
    """Whether the beginning of the address leaves the host open."""
    position = 1 if call.method in ("request", "stream") else 0
    return leaves_host_open(call.argument(position, "url", "fullurl"))


def leaves_host_open(given: Value | None) -> bool:
    if isinstance(given, Choice):
        return any(leaves_host_open(each) for each in given.values)
    if isinstance(given, Text):
        start = given.start
        if start:
            return not _HOST.match(start)
        return bool(given.parts[0].marks)
    return given is not None


class OutgoingAddress(TaintedCall):
    family = "host"
    sinks = (
        Sink(
            tuple(f"{one}.{verb}" for one in (*_CLIENTS, *_MORE) for verb in _VERBS),
            (0, "url"),
            _is_open_host,
        ),
        Sink(
            tuple(f"{one}.{verb}" for one in (*_CLIENTS, *_MORE) for verb in ("request", "stream")),
            (1, "url"),
            _is_open_host,
        ),
        Sink(
            ("urllib.request.urlopen", "urllib.request.Request", "urllib.request.urlretrieve"),
            (0, "url"),
            _is_open_host,
        ),
        Sink(("urllib3.PoolManager().request",), (1, "url"), _is_open_host),
        Sink(("http.client.HTTPConnection", "http.client.HTTPSConnection"), (0, "host")),
    )


@rule.on(OutgoingAddress)
def check(found: OutgoingAddress, here: Here) -> Iterator[Flag]:
    yield flag(
        found,
        here,
        f"decides to which host `{found.called}` goes: a caller can reach services inside the network",
        "Keep the host constant, or hold it against a list of your own.",
    )
