"""Calls that write a log: of `logging`, structlog, loguru, and of loggers that only their name tells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from rules.facts.python_modules import Modules
from rules.kit import Here, dotted, find, keyword

METHODS = frozenset(
    {"debug", "info", "warning", "warn", "error", "critical", "fatal", "exception", "log", "trace"}
    | {"success", "msg", "adebug", "ainfo", "awarning", "aerror", "acritical", "aexception"}
)
FAILING = frozenset({"error", "critical", "fatal", "aerror", "acritical"})
_NAMED = re.compile(r"(^|_)(log|logger|logging)$", re.IGNORECASE)
_LIBRARIES = ("logging", "structlog", "loguru")
_MAKERS = {
    "celery.utils.log.get_task_logger": "logging",
    "celery.utils.log.get_logger": "logging",
    "flask.current_app.logger": "logging",
    "fastapi.logger.logger": "logging",
    "flask.Flask.logger": "logging",
}
_REPORTS = frozenset(
    {"capture_exception", "captureException", "capture_message", "print_exc", "print_exception"}
    | {"format_exc", "format_exception", "notice_error", "record_exception", "report_exc_info"}
    | {"mail_admins", "excepthook", "log_exception", "report_exception", "handle_exception"}
)


@dataclass(frozen=True, slots=True, eq=False)
class LogCall:
    """A call that logs. `library` is logging, structlog or loguru, empty where it is not known.

    `on_root` marks the functions of the module `logging` itself.
    """

    node: cst.Call
    method: str
    library: str
    on_root: bool

    @property
    def message(self) -> cst.BaseExpression | None:
        """What is logged; `log` is given the level before it."""
        plain = [each for each in self.node.args if each.keyword is None and not each.star]
        at = 1 if self.method == "log" else 0
        return plain[at].value if len(plain) > at else None


def log_call(call: cst.Call, here: Here) -> LogCall | None:
    """What a call logs with, if it is one that logs."""
    func = call.func
    if not isinstance(func, cst.Attribute) or func.attr.value not in METHODS:
        return None
    method = func.attr.value
    names = here.names(func.value)
    library = next((found for each in sorted(names) if (found := _library(each))), "")
    if library:
        return LogCall(call, method, library, names == frozenset({"logging"}))
    if not _NAMED.search(_last(func.value)) or method in ("msg", "success", "trace"):
        return None
    return LogCall(call, method, _of_project(names, here), on_root=False)


def _last(owner: cst.BaseExpression) -> str:
    """`logger` of `self.logger`, of `logger.bind(...)` and of `get_logger()`."""
    while isinstance(owner, cst.Call):
        inner = owner.func
        chained = isinstance(inner, cst.Attribute) and inner.attr.value in ("bind", "opt", "new")
        owner = inner.value if chained and isinstance(inner, cst.Attribute) else inner
    return owner.attr.value if isinstance(owner, cst.Attribute) else dotted(owner)


def _library(name: str) -> str:
    known = _MAKERS.get(name)
    if known:
        return known
    head = name.partition(".")[0]
    return head if head in _LIBRARIES else ""


def _of_project(names: frozenset[str], here: Here) -> str:
    """The library of a logger that another module of the project makes."""
    modules: Modules | None = None
    for each in names:
        if each.startswith("builtins."):
            continue
        modules = modules or here.project.facts(Modules)
        home, _, own = modules.canonical(each).rpartition(".")
        path = modules.path_of.get(home, "")
        record = modules.by_path.get(path)
        for one in record.assignments if record is not None else ():
            if one.name == own and one.func:
                return _library(modules.resolve(path, one.func))
    return ""


def tells(body: cst.CSTNode, here: Here) -> bool:
    """Whether something below logs, or hands an exception to an error tracker."""
    return reports(body) or any(log_call(each, here) is not None for each in find(body, cst.Call))


def reports(body: cst.CSTNode) -> bool:
    """Whether an error tracker, or a traceback, is made use of below."""
    return any(_last_of_call(each) in _REPORTS for each in find(body, cst.Call))


def tells_trace(body: cst.CSTNode, besides: cst.Call, here: Here) -> bool:
    """Whether another call below logs the traceback."""
    return any(
        each.node is not besides and carries_traceback(each) for each in log_calls(body, here)
    )


def _last_of_call(call: cst.Call) -> str:
    return call.func.attr.value if isinstance(call.func, cst.Attribute) else dotted(call.func)


def carries_traceback(call: LogCall) -> bool:
    """Whether the call logs where an exception came from."""
    if call.method in ("exception", "aexception"):
        return True
    given = keyword(call.node, "exc_info")
    if given is not None:
        return not (isinstance(given, cst.Name) and given.value in ("False", "None"))
    if any(each.star == "**" for each in call.node.args):
        return True
    return keyword(call.node, "stack_info") is not None or any(
        _last_of_call(each) in _REPORTS for each in find(call.node, cst.Call)
    )


def log_calls(body: cst.CSTNode, here: Here) -> Iterator[LogCall]:
    """The calls below that log."""
    for each in find(body, cst.Call):
        found = log_call(each, here)
        if found is not None:
            yield found


def logger_of(here: Here) -> str:
    """The name of the logger that the module makes for itself at its top, or imports."""
    for line in here.module.body if here.module is not None else ():
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            match each:
                case cst.Assign(
                    targets=[cst.AssignTarget(target=cst.Name(value=name))],
                    value=cst.Call() as made,
                ) if any(_library(full) for full in here.names(made.func)):
                    return name
                case cst.ImportFrom(module=cst.Name(value="loguru")):
                    return "logger"
    return ""
