"""A file, socket or lock is acquired, and nothing makes sure that it is given back.

When anything fails in between, the file stays open or the lock held: the process runs out of
descriptors, or waits for itself for ever. `with` gives it back on every path.

Bad:
```python
def read(path):
    text = open(path).read()  # flagged
    return text.strip()
```
Good:
```python
def read(path):
    with open(path) as file:
        text = file.read()
    return text.strip()
```
Bad:
```python
import threading

lock = threading.Lock()


def write(path, text):
    lock.acquire()  # flagged
    file = open(path, "w")  # flagged
    file.write(text)
    file.close()
    lock.release()
```
Good:
```python
import threading

lock = threading.Lock()


def write(path, text):
    with lock, open(path, "w") as file:
        file.write(text)
```
Bad:
```python
import json
import socket
import zipfile


def send(path, address):
    data = json.load(open(path))  # flagged
    connection = socket.create_connection(address)  # flagged
    connection.sendall(data["text"].encode())
    names = zipfile.ZipFile(path).namelist()  # flagged
    return names
```
Good:
```python
import json
import socket
import zipfile


def send(path, address):
    with open(path) as file:
        data = json.load(file)
    with socket.create_connection(address) as connection:
        connection.sendall(data["text"].encode())
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    return names
```
Good: it is closed on every path, by other means.
```python
import contextlib


def copy(source, target, stack):
    file = open(source)
    try:
        text = file.read()
    finally:
        file.close()
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(open(target, "w"))
        out.write(text)
    again = open(source)
    with again:
        return again.read()
```
Good: whoever gets it closes it.
```python
import subprocess


class Journal:
    def __init__(self, path):
        self.file = open(path, "a")


def source(path):
    return open(path)


def start(path):
    log = open(path, "w")
    return subprocess.Popen(["serve"], stdout=log)
```
Good: a script that ends at once.
```python .ci/scripts/yanked.py
import json
import urllib.request


def main():
    response = urllib.request.urlopen("https://pypi.example/shop/json", timeout=10)
    print(json.loads(response.read())["releases"])
```
Good: a lock that is tried, not waited for.
```python
def run(lock, work):
    if not lock.acquire(blocking=False):
        return
    try:
        work()
    finally:
        lock.release()
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.console import is_run_by_hand
from rules.facts.leaked_errors import last_of
from rules.kit import Fix, Flag, Here, InsertBefore, Replace, Rule, Severity, dotted, find, keyword

rule = Rule(
    __name__,
    __doc__,
    code="QLT105",
    severity=Severity.WARNING,
    checklist=("quality.idioms",),
    fix="suggestion",
    cwe=772,
    peers=("ruff:SIM115", "pylint:R1732"),
)

_OPENERS = frozenset(
    {
        "builtins.open",
        "io.open",
        "codecs.open",
        "gzip.open",
        "bz2.open",
        "lzma.open",
        "tarfile.open",
    }
    | {
        "zipfile.ZipFile",
        "socket.socket",
        "socket.create_connection",
        "os.fdopen",
        "pathlib.Path.open",
    }
    | {"tempfile.NamedTemporaryFile", "tempfile.TemporaryFile", "urllib.request.urlopen"}
    | {"smtplib.SMTP", "smtplib.SMTP_SSL", "ftplib.FTP", "wave.open", "shelve.open"}
)
_LASTS: tuple[str, ...] = (
    "open",
    "ZipFile",
    "socket",
    "create_connection",
    "fdopen",
    "NamedTemporaryFile",
    "TemporaryFile",
    "urlopen",
    "SMTP",
    "SMTP_SSL",
    "FTP",
)
_READING = frozenset(
    {"read", "readlines", "readline", "write", "writelines", "namelist", "getnames"}
)
_READING |= frozenset({"extractall", "getvalue", "read_text", "sendmail"})
_CONSUMERS = frozenset(
    {"json.load", "yaml.safe_load", "yaml.load", "pickle.load", "tomllib.load", "toml.load"}
    | {"csv.reader", "csv.DictReader", "configparser.ConfigParser.read_file", "builtins.list"}
    | {"ast.parse", "plistlib.load", "json.dump", "yaml.dump", "pickle.dump"}
)
_LOCK = re.compile(r"(?i)(^|_)(r?lock|mutex|semaphore|sem)$")
_CLOSING = ("close", "quit", "disconnect", "shutdown", "__exit__")


@rule.on(cst.Call, calls=_LASTS)
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or is_run_by_hand(here) or not here.names(call.func) & _OPENERS:
        return
    used = here.parent(call)
    match used:
        case cst.Attribute(attr=cst.Name(value=name)):
            kept = name not in _READING or not isinstance(here.parent(used), cst.Call)
        case cst.Arg():
            around = here.parent(used)
            kept = not (isinstance(around, cst.Call) and bool(here.names(around.func) & _CONSUMERS))
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=variable))]):
            kept = _is_looked_after(variable, call, here)
        case _:
            kept = True
    if not kept:
        function = here.function(call)
        place = f" in `{function.name.value}`" if function is not None else ""
        yield Flag(
            call,
            f"What `{_opener(call)}` opens{place} is left open when something fails before it is "
            f"closed. Open it in a `with` statement.",
            fix=_fix(call, used, here),
        )


def _opener(call: cst.Call) -> str:
    return dotted(call.func) or last_of(call)


def _is_looked_after(variable: str, opened: cst.Call, here: Here) -> bool:
    """Whether the variable is closed in a `finally` or `with`, or handed to somebody else."""
    function = here.function(opened)
    if function is None:
        return True
    for each in find(function.body, cst.Name):
        if each.value != variable:
            continue
        match here.parent(each):
            case cst.Attribute(value=value, attr=cst.Name(value=name)) if value is each:
                if name in _CLOSING and here.around(each, cst.Finally, cst.ExceptHandler):
                    return True
                if name == "close" and _is_to_stay(opened):
                    return True
                if name in ("detach", "makefile", "fileno"):
                    return True
            case cst.AssignTarget() | cst.Attribute():
                continue
            case cst.Arg() as given:
                around = here.parent(given)
                if not (isinstance(around, cst.Call) and here.names(around.func) & _CONSUMERS):
                    return True
            case _:
                return True
    return False


def _is_to_stay(opened: cst.Call) -> bool:
    """A temporary file that is written, closed and then used by its name."""
    given = keyword(opened, "delete")
    return isinstance(given, cst.Name) and given.value == "False"


def _fix(call: cst.Call, used: cst.CSTNode | None, here: Here) -> Fix | None:
    """`x = open(path).read()` alone on its line becomes a `with` block."""
    match used:
        case cst.Attribute(value=value, attr=cst.Name(value=name)) if value is call:
            done = here.parent(used)
        case _:
            return None
    assigned = here.parent(done) if done is not None else None
    line = here.parent(assigned) if assigned is not None else None
    match line, assigned:
        case (
            cst.SimpleStatementLine(body=[_], leading_lines=[]) as statement,
            cst.Assign(targets=[cst.AssignTarget(target=target)], value=whole),
        ) if whole is done and not isinstance(call.func, cst.Attribute):
            arguments = here.source(done).removeprefix(here.source(used))
            if "\n" in arguments or statement.trailing_whitespace.comment is not None:
                return None
            head = InsertBefore(statement, (f"with {here.source(call)} as file:",))
            inner = f"    {here.source(target)} = file.{name}{arguments}"
            return Fix((head, Replace(statement, inner)))
        case _:
            return None


@rule.on(cst.Call, calls=("acquire",))
def check_lock(call: cst.Call, here: Here) -> Iterator[Flag]:
    statement = here.parent(call)
    owner = call.func.value if isinstance(call.func, cst.Attribute) else None
    name = dotted(owner)
    if not isinstance(statement, cst.Expr) or call.args or here.is_test:
        return
    if not _LOCK.search(name.rpartition(".")[2]) or _is_released(name, call, here):
        return
    yield Flag(
        call,
        f"If anything fails before `{name}` is released, everybody else waits for ever. "
        f"Use `with {name}:`.",
    )


def _is_released(name: str, call: cst.Call, here: Here) -> bool:
    """Whether a `finally` of this function releases it, or no `release` is here at all."""
    function = here.function(call)
    if function is None or function.name.value in ("acquire", "__enter__", "__aenter__", "lock"):
        return True
    releases = [
        each
        for each in find(function.body, cst.Call)
        if last_of(each) == "release" and dotted(each.func).removesuffix(".release") == name
    ]
    return not releases or any(here.around(each, cst.Finally) for each in releases)
