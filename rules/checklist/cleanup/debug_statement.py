"""A debugging aid was left in the code.

A breakpoint stops the worker until somebody types into a terminal that is not there. A
`print` writes to a stream that nobody reads, without a level, a time or a request, and often
with data that should not leave the process. Delete it, or log what is worth keeping.

Bad:
```python shop/views.py
from django.http import JsonResponse


def cart(request):
    import pdb; pdb.set_trace()  # flagged
    print("CART", request.POST)  # flagged
    return JsonResponse({})
```
Good:
```python shop/views.py
from django.http import JsonResponse


def cart(request):
    return JsonResponse({})
```
Bad: in tests too, a breakpoint stops the run.
```python tests/test_cart.py
import ipdb  # flagged


def test_total(cart):
    ipdb.set_trace()  # flagged
    assert cart.total == 3
    breakpoint()  # flagged
```
Good:
```python tests/test_cart.py


def test_total(cart):
    assert cart.total == 3
```
Bad: the wrapper goes, the value stays.
```python shop/services.py
from icecream import ic  # flagged
from sqlalchemy import select


def total(session, cart):
    return ic(session.scalar(select(cart.total)))  # flagged
```
Good:
```python shop/services.py
from sqlalchemy import select


def total(session, cart):
    return session.scalar(select(cart.total))
```
Good: a command talks to the person who runs it.
```python shop/management/commands/import_books.py
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    def handle(self, *args, **options):
        print("Importing")
        self.stdout.write("Done")
```
```python shop/report.py
import argparse


def main():
    print(argparse.ArgumentParser().parse_args())
```
Good: output to a stream of one's choice, and a script in an application's folder.
```python shop/export.py
import sys

from django.db import connection


def export(rows, to):
    for row in rows:
        print(*row, sep=",", file=to)


if __name__ == "__main__":
    print(connection.vendor)
    export([], sys.stdout)
```
Good: a script that is run beside the server, told by its own end.
```python ping.py
import time

from sqlalchemy import create_engine

engine = create_engine("postgresql://db/shop")
if engine.dialect.name == "sqlite":
    exit(0)
print("Waiting for the database")
time.sleep(1)
```
Good: whoever starts the server reads it.
```python shop/__init__.py
from flask import Flask


def init_plugins(app, names):
    for name in names:
        print(f" * Loaded plug-in {name}")


def create_app():
    app = Flask(__name__)
    init_plugins(app, ["payments"])
    return app
```
Good: tests may print, and a debugger may be built upon.
```python tests/test_total.py
def test_total(cart):
    print(cart)
    assert cart.total == 3
```
```python shop/debugger.py
import pdb


class RemotePdb(pdb.Pdb):
    prompt = "(shop) "
```
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from rules.facts.console import (
    is_application,
    is_at_start,
    is_guarded,
    is_run_by_hand,
    is_terminal_program,
    talks,
)
from rules.kit import (
    Confidence,
    Delete,
    Fix,
    Flag,
    Here,
    Replace,
    Rule,
    Severity,
    dotted,
    find,
    keyword,
)

rule = Rule(
    __name__,
    __doc__,
    code="CLN111",
    severity=Severity.WARNING,
    quiet=True,
    checklist=("logging.print", "cleanup.leftovers"),
    fix="safe",
    cwe=489,
    peers=("ruff:T100", "ruff:T201", "ruff:T203", "flake8:T100", "flake8:T201", "flake8:T203"),
)

_PEERS_OF_STOP = ("ruff:T100", "flake8:T100")
_PEERS_OF_PRINT = {
    "builtins.print": ("ruff:T201", "flake8:T201"),
    "pprint.pprint": ("ruff:T203", "flake8:T203"),
}

_DEBUGGERS = frozenset(
    {"pdb", "ipdb", "pudb", "wdb", "rpdb", "pdbpp", "bpdb", "remote_pdb", "web_pdb", "pydevd"}
    | {
        "pydevd_pycharm",
        "debugpy",
        "ptvsd",
        "celery.contrib.rdb",
        "pytest",
        "IPython.core.debugger",
    }
    | {"IPython.terminal.debugger"}
)
_STOPS = frozenset({"set_trace", "settrace", "breakpoint", "wait_for_client"})
_REMOTE = frozenset({"settrace", "wait_for_client"})
_SHELLS = frozenset({"IPython.embed", "ptpython.repl.embed", "bpython.embed", "code.interact"})
_DUMPS = frozenset({"icecream.ic", "devtools.debug"})
_PRINTS = frozenset(
    {
        "builtins.print",
        "pprint.pprint",
        "pprint.pp",
        "rich.print",
        "rich.inspect",
        "rich.pretty.pprint",
    }
)
_ONLY_FOR_DEBUGGING = frozenset(
    {"pdb", "ipdb", "pudb", "wdb", "rpdb", "pdbpp", "bpdb", "remote_pdb", "web_pdb"}
    | {"icecream", "pydevd_pycharm"}
)
_PURE_CALLS = frozenset(
    {"len", "str", "repr", "type", "dir", "vars", "id", "int", "float", "bool", "list", "dict"}
    | {"tuple", "set", "sorted", "sum", "min", "max", "isinstance", "getattr", "hasattr", "format"}
    | {"dumps", "date", "isoformat", "keys", "values", "items", "join", "upper", "lower", "strip"}
    | {"model_dump", "pformat", "format_exc", "zip", "enumerate", "range", "reversed", "round"}
)


@rule.on(cst.Call, calls=("breakpoint", *sorted(_STOPS - {"breakpoint"}), "embed", "interact"))
def check_breakpoint(call: cst.Call, here: Here) -> Iterator[Flag]:
    if _is_stop(call, here):
        name = _as_written(call)
        message = (
            f"`{name}()`{_place(call, here)} stops the process until somebody types into its "
            "terminal. Delete it."
        )
        yield Flag(call, message, fix=_without(call, here), peers=_PEERS_OF_STOP)


@rule.on(cst.Call, calls=("ic", "debug"), words=("icecream", "devtools"))
def check_dump(call: cst.Call, here: Here) -> Iterator[Flag]:
    if _is_dump(call, here):
        name = _as_written(call)
        message = (
            f"`{name}(...)`{_place(call, here)} dumps what it is given to the console. "
            "Keep the value and delete the call."
        )
        yield Flag(call, message, fix=_without(call, here), peers=())


@rule.on(cst.Call, calls=("print", "pprint", "pp", "inspect"))
def check_print(call: cst.Call, here: Here) -> Iterator[Flag]:
    sure = _is_print(call, here)
    if sure is None:
        return
    name = _as_written(call)
    advice, fix = "Delete it, or log what is worth keeping.", _without(call, here)
    if here.around(call, cst.ExceptHandler) is not None:
        advice, fix = "Log the exception instead.", None
    message = (
        f"`{name}`{_place(call, here)} writes to the console of the server, with no level, time "
        f"or request to find it by. {advice}"
    )
    peers = _PEERS_OF_PRINT.get(here.name(call.func), ())
    yield Flag(call, message, fix=fix, confidence=sure, peers=peers)


@rule.on(cst.Import, words=tuple(sorted(_ONLY_FOR_DEBUGGING)))
def check_import(node: cst.Import, here: Here) -> Iterator[Flag]:
    yield from _about_import(node, here)


@rule.on(cst.ImportFrom, words=tuple(sorted(_ONLY_FOR_DEBUGGING)))
def check_import_from(node: cst.ImportFrom, here: Here) -> Iterator[Flag]:
    yield from _about_import(node, here)


def _about_import(node: cst.Import | cst.ImportFrom, here: Here) -> Iterator[Flag]:
    calls = _calls_on(node, here)
    if calls is None:
        return
    module = _module_of(node)
    what = "the calls on it" if calls else "it"
    message = f"`{module}` is imported for debugging only. Delete {what}" + (
        " and the import." if calls else "."
    )
    peers = () if module == "icecream" else _PEERS_OF_STOP
    yield Flag(node, message, fix=_without_import(node, calls, here), peers=peers)


def _module_of(node: cst.Import | cst.ImportFrom) -> str:
    if isinstance(node, cst.ImportFrom):
        return "" if node.relative else dotted(node.module)
    return dotted(node.names[0].name) if len(node.names) == 1 else ""


def _calls_on(node: cst.Import | cst.ImportFrom, here: Here) -> list[cst.Call] | None:
    """The debugging calls that need this import; None if it is none of ours.

    An import that shares its line with a call is told of with that call.
    """
    line = here.parent(node)
    if _module_of(node).partition(".")[0] not in _ONLY_FOR_DEBUGGING:
        return None
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
        return None
    return None if here.around(node, cst.Try) is not None else _needing(node, here)


def _needing(node: cst.Import | cst.ImportFrom, here: Here) -> list[cst.Call] | None:
    """The debugging calls on what is imported; None if it serves anything else too."""
    if isinstance(node.names, cst.ImportStar) or here.module is None:
        return None
    local = {
        dotted(each.asname.name) if each.asname else dotted(each.name).partition(".")[0]
        for each in node.names
    }
    calls = [call for call in find(here.module, cst.Call) if _is_debugging(call, here)]
    roots = {id(_root(call.func)): call for call in calls}
    needed = []
    for each in find(here.module, cst.Name):
        if each.value not in local or _is_part(each, here):
            continue
        if id(each) not in roots:
            return None
        needed.append(roots[id(each)])
    return needed


def _is_part(name: cst.Name, here: Here) -> bool:
    """The name of an attribute, of an argument, or within an import."""
    match here.parent(name):
        case cst.Attribute(attr=attr):
            return attr is name
        case cst.Arg(keyword=word):
            return word is name
        case cst.ImportAlias() | cst.AsName() | cst.ImportFrom():
            return True
        case _:
            return False


def _root(func: cst.CSTNode) -> cst.CSTNode:
    while isinstance(func, cst.Attribute | cst.Call):
        func = func.value if isinstance(func, cst.Attribute) else func.func
    return func


def _is_debugging(call: cst.Call, here: Here) -> bool:
    return _is_stop(call, here) or _is_dump(call, here)


def _is_stop(call: cst.Call, here: Here) -> bool:
    last = call.func.attr.value if isinstance(call.func, cst.Attribute) else dotted(call.func)
    if (
        last not in _STOPS
        and last not in ("embed", "interact")
        and isinstance(call.func, cst.Attribute)
    ):
        return False
    for name in here.names(call.func):
        head, _, last = name.rpartition(".")
        if name == "builtins.breakpoint":
            return True
        if last in _STOPS and _is_debugger(head):
            # A server that can be attached to is often switched on by the environment.
            return last not in _REMOTE or here.around(call, cst.If) is None
        if name in _SHELLS and not here.is_script and not is_terminal_program(here):
            return True
    return False


def _is_debugger(module: str) -> bool:
    return module in _DEBUGGERS or module.partition(".")[0] in _DEBUGGERS - {"pytest", "celery"}


def _is_dump(call: cst.Call, here: Here) -> bool:
    return bool(here.names(call.func) & _DUMPS)


def _is_print(call: cst.Call, here: Here) -> Confidence | None:
    """Whether this is print debugging: for sure, perhaps, or (None) not."""
    if keyword(call, "file") is not None or keyword(call, "stream") is not None:
        return None
    if here.is_test or here.is_migration or is_run_by_hand(here) or here.path.endswith(".pyi"):
        return None
    if not here.names(call.func) & _PRINTS or any(each.star == "**" for each in call.args):
        return None
    if is_terminal_program(here) or talks(call, here) or is_at_start(call, here):
        return None
    if _is_accepted(call, here):
        return None
    sure = is_application(here) and not is_guarded(call, here)
    return Confidence.PROVEN if sure else Confidence.HOTSPOT


def _is_accepted(call: cst.Call, here: Here) -> bool:
    """Another linter was told that this print is meant."""
    line = here.around(call, cst.SimpleStatementLine)
    return line is not None and "noqa" in here.source(line)


def _place(node: cst.CSTNode, here: Here) -> str:
    function = here.function(node)
    return f" in `{function.name.value}`" if function else ""


def _as_written(call: cst.Call) -> str:
    return dotted(call.func) or "set_trace"


def _without_import(
    node: cst.Import | cst.ImportFrom, calls: Sequence[cst.Call], here: Here
) -> Fix | None:
    line = here.parent(node)
    fixes = [_without(each, here) for each in calls]
    if line is None or not all(fixes):
        return None
    edits = [edit for fix in fixes if fix for edit in fix.edits]
    edits.append(_removal(line, here))
    return Fix(tuple(dict.fromkeys(edits)), safe=all(fix.safe for fix in fixes if fix))


def _without(call: cst.Call, here: Here) -> Fix | None:
    """The statement goes; where the call's value is used, the value stays."""
    small = here.parent(call)
    line = here.parent(small) if small is not None else None
    if isinstance(small, cst.Expr) and isinstance(line, cst.SimpleStatementLine):
        if _is_dump(call, here) and not _is_pure(call, here):
            return _value_only(call, here)
        if _hides_an_exception(line, here):
            return None
        safe = _is_pure(call, here)
        if len(line.body) == 1 or all(_is_debugging_part(each, here) for each in line.body):
            return Fix((_removal(line, here),), safe=safe)
        return Fix((Replace(small, "pass"),), safe=safe)
    return _value_only(call, here) if _is_dump(call, here) else None


def _value_only(call: cst.Call, here: Here) -> Fix | None:
    match call.args:
        case [cst.Arg(keyword=None, star="", value=value)]:
            return Fix((Replace(call, here.source(value)),), safe=True)
        case _:
            return None


def _removal(line: cst.CSTNode, here: Here) -> Delete | Replace:
    """Of a block that holds nothing else, the first statement leaves a `pass`."""
    block = here.parent(line)
    if isinstance(block, cst.IndentedBlock):
        real = [each for each in block.body if not _is_text(each)]
        if real and real[0] is line and all(_is_debugging_line(each, here) for each in real):
            return Replace(line, "pass")
    return Delete(line)


def _is_text(line: cst.CSTNode) -> bool:
    match line:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.SimpleString())]):
            return True
        case _:
            return False


def _is_debugging_line(line: cst.CSTNode, here: Here) -> bool:
    return isinstance(line, cst.SimpleStatementLine) and all(
        _is_debugging_part(each, here) for each in line.body
    )


def _is_debugging_part(small: cst.BaseSmallStatement, here: Here) -> bool:
    match small:
        case cst.Expr(value=cst.Call() as call):
            return _is_debugging(call, here) or _is_print(call, here) is not None
        case cst.Import() | cst.ImportFrom():
            needing = _needing(small, here)
            only = _module_of(small).partition(".")[0] in _ONLY_FOR_DEBUGGING
            return bool(needing) or (only and needing is not None)
        case _:
            return False


def _hides_an_exception(line: cst.CSTNode, here: Here) -> bool:
    """The print is all that tells of the exception: without it nobody would know."""
    block = here.parent(line)
    return (
        isinstance(block, cst.IndentedBlock)
        and isinstance(here.parent(block), cst.ExceptHandler)
        and all(_is_debugging_line(each, here) for each in block.body)
    )


def _is_pure(call: cst.Call, here: Here) -> bool:
    """Whether the arguments do nothing but read."""
    for each in call.args:
        for node in find(each.value, cst.Call, cst.Await, cst.NamedExpr, cst.Yield):
            if not isinstance(node, cst.Call):
                return False
            last = (
                node.func.attr.value if isinstance(node.func, cst.Attribute) else dotted(node.func)
            )
            if last not in _PURE_CALLS:
                return False
    return True
