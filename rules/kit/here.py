"""Where a rule stands: the file at hand and the project around it."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import libcst as cst

from rules.kit import paths
from rules.kit.names import Binding, Kind, Names
from rules.kit.project import Project
from rules.kit.tree import concrete, find, survey

N = TypeVar("N", bound=cst.CSTNode)
K = TypeVar("K")


# What many rules and subjects look for in a whole file.
COMMON: frozenset[type] = frozenset(
    {cst.Call, cst.Subscript, cst.ClassDef, cst.FunctionDef, cst.Assign, cst.AnnAssign}
    | {cst.Decorator, cst.Return, cst.Import, cst.ImportFrom}
)


class Known:
    """What all rules on one Python file share."""

    def __init__(
        self,
        path: str,
        module: cst.Module,
        module_name: str,
        *,
        parents: Mapping[int, cst.CSTNode] | None = None,
        words: frozenset[bytes] | None = None,
        data: bytes | None = None,
        nodes: Sequence[cst.CSTNode] | None = None,
    ) -> None:
        """`data` are the bytes of the file; `nodes` those of at least `COMMON`; `parents` as `parents_of` gives them; `words` are the identifiers in ASCII.

        Each may be left out: one is then found when asked for, the others taken to be there.
        """
        self.scopes = Names(module, module_name, is_package=_is_package(path), parents=parents)
        self.words = words
        self.notes: list[str] = []  # what a subject could not read to its end, for the report
        self._module = module
        self._data = data
        self._nodes = nodes

    @cached_property
    def nodes(self) -> Sequence[cst.CSTNode]:
        """The nodes of the classes in `COMMON`, and maybe of more, in the order of the source."""
        return self._nodes if self._nodes is not None else survey(self._module, COMMON)[1]

    @cached_property
    def text(self) -> str:
        if self._data is None:
            return self._module.code
        return decoded(self._data, self._module)


def decoded(data: bytes, module: cst.Module) -> str:
    """The text that places in the tree refer to; generating it would cost a third of a parse."""
    try:
        return data.removeprefix(BOM_UTF8).decode(module.encoding)
    except (UnicodeError, LookupError):
        return module.code


@lru_cache(maxsize=2048)
def _in_ascii(identifiers: frozenset[str]) -> frozenset[bytes] | None:
    """Identifiers as the words of a file are kept; None if one cannot be among these."""
    try:
        return frozenset(each.encode("ascii") for each in identifiers)
    except UnicodeEncodeError:
        return None


def _is_package(path: str) -> bool:
    return path.endswith("__init__.py")


@dataclass(frozen=True)
class Here:
    """The file that a handler looks at. `module` is None for files that are not Python."""

    path: str
    project: Project
    module: cst.Module | None = None
    module_name: str = ""
    options: Any = None
    known: Known | None = None

    @cached_property
    def _kept(self) -> dict[Any, Any]:
        return {}

    def kept(self, make: Callable[[Here], K]) -> K:
        """What `make` gives for this file, made once: for work that many nodes would repeat."""
        if make not in self._kept:
            self._kept[make] = make(self)
        found: K = self._kept[make]
        return found

    @cached_property
    def scopes(self) -> Names:
        if self.known is not None:
            return self.known.scopes
        if self.module is None:
            raise TypeError(f"{self.path} is not Python")
        return Names(self.module, self.module_name, is_package=_is_package(self.path))

    @cached_property
    def text(self) -> str:
        """The text of the Python file at hand, a byte order mark left out."""
        if self.known is not None:
            return self.known.text
        return self.module.code if self.module is not None else ""

    def mentions(self, identifiers: Collection[str]) -> bool:
        """Whether any of these stands in the file: a quick look before an expensive one."""
        words = self.known.words if self.known is not None else None
        if words is None:
            return True
        wanted = _in_ascii(frozenset(identifiers))
        return wanted is None or not wanted.isdisjoint(words)

    def find(self, *kinds: type[N]) -> Iterator[N]:
        """The nodes of these classes in the file, in the order of the source.

        Of the classes in `COMMON` without a walk: they are kept from the one that the engine
        makes for all rules.
        """
        if self.known is not None and COMMON.issuperset(kinds):
            wanted: frozenset[type] = frozenset(kinds)
            for each in self.known.nodes:
                if each.__class__ in wanted:
                    yield each  # type: ignore[misc]
        elif self.module is not None:
            yield from find(self.module, *kinds)

    def names(self, *nodes: cst.CSTNode | None) -> frozenset[str]:
        """The dotted names that these expressions may stand for, imports resolved."""
        return frozenset().union(*(self.scopes.names(node) for node in nodes))

    def name(self, node: cst.CSTNode | None) -> str:
        """The one dotted name of an expression, or nothing if there is none or several."""
        found = self.scopes.names(node)
        return next(iter(found)) if len(found) == 1 else ""

    def bindings(self, name: cst.Name) -> tuple[Binding, ...]:
        """Every place that gives this name its value, in its own scope."""
        return self.scopes.bindings(name)

    def value_of(self, node: cst.CSTNode) -> cst.CSTNode:
        """The expression that a variable was bound to, if exactly once; else the node itself."""
        for _ in range(8):
            if not isinstance(node, cst.Name):
                return node
            bound = self.scopes.bindings(node)
            if len(bound) != 1 or bound[0].kind is not Kind.VALUE or bound[0].node is None:
                return node
            node = bound[0].node
        return node

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        return self.scopes.parents.get(id(node))

    def around(self, node: cst.CSTNode, *kinds: type[N]) -> N | None:
        """The nearest enclosing node of these classes."""
        wanted = concrete(kinds)
        for each in self.scopes.ancestors(node):
            if each.__class__ in wanted:
                return each  # type: ignore[return-value]
        return None

    def function(self, node: cst.CSTNode) -> cst.FunctionDef | None:
        """The function that runs `node`, if it is not at module or class level."""
        return self.around(node, cst.FunctionDef)

    def source(self, node: cst.CSTNode) -> str:
        """The code of a node as it is written, without surrounding blank space."""
        return (self.module or cst.Module([])).code_for_node(node).strip()

    @property
    def is_test(self) -> bool:
        return paths.is_test(self.path)

    @property
    def is_script(self) -> bool:
        return paths.is_script(self.path)

    @property
    def is_migration(self) -> bool:
        return paths.is_migration(self.path)
