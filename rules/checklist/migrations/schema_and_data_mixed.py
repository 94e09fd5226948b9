"""One migration changes the schema of a table and its rows.

The change of the schema locks the table, and the lock is held until all rows are written: the
site waits. On PostgreSQL such a migration may also fail with "pending trigger events". Change
the schema in one migration and the rows in the next.

Bad:
```python shop/migrations/0002_pages.py
from django.db import migrations, models


def fill(apps, schema_editor):
    apps.get_model("shop", "Book").objects.filter(pages=None).update(pages=1)


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AddField("book", "pages", models.IntegerField(null=True)),
        migrations.RunPython(fill, migrations.RunPython.noop),  # flagged
        migrations.AlterField("book", "pages", models.IntegerField()),
    ]
```
Bad:
```python alembic/versions/0002_pages.py
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.add_column("book", sa.Column("pages", sa.Integer()))
    op.execute("UPDATE book SET pages = 1")  # flagged
    op.alter_column("book", "pages", nullable=False)


def downgrade():
    op.drop_column("book", "pages")
```
Good: rows of a new table, and a migration of data alone.
```python shop/migrations/0003_author.py
from django.db import migrations, models


def fill(apps, schema_editor):
    apps.get_model("shop", "Author").objects.create(name="Unknown")


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_pages")]
    operations = [
        migrations.CreateModel("Author", [("name", models.TextField())]),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
```
```python shop/migrations/0004_fill.py
from django.db import migrations


def fill(apps, schema_editor):
    apps.get_model("shop", "Book").objects.filter(pages=None).update(pages=1)


class Migration(migrations.Migration):
    dependencies = [("shop", "0003_author")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
```
Good: what only Django's memory of the models learns, labels, and SQL that makes an index.
```python shop/migrations/0005_labels.py
from django.db import migrations, models


def fill(apps, schema_editor):
    apps.get_model("shop", "Book").objects.filter(pages=None).update(pages=1)


class Migration(migrations.Migration):
    dependencies = [("shop", "0004_fill")]
    operations = [
        migrations.AlterModelOptions("book", {"ordering": ["pages"]}),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.AddField("book", "old", models.TextField(null=True))],
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
```
```python shop/migrations/0006_index.py
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0005_labels")]
    operations = [
        migrations.AddField("book", "price", models.IntegerField(null=True)),
        migrations.RunSQL("CREATE INDEX price ON shop_book (price)", "DROP INDEX price"),
    ]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.facts.migration_file import steps, touches_rows, writes
from rules.facts.migration_operation import MigrationOperation
from rules.kit import Flag, Here, PythonFile, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="MIG106",
    severity=Severity.WARNING,
    checklist=("database.migration-performance",),
    scope="file",
)

_SCHEMA = frozenset(
    {"AddField", "AlterField", "RemoveField", "RenameField", "AddConstraint", "AlterModelTable"}
    | {"AddIndex", "AlterUniqueTogether", "RenameModel"}
    | {"add_column", "alter_column", "drop_column", "create_index", "create_unique_constraint"}
    | {"create_foreign_key", "create_check_constraint", "rename_table"}
)


@rule.on(PythonFile, words=("RunPython", "RunSQL", "execute", "bulk_insert"))
def check(_file: PythonFile, here: Here) -> Iterator[Flag]:
    if not here.is_migration:
        return
    every = [each for each in steps(here) if each.direction == "forward" and each.part != "state"]
    schema = [each for each in every if each.name in _SCHEMA and touches_rows(each, here)]
    data = [each for each in every if schema and writes(each, here)]
    if data:
        yield Flag(data[0].node, _message(schema[0]))


def _message(schema: MigrationOperation) -> str:
    table = f" of `{schema.model}`" if schema.model else ""
    return (
        f"This changes rows in the migration that also changes the schema{table} (`{schema.name}`): "
        "the lock is held until all rows are written. Put the rows into a migration of their own."
    )
