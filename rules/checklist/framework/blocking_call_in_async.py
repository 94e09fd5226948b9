"""An async function waits in a way that stops the whole event loop.

While `time.sleep`, `requests` or `subprocess.run` waits, no other request of this process gets
its turn: one slow partner stops all users. Await a call made for it, or move the work to a thread.

Bad:
```python
import asyncio
import subprocess
import time

import requests
from fastapi import FastAPI

app = FastAPI()


@app.get("/rate")
async def rate():
    time.sleep(1)  # flagged
    found = requests.get("https://rates.example.org", timeout=5).json()  # flagged
    subprocess.run(["convert", "rate.png"], check=True)  # flagged
    return found
```
Good:
```python
import asyncio
import subprocess
import time

import requests
from fastapi import FastAPI

app = FastAPI()


@app.get("/rate")
async def rate():
    await asyncio.sleep(1)
    found = (await asyncio.to_thread(requests.get, "https://rates.example.org", timeout=5)).json()
    await asyncio.to_thread(subprocess.run, ["convert", "rate.png"], check=True)
    return found
```
Bad: a function of the project waits, and a client that was made before.
```python shop/rates.py
import requests


def fetch():
    return requests.get("https://rates.example.org", timeout=5).json()
```
```python shop/views.py
import asyncio

import requests
from django.http import JsonResponse

from shop import rates
from shop.rates import fetch

session = requests.Session()


async def index(request):
    first = fetch()  # flagged
    second = rates.fetch()  # flagged
    third = session.post("https://books.example.org", timeout=5)  # flagged
    return JsonResponse({"rates": [first, second, third]})
```
Good:
```python shop/rates.py
import requests


def fetch():
    return requests.get("https://rates.example.org", timeout=5).json()
```
```python shop/views.py
import asyncio

import requests
from django.http import JsonResponse

from shop import rates
from shop.rates import fetch

session = requests.Session()


async def index(request):
    first = await asyncio.to_thread(fetch)
    second = await asyncio.to_thread(rates.fetch)
    third = await asyncio.to_thread(session.post, "https://books.example.org", timeout=5)
    return JsonResponse({"rates": [first, second, third]})
```
Bad: a file.
```python
async def prices(request):
    with open("/srv/prices.csv") as file:  # flagged
        return file.read()
```
Good:
```python
import asyncio
from pathlib import Path


async def prices(request):
    return await asyncio.to_thread(Path("/srv/prices.csv").read_text)
```
Good: handed to a thread, and functions that no event loop runs.
```python
import asyncio
import time

import requests
from anyio import to_thread
from asgiref.sync import sync_to_async


def fetch(url):
    time.sleep(1)
    return requests.get(url, timeout=5)


async def all_of(urls):
    loop = asyncio.get_running_loop()
    first = await loop.run_in_executor(None, fetch, urls[0])
    second = await to_thread.run_sync(lambda: requests.get(urls[1], timeout=5))
    third = await sync_to_async(fetch)(urls[2])

    def work():
        time.sleep(2)

    await asyncio.to_thread(work)
    return first, second, third
```
Good: tests and scripts stop nobody.
```python tests/test_rates.py
import time


async def test_rate(client):
    time.sleep(0.1)
    assert (await client.get("/rate")).status_code == 200
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.blocking import (
    LASTS,
    BlockingFunctions,
    Wait,
    last_name,
    loop_function,
    uses_other_loop,
    wait_of,
)
from rules.facts.console import is_run_by_hand, is_terminal_program
from rules.kit import AddImport, Confidence, Fix, Flag, Here, PythonFile, Replace, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="FWK114",
    severity=Severity.ERROR,
    checklist=("flask.async", "fastapi.async", "database.async-access", "performance.async"),
    scope="project",
    fix="suggestion",
    peers=("ruff:ASYNC210", "ruff:ASYNC221", "ruff:ASYNC230", "ruff:ASYNC251"),
    yields_to=("FWK136",),
)

_PEERS = {
    "waits for an answer over the network": ("ruff:ASYNC210",),
    "waits for another process": ("ruff:ASYNC221",),
    "reads or writes a file": ("ruff:ASYNC230",),
    "sleeps": ("ruff:ASYNC251",),
}


@rule.on(cst.Call, calls=LASTS, words=("async",))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    function = loop_function(call, here)
    wait = wait_of(call, here) if function is not None else None
    if function is None or wait is None or here.is_test or _is_awaited(call, here):
        return
    name = function.name.value
    advice = "Await a call made for it, or use `asyncio.to_thread`."
    if wait.is_file:
        advice = "Use `asyncio.to_thread`, or `aiofiles`."
    message = f"`{name}` {wait.what} and stops the event loop: nobody else is served meanwhile. "
    yield Flag(
        call,
        message + advice,
        fix=_fix(call, wait, here),
        severity=Severity.NOTICE if wait.is_file else None,
        peers=_PEERS.get(wait.what, ()),
        confidence=Confidence.HOTSPOT if _is_spared(here) else None,
    )


@rule.on(PythonFile, words=("async",))
def check_callees(_file: PythonFile, here: Here) -> Iterator[Flag]:
    known: BlockingFunctions = here.project.facts(BlockingFunctions)
    if not known.words or not here.mentions(known.words) or _is_spared(here):
        return
    for call in here.find(cst.Call):
        if last_name(call) not in known.words:
            continue
        waits = known.index.find(sorted(here.names(call.func)))
        function = loop_function(call, here) if waits else None
        if function is None or _is_awaited(call, here):
            continue
        yield Flag(
            call,
            f"`{last_name(call)}` calls `{waits}`, which stops the event loop while it waits: nobody "
            "else is served meanwhile. Use `await asyncio.to_thread(...)`.",
            fix=_threaded(call, here),
            peers=(),
        )


def _is_spared(here: Here) -> bool:
    return here.is_test or is_run_by_hand(here) or is_terminal_program(here)


def _is_awaited(call: cst.Call, here: Here) -> bool:
    return isinstance(here.parent(call), cst.Await)


def _fix(call: cst.Call, wait: Wait, here: Here) -> Fix | None:
    if wait.is_file or uses_other_loop(here):
        return None
    if wait.is_sleep:
        given = ", ".join(here.source(each.value) for each in call.args)
        return _awaiting(call, f"await asyncio.sleep({given})", here)
    return _threaded(call, here)


def _threaded(call: cst.Call, here: Here) -> Fix | None:
    """The same call in a thread. A client that a `with` opens may not leave it."""
    if uses_other_loop(here) or isinstance(here.parent(call), cst.WithItem):
        return None
    func = here.source(call.func)
    given = here.source(cst.Tuple(elements=())) if not call.args else ""
    inside = here.source(call)[len(func) :].strip()
    arguments = inside[1:-1].strip() if not given else ""
    if "\n" in inside or not inside.startswith("("):
        return None
    moved = f"{func}, {arguments}" if arguments else func
    return _awaiting(call, f"await asyncio.to_thread({moved})", here)


def _awaiting(call: cst.Call, code: str, here: Here) -> Fix:
    """`await` binds weaker than what may follow the call."""
    above = here.parent(call)
    if isinstance(above, cst.Attribute | cst.Subscript | cst.Call):
        code = f"({code})"
    return Fix((Replace(call, code), AddImport("asyncio")))
