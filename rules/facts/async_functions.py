"""The coroutines of a project, by the names that other modules know them by."""

from __future__ import annotations

from dataclasses import dataclass

from rules.facts.function_index import FunctionIndex
from rules.facts.python_modules import Modules
from rules.kit import Project


@dataclass(frozen=True)
class AsyncFunctions:
    """Functions at the top of modules that are `async def` without any decorator.

    `words` are the last parts of their names.
    """

    index: FunctionIndex[bool]
    words: frozenset[str]

    @classmethod
    def gather(cls, project: Project) -> AsyncFunctions:
        modules: Modules = project.facts(Modules)
        # Functions of both kinds, so that a name that may mean either is found twice.
        known = [
            (path, each.name, each.is_async and not each.decorators)
            for path, record in modules.by_path.items()
            for each in record.functions
        ]
        index = FunctionIndex.of(known)
        words = frozenset(last for last, rows in index.by_last.items() if any(v for _, v in rows))
        return cls(index, words)
