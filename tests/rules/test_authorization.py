"""What protects the routes of a project as a whole, and what a change takes away."""

from __future__ import annotations

import libcst as cst
import pytest
from trees import project_of, snapshot_of

from rules.checklist.security import missing_authorization, protection_removed
from rules.engine.config import Config, ReviewConfig, RulesConfig
from rules.engine.run import check, review
from rules.facts.authorization import Authorization
from rules.facts.protections import Shield, protections

CONFIG = Config(review=ReviewConfig(confidence="all"), rules=RulesConfig(defer_to_linters=False))
ROUTES = """\
from fastapi import APIRouter, Depends
from shop import store
from shop.deps import current_user

router = APIRouter()

@router.post("/books")
def add_book(user=Depends(current_user)):
    store.add()

@router.delete("/books/{number}")
def delete_book(number: int):
    store.delete(number)
"""


def known(files: dict[str, str]) -> Authorization:
    found: Authorization = project_of(files).facts(Authorization)
    return found


def unprotected(files: dict[str, str]) -> list[tuple[str, int]]:
    given = [(path, text.encode()) for path, text in files.items()]
    report = check(given, project_of(files), CONFIG, [missing_authorization.rule])
    assert report.crashes == ()
    return [(each.path, each.span.line) for each in report.findings]


def removed(before: str, after: str, **others: str) -> list[int]:
    more = {f"shop/{name}.py": text for name, text in others.items()}
    snapshot = snapshot_of({"shop/views.py": before}, {"shop/views.py": after, **more})
    report = review(snapshot, CONFIG, [protection_removed.rule])
    assert report.crashes == ()
    return [each.span.line for each in report.findings]


@pytest.mark.parametrize(
    ("text", "denies"),
    [
        ('REST_FRAMEWORK = {"DEFAULT_PERMISSION_CLASSES": ["a.IsAuthenticated"]}', True),
        ('REST_FRAMEWORK = {"DEFAULT_PERMISSION_CLASSES": ("a.AllowAny",)}', False),
        ('REST_FRAMEWORK = {"DEFAULT_PERMISSION_CLASSES": []}', False),
        ('REST_FRAMEWORK = {"PAGE_SIZE": 10}', False),
    ],
)
def test_the_default_permissions_are_those_of_the_settings(text: str, denies: bool) -> None:  # noqa: FBT001
    assert known({"shop/settings.py": text}).denies_by_default is denies


@pytest.mark.parametrize(
    "text",
    [
        'MIDDLEWARE = ["shop.LoginRequiredMiddleware"]',
        "@bp.before_app_request\ndef check():\n    require_login()\n",
        "from flask import Flask\napp = Flask(__name__)\n@app.before_request\ndef check():\n    abort(401)\n",
        "app.before_request(check)\n",
    ],
)
def test_some_things_look_at_every_request(text: str) -> None:
    assert known({"shop/app.py": text}).everywhere


def test_a_hook_that_does_something_else_protects_nothing() -> None:
    text = "@app.before_request\ndef count():\n    stats.count()\n"
    assert not known({"shop/app.py": text}).everywhere


@pytest.mark.parametrize(
    "main",
    [
        "from shop.routes import router\napp.include_router(router, dependencies=[Depends(current_user)])\n",
        (
            "from fastapi import APIRouter\nfrom shop.routes import router\n"
            "api = APIRouter(dependencies=[Depends(current_user)])\napi.include_router(router)\n"
        ),
    ],
)
def test_a_router_is_guarded_where_it_is_included(main: str) -> None:
    files = {"shop/__init__.py": "", "shop/routes.py": ROUTES, "shop/main.py": main}
    assert "shop.routes.router" in known(files).routers
    assert unprotected(files) == []
    assert unprotected({"shop/__init__.py": "", "shop/routes.py": ROUTES}) == [
        ("shop/routes.py", 12)
    ]


def test_a_view_may_be_wrapped_in_the_table_of_addresses() -> None:
    views = (
        "from django.contrib.auth.decorators import login_required\n\n@login_required\n"
        "def add(request):\n    store.add(request.POST['a'])\n\n"
        "def drop(request):\n    store.delete(request.POST['a'])\n"
    )
    urls = "from shop import views\nurlpatterns = [path('drop', login_required(views.drop))]\n"
    assert unprotected({"shop/views.py": views}) == [("shop/views.py", 7)]
    assert unprotected({"shop/views.py": views, "shop/urls.py": urls}) == []


@pytest.mark.parametrize(
    ("text", "shield", "name"),
    [
        ("@login_required\ndef f(): ...", Shield.DECORATOR, "login_required"),
        ("@method_decorator(login_required)\ndef f(): ...", Shield.DECORATOR, "login_required"),
        ("class V(LoginRequiredMixin, View): ...", Shield.BASE, "LoginRequiredMixin"),
        ("class V:\n    permission_classes = [IsAdmin]", Shield.PERMISSIONS, "permission_classes"),
        ("def f(u=Depends(get_current_user)): ...", Shield.DEPENDENCY, "get_current_user"),
        ("MIDDLEWARE = ['a.CsrfViewMiddleware']", Shield.MIDDLEWARE, "CsrfViewMiddleware"),
        ("app.add_middleware(TrustedHostMiddleware)", Shield.MIDDLEWARE, "TrustedHostMiddleware"),
        ("SECURE_SSL_REDIRECT = True", Shield.SETTING, "SECURE_SSL_REDIRECT"),
        ("class F(Form):\n    def clean_age(self): ...", Shield.VALIDATOR, "clean_age"),
        ("class M:\n    a = F(validators=[short])", Shield.VALIDATOR, "a: short"),
        ("def f():\n    hmac.compare_digest(a, b)", Shield.CHECK, "compare_digest"),
        ("def f():\n    raise HTTPException(403)", Shield.CHECK, "HTTPException"),
        ("def f():\n    if not u.is_staff:\n        return", Shield.CHECK, "is_staff"),
        ("def f():\n    escape(a)", Shield.ESCAPING, "escape"),
        ("def f():\n    run(a, timeout=3)", Shield.TIMEOUT, "run"),
    ],
)
def test_each_kind_of_protection_is_seen(text: str, shield: Shield, name: str) -> None:
    _, found = protections(cst.parse_module(text))
    assert (shield, name) in [each.key for each in found]


VIEW = "@login_required\ndef drop(request):\n    store.drop()\n"


def test_a_decorator_that_is_gone_is_missed() -> None:
    assert removed(VIEW, "def drop(request):\n    store.drop()\n") == [1]


@pytest.mark.parametrize(
    "after",
    [
        "@staff_only\ndef drop(request):\n    store.drop()\n",
        "@guarded\ndef drop(request):\n    store.drop()\n",
        "def drop(request):\n    check_access(request)\n    store.drop()\n",
        "def other(request):\n    store.drop()\n",
        "",
    ],
)
def test_a_protection_that_is_replaced_or_has_nothing_to_protect_is_not_missed(after: str) -> None:
    assert removed(VIEW, after) == []


def test_a_branch_goes_with_its_checks() -> None:
    before = (
        "def pay(request):\n    if request.guest:\n        hmac.compare_digest(a, b)\n"
        "        settle_guest()\n    settle()\n"
    )
    assert removed(before, "def pay(request):\n    settle()\n") == []
    kept = "def pay(request):\n    if request.guest:\n        settle_guest()\n    settle()\n"
    assert removed(before, kept) == [3]


def test_a_timeout_is_missed_where_the_call_is_still_there() -> None:
    before = "def run(a):\n    subprocess.run(a, timeout=3)\n"
    assert removed(before, "def run(a):\n    subprocess.run(a)\n") == [2]
    assert removed(before, "def run(a):\n    subprocess.check_call(a)\n") == []
