"""Finds functions of a project by the dotted name that other modules know them by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

V = TypeVar("V")
Parts = tuple[str, ...]


@dataclass(frozen=True)
class FunctionIndex(Generic[V]):
    """What is known of functions, by the last part of their names.

    The full name is that of the path with the function's own: folders without `__init__` and
    folders of sources give modules other names than their paths, so the end of it must fit.
    """

    by_last: Mapping[str, tuple[tuple[Parts, V], ...]]

    @classmethod
    def of(cls, known: Iterable[tuple[str, str, V]]) -> FunctionIndex[V]:
        """From paths, qualified names within them, and what is known."""
        found: dict[str, list[tuple[Parts, V]]] = {}
        for path, name, value in known:
            module = path.removesuffix(".py").removesuffix("/__init__")
            parts = (*module.split("/"), *name.split("."))
            found.setdefault(parts[-1], []).append((parts, value))
        return cls({last: tuple(rows) for last, rows in found.items()})

    def find(self, names: Iterable[str]) -> V | None:
        """What is known of the function of one of these names, if only one can be meant."""
        for each in names:
            wanted = tuple(each.split("."))
            rows = self.by_last.get(wanted[-1], ())
            fitting = [value for parts, value in rows if parts[-len(wanted) :] == wanted]
            if len(wanted) > 1 and len(fitting) == 1:
                return fitting[0]
        return None
