"""Calls that make a whole event loop wait, and the functions of a project that make them."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

import libcst as cst
import msgspec

from rules.facts.function_index import FunctionIndex
from rules.kit import Extractor, Here, Project, Source, dotted
from rules.kit.paths import is_migration, is_module, is_test

_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request", "send", "stream")
_CLIENTS = (
    "requests", "requests.api", "requests.Session", "requests.session", "httpx", "httpx.Client",
    "requests.sessions.Session",
)  # fmt: skip
_HTTP = frozenset(f"{home}.{verb}" for home in _CLIENTS for verb in _VERBS) | {
    "urllib.request.urlopen",
    "urllib.request.urlretrieve",
    "urllib3.request",
    "urllib3.PoolManager.request",
}
_PROCESS = frozenset(
    {"subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output"}
    | {"subprocess.getoutput", "subprocess.getstatusoutput", "os.system", "os.popen"}
    | {"subprocess.Popen.wait", "subprocess.Popen.communicate", "os.waitpid"}
)
_SERVICES = frozenset(
    {"smtplib.SMTP", "smtplib.SMTP_SSL", "psycopg2.connect", "pymysql.connect", "MySQLdb.connect"}
    | {"sqlite3.connect", "socket.create_connection", "socket.getaddrinfo", "socket.gethostbyname"}
    | {"paramiko.SSHClient.connect", "ftplib.FTP"}
)
_FILES = frozenset({"builtins.open", "io.open", "pathlib.Path.open"}) | {
    f"pathlib.Path.{name}" for name in ("read_text", "read_bytes", "write_text", "write_bytes")
}
SLEEP = "time.sleep"
LASTS: tuple[str, ...] = tuple(
    sorted({name.rpartition(".")[2] for name in (*_HTTP, *_PROCESS, *_SERVICES, *_FILES, SLEEP)})
)
_KINDS: Mapping[str, str] = (
    dict.fromkeys(_HTTP, "waits for an answer over the network")
    | dict.fromkeys(_PROCESS, "waits for another process")
    | dict.fromkeys(_SERVICES, "waits for a connection")
    | dict.fromkeys(_FILES, "reads or writes a file")
    | {SLEEP: "sleeps"}
)
_OTHER_LOOPS = ("trio", "anyio", "curio", "gevent")


@dataclass(frozen=True, slots=True)
class Wait:
    """What a call waits for: the dotted name of what is called, and words for it."""

    name: str
    what: str

    @property
    def is_file(self) -> bool:
        """Whether it is a file, which is mostly there at once."""
        return self.name in _FILES

    @property
    def is_sleep(self) -> bool:
        return self.name == SLEEP


def wait_of(call: cst.Call, here: Here) -> Wait | None:
    """What a call waits for, if it holds up its thread at all."""
    for name in sorted(here.names(call.func)):
        if name in _KINDS:
            return Wait(name, _KINDS[name])
    return None


def loop_function(node: cst.CSTNode, here: Here) -> cst.FunctionDef | None:
    """The `async def` that runs a node itself, not a function or lambda that it hands on."""
    around = here.around(node, cst.FunctionDef, cst.Lambda)
    if isinstance(around, cst.FunctionDef) and around.asynchronous is not None:
        return around
    return None


def uses_other_loop(here: Here) -> bool:
    """Whether the file runs on another event loop than that of asyncio."""
    return here.mentions(_OTHER_LOOPS)


class BlockingRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Functions of a module that wait, by qualified name, with what they call."""

    functions: dict[str, str]


# Names as they are written: what is imported under another name is not followed.
_WRITTEN = re.compile(
    r"^(time\.sleep|requests\.(get|post|put|patch|delete|head|request)|httpx\.(get|post|put|patch|delete|request)"
    r"|subprocess\.(run|call|check_call|check_output)|os\.system|urllib\.request\.urlopen|urlopen)$"
)


def _extract(source: Source) -> BlockingRecord | None:
    found: dict[str, str] = {}
    for node in source.tree.body if source.tree is not None else ():
        if isinstance(node, ast.FunctionDef):
            _look(node, node.name, found)
        elif isinstance(node, ast.ClassDef):
            for each in node.body:
                if isinstance(each, ast.FunctionDef):
                    _look(each, f"{node.name}.{each.name}", found)
    return BlockingRecord(found) if found else None


def _look(function: ast.FunctionDef, name: str, found: dict[str, str]) -> None:
    if function.decorator_list:
        return  # a decorator may move the work elsewhere
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.Call) and _WRITTEN.match(_dotted(node.func)):
            found[name] = _dotted(node.func)
            return
        stack.extend(ast.iter_child_nodes(node))


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join((node.id, *reversed(parts))) if isinstance(node, ast.Name) else ""


BLOCKING: Extractor[BlockingRecord] = Extractor(
    name="blocking_functions",
    version=1,
    record=BlockingRecord,
    reads=lambda path: is_module(path) and not is_test(path) and not is_migration(path),
    extract=_extract,
    reads_tests=False,
    wanted=lambda data: (
        b"time.sleep(" in data
        or b"requests." in data
        or b"subprocess." in data
        or b"httpx." in data
        or b"urlopen(" in data
    ),
)


@dataclass(frozen=True)
class BlockingFunctions:
    """What functions of the project wait for. `words` are the last parts of their names."""

    index: FunctionIndex[str]
    words: frozenset[str]

    @classmethod
    def gather(cls, project: Project) -> BlockingFunctions:
        known = [
            (path, name, waits)
            for path, record in project.records(BLOCKING).items()
            for name, waits in record.functions.items()
        ]
        index = FunctionIndex.of(known)
        return cls(index, frozenset(index.by_last))


def last_name(call: cst.Call) -> str:
    """The last part of what is called."""
    return call.func.attr.value if isinstance(call.func, cst.Attribute) else dotted(call.func)
