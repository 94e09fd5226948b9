"""Verdicts of `makemigrations --check` (Django 5.2) on small edits, which the rule must share."""

from __future__ import annotations

import pytest
from trees import project_of, snapshot_of

from rules.checklist.migrations import missing_migration
from rules.engine.config import Config
from rules.engine.run import check, review

HEAD = "from django.db import models\nfrom django.utils.translation import gettext_lazy as _\n"
BASE = """

class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    class Status(models.TextChoices):
        DRAFT = "d", "Draft"
        SOLD = "s", "Sold"

    title = models.CharField(max_length=50)
    status = models.CharField(max_length=1, choices=Status.choices, default=Status.DRAFT)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["title"]
"""
# What Django 5.2 wrote for BASE.
INITIAL = """
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Author",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=50)),
            ],
        ),
        migrations.CreateModel(
            name="Book",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=50)),
                ("status", models.CharField(choices=[("d", "Draft"), ("s", "Sold")], default="d", max_length=1)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("author", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="books", to="shop.author")),
            ],
            options={"ordering": ["title"]},
        ),
    ]
"""
TITLE = "title = models.CharField(max_length=50)"
CREATED = "    created = models.DateTimeField(auto_now_add=True)\n"
ORDERING = 'ordering = ["title"]'
BOOK = "class Book(models.Model)"
STAMP = """class Stamp(models.Model):
    {field}

    class Meta:
        abstract = True


class Book(Stamp)"""
# Each edit replaces the first text by the second; an empty one appends.
VERDICTS = [
    ("nothing changes", "", "", False),
    ("a method is added", "", "\n    def __str__(self):\n        return self.title\n", False),
    ("a manager is added", CREATED, CREATED + "    objects = models.Manager()\n", False),
    ("help_text is added", TITLE, TITLE[:-1] + ', help_text="h")', True),
    ("a label is given", TITLE, 'title = models.CharField(_("Title"), max_length=50)', True),
    ("defaults are spelled out", TITLE, TITLE[:-1] + ", null=False, db_index=False)", False),
    ("a choice is added", '"Sold"\n', '"Sold"\n        LOST = "l", "Lost"\n', True),
    ("choices are listed", "Status.choices", '(("d", "Draft"), ("s", "Sold"))', False),
    ("the default is written out", "=Status.DRAFT", '="d"', False),
    ("the default changes", "=Status.DRAFT", "=Status.SOLD", True),
    ("a length is computed", TITLE, TITLE.replace("50", "5 * 10"), False),
    ("a length changes", TITLE, TITLE.replace("50", "60"), True),
    ("a type changes", TITLE, TITLE.replace("CharField", "SlugField"), True),
    ("a field is removed", CREATED, "", True),
    ("a field is added", CREATED, CREATED + "    pages = models.IntegerField(default=0)\n", True),
    ("a field is renamed", "    created =", "    made =", True),
    ("related_name changes", '="books"', '="works"', True),
    ("on_delete changes", "models.CASCADE", "models.PROTECT", True),
    (
        "the target is a text",
        "models.ForeignKey(Author,",
        'models.ForeignKey("shop.Author",',
        False,
    ),
    (
        "the target is a bare text",
        "models.ForeignKey(Author,",
        'models.ForeignKey("Author",',
        False,
    ),
    ("ordering changes", ORDERING, 'ordering = ["-title"]', True),
    ("the model is labelled", ORDERING, ORDERING + '\n        verbose_name = "book"', True),
    (
        "an index is added",
        ORDERING,
        ORDERING + '\n        indexes = [models.Index(fields=["title"], name="title_idx")]',
        True,
    ),
    (
        "a constraint is added",
        ORDERING,
        ORDERING
        + '\n        constraints = [models.UniqueConstraint(fields=["title"], name="one")]',
        True,
    ),
    (
        "unique_together is added",
        ORDERING,
        ORDERING + '\n        unique_together = ("title", "author")',
        True,
    ),
    ("db_table is added", ORDERING, ORDERING + '\n        db_table = "books"', True),
    ("managed is spelled out", ORDERING, ORDERING + "\n        managed = True", True),
    ("a stamp is not editable", "now_add=True", "now_add=True, editable=False, blank=True", False),
    ("a foreign key is indexed", '="books"', '="books", db_index=True, null=False', False),
    ("a proxy is added", "", "\nclass Cheap(Book):\n    class Meta:\n        proxy = True\n", True),
    (
        "an unmanaged model is added",
        "",
        "\nclass View(models.Model):\n    class Meta:\n        managed = False\n",
        True,
    ),
    (
        "an abstract model is added",
        "",
        "\nclass Stamp(models.Model):\n    class Meta:\n        abstract = True\n",
        False,
    ),
    ("a model is added", "", "\nclass Shelf(models.Model):\n    pass\n", True),
    ("a child table is added", "", "\nclass Comic(Book):\n    pass\n", True),
    (
        "an abstract base brings a field",
        BOOK,
        STAMP.format(field="at = models.DateTimeField(null=True)"),
        True,
    ),
    (
        "a field moves to an abstract base",
        CREATED,
        "@" + STAMP.format(field=CREATED.strip()),
        False,
    ),
]


def tree(models: str) -> dict[str, str]:
    return {
        "shop/__init__.py": "",
        "shop/migrations/__init__.py": "",
        "shop/migrations/0001_initial.py": INITIAL,
        "shop/models.py": HEAD + models,
    }


def edited(old: str, new: str) -> str:
    if new.startswith("@"):
        return BASE.replace(old, "").replace(BOOK, new[1:])
    return BASE.replace(old, new, 1) if old else BASE + new


def findings(files: dict[str, str]) -> list[str]:
    given = [(path, text.encode()) for path, text in files.items()]
    report = check(given, project_of(files), Config(), [missing_migration.rule])
    assert report.crashes == ()
    return [each.message for each in report.findings]


@pytest.mark.parametrize(
    ("old", "new", "verdict"), [pytest.param(*v[1:], id=v[0]) for v in VERDICTS]
)
def test_a_model_that_django_would_migrate_is_flagged(old: str, new: str, *, verdict: bool) -> None:
    assert bool(findings(tree(edited(old, new)))) is verdict


def test_a_list_that_becomes_a_tuple_is_not_worth_a_word() -> None:
    """Django would write a migration, with no effect on any database."""
    assert findings(tree(BASE.replace(ORDERING, 'ordering = ("title",)'))) == []


def test_an_app_without_migrations_is_left_alone() -> None:
    files = tree(edited(TITLE, TITLE.replace("50", "60")))
    assert findings({p: t for p, t in files.items() if "/migrations/" not in p}) == []


def test_an_operation_that_cannot_be_read_silences_the_app() -> None:
    files = tree(edited(TITLE, TITLE.replace("50", "60")))
    files["shop/migrations/0002_own.py"] = INITIAL.replace("migrations.CreateModel(", "Mystery(")
    assert findings(files) == []


def test_operations_follow_dependencies_and_renames() -> None:
    files = tree(BASE.replace("title", "name").replace(BOOK, "class Volume(models.Model)"))
    files["shop/migrations/0003_a.py"] = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("shop", "0009_first")]
    operations = [migrations.RenameModel("Book", "Volume"), migrations.AlterModelOptions("Volume", {"ordering": ["name"]})]
"""
    files["shop/migrations/0009_first.py"] = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RenameField("Book", "title", "name")]
"""
    assert findings(files) == []


def test_a_change_is_told_only_what_it_introduces() -> None:
    before = tree(edited(TITLE, TITLE.replace("50", "60")))
    after = tree(edited(TITLE, TITLE.replace("50", "60")).replace(CREATED, ""))
    report = review(snapshot_of(before, after), Config(), [missing_migration.rule])
    assert [each.message.partition(" (")[0] for each in report.findings] == [
        "The migrations of `shop` do not know that the field `created` is gone"
    ]
