"""Calls that go over the network to somebody else's service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import libcst as cst

from rules.facts.leaked_errors import last_of
from rules.kit import Here, dotted
from rules.kit.paths import is_test
from rules.kit.subjects import DerivedSubject

_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request", "stream", "send")
_HTTP = frozenset(
    {"requests", "requests.api", "requests.Session", "requests.session", "httpx", "httpx.Client"}
    | {"httpx.AsyncClient", "aiohttp.ClientSession", "urllib3", "urllib3.PoolManager"}
)
_WHOLE = frozenset({"urllib.request.urlopen", "urllib3.request", "aiohttp.request"})
_CALLS = frozenset(f"{home}.{verb}" for home in _HTTP for verb in _VERBS) | _WHOLE
_LASTS = frozenset({*_VERBS, "urlopen"})
_IMPORTED = re.compile(r"^(requests|httpx|aiohttp|urllib3|urllib|six)\b")


@dataclass(frozen=True, eq=False)
class NetworkCall(DerivedSubject):
    """A call that sends an HTTP request, with the function that makes it."""

    call: cst.Call
    function: cst.FunctionDef | None

    words: ClassVar[frozenset[str]] = frozenset(
        {"requests", "httpx", "aiohttp", "urllib3", "urlopen"}
    )

    @classmethod
    def lives_in(cls, path: str) -> bool:
        return not is_test(path)

    @classmethod
    def found_in(cls, module: cst.Module, here: Here) -> Iterator[NetworkCall]:
        del module
        if not _imports_client(here):
            return
        for each in here.find(cst.Call):
            if last_of(each) in _LASTS and here.names(each.func) & _CALLS:
                yield cls(each, here.function(each))


def _imports_client(here: Here) -> bool:
    """Whether a client is imported, at the top or in a function."""
    modules = [dotted(each.module) for each in here.find(cst.ImportFrom)]
    modules += [dotted(name.name) for each in here.find(cst.Import) for name in each.names]
    return any(map(_IMPORTED.match, modules))


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
