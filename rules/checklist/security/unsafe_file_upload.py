"""An uploaded file is stored under the name that its sender chose.

A name such as `../../app/wsgi.py` writes outside the folder, `page.html` is served as a page of
your site, and two files of one name overwrite each other. Make the name yourself, or pass it
through `secure_filename`; look at size and type before you keep the content.

Bad:
```python shop/routes.py
import os

from flask import current_app, request

from shop import app

@app.post("/covers")
def upload():
    cover = request.files["cover"]
    cover.save(os.path.join(current_app.config["COVERS"], cover.filename))  # flagged
    return "", 201
```
Good:
```python shop/routes.py
import os

from flask import current_app, request
from werkzeug.utils import secure_filename

from shop import app

@app.post("/covers")
def upload():
    cover = request.files["cover"]
    if cover.mimetype not in ("image/png", "image/jpeg"):
        return "", 415
    cover.save(os.path.join(current_app.config["COVERS"], secure_filename(cover.filename)))
    return "", 201
```
Bad:
```python shop/api.py
from pathlib import Path

from fastapi import APIRouter, UploadFile

router = APIRouter()
COVERS = Path("covers")

@router.post("/covers")
async def upload(cover: UploadFile):
    with open(COVERS / cover.filename, "wb") as target:  # flagged
        target.write(await cover.read())
```
Bad:
```python shop/views.py
from django.core.files.storage import default_storage
from django.http import HttpResponse

def upload(request):
    cover = request.FILES["cover"]
    default_storage.save(f"covers/{cover.name}", cover)  # flagged
    return HttpResponse(status=201)
```
Good: the name is made here, only its ending is the sender's.
```python shop/api.py
from pathlib import Path
from uuid import uuid4

from fastapi import APIRouter, HTTPException, UploadFile

router = APIRouter()
COVERS = Path("covers")

@router.post("/covers")
async def upload(cover: UploadFile):
    ending = Path(cover.filename).suffix
    if ending not in {".png", ".jpg"} or cover.size > 1_000_000:
        raise HTTPException(415)
    (COVERS / f"{uuid4()}{ending}").write_bytes(await cover.read())
```
Good: a form with a checked field takes the file.
```python shop/views.py
from django.http import HttpResponse

from shop.forms import CoverForm

def upload(request):
    form = CoverForm(request.POST, request.FILES)
    if form.is_valid():
        form.save()
    return HttpResponse(status=201)
```
Good: the name is only kept as a text beside the file.
```python shop/api.py
from uuid import uuid4

from fastapi import APIRouter, UploadFile

from shop import storage
from shop.models import Cover

router = APIRouter()

@router.post("/covers")
async def upload(cover: UploadFile):
    key = uuid4().hex
    await storage.put(key, await cover.read())
    return Cover(key=key, shown_name=cover.filename)
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.raw_input import is_upload
from rules.kit import (
    Confidence,
    Flag,
    Here,
    Rule,
    Severity,
    argument,
    children,
    dotted,
    string,
    walk,
)

rule = Rule(
    __name__,
    __doc__,
    code="SEC136",
    severity=Severity.ERROR,
    checklist=("security.file-upload",),
    cwe=434,
)

_WORDS = ("filename", "FILES", "files", "UploadFile", "FileStorage")
_OPENERS = frozenset(
    {"builtins.open", "io.open", "aiofiles.open", "anyio.open_file", "codecs.open"}
)
_PATHS = re.compile(
    r"(^|\.)(join|Path|PurePath|joinpath|format|str|fspath|abspath|normpath|AsyncPath|strip|lower)$"
)
_STORAGES = re.compile(r"storage|\bfs\b|bucket", re.IGNORECASE)
_LOOKS = re.compile(
    r"content_type|mimetype|mime|\bsize|content_length|allowed|ext\b|extension|suffix|splitext|endswith|MAX_|magic"
    r"|imghdr|Image|valid|scan|filetype",
    re.IGNORECASE,
)


@rule.on(cst.Call, calls=("save", "open", "open_file"), words=_WORDS)
def stored(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_script:
        return
    name = _place(call, here)
    if name is None:
        return
    sender = _senders_name(name, here)
    if sender is not None:
        file = here.source(sender.value)
        message = (
            f"`{file}` is stored under the name that its sender chose (`{here.source(sender)}`): it "
            "may lead out of the folder, overwrite another file or be served as a page. Make the "
            "name here, or use `secure_filename`."
        )
        yield Flag(call, message)
    elif _is_unseen(call, here):
        message = (
            "This keeps whatever was uploaded: nothing here looks at its size or type. Check both "
            "before the file is stored."
        )
        yield Flag(call, message, confidence=Confidence.HOTSPOT)


@rule.on(cst.Call, calls=("write_bytes", "write_text"), words=_WORDS)
def written(call: cst.Call, here: Here) -> Iterator[Flag]:
    """`(folder / cover.filename).write_bytes(...)`."""
    if here.is_test or here.is_script or not isinstance(call.func, cst.Attribute):
        return
    sender = _senders_name(call.func.value, here)
    if sender is not None:
        message = (
            f"What was uploaded is stored under the name that its sender chose "
            f"(`{here.source(sender)}`): it may lead out of the folder or overwrite another file. "
            "Make the name here, or use `secure_filename`."
        )
        yield Flag(call, message)


def _place(call: cst.Call, here: Here) -> cst.BaseExpression | None:
    """Where a call stores something; None for calls that store nothing."""
    last = dotted(call.func).rpartition(".")[2]
    first = argument(call, 0, "file") or argument(call, 0, "dst") or argument(call, 0, "name")
    if isinstance(call.func, cst.Attribute) and call.func.attr.value == "save":
        owner = call.func.value
        return first if is_upload(owner, here) or _STORAGES.search(here.source(owner)) else None
    if here.names(call.func) & _OPENERS:
        return first if _writes(argument(call, 1, "mode")) else None
    if last == "open" and isinstance(call.func, cst.Attribute):
        return call.func.value if _writes(argument(call, 0, "mode")) else None
    return None


def _writes(mode: cst.BaseExpression | None) -> bool:
    text = string(mode)
    return text is not None and bool(set(text) & set("wax+"))


def _senders_name(node: cst.CSTNode, here: Here, depth: int = 6) -> cst.Attribute | None:
    """The `cover.filename` that a path is put together from, if nothing cleans it."""
    if depth == 0:
        return None
    at = here.value_of(node)
    match at:
        case cst.Attribute(value=owner, attr=cst.Name(value="filename" | "name")):
            return at if is_upload(owner, here) else None
        case cst.Call(func=func):
            if not _PATHS.search(dotted(func)) and not _is_method_of_text(func):
                return None
        case (
            cst.BinaryOperation()
            | cst.FormattedString()
            | cst.FormattedStringExpression()
            | cst.ConcatenatedString()
            | cst.Arg()
            | cst.Tuple()
            | cst.Element()
            | cst.BooleanOperation()
        ):
            pass
        case _ if at is not node:
            return None
        case _:
            return None
    for each in children(at):
        found = _senders_name(each, here, depth - 1)
        if found is not None:
            return found
    return None


def _is_method_of_text(func: cst.BaseExpression) -> bool:
    return isinstance(func, cst.Attribute) and bool(_PATHS.search(func.attr.value))


def _is_unseen(call: cst.Call, here: Here) -> bool:
    """Whether an upload is saved, and its function looks at nothing of it."""
    if not isinstance(call.func, cst.Attribute) or not is_upload(call.func.value, here):
        return False
    function = here.function(call)
    if function is None:
        return False
    words = (each.value for each in walk(function) if isinstance(each, cst.Name | cst.SimpleString))
    return not any(_LOOKS.search(each) for each in words)
