"""What a single view does to learn who is calling, and whether it changes anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto

import libcst as cst

from rules.facts.authorization import GUARD, Injected
from rules.kit import Here, children, dotted, string, walk


class Access(Enum):
    """`OPEN`: anybody may call it. `UNKNOWN`: something that cannot be read may stand guard."""

    GUARDED = auto()
    OPEN = auto()
    UNKNOWN = auto()


_NEUTRAL = re.compile(
    r"(^|\.)(route|get|post|put|patch|delete|api_route|api_operation|websocket|head|options|csrf_exempt"
    r"|csrf_protect|ensure_csrf_cookie|require_(GET|POST|safe|http_methods)|never_cache|cache_page|cache_control"
    r"|atomic|non_atomic_requests|transaction|xframe_options_\w+|sensitive_\w+|extend_schema\w*|swagger_auto_schema"
    r"|schema|doc|docs|api_view|parser_classes|renderer_classes|throttle_classes|action|list_route|detail_route"
    r"|staticmethod|classmethod|wraps|async_to_sync|sync_to_async|arguments|response|responses|use_kwargs|use_args"
    r"|marshal_with|marshal_list_with|expect|output|input|validate|validate_json|errorhandler|lru_cache|cached?"
    r"|limit|ratelimit|rate_limit|limiter|exempt|cross_origin|timeit|log|log_(?!in)\w+|logged|trace\w*|render_to|template|htmx\w*"
    r"|condition|etag|last_modified|gzip_page|vary_on_\w+|method_decorator|json_response|ajax_required|tag|tags"
    r"|retry|span|instrument\w*|profile|profiled|metrics?|timed|overload|override|deprecated)$"
)
_KNOWS_CALLER = re.compile(
    r"(^|\.)(current_user|user|session|g|identity|auth|principal|current_identity|remote_user)$"
)
_DENIES = re.compile(
    r"(^|[._])(abort|PermissionDenied|Unauthorized|Forbidden|HttpResponseForbidden|NotAuthenticated|HTTPUnauthorized"
    r"|HTTPForbidden|AuthenticationFailed|NotAuthorized|AccessDenied|compare_digest|constant_time_compare"
    r"|construct_event)$"
)
_STATUS = re.compile(r"40[13]")
_NEUTRAL_DEPENDENCY = re.compile(
    r"session|(^|_)db|database|repo|pagina|paging|sort|filter|setting|config|background|redis|cache|logger"
    r"|locker|client|storage|producer|uow|unit_of_work|engine|conn|cursor|transaction|service|crud|query|params"
    r"|queue|publisher|mailer|email|templates?|factory|broker|dao|gateway|usecase|handler|controller|manager",
    re.IGNORECASE,
)
_WRITES = frozenset(
    {"save", "delete", "create", "update", "bulk_create", "bulk_update", "get_or_create"}
    | {
        "update_or_create",
        "commit",
        "add",
        "add_all",
        "merge",
        "insert",
        "insert_one",
        "insert_many",
    }
    | {"update_one", "update_many", "delete_one", "delete_many", "replace_one", "remove", "destroy"}
    | {
        "set_password",
        "execute",
        "executemany",
        "flush",
        "save_m2m",
        "form_valid",
        "perform_create",
    }
    | {
        "perform_update",
        "perform_destroy",
        "drop",
        "truncate",
        "append",
        "write",
        "unlink",
        "store",
    }
    | {"put", "post", "patch", "send", "enqueue", "delay", "apply_async"}
)
_VERBS = re.compile(
    r"(^|_|/|-)(create|update|delete|remove|add|set|edit|save|store|patch|put|upload|import|cancel|approve|publish"
    r"|archive|restore|move|rename|assign|transfer|pay|refund|charge|ship|close|open|enable|disable|destroy|insert"
    r"|replace|merge|clear|purge|submit|ban|block|promote|grant|revoke|change|modify|new|bulk|rotate|toggle"
    r"|complete|finish|start|stop|run|trigger|process|register|post|write|drop|kick|suspend|terminate|accept"
    r"|reject|duplicate|copy|clone|link|unlink|attach|detach|mark|sync|schedule|order|book|place|buy|withdraw)",
    re.IGNORECASE,
)
_RENDERS = re.compile(
    r"(^|\.)(render\w*|TemplateResponse|redirect|get_object_or_404|get_list_or_404|\w*Form|\w*FormSet|\w*Serializer|print|str"
    r"|len|dict|list|isinstance|getattr|int|bool|jsonify|JsonResponse|HttpResponse|Response|get_current_site|success"
    r"|error|info|warning|add_message|debug|json_body|reverse|url_for|parse_\w+|loads|query_params|build_absolute_uri"
    r"|get_ip|get_client_ip|paginate\w*|template_response|messages)$"
)


def decorators(node: cst.FunctionDef | cst.ClassDef) -> Iterator[tuple[str, cst.BaseExpression]]:
    """The name of each decorator, and its expression; an empty name where it has none."""
    for each in node.decorators:
        expression = each.decorator
        called = expression.func if isinstance(expression, cst.Call) else expression
        yield dotted(called), expression


def by_decorators(node: cst.FunctionDef | cst.ClassDef, here: Here) -> Access:
    """What the decorators say. One of the project's own, of unclear meaning, is `UNKNOWN`."""
    found = Access.OPEN
    for name, expression in decorators(node):
        last = name.rpartition(".")[2]
        if last == "permission_classes":
            found = _listed(expression, here)
            continue
        if _NEUTRAL.search(name):
            if last in ("method_decorator", "api_operation") and GUARD.search(
                here.source(expression)
            ):
                return Access.GUARDED
            continue
        if last and GUARD.search(last):
            return Access.GUARDED
        found = Access.UNKNOWN
    return found


def _listed(expression: cst.BaseExpression, here: Here) -> Access:
    """`@permission_classes([IsAuthenticated])`."""
    given = (
        expression.args[0].value if isinstance(expression, cst.Call) and expression.args else None
    )
    return by_classes(given, here)


def by_classes(value: cst.BaseExpression | None, here: Here) -> Access:
    """What a list of REST framework's permission classes lets through."""
    if not isinstance(value, cst.List | cst.Tuple):
        return Access.UNKNOWN
    names = [here.source(each.value).rpartition(".")[2] for each in value.elements]
    return Access.OPEN if all(each == "AllowAny" for each in names) else Access.GUARDED


def by_parameters(function: cst.FunctionDef, here: Here) -> Access:
    """What FastAPI injects: a user, a checked key, or something whose meaning is not known."""
    found = Access.OPEN
    injected: Injected = here.project.facts(Injected)
    for each in (*function.params.params, *function.params.kwonly_params):
        note = each.annotation.annotation if each.annotation is not None else None
        text = " ".join(here.source(n) for n in (note, each.default) if n is not None)
        text += " ".join(injected.by_name.get(name, "") for name in _names_of(note, here))
        if not re.search(r"Depends|Security|Inject|Provide", text):
            if GUARD.search(text) and re.search(r"Header|Cookie|APIKey|HTTPBearer", text):
                return Access.GUARDED
            if each.annotation is not None and _is_guarding_type(each, here):
                return Access.GUARDED
            continue
        if "Security(" in text or GUARD.search(text):
            return Access.GUARDED
        if not _NEUTRAL_DEPENDENCY.search(text):
            found = Access.UNKNOWN
    return found


def _names_of(node: cst.CSTNode | None, here: Here) -> frozenset[str]:
    if isinstance(node, cst.Name | cst.Attribute):
        injected: Injected = here.project.facts(Injected)
        names = here.names(node)
        return names | {injected.classes.modules.canonical(each) for each in names}
    return frozenset()


def _is_guarding_type(parameter: cst.Param, here: Here) -> bool:
    """`me: CurrentUser`, where the alias was imported from elsewhere."""
    text = here.source(parameter.annotation.annotation) if parameter.annotation else ""
    last = text.rpartition(".")[2]
    return last.startswith("Current") or last.endswith(("UserDep", "AuthDep", "AdminDep"))


def by_arguments(call: cst.Call, here: Here) -> Access:
    """What a route's own arguments ask for: `dependencies=[Depends(admin)]`, `auth=...`."""
    for each in call.args:
        if each.keyword is not None and each.keyword.value in (
            "dependencies",
            "auth",
            "permissions",
            "permission",
        ):
            text = here.source(each.value)
            if each.keyword.value == "auth":
                return Access.OPEN if text in ("None", "False") else Access.GUARDED
            return Access.GUARDED if GUARD.search(text) else Access.UNKNOWN
    return Access.OPEN


def by_body(body: cst.CSTNode, here: Here) -> Access:
    """Whether the body looks at the caller, refuses some, or hands the request on."""
    for each in walk(body):
        match each:
            case cst.Attribute() if _KNOWS_CALLER.search(dotted(each)) and _is_of_request(each):
                return Access.GUARDED
            case cst.Name(value="current_user" | "session" | "g" | "current_identity"):
                if each.value == "current_user" or _is_of_flask(each, here):
                    return Access.GUARDED
            case cst.Call():
                found = _by_call(each, here)
                if found is not Access.OPEN:
                    return found
            case cst.Raise() if each.exc is not None and _denies(here.source(each.exc)):
                return Access.GUARDED
            case _:
                pass
    return Access.OPEN


def _is_of_flask(name: cst.Name, here: Here) -> bool:
    """Flask's own `session` or `g`, not the attribute in `db.session`."""
    around = here.parent(name)
    if isinstance(around, cst.Attribute) and around.attr is name:
        return False
    return any("flask" in each or "quart" in each for each in here.names(name))


def _is_of_request(node: cst.Attribute) -> bool:
    head = dotted(node).split(".")
    return any(part in ("request", "req", "context", "info", "state", "self") for part in head[:-1])


def _by_call(call: cst.Call, here: Here) -> Access:
    name = dotted(call.func)
    last = name.rpartition(".")[2]
    if _DENIES.search(name) and (last != "abort" or _STATUS.search(here.source(call))):
        return Access.GUARDED
    if last and GUARD.search(last) and not _RENDERS.search(last):
        return Access.GUARDED
    if any(
        isinstance(a.value, cst.Name) and a.value.value in ("request", "req") for a in call.args
    ):
        return Access.OPEN if _RENDERS.search(name) else Access.UNKNOWN
    return Access.OPEN


def _denies(text: str) -> bool:
    return bool(_DENIES.search(text.partition("(")[0]) or _STATUS.search(text))


def writes(function: cst.FunctionDef) -> bool:
    """Whether a function changes what is kept, by what it calls or how it is called."""
    for each in walk(function.body):
        match each:
            case cst.Call(func=cst.Attribute(attr=cst.Name(value=name))) if name in _WRITES:
                return True
            case cst.Del():
                return True
            case cst.Call(func=func) if _VERBS.search(dotted(func).rpartition(".")[2]):
                return True
            case _:
                pass
    return False


def reads_form(function: cst.FunctionDef) -> bool:
    """Whether a Django view takes a form: it looks at `request.POST` or for the method POST."""
    for each in walk(function.body):
        match each:
            case cst.Attribute(
                value=cst.Name(value="request"), attr=cst.Name(value="POST" | "FILES" | "body")
            ):
                return True
            case cst.SimpleString() if string(each) in ("POST", "DELETE", "PUT", "PATCH"):
                return True
            case _:
                pass
    return False


def own_methods(node: cst.ClassDef) -> dict[str, cst.FunctionDef]:
    """The methods that a class defines itself."""
    return {
        each.name.value: each for each in children(node.body) if isinstance(each, cst.FunctionDef)
    }


def own_value(node: cst.ClassDef, name: str) -> cst.BaseExpression | None:
    """What a class attribute is set to in the class itself."""
    for line in children(node.body):
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            match each:
                case cst.Assign(
                    targets=[cst.AssignTarget(target=cst.Name(value=given))], value=value
                ):
                    if given == name:
                        return value
                case cst.AnnAssign(target=cst.Name(value=given), value=value) if given == name:
                    return value
                case _:
                    pass
    return None
