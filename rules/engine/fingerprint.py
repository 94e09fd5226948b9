"""A name for a finding that survives reformatting, moved lines and renamed files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import blake2b

import libcst as cst

from rules.kit import children, string

_LITERALS = (cst.Integer, cst.Float, cst.Imaginary)
_COMPOUND = (cst.For, cst.While, cst.If, cst.With, cst.Try, cst.TryStar, cst.ExceptHandler)


def shape(node: cst.CSTNode) -> str:
    """The code of a node without layout: no white space, comments, parentheses or quotes.

    Of a definition or a compound statement only the head counts, so that an edit of its
    body does not make the finding a new one.
    """
    if isinstance(node, cst.FunctionDef | cst.ClassDef):
        return f"{type(node).__name__}:{node.name.value}"
    skip = _bodies(node) if isinstance(node, _COMPOUND) else frozenset()
    parts: list[str] = []
    for each in _code_of(node, skip):
        parts.append(type(each).__name__)
        if isinstance(each, cst.SimpleString | cst.ConcatenatedString):
            parts.append(repr(string(each)))
        elif isinstance(each, (cst.FormattedStringText, cst.Name, *_LITERALS)):
            parts.append(each.value)
    return " ".join(parts)


def _bodies(node: cst.CSTNode) -> frozenset[int]:
    parts = [getattr(node, name, None) for name in ("body", "orelse", "finalbody")]
    return frozenset(id(each) for each in (*parts, *getattr(node, "handlers", ())))


def _code_of(root: cst.CSTNode, skip: frozenset[int]) -> Iterator[cst.CSTNode]:
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in skip:
            continue
        yield node
        if not isinstance(node, cst.ConcatenatedString):
            stack.extend(children(node)[::-1])


def base_key(code: str, scope: str, identity: str) -> str:
    """What makes two findings the same, but for their order."""
    return blake2b(f"{code}\0{scope}\0{identity}".encode(), digest_size=12).hexdigest()


def numbered(keys: Sequence[str]) -> list[str]:
    """Fingerprints of the findings of one file, in the order of the file."""
    seen: dict[str, int] = defaultdict(int)
    found = []
    for key in keys:
        ordinal = seen[key]
        seen[key] += 1
        found.append(key if not ordinal else base_key(key, "", str(ordinal)))
    return found
