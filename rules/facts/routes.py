"""Which functions answer requests, and which of their values come from the caller.

Django, Django REST framework, Flask, FastAPI and Starlette, told by decorators, bases and the
names of parameters. What cannot be told is not a view.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import libcst as cst

from rules.kit import Here, Kind, dotted, find, string

HTTP_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "trace"})
READING = frozenset({"get", "head", "options", "trace"})
ROUTE_NAMES = HTTP_METHODS | {
    "route",
    "api_route",
    "websocket",
    "websocket_route",
    "api_operation",
}
_ACTIONS = frozenset(
    {"list", "retrieve", "create", "update", "partial_update", "destroy", "dispatch"}
)
_VIEW_BASE = re.compile(r"(View|ViewSet|Resource|HTTPEndpoint|RequestHandler|Mixin|Handler)$")
_PATH_PART = re.compile(r"<(?:(?P<converter>\w+)(?:\([^)]*\))?:)?(?P<name>\w+)>")
_TEXT_CONVERTERS = frozenset({None, "string", "path", "any", "default"})
_TEXT_TYPES = frozenset({"str", "list", "List", "Optional", "Annotated", "Sequence", "set", "Any"})
_REQUEST_NAMES = frozenset({"request", "req"})
_GLOBAL_REQUESTS = frozenset(
    {"flask.request", "quart.request", "bottle.request", "flask.globals.request"}
)
_REQUEST_DATA = frozenset(
    """GET POST COOKIES META FILES REQUEST headers data query_params args form values json files
    cookies body path_params view_args query_string query get_json get_data url full_path path
    path_info get_full_path stream params text""".split()  # noqa: SIM905 - a table reads best so
)


@dataclass(frozen=True, slots=True)
class View:
    """A function that answers requests.

    `text` names its parameters that hold text of the caller; `methods` the HTTP methods it
    answers, in lower case, empty where they are not said.
    """

    text: frozenset[str]
    methods: frozenset[str]


def view_of(function: cst.FunctionDef, here: Here) -> View | None:
    """What a function is as a view, if it is one."""
    for each in function.decorators:
        found = by_decorator(function, each.decorator)
        if found is not None:
            return found
    owner = here.around(function, cst.ClassDef, cst.FunctionDef)
    if isinstance(owner, cst.ClassDef):
        return _method(function, owner)
    names = [each.name.value for each in function.params.params]
    if names and names[0] in _REQUEST_NAMES:
        return View(frozenset(), _required_methods(function))
    return None


def by_decorator(function: cst.FunctionDef, node: cst.BaseExpression) -> View | None:
    """What one decorator makes of a function: `@app.get("/orders")`, `@api_view(["POST"])`."""
    if not isinstance(node, cst.Call):
        return None
    name = dotted(node.func).rpartition(".")[2]
    if name == "api_view":
        listed = node.args[0].value if node.args else None
        return View(frozenset(), methods_in(listed) or frozenset({"get"}))
    path = string(node.args[0].value) if node.args else None
    if name not in ROUTE_NAMES or path is None or not isinstance(node.func, cst.Attribute):
        return None
    if path and not path.startswith("/"):
        return None
    methods = methods_in(next((a.value for a in node.args if _is_keyword(a, "methods")), None))
    methods = methods or (frozenset({name}) if name in HTTP_METHODS else frozenset({"get"}))
    return View(_text_parameters(function, path), methods)


def _is_keyword(argument: cst.Arg, name: str) -> bool:
    return argument.keyword is not None and argument.keyword.value == name


def methods_in(node: cst.BaseExpression | None) -> frozenset[str]:
    """The texts of a list, in lower case."""
    if not isinstance(node, cst.List | cst.Tuple | cst.Set):
        return frozenset()
    texts = (string(each.value) for each in node.elements)
    return frozenset(each.lower() for each in texts if each is not None)


def _text_parameters(function: cst.FunctionDef, path: str) -> frozenset[str]:
    """Flask says in the path which parameters are text, FastAPI by annotations."""
    parts = {match["name"]: match["converter"] for match in _PATH_PART.finditer(path)}
    found = set()
    for each in (*function.params.params, *function.params.kwonly_params):
        name = each.name.value
        if name in parts:
            if parts[name] in _TEXT_CONVERTERS:
                found.add(name)
        elif "<" not in path and _is_text(each):
            found.add(name)
    return frozenset(found)


def _is_text(parameter: cst.Param) -> bool:
    """Whether FastAPI passes the caller's text here, unchecked."""
    if _is_injected(parameter):
        return False
    if parameter.annotation is None:
        return parameter.name.value not in {"self", *_REQUEST_NAMES}
    names = {each.value for each in find(parameter.annotation, cst.Name)}
    return "str" in names and names <= _TEXT_TYPES | {
        "None",
        "Union",
        "Query",
        "Path",
        "Header",
        "Body",
        "Form",
        "Cookie",
        "max_length",
    }


def _is_injected(parameter: cst.Param) -> bool:
    nodes = [each for each in (parameter.annotation, parameter.default) if each is not None]
    words = {each.value for node in nodes for each in find(node, cst.Name)}
    return bool(words & {"Depends", "Security", "Inject", "Provide", "pattern", "regex", "Literal"})


def _method(function: cst.FunctionDef, owner: cst.ClassDef) -> View | None:
    bases = [dotted(each.value).rpartition(".")[2] for each in owner.bases]
    name = function.name.value
    is_action = any(
        dotted(d.decorator.func if isinstance(d.decorator, cst.Call) else d.decorator).endswith(
            "action"
        )
        for d in function.decorators
    )
    if not any(_VIEW_BASE.search(each) for each in bases):
        return None
    if name in HTTP_METHODS:
        return View(frozenset(), frozenset({name}))
    return View(frozenset(), frozenset()) if name in _ACTIONS or is_action else None


def _required_methods(function: cst.FunctionDef) -> frozenset[str]:
    """What Django's `require_GET` and their like let through."""
    for each in function.decorators:
        name = dotted(each.decorator).rpartition(".")[2]
        if name in {"require_GET", "require_safe"}:
            return frozenset({"get", "head"})
        if name == "require_POST":
            return frozenset({"post"})
        if isinstance(each.decorator, cst.Call):
            inner = dotted(each.decorator.func).rpartition(".")[2]
            if inner == "require_http_methods" and each.decorator.args:
                return methods_in(each.decorator.args[0].value)
    return frozenset()


def is_request(node: cst.CSTNode, here: Here) -> bool:
    """Whether an expression is the request at hand."""
    match node:
        case cst.Attribute(value=cst.Name(value="self" | "cls"), attr=cst.Name(value="request")):
            return True
        case cst.Attribute(attr=cst.Name(value="context" | "request")) if dotted(node) in {
            "info.context",
            "self.context.request",
        }:
            return True
        case cst.Name(value=name):
            if here.names(node) & _GLOBAL_REQUESTS:
                return True
            bound = here.bindings(node)
            return (
                name in _REQUEST_NAMES
                and all(each.kind is Kind.PARAMETER for each in bound)
                and bool(bound)
            )
    return False


def is_request_data(node: cst.CSTNode, here: Here) -> bool:
    """Whether an expression is what a caller sent: `request.GET["q"]`, `await request.json()`."""
    at: cst.CSTNode = node
    for _ in range(12):
        match at:
            case cst.Attribute(value=owner, attr=cst.Name(value=name)):
                if is_request(owner, here):
                    return name in _REQUEST_DATA
                at = owner
            case cst.Subscript(value=inner) | cst.Call(func=inner) | cst.Await(expression=inner):
                at = inner
            case cst.Name():
                value = here.value_of(at)
                if value is at:
                    return False
                at = value
            case _:
                return False
    return False
