"""What a value is for, as the names tell that receive it: a token, a cache key, a colour."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

import libcst as cst

from rules.kit import Here, children, dotted, find, string, walk, walk_own

_SEAM = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_HOPS = 3
_MOST_USES = 40
_STATEMENTS = (cst.BaseSmallStatement, cst.BaseCompoundStatement, cst.Module)


def words_of(text: str) -> frozenset[str]:
    """The words of a name or sentence in lower case, plurals as singulars, and pairs as one.

    `apiKeys` has api, keys, key and apikey.
    """
    words = [each.lower() for each in _SEAM.split(text) if each]
    single = [_singular(each) for each in words]
    return frozenset([*words, *single, *(a + b for a, b in pairwise(single))])


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


_PAIRS: Mapping[str, str] = {
    "apikey": "api_key", "privatekey": "private_key", "sessionid": "session_id",
    "sessionkey": "session_key",
}  # fmt: skip


def as_written(word: str) -> str:
    """A word as people write it: two that were joined with their seam."""
    return _PAIRS.get(word, word)


def words_in(node: cst.CSTNode | None) -> frozenset[str]:
    """The words of all names and short strings at or below a node."""
    found: set[str] = set()
    for each in walk(node) if node is not None else ():
        match each:
            case cst.Name(value=name):
                found |= words_of(name)
            case cst.SimpleString() if len(each.value) <= 60:  # longer ones are prose
                found |= words_of(string(each) or "")
            case cst.FormattedStringText(value=text):
                found |= words_of(text)
            case _:
                pass
    return frozenset(found)


class Purposes:
    """Follows values to what they are bound to, passed to and compared with. One for a file."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._uses: dict[int, Mapping[str, list[cst.Name]]] = {}

    def of(self, node: cst.CSTNode) -> frozenset[str]:
        """The words of everything that receives the value of `node`, inside its function."""
        found: set[str] = set()
        seen: set[str] = set()
        front: list[cst.CSTNode] = [node]
        for _ in range(_HOPS):
            names: set[str] = set()
            for each in front:
                for receiver, is_variable in self._receivers(each):
                    found |= words_in(receiver)
                    if is_variable:
                        names |= _variables(receiver)
            front = [use for name in names - seen for use in self._uses_of(name, node)]
            seen |= names
        return frozenset(found)

    def owner(self, node: cst.CSTNode) -> frozenset[str]:
        """The words of the functions and classes around a node."""
        around = self._here.scopes.ancestors(node)
        named = [e.name.value for e in around if isinstance(e, cst.FunctionDef | cst.ClassDef)]
        return frozenset().union(*map(words_of, named))

    def _receivers(self, node: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, bool]]:
        """What the value goes to, and whether that is a variable to follow."""
        inside = node
        for around in self._here.scopes.ancestors(node):
            if isinstance(around, cst.Return):
                function = self._here.function(node)
                if function is not None:
                    yield function.name, False
                return
            target = _target(around, inside)
            for each in target:
                yield each, True
            for each in () if target else _takers(around, inside):
                yield each, False
            if isinstance(around, _STATEMENTS) or _only_decides(around, inside):
                return
            inside = around

    def _uses_of(self, name: str, node: cst.CSTNode) -> list[cst.Name]:
        scope = self._here.around(node, cst.FunctionDef) or self._here.module
        if scope is None:
            return []
        table = self._uses.get(id(scope))
        if table is None:
            table = self._uses[id(scope)] = _uses_in(scope)
        return table.get(name, [])


def _uses_in(scope: cst.CSTNode) -> dict[str, list[cst.Name]]:
    """The names of one function; functions below it are part of it, but not of a module."""
    found: dict[str, list[cst.Name]] = {}
    members: set[int] = set()
    for each in walk(scope) if isinstance(scope, cst.FunctionDef) else walk_own(scope):
        if isinstance(each, cst.Attribute):
            members.add(id(each.attr))
        elif isinstance(each, cst.Arg) and each.keyword is not None:
            members.add(id(each.keyword))
        elif isinstance(each, cst.Name) and id(each) not in members:
            held = found.setdefault(each.value, [])
            if len(held) < _MOST_USES:
                held.append(each)
    return found


def _target(around: cst.CSTNode, inside: cst.CSTNode) -> tuple[cst.CSTNode, ...]:
    """What an assignment binds to the value that stands `inside` it."""
    match around:
        case cst.Assign(targets=targets, value=value) if value is inside:
            return tuple(each.target for each in targets)
        case (
            cst.AnnAssign(target=target, value=value)
            | cst.AugAssign(target=target, value=value)
            | cst.NamedExpr(target=target, value=value)
        ) if value is inside:
            return (target,)
        case _:
            return ()


def _takers(around: cst.CSTNode, inside: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """What one step outwards does with the value."""
    match around:
        case cst.Arg(keyword=cst.Name() as name) | cst.Param(name=name):
            yield name
        case cst.Call(func=func) if func is not inside:
            yield func
        case cst.Call(func=cst.Attribute(), args=args):
            yield from (each.value for each in args)
        case cst.DictElement(key=key) if key is not inside:
            yield key
        case cst.Comparison(left=left, comparisons=others) if not _is_ordering(around):
            yield left
            yield from (each.comparator for each in others)
        case cst.FormattedString(parts=parts):
            yield from (each for each in parts if isinstance(each, cst.FormattedStringText))
        case cst.AssignTarget(target=target):
            yield target
        case _:
            pass


def _only_decides(around: cst.CSTNode, inside: cst.CSTNode) -> bool:
    """Whether the value goes no further than into the answer to a question."""
    if isinstance(around, cst.IfExp):
        return around.test is inside
    return isinstance(around, cst.Comparison)


def _is_ordering(comparison: cst.CSTNode) -> bool:
    ordering = (cst.LessThan, cst.GreaterThan, cst.LessThanEqual, cst.GreaterThanEqual)
    return isinstance(comparison, cst.Comparison) and any(
        isinstance(each.operator, ordering) for each in comparison.comparisons
    )


def _variables(target: cst.CSTNode) -> set[str]:
    """The variables that hold a value after `a = ...`, `a[key] = ...`."""
    match target:
        case cst.Name(value=name):
            return {name}
        case cst.Subscript(value=cst.Name(value=name)):
            return {name}
        case cst.Tuple() | cst.List():
            return {n.value for each in children(target) for n in find(each, cst.Name)}
        case _:
            return set()


def short_name(node: cst.CSTNode | None) -> str:
    """The last name of a chain or of the function that is called: `cursor` of `self.cursor()`."""
    while isinstance(node, cst.Call | cst.Subscript):
        node = node.func if isinstance(node, cst.Call) else node.value
    return dotted(node).rpartition(".")[2] or (
        node.attr.value if isinstance(node, cst.Attribute) else ""
    )
