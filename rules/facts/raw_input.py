"""Data of a request as it came, before any form, serializer, schema or cast looked at it."""

from __future__ import annotations

import re

import libcst as cst

from rules.facts.routes import is_request, view_of
from rules.kit import Here, Kind, dotted, walk

_BODY = frozenset(
    {
        "GET",
        "POST",
        "body",
        "data",
        "query_params",
        "args",
        "form",
        "values",
        "json",
        "get_json",
        "get_data",
    }
)
_UPLOADS = frozenset({"FILES", "files"})
_UPLOAD_TYPES = frozenset(
    {"UploadFile", "FileStorage", "UploadedFile", "InMemoryUploadedFile", "TemporaryUploadedFile"}
)
_RAW_TYPES = re.compile(r"^(dict|Dict|Mapping|list|List|Any|typing\.Dict)\b")
_DECODERS = frozenset({"json.loads", "orjson.loads", "simplejson.loads", "ujson.loads", "loads"})
_PLAIN = frozenset(
    {
        "get",
        "getlist",
        "dict",
        "to_dict",
        "copy",
        "strip",
        "lower",
        "upper",
        "pop",
        "items",
        "split",
    }
    | {"keys", "get_json", "get_data", "json", "form", "lstrip", "rstrip", "title", "replace"}
)
_CHECKS = re.compile(
    r"is_valid|validate|validated|full_clean|cleaned_data|validated_data|model_validate|parse_obj|clean$|clean_"
    r"|schema|Schema|check_|isdigit|isalnum|isinstance|fullmatch|safe_load|parse_"
)


def is_raw(node: cst.CSTNode, here: Here) -> bool:
    """Whether a value is the caller's, unchanged: `request.POST["name"]`, `request.json`.

    A parameter that FastAPI fills with a plain `dict` counts too.
    """
    return _comes_from(node, here, _BODY)


def is_upload(node: cst.CSTNode, here: Here) -> bool:
    """Whether a value is an uploaded file: `request.files["cover"]`, a parameter `UploadFile`."""
    return _comes_from(node, here, _UPLOADS)


def _comes_from(node: cst.CSTNode, here: Here, sources: frozenset[str]) -> bool:
    at: cst.CSTNode = node
    for _ in range(12):
        match at:
            case cst.Attribute(value=owner, attr=cst.Name(value=name)):
                if is_request(owner, here):
                    return name in sources
                if name not in _PLAIN:
                    return False
                at = owner
            case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Slice())]):
                return False  # cut to a length
            case cst.Subscript(value=inner) | cst.Await(expression=inner):
                at = inner
            case cst.Call(func=func, args=[first, *_]) if dotted(func) in _DECODERS:
                at = first.value
            case cst.Call(func=cst.Attribute() as inner):
                at = inner
            case cst.BooleanOperation(left=inner):
                at = inner
            case cst.Name():
                found = _behind(at, here, sources)
                if not isinstance(found, cst.CSTNode):
                    return found
                at = found
            case _:
                return False
    return False


def _behind(name: cst.Name, here: Here, sources: frozenset[str]) -> cst.CSTNode | bool:
    """What a variable stands for; or at once whether it is the caller's."""
    bound = here.bindings(name)
    if len(bound) != 1 or bound[0].node is None:
        return False
    one = bound[0]
    if one.kind in (Kind.VALUE, Kind.ELEMENT) and one.node is not None:
        return one.node
    if one.kind is Kind.PARAMETER and isinstance(one.node, cst.Param):
        return _is_given(one.node, name, here, sources)
    return False


def _is_given(parameter: cst.Param, name: cst.Name, here: Here, sources: frozenset[str]) -> bool:
    if parameter.annotation is None:
        return False
    note = parameter.annotation.annotation
    if sources is _UPLOADS:
        return any(
            isinstance(each, cst.Name) and each.value in _UPLOAD_TYPES for each in walk(note)
        )
    function = here.function(name)
    if function is None or not _RAW_TYPES.match(here.source(note)):
        return False
    injected = parameter.default is not None and "Depends" in here.source(parameter.default)
    return not injected and bool(function.decorators) and view_of(function, here) is not None


def is_checked(function: cst.FunctionDef | None) -> bool:
    """Whether something in the function validates what came in."""
    if function is None:
        return False
    for each in walk(function.body):
        match each:
            case cst.Call(func=cst.Attribute(attr=cst.Name(value=name)) | cst.Name(value=name)):
                if _CHECKS.search(name):
                    return True
            case cst.Attribute(attr=cst.Name(value="cleaned_data" | "validated_data")):
                return True
            case _:
                pass
    return False
