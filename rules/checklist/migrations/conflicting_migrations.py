"""Two migrations of one app come after the same one, or one depends on a migration that is not there.

`migrate` refuses to run until the two ends of the graph are joined, and so do the tests: nobody
can deploy. Renumber the younger one to follow the other, or run `makemigrations --merge`
(`alembic merge heads`).

Bad:
```python shop/migrations/0001_initial.py
from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = []
```
```python shop/migrations/0002_pages.py
from django.db import migrations


class Migration(migrations.Migration):  # flagged
    dependencies = [("shop", "0001_initial")]
    operations = []
```
```python shop/migrations/0002_price.py
from django.db import migrations


class Migration(migrations.Migration):  # flagged
    dependencies = [("shop", "0001_initial")]
    operations = []
```
Bad: what it depends on is gone; and two heads of Alembic.
```python shop/migrations/0001_initial.py
from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = []
```
```python shop/migrations/0003_pages.py
from django.db import migrations


class Migration(migrations.Migration):  # flagged
    dependencies = [("shop", "0002_old")]
    operations = []
```
```python alembic/env.py
from alembic import context
```
```python alembic/versions/a1_start.py
revision = "a1"
down_revision = None
```
```python alembic/versions/b2_pages.py
revision = "b2"  # flagged
down_revision = "a1"
```
```python alembic/versions/c3_price.py
revision = "c3"  # flagged
down_revision = "a1"
```
Good: merged.
```python shop/migrations/0001_initial.py
from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = []
```
```python shop/migrations/0002_pages.py
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = []
```
```python shop/migrations/0002_price.py
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = []
```
```python shop/migrations/0003_merge.py
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_pages"), ("shop", "0002_price"), ("auth", "0001_initial")]
    operations = []
```
```python alembic/env.py
from alembic import context
```
```python alembic/versions/a1_start.py
revision = "a1"
down_revision = None
```
```python alembic/versions/b2_pages.py
revision: str = "b2"
down_revision: str = "a1"
```
```python alembic/versions/c3_price.py
revision = "c3"
down_revision = "a1"
```
```python alembic/versions/d4_merge.py
revision = "d4"
down_revision = ("b2", "c3")
```
Good: a squashed migration stands for those that it replaces.
```python shop/migrations/0001_initial.py
from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = []
```
```python shop/migrations/0002_pages.py
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = []
```
```python shop/migrations/0001_squashed_0002_pages.py
from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    replaces = [("shop", "0001_initial"), ("shop", "0002_pages")]
    dependencies = []
    operations = []
```
```python shop/migrations/0003_price.py
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_pages")]
    operations = []
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.migration_graph import MigrationGraph
from rules.kit import Flag, Here, PythonFile, Rule, Severity, find

rule = Rule(
    __name__,
    __doc__,
    code="MIG110",
    severity=Severity.ERROR,
    checklist=("django.migration-tracked", "scripts.migration-helper"),
    scope="project",
)


@rule.on(PythonFile, words=("Migration", "down_revision"))
def check(file: PythonFile, here: Here) -> Iterator[Flag]:
    if not here.is_migration:
        return
    graph: MigrationGraph = here.project.facts(MigrationGraph)
    for said in graph.problems.get(file.path, ()):
        yield Flag(_head(file.module), said, identity=said)


def _head(module: cst.Module) -> cst.CSTNode | int:
    """The class of a Django migration, or the line that names an Alembic one."""
    for each in module.body:
        if isinstance(each, cst.ClassDef) and each.name.value == "Migration":
            return each
    for one in find(module, cst.AssignTarget, cst.AnnAssign):
        target = one.target if isinstance(one, cst.AssignTarget | cst.AnnAssign) else None
        if isinstance(target, cst.Name) and target.value == "revision":
            return target
    return 1
