"""An index or a constraint is added while PostgreSQL locks the table.

Until the index is built, nobody can write: on a large table that is an outage. Build indexes
concurrently, outside of a transaction; add a check as NOT VALID and validate it later.

Bad:
```python shop/settings.py
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}
```
```python shop/migrations/0002_index.py
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AddIndex("book", models.Index(fields=["title"], name="title_idx")),  # flagged
    ]
```
Good:
```python shop/settings.py
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}
```
```python shop/migrations/0002_index.py
from django.db import migrations, models
from django.contrib.postgres.operations import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0001_initial")]
    operations = [
        AddIndexConcurrently("book", models.Index(fields=["title"], name="title_idx")),
    ]
```
Bad:
```text requirements.txt
psycopg2-binary==2.9.9
```
```python alembic/versions/0002_index.py
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.create_index("title_idx", "book", ["title"])  # flagged
    op.create_unique_constraint("title_key", "book", ["title"])  # flagged


def downgrade():
    op.drop_constraint("title_key", "book")
    op.drop_index("title_idx")
```
Bad: checks and unique constraints of Django.
```python shop/settings.py
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}
```
```python shop/migrations/0003_rules.py
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_index")]
    operations = [
        migrations.AddConstraint(  # flagged
            "book", models.CheckConstraint(condition=models.Q(pages__gt=0), name="pages")
        ),
        migrations.AddConstraint("book", models.UniqueConstraint(fields=["title"], name="one")),  # flagged
    ]
```
Good: another database.
```python shop/settings.py
DATABASES = {"default": {"ENGINE": "django.db.backends.mysql"}}
```
```python shop/migrations/0002_index.py
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AddIndex("book", models.Index(fields=["title"], name="title_idx")),
    ]
```
Good: new tables, indexes built concurrently, and what the database already has.
```text requirements.txt
psycopg==3.2
```
```python alembic/versions/0003_more.py
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade():
    op.create_table("author", sa.Column("name", sa.Text()))
    op.create_index("name_idx", "author", ["name"])
    with op.get_context().autocommit_block():
        op.create_index("title_idx", "book", ["title"], postgresql_concurrently=True)
    op.execute("ALTER TABLE book ADD CONSTRAINT title_key UNIQUE USING INDEX title_idx")


def downgrade():
    op.create_index("old_idx", "book", ["title"])
```
```python shop/migrations/0004_state.py
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0003_rules")]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddIndex("book", models.Index(fields=["pages"], name="pages_idx")),
            ],
        ),
    ]
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.database_kind import DatabaseKind
from rules.facts.migration_file import steps, touches_rows
from rules.facts.migration_operation import MigrationOperation
from rules.kit import (
    AddImport,
    Fix,
    Flag,
    Here,
    InsertBefore,
    Replace,
    Rule,
    Severity,
    dotted,
    keyword,
)

rule = Rule(
    __name__,
    __doc__,
    code="MIG104",
    severity=Severity.WARNING,
    checklist=("django.migration-safety", "database.migration-performance"),
    scope="file",
    fix="suggestion",
)

_INDEX = "AddIndexConcurrently"
_NOT_VALID = "postgresql_not_valid"
_CURES = {
    "index": "build it with `{0}`, outside of a transaction",
    "unique constraint": "build a unique index concurrently first and make the constraint of it",
    "check": "add it as NOT VALID and validate it in a later migration",
}


@rule.on(
    MigrationOperation,
    words=(
        "AddIndex",
        "AddConstraint",
        "create_index",
        "create_unique_constraint",
        "create_check_constraint",
    ),
)
def check(step: MigrationOperation, here: Here) -> Iterator[Flag]:
    kind = _kind(step)
    if not kind or not touches_rows(step, here):
        return
    databases: DatabaseKind = here.project.facts(DatabaseKind)
    if not databases.is_postgres:
        return
    way = _INDEX if step.framework == "django" else "postgresql_concurrently=True"
    message = (
        f"This {kind} is added under a lock: until PostgreSQL has read all of "
        f"`{step.model or 'the table'}`, nobody can write to it; {_CURES[kind].format(way)}."
    )
    yield Flag(step.node, message, fix=_fix(step, here))


def _kind(step: MigrationOperation) -> str:
    match step.name:
        case "AddIndex":
            return "index"
        case "create_index":
            return "" if _says(step.node, "postgresql_concurrently") else "index"
        case "create_unique_constraint":
            return "unique constraint"
        case "create_check_constraint":
            return "" if _says(step.node, _NOT_VALID) else "check"
        case "AddConstraint":
            given = step.arguments.get("constraint")
            made = dotted(given.func).rpartition(".")[2] if isinstance(given, cst.Call) else ""
            return {"CheckConstraint": "check", "UniqueConstraint": "unique constraint"}.get(
                made, ""
            )
    return ""


def _says(call: cst.Call, name: str) -> bool:
    value = keyword(call, name)
    return value is not None and not (isinstance(value, cst.Name) and value.value == "False")


def _fix(step: MigrationOperation, here: Here) -> Fix | None:
    """The concurrent form, where the index is all that the migration does."""
    holder = here.around(step.node, cst.ClassDef)
    if step.name != "AddIndex" or holder is None or len(steps(here)) != 1:
        return None
    if not isinstance(holder.body, cst.IndentedBlock) or "atomic" in here.source(holder):
        return None
    return Fix(
        (
            Replace(step.node.func, _INDEX),
            AddImport("django.contrib.postgres.operations", _INDEX),
            InsertBefore(holder.body.body[0], ("atomic = False",)),
        )
    )
