"""A column or a table goes away in the same release as the code that uses it.

While the release goes out, the old code still runs against the new schema, and every query that
names the column fails; going back to the old release does not bring the data back. Release the
code that no longer uses it first, and drop or rename in a later release.

Before:
```python shop/models.py
from django.db import models


class Book(models.Model):
    title = models.TextField()
    pages = models.IntegerField(null=True)
```
```python shop/migrations/0001_initial.py
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Book", [("title", models.TextField()), ("pages", models.IntegerField(null=True))]
        )
    ]
```
Bad:
```python shop/models.py
from django.db import models


class Book(models.Model):
    title = models.TextField()
```
```python shop/migrations/0001_initial.py
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Book", [("title", models.TextField()), ("pages", models.IntegerField(null=True))]
        )
    ]
```
```python shop/migrations/0002_remove_pages.py
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RemoveField("book", "pages")]  # flagged
```
Good: first only Django's memory of the model; the column goes in a later release.
```python shop/models.py
from django.db import models


class Book(models.Model):
    title = models.TextField()
```
```python shop/migrations/0001_initial.py
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Book", [("title", models.TextField()), ("pages", models.IntegerField(null=True))]
        )
    ]
```
```python shop/migrations/0002_forget_pages.py
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField("book", "pages")]
        )
    ]
```
Before:
```python store/tables.py
from sqlalchemy import Column, Integer


class Book(Base):
    __tablename__ = "book"
    id = Column(Integer, primary_key=True)
    pages = Column(Integer)
```
```python alembic/env.py
from alembic import context
```
Bad: Alembic.
```python store/tables.py
from sqlalchemy import Column, Integer


class Book(Base):
    __tablename__ = "book"
    id = Column(Integer, primary_key=True)
```
```python alembic/env.py
from alembic import context
```
```python alembic/versions/a1_pages.py
import sqlalchemy as sa
from alembic import op

revision = "a1"
down_revision = None


def upgrade():
    op.drop_column("book", "pages")  # flagged


def downgrade():
    op.add_column("book", sa.Column("pages", sa.Integer()))
```
Good: the class lost the column in an earlier release.
```python store/tables.py
from sqlalchemy import Column, Integer


class Book(Base):
    __tablename__ = "book"
    id = Column(Integer, primary_key=True)
    pages = Column(Integer)
```
```python alembic/env.py
from alembic import context
```
```python alembic/versions/a1_price.py
import sqlalchemy as sa
from alembic import op

revision = "a1"
down_revision = None


def upgrade():
    op.drop_column("book", "price")


def downgrade():
    op.add_column("book", sa.Column("price", sa.Integer()))
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.django_models import Models
from rules.facts.migration_file import new_tables, steps
from rules.facts.migration_operation import MigrationOperation
from rules.facts.python_modules import MODULES, ModuleRecord
from rules.facts.sqlalchemy import tables
from rules.kit import Change, FileChange, Flag, Here, Project, PythonFile, Rule, Severity
from rules.kit.paths import is_migration, is_test
from rules.kit.positions import positions

rule = Rule(
    __name__,
    __doc__,
    code="MIG103",
    severity=Severity.WARNING,
    checklist=("django.migration-safety",),
    scope="file",
)

_VERBS = {
    "RemoveField": "dropped", "DeleteModel": "dropped", "RenameField": "renamed",
    "RenameModel": "renamed", "drop_column": "dropped", "drop_table": "dropped",
    "alter_column": "renamed", "rename_table": "renamed",
}  # fmt: skip
_SECOND_PHASE = re.compile(
    rb"(?i)second (phase|step|release)|phase (2|two)|contract phase|safe to (drop|remove|delete)"
    rb"|no longer (used|read|written)|unused since|already unused|Safe\.(after_deploy|delayed)"
)


@rule.on(PythonFile, words=("RemoveField", "drop_column"))
def parse(_file: PythonFile, _here: Here) -> Iterator[Flag]:
    """Ask for the trees of migrations; what they drop is judged with the change."""
    yield from ()


@rule.on(Change)
def check(change: Change, here: Here) -> Iterator[Flag]:
    for each in change.files:
        module = change.trees.get(each.path, (None, None))[1]
        if each.status != "added" or not is_migration(each.path) or module is None:
            continue
        if is_test(each.path) or _SECOND_PHASE.search(each.after or b""):
            continue
        place = Here(path=each.path, project=change.after, module=module)
        gone = [one for one in steps(place) if _is_live(one, place, change)]
        if gone:
            spans = positions(module, [gone[0].node])
            yield _flag(each, gone, spans[id(gone[0].node)].line)


def _is_live(step: MigrationOperation, here: Here, change: Change) -> bool:
    """Whether the code before the change still has what the step takes away."""
    if step.name not in _VERBS or step.direction != "forward" or step.part == "state":
        return False
    if step.name == "alter_column" and "new_column_name" not in step.arguments:
        return False
    if step.model.lower() in new_tables(here):
        return False
    if step.framework == "django":
        before, after = _django(step, change.before), _django(step, change.after)
    else:
        before, after = _alembic(step, change.before), _alembic(step, change.after)
    return before and not after


def _django(step: MigrationOperation, project: Project) -> bool:
    models: Models = project.facts(Models)
    for each in models.by_key.values():
        if each.app.lower() == step.app.lower() and each.name.lower() == step.model.lower():
            return each.managed and (not step.field or step.field in each.fields)
    return False


def _alembic(step: MigrationOperation, project: Project) -> bool:
    for path, record in project.records(MODULES).items():
        if is_test(path):
            continue
        for name, table in tables(record).items():
            if _table_name(record, name) == step.model:
                return not step.field or step.field in table.columns
    return False


def _table_name(record: ModuleRecord, name: str) -> str:
    """The table of a class, where it says so."""
    for each in record.classes:
        if each.name == name:
            said = [one.value for one in each.fields if one.name == "__tablename__"]
            return said[-1].strip("'\"") if said else name.lower()
    return ""


def _flag(file: FileChange, gone: list[MigrationOperation], line: int) -> Flag:
    first = gone[0]
    what = f"`{first.model}.{first.field}`" if first.field else f"`{first.model}`"
    more = f" (and {len(gone) - 1} more)" if len(gone) > 1 else ""
    message = (
        f"{what}{more} is {_VERBS[first.name]} in the change that stops using it: while this is "
        "deployed, the old code still runs and fails, and there is no way back. Release the code "
        "first, and this step later."
    )
    return Flag(line, message, path=file.path, identity=f"{what} {_VERBS[first.name]}")
