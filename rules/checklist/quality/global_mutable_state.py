"""Code that answers requests changes a variable of its module.

Each worker process has its own copy, so what one request writes the next may not find; within a
process threads overwrite each other's values, and nothing ever removes them. Keep such state in
the database, a cache, the request or the session.

Bad:
```python
from django.http import JsonResponse

visits = 0
seen = {}


def home(request):
    global visits  # flagged
    visits += 1
    seen[request.user.pk] = request.path  # flagged
    return JsonResponse({"visits": visits})
```
Good:
```python
from django.core.cache import cache
from django.http import JsonResponse


def home(request):
    cache.set(f"seen:{request.user.pk}", request.path)
    return JsonResponse({"visits": cache.incr("visits")})
```
Bad:
```python
from celery import shared_task
from fastapi import FastAPI

app = FastAPI()
orders = []
failed = set()


@app.post("/orders")
async def order(number: int):
    orders.append(number)  # flagged
    return {"orders": len(orders)}


@shared_task
def send(number):
    failed.add(number)  # flagged
```
Good:
```python
from celery import shared_task
from fastapi import Depends, FastAPI

app = FastAPI()


@app.post("/orders")
async def order(number: int, session=Depends()):
    session.add(number)
    return {"orders": session.count()}


@shared_task
def send(number, store):
    store.add(number)
```
Good: filled while modules are imported, and a constant that is only read.
```python
from django.http import JsonResponse

HANDLERS = {}


def handler(name):
    def register(function):
        HANDLERS[name] = function
        return function

    return register


def call(request, name):
    found = HANDLERS[name]
    return JsonResponse(found(request))
```
Good: guarded by a lock, or made once and then kept.
```python
import threading

from django.http import JsonResponse

_lock = threading.Lock()
_counts = {}
_client = None


def count(request):
    with _lock:
        _counts[request.path] = _counts.get(request.path, 0) + 1
    return JsonResponse(_counts)


def client(request):
    global _client
    if _client is None:
        _client = connect()
    return JsonResponse(_client.state())
```
Good: a name of its own that hides the module's.
```python
from django.http import JsonResponse

found = []


def search(request):
    found = []
    found.append(request.GET["q"])
    return JsonResponse({"found": found})
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.leaked_errors import is_answer
from rules.facts.routes import by_decorator, view_of
from rules.facts.task_functions import task_of
from rules.kit import Flag, Here, Kind, PythonFile, Rule, Severity, dotted, find, walk_own

rule = Rule(
    __name__,
    __doc__,
    code="QLT109",
    severity=Severity.WARNING,
    checklist=("quality.global-variables",),
    cwe=362,
    peers=("ruff:PLW0603", "pylint:W0603"),
)

_CHANGING = frozenset(
    {"append", "add", "update", "extend", "insert", "pop", "popitem", "remove", "discard", "clear"}
    | {"setdefault", "appendleft", "popleft"}
)
# What stands behind a name that is changed.
_CHANGE = re.compile(
    rb"\.(?:" + b"|".join(each.encode() for each in sorted(_CHANGING)) + rb")\("
    rb"|\[[^\]\n]{1,80}\][ ]?[-+|&]?=(?!=)"
)
_CONTAINERS = frozenset({"dict", "list", "set", "defaultdict", "deque", "OrderedDict", "Counter"})
_LOCKED = re.compile(r"(?i)lock|mutex|semaphore")
_CACHE = re.compile(r"(?i)cache|memo|registry")


@rule.on(PythonFile, words=("request", "route", "get", "post", "task", "shared_task", "websocket"))
def check(file: PythonFile, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_script or here.is_migration:
        return
    held = {each for each in _containers(file.module) if _may_be_changed(each, file.source)}
    changing = _changing(held, here)
    if not changing:
        return
    for function in here.find(cst.FunctionDef):
        if id(function) not in changing or not _may_serve(function) or not _serves(function, here):
            continue
        yield from _of_function(function, held, here)


def _may_be_changed(name: str, source: bytes) -> bool:
    """Whether something like a change follows the name anywhere: mostly nothing does."""
    word = name.encode()
    at = source.find(word)
    while at >= 0:
        at += len(word)
        if _CHANGE.match(source, at):
            return True
        at = source.find(word, at)
    return False


def _containers(module: cst.Module) -> set[str]:
    """Names at the top of the module that hold something which can be filled."""
    found = set()
    for line in module.body:
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            match each:
                case cst.Assign(
                    targets=[cst.AssignTarget(target=cst.Name(value=name))], value=value
                ):
                    pass
                case cst.AnnAssign(target=cst.Name(value=name), value=value) if value is not None:
                    pass
                case _:
                    continue
            if _is_container(value) and not _CACHE.search(name):
                found.add(name)
    return found


def _is_container(value: cst.BaseExpression) -> bool:
    match value:
        case cst.Dict() | cst.List() | cst.Set():
            return True
        case cst.Call(func=func):
            return dotted(func).rpartition(".")[2] in _CONTAINERS
        case _:
            return False


def _may_serve(function: cst.FunctionDef) -> bool:
    """A look that costs nothing: most functions have no sign of a view or a task."""
    first = function.params.params[0].name.value if function.params.params else ""
    return bool(function.decorators) or first in ("self", "request", "req")


def _changing(held: set[str], here: Here) -> set[int]:
    """By id, the functions in whose own code a name of interest is changed, by a quick look."""
    nodes: list[cst.CSTNode] = list(here.find(cst.Global)) if here.mentions(("global",)) else []
    if held:
        nodes += (each for each in here.find(cst.Call) if _changed(each, held))
        nodes += (each for each in here.find(cst.Subscript) if _written(each, held, here))
    return {id(here.around(each, cst.FunctionDef, cst.ClassDef, cst.Lambda)) for each in nodes}


def _serves(function: cst.FunctionDef, here: Here) -> bool:
    """Whether it answers requests, or is a task of a queue."""
    if task_of(function, here) is not None:
        return True
    if view_of(function, here) is None:
        return False
    by_name = any(by_decorator(function, each.decorator) for each in function.decorators)
    in_class = isinstance(here.around(function, cst.ClassDef, cst.FunctionDef), cst.ClassDef)
    return by_name or in_class or any(is_answer(each, here) for each in find(function, cst.Call))


def _of_function(function: cst.FunctionDef, held: set[str], here: Here) -> Iterator[Flag]:
    declared: set[str] = set()
    for each in walk_own(function.body):
        name = ""
        if isinstance(each, cst.Global):
            names = [one.name.value for one in each.names]
            declared |= set(names)
            name = next((one for one in names if not _is_made_once(one, function)), "")
        elif isinstance(each, cst.Subscript):
            name = _written(each, held, here)
        elif isinstance(each, cst.Call):
            name = _changed(each, held)
        if not name or _is_locked(each, here):
            continue
        if not isinstance(each, cst.Global) and (name in declared or not _is_of_module(each, here)):
            continue
        yield Flag(
            each,
            f"`{function.name.value}` changes `{name}` of its module: every worker process has "
            "another one, and threads overwrite it. Keep this in the database or a cache.",
        )


def _is_made_once(name: str, function: cst.FunctionDef) -> bool:
    """Whether the function looks if the value is there before it makes one."""
    return any(
        any(one.value == name for one in find(each.test, cst.Name))
        for each in find(function.body, cst.If)
    )


def _written(node: cst.Subscript, held: set[str], here: Here) -> str:
    name = node.value.value if isinstance(node.value, cst.Name) else ""
    above = here.parent(node)
    changed = isinstance(above, cst.AssignTarget | cst.AugAssign | cst.Del)
    if isinstance(above, cst.AugAssign) and above.target is not node:
        changed = False
    return name if changed and name in held else ""


def _changed(node: cst.Call, held: set[str]) -> str:
    match node.func:
        case cst.Attribute(value=cst.Name(value=name), attr=cst.Name(value=method)):
            return name if name in held and method in _CHANGING else ""
        case _:
            return ""


def _is_of_module(node: cst.CSTNode, here: Here) -> bool:
    """Whether the container is the module's own, not one of the function."""
    owner = node.value if isinstance(node, cst.Subscript) else getattr(node, "func", None)
    name = owner.value if isinstance(owner, cst.Attribute) else owner
    if not isinstance(name, cst.Name):
        return False
    bound = here.bindings(name)
    at_top = here.scopes.at_top(name.value)
    return bool(bound) and bound == at_top and all(each.kind is Kind.VALUE for each in bound)


def _is_locked(node: cst.CSTNode, here: Here) -> bool:
    for around in here.scopes.ancestors(node):
        if isinstance(around, cst.FunctionDef):
            return False
        if isinstance(around, cst.With) and any(
            _LOCKED.search(here.source(each.item)) for each in around.items
        ):
            return True
    return False
