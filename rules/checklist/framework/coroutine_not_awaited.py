"""A coroutine is called and thrown away: what it should do never happens.

Calling an `async def` only makes a coroutine; it runs when it is awaited or made a task. Python
says `was never awaited` on standard error, long after the line that is wrong.

Bad:
```python shop/mail.py
async def send_receipt(order):
    await order.connection.send("paid")
```
```python shop/views.py
import asyncio

from shop.mail import send_receipt


class Checkout:
    async def pay(self, order):
        send_receipt(order)  # flagged
        self.close(order)  # flagged
        asyncio.sleep(1)  # flagged
        order.asave()  # flagged

    async def close(self, order):
        order.closed = True
```
Good:
```python shop/mail.py
async def send_receipt(order):
    await order.connection.send("paid")
```
```python shop/views.py
import asyncio

from shop.mail import send_receipt


class Checkout:
    async def pay(self, order):
        await send_receipt(order)
        await self.close(order)
        await asyncio.sleep(1)
        await order.asave()

    async def close(self, order):
        order.closed = True
```
Bad: a function that cannot await.
```python
async def notify(order):
    await order.send()


def paid(order):
    notify(order)  # flagged
```
Good:
```python
async def notify(order):
    await order.send()


async def paid(order):
    await notify(order)
```
Bad: an async session.
```python
from sqlalchemy.ext.asyncio import AsyncSession


async def save(session: AsyncSession, order):
    session.add(order)
    session.commit()  # flagged
```
Good:
```python
from sqlalchemy.ext.asyncio import AsyncSession


async def save(session: AsyncSession, order):
    session.add(order)
    await session.commit()
```
Good: awaited later, made a task, or no plain coroutine.
```python
import asyncio
from sqlalchemy.orm import Session

from shop.tools import task


async def notify(order):
    await order.send()


@task
async def later(order):
    await order.send()


class Shop:
    def close(self): ...

    async def paid(self, order, session: Session):
        first = notify(order)
        self.second = asyncio.create_task(notify(order))
        later(order)
        self.close()
        session.commit()
        await asyncio.gather(first, notify(order))
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.async_functions import AsyncFunctions
from rules.facts.blocking import last_name, loop_function
from rules.kit import Fix, Flag, Here, Kind, PythonFile, Replace, Rule, Severity, dotted

rule = Rule(
    __name__,
    __doc__,
    code="FWK115",
    severity=Severity.ERROR,
    checklist=("fastapi.async",),
    scope="project",
    fix="suggestion",
    peers=(),
)

_LIBRARY = frozenset(
    {"asyncio.sleep", "asyncio.wait_for", "asyncio.wait", "asyncio.to_thread", "anyio.sleep"}
    | {"asyncio.open_connection", "asyncio.start_server", "anyio.to_thread.run_sync"}
)
_OF_ROWS = frozenset({"asave", "adelete", "arefresh_from_db"})
_OF_SESSION = frozenset(
    {"commit", "rollback", "flush", "refresh", "execute", "delete", "close", "merge"}
)
_LASTS = _OF_ROWS | _OF_SESSION | {each.rpartition(".")[2] for each in _LIBRARY}


@rule.on(PythonFile, words=("async", "asyncio", *sorted(_OF_ROWS)))
def check(_file: PythonFile, here: Here) -> Iterator[Flag]:
    if here.is_migration:
        return
    known: AsyncFunctions = here.project.facts(AsyncFunctions)
    for call in here.find(cst.Call):
        last = last_name(call)
        if last not in _LASTS and last not in known.words and not _is_own(call):
            continue
        if not isinstance(here.parent(call), cst.Expr):
            continue
        if _is_coroutine(call, last, here):
            yield Flag(
                call,
                f"`{last}` only makes a coroutine here, and nothing runs it. {_advice(call, here)}",
                fix=_fix(call, here),
            )


def _is_own(call: cst.Call) -> bool:
    return isinstance(call.func, cst.Attribute) and dotted(call.func.value) == "self"


def _is_coroutine(call: cst.Call, last: str, here: Here) -> bool:
    if _is_own(call):
        return _is_async_method(call, last, here)
    if last in _OF_ROWS and isinstance(call.func, cst.Attribute):
        return True
    names = here.names(call.func)
    if names & _LIBRARY or (last in _OF_SESSION and _is_async_session(call, here)):
        return True
    if isinstance(call.func, cst.Name) and (own := _defined_here(call.func, here)) is not None:
        return own
    known: AsyncFunctions = here.project.facts(AsyncFunctions)
    return bool(known.index.find(sorted(names)))


def _defined_here(name: cst.Name, here: Here) -> bool | None:
    """Whether a function of this file is a coroutine; None for one of another file."""
    bound = here.bindings(name)
    nodes = [each.node for each in bound if each.kind is Kind.DEFINITION]
    if not nodes and any(each.kind is not Kind.IMPORT for each in bound):
        return False
    return all(_is_plain_coroutine(each) for each in nodes) if nodes else None


def _is_plain_coroutine(node: cst.CSTNode | None) -> bool:
    return (
        isinstance(node, cst.FunctionDef) and node.asynchronous is not None and not node.decorators
    )


def _is_async_method(call: cst.Call, last: str, here: Here) -> bool:
    owner = here.around(call, cst.ClassDef)
    found = [
        each
        for each in (owner.body.body if owner is not None else ())
        if isinstance(each, cst.FunctionDef) and each.name.value == last
    ]
    return bool(found) and all(_is_plain_coroutine(each) for each in found)


def _is_async_session(call: cst.Call, here: Here) -> bool:
    """Whether it is a method of a parameter that is annotated as an `AsyncSession`."""
    if not isinstance(call.func, cst.Attribute) or not isinstance(call.func.value, cst.Name):
        return False
    for each in here.bindings(call.func.value):
        if each.kind is not Kind.PARAMETER or not isinstance(each.node, cst.Param):
            return False
        note = each.node.annotation
        if note is None or dotted(note.annotation).rpartition(".")[2] != "AsyncSession":
            return False
    return bool(here.bindings(call.func.value))


def _advice(call: cst.Call, here: Here) -> str:
    if loop_function(call, here) is not None:
        return "Await it."
    return "Call it from an async function, or give it to the event loop."


def _fix(call: cst.Call, here: Here) -> Fix | None:
    if loop_function(call, here) is None:
        return None
    return Fix((Replace(call, cst.Await(call)),))
