"""Which views may go without the CSRF check."""

from __future__ import annotations

import pytest
from trees import project_of

from rules.checklist.security import csrf_exempt
from rules.engine.config import Config, ReviewConfig
from rules.engine.run import check

HEAD = (
    "import hmac, stripe\n"
    "from django.views import View\n"
    "from django.contrib.auth.decorators import login_required\n"
    "from django.contrib.auth.mixins import LoginRequiredMixin\n"
    "from django.utils.decorators import method_decorator\n"
    "from django.views.decorators.csrf import csrf_exempt\n"
    "from django.views.decorators.http import require_GET, require_POST\n\n"
)


def said(body: str, path: str = "shop/views.py") -> list[str]:
    text = HEAD + body
    config = Config(review=ReviewConfig(confidence="all"))
    report = check([(path, text.encode())], project_of({path: text}), config, [csrf_exempt.rule])
    assert not report.crashes
    assert not report.skipped
    return [each.confidence.value for each in report.findings]


def view(*lines: str, head: str = "@csrf_exempt\n", name: str = "pay") -> str:
    body = "".join(f"    {each}\n" for each in lines)
    return f"{head}def {name}(request):\n{body}    request.user.orders.create()\n"


@pytest.mark.parametrize(
    "body",
    [
        view(),
        view(head="@csrf_exempt\n@require_POST\n"),
        view(head="@login_required\n@csrf_exempt\n"),
        view(head="") + "urlpatterns = [path('x', csrf_exempt(pay))]\n",
        (
            "class Pay(View):\n    @method_decorator(csrf_exempt)\n"
            "    def dispatch(self, request):\n        return super().dispatch(request)\n"
            "    def post(self, request):\n        request.user.pay()\n"
        ),
        (
            "@method_decorator([csrf_exempt], name='dispatch')\nclass Pay(LoginRequiredMixin, View):\n"
            "    def post(self, request):\n        pay()\n"
        ),
    ],
)
def test_a_view_that_acts_for_the_user_of_the_session_is_proven(body: str) -> None:
    assert said(body) == ["proven"]


@pytest.mark.parametrize(
    "body",
    [
        view("if not hmac.compare_digest(a, b): raise ValueError"),
        view("stripe.Webhook.construct_event(request.body, a, b)"),
        view("check_signature(request)"),
        view("look(request)") + "def look(request):\n    request.headers['Authorization']\n",
        view("key = request.META.get('HTTP_X_API_KEY')"),
        view(head="@csrf_exempt\n@api_key_required\n"),
        view(head="@csrf_exempt\n@require_GET\n"),
        view(name="saml_consume"),
        view(name="stripe_webhook"),
        (
            "@method_decorator(csrf_exempt, name='dispatch')\nclass Pay(View):\n"
            "    def get(self, request):\n        request.user.pay()\n"
        ),
        (
            "@method_decorator(csrf_exempt, name='dispatch')\nclass Pay(TokenRequiredMixin, View):\n"
            "    def post(self, request):\n        request.user.pay()\n"
        ),
        "@csrf_exempt\ndef search(request):\n    return render(request, 'a.html', {'u': request.user})\n",
    ],
)
def test_signatures_tokens_and_reading_stand_in_for_the_check(body: str) -> None:
    assert said(body) == []


def test_a_view_that_nobody_guards_and_no_cookie_speaks_for_is_a_hotspot() -> None:
    assert said("@csrf_exempt\ndef vote(request):\n    Vote(request.POST['v']).save()\n") == [
        "hotspot"
    ]


@pytest.mark.parametrize(
    ("path", "body", "count"),
    [
        ("shop/config.py", "class Config:\n    WTF_CSRF_ENABLED = False\n", 1),
        ("shop/app.py", "app.config['WTF_CSRF_ENABLED'] = False\n", 1),
        ("shop/config.py", "class TestConfig:\n    WTF_CSRF_ENABLED = False\n", 0),
        ("shop/config.py", "if TESTING:\n    WTF_CSRF_ENABLED = False\n", 0),
        ("config/dev.py", "WTF_CSRF_ENABLED = False\n", 0),
        ("shop/config.py", "WTF_CSRF_ENABLED = True\n", 0),
    ],
)
def test_the_switch_of_flask_is_for_tests_alone(path: str, body: str, count: int) -> None:
    assert len(said(body, path)) == count
