"""Exact positions for a few nodes of a tree.

LibCST's PositionProvider places every node and costs two parses. This runs LibCST's own
code generator with a state that notes only the nodes asked for, and stops after the last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

import libcst as cst

from rules.kit.spans import Span

_NEWLINE = re.compile(r"\r\n?|\n")


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
