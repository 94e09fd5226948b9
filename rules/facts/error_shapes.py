"""How the project's answers tell of errors: `{"error": ...}`, `{"detail": ...}` and their like."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from rules.kit import Extractor, Project, Source, paths

# Under these clients look for what went wrong, the first ones before the others.
_KEYS = ("error", "errors", "detail", "details", "message", "msg", "error_message", "reason")
_ANSWERS = frozenset({"JsonResponse", "Response", "JSONResponse", "jsonify"})
_FAILED = re.compile(r"^([45]\d\d|HTTP_[45]\d\d_\w+|BAD_REQUEST|NOT_FOUND|FORBIDDEN|UNAUTHORIZED)$")
_PROTOCOLS = frozenset({"jsonrpc", "error_description", "type", "code", "errcode", "error_code"})
_FEWEST = 10
_MAJORITY = 0.85


class ErrorBody(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An answer with a failing status, and the keys that may hold its message."""

    line: int
    keys: tuple[str, ...]

    @property
    def key(self) -> str:
        """The one to name."""
        return self.keys[0]


def _extract(source: Source) -> tuple[ErrorBody, ...] | None:
    return tuple(_bodies(source.tree)) or None if source.tree is not None else None


def _bodies(tree: ast.Module) -> Iterator[ErrorBody]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple) and len(node.elts) > 1:
            call, status = node.elts[:2]
            if isinstance(call, ast.Call) and _last(call.func) == "jsonify":
                yield from _body(call, status)
        elif isinstance(node, ast.Call) and _last(node.func) in _ANSWERS - {"jsonify"}:
            yield from _body(node, _status(node))


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _status(call: ast.Call) -> ast.expr | None:
    for each in call.keywords:
        if each.arg in ("status", "status_code"):
            return each.value
    positional = call.args[1:2] if _last(call.func) != "JsonResponse" else []
    return positional[0] if positional else None


def _body(call: ast.Call, status: ast.expr | None) -> Iterator[ErrorBody]:
    written = str(status.value) if isinstance(status, ast.Constant) else _last(status or call.func)
    if status is None or not _FAILED.match(written):
        return
    keys = _keys(call)
    if keys & _PROTOCOLS:
        return
    found = tuple(each for each in _KEYS if each in keys)
    if found:
        yield ErrorBody(call.lineno, found)


def _keys(call: ast.Call) -> set[str]:
    given = [*call.args[:1], *(k.value for k in call.keywords if k.arg in ("data", "content"))]
    for each in given:
        if isinstance(each, ast.Dict):
            return {str(key.value) for key in each.keys if isinstance(key, ast.Constant)}
    if _last(call.func) == "jsonify":
        return {each.arg for each in call.keywords if each.arg}
    return set()


ERROR_BODIES: Extractor[tuple[ErrorBody, ...]] = Extractor(
    name="error_bodies",
    version=2,
    record=tuple[ErrorBody, ...],
    reads=lambda path: path.endswith(".py") and not paths.is_test(path),
    extract=_extract,
    wanted=lambda data: (
        (b"Response(" in data or b"jsonify(" in data)
        and (b'"error' in data or b'"detail' in data or b'"message' in data or b"'error" in data)
    ),
)


@dataclass(frozen=True)
class ErrorShapes:
    """`usual` is the key by which nearly all errors are told; empty where there is none."""

    usual: str
    count: int
    others: Mapping[str, tuple[ErrorBody, ...]]

    @classmethod
    def gather(cls, project: Project) -> ErrorShapes:
        records = project.records(ERROR_BODIES)
        bodies = [each for record in records.values() for each in record]
        counts = Counter(key for each in bodies for key in each.keys)
        for key, count in counts.most_common(1):
            if count >= _FEWEST and count >= _MAJORITY * len(bodies):
                others = {
                    path: tuple(each for each in record if key not in each.keys)
                    for path, record in records.items()
                }
                return cls(key, count, others)
        return cls("", 0, {})
