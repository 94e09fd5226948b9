"""Which functions of a file are worth interpreting from their beginning.

Following every function of a file, and all that it calls, takes several times as long as
parsing it. Data of a caller comes in through few: those that speak of a request, or that a
decorator makes a route. What they call is interpreted when they call it.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property

from rules.facts.python_modules import dotted
from rules.flow.program import Program
from rules.flow.taint.sources import REQUEST_CLASSES, ROUTE_NAMES
from rules.flow.values import FunctionCode, FunctionNode
from rules.kit import Here, walk_syntax

_SPEAKS = re.compile(
    r"(?<!pull_)request(?!s$|ed|er|_?(count|method|rate))|^req$|websocket|cleaned_data|validated_data|^\.(kwargs|query_params)$",
    re.IGNORECASE,
)
# In a file that names no framework only what is called a request can be one.
_SPEAKS_ALONE = re.compile(
    r"^_?request$|^(Http|HTTP)?Request$|^(cleaned|validated)_data$|^\.(kwargs|query_params)$"
)
_CLIENTS = frozenset({"urllib", "response", "resp"})
_ROUTES = ROUTE_NAMES | {"api_view"}
# What `_SPEAKS` looks for in names, as a text holds it in small letters.
_REQUEST = re.compile(r"(?<!urllib\.)request(?!s\b|ed)")
_REQ = re.compile(r"req(?:uest|\b)")
_SPOKEN = ("websocket", "cleaned_data", "validated_data", ".kwargs", ".query_params")
_REQUEST_ALONE = frozenset(
    {"request", "_request", "Request", "HttpRequest", "HTTPRequest", "cleaned_data"}
    | {"validated_data"}
)
_OPENS = re.compile(r"[\s\\]{0,80}\(")
_DECORATED = re.compile(rf"@[^\n]{{0,200}}?\b({'|'.join(sorted(_ROUTES))})\b")


def may_enter(text: str, here: Here, *, is_web: bool) -> bool:
    """A quick look whether data may come in through a file at all: mostly it may not."""
    speaks = _may_speak(text, here) if is_web else _may_speak_alone(text, here)
    return speaks or ("@" in text and _DECORATED.search(text) is not None)


def _may_speak(text: str, here: Here) -> bool:
    small = text.lower()
    if here.mentions(("req", "REQ", "Req")) or any(each in small for each in _SPOKEN):
        return True
    return "request" in small and _REQUEST.search(small) is not None


def _may_speak_alone(text: str, here: Here) -> bool:
    has_attribute = here.mentions(("kwargs", "query_params"))
    return here.mentions(_REQUEST_ALONE) or (
        has_attribute and any(each in text for each in (".kwargs", ".query_params"))
    )


def lines_of_calls(text: str, names: Collection[str]) -> list[int]:
    """Where something of one of these names is called, as it looks: the numbers of the lines."""
    found = {at for name in names for at in _calls_of(name, text)}
    numbers, line, before = list[int](), 1, 0
    for at in sorted(found):
        line += text.count("\n", before, at)
        before = at
        numbers.append(line)
    return numbers


def _calls_of(name: str, text: str) -> Iterator[int]:
    at = text.find(name)
    while at >= 0:
        end = at + len(name)
        is_whole = at == 0 or not (text[at - 1].isalnum() or text[at - 1] == "_")
        if is_whole and _OPENS.match(text, end):
            yield at
        at = text.find(name, end)


def entries(
    codes: Iterable[FunctionCode],
    sinks: Collection[str],
    lines: Sequence[str],
    called: Sequence[int],
    *,
    program: Program,
    is_web: bool,
) -> Iterator[tuple[FunctionCode, bool]]:
    """Functions through which data may come in, and, where `sinks` are given, that call one.

    With each, whether data may come in through it. One that calls such a function of the same
    file is worth it, too: it may hand on its answer. `lines` are those of the file, `called`
    the `lines_of_calls` of the sinks; `is_web` says whether it names a framework.
    """
    every = [
        (code, _Said(code.node, lines, _of_project(code, program), is_web=is_web)) for code in codes
    ]
    speaking = {code.own_name for code, said in every if said.speaks}
    for code, said in every:
        enters = said.speaks or said.names(speaking) or _is_route(code.node)
        if enters or said.calls(sinks, called):
            yield code, enters


class _Said:
    """The names in a function. A look at its text spares most functions the walk to find them."""

    def __init__(
        self, node: FunctionNode, lines: Sequence[str], known: Collection[str], *, is_web: bool
    ) -> None:
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
        self._node, self._known = node, known
        self._speaks = _SPEAKS if is_web else _SPEAKS_ALONE
        self._first, self._last = first, node.end_lineno or first
        self._text = "\n".join(lines[first - 1 : node.end_lineno])

    @cached_property
    def speaks(self) -> bool:
        """Whether it speaks of a request."""
        small = self._text.lower()
        may = any(each in small for each in _SPOKEN) or _REQ.search(small) is not None
        return may and any(self._speaks.search(each) for each in self._words[0])

    def names(self, wanted: Collection[str]) -> bool:
        """Whether one of these names is in it."""
        may = any(each in self._text for each in wanted)
        return may and not self._words[0].isdisjoint(wanted)

    def calls(self, wanted: Collection[str], called: Sequence[int]) -> bool:
        """Whether it calls something of one of these names, which are called on these lines."""
        first = bisect_left(called, self._first)
        if first == len(called) or called[first] > self._last:
            return False
        return not self._words[1].isdisjoint(wanted)

    @cached_property
    def _words(self) -> tuple[frozenset[str], frozenset[str]]:
        """The names, those of attributes once more with their dot; and the called."""
        found, called = set[str](), set[str]()
        for each in walk_syntax(self._node):
            if isinstance(each, ast.Name):
                found.add(each.id)
            elif isinstance(each, ast.Attribute):
                if not _is_client(each):
                    found |= {each.attr, f".{each.attr}"}
            elif isinstance(each, ast.arg):
                found.add(each.arg)
            elif isinstance(each, ast.Call):
                called.add(_last(each.func))
        return frozenset(found.difference(self._known)), frozenset(called)


def _is_client(node: ast.Attribute) -> bool:
    """`urllib.request` and `response.request`: what is asked of others."""
    return isinstance(node.value, ast.Name) and node.value.id in _CLIENTS


def _of_project(code: FunctionCode, program: Program) -> frozenset[str]:
    """Parameters that a class of the project says what they are, and the names of these classes.

    A client of HTTP has a `Request` of its own, too.
    """
    spec = code.node.args
    noted = [
        (each.arg, dotted(each.annotation))
        for each in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)
        if each.annotation is not None
    ]
    own = [each for each in noted if _is_own_class(each[1], code, program)]
    return frozenset(name.rpartition(".")[2] for each in own for name in each)


def _is_own_class(written: str, code: FunctionCode, program: Program) -> bool:
    """Whether it is a class of the project, or comes from a file beside that is not at hand."""
    if not written or written.endswith("HttpRequest"):
        return False
    modules, at = program.modules, code.module.path
    full = modules.resolve(at, written)
    path, rest = program.split(full)
    record = modules.by_path.get(path)
    if record is not None and rest.isidentifier():
        return any(each.name == rest for each in record.classes)
    head = written.partition(".")[0]
    target = modules.by_path[at].imports.get(head, "") if at in modules.by_path else ""
    return target.startswith(".") and not REQUEST_CLASSES.match(full)


def _is_route(node: ast.AST) -> bool:
    """Whether a decorator makes the function answer requests."""
    return any(
        isinstance(each, ast.Call) and _last(each.func) in _ROUTES
        for each in getattr(node, "decorator_list", ())
    )


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
