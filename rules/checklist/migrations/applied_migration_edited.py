"""A migration that others may have run is changed or taken away.

Where it has run, `migrate` will not run it again: those databases keep what it did before, new
ones get what it does now, and the two differ for good. Undo the change and write a further
migration.

Before:
```python shop/migrations/0001_initial.py
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.CreateModel("Book", [("title", models.CharField(max_length=50))])]
```
```python shop/migrations/0002_pages.py
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.AddField("book", "pages", models.IntegerField(null=True))]
```
Bad:
```python shop/migrations/0001_initial.py
from django.db import migrations, models


class Migration(migrations.Migration):  # flagged
    initial = True
    dependencies = []
    operations = [migrations.CreateModel("Book", [("title", models.CharField(max_length=80))])]
```
```python shop/migrations/0002_pages.py
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.AddField("book", "pages", models.IntegerField(null=True))]
```
Good: comments, labels, layout, and a way back that was missing.
```python shop/migrations/0001_initial.py
# The first of them.
from django.db import migrations, models


class Migration(migrations.Migration):
    '''Makes the table.'''

    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Book", [("title", models.CharField("Title", max_length=50, help_text="on the cover"))]
        )
    ]
```
```python shop/migrations/0002_pages.py
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="book", name="pages", field=models.IntegerField(null=True)
        ),
    ]
```
Good: squashed.
```python shop/migrations/0001_squashed_0002_pages.py
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    replaces = [("shop", "0001_initial"), ("shop", "0002_pages")]
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Book",
            [("title", models.CharField(max_length=50)), ("pages", models.IntegerField(null=True))],
        )
    ]
```
Before:
```python alembic/env.py
from alembic import context
```
```python alembic/versions/a1_pages.py
import sqlalchemy as sa
from alembic import op

revision = "a1"
down_revision = None


def upgrade():
    op.add_column("book", sa.Column("pages", sa.Integer()))


def downgrade():
    op.drop_column("book", "pages")
```
Bad: an Alembic migration.
```python alembic/env.py
from alembic import context
```
```python alembic/versions/a1_pages.py
import sqlalchemy as sa
from alembic import op

revision = "a1"
down_revision = None


def upgrade():  # flagged
    op.add_column("book", sa.Column("pages", sa.BigInteger()))


def downgrade():
    op.drop_column("book", "pages")
```
Good: its annotations and its way back.
```python alembic/env.py
from alembic import context
```
```python alembic/versions/a1_pages.py
from alembic import op
import sqlalchemy as sa

revision: str = "a1"
down_revision: str | None = None


def upgrade() -> None:
    op.add_column("book", sa.Column("pages", sa.Integer()))


def downgrade() -> None:
    op.drop_column("book", "pages", if_exists=True)
```
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from posixpath import dirname

from rules.facts.migrations import MIGRATIONS, MigrationRecord, extract
from rules.kit import Change, FileChange, Flag, Here, Rule, Severity, Source
from rules.kit.paths import is_migration, is_test

rule = Rule(
    __name__,
    __doc__,
    code="MIG109",
    severity=Severity.ERROR,
    checklist=("django.migration-tracked",),
    scope="pr",
)

_LABELS = frozenset({"verbose_name", "verbose_name_plural", "help_text", "choices", "validators"})
_LEAST_LEFT = 1


@rule.on(Change)
def check(change: Change, here: Here) -> Iterator[Flag]:
    removed: set[str] = set()
    for each in change.files:
        if not is_migration(each.old_path) or is_test(each.old_path) or each.before is None:
            continue
        if each.old_path.endswith("/__init__.py"):
            continue
        if each.status == "removed" or each.old_path != each.path:
            folder = dirname(each.old_path)
            if folder not in removed and _is_lost(each, change):
                removed.add(folder)
                yield _lost(each)
        elif each.status == "modified" and each.after is not None:
            yield from _edited(each)


def _parsed(data: bytes | None) -> ast.Module | None:
    try:
        return ast.parse(data or b"")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _edited(file: FileChange) -> Iterator[Flag]:
    old, new = _parsed(file.before), _parsed(file.after)
    if old is None or new is None:
        return
    name = file.path.rpartition("/")[2].removesuffix(".py")
    message = (
        f"`{name}` may have run already: those databases keep what it did, new ones get this. Undo "
        "the change here and write a further migration."
    )
    mine, theirs = _record(new, file.after), _record(old, file.before)
    if mine is not None and theirs is not None:
        if _does(mine) != _does(theirs):
            yield Flag(_line(new, "Migration"), message, path=file.path, identity=name)
        return
    if _upgrade(old) and _upgrade(new) and _upgrade(old) != _upgrade(new):
        yield Flag(_line(new, "upgrade"), message, path=file.path, identity=name)


def _record(tree: ast.Module, data: bytes | None) -> MigrationRecord | None:
    return extract(Source((data or b"").decode("utf-8", "replace"), tree))


def _does(record: MigrationRecord) -> object:
    """What the operations do to tables, without labels and what Python alone looks at."""
    return [
        (
            each.kind,
            {k: v for k, v in each.texts.items() if v and k not in _LABELS},
            {
                name: (
                    one.type.rpartition(".")[2],
                    {k: v for k, v in one.given.items() if v and k not in _LABELS},
                )
                for name, one in each.fields.items()
            },
        )
        for each in record.operations
        if each.kind not in ("AlterModelOptions", "AlterModelManagers")
    ]


def _upgrade(tree: ast.Module) -> str:
    """The body of `upgrade` as a text that knows no layout; empty without one that does anything."""
    for each in tree.body:
        if isinstance(each, ast.FunctionDef) and each.name == "upgrade":
            body = [one for one in each.body if not _is_text(one)]
            return "\n".join(ast.dump(one) for one in body)
    return ""


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _line(tree: ast.Module, name: str) -> int:
    return next(
        (
            each.lineno
            for each in tree.body
            if isinstance(each, ast.ClassDef | ast.FunctionDef) and each.name == name
        ),
        1,
    )


def _is_lost(file: FileChange, change: Change) -> bool:
    """Whether a migration goes away that neither a squash nor the end of its app explains."""
    folder = dirname(file.old_path)
    name = file.old_path.rpartition("/")[2].removesuffix(".py")
    old = _parsed(file.before)
    if old is None or (_record(old, file.before) is None and not _upgrade(old)):
        return False
    if _record(old, file.before) is None and file.status == "renamed":
        return False  # Alembic goes by the revision, not by the name of the file
    left = {
        path: record
        for path, record in change.after.records(MIGRATIONS).items()
        if dirname(path) == folder
    }
    if any(name == each for record in left.values() for _, each in record.replaces):
        return False
    before = change.before.records(MIGRATIONS).items()
    if any(name == each for path, r in before if dirname(path) == folder for _, each in r.replaces):
        return False
    kept = [p for p in change.after.paths if dirname(p) == folder and not p.endswith("__init__.py")]
    return len(kept) >= _LEAST_LEFT


def _lost(file: FileChange) -> Flag:
    name = file.old_path.rpartition("/")[2].removesuffix(".py")
    did = "renamed" if file.status == "renamed" else "taken away"
    message = (
        f"`{name}` is {did}, and databases where it has run still name it: `migrate` will find the "
        "graph changed under it. Keep it, or squash it with `replaces`."
    )
    return Flag(0, message, path=file.path, identity=f"{name} {did}")
