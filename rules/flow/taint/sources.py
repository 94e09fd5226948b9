"""Where data of the caller enters: requests and parameters of routes."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from rules.facts.python_modules import Modules, dotted
from rules.flow.frame import Frame
from rules.flow.interpreter import annotation_of
from rules.flow.program import Program
from rules.flow.values import ClassCode, FunctionCode, ModuleCode
from rules.kit import Project

REQUEST = "request"  # the name of what stands for a request that was handed in
GLOBAL_REQUESTS = frozenset(
    {"flask.request", "flask.globals.request", "quart.request", "bottle.request", "flask.session_"}
)
REQUEST_CLASSES = re.compile(
    r"^(django\.http\..*Request|rest_framework\.request\.Request|starlette\.requests\.\w+"
    r"|fastapi\.(Request|requests\.Request|WebSocket)|flask\.Request|flask\.wrappers\.Request"
    r"|aiohttp\.web(_request)?\.\w*Request|sanic\.\w*\.?Request|werkzeug\.(wrappers\.)?Request"
    r"|starlette\.websockets\.WebSocket|quart\.Request|ninja\.\w*Request)$"
)
# Attributes and methods of requests that hold what the caller sent.
_DATA = frozenset(
    [
        "GET",
        "POST",
        "COOKIES",
        "FILES",
        "REQUEST",
        "META",
        "headers",
        "data",
        "query_params",
        "args",
        "form",
        "values",
        "json",
        "files",
        "cookies",
        "body",
        "path_params",
        "view_args",
        "query_string",
        "query",
        "get_json",
        "get_data",
        "stream",
        "params",
        "text",
        "content",
        "POST_data",
        "raw_post_data",
        "match_info",
        "rel_url",
        "getlist",
        "forms",
        "urlvars",
        "user_agent",
        "receive_text",
        "receive_json",
        "receive_bytes",
        "iter_text",
        "iter_json",
        "forwarded",
        "environ",
        "authorization",
        "stream_data",
        "get_body",
        "post",
        "multipart",
    ]
)
_HEADERS = frozenset(
    {"META", "headers", "cookies", "COOKIES", "user_agent", "authorization", "environ", "forwarded"}
)
_OWN_ADDRESS = frozenset(
    [
        "path",
        "path_info",
        "full_path",
        "url",
        "base_url",
        "url_root",
        "get_full_path",
        "build_absolute_uri",
        "referrer",
        "referer",
        "uri",
        "raw_path",
        "script_root",
    ]
)
_META_OF_SERVER = re.compile(r"^(REMOTE_|SERVER_|wsgi\.|SCRIPT_NAME|REQUEST_METHOD|CONTENT_LENGTH)")
VALIDATED = frozenset({"cleaned_data", "validated_data"})

ROUTE_NAMES = frozenset(
    {"get", "post", "put", "patch", "delete", "head", "options", "route", "api_route", "websocket"}
    | {"websocket_route", "api_operation", "expose", "trace"}
)
_FLASK_PART = re.compile(r"<(?:(?P<converter>\w+)(?:\([^)]*\))?:)?(?P<name>\w+)>")
_TEXT_CONVERTERS = frozenset({None, "string", "path", "default", "any_text", "str", "slug_text"})
_TEXT = re.compile(
    r"\b(str|bytes|Any|dict|Dict|object|AnyStr|FilePath|Path|HttpUrl|AnyUrl|AnyHttpUrl)\b"
)
_INJECTED = frozenset({"Depends", "Security", "Provide", "Inject", "FromDishka"})
_NUMBER_NAME = re.compile(
    r"(^|_)(id|pk|ids|pks|uuid|guid|slug|page|year|month|day|num|number|count|size|index|version|hash|sha|token|key|code|date|status|type|kind|format)s?$"
)
_STRICT_FIELDS = re.compile(
    r"(Choice|MultipleChoice|Integer|Float|Decimal|Boolean|NullBoolean|Date|DateTime|Time|Duration|UUID"
    r"|Slug|IPAddress|Regex|RelatedField|ModelMultipleChoice)Field$|RelatedField$"
)
_FORM_TEXT = re.compile(
    r"^(wtforms|flask_wtf)\.[\w.]*?(String|TextArea|Text|Password|Hidden|URL|Search|Email|Tel)Field\(\)$"
)
_ROUTING = re.compile(
    r"django\.(conf\.)?urls(\.conf)?\.(path|re_path|url)$|rest_framework\.routers\."
)
_MODELS = frozenset(
    {"pydantic.BaseModel", "ninja.Schema", "sqlmodel.SQLModel", "pydantic.main.BaseModel"}
    | {"ninja.schema.Schema", "pydantic.v1.BaseModel", "msgspec.Struct"}
)


@dataclass(frozen=True, slots=True)
class Route:
    """A function that answers requests. `path` is empty where it is not written out."""

    framework: str
    path: str
    is_html: bool


def is_data(attribute: str) -> bool:
    """Whether a request holds what the caller sent under this name."""
    return attribute in _DATA


def is_header(attribute: str) -> bool:
    """Whether it is what the head of a request says."""
    return attribute in _HEADERS


def is_own_address(attribute: str) -> bool:
    """Whether it is the address that was asked for, which leads back to this application."""
    return attribute in _OWN_ADDRESS


def is_of_server(key: str) -> bool:
    """Whether `request.META[key]` is set by the server."""
    return bool(_META_OF_SERVER.match(key))


def route_of(code: FunctionCode, program: Program) -> Route | None:
    """What the decorators of a function make of it."""
    for each in code.decorators:
        if not isinstance(each, ast.Call):
            continue
        name = dotted(each.func)
        last = name.rpartition(".")[2]
        if last == "api_view":
            return Route("drf", "", is_html=False)
        if last in ("errorhandler", "app_errorhandler") and "." in name:
            return Route("flask", "", is_html=True)
        if "." not in name or last not in ROUTE_NAMES:
            continue
        path = _path(each)
        if path is None or (path and not path.startswith("/")):
            continue
        framework = _framework(code.module, program, last, path)
        html = framework == "flask" or _answers_html(each)
        return Route(framework, path, is_html=html)
    return None


def _path(node: ast.Call) -> str | None:
    given = node.args[0] if node.args else None
    for each in node.keywords:
        if each.arg in ("path", "rule", "url_path"):
            given = each.value
    if given is None:
        return None
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else ""


def _answers_html(node: ast.Call) -> bool:
    return any(
        each.arg == "response_class" and dotted(each.value).endswith("HTMLResponse")
        for each in node.keywords
    )


def _framework(module: ModuleCode, program: Program, last: str, path: str) -> str:
    if "<" in path:
        return "flask"
    record = program.modules.by_path.get(module.path)
    heads = {each.partition(".")[0] for each in record.imports.values()} if record else set()
    for name, framework in (
        ("fastapi", "fastapi"),
        ("ninja", "ninja"),
        ("flask", "flask"),
        ("quart", "flask"),
        ("bottle", "flask"),
        ("starlette", "starlette"),
    ):
        if name in heads:
            return framework
    return "flask" if last == "route" else "fastapi"


def flask_parameters(path: str) -> dict[str, bool]:
    """By the name of a parameter in the path: whether it is text."""
    return {
        each["name"]: each["converter"] in _TEXT_CONVERTERS for each in _FLASK_PART.finditer(path)
    }


def is_text(note: ast.expr | None) -> bool:
    """Whether an annotation lets text through; none lets through anything."""
    if note is None:
        return True
    source = ast.unparse(note)
    if "Literal" in source or "pattern=" in source or "regex=" in source:
        return False
    return bool(_TEXT.search(source))


def is_checked(default: ast.expr | None) -> bool:
    """Whether a default such as `Query(..., pattern=...)` holds the value to a form."""
    return isinstance(default, ast.Call) and any(
        each.arg in ("pattern", "regex", "gt", "ge", "le", "lt") for each in default.keywords
    )


def dependency(note: ast.expr | None, default: ast.expr | None) -> ast.expr | bool | None:
    """What `Depends(...)` names; True where it names nothing, False where there is none."""
    candidates = [default] if default is not None else []
    if isinstance(note, ast.Subscript) and isinstance(note.slice, ast.Tuple):
        candidates += note.slice.elts[1:]
    for each in candidates:
        if isinstance(each, ast.Call) and dotted(each.func).rpartition(".")[2] in _INJECTED:
            return each.args[0] if each.args else True
    return False


def default_of(code: FunctionCode, name: str) -> ast.expr | None:
    """The default of a parameter."""
    spec = code.node.args
    positional = [each.arg for each in (*spec.posonlyargs, *spec.args)]
    found = dict(
        zip(positional[len(positional) - len(spec.defaults) :], spec.defaults, strict=True)
    )
    for each, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
        if default is not None:
            found[each.arg] = default
    return found.get(name)


def is_request(code: FunctionCode, name: str, frame: Frame) -> bool:
    """Whether a parameter is the request."""
    note = annotation_of(code, name)
    if note is not None:
        full = frame.run.full_name(note, frame)
        if REQUEST_CLASSES.match(full) or full.rpartition(".")[2].endswith("HttpRequest"):
            return True
        return (
            name in ("request", "req")
            and not frame.run.class_named(note, frame)
            and (full.endswith("Request") or "." not in full)
        )
    spec = code.node.args
    places = [each.arg for each in (*spec.posonlyargs, *spec.args)][:3]
    return name == "request" and name in places


def is_django_view(code: FunctionCode) -> bool:
    """Whether a function looks like a view: `request` comes first, after `self`."""
    spec = code.node.args
    places = [each.arg for each in (*spec.posonlyargs, *spec.args)]
    if code.owner is not None:
        return places[1:2] == ["request"] and code.own_name in (
            {"get", "post", "put", "patch", "delete", "dispatch", "list", "retrieve", "create"}
            | {"update", "partial_update", "destroy"}
        )
    return places[:1] == ["request"] and "." not in code.name and not code.name.startswith("_")


@dataclass(frozen=True)
class DjangoRoutes:
    """Whether the project says which addresses lead to its views, and of what form they are."""

    are_known: bool

    @classmethod
    def gather(cls, project: Project) -> DjangoRoutes:
        modules: Modules = project.facts(Modules)
        return cls(
            any(
                _ROUTING.match(name)
                for record in modules.by_path.values()
                for name in record.imports.values()
            )
        )


def may_be_text(name: str, note: ast.expr | None, program: Program) -> bool:
    """Whether a parameter from the address of a view may be any text, by its name and type.

    What is named like a number is one where routes may say so, in a file that is not read here.
    """
    if note is not None:
        return is_text(note)
    routes: DjangoRoutes = program.project.facts(DjangoRoutes)
    return not (routes.are_known and _NUMBER_NAME.search(name))


def holds_views(module: ModuleCode, program: Program) -> bool:
    """Whether functions of a module that take a request are likely to be views of Django."""
    record = program.modules.by_path.get(module.path)
    imported = record.imports.values() if record is not None else ()
    is_django = any(each.startswith(("django.", "rest_framework.")) for each in imported)
    return is_django and bool(re.search(r"view|api", module.path))


def has_validator(code: ClassCode, name: str) -> bool:
    """Whether a model checks a field with a function of its own."""
    for method in code.methods.values():
        for each in method.decorators:
            if not isinstance(each, ast.Call):
                continue
            kind = dotted(each.func).rpartition(".")[2]
            named = [one.value for one in each.args if isinstance(one, ast.Constant)]
            if kind in ("field_validator", "validator") and (name in named or "*" in named):
                return True
    return False


def is_strict_field(code: ClassCode, name: str, program: Program) -> bool:
    """Whether a field of a form or serializer lets no text through but that of a form or a list."""
    found = program.field_of(code, name)
    value = getattr(found[1], "value", None) if found is not None else None
    if not isinstance(value, ast.Call):
        return False
    return bool(_STRICT_FIELDS.search(dotted(value.func)))


def is_text_of_form(field: str) -> bool:
    """Whether `form.field.data` is text, by the dotted name of what the field was made with."""
    return bool(_FORM_TEXT.match(field))


def is_model(code: ClassCode, program: Program) -> bool:
    """Whether a class is read from the body of a request: Pydantic's and Ninja's."""
    return bool(_MODELS & set(program.lineage(code)[1]))
