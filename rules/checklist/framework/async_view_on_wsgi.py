"""An async view runs on a server that knows no async.

Under WSGI each call of an async view starts an event loop of its own and ends it with the answer:
the worker is busy all the while, connections cannot be kept, and background tasks are cut off. Write
it as a plain function, or serve the application over ASGI.

Bad: Flask.
```python
from flask import Flask

app = Flask(__name__)


@app.get("/rates")
async def rates():  # flagged
    return await fetch()
```
Good:
```python
from flask import Flask

app = Flask(__name__)


@app.get("/rates")
def rates():
    return fetch()
```
Bad: Django, started by gunicorn with WSGI workers.
```python shop/views.py
from django.http import JsonResponse


async def rates(request):  # flagged
    return JsonResponse(await fetch())
```
```text Procfile
web: gunicorn shop.wsgi --workers 4
```
Good:
```python shop/views.py
from django.http import JsonResponse


async def rates(request):
    return JsonResponse(await fetch())
```
```text Procfile
web: gunicorn shop.asgi -k uvicorn.workers.UvicornWorker
```
Good: nobody knows what serves it, and a framework that is always async.
```python shop/views.py
from django.http import JsonResponse


async def rates(request):
    return JsonResponse(await fetch())
```
```python shop/api.py
from quart import Quart

app = Quart(__name__)


@app.get("/rates")
async def rates():
    return await fetch()
```
Good: Flask that is wrapped for an ASGI server.
```python
from asgiref.wsgi import WsgiToAsgi
from flask import Flask

app = Flask(__name__)
served = WsgiToAsgi(app)


@app.get("/rates")
async def rates():
    return await fetch()
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.leaked_errors import is_answer
from rules.facts.route import Route
from rules.facts.view_servers import ViewServers
from rules.kit import Flag, Here, Rule, Severity, dotted, find

rule = Rule(
    __name__,
    __doc__,
    code="FWK122",
    severity=Severity.WARNING,
    checklist=("django.async-views", "flask.async", "deploy.server"),
    scope="project",
)


@rule.on(Route, words=("async",))
def check_flask(route: Route, here: Here) -> Iterator[Flag]:
    function = route.handler
    if route.framework != "flask" or not isinstance(function, cst.FunctionDef) or here.is_test:
        return
    if function.asynchronous is None or here.mentions(
        ("quart", "Quart", "WsgiToAsgi", "AsgiMiddleware")
    ):
        return
    servers: ViewServers = here.project.facts(ViewServers)
    if not servers.asgi:
        yield _flag(function)


@rule.on(cst.FunctionDef, words=("async",))
def check_django(function: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    if function.asynchronous is None or here.is_test or not here.mentions(("django",)):
        return
    first = function.params.params[0].name.value if function.params.params else ""
    if first != "request" or here.around(function, cst.FunctionDef, cst.ClassDef) is not None:
        return
    answers = any(
        is_answer(call, here)
        for each in find(function.body, cst.Return)
        for call in find(each, cst.Call)
    )
    decorated = any("ninja" in dotted(each.decorator) for each in function.decorators)
    servers: ViewServers = here.project.facts(ViewServers)
    if answers and not decorated and servers.wsgi and not servers.asgi:
        yield _flag(function)


def _flag(function: cst.FunctionDef) -> Flag:
    return Flag(
        function,
        f"`{function.name.value}` is async, and served over WSGI: each call starts an event loop and blocks "
        "the worker as before. Make it a plain function, or serve the application over ASGI.",
    )
