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
"""

from collections.abc import Iterator

from rules.flow.domain import Call
from rules.flow.frame import Frame
from rules.flow.taint.report import flag
from rules.flow.taint.sinks import PROBE, Sink
from rules.flow.taint.subject import TaintedCall
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


class FilePath(TaintedCall):
    family = "path"
    sinks = (
        Sink(("builtins.open", "io.open", "codecs.open", "aiofiles.open"), (0, "file", "filename")),
        Sink(("anyio.open_file", "gzip.open", "bz2.open", "lzma.open", "io.FileIO"), (0, "file")),
        Sink(("tarfile.open", "zipfile.ZipFile", "shelve.open", "dbm.open"), (0, "name", "file")),
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
        Sink(("pandas.read_csv", "numpy.load", "numpy.loadtxt", "PIL.Image.open"), (0, "fp")),
        Sink(("linecache.getlines", "fileinput.input", "configparser.ConfigParser().read")),
        Sink(_ON_PATHS, (), _is_path, on_owner=True),
        Sink(_PROBES, (0, "path"), title=PROBE),
        Sink(("*.exists", "*.is_file", "*.is_dir"), (), _is_pathlib, on_owner=True, title=PROBE),
        Sink(
            ("*.save",),
            (0, "dst"),
            lambda call, _: "FILES" in _owner(call) or "files" in _owner(call),
        ),
    )


def _owner(call: Call) -> str:
    return call.owner.name if isinstance(call.owner, Thing) else ""


@rule.on(FilePath)
def check(found: FilePath, here: Here) -> Iterator[Flag]:
    name = found.called.removeprefix("builtins.").rpartition("()")[2].lstrip(".")
    yield flag(
        found,
        here,
        f"decides which file `{name}` reaches: `../` leads to any other file",
        "Take its last part (`secure_filename`), or resolve the path and check that it is inside the folder.",
        whole=True,
    )
