"""A background task is started and forgotten.

The event loop keeps only a weak reference to a task: one that nobody holds may be collected in
the middle of its work, and its exception is never seen. Keep it until it is done, or use a
`TaskGroup`.

Bad:
```python
import asyncio


async def order(cart, mail):
    await cart.close()
    asyncio.create_task(mail.send(cart.owner))  # flagged
    return cart
```
Good:
```python
import asyncio

_background_tasks: set[asyncio.Task] = set()


async def order(cart, mail):
    await cart.close()
    task = asyncio.create_task(mail.send(cart.owner))
    _background_tasks.add(task)
    task.add_done_callback(_background_tasks.discard)
    return cart
```
Bad:
```python
import asyncio
from asyncio import ensure_future


def start(work):
    ensure_future(work())  # flagged
    loop = asyncio.get_running_loop()
    loop.create_task(work())  # flagged
    _ = asyncio.create_task(work())  # flagged
```
Good:
```python
import asyncio
from asyncio import ensure_future

_background_tasks: set[asyncio.Task] = set()


def start(work):
    task = ensure_future(work())
    _background_tasks.add(task)
    task.add_done_callback(_background_tasks.discard)
    loop = asyncio.get_running_loop()
    task = loop.create_task(work())
    _background_tasks.add(task)
    task.add_done_callback(_background_tasks.discard)
    task = asyncio.create_task(work())
    _background_tasks.add(task)
    task.add_done_callback(_background_tasks.discard)
```
Good: kept, awaited, in a group, or with something that keeps it.
```python
import asyncio


class Worker:
    async def run(self, work, group: asyncio.TaskGroup):
        self.task = asyncio.create_task(work())
        group.create_task(work())
        await asyncio.create_task(work())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(work())
        return await asyncio.gather(asyncio.create_task(work()), work())
```
Good: a method of another object.
```python
def plan(project, client):
    project.create_task("Write the docs")
    client.create_task(name="backup")
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.module_head import after_imports
from rules.kit import Fix, Flag, Here, Replace, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="FWK116",
    severity=Severity.WARNING,
    checklist=("fastapi.async", "starlette.background"),
    fix="suggestion",
    peers=("ruff:RUF006",),
)

_STARTERS = frozenset(
    {"asyncio.create_task", "asyncio.ensure_future"}
    | {
        f"asyncio.{loop}.create_task"
        for loop in ("get_event_loop", "get_running_loop", "new_event_loop")
    }
)
_KEPT = "_background_tasks"


@rule.on(cst.Call, calls=("create_task", "ensure_future"))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    above = here.parent(call)
    dropped = isinstance(above, cst.Expr) or _is_given_to_nobody(above)
    if not dropped or here.is_test or not here.names(call.func) & _STARTERS:
        return
    yield Flag(
        call,
        "Nothing keeps this task: it may be collected before it is done, and nobody sees it fail. "
        "Keep it in a set until it is done, or use a `TaskGroup`.",
        fix=_fix(call, above, here),
    )


def _is_given_to_nobody(node: cst.CSTNode | None) -> bool:
    match node:
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value="_"))]):
            return True
        case _:
            return False


def _fix(call: cst.Call, small: cst.CSTNode | None, here: Here) -> Fix | None:
    """Keeps it in a set of the module, which is made where it is not there yet."""
    line = here.parent(small) if small is not None else None
    source = here.source(call)
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1 or "\n" in source:
        return None
    function = here.function(call)
    if small is None or here.module is None or function is None or _names_task(function, here):
        return None
    indent = "".join(
        here.module.default_indent if each.indent is None else each.indent
        for each in here.scopes.ancestors(line)
        if isinstance(each, cst.IndentedBlock)
    )
    ended = here.module.default_newline + indent
    code = ended.join(
        (
            f"task = {source}",
            f"{_KEPT}.add(task)",
            f"task.add_done_callback({_KEPT}.discard)",
        )
    )
    if here.scopes.at_top(_KEPT):
        return Fix((Replace(small, code),))
    made = after_imports(here, f"{_KEPT}: set[asyncio.Task] = set()")
    uses_module = any(each.target == "asyncio" for each in here.scopes.at_top("asyncio"))
    return Fix((*made, Replace(small, code))) if uses_module and made else None


def _names_task(function: cst.FunctionDef, here: Here) -> bool:
    return "task" in here.source(function).replace("create_task", "").replace("tasks", "")
