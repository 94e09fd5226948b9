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
    (
        "choices are computed from a list",
        "Status.choices",
        '[(key[0], key.title()) for key in ["draft", "sold"]]',
        False,
    ),
    (
        "one computed choice more",
        "Status.choices",
        '[(key[0], key.title()) for key in ["draft", "sold", "lost"]]',
        True,
    ),
    (
        "choices are computed from pairs",
        "Status.choices",
        '[(k, v.capitalize()) for k, v in (("d", "draft"), ("s", "sold"))]',
        False,
    ),
    (
        "choices are computed from members",
        "Status.choices",
        "[(each.value, each.name.title()) for each in Status]",
        False,
    ),
    (
        "choices are other texts of members",
        "Status.choices",
        "[(each.value, each.name) for each in Status]",
        True,
    ),
    (
        "a field has a type in brackets",
        "models.CharField(max_length=50)\n    status",
        "models.CharField[str, str](max_length=50)\n    status",
        False,
    ),
    ("two differences of one field", TITLE, "title = models.TextField(blank=True)", True),
    ("a model is deleted", "class Book(", "class Volume(", True),
    ("null is allowed", "now_add=True)", "now_add=True, null=True)", True),
    ("a field may be left blank", TITLE, TITLE[:-1] + ", blank=True)", True),
    ("a default that is called", TITLE, TITLE[:-1] + ", default=str)", True),
    (
        "a relation to itself",
        CREATED,
        CREATED + '    after = models.ForeignKey("self", models.CASCADE)\n',
        True,
    ),
    (
        "one author becomes many",
        'models.ForeignKey(Author, models.CASCADE, related_name="books")',
        'models.ManyToManyField(Author, related_name="books")',
        True,
    ),
    (
        "a property is added",
        "",
        "\n    @property\n    def short(self):\n        return self.title[:5]\n",
        False,
    ),
    ("a constant is added", CREATED, CREATED + "    LIMIT = 5\n", False),
    ("abstract is said to be false", ORDERING, ORDERING + "\n        abstract = False", False),
    ("the table is named as it was", ORDERING, ORDERING + '\n        db_table = "shop_book"', True),
    ("get_latest_by comes", ORDERING, ORDERING + '\n        get_latest_by = "created"', True),
    ("permissions come", ORDERING, ORDERING + '\n        permissions = [("sell", "Sell")]', True),
    ("app_label is spelled out", ORDERING, ORDERING + '\n        app_label = "shop"', False),
    (
        "default_related_name comes",
        ORDERING,
        ORDERING + '\n        default_related_name = "volumes"',
        True,
    ),
    ("an empty list of indexes", ORDERING, ORDERING + "\n        indexes = []", False),
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


INSTALLED = 'INSTALLED_APPS = ["django.contrib.auth", "{}"]\n'
NEWS = {"news/models.py": HEAD + "\n\nclass Note(models.Model):\n    pass\n"}


@pytest.mark.parametrize(("app", "count"), [("news", 1), ("news.apps.NewsConfig", 1), ("views", 0)])
def test_an_installed_app_needs_migrations_as_the_others_do(app: str, count: int) -> None:
    files = {**tree(BASE), **NEWS, "site/settings.py": INSTALLED.format(app)}
    assert len(findings(files)) == count


def test_an_app_may_have_its_migrations_switched_off() -> None:
    settings = INSTALLED.format("news") + 'MIGRATION_MODULES = {"news": None}\n'
    assert findings({**tree(BASE), **NEWS, "site/settings.py": settings}) == []


def test_bases_of_libraries_may_bring_the_field_that_seems_gone() -> None:
    models = BASE.replace(CREATED, "").replace(BOOK, "class Book(Soft, models.Model)")
    assert findings(tree("from softdelete.rows import Soft\n" + models)) == []


@pytest.mark.parametrize(
    ("field", "verdict"),
    [
        ("HStoreField(blank=True, default=dict)", False),
        ("HStoreField(default=dict)", True),
        ("HStoreField(blank=True, default=dict, null=True)", True),
    ],
)
def test_fields_of_postgres_are_compared(field: str, *, verdict: bool) -> None:
    files = tree(BASE.replace(CREATED, f"{CREATED}    data = {field}\n"))
    files["shop/models.py"] = (
        "from django.contrib.postgres.fields import HStoreField\n" + files["shop/models.py"]
    )
    files["shop/migrations/0002_data.py"] = """
import django.contrib.postgres.fields.hstore
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AddField("book", "data", django.contrib.postgres.fields.hstore.HStoreField(blank=True, default=dict)),
    ]
"""
    assert bool(findings(files)) is verdict


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
