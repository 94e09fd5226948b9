"""A WebSocket is read in a loop, and nobody expects that the other side goes away.

Each client closes one day: `receive_text()` then raises `WebSocketDisconnect`, the log fills with
errors, and what was opened for the client is never given back. Catch it, or loop with `iter_text()`.

Bad:
```python
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/chat")
async def chat(websocket: WebSocket):
    await websocket.accept()
    while True:  # flagged
        text = await websocket.receive_text()
        await websocket.send_text(text)
```
Good:
```python
from fastapi import FastAPI, WebSocket
from fastapi import WebSocketDisconnect

app = FastAPI()


@app.websocket("/chat")
async def chat(websocket: WebSocket):
    await websocket.accept()
    try:
        while True:
            text = await websocket.receive_text()
            await websocket.send_text(text)
    except WebSocketDisconnect:
        pass
```
Bad: it is never accepted.
```python
from fastapi import APIRouter, WebSocket

router = APIRouter()


@router.websocket("/rates")
async def rates(websocket: WebSocket):
    await websocket.send_json({"eur": 1})  # flagged
    await websocket.close()
```
Good:
```python
from fastapi import APIRouter, WebSocket

router = APIRouter()


@router.websocket("/rates")
async def rates(websocket: WebSocket):
    await websocket.accept()
    await websocket.send_json({"eur": 1})
    await websocket.close()
```
Good: the loop ends by itself, or something else accepts and listens.
```python
from fastapi import APIRouter, WebSocket

router = APIRouter()


@router.websocket("/chat")
async def chat(websocket: WebSocket, manager):
    await manager.connect(websocket)
    await websocket.send_text("welcome")
    async for text in websocket.iter_text():
        await manager.broadcast(text)


@router.websocket("/echo")
async def echo(websocket: WebSocket):
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except Exception:
        await websocket.close()
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.route import Route
from rules.kit import AddImport, Fix, Flag, Here, Replace, Rule, Severity, dotted, find, walk_own

rule = Rule(
    __name__,
    __doc__,
    code="FWK138",
    severity=Severity.WARNING,
    frameworks=("fastapi", "starlette"),
    checklist=("starlette.websockets",),
    fix="suggestion",
)

_RECEIVES = frozenset({"receive_text", "receive_json", "receive_bytes"})
_SENDS = frozenset({"send_text", "send_json", "send_bytes"})
_CATCHING = (
    "WebSocketDisconnect",
    "Exception",
    "BaseException",
    "RuntimeError",
    "WebSocketException",
)


@rule.on(Route, words=("websocket", "WebSocketRoute", "websocket_route"))
def check(route: Route, here: Here) -> Iterator[Flag]:
    if not isinstance(route.handler, cst.FunctionDef) or here.is_test:
        return
    if "websocket" not in dotted(route.node.func).lower():
        return
    function = route.handler
    socket = _socket(function)
    if not socket:
        return
    for loop in _loops(function, socket):
        if not _is_caught(loop, here):
            yield Flag(
                loop,
                f"When the client goes away, `{socket}` raises `WebSocketDisconnect` in this loop and "
                "nothing catches it. Catch it, and give back what belongs to the client.",
                fix=_fix(loop, here),
            )
            break
    first = _sent_unaccepted(function, socket)
    if first is not None:
        yield Flag(
            first, f"`{socket}` was never accepted, so sending raises. Call `accept()` first."
        )


def _socket(function: cst.FunctionDef) -> str:
    for each in function.params.params:
        note = dotted(each.annotation.annotation) if each.annotation is not None else ""
        if note.rpartition(".")[2] == "WebSocket" or each.name.value in ("websocket", "ws"):
            return each.name.value
    return ""


def _methods(node: cst.CSTNode, socket: str) -> Iterator[tuple[str, cst.Call]]:
    for each in walk_own(node):
        match each:
            case cst.Call(
                func=cst.Attribute(value=cst.Name(value=owner), attr=cst.Name(value=name))
            ):
                if owner == socket:
                    yield name, each


def _loops(function: cst.FunctionDef, socket: str) -> Iterator[cst.While]:
    for loop in find(function.body, cst.While):
        if any(name in _RECEIVES for name, _ in _methods(loop.body, socket)):
            yield loop


def _is_caught(loop: cst.While, here: Here) -> bool:
    inside = [each for each in find(loop.body, cst.Try) if _catches(each)]
    around = here.around(loop, cst.Try)
    while around is not None:
        if _catches(around):
            return True
        around = here.around(around, cst.Try)
    with_statement = here.around(loop, cst.With)
    return bool(inside) or with_statement is not None


def _catches(node: cst.Try) -> bool:
    for each in node.handlers:
        if each.type is None:
            return True
        if any(name.value in _CATCHING for name in find(each.type, cst.Name)):
            return True
    return False


def _sent_unaccepted(function: cst.FunctionDef, socket: str) -> cst.Call | None:
    calls = list(_methods(function.body, socket))
    if any(name == "accept" for name, _ in calls):
        return None
    handed = any(
        isinstance(arg.value, cst.Name) and arg.value.value == socket
        for each in find(function.body, cst.Call)
        for arg in each.args
    )
    injected = any(
        parameter.default is not None or "Depends" in _note(parameter)
        for parameter in function.params.params
    )
    if handed or injected:
        return None
    return next((call for name, call in calls if name in _SENDS), None)


def _note(parameter: cst.Param) -> str:
    if parameter.annotation is None:
        return ""
    return " ".join(each.value for each in find(parameter.annotation, cst.Name))


def _fix(loop: cst.While, here: Here) -> Fix | None:
    if loop.leading_lines or loop.orelse is not None:
        return None
    source = here.source(loop)
    if here.module is None or '"""' in source or "'''" in source or "\\\n" in source:
        return None
    unit, end = here.module.default_indent, here.module.default_newline
    depth = sum(isinstance(e, cst.IndentedBlock) for e in here.scopes.ancestors(loop))
    inner = [f"{unit}{line}".rstrip() for line in source.splitlines()]
    lines = ["try:", *inner, "except WebSocketDisconnect:", f"{unit}pass"]
    text = f"{end}{unit * depth}".join(lines)
    home = "fastapi" if here.mentions(("fastapi",)) else "starlette.websockets"
    return Fix((Replace(loop, text), AddImport(home, "WebSocketDisconnect")))
