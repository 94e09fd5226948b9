"""Which paths of a project have a name, so that nobody needs to write them out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from rules.kit import Extractor, Project, Source
from rules.kit.paths import is_module

_VERBS = ("route", "get", "post", "put", "patch", "delete")
_PATHS = ("path", "re_path", "url")
_DEPTH = 6
_NAMESPACE = re.compile(r"(?m)^app_name ?= ?[\"']([\w.-]{1,60})[\"']")


class RouteRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`kind` is django, flask or fastapi; `includes` the module that an `include` names."""

    kind: str
    path: str
    name: str
    includes: str


def _extract(source: Source) -> tuple[RouteRow, ...] | None:
    if "urlpatterns" in source.text:
        return tuple(_django(source)) or None
    return tuple(_decorated(source)) or None


def _django(source: Source) -> Iterator[RouteRow]:
    space = _NAMESPACE.search(source.text)
    before = f"{space[1]}:" if space is not None else ""
    for call in source.calls(*_PATHS):
        if len(call.args) < 2:
            continue
        route, name = _text(call.args[0]), ""
        for each in call.keywords:
            if each.arg == "name":
                name = _text(each.value) or ""
        if route is None or (not _is_literal(route) and route):
            continue
        yield RouteRow("django", route, before + name if name else "", _included(call.args[1]))


def _included(view: ast.expr) -> str:
    match view:
        case ast.Call(func=ast.Name(id="include"), args=[ast.Constant(value=str(module)), *_]):
            return module
        case ast.Call(
            func=ast.Name(id="include"),
            args=[ast.Tuple(elts=[ast.Constant(value=str(module)), *_]), *_],
        ):
            return module
        case ast.Call(func=ast.Name(id="include")):
            return "?"
        case _:
            return ""


def _decorated(source: Source) -> Iterator[RouteRow]:
    flask = "Blueprint" in source.text or "Flask(" in source.text
    prefixes = _prefixes(source)
    for kind in (ast.FunctionDef, ast.AsyncFunctionDef):
        for function in source.nodes(kind):
            for each in function.decorator_list:  # type: ignore[attr-defined]
                match each:
                    case ast.Call(
                        func=ast.Attribute(value=ast.Name(id=owner), attr=verb),
                        args=[ast.Constant(value=str(path)), *_],
                    ) if verb in _VERBS and path.startswith("/") and _is_literal(path):
                        full = prefixes.get(owner, "") + path
                        name = function.name  # type: ignore[attr-defined]
                        yield RouteRow("flask" if flask else "fastapi", full, name, "")


def _prefixes(source: Source) -> Mapping[str, str]:
    """The prefixes of blueprints and routers that are made in this file."""
    found = {}
    for node in source.nodes(ast.Assign):
        if isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
            for each in node.value.keywords:
                if each.arg in ("url_prefix", "prefix"):
                    found[node.targets[0].id] = _text(each.value) or ""
    return found


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _is_literal(path: str) -> bool:
    """Whether nothing in a route stands for something else."""
    return re.search(r"[<>{}()\[\]\\^$*+?|]", path) is None


NAMED: Extractor[tuple[RouteRow, ...]] = Extractor(
    name="named_routes",
    version=1,
    record=tuple[RouteRow, ...],
    reads=is_module,
    extract=_extract,
    reads_tests=False,
    wanted=lambda data: (
        b"urlpatterns" in data
        or b"Blueprint(" in data
        or b"Router(" in data
        or b"FastAPI(" in data
        or b".route(" in data
    ),
)


@dataclass(frozen=True)
class NamedRoutes:
    """The name of each written-out path: `/orders/` is `order-list`."""

    names: Mapping[str, str]

    @classmethod
    def gather(cls, project: Project) -> NamedRoutes:
        records = project.records(NAMED)
        found: dict[str, str] = {}
        for rows in records.values():
            for row in rows:
                if row.kind != "django" and row.path not in ("", "/"):
                    found.setdefault(row.path, row.name)
        urls = {_module(path): path for path in records}
        included = {_target(row.includes, urls) for rows in records.values() for row in rows}
        for path, rows in records.items():
            if path not in included and any(row.kind == "django" for row in rows):
                found |= {
                    full: name for full, name in _below(path, records, urls) if full not in found
                }
        return cls(found)


def _below(
    root: str, records: Mapping[str, tuple[RouteRow, ...]], urls: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """The named paths of a module of URLs, and of those that it includes."""
    stack = [(root, "/", _DEPTH)]
    while stack:
        path, prefix, depth = stack.pop()
        for row in records.get(path, ()):
            full = f"{prefix}{row.path}"
            target = _target(row.includes, urls)
            if target and depth:
                stack.append((target, full, depth - 1))
            elif row.name and not row.includes and full != "/":
                yield full, row.name


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _target(module: str, urls: Mapping[str, str]) -> str:
    """The file of an included module, if only one can be meant."""
    if not module:
        return ""
    fitting = [path for name, path in urls.items() if name == module or name.endswith(f".{module}")]
    return fitting[0] if len(fitting) == 1 else ""
