"""A temporary file or folder is made, and nothing removes it.

`mkstemp`, `mkdtemp` and `delete=False` leave the removal to the caller. What is forgotten, or is
skipped when something fails in between, stays until the disk of the server is full. Use
`TemporaryDirectory` or `NamedTemporaryFile` in a `with`, or remove it in a `finally`.

Bad:
```python
import tempfile


def archive(rows, pack):
    with tempfile.NamedTemporaryFile("w", suffix=".csv", delete=False) as file:  # flagged
        file.write(rows)
        file.flush()
        pack(file.name)
```
Good:
```python
import tempfile


def archive(rows, pack):
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write(rows)
        file.flush()
        pack(file.name)
```
Bad:
```python
import os
from shutil import rmtree
from tempfile import mkdtemp, mkstemp


def convert(data, run):
    handle, path = mkstemp(".pdf")  # flagged
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    run(path)


def unpack(archive, load):
    folder = mkdtemp()  # flagged
    archive.extractall(folder)
    load(folder)
    rmtree(folder)
```
Good:
```python
from tempfile import NamedTemporaryFile, TemporaryDirectory


def convert(data, run):
    with NamedTemporaryFile(suffix=".pdf") as file:
        file.write(data)
        file.flush()
        run(file.name)


def unpack(archive, load):
    with TemporaryDirectory() as folder:
        archive.extractall(folder)
        load(folder)
```
Good: removed whatever happens, or at the end of the process.
```python
import atexit
import os
import shutil
import tempfile


def convert(data, run, stack):
    folder = tempfile.mkdtemp()
    try:
        run(folder)
    finally:
        shutil.rmtree(folder)
    other = tempfile.mkdtemp()
    stack.callback(shutil.rmtree, other)
    third = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, third, ignore_errors=True)
```
Good: it becomes the real file, or belongs to whoever asked for it.
```python
import os
import tempfile


def save(path, text):
    with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(path), delete=False) as file:
        file.write(text)
    os.replace(file.name, path)


def folder():
    made = tempfile.mkdtemp()
    return made


class Work:
    def __init__(self):
        self.folder = tempfile.mkdtemp()
```
Good: a queue gets it.
```python
import tempfile


def upload(request, task):
    file = tempfile.NamedTemporaryFile(delete=False)
    file.write(request.body)
    file.close()
    task.delay(file.name)
```
Good: a process of its own gets it, and nobody waits for that one.
```python
import subprocess
import sys
import tempfile


def restore(upload):
    file = tempfile.NamedTemporaryFile(delete=False)
    upload.save(file.name)
    subprocess.Popen([sys.executable, "manage.py", "restore", "--delete", file.name])
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from rules.kit import (
    Confidence,
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
    code="CLN114",
    severity=Severity.WARNING,
    checklist=("cleanup.temporary-files",),
    fix="suggestion",
    cwe=459,
)

_MAKERS = frozenset({"tempfile.mkdtemp", "tempfile.mkstemp"})
_FILE = "tempfile.NamedTemporaryFile"
_REMOVAL = re.compile(r"(?i)remove|unlink|rmtree|rmdir|delete|clean|purge|dispose|^rm|_rm$")
_MOVE = re.compile(r"(?i)rename|replace|^move|_move$|link$")
_REGISTERS = re.compile(
    r"(?i)callback|register|addcleanup|addfinalizer|finalize|^push|on_commit|defer"
)
_HANDS_ON = re.compile(
    r"(?i)^(delay|apply_async|enqueue|send_task|submit|append|add|put|insert|extend|setdefault|setattr"
    r"|add_task|Popen|create_subprocess_exec|spawn|create_task|partial|Thread|Process|FileResponse|send_file|File|yield_)$"
)
_SPARED = (cst.Return, cst.Yield, cst.Global, cst.Nonlocal)


@dataclass(frozen=True)
class _Made:
    """A temporary file in a function, with the names that lead to it."""

    function: cst.FunctionDef
    names: frozenset[str]
    block: cst.With | None


@rule.on(cst.Call, calls=("mkdtemp", "mkstemp", "NamedTemporaryFile"))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    what = _what(call, here)
    made = _made(call, here) if what and not here.is_test and not here.is_script else None
    if made is None or _escapes(made):
        return
    removals = [each for each in find(made.function.body, cst.Call) if _removes(each, made)]
    if not removals:
        message = f"Nothing removes this temporary {what}, so one stays with every call."
        # Who says where it belongs may clear the whole folder.
        doubt = Confidence.HOTSPOT if keyword(call, "dir") is not None else None
        yield Flag(call, f"{message} {_CURE[what]}", fix=_fix(call, made, here), confidence=doubt)
    elif not any(_is_certain(each, here) for each in removals):
        message = f"This temporary {what} stays behind if anything fails before it is removed."
        yield Flag(call, f"{message} {_CURE[what]}", confidence=Confidence.HOTSPOT)


_CURE = {
    "folder": "Use `with tempfile.TemporaryDirectory()`, or remove it in a `finally`.",
    "file": "Use `with tempfile.NamedTemporaryFile()`, or remove it in a `finally`.",
}


def _what(call: cst.Call, here: Here) -> str:
    names = here.names(call.func)
    if names & _MAKERS:
        return "folder" if "tempfile.mkdtemp" in names else "file"
    if _FILE in names and dotted(keyword(call, "delete")) == "False":
        return "file"
    return ""


def _made(call: cst.Call, here: Here) -> _Made | None:
    """The names that hold what the call makes; None where they are not in one function."""
    function, above = here.function(call), here.parent(call)
    if function is None:
        return None
    names, block = _targets(call, above, here)
    if not names:
        return None
    for each in find(function.body, cst.Assign):
        if _mentions(each.value, frozenset(names)):
            names |= {t.target.value for t in each.targets if isinstance(t.target, cst.Name)}
    return _Made(function, frozenset(names), block)


def _targets(
    call: cst.Call, above: cst.CSTNode | None, here: Here
) -> tuple[set[str], cst.With | None]:
    match above:
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
            return {name}, None
        case cst.Assign(
            targets=[cst.AssignTarget(target=cst.Tuple(elements=[_, cst.Element(cst.Name(name))]))]
        ):
            return {name}, None
        case cst.WithItem(asname=cst.AsName(name=cst.Name(value=name))):
            block = here.parent(above)
            return {name}, block if isinstance(block, cst.With) else None
        case _:
            return set(), None


def _mentions(node: cst.CSTNode, names: frozenset[str]) -> bool:
    return any(each.value in names for each in find(node, cst.Name))


def _escapes(made: _Made) -> bool:
    """Whether somebody outside of the function gets to know of the file."""
    for each in find(made.function.body, *_SPARED):
        if _mentions(each, made.names):
            return True
    for assign in find(made.function.body, cst.Assign):
        kept = any(not isinstance(t.target, cst.Name | cst.Tuple) for t in assign.targets)
        if kept and _mentions(assign.value, made.names):
            return True
    for call in find(made.function.body, cst.Call):
        last = _last(call)
        passed = any(_mentions(each.value, made.names) for each in call.args)
        if passed and (_HANDS_ON.search(last) or any(each.star for each in call.args)):
            return True
    return False


def _last(call: cst.Call) -> str:
    func = call.func
    return func.attr.value if isinstance(func, cst.Attribute) else dotted(func)


def _removes(call: cst.Call, made: _Made) -> bool:
    last = _last(call)
    if not (_REMOVAL.search(last) or _MOVE.search(last) or _REGISTERS.search(last)):
        return False
    return _mentions(call, made.names)


def _is_certain(call: cst.Call, here: Here) -> bool:
    """Whether the removal happens even if something fails, or is a move to the file's place."""
    last = _last(call)
    if _REGISTERS.search(last) or _MOVE.search(last):
        return True
    return here.around(call, cst.Finally, cst.ExceptHandler, cst.Lambda) is not None or (
        (around := here.function(call)) is not None and here.function(around) is not None
    )


def _fix(call: cst.Call, made: _Made, here: Here) -> Fix | None:
    """Where the file is not used after the `with`, closing it may remove it."""
    if made.block is None:
        return None
    inside = sum(1 for e in find(made.block, cst.Name) if e.value in made.names)
    total = sum(1 for e in find(made.function.body, cst.Name) if e.value in made.names)
    closes = any(_last(each) == "close" for each in find(made.block.body, cst.Call))
    if inside != total or closes:
        return None
    args = [e for e in call.args if e.keyword is None or e.keyword.value != "delete"]
    if args and args[-1] is not call.args[-1]:
        args[-1] = args[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    return Fix((Replace(call, here.source(call.with_changes(args=args))),))
