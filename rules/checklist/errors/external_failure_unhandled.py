"""A request waits for another service, and nothing handles that service's failure.

When the other side is down, slow or answers with an error, the visitor gets a 500 from your
application, though it is fine. Catch the client's errors and answer with what can still be said,
such as 502 or 503.

Bad:
```python
import requests
from django.http import JsonResponse


def rates(request):
    answer = requests.get("https://rates.example.org", timeout=5)  # flagged
    answer.raise_for_status()
    return JsonResponse(answer.json())
```
Good:
```python
import requests
from django.http import JsonResponse


def rates(request):
    try:
        answer = requests.get("https://rates.example.org", timeout=5)
        answer.raise_for_status()
    except requests.RequestException:
        return JsonResponse({"error": "no rates at the moment"}, status=503)
    return JsonResponse(answer.json())
```
Bad:
```python
import httpx
from fastapi import FastAPI

app = FastAPI()


@app.get("/rates")
async def rates():
    async with httpx.AsyncClient() as client:
        return (await client.get("https://rates.example.org")).json()  # flagged
```
Good:
```python
import httpx
from fastapi import FastAPI, HTTPException

app = FastAPI()


@app.get("/rates")
async def rates():
    try:
        async with httpx.AsyncClient() as client:
            return (await client.get("https://rates.example.org")).json()
    except httpx.HTTPError:
        raise HTTPException(503, "no rates at the moment") from None
```
Good: a handler for all routes, or a decorator of the view.
```python
import httpx
import requests
from fastapi import FastAPI
from flask import Flask

from shop.views import handles_failures

app = FastAPI()
site = Flask(__name__)


@app.exception_handler(httpx.HTTPError)
def failed(request, error):
    return {"error": "try again later"}


@app.get("/rates")
def rates():
    return httpx.get("https://rates.example.org").json()


@site.get("/prices")
@handles_failures
def prices():
    return requests.get("https://prices.example.org", timeout=5).json()
```
Good: not in the path of a request.
```python
import requests


def refresh(rates):
    rates.update(requests.get("https://rates.example.org", timeout=5).json())


def track(request, session):
    requests.post("https://stats.example.org", json={"path": request.path}, timeout=1)
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.facts.leaked_errors import is_answer, last_of
from rules.facts.network_calls import NetworkCall, is_handled
from rules.facts.python_modules import Modules
from rules.facts.routes import HTTP_METHODS, ROUTE_NAMES, view_of
from rules.kit import Flag, Here, Rule, Severity, dotted, find, string

rule = Rule(
    __name__,
    __doc__,
    code="ERR111",
    severity=Severity.NOTICE,
    checklist=("errors.degradation",),
)

_HARMLESS = (
    frozenset({"api_view", "permission_classes", "login_required", "csrf_exempt", "action"})
    | frozenset({"require_GET", "require_POST", "require_http_methods", "require_safe"})
    | frozenset({"extend_schema", "swagger_auto_schema", "never_cache", "staff_member_required"})
    | frozenset({"staticmethod", "method_decorator", "permission_required", "cache_page"})
    | ROUTE_NAMES
    | HTTP_METHODS
)
_HANDLERS = ("exception_handler", "errorhandler", "add_exception_handler", "register_error_handler")


@rule.on(NetworkCall)
def check(found: NetworkCall, here: Here) -> Iterator[Flag]:
    function, call = found.function, found.call
    if function is None or here.is_script or id(function) in here.kept(_seen):
        return
    here.kept(_seen).add(id(function))
    if is_handled(call, here) or view_of(function, here) is None:
        return
    if not _answers(function, here) or _is_wrapped(function) or _is_handled_above(here):
        return
    message = (
        f"If this service is down, `{function.name.value}` answers every visitor with a 500. "
        f"Catch the errors of `{dotted(call.func).partition('.')[0] or 'the client'}` and answer "
        "what can still be said."
    )
    yield Flag(call, message)


def _seen(_here: Here) -> set[int]:
    """The functions whose first call was looked at: one finding is enough."""
    return set()


def _answers(function: cst.FunctionDef, here: Here) -> bool:
    """Whether it is a view itself, not one of the many that are handed the request."""
    if isinstance(here.around(function, cst.ClassDef), cst.ClassDef) or function.decorators:
        return True
    return any(is_answer(each, here) for each in find(function.body, cst.Call))


def _is_wrapped(function: cst.FunctionDef) -> bool:
    """Whether a decorator that we do not know may handle failures."""
    for each in function.decorators:
        node = each.decorator
        last = last_of(node) if isinstance(node, cst.Call) else dotted(node).rpartition(".")[2]
        if last not in _HARMLESS:
            return True
    return False


def _is_handled_above(here: Here) -> bool:
    """Whether the module, or a module of the project that is for that, handles failures of calls."""
    if here.module is not None and here.mentions((*_HANDLERS, "handle_exception")):
        for each in find(here.module, cst.Call):
            if last_of(each) in _HANDLERS and _is_of_client(each):
                return True
        if here.mentions(("handle_exception",)):
            return True
    modules: Modules = here.project.facts(Modules)
    return any(
        function.name == "process_exception" or _handles(function.decorators)
        for record in modules.by_path.values()
        for held in (record.functions, *(each.methods for each in record.classes))
        for function in held
    )


def _is_of_client(call: cst.Call) -> bool:
    return any(
        not (string(each.value) or isinstance(each.value, cst.Integer)) for each in call.args
    )


def _handles(decorators: tuple[str, ...]) -> bool:
    return any(each.rpartition(".")[2] in _HANDLERS for each in decorators)
