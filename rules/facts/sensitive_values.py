"""Expressions that hold what must not be written down: passwords, tokens, cards, whole requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import libcst as cst

from rules.facts.python_classes import Classes
from rules.facts.routes import is_request
from rules.kit import Here, dotted, find, string

_SECRET = re.compile(
    r"(^|_)(password\d?|passwd|passphrase|passcode|pwd|secret|secret_?key|client_?secret|api_?key"
    r"|access_?key|private_?key|signing_?key|encryption_?key|(access|refresh|auth|bearer|api|id|jwt"
    r"|session|reset|csrf|login|invite|verification|confirm|bot|oauth)_?token|authorization"
    r"|credentials?|card_?number|credit_?card|cvv|cvc|cvv2|ssn|social_security(_number)?|iban"
    r"|otp|totp_?secret|pin_?code|session_?key|sessionid|password_hash|mnemonic)$",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"^(raw_|user_|new_|plain_|my_)?token$", re.IGNORECASE)
_LEXING = re.compile(
    r"(^|/)(\w*(lexer|lex|tokeni[sz]\w{0,60}|parser|parse|nlp|template\w{0,60}|grammar|search"
    r"|pagination|query|sql|syntax|markdown|filters?))(/|\.py$)"
)
_NO_VALUE = re.compile(
    r"^(is|has|have|had|no|use|needs|requires?|with|without|can|should|allow|wrong|invalid|missing"
    r"|num|count|total|max|min|show|hide|enable|disable|change|changed|reset|set|force|check)_",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WHOLE_REQUEST = frozenset(
    {"body", "POST", "data", "json", "form", "headers", "COOKIES", "cookies", "META", "get_json"}
    | {"get_data", "values"}
)
# The text of these, and of what is built on them, shows each field.
_SHOWING_CLASSES = frozenset({"pydantic.BaseModel", "pydantic.main.BaseModel", "sqlmodel.SQLModel"})
# Where one of the latter stands, a variable of such a name may hold a request or a record.
_MAY_BE_WHOLE = re.compile(
    r"(?i)data|body|payload|json|form|head|param|post|content|event|user|req|cookie|env|cred|auth"
    r"|card|raw|values|obj|item|schema|account|customer|profile|register|login|args|_in$"
)
_READ_FROM = ("request", "environ", "BaseModel", "SQLModel", "get_json", "headers", "pydantic")
_HEADERS = frozenset({"authorization", "http_authorization", "cookie", "http_cookie", "x-api-key"})
_HEADERS |= frozenset({"http_x_api_key", "x-auth-token", "proxy-authorization"})
# What shows its argument as it is, or nearly.
_SHOWING = frozenset(
    {"str", "repr", "dict", "list", "tuple", "format", "dumps", "pformat", "bytes", "safe_str"}
    | {"decode", "encode", "strip", "lower", "upper", "copy", "items", "to_dict", "dict", "join"}
    | {"model_dump", "get_secret_value", "force_str", "smart_str", "urlencode", "sorted"}
)


def may_hold(args: Sequence[cst.Arg], here: Here) -> bool:
    """A quick look, by names alone, whether arguments may hold anything sensitive."""
    requests = here.mentions(_READ_FROM)
    for arg in args:
        if arg.keyword is not None and is_secret_name(arg.keyword.value, here):
            return True
        if isinstance(arg.value, cst.SimpleString):
            continue
        for each in find(arg.value, cst.Name, cst.SimpleString):
            if isinstance(each, cst.Name):
                name = each.value
                if (requests and _MAY_BE_WHOLE.search(name)) or is_secret_name(name, here):
                    return True
            elif isinstance(each, cst.SimpleString) and is_secret_name(_plain(each), here):
                return True
    return False


def _plain(node: cst.CSTNode) -> str:
    return (string(node) or "").replace("-", "_")


def sensitive(node: cst.BaseExpression, here: Here) -> Iterator[tuple[cst.BaseExpression, str]]:
    """Within a value that is written somewhere, what is sensitive, and what it is."""
    stack: list[cst.CSTNode] = [node]
    while stack:
        at = stack.pop()
        kind = kind_of(at, here)
        if kind and isinstance(at, cst.BaseExpression):
            yield at, kind
        else:
            stack += reversed(_shown(at))


def _shown(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The parts of an expression that are seen in its text."""
    match node:
        case cst.FormattedString(parts=parts):
            return [p.expression for p in parts if isinstance(p, cst.FormattedStringExpression)]
        case cst.ConcatenatedString(left=left, right=right):
            return [left, right]
        case cst.BinaryOperation(left=left, operator=cst.Modulo() | cst.Add(), right=right):
            return [left, right]
        case cst.Dict(elements=elements):
            return [each.value for each in elements]
        case cst.List(elements=items) | cst.Tuple(elements=items) | cst.Set(elements=items):
            return [each.value for each in items]
        case cst.IfExp(body=body, orelse=orelse):
            return [body, orelse]
        case cst.BooleanOperation(left=left, operator=cst.Or(), right=right):
            return [left, right]
        case cst.Await(expression=inner):
            return [inner]
        case cst.Call():
            return _through(node)
        case _:
            return []


def _through(call: cst.Call) -> list[cst.CSTNode]:
    """What a call shows of its arguments, or of what it is called on."""
    given: list[cst.CSTNode] = [each.value for each in call.args]
    if isinstance(call.func, cst.Attribute):
        name = call.func.attr.value
        if name == "format" and string(call.func.value) is not None:
            return given
        if name not in _SHOWING:
            return []
        return given if name in ("dumps", "pformat", "join", "urlencode") else [call.func.value]
    return given if dotted(call.func) in _SHOWING else []


def kind_of(node: cst.CSTNode, here: Here, depth: int = 3) -> str:
    """What a sensitive expression is, in words; empty for any other."""
    match node:
        case cst.Name(value=name):
            if is_secret_name(name, here):
                return f"`{name}`" if not _is_harmless(node, here) else ""
            value = here.value_of(node) if depth else node
            if _is_reading(value):
                return kind_of(value, here, depth - 1)
            return _of_record(node, here)
        case cst.Attribute(value=owner, attr=cst.Name(value=name)):
            if name in _WHOLE_REQUEST and is_request(owner, here):
                return f"the whole `{dotted(node)}`"
            if dotted(node) == "os.environ":
                return "the whole environment"
            return f"`{dotted(node) or name}`" if _is_secret_attribute(node, here) else ""
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            return _of_key(string(key), here)
        case cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value=name)), args=args):
            return _of_call(name, owner, args, here)
        case cst.Await(expression=inner):
            return kind_of(inner, here, depth)
        case _:
            return ""


def _of_call(name: str, owner: cst.BaseExpression, args: Sequence[cst.Arg], here: Here) -> str:
    if name in ("get", "pop") and args:
        return _of_key(string(args[0].value), here)
    is_whole = name in ("get_json", "get_data", "json", "body", "form", "dict", "copy")
    if is_whole and (is_request(owner, here) or _is_whole_form(owner, here)):
        return f"the whole `{dotted(owner)}`" if dotted(owner) else "the whole request"
    return ""


def _is_whole_form(owner: cst.CSTNode, here: Here) -> bool:
    return (
        isinstance(owner, cst.Attribute)
        and owner.attr.value in ("POST", "form", "COOKIES", "headers")
        and is_request(owner.value, here)
    )


def _is_reading(value: cst.CSTNode) -> bool:
    """`request.POST["password"]`: a value that was read, not computed."""
    return isinstance(value, cst.Subscript | cst.Attribute | cst.Call | cst.Await)


def _of_record(node: cst.Name, here: Here) -> str:
    """A parameter whose class has a field with a secret, and a text that shows all its fields."""
    bound = here.bindings(node)
    if len(bound) != 1 or not isinstance(bound[0].node, cst.Param):
        return ""
    note = bound[0].node.annotation
    if note is None or not isinstance(note.annotation, cst.Name | cst.Attribute):
        return ""
    classes: Classes = here.project.facts(Classes)
    key = next((found for each in here.names(note.annotation) if (found := classes.find(each))), "")
    if not key or classes.root(key) not in _SHOWING_CLASSES:
        return ""
    for each in classes.lineage(key):
        for field in classes.by_name[each][1].fields if each in classes.by_name else ():
            if is_secret_name(field.name, here) and "Secret" not in field.annotation:
                return f"the whole `{node.value}` with its `{field.name}`"
    return ""


def _of_key(key: str | None, here: Here) -> str:
    if key is None:
        return ""
    if key.lower() in _HEADERS or is_secret_name(key.replace("-", "_"), here):
        return f'`"{key}"`'
    return ""


def is_secret_name(name: str, here: Here) -> bool:
    """Whether a variable, field or key of this name holds a secret."""
    if name.isupper() and _TOKEN.match(name):
        return False
    snake = _CAMEL.sub("_", name).lower()
    if _NO_VALUE.match(snake):
        return False
    if _TOKEN.match(snake):
        return not _LEXING.search(here.path)
    return bool(_SECRET.search(snake))


def _is_secret_attribute(node: cst.Attribute, here: Here) -> bool:
    name = node.attr.value
    if not is_secret_name(name, here):
        return False
    # Classes and enumerations: `Scope.TOKEN`, `errors.InvalidPassword`.
    return not (name[:1].isupper() or dotted(node.value)[:1].isupper())


def _is_harmless(node: cst.Name, here: Here) -> bool:
    """A flag, a function, a class, an object whose text is not its value."""
    for each in here.bindings(node):
        match each.node:
            case cst.FunctionDef() | cst.ClassDef() | cst.Comparison():
                return True
            case cst.Name(value="True" | "False" | "None") | cst.SimpleString() | cst.Integer():
                return True
            case cst.Call(func=func):
                last = func.attr.value if isinstance(func, cst.Attribute) else dotted(func)
                is_made = last[:1].isupper() or last in ("get_or_create", "mask", "redact", "len")
                if is_made or re.search(r"mask|redact|hash|obfus|sanit|scrub|hidden|bool", last):
                    return True
                if _is_row(each.node):
                    return True
            case cst.Param(annotation=cst.Annotation(annotation=kind)):
                words = {one.value for one in find(kind, cst.Name)}
                if words and not words & {"str", "bytes", "Any", "dict", "Optional", "SecretStr"}:
                    return True
                if "SecretStr" in words:
                    return True
            case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Slice())]):
                return True
            case _:
                continue
    return False


def _is_row(node: cst.CSTNode) -> bool:
    """`Token.objects.get(...)`: a row, whose text is not the token itself."""
    return any(each.value in ("objects", "query", "session", "db") for each in find(node, cst.Name))
