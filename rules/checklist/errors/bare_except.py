"""An `except:` names no exception.

It also catches `KeyboardInterrupt`, `SystemExit` and every programming error, so a worker
can no longer be stopped and a typing mistake looks like a handled failure. Name what can go
wrong, or at least write `except Exception:`.

Bad:
```python
def total(order):
    try:
        return order["total"]
    except:  # flagged
        return 0
```
Good:
```python
def total(order):
    try:
        return order["total"]
    except Exception:
        return 0
```
Bad: only an import can fail here.
```python
try:
    import uvloop
except:  # flagged
    uvloop = None
```
Good:
```python
try:
    import uvloop
except ImportError:
    uvloop = None
```
Bad: with the flag set the interrupt is lost.
```python
def connect(server, quiet):
    try:
        server.open()
    except:  # flagged
        if not quiet:
            raise
```
Good:
```python
def connect(server, quiet):
    try:
        server.open()
    except Exception:
        if not quiet:
            raise
```
Bad:
```python
def price(text):
    try: return float(text)
    except: return None  # flagged
```
Good:
```python
def price(text):
    try: return float(text)
    except Exception: return None
```
Good: everything is caught, and raised again.
```python
def charge(card, ledger):
    try:
        card.charge()
    except:
        ledger.undo()
        raise
```
Good: every path leaves with an exception or ends the process.
```python
import os
import sys


def serve(child, log):
    try:
        child.run()
    except:
        log.exception("the child died")
        if child.forked:
            os._exit(1)
        else:
            sys.exit(1)
```
Good: the loop only tidies up.
```python
def send(parts, remote):
    try:
        remote.send(parts)
    except:
        for part in parts:
            if part.is_kept:
                continue
            part.remove()
        raise
```
Good: the exception travels on to whoever waits for it.
```python
def run(job, future):
    try:
        future.set_result(job())
    except BaseException as error:
        future.set_exception(error)
```
"""

from collections.abc import Iterator, Sequence

import libcst as cst

from rules.kit import (
    Fix,
    Flag,
    Here,
    ReplaceHead,
    Rule,
    Severity,
    children,
    dotted,
    find,
    replacing,
    walk_own,
)

rule = Rule(
    __name__,
    __doc__,
    code="ERR101",
    severity=Severity.WARNING,
    checklist=("errors.specific",),
    fix="suggestion",
    peers=("ruff:E722", "flake8:E722", "pylint:W0702"),
)

_ENDS_THE_PROCESS = frozenset(
    {"os._exit", "os.abort", "sys.exit", "builtins.exit", "builtins.quit", "builtins.SystemExit"}
)
_PASSES_IT_ON = frozenset({"reraise", "set_exception"})
_LEAVES = (cst.Return, cst.Break, cst.Continue)
_BROAD = frozenset({"Exception", "BaseException"})


@rule.on(cst.ExceptHandler, words=("except",))
def check(handler: cst.ExceptHandler, here: Here) -> Iterator[Flag]:
    if handler.type is not None or _never_swallows(handler.body.body, here):
        return
    around = here.around(handler, cst.Try)
    function = here.function(handler)
    place = f" in `{function.name.value}`" if function else ""
    named = _what_can_fail(around)
    if named == "BaseException":
        message = (
            f"After `except Exception` this bare `except:`{place} is left with "
            "`KeyboardInterrupt`, `SystemExit` and their like, and holds them back; "
            "name them, or raise again."
        )
    else:
        advice = f"catch `{named}`" if named != "Exception" else "name what can go wrong"
        message = (
            f"This bare `except:`{place} also swallows `KeyboardInterrupt`, `SystemExit` "
            f"and plain typing mistakes; {advice}."
        )
    yield Flag(handler, message, fix=_naming(handler, named, here))


def _naming(handler: cst.ExceptHandler, named: str, here: Here) -> Fix:
    match handler.body:
        case cst.SimpleStatementSuite(body=[only]):
            return replacing(handler, f"except {named}: {here.source(only)}")
        case _:
            return Fix((ReplaceHead(handler, f"except {named}:"),))


def _what_can_fail(around: cst.Try | None) -> str:
    """The name to write: as narrow as the guarded block and the other handlers tell."""
    if around is None:
        return "Exception"
    earlier = {
        dotted(each)
        for other in around.handlers
        if other.type is not None
        for each in (other.type, *find(other.type, cst.Name))
    }
    if earlier & _BROAD:
        return "BaseException"
    imports = (cst.Import, cst.ImportFrom)
    lines = around.body.body
    if lines and all(
        isinstance(line, cst.SimpleStatementLine)
        and all(isinstance(each, imports) for each in line.body)
        for line in lines
    ):
        return "ImportError"
    return "Exception"


def _never_swallows(body: Sequence[cst.BaseStatement | cst.BaseSmallStatement], here: Here) -> bool:
    """Whether every way through these statements raises again or ends the process."""
    for statement in body:
        match statement:
            case cst.SimpleStatementLine(body=small):
                for each in small:
                    if isinstance(each, _LEAVES):
                        return False
                    if _goes_on(each, here):
                        return True
            case cst.If() if _both_branches(statement, here):
                return True
            case cst.With() if _never_swallows(statement.body.body, here):
                return True
            case cst.Try() if _from_try(statement, here):
                return True
            case _ if _may_leave(statement):
                return False
    return False


def _may_leave(statement: cst.CSTNode) -> bool:
    """Whether a `return`, or a `break` or `continue` of a loop further out, stands in it."""
    if isinstance(statement, cst.For | cst.While):
        return any(isinstance(each, cst.Return) for each in walk_own(statement))
    if isinstance(statement, cst.FunctionDef | cst.ClassDef | cst.Lambda):
        return False
    return isinstance(statement, _LEAVES) or any(_may_leave(each) for each in children(statement))


def _goes_on(statement: cst.CSTNode, here: Here) -> bool:
    match statement:
        case cst.Raise(exc=None):
            return True
        case cst.Expr(value=cst.Call(func=func)) | cst.Raise(exc=cst.Call(func=func)):
            last = func.attr.value if isinstance(func, cst.Attribute) else dotted(func)
            return last in _PASSES_IT_ON or here.name(func) in _ENDS_THE_PROCESS
        case _:
            return False


def _both_branches(statement: cst.If, here: Here) -> bool:
    match statement.orelse:
        case cst.If() as other:
            rest = _both_branches(other, here)
        case cst.Else(body=block):
            rest = _never_swallows(block.body, here)
        case _:
            rest = False
    return rest and _never_swallows(statement.body.body, here)


def _from_try(statement: cst.Try, here: Here) -> bool:
    """A `finally` that raises, or a clean-up whose own failure is handled, then a raise."""
    last = statement.finalbody
    if last is not None and _never_swallows(last.body.body, here):
        return True
    blocks = [statement.body, *(each.body for each in statement.handlers)]
    return all(_never_swallows(each.body, here) for each in blocks)
