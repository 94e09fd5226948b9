"""Calls that go over the network to somebody else's service."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.kit import Here, find

_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request", "stream", "send")
_HTTP = frozenset(
    {"requests", "requests.api", "requests.Session", "requests.session", "httpx", "httpx.Client"}
    | {"httpx.AsyncClient", "aiohttp.ClientSession", "urllib3", "urllib3.PoolManager"}
)
_WHOLE = frozenset({"urllib.request.urlopen", "urllib3.request", "aiohttp.request"})
_CALLS = frozenset(f"{home}.{verb}" for home in _HTTP for verb in _VERBS) | _WHOLE
WORDS = ("requests", "httpx", "aiohttp", "urllib3", "urlopen")


def network_calls(body: cst.CSTNode, here: Here) -> Iterator[cst.Call]:
    """The calls below that send an HTTP request."""
    for each in find(body, cst.Call):
        if isinstance(each.func, cst.Attribute | cst.Name) and here.names(each.func) & _CALLS:
            yield each


def is_handled(node: cst.CSTNode, here: Here) -> bool:
    """Whether something in the same function catches what goes wrong here."""
    at = node
    for around in here.scopes.ancestors(node):
        if isinstance(around, cst.FunctionDef | cst.Lambda):
            return False
        if isinstance(around, cst.Try | cst.TryStar) and around.body is at and around.handlers:
            return True
        if isinstance(around, cst.With) and any(
            "suppress" in here.source(each.item) for each in around.items
        ):
            return True
        at = around
    return False
