"""A column is altered in a way that reads or rewrites the whole table under a lock.

Another type rewrites every row, NOT NULL and unique read every row, and meanwhile nobody can use
the table. On a large table take steps: a new column that is filled in pieces; a check that is
NOT VALID first; a unique index that is built concurrently.

Bad:
```python shop/migrations/0001_initial.py
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Book",
            [
                ("title", models.CharField(max_length=50, null=True)),
                ("pages", models.IntegerField()),
                ("code", models.CharField(max_length=9)),
            ],
        ),
    ]
```
```python shop/migrations/0002_alter.py
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AlterField("book", "title", models.CharField(max_length=50)),  # flagged
        migrations.AlterField("book", "pages", models.TextField()),  # flagged
        migrations.AlterField("book", "code", models.CharField(max_length=9, unique=True)),  # flagged
    ]
```
Bad:
```python alembic/versions/0002_alter.py
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.alter_column("book", "title", nullable=False)  # flagged
    op.alter_column("book", "pages", existing_type=sa.Integer(), type_=sa.Text())  # flagged


def downgrade():
    op.alter_column("book", "pages", type_=sa.Integer())
```
Good: labels, choices, longer texts, NULL allowed.
```python shop/migrations/0001_initial.py
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Book",
            [
                ("title", models.CharField(max_length=50)),
                ("pages", models.IntegerField()),
            ],
        ),
    ]
```
```python shop/migrations/0002_alter.py
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AlterField("book", "title", models.CharField(max_length=80, help_text="h")),
        migrations.AlterField("book", "pages", models.IntegerField(null=True, choices=[(1, "one")])),
        migrations.AlterField("book", "title", models.TextField()),
    ]
```
Good: new tables and longer texts.
```python alembic/versions/0003_alter.py
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade():
    op.create_table("author", sa.Column("name", sa.Text()))
    op.alter_column("author", "name", nullable=False)
    op.alter_column("book", "title", nullable=True, server_default=None)
    op.alter_column("book", "code", existing_type=sa.String(20), type_=sa.String(50))
    op.alter_column("book", "blurb", existing_type=sa.VARCHAR(length=20), type_=sa.Text())


def downgrade():
    op.drop_table("author")
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.field_states import FieldState
from rules.facts.migration_file import touches_rows
from rules.facts.migration_operation import MigrationOperation
from rules.facts.migration_state import altered
from rules.kit import Flag, Here, Rule, Severity, argument, dotted

rule = Rule(
    __name__,
    __doc__,
    code="MIG111",
    severity=Severity.NOTICE,
    checklist=("django.migration-safety", "database.migration-performance"),
    scope="file",
)

_TEXTS = frozenset({"CharField", "TextField", "SlugField", "EmailField", "URLField", "FileField"})
_SAME = (
    frozenset({"ForeignKey", "OneToOneField"}),
    frozenset({"FileField", "ImageField", "CharField", "SlugField", "EmailField", "URLField"}),
    frozenset({"BooleanField", "NullBooleanField"}),
    frozenset({"IntegerField", "PositiveIntegerField"}),
    frozenset({"SmallIntegerField", "PositiveSmallIntegerField"}),
    frozenset({"BigIntegerField", "PositiveBigIntegerField"}),
)
_STRINGS = frozenset({"String", "VARCHAR", "Text", "TEXT", "Unicode", "UnicodeText", "AutoString"})
_UNBOUND = frozenset({"Text", "TEXT", "UnicodeText"})
_WHAT = {
    "type": "the new type rewrites every row of `{}`",
    "null": "for NOT NULL every row of `{}` is read",
    "unique": "the unique index is built over all of `{}`",
}


@rule.on(MigrationOperation, words=("AlterField", "alter_column"))
def check(step: MigrationOperation, here: Here) -> Iterator[Flag]:
    if step.name not in ("AlterField", "alter_column") or not touches_rows(step, here):
        return
    why = _django(step, here) if step.framework == "django" else _alembic(step)
    if why:
        what = _WHAT[why].format(step.model or "the table")
        message = (
            f"Altering `{step.field or 'this column'}` holds a lock while {what}: nobody can use the "
            "table meanwhile. On a large table do it in steps."
        )
        yield Flag(step.node, message)


def _django(step: MigrationOperation, here: Here) -> str:
    found = altered(here.project, here.path, step.model, step.field)
    return _difference(*found) if found is not None else ""


def _difference(old: FieldState, new: FieldState) -> str:
    if not old.known or not new.known or old.partial or new.partial:
        return ""
    if old.known != new.known and not _is_free(old.known, new.known):
        return "type"
    if old.given.get("null") == "True" and "null" not in new.given:
        return "null"
    if new.given.get("unique") == "True" and "unique" not in old.given:
        return "unique"
    return ""


def _is_free(old: str, new: str) -> bool:
    """Whether the column keeps its type, or PostgreSQL changes it without reading rows."""
    if old in _TEXTS and new == "TextField":
        return True
    return any(old in each and new in each for each in _SAME)


def _alembic(step: MigrationOperation) -> str:
    nullable = step.arguments.get("nullable")
    known = step.arguments.get("existing_nullable")
    if isinstance(nullable, cst.Name) and nullable.value == "False":
        return "" if isinstance(known, cst.Name) and known.value == "False" else "null"
    new, old = step.arguments.get("type_"), step.arguments.get("existing_type")
    return "type" if new is not None and old is not None and not _is_longer(old, new) else ""


def _is_longer(old: cst.BaseExpression, new: cst.BaseExpression) -> bool:
    """Whether a text may only grow, or the type is the same by another name."""
    one, other = _type_name(old), _type_name(new)
    if one in _STRINGS and other in _STRINGS:
        before, after = _length(old), _length(new)
        return other in _UNBOUND or after is None or (before is not None and after >= before)
    return one.lower() == other.lower() or other in ("Enum", "ENUM")


def _type_name(node: cst.BaseExpression) -> str:
    return dotted(node.func if isinstance(node, cst.Call) else node).rpartition(".")[2]


def _length(node: cst.BaseExpression) -> int | None:
    given = argument(node, 0, "length") if isinstance(node, cst.Call) else None
    return int(given.evaluated_value) if isinstance(given, cst.Integer) else None
