"""A model says something that the migrations of its app do not know.

The database is built from the migrations alone. Without one, the new column is missing where
the code is deployed, tests on a migrated database fail, and the next person who runs
`makemigrations` gets your change as a surprise. Run `makemigrations` and commit what it writes.

Before:
```python shop/apps.py
from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"
```
```python shop/migrations/0001_initial.py
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Book",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=50)),
            ],
        ),
    ]
```
```python shop/models.py
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=50)
```
Bad:
```python shop/apps.py
from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"
```
```python shop/migrations/0001_initial.py
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Book",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=50)),
            ],
        ),
    ]
```
```python shop/models.py
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=80)  # flagged
    pages = models.IntegerField(default=0)  # flagged

    class Meta:
        ordering = ["title"]  # flagged
```
Good: the migration comes with the change.
```python shop/apps.py
from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"
```
```python shop/migrations/0001_initial.py
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Book",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=50)),
            ],
        ),
    ]
```
```python shop/migrations/0002_book_pages.py
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.AddField("Book", "pages", models.IntegerField(default=0))]
```
```python shop/models.py
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=50)
    pages = models.IntegerField(default=0)
```
Good: methods, managers and another spelling of the same change nothing.
```python shop/apps.py
from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"
```
```python shop/migrations/0001_initial.py
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Book",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=50)),
            ],
        ),
    ]
```
```python shop/models.py
from django.db import models

LENGTH = 5 * 10


class Book(models.Model):
    title = models.CharField(max_length=LENGTH, null=False, help_text="")
    objects = models.Manager()

    def __str__(self):
        return self.title
```
Before:
```python migrations/env.py
from alembic import context
```
```python migrations/versions/0001_books.py
revision = "0001"
```
```python store/tables.py
from sqlalchemy import Column, Integer


class Book(Base):
    __tablename__ = "book"
    id = Column(Integer, primary_key=True)
```
Bad: Alembic, seen in a change: no file of the versions comes with it.
```python migrations/env.py
from alembic import context
```
```python migrations/versions/0001_books.py
revision = "0001"
```
```python store/tables.py
from sqlalchemy import Column, Integer


class Book(Base):
    __tablename__ = "book"
    id = Column(Integer, primary_key=True)
    pages = Column(Integer)  # flagged
```
Good: a migration comes with the change.
```python migrations/env.py
from alembic import context
```
```python migrations/versions/0001_books.py
revision = "0001"
```
```python migrations/versions/0002_pages.py
revision = "0002"
```
```python store/tables.py
from sqlalchemy import Column, Integer


class Book(Base):
    __tablename__ = "book"
    id = Column(Integer, primary_key=True)
    pages = Column(Integer)
```
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from posixpath import dirname

from rules.facts.python_modules import MODULES
from rules.facts.schema_drift import SchemaDrift
from rules.facts.sqlalchemy import Table, tables
from rules.kit import Change, FileChange, Flag, Here, PythonFile, Rule, Severity, Span
from rules.kit.paths import is_migration, is_test

rule = Rule(
    __name__,
    __doc__,
    code="MIG101",
    severity=Severity.ERROR,
    checklist=(
        "django.migration-tracked",
        "database.schema-management",
        "scripts.migration-helper",
    ),
    scope="project",
)


@rule.on(PythonFile, words=("models", "Meta"))
def check_django(file: PythonFile, here: Here) -> Iterator[Flag]:
    drift: SchemaDrift = here.project.facts(SchemaDrift)
    for each in drift.by_path.get(file.path, ()):
        message = (
            f"The migrations of `{each.app}` do not know {each.what} (`{each.model}`): the "
            "database will not match the code. Run `makemigrations` and commit the result."
        )
        if each.what == "this model":
            message = message.replace("this model (`", "the model `").replace("`): ", "`: ", 1)
        elif not each.what:
            message = (
                f"The app `{each.app}` is installed and has no migrations, so `migrate` never makes "
                f"the table of `{each.model}`. Run `makemigrations {each.app}` and commit the result."
            )
        where = Span(each.line, 1, each.end_line, 1) if each.end_line > each.line else each.line
        yield Flag(where, message, identity=f"{each.model}: {each.what or 'no migrations'}")


@rule.on(Change)
def check_alembic(change: Change, here: Here) -> Iterator[Flag]:
    folders = _version_folders(change.after.paths)
    if not folders:
        return
    if any(dirname(each.path) in folders and each.status == "added" for each in change.files):
        return
    old, new = change.before.records(MODULES), change.after.records(MODULES)
    for each in change.files:
        if not each.path.endswith(".py") or is_test(each.path) or is_migration(each.path):
            continue
        if each.status not in ("modified", "renamed"):
            continue
        yield from _columns(each, tables(old.get(each.old_path)), tables(new.get(each.path)))


def _version_folders(paths: frozenset[str]) -> frozenset[str]:
    """The folders of Alembic's migrations: `versions` beside an `env.py`."""
    folders = {dirname(path) for path in paths if "versions/" in path and path.endswith(".py")}
    named = {each for each in folders if each.rpartition("/")[2] == "versions"}
    return frozenset(each for each in named if f"{dirname(each)}/env.py".lstrip("/") in paths)


def _columns(
    file: FileChange, before: Mapping[str, Table], after: Mapping[str, Table]
) -> Iterator[Flag]:
    for name, table in after.items():
        known = before.get(name)
        if known is None or known.bases != table.bases:
            continue  # columns may have moved between files or classes
        for column, mine in table.columns.items():
            theirs = known.columns.get(column)
            if theirs is None:
                yield _flag(file, mine.line, name, f"adds the column `{column}`")
            elif replace(theirs, line=mine.line) != mine:
                yield _flag(file, mine.line, name, f"alters the column `{column}`")
        for column in known.columns:
            if column not in table.columns:
                yield _flag(file, table.line, name, f"drops the column `{column}`")


def _flag(file: FileChange, line: int, table: str, what: str) -> Flag:
    message = (
        f"This change {what} of `{table}` and holds no new migration: the database will not "
        "match the code. Run `alembic revision --autogenerate` and commit what it writes."
    )
    return Flag(line, message, path=file.path, identity=f"{table}: {what}")
