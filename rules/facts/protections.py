"""What a file does for security, place by place: so that two versions can be compared.

Places are functions, classes and the module itself, by qualified name. A protection is told
by its kind and its name; the node is where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

import libcst as cst

from rules.facts.authorization import GUARD
from rules.kit import children, dotted, find, keyword, string, walk


class Shield(Enum):
    """The kinds of protection, in the words of a sentence."""

    DECORATOR = "the decorator"
    BASE = "the base class"
    PERMISSIONS = "the permissions"
    DEPENDENCY = "the dependency"
    MIDDLEWARE = "the middleware"
    SETTING = "the setting"
    VALIDATOR = "the validation"
    CHECK = "the check"
    ESCAPING = "the escaping"
    TIMEOUT = "the timeout of"


@dataclass(frozen=True, eq=False)
class Protection:
    """One protection. `place` is the qualified name of what it protects, empty for the module."""

    place: str
    shield: Shield
    name: str
    node: cst.CSTNode

    @property
    def key(self) -> tuple[Shield, str]:
        return self.shield, self.name


_DECORATORS = re.compile(
    r"(^|\.)(\w*_required|\w+_permissions?|login_\w+|requires?_(?!GET|POST|safe|http)\w*|requires|permission\w*|user_passes_test"
    r"|csrf_protect|requires_csrf_token|ratelimit|rate_limit\w*|limit|axes_dispatch|has_(?=\w*(perm|role|access))\w+"
    r"|roles?_accepted|auth_\w+|authenticated|authorize[d]?|protected?|admin_only|staff_only|verify_\w+"
    r"|check_(?=\w*(perm|auth|access|owner))\w+|sensitive_post_parameters|never_cache|xframe_options_(deny|sameorigin)"
    r"|protect_\w+|authentication_classes|permission_classes|otp_required|token_auth\w*|jwt_\w+|fresh_jwt\w*)$"
)
_VALIDATORS = re.compile(
    r"(^|\.)(field_validator|model_validator|validator|root_validator|validates|validates_schema)$"
)
_VALIDATING = re.compile(r"^(clean(_\w+)?|validate(_\w+)?)$")
_BASES = re.compile(
    r"(LoginRequired|PermissionRequired|UserPassesTest|AccessMixin|StaffuserRequired|SuperuserRequired|Authenticat|Authoriz"
    r"|Permission|Protected|Secure|AdminRequired|OwnerRequired|CsrfProtect)\w*"
)
_CHECKS = re.compile(
    r"(^|\.)(compare_digest|constant_time_compare|construct_event|verify(_\w+)?|validate_(signature|token|request)"
    r"|check_(signature|password|permissions?|object_permissions|access|token|auth\w*|password_hash)"
    r"|has_perms?|has_object_permission|has_permission|authenticate|authorize|require_(?=\w*(permission|access|auth|admin))\w+"
    r"|ensure_(?=\w*(permission|access|auth|admin|owner))\w+|enforce_(?=\w*(permission|access|csrf))\w+|max_age_check"
    r"|validate_password|full_clean|is_valid_signature|unsign|safe_compare)$"
)
_DENIALS = re.compile(
    r"(^|\.)(PermissionDenied|NotAuthenticated|AuthenticationFailed|Forbidden|Unauthorized|HttpResponseForbidden"
    r"|HTTPForbidden|HTTPUnauthorized|SuspiciousOperation)$"
)
_ESCAPES = re.compile(
    r"(^|\.)(escape|conditional_escape|escapejs|json_script|strip_tags|sanitize\w*|bleach\.clean|nh3\.clean|clean_html"
    r"|shlex\.quote|secure_filename|safe_join|get_valid_filename|url_has_allowed_host_and_scheme|is_safe_url"
    r"|is_safe_redirect_url|escape_filter_chars|escape_dn_chars|escape_uri_path|quote_name|format_html|escape_string"
    r"|defuse\w*|yaml\.safe_load|literal_eval)$"
)
_MIDDLEWARE = re.compile(
    r"Security|Csrf|CSRF|Auth|Session|XFrame|ClickJack|CSP|ContentSecurity|LoginRequired|Ratelimit|RateLimit|Axes|OTP"
    r"|TrustedHost|HTTPSRedirect|Talisman|Throttl|Defender|HSTS|Permissions"
)
_SETTING_TRUE = re.compile(
    r"^(SECURE_\w+|SESSION_COOKIE_(SECURE|HTTPONLY)|CSRF_COOKIE_(SECURE|HTTPONLY)|WTF_CSRF_ENABLED"
    r"|REMEMBER_COOKIE_(SECURE|HTTPONLY)|JWT_COOKIE_(SECURE|CSRF_PROTECT)|AXES_ENABLED|X_FRAME_OPTIONS"
    r"|AUTH_PASSWORD_VALIDATORS)$"
)
_EXTENSIONS = frozenset({"CSRFProtect", "Talisman", "SeaSurf", "LoginManager", "add_middleware"})
_COVERED = re.compile(r"^(requests|httpx|urllib|urllib3|session|client)\b")


Place = cst.FunctionDef | cst.ClassDef | cst.Module


def protections(module: cst.Module) -> tuple[Mapping[str, Place], tuple[Protection, ...]]:
    """The places of a file, and every protection in it."""
    places: dict[str, Place] = {"": module}
    found: list[Protection] = list(_of_module(module))
    stack: list[tuple[str, cst.CSTNode]] = [("", each) for each in reversed(module.body)]
    while stack:
        above, node = stack.pop()
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            place = f"{above}.{node.name.value}" if above else node.name.value
            places[place] = node
            found += _of_decorators(node, place)
            found += (
                _of_function(node, place)
                if isinstance(node, cst.FunctionDef)
                else _of_class(node, place)
            )
            above = place
        if isinstance(node, _HOLDERS):
            stack += [(above, each) for each in reversed(children(node))]
    return places, tuple(found)


_HOLDERS = (cst.FunctionDef, cst.ClassDef, cst.IndentedBlock, cst.If, cst.Else, cst.Try, cst.With)


def _called(node: cst.BaseExpression) -> str:
    return dotted(node.func if isinstance(node, cst.Call) else node)


def _of_decorators(node: cst.FunctionDef | cst.ClassDef, place: str) -> Iterator[Protection]:
    for each in node.decorators:
        name = _called(each.decorator)
        last = name.rpartition(".")[2]
        if (
            last == "method_decorator"
            and isinstance(each.decorator, cst.Call)
            and each.decorator.args
        ):
            name = _called(each.decorator.args[0].value)
            last = name.rpartition(".")[2]
        if last in ("permission_classes", "authentication_classes"):
            if _is_strict(
                each.decorator.args[0].value
                if isinstance(each.decorator, cst.Call) and each.decorator.args
                else None
            ):
                yield Protection(place, Shield.PERMISSIONS, last, each)
        elif _DECORATORS.search(name):
            yield Protection(place, Shield.DECORATOR, last, each)
        elif isinstance(each.decorator, cst.Call):
            yield from _of_dependencies(keyword(each.decorator, "dependencies"), place)
            if last == "action" and _is_strict(keyword(each.decorator, "permission_classes")):
                yield Protection(place, Shield.PERMISSIONS, "permission_classes", each)


def _is_strict(value: cst.BaseExpression | None) -> bool:
    """Whether a list of permissions turns anybody away."""
    if isinstance(value, cst.List | cst.Tuple):
        names = [_called(each.value).rpartition(".")[2] for each in value.elements]
        return any(each != "AllowAny" for each in names)
    return value is not None


def _of_dependencies(node: cst.BaseExpression | None, place: str) -> Iterator[Protection]:
    """`Depends(get_current_user)` anywhere below."""
    if node is None:
        return
    for each in find(node, cst.Call):
        name = dotted(each.func).rpartition(".")[2]
        if name in ("Depends", "Security") and each.args:
            given = _called(each.args[0].value)
            if GUARD.search(given):
                yield Protection(place, Shield.DEPENDENCY, given.rpartition(".")[2], each)


def _of_function(node: cst.FunctionDef, place: str) -> Iterator[Protection]:
    for each in (*node.params.params, *node.params.kwonly_params):
        note = each.annotation.annotation if each.annotation is not None else None
        yield from _of_dependencies(each.default, place)
        yield from _of_dependencies(note, place)
        if isinstance(note, cst.Name) and note.value.startswith("Current"):
            yield Protection(place, Shield.DEPENDENCY, note.value, each)
    for inner in walk(node.body):
        match inner:
            case cst.Call():
                yield from _of_call(inner, place)
            case cst.Raise(exc=exc) if exc is not None and _DENIALS.search(_called(exc)):
                yield Protection(place, Shield.CHECK, _called(exc).rpartition(".")[2], inner)
            case cst.If(test=test, body=body) if _ends(body):
                for looked_at in find(test, cst.Attribute):
                    if looked_at.attr.value in (
                        "is_authenticated",
                        "is_staff",
                        "is_superuser",
                        "is_admin",
                    ):
                        yield Protection(place, Shield.CHECK, looked_at.attr.value, inner)
            case _:
                pass


def _ends(body: cst.CSTNode) -> bool:
    """Whether a branch leaves the function: it raises, returns or aborts."""
    lines = children(body)
    last = lines[-1] if lines else None
    small = last.body[-1] if isinstance(last, cst.SimpleStatementLine) and last.body else last
    return isinstance(small, cst.Raise | cst.Return) or (
        isinstance(small, cst.Expr)
        and isinstance(small.value, cst.Call)
        and dotted(small.value.func).endswith("abort")
    )


def _of_call(call: cst.Call, place: str) -> Iterator[Protection]:
    name = dotted(call.func)
    last = name.rpartition(".")[2]
    if _ESCAPES.search(name):
        yield Protection(place, Shield.ESCAPING, last, call)
    elif _CHECKS.search(name) or (
        isinstance(call.func, cst.Attribute) and _CHECKS.search(call.func.attr.value)
    ):
        yield Protection(place, Shield.CHECK, last or "verify", call)
    elif _refuses(call, last):
        yield Protection(place, Shield.CHECK, last, call)
    if name and not _COVERED.search(name) and keyword(call, "timeout") is not None:
        value = keyword(call, "timeout")
        if not (isinstance(value, cst.Name) and value.value == "None"):
            yield Protection(place, Shield.TIMEOUT, name, call)


def _refuses(call: cst.Call, last: str) -> bool:
    """`abort(403)`, `HTTPException(status_code=401)`."""
    if last not in ("abort", "HTTPException"):
        return False
    codes = [each.value for each in call.args[:1]] + [keyword(call, "status_code")]
    return any(
        isinstance(each, cst.Integer) and each.value in ("401", "403") for each in codes
    ) or any(
        isinstance(each, cst.Attribute) and re.search(r"_40[13]_", each.attr.value)
        for each in codes
    )


def _of_class(node: cst.ClassDef, place: str) -> Iterator[Protection]:
    for base in node.bases:
        name = dotted(base.value).rpartition(".")[2]
        if _BASES.search(name):
            yield Protection(place, Shield.BASE, name, base)
    for line in children(node.body):
        if isinstance(line, cst.FunctionDef):
            marked = [_called(each.decorator) for each in line.decorators]
            if any(_VALIDATORS.search(each) for each in marked) or _VALIDATING.match(
                line.name.value
            ):
                yield Protection(place, Shield.VALIDATOR, line.name.value, line)
        elif isinstance(line, cst.SimpleStatementLine):
            for each in line.body:
                yield from _of_attribute(each, place)


def _of_attribute(node: cst.CSTNode, place: str) -> Iterator[Protection]:
    match node:
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))], value=value):
            pass
        case cst.AnnAssign(target=cst.Name(value=name), value=cst.BaseExpression() as value):
            pass
        case _:
            return
    if name in ("permission_classes", "authentication_classes", "throttle_classes"):
        if _is_strict(value):
            yield Protection(place, Shield.PERMISSIONS, name, node)
    elif isinstance(value, cst.Call):
        given = keyword(value, "validators")
        if isinstance(given, cst.List | cst.Tuple):
            for each in given.elements:
                checked = _called(each.value).rpartition(".")[2] or "validator"
                yield Protection(place, Shield.VALIDATOR, f"{name}: {checked}", node)


def _of_module(module: cst.Module) -> Iterator[Protection]:
    for line in module.body:
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            match each:
                case cst.Assign(
                    targets=[cst.AssignTarget(target=cst.Name(value=name))], value=value
                ):
                    yield from _of_setting(name, value, each)
                case cst.Expr(value=cst.Call() as call):
                    yield from _of_extension(call)
                case _:
                    pass


def _of_setting(name: str, value: cst.BaseExpression, node: cst.CSTNode) -> Iterator[Protection]:
    if name in ("MIDDLEWARE", "MIDDLEWARE_CLASSES"):
        for each in find(value, cst.SimpleString):
            text = string(each) or ""
            if _MIDDLEWARE.search(text.rpartition(".")[2]):
                yield Protection("", Shield.MIDDLEWARE, text.rpartition(".")[2], each)
    elif isinstance(value, cst.Call):
        yield from _of_extension(value)
        yield from _of_dependencies(keyword(value, "dependencies"), "")
    elif _SETTING_TRUE.match(name) and not _is_off(value):
        yield Protection("", Shield.SETTING, name, node)


def _is_off(value: cst.BaseExpression) -> bool:
    match value:
        case cst.Name(value="False" | "None") | cst.Integer(value="0"):
            return True
        case cst.List(elements=[]) | cst.Tuple(elements=[]):
            return True
    return False


def _of_extension(call: cst.Call) -> Iterator[Protection]:
    last = dotted(call.func).rpartition(".")[2]
    if last == "add_middleware" and call.args:
        last = dotted(call.args[0].value).rpartition(".")[2]
        if _MIDDLEWARE.search(last):
            yield Protection("", Shield.MIDDLEWARE, last, call)
    elif last in _EXTENSIONS:
        yield Protection("", Shield.MIDDLEWARE, last, call)
    elif last == "include_router":
        yield from _of_dependencies(keyword(call, "dependencies"), "")
