"""What protects the routes of a project as a whole: defaults, middleware, routers, hooks.

What a single view does for itself is told by `access`.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from rules.facts.python_classes import Classes
from rules.facts.python_modules import FieldRecord, Modules, dotted
from rules.kit import Extractor, Project, Source, paths

GUARD = re.compile(
    r"auth(?!or(?!i))|login|logged|permission|perm_|_perm|require_(?!GET|POST|safe|http|method|json|param)"
    r"|_required|requires?_?(user|role|scope|admin|staff)|current_(active_)?(super)?user|active_user"
    r"|current_(account|member|actor|admin|principal|tenant|org|team|identity|subject)|superuser"
    r"|get_(admin|user|account|principal|identity|actor|member|viewer|caller|me)\b|user_(passes|is|has|must)"
    r"|api_?key|token|bearer|jwt|credential|principal|secur|admin_?(only|user|required)|staff|access|polic"
    r"|protect|guard|restrict|owner|tenant|role|scope|acl|rbac|signature|signed|verif|hmac|identity|session_user"
    r"|can_|allowed|check_user|ensure_user|only_(admin|staff|owner)|admins_only|CurrentUser|LoggedIn",
    re.IGNORECASE,
)
PUBLIC = re.compile(
    r"log_?-?in|log_?-?out|sign_?-?(in|up|out)|regist(er|rat)|auth(?!or)|token|sso|saml|oidc|openid|callback|hook"
    r"|health|ping|status|public|passw|reset|forgot|recover|verif|confirm|activat|invit|contact|feedback|subscri"
    r"|newsletter|csp|beacon|track|ingest|metric|anonym|guest|captcha|setup|install|bootstrap|onboard|otp|mfa"
    r"|2fa|webauthn|passkey|session|refresh|introspect|jwks|landing|waitlist|demo|share|embed|survey|ipn|stripe"
    r"|paypal|twilio|slack|telegram|discord|github|gitlab|bitbucket|sns|mailgun|sendgrid|postmark|inbound|debug"
    r"|echo|language|i18n|set_lang|locale|theme|cookie|consent|lti|scim|jsonrpc|xmlrpc|graphql|rpc|mcp|badge"
    r"|widget|csrf|notify|telemetry|analytic|enquir|inquir|unauth|no_auth|visitor|proxy|example|hello|playground"
    r"|sandbox|simulat|magic|sign$|checkout|cors|error|not_found|40[0-9]|500",
    re.IGNORECASE,
)
_GUARDED_TEXT = re.compile(
    r"auth|login|logged|permission|current_user|g\.user|session|token|api_?key|40[13]|abort|redirect",
    re.IGNORECASE,
)
_DEFAULT = re.compile(r"DEFAULT_PERMISSION_CLASSES[\"']:\s*(?P<classes>[\[(][^\])]{0,2000}[\])])")
_ROUTERS = frozenset({"FastAPI", "APIRouter", "Starlette", "NinjaAPI", "Router", "NinjaExtraAPI"})
_ALLOWS = re.compile(r"AllowAny\w*")


class GuardRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`included` holds owner, router and whether a guard stands between them.

    `hooks` are the objects whose requests pass a function that looks like a guard, `*` for all;
    `wrapped` the views that a table of addresses wraps in one.
    """

    included: tuple[tuple[str, str, bool], ...]
    hooks: tuple[str, ...]
    wrapped: tuple[str, ...]


_HOOKS = frozenset(
    {"before_request", "before_app_request", "before_serving", "url_value_preprocessor"}
)


def _extract(source: Source) -> GuardRecord | None:
    included = tuple(_inclusions(source))
    hooks = tuple(sorted({*_hooks(source), *_called_hooks(source)}))
    wrapped = tuple(sorted(set(_wrapped(source))))
    return GuardRecord(included, hooks, wrapped) if included or hooks or wrapped else None


def _inclusions(source: Source) -> Iterator[tuple[str, str, bool]]:
    for call in source.calls("include_router", "add_router"):
        if not isinstance(call.func, ast.Attribute):
            continue
        routers = [each for each in call.args if dotted(each)]
        routers += [each.value for each in call.keywords if each.arg == "router"]
        guarded = any(
            each.arg in ("dependencies", "auth") and GUARD.search(ast.unparse(each.value))
            for each in call.keywords
        )
        for each in routers[:1]:
            yield dotted(call.func.value), dotted(each), bool(guarded)


def _hooks(source: Source) -> Iterator[str]:
    if "before_" not in source.text:
        return
    for each in source.statements:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in each.decorator_list:
                owner, _, name = dotted(decorator).rpartition(".")
                if name in _HOOKS and _GUARDED_TEXT.search(ast.unparse(each)):
                    yield "*" if name == "before_app_request" else owner


def _called_hooks(source: Source) -> Iterator[str]:
    """`app.before_request(check_login)`."""
    for call in source.calls(*_HOOKS):
        if isinstance(call.func, ast.Attribute) and call.args:
            yield "*" if call.func.attr == "before_app_request" else dotted(call.func.value)


def _wrapped(source: Source) -> Iterator[str]:
    if "urlpatterns" not in source.text:
        return
    for call in source.nodes(ast.Call):
        if GUARD.search(dotted(call.func).rpartition(".")[2]) and call.args:
            view: ast.expr = call.args[0]
            if isinstance(view, ast.Call):
                view = view.func
            yield dotted(view).removesuffix(".as_view").rpartition(".")[2]


GUARDS = Extractor(
    name="guards",
    version=1,
    record=GuardRecord,
    reads=lambda path: path.endswith(".py"),
    extract=_extract,
    wanted=lambda data: (
        b"include_router" in data
        or b"before_request" in data
        or b"before_app_request" in data
        or b"add_router" in data
        or (b"urlpatterns" in data and b"_required" in data)
    ),
)


@dataclass(frozen=True)
class Authorization:
    """What stands before every view, and what before those of one router.

    `default_permissions` are the classes that REST framework falls back to, None where the
    project says nothing; `everywhere` that a middleware or hook looks at every request;
    `routers` the full names of routers, blueprints and applications with a guard of their own;
    `wrapped` the last names of views that a table of addresses puts behind a guard.
    """

    default_permissions: frozenset[str] | None
    everywhere: bool
    routers: frozenset[str]
    wrapped: frozenset[str]

    @classmethod
    def gather(cls, project: Project) -> Authorization:
        modules: Modules = project.facts(Modules)
        records = {
            path: each for path, each in project.records(GUARDS).items() if not paths.is_test(path)
        }
        everywhere = _has_middleware(modules) or any("*" in each.hooks for each in records.values())
        return cls(
            _default(modules),
            everywhere or _app_hook(modules, records),
            _routers(modules, records),
            frozenset(name for each in records.values() for name in each.wrapped),
        )

    @property
    def denies_by_default(self) -> bool:
        """Whether REST framework turns strangers away unless a view says otherwise."""
        given = self.default_permissions
        return bool(given) and not any(_ALLOWS.fullmatch(each) for each in given or ())


def _settings(modules: Modules) -> Iterator[FieldRecord]:
    for path, record in modules.by_path.items():
        if not paths.is_test(path):
            yield from record.assignments
            for each in record.classes:
                yield from each.fields


def _default(modules: Modules) -> frozenset[str] | None:
    found: set[str] = set()
    said = False
    for each in _settings(modules):
        match = _DEFAULT.search(each.value) if each.name == "REST_FRAMEWORK" else None
        text = match["classes"] if match else ""
        if each.name == "DEFAULT_PERMISSION_CLASSES":
            text = each.value
        if text:
            said = True
            found |= {name.rpartition(".")[2] for name in re.findall(r"[\w.]+", text)}
    return frozenset(found) if said else None


_MIDDLEWARE = re.compile(
    r"(LoginRequired|RequireLogin|LoginRequire|EnforceLogin|RequireAuth|AuthRequired|Authoriz|AccessControl"
    r"|PermissionRequired)\w*"
)


def _has_middleware(modules: Modules) -> bool:
    return any(
        each.name in ("MIDDLEWARE", "MIDDLEWARE_CLASSES") and _MIDDLEWARE.search(each.value)
        for each in _settings(modules)
    )


def _app_hook(modules: Modules, records: Mapping[str, GuardRecord]) -> bool:
    """Whether a hook belongs to the application, by name or by what it was made with."""
    for path, record in records.items():
        for owner in record.hooks:
            last = owner.rpartition(".")[2]
            if last in ("app", "application", "current_app", "api") or not owner:
                return True
            made = next((a for a in modules.by_path[path].assignments if a.name == owner), None)
            if made is not None and made.func.rpartition(".")[2] in ("Flask", "Quart"):
                return True
    return False


def _routers(modules: Modules, records: Mapping[str, GuardRecord]) -> frozenset[str]:
    found = set(_made_with_guards(modules))
    below: dict[str, set[str]] = defaultdict(set)
    for path, record in records.items():
        found |= {modules.resolve(path, owner) for owner in record.hooks if owner and owner != "*"}
        for owner, router, guarded in record.included:
            full = modules.resolve(path, router)
            below[modules.resolve(path, owner)].add(full)
            if guarded:
                found.add(full)
    queue = list(found)
    while queue:
        for each in below.get(queue.pop(), set()) - found:
            found.add(each)
            queue.append(each)
    return frozenset(found)


def _made_with_guards(modules: Modules) -> Iterator[str]:
    for path, record in modules.by_path.items():
        for each in record.assignments:
            if each.func.rpartition(".")[2] in _ROUTERS:
                text = each.keywords.get("dependencies", "") + each.keywords.get("auth", "")
                if text and GUARD.search(text):
                    yield f"{modules.name_of[path]}.{each.name}"


@dataclass(frozen=True)
class Injected:
    """Names that stand for an injected value: `CurrentUser = Annotated[User, Depends(...)]`."""

    by_name: Mapping[str, str]
    classes: Classes

    @classmethod
    def gather(cls, project: Project) -> Injected:
        modules: Modules = project.facts(Modules)
        found = {}
        for path, record in modules.by_path.items():
            for each in record.assignments:
                text = each.value
                if "Annotated" in text and ("Depends" in text or "Security" in text):
                    found[f"{modules.name_of[path]}.{each.name}"] = text
        return cls(found, project.facts(Classes))
