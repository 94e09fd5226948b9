"""A temporary file has a name that others can foresee.

Directories such as `/tmp` are shared: another user of the machine puts a link or a file of
that name there first, and the program writes where they want, or reads what they wrote. The
module `tempfile` makes files that belong to nobody else, and removes them again.

Bad:
```python shop/export.py
import tempfile

def export(rows):
    path = tempfile.mktemp(".csv")  # flagged
    with open(path, "w") as file:
        file.writelines(rows)
    return path
```
Good:
```python shop/export.py
import tempfile

def export(rows):
    path = tempfile.NamedTemporaryFile(suffix=".csv", delete=False).name
    with open(path, "w") as file:
        file.writelines(rows)
    return path
```
Bad:
```python shop/report.py
from pathlib import Path

def save(name, text):
    with open(f"/tmp/{name}.txt", "w") as file:  # flagged
        file.write(text)
    Path("/tmp/last-report").write_text(text)  # flagged
```
Good: made by `tempfile`, or unguessable.
```python shop/report.py
import tempfile
import uuid
from pathlib import Path

def save(text):
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(text)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "report.txt").write_text(text)
    with open(f"/tmp/{uuid.uuid4()}.txt", "w") as file:
        file.write(text)
```
Good: read, compared, or not shared.
```python shop/report.py
def last():
    if "/tmp/last" in CACHED:
        return None
    with open("/srv/shop/tmp/last") as file:
        return file.read()
```
Good: a test has the machine for itself.
```python tests/test_report.py
def test_report():
    with open("/tmp/report", "w") as file:
        file.write("")
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.kit import (
    Confidence,
    Fix,
    Flag,
    Here,
    Replace,
    Rule,
    Severity,
    argument,
    find,
    string,
)

rule = Rule(
    __name__,
    __doc__,
    code="SEC137",
    severity=Severity.WARNING,
    checklist=("cleanup.temporary-files",),
    fix="suggestion",
    cwe=377,
    peers=("ruff:S108", "ruff:S306", "bandit:B108", "bandit:B306"),
    defers=False,
)

_SHARED = re.compile(r"^(/tmp|/var/tmp|/dev/shm)(/|$)")
_UNGUESSABLE = re.compile(
    r"uuid|secrets|token_|mkstemp|mkdtemp|urandom|TemporaryFile|random|TemporaryDirectory"
)
_WRITES = re.compile(r"[wax+]")
_WRITERS = ("write_text", "write_bytes", "touch", "mkdir")
_OPENERS = frozenset({"builtins.open", "io.open", "codecs.open", "aiofiles.open"})
_MESSAGE = (
    "`{}` can be foreseen, and its directory is shared: another user can put a link there first. "
    "Let `tempfile` choose the name."
)


@rule.on(cst.Call, calls=("mktemp", "tempnam", "tmpnam"))
def named(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or not here.names(call.func) & {"tempfile.mktemp", "os.tempnam", "os.tmpnam"}:
        return
    message = (
        f"`{here.source(call.func)}` gives a name and no file: until the program opens it, another "
        "user can put one there. Take `NamedTemporaryFile` or `mkstemp`."
    )
    yield Flag(call.func, message, fix=_made(call, here))


@rule.on(
    cst.Call,
    calls=("open", "save", "copy", "copyfile", "move", *_WRITERS),
    words=("tmp", "gettempdir", "shm"),
)
def written(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_script:
        return
    path = _path_written(call, here)
    if path is None or not _is_foreseen(path, here):
        return
    shown = " ".join(here.source(path).split())[:80].strip("`")
    in_container = here.path.startswith((".", "docker/", "deploy/"))
    confidence = Confidence.HOTSPOT if in_container else None
    yield Flag(path, _MESSAGE.format(shown), confidence=confidence)


def _path_written(call: cst.Call, here: Here) -> cst.BaseExpression | None:
    """The path that a call opens for writing or writes to."""
    match call.func:
        case cst.Attribute(value=owner, attr=cst.Name(value=name)) if name in _WRITERS:
            return _of_path(owner, here)
        case cst.Attribute(attr=cst.Name(value="save")):
            # An uploaded file; what `save` means elsewhere begins with no such path.
            return call.args[0].value if call.args and call.args[0].keyword is None else None
        case cst.Attribute(value=owner, attr=cst.Name(value="open")) if not (
            here.names(call.func) & _OPENERS
        ):
            mode = string(argument(call, 0, "mode")) or "r"
            return _of_path(owner, here) if _WRITES.search(mode) else None
        case _ if here.names(call.func) & {"shutil.copy", "shutil.copyfile", "shutil.move"}:
            return argument(call, 1, "dst")
        case _ if here.names(call.func) & _OPENERS:
            mode = string(argument(call, 1, "mode")) or "r"
            return argument(call, 0, "file") if _WRITES.search(mode) else None
        case _:
            return None


def _of_path(owner: cst.BaseExpression, here: Here) -> cst.BaseExpression | None:
    """What `Path(...)` was made of."""
    held = here.value_of(owner)
    while isinstance(held, cst.BinaryOperation) and isinstance(held.operator, cst.Divide):
        held = held.left
    if isinstance(held, cst.Call) and here.names(held.func) & {"pathlib.Path", "anyio.Path"}:
        return held.args[0].value if held.args else None
    return None


def _is_foreseen(path: cst.BaseExpression, here: Here) -> bool:
    held = here.value_of(path)
    start = _start(held, here)
    if start is None or not _SHARED.match(start):
        return False
    used = [held, *(here.value_of(each) for each in find(held, cst.Name))]
    return not any(_UNGUESSABLE.search(here.source(each)) for each in used)


def _start(node: cst.CSTNode, here: Here) -> str | None:
    """The literal text that a path begins with."""
    match node:
        case cst.FormattedString(parts=[cst.FormattedStringText(value=text), *_]):
            return text
        case cst.BinaryOperation(left=left):
            return _start(here.value_of(left), here)
        case cst.Call(func=cst.Attribute(value=left, attr=cst.Name(value="format"))):
            return string(left)
        case cst.Call(args=[first, *_]) if here.names(node.func) & {"os.path.join", "pathlib.Path"}:
            return _start(here.value_of(first.value), here)
        case cst.Call() if "tempfile.gettempdir" in here.names(node.func):
            return "/tmp/"  # noqa: S108 - what it stands for
        case _:
            return string(node)


def _made(call: cst.Call, here: Here) -> Fix | None:
    """`NamedTemporaryFile(delete=False).name`, with the arguments by name."""
    names = ("suffix", "prefix", "dir")
    if "tempfile.mktemp" not in here.names(call.func) or any(each.star for each in call.args):
        return None
    given = []
    for position, each in enumerate(call.args[: len(names)]):
        name = each.keyword.value if each.keyword is not None else names[position]
        given.append(f"{name}={here.source(each.value)}")
    owner = here.source(call.func)[: -len("mktemp")]
    if not owner.endswith("."):
        return None
    arguments = ", ".join([*given, "delete=False"])
    return Fix((Replace(call, f"{owner}NamedTemporaryFile({arguments}).name"),))
