"""A file path is made from what a caller sent.

`../` in a name leaves the folder that was meant, and an absolute path replaces it: `open(folder +
name)` then reads or writes any file that the application may. Take the last part of the name
(`secure_filename`, `os.path.basename`), join with `safe_join`, or resolve the path and check that it is
still inside the folder.

Bad:
```python shop/views.py
import os

from django.conf import settings
from django.http import FileResponse

def invoice(request):
    name = request.GET["name"]
    return FileResponse(open(os.path.join(settings.INVOICES, name), "rb"))  # flagged
```
Good:
```python shop/views.py
import os

from django.conf import settings
from django.http import FileResponse

def invoice(request):
    name = os.path.basename(request.GET["name"])
    return FileResponse(open(os.path.join(settings.INVOICES, name), "rb"))
```
Bad:
```python shop/api.py
from flask import Flask, request, send_file

app = Flask(__name__)

@app.route("/download")
def download():
    return send_file("exports/" + request.args["file"])  # flagged
```
Good: Flask joins the path safely.
```python shop/api.py
from flask import Flask, request, send_from_directory

app = Flask(__name__)

@app.route("/download")
def download():
    return send_from_directory("exports", request.args["file"])
```
Bad:
```python shop/files.py
from pathlib import Path

from fastapi import FastAPI

app = FastAPI()
ROOT = Path("/srv/files")

@app.get("/files")
def read(name: str):
    return {"text": (ROOT / name).read_text()}  # flagged
```
Good: resolved, and held against the folder.
```python shop/files.py
from pathlib import Path

from fastapi import FastAPI, HTTPException

app = FastAPI()
ROOT = Path("/srv/files")

@app.get("/files")
def read(name: str):
    path = (ROOT / name).resolve()
    if not path.is_relative_to(ROOT):
        raise HTTPException(404)
    return {"text": path.read_text()}
```
Good: what cannot leave the folder.
```python shop/files.py
from uuid import UUID

from fastapi import FastAPI, HTTPException

app = FastAPI()

@app.get("/exports/{key}")
def export(key: UUID, number: int, name: str):
    if ".." in name or "/" in name:
        raise HTTPException(400)
    with open(f"/srv/exports/{key}/{number}/{name}") as file:
        return file.read()
```
Good: what was uploaded is no name.
```python shop/imports.py
import io
import zipfile

from fastapi import APIRouter, UploadFile
from flask import Blueprint, request
from PIL import Image

router = APIRouter()
shop = Blueprint("shop", __name__)

@router.post("/archive")
async def archive(file: UploadFile):
    with zipfile.ZipFile(file.file) as found:
        names = found.namelist()
    return {"names": names, "size": len(zipfile.ZipFile(io.BytesIO(await file.read())).namelist())}

@shop.post("/picture")
def picture():
    upload = request.files["picture"]
    return {"size": Image.open(upload).size, "again": Image.open(upload.stream).size}

def clean_picture(self):
    return Image.open(self.cleaned_data["picture"])
```
Bad:
```python shop/uploads.py
import os

from flask import Blueprint, request

shop = Blueprint("shop", __name__)

@shop.post("/picture")
def picture():
    upload = request.files["picture"]
    upload.save(os.path.join("/srv/pictures", upload.filename))  # flagged
    return "", 204
```
"""

from collections.abc import Iterator

from rules.flow.domain import Call
from rules.flow.frame import Frame
from rules.flow.taint.marks import Mark
from rules.flow.taint.report import flag
from rules.flow.taint.sinks import PROBE, Sink
from rules.flow.taint.sources import VALIDATED
from rules.flow.taint.subject import TaintedCall
from rules.flow.taint.taint import UPLOAD
from rules.flow.values import Text, Thing
from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="SEC104",
    severity=Severity.ERROR,
    checklist=("security.injection-family", "security.file-upload"),
    cwe=22,
    defers=False,
    peers=(),
)

_PROBES = ("os.path.exists", "os.path.isfile", "os.path.isdir", "os.path.getsize", "os.stat")
_READS = (
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "open",
    "unlink",
    "rmdir",
    "mkdir",
)
_ON_PATHS = tuple(f"*.{each}" for each in (*_READS, "touch", "rename", "replace", "iterdir"))


def _is_path(call: Call, frame: Frame) -> bool:
    owner = call.owner
    if not isinstance(owner, Thing):
        return isinstance(owner, Text) and call.method in _READS[:4]
    return "Path" in owner.name or (not owner.name and call.method in _READS[:4])


def _is_pathlib(call: Call, frame: Frame) -> bool:
    return isinstance(call.owner, Thing) and "Path" in call.owner.name


def _is_named(call: Call, frame: Frame) -> bool:
    """Whether these may take a name: they take the upload of a form as well."""
    return not any(
        isinstance(value, Thing)
        and isinstance(mark, Mark)
        and any(f".{each}" in mark.source for each in VALIDATED)
        for value in call.every
        for mark in value.marks
    )


class FilePath(TaintedCall):
    family = "path"
    sinks = (
        Sink(("builtins.open", "io.open", "codecs.open", "aiofiles.open"), (0, "file", "filename")),
        Sink(("anyio.open_file", "gzip.open", "bz2.open", "lzma.open", "io.FileIO"), (0, "file")),
        Sink(("tarfile.open", "shelve.open", "dbm.open"), (0, "name")),
        Sink(("zipfile.ZipFile",), (0, "file"), _is_named),
        Sink(
            ("os.open", "os.remove", "os.unlink", "os.rmdir", "os.mkdir", "os.makedirs"),
            (0, "path"),
        ),
        Sink(
            ("os.listdir", "os.scandir", "os.walk", "os.chmod", "os.removedirs"), (0, "path", "top")
        ),
        Sink(
            ("os.rename", "os.replace", "os.renames", "os.link", "os.symlink"), (0, 1, "src", "dst")
        ),
        Sink(
            ("shutil.copy", "shutil.copyfile", "shutil.copy2", "shutil.move"), (0, 1, "src", "dst")
        ),
        Sink(("shutil.copytree", "shutil.rmtree"), (0, 1, "src", "dst", "path")),
        Sink(("flask.send_file", "quart.send_file", "bottle.static_file"), (0, "path_or_file")),
        Sink(("flask.send_from_directory",), (0, "directory")),
        Sink(
            (
                "starlette.responses.FileResponse",
                "fastapi.responses.FileResponse",
                "aiohttp.web.FileResponse",
                "sanic.response.file",
            ),
            (0, "path"),
        ),
        Sink(
            ("pandas.read_csv", "pandas.read_excel", "numpy.load", "numpy.loadtxt"),
            (0, "filepath_or_buffer", "io", "file", "fname"),
            _is_named,
        ),
        Sink(("PIL.Image.open",), (0, "fp"), _is_named),
        Sink(("linecache.getlines", "fileinput.input", "configparser.ConfigParser().read")),
        Sink(_ON_PATHS, (), _is_path, on_owner=True),
        Sink(_PROBES, (0, "path"), title=PROBE),
        Sink(("*.exists", "*.is_file", "*.is_dir"), (), _is_pathlib, on_owner=True, title=PROBE),
        Sink(
            ("*.save",),
            (0, "dst"),
            lambda call, _: any(each in _owner(call) for each in ("FILES", "files", UPLOAD)),
        ),
    )


def _owner(call: Call) -> str:
    return call.owner.name if isinstance(call.owner, Thing) else ""


@rule.on(FilePath)
def check(found: FilePath, here: Here) -> Iterator[Flag]:
    name = found.called.removeprefix("builtins.").rpartition("()")[2].lstrip(".")
    reach = (
        "`..`, and on Windows `..\\`, leads out of the folder"
        if _is_part_of_address(found, here)
        else "`../` leads to any other file"
    )
    yield flag(
        found,
        here,
        f"decides which file `{name}` reaches: {reach}",
        "Take its last part (`secure_filename`), or resolve the path and check that it is inside the folder.",
        whole=True,
    )


def _is_part_of_address(found: FilePath, here: Here) -> bool:
    """Whether the data is what stands between two slashes of the address: it holds none itself."""
    function = here.function(found.node)
    if function is None or not found.source.isidentifier():
        return False
    name = found.source
    parts = (f"{{{name}}}", f"{{{name}:str}}", f"<{name}>", f"<string:{name}>")
    routes = [here.source(each) for each in function.decorators]
    return any(part in route for part in parts for route in routes)
