"""A test asks a real server.

It fails when that server is slow, down or changed, and it may write there. Answer in its place
(`responses`, `respx`, a fake), or record the answer once.

Bad:
```python tests/test_rates.py
import requests


def test_rates():
    response = requests.get("https://api.exchange.io/latest", timeout=5)  # flagged
    assert response.ok
```
Bad: clouds and mail.
```python tests/test_upload.py
import smtplib

import boto3


def test_upload(report):
    store = boto3.client("s3")  # flagged
    store.put_object(Bucket="reports", Key="1", Body=report)
    assert store.list_objects(Bucket="reports")


def test_mail():
    assert smtplib.SMTP("smtp.company.com")  # flagged
```
Good: answered in its place.
```python tests/test_rates.py
import pytest
import requests
import responses


@responses.activate
def test_rates():
    responses.get("https://api.exchange.io/latest", json={})
    assert requests.get("https://api.exchange.io/latest", timeout=5).ok


def test_live(live_server):
    assert requests.get(f"{live_server.url}/latest", timeout=5).ok
```
Good: what stands on one's own machine, and a test that says that it goes out.
```python tests/test_local.py
import boto3
import httpx
import pytest


def test_local():
    assert httpx.get("http://localhost:8000/").is_success
    assert boto3.client("s3", endpoint_url="http://minio:9000")


@pytest.mark.network
def test_outside():
    assert httpx.get("https://www.company.com/").is_success
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import libcst as cst

from rules.kit import Flag, Here, Rule, Severity, argument, keyword, string

rule = Rule(
    __name__,
    __doc__,
    code="TST108",
    severity=Severity.WARNING,
    checklist=("tests.mocks", "tests.integrations"),
)

_MOCKING = re.compile(
    r"(?i)responses\b|respx|requests_mock|httpx_mock|aioresponses|httpretty|pook|\bvcr\b|betamax|cassette"
    r"|patch|monkeypatch|mock|moto|stubber|localstack|testcontainers|pytest_httpserver|MockTransport"
    r"|ASGITransport|WSGITransport|rsps|fake"
)
_OUTSIDE = re.compile(
    r"(?i)network|integration|external|online|live|e2e|end_to_end|slow|smoke|acceptance|contract|internet"
)
_LOCAL = re.compile(
    r"(?i)^(localhost|127\.|0\.0\.0\.0|\[?::1|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|testserver|test$|host\.docker)"
    r"|\.(test|local|localhost|example|invalid|internal)$|^[\w-]+$|(^|\.)example\.(com|org|net)$"
)
_FETCH = re.compile(
    r"^(requests|httpx)\.(get|post|put|patch|delete|head|request|stream)$"
    r"|^urllib\.request\.(urlopen|urlretrieve)$"
)
_CLOUD = frozenset({"boto3.client", "boto3.resource"})


@rule.on(
    cst.Call,
    calls=(
        "get", "post", "put", "patch", "delete", "head", "request", "stream", "urlopen",
        "urlretrieve", "client", "resource", "SMTP", "SMTP_SSL",
    ),
)  # fmt: skip
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if not here.is_test or not here.mentions(("requests", "httpx", "urllib", "boto3", "smtplib")):
        return
    function = here.function(call)
    if function is None or not function.name.value.startswith("test"):
        return
    target = _target(call, here)
    if not target or _OUTSIDE.search(here.path) or here.kept(_is_mocked):
        return
    marks = " ".join(here.source(each) for each in function.decorators)
    if _OUTSIDE.search(marks) or _OUTSIDE.search(function.name.value):
        return
    message = (
        f"`{function.name.value}` asks {target} itself: it fails when that is down or changed, and "
        "may write there. Answer in its place, or mark it as a test that goes out."
    )
    yield Flag(call, message)


def _target(call: cst.Call, here: Here) -> str:
    """The server that is asked, in words; empty where it is not a real one for certain."""
    name = here.name(call.func)
    if _FETCH.match(name):
        place = 1 if name.endswith((".request", ".stream")) else 0
        given = argument(call, place, "url")
        url = string(here.value_of(given)) if given is not None else None
        host = _host(url or "")
        return f"`{host}`" if host and not _LOCAL.search(host) else ""
    if name in _CLOUD and keyword(call, "endpoint_url") is None:
        service = argument(call, 0, "service_name")
        return f"the cloud (`{string(service)}`)" if string(service) else ""
    if name in ("smtplib.SMTP", "smtplib.SMTP_SSL"):
        host = string(argument(call, 0, "host")) or ""
        return f"`{host}`" if host and not _LOCAL.search(host) else ""
    return ""


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_mocked(here: Here) -> bool:
    """Whether anything in the file, or in what its tests are given, stands in for servers."""
    return here.module is None or bool(_MOCKING.search(here.module.code))
