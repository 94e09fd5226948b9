"""The subject `TaintedCall`: data of the caller where it does harm, with the way it took."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import ClassVar, Self

import libcst as cst

from rules.flow.interpreter import Interpreter, Limit
from rules.flow.program import Program
from rules.flow.taint.entries import entries, lines_of_calls, may_enter
from rules.flow.taint.sinks import PROBE, Returned, Sink, Stored
from rules.flow.taint.taint import Hit, Sinks, Taint, short
from rules.flow.values import FunctionCode, Value
from rules.kit import Here, Related
from rules.kit.paths import is_migration, is_test
from rules.kit.positions import positions_in
from rules.kit.subjects import DerivedSubject

# A file can only let data in if it holds one of these.
_SOURCES = frozenset(
    [
        "request",
        "req",
        "route",
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "websocket",
        "api_view",
        "Request",
        "cleaned_data",
        "validated_data",
        "api_route",
        "HttpRequest",
        "kwargs",
        "View",
        "APIView",
    ]
)
_STATEMENT: Mapping[type[ast.AST], type[cst.CSTNode]] = {
    ast.Call: cst.Call,
    ast.Return: cst.Return,
    ast.Subscript: cst.Subscript,
    ast.Attribute: cst.Attribute,
}
_NEAR = 30  # lines
# Requests of other kinds are followed less far, as is a function that only calls a sink: its own
# code tells enough.
_FEW_STEPS, _STEPS_OF_A_LINE = 1500, 20
_WEB = frozenset(
    {"django", "rest_framework", "ninja", "fastapi", "starlette", "flask", "werkzeug", "quart"}
    | {"sanic", "aiohttp", "bottle", "tornado", "pyramid", "falcon", "litestar", "channels"}
)


@dataclass(frozen=True, eq=False)
class TaintedCall(DerivedSubject):
    """Data that a caller chose, where it reaches a sink of the rule.

    A rule derives its own class, names its `family` and `sinks`, and registers for that.
    `node` is the sink in the file at hand, or the call that leads to it in another file;
    `argument` the part of it that holds the data, else `node` again; `called` the name of the
    sink; `source` the expression of the caller's data, empty where it could not be followed;
    `related` the way of the data; `is_proven` whether it was followed all the way.
    """

    node: cst.CSTNode
    argument: cst.CSTNode
    called: str
    source: str
    related: tuple[Related, ...]
    is_proven: bool
    value: Value
    sink: Sink | Stored | Returned
    elsewhere: str = ""

    family: ClassVar[str] = ""
    sinks: ClassVar[tuple[Sink | Stored | Returned, ...]] = ()
    hotspots: ClassVar[bool] = False
    is_followed: ClassVar[bool] = True

    @classmethod
    def lives_in(cls, path: str) -> bool:
        return bool(cls.sinks) and not is_test(path) and not is_migration(path)

    @classmethod
    def found_in(cls, module: cst.Module, here: Here) -> Iterator[Self]:
        for hit in here.kept(_Analysis).of_family(cls.family):
            found = _Finder(module, here).locate(hit)
            if found is not None:
                node, argument, elsewhere = found
                yield cls(
                    node,
                    argument,
                    hit.name,
                    hit.mark.source if hit.mark is not None else "",
                    _way(hit),
                    hit.mark is not None and hit.mark.is_sure,
                    hit.value,
                    hit.sink,
                    elsewhere,
                )


def subjects() -> list[type[TaintedCall]]:
    """Every class that a rule derives."""
    return [each for each in TaintedCall.__subclasses__() if each.sinks]


def _doubted(classes: Sequence[type[TaintedCall]], here: Here) -> frozenset[str]:
    """What sinks are called by whose doubtful findings are wanted, of libraries the file names."""
    return frozenset().union(
        *(
            calls
            for library, calls in _doubtful_calls(tuple(classes)).items()
            if library in ("*", "builtins") or here.mentions((library,))
        )
    )


@cache
def _doubtful_calls(classes: tuple[type[TaintedCall], ...]) -> Mapping[str, frozenset[str]]:
    """By the library, what sinks are called by whose doubtful findings are wanted."""
    found: dict[str, set[str]] = {}
    for each in classes:
        for sink in each.sinks if each.hotspots else ():
            for library, last in map(_ends, sink.names) if isinstance(sink, Sink) else ():
                found.setdefault(library, set()).add(last)
    return {library: frozenset(calls) for library, calls in found.items()}


def _mentioned(names: frozenset[str], here: Here) -> frozenset[str]:
    """Those of the names that stand in the file."""
    words = here.known.words if here.known is not None else None
    if words is None:
        return names
    return frozenset(each.decode() for each in _encoded(names) & words)


@lru_cache(maxsize=256)  # as many as there are combinations of libraries
def _encoded(names: frozenset[str]) -> frozenset[bytes]:
    return frozenset(each.encode() for each in names)


def _ends(name: str) -> tuple[str, str]:
    return name.partition(".")[0], name.rpartition(".")[2]


@cache
def _sink_words(classes: tuple[type[TaintedCall], ...]) -> frozenset[str]:
    found = set()
    for each in classes:
        for sink in each.sinks:
            if isinstance(sink, Sink):
                found |= {name.rpartition(".")[2] for name in sink.names}
            elif isinstance(sink, Stored):
                found |= {name.rpartition(".")[2] for name in sink.owners}
    return frozenset(found)


@cache
def _sinks_of(classes: tuple[type[TaintedCall], ...]) -> Sinks:
    families: dict[str, list[Sink | Stored | Returned]] = {}
    for each in classes:
        families.setdefault(each.family, []).extend(each.sinks)
    return Sinks.of(families)


class _Analysis:
    """The hits of one file, for all families together: it is interpreted once."""

    def __init__(self, here: Here) -> None:
        self._hits: dict[str, list[Hit]] = {}
        classes = subjects()
        has_sources = here.mentions(_SOURCES)
        wanted = classes if has_sources else [each for each in classes if each.hotspots]
        if next(here.find(cst.FunctionDef), None) is None:
            return  # nothing is followed from a module's own statements
        if here.mentions(_sink_words(tuple(wanted))) or (has_sources and _returns_html(here)):
            doubted = _doubted(wanted, here)
            called = lines_of_calls(here.kept(_Lines).text, _mentioned(doubted, here))
            is_web = here.mentions(_WEB)
            if called or may_enter(_text(here), here, is_web=is_web):
                self._interpret(here, wanted, doubted, called, is_web=is_web)

    def of_family(self, family: str) -> list[Hit]:
        return self._hits.get(family, [])

    def _interpret(
        self,
        here: Here,
        classes: Sequence[type[TaintedCall]],
        doubted: frozenset[str],
        called: Sequence[int],
        *,
        is_web: bool,
    ) -> None:
        program: Program | None = here.project.facts(Programs).program
        if program is not None and not program.bodies.holds(here.path, _text(here)):
            program = program.with_text(here.path, _text(here))
        module = program.module(here.path) if program is not None else None
        if program is None or module is None:
            return
        hotspots = frozenset(each.family for each in classes if each.hotspots)
        domain = Taint(_sinks_of(tuple(classes)), hotspots)
        run = Interpreter(program, domain)
        most = run.steps
        limits: list[Limit] = []
        lines = here.kept(_Lines).lines
        codes = run.entries(module)
        for code, enters in entries(codes, doubted, lines, called, program=program, is_web=is_web):
            run.steps = most if enters and is_web else min(most, _steps_of_doubt(code))
            run.run_all(code)
            if enters and is_web:
                limits += run.limits
            run.limits.clear()
        if limits and here.known is not None:
            here.known.notes.append(_note(limits))
        self._keep(domain.hits, here.path)

    def _keep(self, hits: Sequence[Hit], path: str) -> None:
        """One hit for each sink and place of the file: the surest."""
        best: dict[tuple[str, int, int], Hit] = {}
        for hit in hits:
            place = next((node for at, node in hit.nodes if at == path), None)
            is_here = hit.nodes[0][0] == path
            if place is None or (not is_here and (hit.mark is None or not _enters(hit, path))):
                continue
            key = (hit.family, getattr(place, "lineno", 0), getattr(place, "col_offset", 0))
            known = best.get(key)
            if known is None or _rank(hit) < _rank(known):
                best[key] = hit
        for hit in self._without_echoes(list(best.values())):
            self._hits.setdefault(hit.family, []).append(hit)

    @staticmethod
    def _without_echoes(hits: list[Hit]) -> list[Hit]:
        """Without probes of a path that is used, and answers that are handed on."""

        def line(hit: Hit) -> int:
            return getattr(hit.nodes[-1][1], "lineno", 0)

        def is_echo(hit: Hit) -> bool:
            return any(
                other is not hit
                and other.family == hit.family
                and hit.mark is not None
                and other.mark is not None
                and other.mark.origin == hit.mark.origin
                and (
                    (_is_probe(hit) and not _is_probe(other))
                    or (
                        isinstance(hit.sink, Returned)
                        and isinstance(other.sink, Returned)
                        and line(other) > line(hit)
                    )
                )
                for other in hits
            )

        return [hit for hit in hits if not is_echo(hit)]


def _steps_of_doubt(code: FunctionCode) -> int:
    """Enough for the function itself, and a little of what it calls."""
    lines = (code.node.end_lineno or code.node.lineno) - code.node.lineno + 1
    return _FEW_STEPS + _STEPS_OF_A_LINE * lines


def _enters(hit: Hit, path: str) -> bool:
    """Whether data comes in through this file, not only through one that it calls."""
    return hit.mark is not None and hit.mark.origin.path == path


def _is_probe(hit: Hit) -> bool:
    return isinstance(hit.sink, Sink) and hit.sink.title == PROBE


def _note(limits: Sequence[Limit]) -> str:
    names = ", ".join(f"`{each.function}` (line {each.line})" for each in limits[:3])
    more = f" and {len(limits) - 3} more" if len(limits) > 3 else ""
    return f"data was not followed to the end of {names}{more}: there is too much to follow"


def _rank(hit: Hit) -> tuple[int, int]:
    mark = hit.mark
    return (2 if mark is None else 0 if mark.is_sure else 1, len(hit.nodes))


def _text(here: Here) -> str:
    if here.known is not None:
        return here.known.text
    return here.module.code if here.module is not None else ""


def _returns_html(here: Here) -> bool:
    return here.mentions(("route", "HTMLResponse", "flask"))


@dataclass(frozen=True)
class Programs:
    """The code of one version of the project, read as far as it was asked for."""

    program: Program

    @classmethod
    def gather(cls, project: object) -> Programs:
        return cls(Program(project))  # type: ignore[arg-type]


def _way(hit: Hit) -> tuple[Related, ...]:
    if hit.mark is None:
        return ()
    steps = [Related(each.path, each.line, each.message) for each in hit.mark.steps]
    path, node = hit.nodes[0]
    line = getattr(node, "lineno", 1)
    steps.append(Related(path, line, f"reaches `{_sink_name(hit)}`"))
    return tuple(steps)


def _sink_name(hit: Hit) -> str:
    node = hit.nodes[0][1]
    return short(node.func) if isinstance(node, ast.Call) else hit.name


class _Finder:
    """Finds the nodes of a file's LibCST tree that stand where nodes of its `ast` stand."""

    def __init__(self, module: cst.Module, here: Here) -> None:
        self._module = module
        self._here = here

    def locate(self, hit: Hit) -> tuple[cst.CSTNode, cst.CSTNode, str] | None:
        place = next((node for at, node in hit.nodes if at == self._here.path), None)
        if place is None:
            return None
        kind = _STATEMENT.get(place.__class__, cst.Call)
        called = _last(place.func) if isinstance(place, ast.Call) else ""
        candidates = self._here.kept(_Places).of(kind, called)
        line = getattr(place, "lineno", 0)
        column = self._column(place)
        fitting = [(node, span) for node, span in candidates if span[0] == line]
        exact = [node for node, span in fitting if span[1] == column]
        if isinstance(place, ast.Call):
            exact = exact or [node for node, _ in fitting]
            if not exact:  # positions inside f-strings are those of the string, before Python 3.12
                near = [
                    (abs(span[0] - line), number, node)
                    for number, (node, span) in enumerate(candidates)
                    if abs(span[0] - line) <= _NEAR
                ]
                exact = [min(near)[2]] if near else []
        node = exact[0] if exact else fitting[0][0] if fitting else None
        if node is None:
            return None
        elsewhere = hit.nodes[0][0] if hit.nodes[0][0] != self._here.path else ""
        return node, self._argument(node, place, hit), elsewhere

    def _column(self, place: ast.AST) -> int:
        """`ast` counts columns in bytes, LibCST in code points, from 1 here."""
        offset = getattr(place, "col_offset", 0)
        lines = self._here.kept(_Lines).lines
        line = getattr(place, "lineno", 1)
        text = lines[line - 1] if line <= len(lines) else ""
        return len(text.encode()[:offset].decode("utf-8", "replace")) + 1

    def _argument(self, node: cst.CSTNode, place: ast.AST, hit: Hit) -> cst.CSTNode:
        if not isinstance(node, cst.Call) or not isinstance(place, ast.Call) or hit.given is None:
            return node
        every = [*place.args, *(each.value for each in place.keywords)]
        for at, each in enumerate(every):
            if each is hit.given and at < len(node.args):
                return node.args[at].value
        return node


class _Places:
    """The places of the nodes of a kind, and of calls of a name, found once for a file."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._known: dict[tuple[type, str], list[tuple[cst.CSTNode, tuple[int, int]]]] = {}

    def of(self, kind: type[cst.CSTNode], called: str) -> list[tuple[cst.CSTNode, tuple[int, int]]]:
        known = self._known.get((kind, called))
        if known is None:
            module = self._here.module or cst.Module([])
            nodes = [each for each in self._here.find(kind) if _cst_last(each) == called]
            spans = positions_in(_text(self._here), module, nodes, self._here.scopes.parents)
            known = self._known[kind, called] = [
                (node, (spans[id(node)].line, spans[id(node)].column))
                for node in nodes
                if id(node) in spans
            ]
        return known


class _Lines:
    def __init__(self, here: Here) -> None:
        text = _text(here)
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _cst_last(node: cst.CSTNode) -> str:
    func = node.func if isinstance(node, cst.Call) else None
    if isinstance(func, cst.Attribute):
        return func.attr.value
    return func.value if isinstance(func, cst.Name) else ""
