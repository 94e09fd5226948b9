"""The project around a file: its tree, and facts gathered from all of it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from rules.kit.syntax import by_class, last_name, statements

A = TypeVar("A", bound=ast.AST)
R = TypeVar("R")
F_co = TypeVar("F_co", covariant=True)


@dataclass(frozen=True)
class Source:
    """One file, as an extractor sees it. `tree` is there for Python that could be parsed.

    Do not walk the tree with `ast.walk`: what several extractors look for is found in one walk,
    made when the first of them asks. `source.nodes(ast.ClassDef)` are the nodes of exactly that
    class, `source.calls("path", "re_path")` the calls by the last part of what is called,
    `source.statements` every statement, nested ones too, which looks at no expression and costs
    a tenth of the others. `walk_syntax(node)` walks one small part. All are in the order of the
    source and leave out operators and contexts. Give the extractor a `wanted` test on rare
    bytes: then most files are never walked, nor parsed.

    `older` is the text that `tree` was read from, where this Python does not know the syntax
    of `text`.
    """

    text: str
    tree: ast.Module | None
    older: str | None = None

    def nodes(self, kind: type[A]) -> Sequence[A]:
        """Every node of exactly this class; none where nothing could be parsed."""
        found: Sequence[A] = self._by_class.get(kind, ())
        return found

    def calls(self, *names: str) -> Sequence[ast.Call]:
        """Calls of a function or method with one of these names, whatever it belongs to."""
        found = [each for name in dict.fromkeys(names) for each in self._by_name.get(name, ())]
        if len(names) > 1:
            found.sort(key=lambda each: (each.lineno, each.col_offset))
        return found

    @cached_property
    def statements(self) -> Sequence[ast.stmt]:
        """Every statement of the file, parents first."""
        return tuple(statements(self.tree)) if self.tree is not None else ()

    @cached_property
    def _by_class(self) -> Mapping[type, Sequence[Any]]:
        return by_class(self.tree) if self.tree is not None else {}

    @cached_property
    def _by_name(self) -> Mapping[str, Sequence[ast.Call]]:
        found: dict[str, list[ast.Call]] = {}
        for each in self.nodes(ast.Call):
            found.setdefault(last_name(each), []).append(each)
        return found


@dataclass(frozen=True)
class Extractor(Generic[R]):
    """Reads one file into a record that depends on nothing but its bytes.

    `record` is a msgspec type; `reads` says by path alone which files are of interest;
    `version` rises with every change of what `extract` returns, so that caches forget.
    `wanted` is a cheap test on the bytes that saves the parse. One that never looks into the
    bodies of test functions says so by `reads_tests`: they are most of what there is to parse.
    """

    name: str
    version: int
    record: type[R]
    reads: Callable[[str], bool]
    extract: Callable[[Source], R | None]
    wanted: Callable[[bytes], bool] = lambda _: True
    reads_tests: bool = True


class Project(Protocol):
    """One version of the whole project."""

    @property
    def paths(self) -> frozenset[str]:
        """Every file of the tree, tracked, POSIX, relative to its root."""
        ...

    def records(self, extractor: Extractor[R]) -> Mapping[str, R]:
        """What the extractor read, by path."""
        ...

    def record(self, extractor: Extractor[R], path: str) -> R | None:
        """What the extractor read in one file, without decoding those of the others."""
        ...

    def facts(self, kind: type[Fact[Any]]) -> Any:
        """A fact of the whole tree, gathered once."""
        ...


class Fact(Protocol[F_co]):
    """Something known of the whole project, gathered from records."""

    @classmethod
    def gather(cls, project: Project) -> F_co: ...
