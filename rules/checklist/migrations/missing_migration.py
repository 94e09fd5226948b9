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
"""

from collections.abc import Iterator

from rules.facts.schema_drift import SchemaDrift
from rules.kit import Flag, Here, PythonFile, Rule, Severity

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
        yield Flag(each.line, message, identity=f"{each.model}: {each.what}")
