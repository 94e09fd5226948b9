"""Exact positions for a few nodes of a tree.

LibCST's PositionProvider places every node and costs two parses. This runs LibCST's own
code generator with a state that notes only the nodes asked for, and stops after the last.
Where the text of the module is at hand, it runs over the statements around these nodes only,
whose code is then looked up in the text: code that stands there once is at its place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast

import libcst as cst

from rules.kit.spans import Span

_NEWLINE = re.compile(r"\r\n?|\n")
_FEW = 24  # statements: to look up more of them costs as much as to generate the whole module
_BEFORE = 3  # statements that are taken along where one alone stands in the text twice


class _AllFound(Exception):  # noqa: N818 - a signal, not an error
    """Every wanted node has been passed."""


class _Recorder:
    """Stands in for LibCST's CodegenState; keeps token indexes of wanted nodes."""

    def __init__(self, module: cst.Module, wanted: dict[int, cst.CSTNode]) -> None:
        self.default_indent = module.default_indent
        self.default_newline = module.default_newline
        self.provider = None
        self.indent_tokens: list[str] = []
        self.tokens: list[str] = []
        self.add_token = self.tokens.append
        self.wanted = wanted
        self._open: dict[int, int] = {}
        self.ranges: dict[int, tuple[int, int]] = {}
        self._left = set(wanted)
        self.stops = True

    def increase_indent(self, value: str) -> None:
        self.indent_tokens.append(value)

    def decrease_indent(self) -> None:
        self.indent_tokens.pop()

    def add_indent_tokens(self) -> None:
        self.tokens.extend(self.indent_tokens)

    def pop_trailing_newline(self) -> None:
        self.tokens.pop()

    def before_codegen(self, node: cst.CSTNode) -> None:
        if id(node) in self.wanted:
            self._open[id(node)] = len(self.tokens)

    def after_codegen(self, node: cst.CSTNode) -> None:
        start = self._open.pop(id(node), None)
        if start is None:
            return
        self.ranges.setdefault(id(node), (start, len(self.tokens)))
        self._left.discard(id(node))
        if self.stops and not self._left:
            raise _AllFound

    @contextmanager
    def record_syntactic_position(
        self,
        node: cst.CSTNode,
        *,
        start_node: cst.CSTNode | None = None,
        end_node: cst.CSTNode | None = None,
    ) -> Iterator[None]:
        if id(node) not in self.wanted:
            yield
            return
        for edge in (start_node, end_node):
            if edge is not None and id(edge) not in self.wanted:
                self.wanted[id(edge)] = edge
                self._left.add(id(edge))
        start = len(self.tokens)
        yield
        first = self.ranges.get(id(start_node), (start, 0))[0]
        last = self.ranges.get(id(end_node), (0, len(self.tokens)))[1]
        self.ranges[id(node)] = (first, last)


def _place(recorder: _Recorder) -> dict[int, tuple[int, int]]:
    """Token index -> line and column, both 1-based."""
    wanted = sorted({index for both in recorder.ranges.values() for index in both})
    places: dict[int, tuple[int, int]] = {}
    line, column, last = 1, 1, 0
    for index in wanted:
        chunk = "".join(recorder.tokens[last:index])
        last = index
        pieces = _NEWLINE.split(chunk)
        if len(pieces) > 1:
            line += len(pieces) - 1
            column = len(pieces[-1]) + 1
        else:
            column += len(chunk)
        places[index] = (line, column)
    return places


def positions(module: cst.Module, nodes: Iterable[cst.CSTNode]) -> dict[int, Span]:
    """The span of each node, by `id`, as LibCST's PositionProvider would give it."""
    wanted = {id(node): node for node in nodes}
    if not wanted:
        return {}
    return _spans(_Recorder(module, wanted), module)


def positions_and_code(
    module: cst.Module, nodes: Iterable[cst.CSTNode]
) -> tuple[dict[int, Span], str]:
    """The same, with the code of the whole module for the price of one generation."""
    recorder = _Recorder(module, {id(node): node for node in nodes})
    recorder.stops = False
    return _spans(recorder, module), "".join(recorder.tokens)


def is_plain(text: str) -> bool:
    """Whether LibCST is sure to make a text again of its tree: not of a form feed, or a lone CR."""
    return "\f" not in text and "\r" not in text


def positions_in(
    text: str,
    module: cst.Module,
    nodes: Collection[cst.CSTNode],
    parents: Mapping[int, cst.CSTNode],
) -> dict[int, Span]:
    """As `positions`, for a module whose text is known; `parents` as `parents_of` gives them."""
    if not nodes:
        return {}
    found: dict[int, Span] = {}
    units: dict[int, tuple[Sequence[cst.CSTNode], list[cst.CSTNode]]] = {}
    for node in nodes if is_plain(text) else ():
        above = _statements_around(node, parents)
        if above:
            units.setdefault(id(above[0]), (above, []))[1].append(node)
    if 0 < len(units) <= _FEW:
        for above, inside in units.values():
            found.update(_looked_up(text, module, above, inside, parents))
    left = [node for node in nodes if id(node) not in found]
    return {**found, **positions(module, left)} if left else found


def _statements_around(
    node: cst.CSTNode, parents: Mapping[int, cst.CSTNode]
) -> Sequence[cst.CSTNode]:
    """The function or class around a node, if there is one, and the statement of the module."""
    found: list[cst.CSTNode] = []
    at: cst.CSTNode | None = node
    while at is not None:
        above = parents.get(id(at))
        if isinstance(above, cst.Module):
            return (*found[:1], at)
        if isinstance(above, cst.IndentedBlock) and isinstance(at, _UNITS):
            found.append(at)
        at = above
    return ()


_UNITS = (cst.FunctionDef, cst.ClassDef)


def _looked_up(
    text: str,
    module: cst.Module,
    above: Sequence[cst.CSTNode],
    nodes: Sequence[cst.CSTNode],
    parents: Mapping[int, cst.CSTNode],
) -> dict[int, Span]:
    """The spans of nodes by the code of a statement around them; none if that is not unique."""
    for unit in above:
        found = _spans_within(text, module, (unit,), nodes, parents)
        if found:
            return found
    at = next(n for n, each in enumerate(module.body) if each is above[-1])
    return _spans_within(text, module, module.body[max(0, at - _BEFORE) : at + 1], nodes, parents)


def _spans_within(
    text: str,
    module: cst.Module,
    statements: Sequence[cst.CSTNode],
    nodes: Sequence[cst.CSTNode],
    parents: Mapping[int, cst.CSTNode],
) -> dict[int, Span]:
    recorder = _Recorder(module, {id(node): node for node in nodes})
    for indent in _indents(statements[0], module, parents):
        recorder.increase_indent(indent)
    asked = tuple(recorder.wanted)
    with suppress(_AllFound):
        for each in statements:
            each._codegen(cast("Any", recorder))  # noqa: SLF001 - no public door to the generator
    start = _only_place(text, "".join(recorder.tokens))
    if start is None or any(key not in recorder.ranges for key in asked):
        return {}
    places = _place(recorder)
    down = text.count("\n", 0, start)

    def span(key: int) -> Span:
        (line, column), (end_line, end_column) = (places[each] for each in recorder.ranges[key])
        return Span(line + down, column, end_line + down, end_column)

    return {key: span(key) for key in asked}


def _indents(
    statement: cst.CSTNode, module: cst.Module, parents: Mapping[int, cst.CSTNode]
) -> list[str]:
    """The indentation of the blocks around a statement, the outermost first."""
    found = []
    at = parents.get(id(statement))
    while at is not None:
        if isinstance(at, cst.IndentedBlock):
            found.append(module.default_indent if at.indent is None else at.indent)
        at = parents.get(id(at))
    return found[::-1]


def _only_place(text: str, code: str) -> int | None:
    """Where the code begins, if one line of the text begins with it, and only one."""
    line, lines = f"\n{code}", f"\n{text}"
    start = lines.find(line)
    return start if code and start >= 0 and lines.find(line, start + 1) < 0 else None


def _spans(recorder: _Recorder, module: cst.Module) -> dict[int, Span]:
    asked = tuple(recorder.wanted)
    with suppress(_AllFound):
        module._codegen(cast("Any", recorder))  # noqa: SLF001 - no public door to the generator
    places = _place(recorder)
    return {
        key: Span(*places[recorder.ranges[key][0]], *places[recorder.ranges[key][1]])
        for key in asked
        if key in recorder.ranges
    }
