"""A new endpoint without a test is told once, where its function stands."""

from __future__ import annotations

import pytest
from trees import snapshot_of

from rules.checklist.testing import change_without_tests, untested_endpoint
from rules.engine.config import Config
from rules.engine.run import review

BODY = """    if key < 0:
        raise LookupError(key)
    total = 0
    for line in request.GET.getlist("line"):
        if line.isdigit():
            total += int(line)
        elif line == "free":
            total -= 1
    return {"total": total}
"""
INDEX = "def index(request):\n    return {}\n"
URLS = """from django.urls import path

from shop import views

urlpatterns = [
    path("", views.index, name="index"),
]
"""
API = "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get('/')\n" + INDEX
TEST = "from shop.{} import index\n\n\ndef test_index():\n    assert index(None) == {{}}\n"
ORDER = f"\n\ndef order(request, key):\n{BODY}"


def told(before: dict[str, str], after: dict[str, str]) -> list[tuple[str, str, int]]:
    rules = [change_without_tests.rule, untested_endpoint.rule]
    report = review(snapshot_of(before, before | after), Config(), rules)
    assert report.crashes == ()
    return [(each.code, each.path, each.span.line) for each in report.findings]


@pytest.mark.parametrize("is_new", [True, False])
def test_a_view_is_told_at_its_function_if_that_is_new(*, is_new: bool) -> None:
    before = {
        "shop/__init__.py": "",
        "shop/views.py": INDEX + ("" if is_new else ORDER),
        "shop/urls.py": URLS,
        "tests/test_views.py": TEST.format("views"),
    }
    routed = URLS.replace("]", '    path("order/<int:key>", views.order, name="order"),\n]')
    expected = ("TST102", "shop/views.py", 5) if is_new else ("TST102", "shop/urls.py", 7)
    after = {"shop/views.py": INDEX + ORDER, "shop/urls.py": routed}
    assert told(before, after) == [expected]


def test_a_route_is_not_told_again_as_a_change_without_tests() -> None:
    before = {
        "shop/__init__.py": "",
        "shop/api.py": API,
        "tests/test_api.py": TEST.format("api"),
    }
    route = ORDER.replace("def order", '@app.get("/order/{key}")\ndef order')
    assert told(before, {"shop/api.py": API + route}) == [("TST102", "shop/api.py", 12)]


def test_a_function_that_answers_nobody_is_a_change_without_tests() -> None:
    before = {
        "shop/__init__.py": "",
        "shop/api.py": API,
        "tests/test_api.py": TEST.format("api"),
    }
    assert told(before, {"shop/api.py": API + ORDER}) == [("TST101", "shop/api.py", 11)]
