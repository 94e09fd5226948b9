"""What stands in for the CSRF check of a view: a signature, a token, or nothing to protect."""

from __future__ import annotations

import re
from enum import Enum, auto

import libcst as cst

from rules.facts.python_classes import Classes
from rules.facts.routes import HTTP_METHODS, READING, view_of
from rules.kit import Here, dotted, find, string, walk


class Guards(Enum):
    """`NONE`: a cookie speaks for the caller. `UNKNOWN`: nothing says who calls."""

    ENOUGH = auto()
    NONE = auto()
    UNKNOWN = auto()


_VERIFIES = re.compile(
    r"compare_digest|constant_time_compare|construct_event|signature|verif|validate_(token|request|hook"
    r"|payload|sig)|hmac|\bsign\b|unsign|authenticat|authoriz|api_?key|bearer|token|credential|basic_?auth"
    r"|jwt|oauth|webhook|secret|check_(auth|permission|key|hash)|permission|hash_?key|shared_key",
    re.IGNORECASE,
)
_HEADERS = re.compile(
    r"authorization|signature|token|api.?key|secret|x-hub|x_hub|digest|origin|referer|x-requested-with",
    re.IGNORECASE,
)
_FOREIGN = re.compile(
    r"saml|\bacs\b|_acs|sso|oauth|oidc|openid|lti|scim|webhook|\bhook|callback|jsonrpc|xmlrpc|graphql"
    r"|twiml|twilio|sns|ipn|csp_?report|beacon|metrics|health|ping|status|unsubscribe|debug|mcp",
    re.IGNORECASE,
)
_CHANGES = frozenset(
    [
        "save",
        "delete",
        "create",
        "update",
        "bulk_create",
        "bulk_update",
        "get_or_create",
        "update_or_create",
        "add",
        "remove",
        "set",
        "clear",
        "commit",
        "execute",
        "send",
        "set_password",
        "logout",
        "enqueue",
        "delay",
        "apply_async",
        "insert",
    ]
)
_SPEAKS = re.compile(r"log|messages|warn|capture|sentry|stat|metric", re.IGNORECASE)
_RENDERS = re.compile(
    r"(^|\.)(render|render_to_response|TemplateResponse|get_current_site|dict|list)$"
)
_COOKIE = re.compile(
    r"(login_required|permission_required|user_passes_test|staff_member_required)$"
)
_COOKIE_BASES = re.compile(r"(LoginRequired|PermissionRequired|UserPassesTest)Mixin$")


def guards_of(
    view: cst.FunctionDef | cst.ClassDef, where: cst.BaseExpression, here: Here
) -> Guards:
    """Whether a view may go without the CSRF check that `where` takes away."""
    if not _changes_state(view, here) or _is_foreign(view, here):
        return Guards.ENOUGH
    if isinstance(view, cst.ClassDef) and _has_token_authentication(view, here):
        return Guards.ENOUGH
    if _verifies(view, where, here):
        return Guards.ENOUGH
    return Guards.NONE if _trusts_cookie(view, where, here) else Guards.UNKNOWN


def _is_foreign(view: cst.FunctionDef | cst.ClassDef, here: Here) -> bool:
    """Called by other machines or other sites by design, as names tell."""
    return bool(_FOREIGN.search(view.name.value) or _FOREIGN.search(here.path))


def _changes_state(view: cst.FunctionDef | cst.ClassDef, here: Here) -> bool:
    if isinstance(view, cst.ClassDef):
        own = {each.name.value for each in find(view.body, cst.FunctionDef)}
        handlers = own & HTTP_METHODS
        return not handlers or bool(handlers - READING)
    known = view_of(view, here)
    if known is not None and known.methods and known.methods <= READING:
        return False
    return any(_is_change(each) for each in walk(view.body))


def _is_change(node: cst.CSTNode) -> bool:
    """A write, a call made for its effect alone, or a hand-over of the request."""
    match node:
        case cst.Expr(value=cst.Call(func=cst.Attribute(value=owner))):
            return not _SPEAKS.search(dotted(owner))
        case cst.Call(func=cst.Attribute(attr=cst.Name(value=name))) if name in _CHANGES:
            return True
        case cst.Attribute(
            value=owner, attr=cst.Name(value="POST" | "FILES" | "body" | "data" | "form")
        ):
            return dotted(owner).rpartition(".")[2] == "request"
        case cst.Call(func=func, args=args) if not _RENDERS.search(dotted(func)):
            return any(isinstance(a.value, cst.Name) and a.value.value == "request" for a in args)
    return False


def _verifies(view: cst.FunctionDef | cst.ClassDef, where: cst.BaseExpression, here: Here) -> bool:
    """A call, header, decorator or helper of this file that looks at who is calling."""
    guarding = [view.body, *_decorators(view), where, *_called(view, here)]
    for root in guarding:
        if isinstance(root, cst.Name | cst.Attribute) and _speaks_of_guards(dotted(root)):
            return True
        for each in walk(root):
            if isinstance(each, cst.Call) and _speaks_of_guards(_called_name(each, here)):
                return True
            if _reads_header(each):
                return True
    return False


def _called_name(call: cst.Call, here: Here) -> str:
    return dotted(call.func) or here.source(call.func)[:200]


def _speaks_of_guards(name: str) -> bool:
    return bool(_VERIFIES.search(name)) and not _is_plain(name) and "is_authenticated" not in name


def _is_plain(name: str) -> bool:
    """Decorators that look at the session, which is what needs the check."""
    return bool(_COOKIE.search(name)) or "csrf" in name


def _reads_header(node: cst.CSTNode) -> bool:
    match node:
        case cst.Subscript(value=owner, slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            text = string(key)
        case cst.Call(
            func=cst.Attribute(value=owner, attr=cst.Name(value="get")), args=[first, *_]
        ):
            text = string(first.value)
        case _:
            return False
    place = dotted(owner).rpartition(".")[2]
    is_sent = place in {"headers", "META", "POST", "GET", "args", "form", "data", "json"}
    return (
        is_sent and text is not None and bool(_HEADERS.search(text)) and "csrf" not in text.lower()
    )


def _called(view: cst.FunctionDef | cst.ClassDef, here: Here) -> list[cst.CSTNode]:
    """The functions of this file that the view calls: their bodies and what guards them."""
    names = [each.func for each in find(view.body, cst.Call) if isinstance(each.func, cst.Name)]
    made = [bound.node for name in names for bound in here.bindings(name)]
    functions = [each for each in made if isinstance(each, cst.FunctionDef)]
    return [part for each in functions for part in (each.body, *_decorators(each))]


def _decorators(view: cst.FunctionDef | cst.ClassDef) -> list[cst.BaseExpression]:
    return [each.decorator for each in view.decorators]


def _has_token_authentication(view: cst.ClassDef, here: Here) -> bool:
    """Whether REST framework asks here for something else than the session."""
    for each in find(view.body, cst.Assign):
        target = each.targets[0].target
        if isinstance(target, cst.Name) and target.value == "authentication_classes":
            names = [node.value for node in find(each.value, cst.Name)]
            return not any("Session" in name for name in names)
    return _lineage_hints(view, here)


def _lineage_hints(view: cst.ClassDef, here: Here) -> bool:
    """Bases whose names say how they know the caller."""
    classes: Classes = here.project.facts(Classes)
    own = classes.find(f"{here.module_name}.{view.name.value}")
    named = list(classes.lineage(own)) if own else []
    named += [dotted(each.value) for each in view.bases]
    return any(_VERIFIES.search(each) or _FOREIGN.search(each.rpartition(".")[2]) for each in named)


def _trusts_cookie(
    view: cst.FunctionDef | cst.ClassDef, where: cst.BaseExpression, here: Here
) -> bool:
    """Whether the view acts for the user of the session."""
    for root in (where, *_decorators(view)):
        if any(_COOKIE.search(each.value) for each in find(root, cst.Name)):
            return True
    if isinstance(view, cst.ClassDef) and any(
        _COOKIE_BASES.search(dotted(each.value)) for each in view.bases
    ):
        return True
    if _is_page_with_form(view):
        return True
    for each in walk(view.body):
        match each:
            case cst.Attribute(value=owner, attr=cst.Name(value="user" | "session")) if dotted(
                owner
            ).endswith("request"):
                return True
            case cst.Name(value="current_user" | "login_required"):
                return here.scopes.names(each) != frozenset()
    return False


_BROWSES = re.compile(r"^(render|redirect|HttpResponseRedirect|render_template)$|^messages\.\w+$")


def _is_page_with_form(view: cst.FunctionDef | cst.ClassDef) -> bool:
    """Whether a form is read and a page or a redirect is the answer: a browser is there."""
    reads = any(each.attr.value in ("POST", "form") for each in find(view.body, cst.Attribute))
    return reads and any(_BROWSES.match(dotted(each.func)) for each in find(view.body, cst.Call))
