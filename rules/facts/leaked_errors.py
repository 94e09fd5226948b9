"""Expressions that hold the text of an exception, and calls that answer a request."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.routes import by_decorator
from rules.kit import Here, dotted, find, walk

_TEXTS = frozenset(
    {"str", "repr", "format", "pformat", "escape", "force_str", "smart_str", "dumps"}
)
_TRACES = frozenset({"format_exc", "format_exception", "format_tb", "format_exception_only"})
_TEXT_ATTRIBUTES = frozenset(
    {"args", "orig", "stderr", "strerror", "filename", "__dict__", "message"}
)
ANSWERING = frozenset(
    {"JsonResponse", "HttpResponse", "HttpResponseBadRequest", "HttpResponseServerError"}
    | {"HttpResponseNotFound", "HttpResponseForbidden", "StreamingHttpResponse", "Response"}
    | {"JSONResponse", "ORJSONResponse", "UJSONResponse", "PlainTextResponse", "HTMLResponse"}
    | {"HTTPException", "HttpError", "jsonify", "abort", "make_response", "APIException"}
    | {"ParseError", "NotFound", "PermissionDenied", "AuthenticationFailed", "InternalServerError"}
    | {"BadRequest", "json_response", "render", "render_template", "TemplateResponse"}
)
_FRAMEWORKS = frozenset(
    {"django", "rest_framework", "flask", "fastapi", "starlette", "werkzeug", "ninja", "quart"}
    | {"aiohttp", "litestar", "sanic", "flask_restful", "flask_restx", "flask_smorest", "bottle"}
)
_VIEW_CLASSES = ("Resource", "MethodView")


def is_answer(call: cst.Call, here: Here) -> bool:
    """Whether a call makes the answer to a request."""
    if last_of(call) not in ANSWERING:
        return False
    return any(each.partition(".")[0] in _FRAMEWORKS for each in here.names(call.func))


def last_of(call: cst.Call) -> str:
    return call.func.attr.value if isinstance(call.func, cst.Attribute) else dotted(call.func)


def returns_answers(function: cst.FunctionDef | None, here: Here) -> bool:
    """Whether what the function returns is sent as it is: views of Flask and FastAPI."""
    if function is None:
        return False
    if any(by_decorator(function, each.decorator) for each in function.decorators):
        names = [dotted(getattr(each.decorator, "func", None)) for each in function.decorators]
        return not any(each.endswith("api_view") for each in names)
    owner = here.around(function, cst.ClassDef, cst.FunctionDef)
    return isinstance(owner, cst.ClassDef) and any(
        dotted(each.value).rpartition(".")[2] in _VIEW_CLASSES for each in owner.bases
    )


def texts_of(node: cst.CSTNode, error: str) -> Iterator[cst.BaseExpression]:
    """Below `node`, what gives the text of the exception called `error`, or a traceback."""
    for each in walk(node):
        match each:
            case cst.Call() if last_of(each) in _TRACES:
                yield each
            case cst.Call() if error and _shows(each, error):
                yield each
            case cst.FormattedStringExpression(expression=cst.Name(value=name)) if name == error:
                yield each.expression
            case cst.FormattedStringExpression(expression=cst.Attribute() as held) if _is_text(
                held, error
            ):
                yield held
            case cst.BinaryOperation(operator=cst.Modulo(), right=right) if error and _mentions(
                right, error
            ):
                yield each
            case cst.Attribute() if _is_text(each, error):
                yield each
            case cst.DictElement(value=cst.Name(value=name)) if name == error and error:
                yield each.value


def given_whole(call: cst.Call, error: str) -> cst.BaseExpression | None:
    """The exception itself as an argument of a call that answers with its text."""
    for each in call.args:
        if error and isinstance(each.value, cst.Name) and each.value.value == error:
            return each.value
    return None


def _is_text(node: cst.Attribute, error: str) -> bool:
    return bool(error) and dotted(node.value) == error and node.attr.value in _TEXT_ATTRIBUTES


def _shows(call: cst.Call, error: str) -> bool:
    is_method = isinstance(call.func, cst.Attribute) and call.func.attr.value != "format"
    return (
        last_of(call) in _TEXTS
        and not (is_method and last_of(call) not in ("dumps", "pformat", "escape"))
        and any(isinstance(a.value, cst.Name) and a.value.value == error for a in call.args)
    )


def _mentions(node: cst.BaseExpression, error: str) -> bool:
    """`error` itself, alone or in a tuple."""
    match node:
        case cst.Tuple(elements=elements):
            return any(_mentions(each.value, error) for each in elements)
        case _:
            return isinstance(node, cst.Name) and node.value == error


def assigned_texts(body: cst.CSTNode, error: str) -> dict[str, cst.BaseExpression]:
    """Variables that a block gives the text of an exception, with that text."""
    found: dict[str, cst.BaseExpression] = {}
    for each in find(body, cst.Assign):
        text = next(texts_of(each.value, error), None)
        for target in each.targets if text is not None else ():
            name = target.target
            at = name.value if isinstance(name, cst.Subscript) else name
            if isinstance(at, cst.Name) and text is not None:
                found.setdefault(at.value, text)
    return found
