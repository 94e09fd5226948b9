"""Subjects that are found in Python files: routes, models, settings, migration steps, tests."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TypeVar

import libcst as cst
from trees import project_of

from rules.facts import migrations
from rules.facts.collected_tests import TestFunction
from rules.facts.migration_operation import MigrationOperation
from rules.facts.model_class import ModelClass
from rules.facts.python_modules import module_name
from rules.facts.route import Route
from rules.facts.settings_module import SettingsModule
from rules.facts.settings_modules import Stage
from rules.kit import DerivedSubject, Here, Source

D = TypeVar("D", bound=DerivedSubject)


def found(kind: type[D], path: str, files: Mapping[str, str]) -> list[D]:
    project = project_of(files)
    module = cst.parse_module(files[path])
    return list(
        kind.found_in(module, Here(path, project, module, module_name(path, project.paths)))
    )


def routes(text: str) -> list[tuple[str, str | None, set[str], str, str]]:
    every = found(Route, "shop/urls.py", {"shop/__init__.py": "", "shop/urls.py": text})
    return [(e.framework, e.path, set(e.methods), e.name, e.target) for e in every]


def test_routes_of_django_lead_to_the_view_that_is_wrapped() -> None:
    text = """
from django.urls import include, path, re_path
from django.contrib import admin
from rest_framework.routers import DefaultRouter
from . import views

router = DefaultRouter()
router.register("orders", views.OrderViewSet, basename="order")
urlpatterns = [
    path("a/<int:pk>/", views.detail, name="detail"),
    path("b/", login_required(views.B.as_view(size=1))),
    re_path(r"^c/$", view=views.c),
    path("d/", include("shop.more")),
    path("admin/", admin.site.urls),
] + router.urls
"""
    assert routes(text) == [
        ("drf", "orders", set(), "order", "shop.views.OrderViewSet"),
        ("django", "a/<int:pk>/", set(), "detail", "shop.views.detail"),
        ("django", "b/", set(), "", "shop.views.B"),
        ("django", "^c/$", set(), "", "shop.views.c"),
        ("django", "d/", set(), "", "django.urls.include"),
        ("django", "admin/", set(), "", "django.contrib.admin.site.urls"),
    ]
    every = found(Route, "shop/urls.py", {"shop/urls.py": text})
    assert [each.includes for each in every] == [False, False, False, False, True, True]


def test_what_has_the_names_of_routes_and_is_none() -> None:
    text = """
from os import path
from django.contrib import admin

admin.site.register(Order, OrderAdmin)
path("a", b)
signals.register("x", handler)
{}.get("/x")
app.add_route()

@cache.get("nope")
def view(): ...

@property
def get(self): ...
"""
    assert routes(text) == []


def test_routes_of_flask_fastapi_and_starlette() -> None:
    text = """
from fastapi import APIRouter
from flask import Flask
from starlette.routing import Route
from .factory import api

app = Flask(__name__)
router = APIRouter(prefix="/x")

@app.route("/a", methods=["POST"], endpoint="first")
def a(): ...

@router.get("/b", name="second")
async def b(): ...

@api.api_route(path="/c", methods=["GET", "PUT"])
def c(): ...

app.add_url_rule("/d", "fourth", a, methods=["GET"])
app.add_url_rule(RULE, view_func=elsewhere)
router.add_api_route("/e", c, methods=["PUT"])
Route("/f", endpoint=b, methods=["GET"], name="sixth")
"""
    assert routes(text) == [
        ("flask", "/a", {"post"}, "first", "shop.urls.a"),
        ("fastapi", "/b", {"get"}, "second", "shop.urls.b"),
        ("", "/c", {"get", "put"}, "", "shop.urls.c"),
        ("flask", "/d", {"get"}, "fourth", "shop.urls.a"),
        ("flask", None, set(), "", ""),
        ("fastapi", "/e", {"put"}, "", "shop.urls.c"),
        ("starlette", "/f", {"get"}, "sixth", "shop.urls.b"),
    ]
    every = found(Route, "shop/urls.py", {"shop/urls.py": text})
    handlers = [each.handler for each in every]
    assert isinstance(handlers[3], cst.FunctionDef)
    assert handlers[0] is handlers[3]


def models(text: str) -> list[tuple[str, str, list[str]]]:
    files = {"shop/__init__.py": "", "shop/models.py": text}
    every = found(ModelClass, "shop/models.py", files)
    return [(each.framework, each.name, list(each.fields)) for each in every]


def test_models_have_the_fields_that_they_declare() -> None:
    text = """
from django.db import models

class Base(models.Model):
    created = models.DateTimeField()

    class Meta:
        abstract = True

class Order(Base):
    total = models.IntegerField()
    LIMIT = 3

class Row(Mapped_base):
    __tablename__ = "row"
    id: Mapped[int] = mapped_column(primary_key=True)
    lines = relationship("Line")

class Total(dict):
    total = models_of(1)

class Form(forms.Form):
    total = forms.IntegerField()
"""
    assert models(text) == [
        ("django", "shop.models.Base", ["created"]),
        ("django", "shop.models.Order", ["total"]),
        ("sqlalchemy", "shop.models.Row", ["id"]),
    ]


def operations(path: str, text: str) -> list[tuple[str, str, str, str, str]]:
    files = {"shop/__init__.py": "", "shop/models.py": "", path: text}
    every = found(MigrationOperation, path, files)
    return [(e.name, e.model, e.field, e.direction, e.part) for e in every]


def test_operations_of_django_are_found_in_lists_put_together() -> None:
    text = """
from django.db import migrations, models

more = [migrations.RunPython(forward, migrations.RunPython.noop)]

class Migration(migrations.Migration):
    operations = [
        migrations.AddField("Order", "total", models.IntegerField(null=True)),
        migrations.RenameField(model_name="order", old_name="a", new_name="b"),
        migrations.CreateModel(name="Line", fields=[]),
        migrations.RemoveIndex("order", "order_total_ix"),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("Old")]),
        *more,
    ] + more
"""
    assert operations("shop/migrations/0001_first.py", text) == [
        ("AddField", "Order", "total", "forward", "both"),
        ("RenameField", "order", "a", "forward", "both"),
        ("CreateModel", "Line", "", "forward", "both"),
        ("RemoveIndex", "order", "", "forward", "both"),
        ("SeparateDatabaseAndState", "", "", "forward", "both"),
        ("DeleteModel", "Old", "", "forward", "state"),
        ("RunPython", "", "", "forward", "both"),
    ]
    every = found(MigrationOperation, "m/migrations/0001.py", {"m/migrations/0001.py": text})
    assert set(every[0].arguments) == {"model_name", "name", "field"}


def test_lists_of_operations_made_of_one_another_end() -> None:
    bomb = "a = []\n" + "".join(
        f"{new} = [{f'*{old}, ' * 50}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
    )
    text = f"""
{bomb}
class Migration(migrations.Migration):
    operations = [*operations, *operations, *h]
"""
    assert operations("shop/migrations/0002_x.py", text) == []
    record = migrations.extract(Source(text, ast.parse(text)))
    assert record is not None
    assert not record.understood


def test_operations_of_alembic_know_their_table_and_direction() -> None:
    text = """
from alembic import op
import sqlalchemy as sa

def upgrade():
    op.add_column("orders", sa.Column("total", sa.Integer(), nullable=False))
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_column("name")
    with op.batch_alter_table("lines") as batch_op:
        batch_op.create_index(batch_op.f("ix"), ["x"])
    link()
    bind = op.get_bind()
    bind.execute("x")

def link():
    op.create_foreign_key("fk", "a", "b", ["x"], ["id"])
    link()

def unused():
    op.drop_table("kept")

def downgrade():
    op.drop_table("orders")
"""
    assert operations("alembic/versions/1_x.py", text) == [
        ("add_column", "orders", "total", "forward", "both"),
        ("drop_column", "users", "name", "forward", "both"),
        ("create_index", "lines", "", "forward", "both"),
        ("create_foreign_key", "a", "", "forward", "both"),
        ("drop_table", "orders", "", "backward", "both"),
    ]


SETTINGS = """
INSTALLED_APPS = ["shop"]
ROOT_URLCONF = "shop.urls"
DEBUG = False
if BIG:
    DEBUG = True
else:
    INSTALLED_APPS += ["more"]

class LocalConfig:
    DEBUG: bool = True

def load():
    SECRET_KEY = 1
"""


def test_a_settings_module_has_what_it_assigns() -> None:
    files = {
        "shop/settings/base.py": SETTINGS,
        "shop/settings/production.py": "from .base import *",
    }
    (module,) = found(SettingsModule, "shop/settings/base.py", files)
    assert (module.framework, module.stage) == ("django", Stage.BASE)
    told = {name: [(e.always, e.adds) for e in each] for name, each in module.assignments.items()}
    assert told == {
        "INSTALLED_APPS": [(True, False), (False, True)],
        "ROOT_URLCONF": [(True, False)],
        "DEBUG": [(True, False), (False, False)],
    }
    last = module.last("DEBUG")
    assert last is not None
    assert isinstance(last.value, cst.Name)
    assert last.value.value == "False"
    assert [(each.stage, list(each.assignments)) for each in module.classes] == [
        (Stage.LOCAL, ["DEBUG"])
    ]
    assert module.serves_production
    assert not module.is_overridden("DEBUG")


def test_a_module_with_constants_is_no_settings_module() -> None:
    assert found(SettingsModule, "shop/prices.py", {"shop/prices.py": "LIMIT = 3\n"}) == []


def test_tests_are_what_a_runner_collects() -> None:
    text = """
import unittest
import pytest
from unittest import mock

def test_a(db, client, size=1): ...

@pytest.mark.parametrize("a,b", [])
@pytest.mark.parametrize(["c"], [])
@mock.patch("x.y")
@mock.patch.object(X, "z", new=3)
async def test_b(patched, a, b, c, rf, *, kw): ...

@pytest.fixture
def test_client(): ...

class TestA:
    def test_c(self, db):
        def test_inner(): ...

    class TestB:
        def test_d(self): ...

    def helper(self): ...

class Orders(unittest.TestCase):
    def test_e(self): ...

class Plain:
    def test_f(self): ...

if BIG:
    def test_g(): ...
"""
    every = found(TestFunction, "tests/test_x.py", {"tests/test_x.py": text})
    assert [(each.name, each.framework, each.fixtures) for each in every] == [
        ("test_a", "pytest", ("db", "client")),
        ("test_b", "pytest", ("rf", "kw")),
        ("test_c", "pytest", ("db",)),
        ("test_d", "pytest", ()),
        ("test_e", "unittest", ()),
        ("test_g", "pytest", ()),
    ]


def test_files_that_runners_pass_over_hold_no_tests() -> None:
    assert TestFunction.lives_in("shop/tests.py")
    assert not TestFunction.lives_in("tests/conftest.py")
    assert not TestFunction.lives_in("shop/latest.py")


def test_odd_code_holds_no_subjects_and_breaks_none() -> None:
    text = """
path(); re_path(*a); register(**k); app.add_url_rule(*a, **k)
operations = operations
class Migration: operations = 3
class TestX(*bases, metaclass=M): test_y = 1
class M(Model[int]): a: b
with a as op: op.drop_table()
@app.get()
@app.route(**k)
@app.get(f"{x}")
def f(*, a): ...
def upgrade(): upgrade(); op[0].x(); op().y()
"""
    kinds: tuple[type[DerivedSubject], ...]
    kinds = (Route, ModelClass, SettingsModule, MigrationOperation, TestFunction)
    for kind in kinds:
        for each in found(kind, "x/migrations/test_x.py", {"x/migrations/test_x.py": text}):
            assert isinstance(each, Route)
            assert each.path is None
