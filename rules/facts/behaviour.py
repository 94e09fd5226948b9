"""What functions do, apart from how it is written: statements without layout and literals.

Two versions of a change are compared by the statements of all their files together, so
that code which moves, is extracted into a function or gets another indentation is nothing
new. Annotations, docstrings, logging, imports and literals do not count as behaviour.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from rules.kit import children, dotted, string, walk


@dataclass(frozen=True, slots=True)
class Statement:
    """A simple statement, or the head of a compound one. `weight` 2 where it decides something."""

    node: cst.CSTNode
    shape: str
    pattern: str
    names: tuple[str, ...]
    weight: int


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method: `Shop.close`. `holder` is the class around it."""

    node: cst.FunctionDef
    qualname: str
    holder: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """A function with the statements that are new in it; `score` adds up their weights."""

    path: str
    function: Function
    new: tuple[Statement, ...]
    is_added: bool

    @property
    def score(self) -> int:
        return sum(each.weight for each in self.new)


_DECIDES = (cst.If, cst.While, cst.For, cst.ExceptHandler, cst.Raise, cst.Match, cst.MatchCase)
_HEADS = (cst.If, cst.While, cst.For, cst.With, cst.ExceptHandler, cst.Match, cst.MatchCase)
_SILENT = (
    cst.Pass,
    cst.Import,
    cst.ImportFrom,
    cst.Global,
    cst.Nonlocal,
    cst.Assert,
    cst.Break,
    cst.Continue,
)
_LOG = re.compile(
    r"^(\w*\.)*_?(log|logger|logging|warnings|sentry_sdk|metrics|statsd|stats|print|span|tracer"
    r"|cast|capture_exception|capture_message|structlog|LOG|LOGGER)\b"
)
_NUMBERS = (cst.Integer, cst.Float, cst.Imaginary)
_STRINGS = (cst.SimpleString, cst.ConcatenatedString, cst.FormattedString)


def functions(module: cst.Module) -> Iterator[Function]:
    """The functions and methods of a module, nested ones as part of those around them."""
    stack: list[tuple[cst.CSTNode, tuple[str, ...]]] = [(module, ())]
    while stack:
        node, around = stack.pop()
        for each in reversed(children(node)):
            if isinstance(each, cst.FunctionDef):
                name = ".".join([*around, each.name.value])
                yield Function(each, name, ".".join(around), tuple(_statements(each.body)))
            elif isinstance(each, cst.ClassDef):
                stack.append((each, (*around, each.name.value)))
            elif isinstance(each, cst.BaseSuite | cst.If | cst.Try | cst.Else):
                stack.append((each, around))


def changes(versions: Mapping[str, tuple[cst.Module | None, cst.Module | None]]) -> list[Changed]:
    """What the functions of these files do that no function of any of them did before.

    The files are given with both their versions, None where there is none.
    """
    before = {path: list(functions(old)) if old else [] for path, (old, _) in versions.items()}
    after = {path: list(functions(new)) if new else [] for path, (_, new) in versions.items()}
    spare = _pool(before.values()) - _pool(after.values())
    surplus = _pool(after.values()) - _pool(before.values())
    found = []
    for path, (old, new) in versions.items():
        if new is None:
            continue
        known = {each.qualname for each in before[path]}
        renames = _Renames(old, new, spare)
        for function in after[path]:
            fresh = tuple(_fresh(function, surplus, renames))
            if fresh:
                found.append(Changed(path, function, fresh, function.qualname not in known))
    return found


def _fresh(function: Function, surplus: Counter[str], renames: _Renames) -> Iterator[Statement]:
    for each in function.statements:
        if surplus[each.shape] > 0:
            surplus[each.shape] -= 1
            if not renames.explain(each):
                yield each


def _pool(files: Iterable[list[Function]]) -> Counter[str]:
    pool: Counter[str] = Counter()
    for functions_of in files:
        for function in functions_of:
            pool.update(each.shape for each in function.statements)
    return pool


class _Renames:
    """Tells statements that differ from a lost one by names which came and went."""

    def __init__(self, old: cst.Module | None, new: cst.Module, spare: Counter[str]) -> None:
        self._before = _names_in(old) if old is not None else frozenset()
        self._after = _names_in(new)
        self._lost: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for function in functions(old) if old is not None else ():
            for each in function.statements:
                if spare[each.shape] > 0:
                    self._lost[each.pattern].append(each.names)

    def explain(self, statement: Statement) -> bool:
        for names in self._lost.get(statement.pattern, ()):
            pairs = {(a, b) for a, b in zip(names, statement.names, strict=True) if a != b}
            if all(a not in self._after or b not in self._before for a, b in pairs):
                return True
        return False


def _names_in(module: cst.Module) -> frozenset[str]:
    return frozenset(each.value for each in walk(module) if isinstance(each, cst.Name))


def _statements(body: cst.CSTNode) -> Iterator[Statement]:
    stack: list[cst.CSTNode] = [body]
    while stack:
        node = stack.pop()
        if isinstance(node, cst.BaseSmallStatement):
            if not _is_silent(node):
                yield _statement(node, node)
            continue
        if isinstance(node, _HEADS):
            yield _statement(node, _without_body(node))
        if isinstance(node, cst.BaseExpression | cst.Annotation | cst.Parameters):
            continue
        stack.extend(reversed(children(node)))


def _is_silent(node: cst.BaseSmallStatement) -> bool:
    match node:
        case cst.Expr(value=value):
            if isinstance(value, (*_STRINGS, cst.Ellipsis)) or not children(value):
                return True
            call = value.expression if isinstance(value, cst.Await) else value
            return isinstance(call, cst.Call) and bool(_LOG.match(dotted(call.func)))
        case cst.Return(value=value):
            return value is None or (isinstance(value, cst.Name) and value.value == "None")
        case cst.AnnAssign(value=None):
            return True
        case cst.Raise(exc=exc):
            raised = exc.func if isinstance(exc, cst.Call) else exc
            return dotted(raised) == "NotImplementedError"
    return isinstance(node, _SILENT)


def _without_body(node: cst.CSTNode) -> list[cst.CSTNode]:
    skip = [getattr(node, name, None) for name in ("body", "orelse", "finalbody")]
    skip.extend(getattr(node, "cases", ()))
    return [each for each in children(node) if not any(each is one for one in skip)]


def _statement(node: cst.CSTNode, parts: cst.CSTNode | list[cst.CSTNode]) -> Statement:
    roots = parts if isinstance(parts, list) else [parts]
    tokens: list[str] = [_kind(node)]
    names: list[str] = []
    stack = roots[::-1]
    while stack:
        at = stack.pop()
        if isinstance(at, cst.Annotation | cst.Decorator):
            continue
        if isinstance(at, cst.AssignTarget):
            at = at.target
        at = _plain(at)
        if isinstance(at, cst.Name):
            tokens.append("\0")
            names.append(at.value)
        elif isinstance(at, _STRINGS):
            tokens.append("text")
        elif isinstance(at, _NUMBERS):
            tokens.append("number")
        else:
            tokens.append(_kind(at))
            stack.extend(reversed(children(at)))
    pattern = " ".join(tokens)
    weight = 2 if isinstance(node, _DECIDES) else 1
    return Statement(node, f"{pattern} {' '.join(names)}", pattern, tuple(names), weight)


def _kind(node: cst.CSTNode) -> str:
    return "Assign" if isinstance(node, cst.AnnAssign) else type(node).__name__


def _plain(node: cst.CSTNode) -> cst.CSTNode:
    """The expression without what changes nothing: `cast`, formatting of text, old `super`."""
    match node:
        case cst.Call(func=cst.Name(value="cast"), args=[_, cst.Arg(value=value)]):
            return _plain(value)
        case cst.Call(func=cst.Attribute(value=text, attr=cst.Name(value="format"))) if (
            string(text) is not None
        ):
            return text
        case cst.BinaryOperation(left=left, operator=cst.Modulo()) if string(left) is not None:
            return left
        case cst.Call(
            func=cst.Name(value="super" | "_" | "gettext" | "gettext_lazy"), args=[_, *_]
        ):
            return node.with_changes(args=[])
        case cst.Raise(exc=exc) if exc is not None:
            return node.with_changes(cause=None)
    return node
