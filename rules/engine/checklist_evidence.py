"""What added code does, as far as a question of the checklist may hang on it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from rules.engine.added_code import AddedCode, chain, line_of
from rules.engine.encodings import read_shown
from rules.kit.paths import is_migration, is_script

MANY_BRANCHES = 3
_SERVICES = frozenset({
    "requests", "httpx", "aiohttp", "urllib3", "boto3", "botocore", "aioboto3", "stripe",
    "twilio", "sendgrid", "openai", "anthropic", "smtplib", "ftplib", "paramiko", "ldap3",
    "ldap", "slack_sdk", "github", "gitlab", "algoliasearch", "elasticsearch",
    "opensearchpy", "zeep", "suds", "xmlrpc", "grpc", "telegram", "plaid", "braintree",
    "square", "mailchimp3", "pusher", "hubspot", "shopify", "dropbox", "kafka",
    "confluent_kafka", "aiokafka", "pika", "aio_pika", "paypalrestsdk", "postmarker",
    "mailjet_rest", "firebase_admin", "pymqi", "hvac", "consul", "docker", "kubernetes",
})  # fmt: skip
_SERVICE_PARTS = ("urllib.request", "google.cloud", "googleapiclient", "azure", "http.client")
_QUERIES = frozenset({"execute", "scalar", "scalars", "query", "exec", "stream_scalars"})
_SESSION = re.compile(r"(^|_)(session|db|conn|connection|cursor)$")
_LOGGER = re.compile(r"(^|_)(log|logger|logging)$", re.IGNORECASE)
_LOGS = frozenset({"debug", "info", "warning", "error", "critical", "exception"})
_WRITES = frozenset({
    "write_text", "write_bytes", "copyfile", "copy2", "copytree", "FileField", "ImageField",
    "to_csv", "to_parquet", "to_excel", "TimedRotatingFileHandler", "RotatingFileHandler",
    "FileHandler", "WatchedFileHandler",
})  # fmt: skip
_HANDLERS = re.compile(r"(?:TimedRotating|Rotating|Watched)?FileHandler$")
_STORAGES = re.compile(r"storage$", re.IGNORECASE)
_SILENCES = re.compile(
    r"#\s*(?P<what>nosec\b|nosemgrep\b|lgtm\b|noqa\b(?!\s*:)|noqa\s*:[^#]{0,80}\bS\d{3}"
    r"|stet:\s*ignore[\w-]*\[[^\]]{0,80}\bS(?:EC|ET)\w*)"
)
_BRANCHES = (ast.If, ast.While, ast.ExceptHandler, ast.match_case, ast.IfExp)
_LONGEST_LINE = 1000
_TELLING = re.compile(
    rb"\bobjects\b|\b(?:execute|scalars?|query|exec|stream_scalars|create_table|CreateModel|save|open"
    rb"|write_text|write_bytes|copyfile|copy2|copytree|to_csv|to_parquet|to_excel|Model|table"
    rb"|debug|info|warning|error|critical|exception)\b|__tablename__|File(?:Field|Handler)|ImageField"
)
_FORKS = re.compile(rb"\b(?:if|elif|while|except|case)\b")
_CLIENTS = re.compile(
    rb"(?m)^[ \t]{0,40}(?:from|import)[ \t]{1,9}(?:"
    + "|".join(
        map(re.escape, sorted({*_SERVICES, *_SERVICE_PARTS, "urllib", "http", "google"}))
    ).encode()
    + rb")\b"
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """An added line and what it does: a clause, names of the code in backticks.

    Line 0 is the file as a whole, and an empty path the whole change.
    """

    path: str
    line: int
    because: str


def may_tell(added: bytes, file: bytes) -> bool:
    """Whether anything below may be found in added lines: a look that saves most parses."""
    return (
        _TELLING.search(added) is not None
        or len(_FORKS.findall(added)) >= MANY_BRANCHES
        or (b"(" in added and _CLIENTS.search(file) is not None)
    )


def services(code: AddedCode) -> Iterator[Evidence]:
    """Calls of clients of other services."""
    for call in code.calls:
        full = code.imports.get(call.chain[0], "")
        package = full.partition(".")[0]
        if "web" in (*full.split(".")[1:2], *call.chain[1:2]) and package == "aiohttp":
            continue  # its server
        is_part = full.startswith(_SERVICE_PARTS)
        if package in _SERVICES or is_part:
            name = ".".join(full.split(".")[:2]) if is_part else package
            yield _at(code, call.node, f"{_who(code, call.inside)} calls `{name}`")


def queries(code: AddedCode) -> Iterator[Evidence]:
    """Queries in code that answers requests."""
    if not code.answers_requests or is_script(code.path):
        return
    for call in code.calls:
        *_, owner, last = ("", *call.chain)
        via_session = last in _QUERIES and _SESSION.search(owner)
        if "objects" in call.chain[:-1] or via_session:
            yield _at(code, call.node, f"{_who(code, call.inside)} queries the database")


def branches(code: AddedCode) -> Iterator[Evidence]:
    """Functions that gain several branches at once."""
    if is_migration(code.path) or is_script(code.path):
        return
    count: Counter[str] = Counter()
    first: dict[str, ast.AST] = {}
    for node, inside in code.nodes:
        if inside and isinstance(node, _BRANCHES):
            count[inside] += 1
            first.setdefault(inside, node)
    for name, number in count.items():
        if number >= MANY_BRANCHES:
            yield _at(code, first[name], f"`{name}` has {number} new branches")


def tables(code: AddedCode) -> Iterator[Evidence]:
    """Models and tables that were not there before."""
    before = code.change.before or b""
    for node, _ in code.nodes:
        if isinstance(node, ast.ClassDef) and _is_table(node):
            if f"class {node.name}(".encode() not in before:
                yield _at(code, node, f"`{node.name}` is stored from now on")
        elif isinstance(node, ast.Call) and chain(node.func)[-1] in ("create_table", "CreateModel"):
            yield _at(code, node, "a table is created")


def written_files(code: AddedCode) -> Iterator[Evidence]:
    """Files that the application writes."""
    if is_script(code.path) or is_migration(code.path):
        return
    for call in code.calls:
        *_, owner, last = ("", *call.chain)
        saves = last == "save" and bool(_STORAGES.search(owner))
        if last in _WRITES or saves or (last == "open" and _opens_to_write(call.node)):
            who = _who(code, call.inside)
            yield _at(code, call.node, f"{who} writes files (`{last}`)")


def log_files(code: AddedCode) -> Iterator[Evidence]:
    """Handlers that write logs to files."""
    for node, _ in code.nodes:
        name = ""
        if isinstance(node, ast.Call):
            name = chain(node.func)[-1]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            home, _, last = node.value.rpartition(".")
            name = last if home else ""
        if len(name) < _LONGEST_LINE and _HANDLERS.fullmatch(name):
            yield _at(code, node, f"a `{name}` writes a log")


def request_logs(code: AddedCode) -> Iterator[Evidence]:
    """Log lines in code that answers requests."""
    if not code.answers_requests or is_script(code.path):
        return
    for call in code.calls:
        *_, owner, last = ("", *call.chain)
        if call.inside and last in _LOGS and _LOGGER.search(owner):
            yield _at(code, call.node, f"`{call.inside}` logs")


def silenced(code: AddedCode) -> Iterator[Evidence]:
    """Comments that tell a tool to say nothing about security."""
    lines = read_shown(code.path, code.change.after or b"").split("\n")
    for number in sorted(code.change.added):
        line = lines[number - 1][:_LONGEST_LINE] if number <= len(lines) else ""
        found = _SILENCES.search(line)
        if found is not None:
            tool = re.split(r"[\s:\[]", found["what"])[0]
            yield Evidence(code.path, number, f"a comment there says `{tool}`")


def _at(code: AddedCode, node: ast.AST, because: str) -> Evidence:
    return Evidence(code.path, line_of(node), because)


def _who(code: AddedCode, function: str) -> str:
    return f"`{function or code.path.rpartition('/')[2]}`"


def _is_table(node: ast.ClassDef) -> bool:
    bases = [chain(each) for each in node.bases]
    if any(each[-2:] == ("models", "Model") or each == ("Model",) for each in bases):
        return True
    assigned = [
        target for each in node.body if isinstance(each, ast.Assign) for target in each.targets
    ]
    return any(
        isinstance(each, ast.Name) and each.id == "__tablename__" for each in assigned
    ) or any(
        each.arg == "table" and isinstance(each.value, ast.Constant) and each.value.value is True
        for each in node.keywords
    )


def _opens_to_write(node: ast.Call) -> bool:
    mode = next((each.value for each in node.keywords if each.arg == "mode"), None)
    place = 0 if isinstance(node.func, ast.Attribute) and len(node.args) == 1 else 1
    if mode is None and len(node.args) > place:
        mode = node.args[place]
    text = mode.value if isinstance(mode, ast.Constant) else ""
    return isinstance(text, str) and len(text) < 4 and bool(set(text) & set("wax"))
