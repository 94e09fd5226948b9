"""The project around a file: its tree, and facts gathered from all of it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

R = TypeVar("R")
F_co = TypeVar("F_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Source:
    """One file, as an extractor sees it. `tree` is there for Python that could be parsed."""

    text: str
    tree: ast.Module | None


@dataclass(frozen=True)
class Extractor(Generic[R]):
    """Reads one file into a record that depends on nothing but its bytes.

    `record` is a msgspec type; `reads` says by path alone which files are of interest;
    `version` rises with every change of what `extract` returns, so that caches forget.
    `wanted` is a cheap test on the bytes that saves the parse.
    """

    name: str
    version: int
    record: type[R]
    reads: Callable[[str], bool]
    extract: Callable[[Source], R | None]
    wanted: Callable[[bytes], bool] = lambda _: True


class Project(Protocol):
    """One version of the whole project."""

    @property
    def paths(self) -> frozenset[str]:
        """Every file of the tree, tracked, POSIX, relative to its root."""
        ...

    def records(self, extractor: Extractor[R]) -> Mapping[str, R]:
        """What the extractor read, by path."""
        ...

    def facts(self, kind: type[Fact[Any]]) -> Any:
        """A fact of the whole tree, gathered once."""
        ...


class Fact(Protocol[F_co]):
    """Something known of the whole project, gathered from records."""

    @classmethod
    def gather(cls, project: Project) -> F_co: ...
