"""A new view, route, command or task is named by no test.

What comes in from outside is where most goes wrong: permissions, bad input, empty answers. No
test of the project names this one, by its function, its URL or the name of its URL.

Before:
```python shop/api.py
from fastapi import APIRouter

router = APIRouter()


@router.get("/orders")
def list_orders():
    return []
```
```python tests/test_api.py
def test_orders(client):
    assert client.get("/orders").json() == []
```
Bad:
```python shop/api.py
from fastapi import APIRouter

router = APIRouter()


@router.get("/orders")
def list_orders():
    return []


@router.post("/orders/{order_id}/refund")
def refund_order(order_id: int):  # flagged
    return {"refunded": order_id}
```
```python tests/test_api.py
def test_orders(client):
    assert client.get("/orders").json() == []
```
Good: tested by its URL.
```python shop/api.py
from fastapi import APIRouter

router = APIRouter()


@router.get("/orders")
def list_orders():
    return []


@router.post("/orders/{order_id}/refund")
def refund_order(order_id: int):
    return {"refunded": order_id}
```
```python tests/test_api.py
def test_orders(client):
    assert client.get("/orders").json() == []


def test_refund(client):
    assert client.post("/orders/1/refund").json() == {"refunded": 1}
```
Before:
```python shop/tasks.py
from celery import shared_task


@shared_task
def close_orders():
    return 1
```
```python shop/tests/test_tasks.py
from shop.tasks import close_orders


def test_close_orders():
    assert close_orders() == 1
```
Bad: a task, and a command.
```python shop/tasks.py
from celery import shared_task


@shared_task
def close_orders():
    return 1


@shared_task
def archive_orders():  # flagged
    return 2
```
```python shop/management/commands/move_orders.py
from django.core.management.base import BaseCommand


class Command(BaseCommand):  # flagged
    def handle(self, *args, **options):
        self.stdout.write("moved")
```
```python shop/tests/test_tasks.py
from shop.tasks import close_orders


def test_close_orders():
    assert close_orders() == 1
```
Good: a task that was there before, under another name of its module.
```python shop/jobs.py
from celery import shared_task


@shared_task
def close_orders():
    return 1
```
```python shop/tests/test_tasks.py
from shop.jobs import close_orders


def test_close_orders():
    assert close_orders() == 1
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from rules.facts.python_modules import Modules
from rules.facts.route import Route
from rules.facts.tests import Suite
from rules.kit import Change, Flag, Here, Project, PythonFile, Rule, Severity, dotted
from rules.kit.paths import is_generated, is_migration, is_test
from rules.kit.positions import positions

rule = Rule(
    __name__,
    __doc__,
    code="TST102",
    severity=Severity.WARNING,
    checklist=("tests.present", "tests.api-assertions", "tests.critical-paths"),
    scope="project",
)

_TASKS = re.compile(r"(^|\.)(shared_task|task|actor|periodic_task|db_task|job)$")
_COMMAND = re.compile(r"(^|/)management/commands/(?P<name>[a-z]\w*)\.py$")
_ROUTED = re.compile(
    rb"route|path\(|\.(get|post|put|patch|delete|websocket)\(|url\(|task|actor|Command"
)
_PARAMETER = re.compile(r"<[^<>]*>|\{[^{}]*\}|\(\?P<\w+>[^()]*\)")
_LEAST_TELLING = 5
_LIBRARIES = frozenset(
    {
        "django",
        "rest_framework",
        "drf_spectacular",
        "drf_yasg",
        "rest_framework_simplejwt",
        "debug_toolbar",
    }
    | {
        "strawberry",
        "graphene_django",
        "oauth2_provider",
        "allauth",
        "dj_rest_auth",
        "django_prometheus",
    }
)
_FEW = 4  # endpoints that say nothing of what is usual


@dataclass(frozen=True)
class _Entry:
    """A way in. `words` are the names by which a test may call it; `target` is what answers."""

    node: cst.CSTNode
    kind: str
    name: str
    words: frozenset[str]
    url: str
    target: str = ""


@rule.on(PythonFile)
def parse(_file: PythonFile, _here: Here) -> Iterator[Flag]:
    """Ask for the trees of all changed files; what is new is said of the change."""
    yield from ()


@rule.on(Change)
def check(change: Change, here: Here) -> Iterator[Flag]:
    suite: Suite = change.after.facts(Suite)
    if not suite.by_path:
        return
    known = _known_before(change)
    for each in change.files:
        new = change.trees.get(each.path, (None, None))[1]
        if new is None or each.status == "removed" or not _counts(each.path):
            continue
        if not _ROUTED.search(each.after or b""):
            continue
        tested = suite.covers_area(each.path)
        entries = list(_entries(each.path, new, change.after))
        usual = _tests_most([e for e in entries if e.words & known], suite)
        for entry in entries:
            if not (usual if entry.kind == "endpoint" else tested):
                continue
            if entry.words & known or _is_named(entry, suite):
                continue
            path, line = _place(entry, each.path, new, change)
            home = suite.place_for(path, entry.name)
            where = f", in `{home.path}`" if home is not None and home.exists else ""
            message = (
                f"The new {entry.kind} `{entry.name}` is named by no test, neither by its name nor by "
                f"its URL; test at least what it answers, and to whom{where}."
            )
            yield Flag(line, message, path=path, identity=f"{entry.name} untested")


def _place(entry: _Entry, path: str, module: cst.Module, change: Change) -> tuple[str, int]:
    """The new function that answers, which a test would be about; else the route itself."""
    modules: Modules = change.after.facts(Modules)
    home, _, name = entry.target.rpartition(".")
    at = modules.path_of.get(home, "")
    there = change.trees.get(at, (None, None))[1]
    added = next((each.added for each in change.files if each.path == at), frozenset())
    if there is not None:
        for each in there.body:
            if isinstance(each, cst.FunctionDef | cst.ClassDef) and each.name.value == name:
                line = positions(there, [each])[id(each)].line
                if line in added:
                    return at, line
    return path, positions(module, [entry.node])[id(entry.node)].line


def _tests_most(entries: list[_Entry], suite: Suite) -> bool:
    """Whether this project tests such as these: not if it leaves most of those that stand here."""
    named = sum(_is_named(each, suite) for each in entries)
    return len(entries) < _FEW or named * 3 >= len(entries)


def _counts(path: str) -> bool:
    return not (is_test(path) or is_migration(path) or is_generated(path))


def _known_before(change: Change) -> frozenset[str]:
    """The names of everything that was a way in before, in any file of the change."""
    found: set[str] = set()
    for each in change.files:
        old = change.trees.get(each.path, (None, None))[0]
        if old is not None and _counts(each.old_path):
            found |= {w for e in _entries(each.old_path, old, change.before) for w in e.words}
    return frozenset(found)


def _entries(path: str, module: cst.Module, project: Project) -> Iterator[_Entry]:
    command = _COMMAND.search(path)
    for each in module.body:
        match each:
            case cst.ClassDef(name=cst.Name(value="Command")) if command is not None:
                name = command["name"]
                yield _Entry(each, "command", name, frozenset({name}), "")
            case cst.FunctionDef(name=cst.Name(value=name)) if _is_task(each):
                yield _Entry(each, "task", name, frozenset({name}), "")
            case _:
                pass
    here = Here(path=path, project=project, module=module)
    for route in Route.found_in(module, here):
        if route.includes or _is_of_a_library(route, project):
            continue
        name = route.target.rpartition(".")[2]
        node = route.handler if isinstance(route.handler, cst.FunctionDef | cst.ClassDef) else None
        words = frozenset(each for each in (name, route.name.rpartition(":")[2]) if each)
        if words and name:
            at = node or route.node
            yield _Entry(at, "endpoint", name, words, route.path or "", route.target)


def _is_of_a_library(route: Route, project: Project) -> bool:
    """Whether a library answers: what it does is tested there."""
    modules: Modules = project.facts(Modules)
    head = route.target.partition(".")[0]
    return head in _LIBRARIES and head not in modules.path_of


def _is_task(function: cst.FunctionDef) -> bool:
    for each in function.decorators:
        node = each.decorator
        if _TASKS.search(dotted(node.func if isinstance(node, cst.Call) else node)):
            return True
    return False


def _is_named(entry: _Entry, suite: Suite) -> bool:
    """Whether a test names it, or asks for a URL like its own."""
    if any(True for word in entry.words for _ in suite.naming(word)):
        return True
    if entry.kind != "endpoint":
        return False
    bare = entry.url.lstrip("^/").rstrip("$/?")
    telling = [each for each in re.split(r"/", _PARAMETER.sub("", bare)) if each]
    if not telling:
        return True  # told by its prefix alone, which stands elsewhere
    parts = [re.escape(each) for each in _PARAMETER.split(bare)]
    form = re.compile(r"[^/]+".join(parts) + r"/?(\?|$)")
    if any(form.search(text) for record in suite.by_path.values() for text in record.texts):
        return True
    last = telling[-1].replace("-", "_")
    return len(last) >= _LEAST_TELLING and any(True for _ in suite.naming(last))
