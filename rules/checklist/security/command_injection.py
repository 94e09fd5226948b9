"""A shell runs text that may come from outside.

A shell reads `;`, `|`, `$()` and line ends in the text it is given as commands of their own, so a
caller who chooses a part of the text runs what they like on the server. Start the program with a list
of arguments and no shell; where a shell is needed, quote each part with `shlex.quote`.

Bad:
```python shop/views.py
import os

from django.http import HttpResponse

def ping(request):
    host = request.GET["host"]
    os.system("ping -c 1 " + host)  # flagged
    return HttpResponse()
```
Good:
```python shop/views.py
import subprocess

from django.http import HttpResponse

def ping(request):
    host = request.GET["host"]
    subprocess.run(["ping", "-c", "1", "--", host], check=True)
    return HttpResponse()
```
Bad:
```python shop/api.py
import subprocess

from fastapi import FastAPI

app = FastAPI()

@app.post("/convert")
def convert(name: str, size: int):
    command = f"convert -resize {size} uploads/{name} thumbs/{name}"
    return subprocess.check_output(command, shell=True)  # flagged
```
Good: quoted, or from a list of your own.
```python shop/api.py
import os
import shlex
import subprocess

from fastapi import FastAPI

app = FastAPI()
TOOLS = {"jpeg": "jpegoptim", "png": "optipng"}

@app.post("/optimise")
def optimise(kind: str, name: str):
    subprocess.run(f"file {shlex.quote(name)}", shell=True, check=True)
    if kind not in ("jpeg", "png"):
        return None
    os.system(f"{TOOLS[kind]} --version; ls {kind}")
    return subprocess.run(["file", name], check=True)
```
Bad: a list is no help if its program is a shell.
```python shop/tasks.py
import subprocess

from flask import Flask, request

app = Flask(__name__)

@app.route("/run", methods=["POST"])
def run():
    words = ["sh", "-c"]
    words.append("echo " + request.form["text"])
    subprocess.run(words, check=True)  # flagged
    return {}
```
"""

from collections.abc import Iterator

from rules.flow.access import elements
from rules.flow.domain import Call
from rules.flow.frame import Frame
from rules.flow.taint.report import flag
from rules.flow.taint.sinks import Sink
from rules.flow.taint.subject import TaintedCall
from rules.flow.values import Const, Text, Thing, Value, choices, is_true
from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="SEC102",
    severity=Severity.ERROR,
    checklist=("security.injection-family",),
    cwe=78,
    defers=False,
    peers=("ruff:S602", "ruff:S604", "ruff:S605", "bandit:B602", "bandit:B604", "bandit:B605"),
)

_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "cmd", "cmd.exe", "powershell", "pwsh"})
_STARTERS = (
    *(f"subprocess.{each}" for each in ("run", "Popen", "call", "check_call", "check_output")),
    "asyncio.create_subprocess_exec",
    "asyncio.subprocess.create_subprocess_exec",
)


def _uses_shell(call: Call, frame: Frame) -> bool:
    """Whether `shell=True` is given, or the program itself is a shell."""
    shell = call.keywords.get("shell")
    if shell is not None and is_true(shell):
        return True
    command = call.argument(0, "args")
    items = elements(command, None, frame)[0] if command is not None else ()
    if call.name.startswith("asyncio."):
        items = call.args
    if len(items) < 2:
        return False
    programs = {each.rpartition("/")[2] for each in _words(items[0])}
    return bool(programs & _SHELLS) and bool(_words(items[1]) & _COMMANDS)


def _words(value: Value) -> frozenset[str]:
    return frozenset(str(each.value) for each in choices(value) if isinstance(each, Const))


_COMMANDS = frozenset({"-c", "/c", "/C", "-lc", "-ic", "-Command", "-command"})


def _chooses_program(call: Call, frame: Frame) -> bool:
    """Whether the data is the program to start, not an argument of it."""
    command = call.argument(0, "args")
    if command is None or _uses_shell(call, frame):
        return False
    if isinstance(command, Text):
        return not command.start
    return isinstance(command, Thing)


class ShellCommand(TaintedCall):
    family = "command"
    hotspots = True
    sinks = (
        Sink(("os.system", "os.popen"), (0, "command", "cmd")),
        Sink(("subprocess.getoutput", "subprocess.getstatusoutput"), (0, "cmd")),
        Sink(("commands.getoutput", "commands.getstatusoutput", "popen2.popen2")),
        Sink(("pty.spawn",)),
        Sink(
            ("asyncio.create_subprocess_shell", "asyncio.subprocess.create_subprocess_shell"),
            (0, "cmd"),
        ),
        Sink(_STARTERS, None, _uses_shell),
        Sink(_STARTERS, (0, "args"), _chooses_program),
        Sink(("*.exec_command",), (0, "command"), lambda call, _: "paramiko" in call.name),
        Sink(("fabric.api.run", "fabric.api.local", "fabric.api.sudo", "invoke.run")),
    )


@rule.on(ShellCommand)
def check(found: ShellCommand, here: Here) -> Iterator[Flag]:
    name = found.called.removeprefix("builtins.")
    yield flag(
        found,
        here,
        f"becomes part of the command that `{name}` runs: a caller can add commands of their own",
        "Pass a list of arguments without a shell, or quote with `shlex.quote`.",
        doubt=f"becomes part of the command that `{name}` runs, and lets others add commands",
        whole=True,
    )
