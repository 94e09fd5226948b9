"""A migration imports a model as it is today.

When the migration runs on a fresh database, the table is as old as the migration, and the
class is of today: it asks for columns that are not there yet, and the migration fails. Take the
model of that time with `apps.get_model`; in Alembic, write the few columns as `sa.table(...)`.

Bad:
```python shop/models.py
from django.db import models


class Book(models.Model):
    title = models.TextField()
```
```python shop/migrations/0002_fill.py
from django.db import migrations
from shop.models import Book  # flagged


def fill(apps, schema_editor):
    Book.objects.update(title="")


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
```
Good:
```python shop/models.py
from django.db import models


class Book(models.Model):
    title = models.TextField()
```
```python shop/migrations/0002_fill.py
from django.db import migrations


def fill(apps, schema_editor):
    Book = apps.get_model("shop", "Book")
    Book.objects.update(title="")


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
```
Bad: in Alembic.
```python store/tables.py
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Visit(Base):
    __tablename__ = "visit"
    id: Mapped[int] = mapped_column(primary_key=True)
```
```python alembic/versions/0002_visits.py
from alembic import op
from sqlalchemy.orm import Session

from store.tables import Visit  # flagged

revision = "0002"
down_revision = "0001"


def upgrade():
    session = Session(op.get_bind())
    session.query(Visit).delete()


def downgrade():
    raise NotImplementedError
```
Bad: inside of a function.
```python shop/models.py
from django.db import models


class Book(models.Model):
    title = models.TextField()
```
```python shop/migrations/0003_more.py
from django.db import migrations


def fill(apps, schema_editor):
    from shop.models import Book  # flagged

    Book.objects.update(title="")


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_fill")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
```
Good:
```python shop/models.py
from django.db import models


class Book(models.Model):
    title = models.TextField()
```
```python shop/migrations/0003_more.py
from django.db import migrations


def fill(apps, schema_editor):

    Book = apps.get_model("shop", "Book")
    Book.objects.update(title="")


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_fill")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
```
Good: functions, constants and abstract bases, and what only the type checker reads.
```python shop/models.py
from django.db import models

LENGTH = 50


def folder(instance, name):
    return name


class Stamped(models.Model):
    class Meta:
        abstract = True


class Book(models.Model):
    class Kind(models.TextChoices):
        NEW = "n"
```
```python shop/migrations/0004_rest.py
from typing import TYPE_CHECKING

import shop.models
from django.db import migrations, models
from shop.models import LENGTH, Stamped, folder

if TYPE_CHECKING:
    from shop.models import Book


def count(books: models.QuerySet["Book"]):
    return books.count()


def fill(apps, schema_editor):
    books: "Book" = apps.get_model("shop", "Book").objects
    books.update(title="")


class Migration(migrations.Migration):
    dependencies = [("shop", "0003_more")]
    operations = [
        migrations.CreateModel("A", [("t", models.TextField())], bases=(shop.models.Stamped,)),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.django_models import Model, Models
from rules.facts.python_classes import Classes
from rules.facts.python_modules import Modules
from rules.facts.sqlalchemy import tables
from rules.kit import Delete, Fix, Flag, Here, InsertBefore, Rule, Severity, dotted, find
from rules.kit.edits import Edit
from rules.kit.names import absolute

rule = Rule(
    __name__,
    __doc__,
    code="MIG107",
    severity=Severity.ERROR,
    checklist=("django.migration-safety",),
    scope="file",
    fix="suggestion",
)


@rule.on(cst.ImportFrom, words=("RunPython", "upgrade"))
def check(node: cst.ImportFrom, here: Here) -> Iterator[Flag]:
    if not here.is_migration or isinstance(node.names, cst.ImportStar) or _is_for_types(node, here):
        return
    package = here.module_name.rpartition(".")[0]
    module = absolute(package, len(node.relative), dotted(node.module))
    for each in node.names:
        if not isinstance(each.name, cst.Name):
            continue
        local = each.asname.name if each.asname is not None else each.name
        full = f"{module}.{each.name.value}"
        if isinstance(local, cst.Name) and _is_used(local.value, node, here):
            yield from _flags(node, full, local.value, here)


def _flags(node: cst.ImportFrom, full: str, local: str, here: Here) -> Iterator[Flag]:
    models: Models = here.project.facts(Models)
    model = models.find(full)
    if model is not None and not model.abstract:
        message = (
            f"The migration uses `{local}` as it is today; on a fresh database its table is older "
            f'than that, and columns are missing. Take `apps.get_model("{model.app}", "{model.name}")`.'
        )
        yield Flag(node, message, fix=_fix(node, local, model, here), identity=full)
    elif model is None and _is_mapped(full, here):
        message = (
            f"The migration uses `{local}` as it is today; on a fresh database its table is older "
            "than that, and columns are missing. Write the columns that it needs as `sa.table(...)`."
        )
        yield Flag(node, message, identity=full)


def _is_mapped(full: str, here: Here) -> bool:
    """Whether a name is that of a class of SQLAlchemy with a table."""
    classes: Classes = here.project.facts(Classes)
    key = classes.find(full)
    if not key:
        return False
    modules: Modules = here.project.facts(Modules)
    path, record = classes.by_name[key]
    return record.name in tables(modules.by_path.get(path))


def _is_for_types(node: cst.ImportFrom, here: Here) -> bool:
    around = here.around(node, cst.If)
    return around is not None and "TYPE_CHECKING" in here.source(around.test)


def _is_used(name: str, node: cst.ImportFrom, here: Here) -> bool:
    """Whether a function of the migration uses the name as a value."""
    return any(_uses(each, name) for each in find(here.module or node, cst.FunctionDef))


def _uses(function: cst.FunctionDef, name: str) -> bool:
    targets = (each.target for each in find(function.body, cst.AssignTarget))
    if any(isinstance(each, cst.Name) and each.value == name for each in targets):
        return False  # the model of that time, by the same name
    notes = {id(n) for a in find(function, cst.Annotation) for n in find(a, cst.Name)}
    return any(
        each.value == name and id(each) not in notes for each in find(function.body, cst.Name)
    )


def _fix(node: cst.ImportFrom, local: str, model: Model, here: Here) -> Fix | None:
    """The model of that time, asked for at the head of each function that uses it."""
    if not isinstance(node.names, tuple | list) or len(node.names) != 1:
        return None
    line = f'{local} = apps.get_model("{model.app}", "{model.name}")'
    using = [each for each in find(here.module or node, cst.FunctionDef) if _uses(each, local)]
    statement = here.parent(node)
    if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        return None
    edits: list[Edit] = [Delete(statement)]
    for each in using:
        first = each.params.params[0].name.value if each.params.params else ""
        body = each.body.body
        if first != "apps" or not isinstance(each.body, cst.IndentedBlock) or not body:
            return None
        at = body[1] if body[0] is statement and len(body) > 1 else body[0]
        if not isinstance(at, cst.BaseStatement):
            return None
        edits.append(InsertBefore(at, (line,)))
    return Fix(tuple(edits))
