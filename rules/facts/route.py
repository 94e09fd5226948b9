"""The subject `Route`: where a path of the application is given to the code that answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import libcst as cst

from rules.facts.routes import HTTP_METHODS, ROUTE_NAMES, by_decorator, methods_in
from rules.kit import Here, argument, children, dotted, find, keyword, string
from rules.kit.subjects import DerivedSubject

_DJANGO = frozenset(
    {"django.urls.path", "django.urls.re_path", "django.conf.urls.url"}
    | {"django.urls.conf.path", "django.urls.conf.re_path", "django.conf.urls.re_path"}
)
_OBJECTS = frozenset(
    {"starlette.routing.Route", "starlette.routing.WebSocketRoute", "fastapi.routing.APIRoute"}
)
# Method -> where its handler stands among the arguments, and under which keyword.
_ADDERS = {
    "add_url_rule": (2, "view_func"),
    "add_api_route": (1, "endpoint"),
    "add_api_websocket_route": (1, "endpoint"),
    "add_route": (1, "route"),
    "add_websocket_route": (1, "route"),
}
_FRAMEWORKS = {"fastapi": "fastapi", "starlette": "starlette", "ninja": "ninja"} | dict.fromkeys(
    ("flask", "quart", "flask_smorest", "apiflask", "flask_restx"), "flask"
)
_NAMES = ("name", "endpoint", "url_name", "basename", "base_name")
_ROUTING = re.compile(r"^(django\.(conf\.)?urls|(starlette|fastapi)\.routing)\b")
_HOLDERS: frozenset[type] = frozenset(
    {cst.SimpleStatementLine, cst.SimpleStatementSuite, cst.IndentedBlock, cst.FunctionDef}
    | {cst.ClassDef, cst.If, cst.Else, cst.For, cst.While, cst.With, cst.Try, cst.TryStar}
    | {cst.ExceptHandler, cst.ExceptStarHandler, cst.Finally, cst.Match, cst.MatchCase}
)
_LINES: frozenset[type] = frozenset({cst.SimpleStatementLine, cst.SimpleStatementSuite})
_INCLUDES = frozenset({"include", "urls"})
_DECORATED = re.compile(rf"@[\w. ]{{1,100}}\.({'|'.join(sorted(ROUTE_NAMES))})\b")
_OTHERS = frozenset({*_ADDERS, "register", "django", "starlette", "fastapi"})


@dataclass(frozen=True, eq=False)
class Route(DerivedSubject):
    """One route.

    `framework` is django, drf, flask, fastapi, starlette or ninja, empty where the file does not
    tell. `path` is None where it is not written out. `methods` are in lower case, empty where
    the route does not say. `node` is the call or the decorator's call; `handler` the function
    or class where it is defined in this file, else the expression; `target` its dotted name.
    `includes` marks a route to further routes.
    """

    framework: str
    path: str | None
    methods: frozenset[str]
    name: str
    node: cst.Call
    handler: cst.CSTNode | None
    target: str
    includes: bool = False

    words: ClassVar[frozenset[str]] = frozenset(
        {*ROUTE_NAMES, *_ADDERS, "path", "re_path", "url", "register", "Route", "WebSocketRoute"}
    )

    @classmethod
    def found_in(cls, module: cst.Module, here: Here) -> Iterator[Route]:
        if not here.mentions(_OTHERS) and not _DECORATED.search(here.text):
            return
        statements = tuple(_statements(module))
        in_lists = any(_ROUTING.search(each) for each in _imported(here))
        for node in statements:
            if isinstance(node, cst.FunctionDef):
                yield from _decorated(node, here)
            elif in_lists:
                for call in find(node, cst.Call):
                    yield from _called(call, here)
            elif isinstance(node, cst.Expr | cst.Assign):
                for call in _chained(node.value):
                    yield from _called(call, here)


def _chained(node: cst.CSTNode) -> Iterator[cst.Call]:
    """`router.register(...)`, and before it the calls whose result it is called on."""
    while isinstance(node, cst.Call):
        yield node
        node = node.func.value if isinstance(node.func, cst.Attribute) else node.func


def _statements(module: cst.Module) -> Iterator[cst.FunctionDef | cst.BaseSmallStatement]:
    """Functions and small statements at any depth: a walk into expressions costs far more."""
    stack: list[Any] = [*reversed(module.body)]
    while stack:
        node = stack.pop()
        kind = node.__class__
        if kind in _LINES:
            yield from node.body
            continue
        if isinstance(node, cst.FunctionDef):
            yield node
        below = (each for each in children(node) if each.__class__ in _HOLDERS)
        stack.extend(reversed(tuple(below)))


def _imported(here: Here) -> Iterator[str]:
    for each in here.find(cst.Import, cst.ImportFrom):
        if isinstance(each, cst.Import):
            yield from (dotted(alias.name) for alias in each.names)
        elif isinstance(each, cst.ImportFrom) and not isinstance(each.names, cst.ImportStar):
            yield from (f"{dotted(each.module)}.{dotted(alias.name)}" for alias in each.names)


def _called(call: cst.Call, here: Here) -> Iterator[Route]:
    last = dotted(call.func).rpartition(".")[2]
    if last in ("path", "re_path", "url") and here.names(call.func) & _DJANGO:
        yield _route("django", call, argument(call, 1, "view"), here)
    elif last == "register" and _is_router(call, here):
        yield _route("drf", call, argument(call, 1, "viewset"), here)
    elif last in _ADDERS and isinstance(call.func, cst.Attribute):
        position, name = _ADDERS[last]
        handler = argument(call, position, name)
        if string(argument(call, 0, "path")) is not None or handler is not None:
            yield _route(_framework(call.func, here), call, handler, here)
    elif last in ("Route", "WebSocketRoute", "APIRoute") and here.names(call.func) & _OBJECTS:
        yield _route(_framework(call.func, here), call, argument(call, 1, "endpoint"), here)


def _is_router(call: cst.Call, here: Here) -> bool:
    """Whether `register` is that of a router of Django REST framework, not of the admin."""
    if not isinstance(call.func, cst.Attribute) or argument(call, 1, "viewset") is None:
        return False
    owner = dotted(call.func.value).rpartition(".")[2].lower()
    of_library = any(each.startswith("rest_framework") for each in here.names(call.func))
    return of_library or ("router" in owner and string(argument(call, 0, "prefix")) is not None)


def _decorated(function: cst.FunctionDef, here: Here) -> Iterator[Route]:
    for each in function.decorators:
        call = each.decorator
        if not isinstance(call, cst.Call) or not isinstance(call.func, cst.Attribute):
            continue
        view = by_decorator(function, call)
        path = argument(call, 0, "path") or argument(call, 0, "rule")
        if view is None or call.func.attr.value == "api_view":
            continue
        name = _name(call)
        yield Route(
            _framework(call.func, here),
            string(path),
            view.methods,
            name,
            call,
            function,
            ".".join(filter(None, (here.module_name, here.scopes.qualname(function)))),
        )


def _route(framework: str, call: cst.Call, handler: cst.BaseExpression | None, here: Here) -> Route:
    path = argument(call, 0, "route") or keyword(call, "path") or keyword(call, "prefix")
    path = path or keyword(call, "regex") or keyword(call, "rule")
    view = _without_as_view(handler)
    includes = isinstance(view, cst.Call) and dotted(view.func).rpartition(".")[2] in _INCLUDES
    includes = includes or dotted(view).endswith(".urls")
    return Route(
        framework,
        string(path),
        methods_in(keyword(call, "methods")) & HTTP_METHODS,
        _name(call),
        call,
        _definition(view, here),
        here.name(view) if view is not None else "",
        includes,
    )


def _without_as_view(node: cst.BaseExpression | None) -> cst.BaseExpression | None:
    """`OrderView` of `OrderView.as_view()`, and what `login_required(...)` wraps."""
    for _ in range(4):
        match node:
            case cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value="as_view"))):
                return owner
            case cst.Call(func=func, args=[cst.Arg(value=inner)]) if (
                dotted(func).rpartition(".")[2] not in _INCLUDES
            ):
                node = inner
            case _:
                return node
    return node


def _definition(node: cst.CSTNode | None, here: Here) -> cst.CSTNode | None:
    if isinstance(node, cst.Name):
        for each in here.bindings(node):
            if isinstance(each.node, cst.FunctionDef | cst.ClassDef):
                return each.node
    return node


def _name(call: cst.Call) -> str:
    if dotted(call.func).endswith("add_url_rule"):
        return string(argument(call, 1, "endpoint")) or ""
    found = (string(keyword(call, each)) for each in _NAMES)
    return next((each for each in found if each), "")


def _framework(func: cst.CSTNode, here: Here) -> str:
    heads = {each.partition(".")[0] for each in here.names(func)}
    return next((_FRAMEWORKS[each] for each in sorted(heads) if each in _FRAMEWORKS), "")
