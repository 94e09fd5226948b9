"""The analysis of queries: what it reaches, and that it comes to an end on whatever is written."""

from __future__ import annotations

import pytest
from trees import project_of

from rules.engine.config import Config, ReviewConfig
from rules.engine.discover import all_rules
from rules.engine.run import check
from rules.flow.orm.analysis import Missing, Orm, Repeated

MODELS = """
from django.db import models

class Author(models.Model):
    pass

class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
"""


def analysis(files: dict[str, str]) -> Orm:
    orm: Orm = project_of({"shop/__init__.py": "", "shop/models.py": MODELS} | files).facts(Orm)
    return orm


def test_values_that_double_end_as_unknown() -> None:
    doubling = "".join("    x = (x, x)\n    x = keep(x)\n" for _ in range(60))
    code = (
        f"from shop.models import Book\n\ndef keep(x):\n    return [x, x]\n\ndef f(x):\n{doubling}"
    )
    orm = analysis({"shop/views.py": code})
    assert orm.of("shop/views.py") == ()


def test_functions_that_call_one_another_with_what_they_got_come_to_an_end() -> None:
    functions = "".join(
        f"def f{n}(a, b):\n"
        + "".join(f"    a = [f{(n + k) % 30}((a, b), {{'k': a}}), b]\n" for k in range(1, 9))
        + "    return a\n\n"
        for n in range(30)
    )
    orm = analysis({"shop/views.py": f"from shop.models import Book\n\n{functions}"})
    assert orm.of("shop/views.py") == ()


@pytest.mark.parametrize("given", ["self", "Pages()"])
def test_iterators_are_gone_through_once(given: str) -> None:
    code = (
        "from shop.models import Book\n\n"
        "class Pages:\n"
        f"    def __iter__(self):\n        return {given}\n\n"
        "    def __next__(self):\n        return Book.objects.all()\n\n"
        "def f():\n    for page in Pages():\n        for book in page:\n            book.author\n"
    )
    orm = analysis({"shop/views.py": code})
    assert [each.path for each in orm.of("shop/views.py") if not isinstance(each, Repeated)] == [
        "author"
    ]
    assert orm.limits == []


def test_packages_that_lead_to_no_models_are_not_looked_at() -> None:
    loop = "def f(author):\n    for a in author:\n        for b in a.books.all():\n            b.author\n"
    orm = analysis(
        {
            "shop/views.py": loop,
            "till/__init__.py": "",
            "till/views.py": "from shop import models\n\n" + loop,
            "till/__main__.py": loop,
            "paint/__init__.py": "",
            "paint/views.py": loop,
            "loose/views.py": loop,
            "loose/near.py": "from ..shop.models import Book\n\n" + loop,
        }
    )
    looked_at = {path for path in orm.reach.root_of if orm.reach.holds(path)}
    assert looked_at == {
        "shop/__init__.py",
        "shop/models.py",
        "shop/views.py",
        "till/__init__.py",
        "till/views.py",
        "till/__main__.py",
        "loose/near.py",
    }


def test_what_a_call_leaves_out_is_what_the_function_says() -> None:
    code = (
        "from shop.models import Book\n\n"
        "def listed(loaded=True):\n"
        "    found = Book.objects.all()\n"
        '    if loaded:\n        found = found.select_related("author")\n'
        "    return found\n\n"
        "def f():\n    return [book.author for book in listed()]\n\n"
        "def g():\n    return [book.author for book in listed(loaded=False)]\n"
    )
    assert [each.entry for each in analysis({"shop/views.py": code}).of("shop/views.py")] == ["g"]


@pytest.mark.parametrize(("call", "asked"), [("get(key)", 0), ("get(pk=key)", 1)])
def test_what_may_be_a_mapping_is_no_query(call: str, asked: int) -> None:
    code = (
        "from shop.models import Book\n\n"
        f"def f(things, key):\n    for thing in things:\n        print(thing.books.{call})\n"
    )
    assert len(analysis({"shop/views.py": code}).of("shop/views.py")) == asked


def test_a_row_fetched_alone_is_not_told_of_a_loop_in_another_file() -> None:
    loop = (
        "from shop.models import Author\n\n"
        "def listed(author: Author):\n    return [b.author.books.count() for b in author.books.all()]\n"
    )
    one = (
        "from shop.models import Author\nfrom shop.lists import listed\n\n"
        "def f(key):\n    return listed(Author.objects.get(pk=key))\n"
    )
    files = {"shop/lists.py": loop, "shop/views.py": one}
    assert said_at(files) == {"shop/lists.py"}


def said_at(files: dict[str, str]) -> set[str]:
    """The files that rules on queries speak of, of whatever confidence."""
    whole = {"shop/__init__.py": "", "shop/models.py": MODELS} | files
    project = project_of(whole)
    rules = [each for each in all_rules() if each.code in ("DBQ101", "DBQ102")]
    config = Config(review=ReviewConfig(confidence="all"))
    texts = [(path, text.encode()) for path, text in whole.items()]
    return {each.path for each in check(texts, project, config, rules).findings}


@pytest.mark.parametrize(
    ("loop", "expected"),
    [
        ("for group in Group.objects.all():\n        group.user_set.all().delete()", []),
        ("for group in Group.objects.all():\n        list(group.user_set.all())", ["user_set"]),
        ("for user in Reader.objects.all():\n        list(user.groups.all())", ["groups"]),
        (
            'for user in Reader.objects.prefetch_related("groups"):\n        list(user.groups.all())',
            [],
        ),
        (
            "for one in Permission.objects.all():\n        one.content_type.model",
            ["content_type"],
        ),
    ],
)
def test_models_of_django_itself_are_known(loop: str, expected: list[str]) -> None:
    models = (
        "from django.contrib.auth.models import AbstractUser\nfrom django.db import models\n\n"
        "class Reader(AbstractUser):\n    bio = models.TextField()\n"
    )
    code = (
        "from django.contrib.auth.models import Group, Permission\n"
        f"from readers.models import Reader\n\ndef f():\n    {loop}\n"
    )
    files = {
        "readers/__init__.py": "",
        "readers/models.py": models,
        "readers/views.py": code,
        "site/settings.py": 'INSTALLED_APPS = ["readers"]\nAUTH_USER_MODEL = "readers.Reader"\n',
    }
    found = analysis(files).of("readers/views.py")
    assert [each.path for each in found if isinstance(each, Missing)] == expected


@pytest.mark.parametrize(
    ("narrowed", "path"), [("all()", "parcel_set__sender"), ("exclude(pk=1)", "sender")]
)
def test_rows_of_a_relation_of_two_models_know_whichever_they_came_from(
    narrowed: str, path: str
) -> None:
    files = {
        "shop/stock.py": (
            "from django.db import models\n\n"
            "class Shelf(models.Model):\n    pass\n\n"
            "class Crate(models.Model):\n    pass\n\n"
            "class Parcel(models.Model):\n"
            "    shelf = models.ForeignKey(Shelf, models.CASCADE)\n"
            "    crate = models.ForeignKey(Crate, models.CASCADE)\n"
            '    sender = models.ForeignKey("shop.Author", models.CASCADE, related_name="sent")\n'
        ),
        "shop/views.py": (
            f"def f(place):\n    for parcel in place.parcel_set.{narrowed}:\n"
            "        print(parcel.shelf.pk, parcel.crate.pk, parcel.sender.name)\n"
        ),
    }
    found = analysis(files).of("shop/views.py")
    assert [each.path for each in found if isinstance(each, Missing)] == [path]
