"""Changes to a file that cure a finding, said in terms of its tree."""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst


@dataclass(frozen=True, slots=True)
class Replace:
    """The source of `node` becomes `new`: another node, or text for the same place."""

    node: cst.CSTNode
    new: cst.CSTNode | str


@dataclass(frozen=True, slots=True)
class Delete:
    """The lines of a statement go away; a body that would be empty keeps a `pass`."""

    statement: cst.CSTNode


@dataclass(frozen=True, slots=True)
class InsertBefore:
    """New lines stand before a statement, at its indentation."""

    statement: cst.CSTNode
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddImport:
    """`import module`, or `from module import name`, unless the file has it already."""

    module: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ReplaceLines:
    """Lines `first` to `last` (1-based, inclusive) of a text file become these lines."""

    first: int
    last: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReplaceHead:
    """The first line of a compound statement, up to a comment, becomes `text`."""

    node: cst.CSTNode
    text: str


Edit = Replace | ReplaceHead | Delete | InsertBefore | AddImport | ReplaceLines


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that belong together. A `safe` one keeps what the program does."""

    edits: tuple[Edit, ...]
    safe: bool = False


def replacing(node: cst.CSTNode, new: cst.CSTNode | str, *, safe: bool = False) -> Fix:
    """A fix that puts `new` in the place of `node`."""
    return Fix((Replace(node, new),), safe=safe)


def deleting(statement: cst.CSTNode, *, safe: bool = False) -> Fix:
    """A fix that takes a statement away."""
    return Fix((Delete(statement),), safe=safe)


def nodes_of(edit: Edit) -> tuple[cst.CSTNode, ...]:
    """The nodes of the file whose places an edit needs."""
    match edit:
        case Replace(node=node) | ReplaceHead(node=node):
            return (node,)
        case Delete(statement=node) | InsertBefore(statement=node):
            return (node,)
        case _:
            return ()
