"""What the index of Django models knows of relations, in both directions."""

from __future__ import annotations

import pytest
from trees import project_of

from rules.facts.django_models import Models

HEAD = "from django.db import models\n\n"


def models_of(files: dict[str, str]) -> Models:
    found = project_of(files).facts(Models)
    assert isinstance(found, Models)
    return found


SHOP = {
    "shop/__init__.py": "from shop.base import Named\n",
    "shop/base.py": HEAD
    + """
class Named(models.Model):
    owner = models.ForeignKey("shop.Owner", models.CASCADE, related_name="%(class)s_items")

    class Meta:
        abstract = True
""",
    "shop/models.py": HEAD
    + """
from shop import Named
from django.conf import settings

class Owner(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE)

class Book(Named):
    shelf = models.ForeignKey("Shelf", models.CASCADE)
    tags = models.ManyToManyField("Tag", related_name="+")
    sequel = models.OneToOneField("self", models.CASCADE, related_name="prequel")

class Shelf(Named):
    owner = None

class Tag(models.Model):
    pass

class Comic(Book):
    pass

class Cheap(Book):
    class Meta:
        proxy = True
""",
    "people/__init__.py": "",
    "people/models.py": HEAD + "class Person(models.Model):\n    pass\n",
    "site/settings.py": "AUTH_USER_MODEL = 'people.Person'\n",
}


@pytest.mark.parametrize(
    ("model", "name", "target", "many"),
    [
        ("shop.models.Book", "owner", "shop.models.Owner", False),
        ("shop.models.Owner", "book_items", "shop.models.Book", True),
        ("shop.models.Shelf", "book_set", "shop.models.Book", True),
        ("shop.models.Book", "tags", "shop.models.Tag", True),
        ("shop.models.Book", "prequel", "shop.models.Book", False),
        ("people.models.Person", "owner", "shop.models.Owner", False),
        ("shop.models.Comic", "shelf", "shop.models.Shelf", False),
        ("shop.models.Book", "comic", "shop.models.Comic", False),
        ("shop.models.Cheap", "shelf", "shop.models.Shelf", False),
    ],
)
def test_relations_are_known_from_both_sides(
    model: str, name: str, target: str, *, many: bool
) -> None:
    relation = models_of(SHOP).relation(model, name)
    assert relation is not None
    assert (relation.target, relation.many) == (target, many)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("shop.models.Tag", "book_set"),
        ("shop.models.Shelf", "owner"),
        ("shop.models.Book", "cheap"),
        ("shop.models.Book", "owner_id"),
    ],
)
def test_what_is_hidden_or_taken_away_is_no_relation(model: str, name: str) -> None:
    assert models_of(SHOP).relation(model, name) is None


def test_a_form_or_a_plain_class_is_no_model() -> None:
    files = {
        "shop/forms.py": "from django import forms\n\nclass F(forms.Form):\n    a = forms.CharField()\n",
        "shop/schema.py": "from pydantic import BaseModel, Field\n\nclass S(BaseModel):\n    a: int = Field(1)\n",
    }
    assert models_of(files).by_key == {}


def test_a_base_from_a_library_leaves_the_model_open() -> None:
    code = (
        HEAD
        + "from mptt.models import MPTTModel\n\nclass A(MPTTModel):\n    a = models.TextField()\n"
    )
    assert models_of({"shop/models.py": code}).by_key["models.A"].open
