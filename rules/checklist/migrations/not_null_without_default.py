"""A column is added NOT NULL, and nothing says what the rows that are there shall hold.

On a table with rows the database refuses, so the deployment stops in the middle. Give the
column a default for old rows, or let it be NULL, fill it, and forbid NULL in a later migration.

Bad:
```python shop/migrations/0002_book_pages.py
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AddField("book", "pages", models.IntegerField()),  # flagged
    ]
```
Good:
```python shop/migrations/0002_book_pages.py
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AddField("book", "pages", models.IntegerField(default=0), preserve_default=False),
    ]
```
Bad: in Alembic a `default=` of the column is for Python only.
```python alembic/versions/0002_pages.py
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.add_column("book", sa.Column("pages", sa.Integer(), nullable=False))  # flagged
    with op.batch_alter_table("author") as batch:
        batch.add_column(sa.Column("born", sa.Date(), nullable=False, default=None))  # flagged


def downgrade():
    op.drop_column("book", "pages")
```
Good: NULL, a default, texts that may be blank, dates that fill themselves, new tables.
```python shop/migrations/0002_more.py
import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.CreateModel("Author", [("id", models.AutoField(primary_key=True))]),
        migrations.AddField("author", "born", models.DateField()),
        migrations.AddField("book", "pages", models.IntegerField(null=True)),
        migrations.AddField("book", "price", models.IntegerField(db_default=0)),
        migrations.AddField("book", "sold", models.BooleanField(default=False)),
        migrations.AddField("book", "blurb", models.TextField(blank=True)),
        migrations.AddField("book", "changed", models.DateTimeField(auto_now=True)),
        migrations.AddField("book", "tags", models.ManyToManyField("shop.Tag")),
        migrations.AddField(
            "book", "key", models.UUIDField(default=uuid.uuid4), preserve_default=False
        ),
    ]
```
Good: the database fills the column, or there are no rows.
```python alembic/versions/0002_more.py
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.add_column("book", sa.Column("pages", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("book", sa.Column("price", sa.Integer()))
    op.add_column("book", sa.Column("total", sa.Integer(), sa.Computed("1"), nullable=False))
    op.create_table("author", sa.Column("id", sa.Integer(), nullable=False))
    op.add_column("author", sa.Column("born", sa.Date(), nullable=False))
    op.execute("DELETE FROM visit")
    op.add_column("visit", sa.Column("at", sa.DateTime(), nullable=False))


def downgrade():
    op.add_column("book", sa.Column("old", sa.Integer(), nullable=False))
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.migration_file import steps, touches_rows
from rules.facts.migration_operation import MigrationOperation
from rules.kit import (
    Fix,
    Flag,
    Here,
    Replace,
    Rule,
    Severity,
    has_star_kwargs,
    keyword,
    with_keyword,
)

rule = Rule(
    __name__,
    __doc__,
    code="MIG102",
    severity=Severity.ERROR,
    checklist=("django.migration-safety", "database.migration-performance"),
    scope="file",
    fix="suggestion",
)

_NUMBERS = frozenset(
    {"IntegerField", "BigIntegerField", "SmallIntegerField", "PositiveIntegerField", "FloatField"}
    | {"PositiveSmallIntegerField", "PositiveBigIntegerField", "DecimalField", "DurationField"}
)
_TEXTS = frozenset({"CharField", "TextField", "SlugField", "URLField", "EmailField", "FileField"})
_OTHERS = frozenset(
    {"BooleanField", "DateField", "DateTimeField", "TimeField", "UUIDField", "JSONField"}
    | {"ForeignKey", "OneToOneField", "GenericIPAddressField", "BinaryField", "ImageField"}
)
_BLANK = _TEXTS | {"ImageField", "BinaryField", "FilePathField"}
_FILLED = ("auto_now", "auto_now_add", "null")
_COLUMN_FILLED = ("server_default", "autoincrement", "primary_key")
_MADE = frozenset({"Computed", "Identity", "FetchedValue", "Sequence"})


@rule.on(MigrationOperation)
def check(step: MigrationOperation, here: Here) -> Iterator[Flag]:
    if step.name not in ("AddField", "add_column") or not touches_rows(step, here):
        return
    given = step.arguments.get("field" if step.framework == "django" else "column")
    column = here.value_of(given) if given is not None else None
    if not isinstance(column, cst.Call) or has_star_kwargs(column):
        return
    lacks = _lacks_default(column, here) if step.framework == "django" else _is_bare(column, here)
    if not lacks or _is_emptied(step, here):
        return
    message = (
        f"`{step.field or 'This column'}` is added to `{step.model}` NOT NULL and without a default: "
        "on a table with rows the migration fails. Give old rows a value, or allow NULL first and "
        "forbid it in a later migration."
    )
    yield Flag(step.node, message, fix=_fix(step, column, here))


def _lacks_default(field: cst.Call, here: Here) -> bool:
    """Whether Django has nothing to put into the rows that exist."""
    name = _kind(field, here)
    if name not in _NUMBERS | _TEXTS | _OTHERS:
        return False
    if keyword(field, "default") or keyword(field, "db_default"):
        return False
    if any(_says(field, each) for each in _FILLED):
        return False
    return not (name in _BLANK and _says(field, "blank"))


def _says(call: cst.Call, name: str) -> bool:
    value = keyword(call, name)
    return value is not None and not (isinstance(value, cst.Name) and value.value == "False")


def _kind(field: cst.Call, here: Here) -> str:
    full = here.name(field.func)
    is_django = full.startswith(("django.db.models.", "django.contrib.gis.db.models."))
    return full.rpartition(".")[2] if is_django else ""


def _is_bare(column: cst.Call, here: Here) -> bool:
    """Whether a column of SQLAlchemy forbids NULL and gets no value from the database."""
    nullable = keyword(column, "nullable")
    if not (isinstance(nullable, cst.Name) and nullable.value == "False"):
        return False
    if any(_says(column, each) for each in _COLUMN_FILLED):
        return False
    inner = (each.value for each in column.args if isinstance(each.value, cst.Call))
    return not any(here.name(each.func).rpartition(".")[2] in _MADE for each in inner)


def _is_emptied(step: MigrationOperation, here: Here) -> bool:
    """Whether the migration deletes the rows of the table."""
    form = re.compile(rf"(?i)\b(delete\s+from|truncate)\b[^;]*\b{re.escape(step.model)}\b")
    return any(
        each.name in ("execute", "RunSQL") and form.search(here.source(each.node))
        for each in steps(here)
        if step.model
    )


def _fix(step: MigrationOperation, column: cst.Call, here: Here) -> Fix | None:
    """A value for the rows that exist, where there is one that means nothing."""
    if step.framework != "django" or step.arguments.get("field") is not column:
        return None
    name = _kind(column, here)
    value = "0" if name in _NUMBERS - {"DurationField"} else '""' if name in _TEXTS else ""
    value = "False" if name == "BooleanField" else value
    if not value or _says(column, "unique"):
        return None
    filled = step.node.deep_replace(column, with_keyword(column, "default", value))
    return Fix((Replace(step.node, with_keyword(filled, "preserve_default", "False")),))
