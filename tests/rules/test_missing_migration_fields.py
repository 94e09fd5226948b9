"""The rule on missing migrations says of each kind of field and option what Django says.

The migration and the verdicts are those of the autodetector of Django 5.2: each option was added
to every field that does not have it yet, and the fields noted that it would have altered.
"""

from __future__ import annotations

import pytest
from trees import project_of

from rules.checklist.migrations import missing_migration
from rules.engine.config import Config
from rules.engine.run import check

# Each field as a model says it, and as Django wrote it into the migration where that differs.
FIELDS = {
    "char": ("CharField(max_length=20)", ""),
    "text": ("TextField()", ""),
    "number": ("IntegerField(default=0)", ""),
    "flag": ("BooleanField(default=False)", ""),
    "price": ("DecimalField(max_digits=8, decimal_places=2)", ""),
    "seen": ("DateTimeField()", ""),
    "made": ("DateField(auto_now_add=True)", ""),
    "changed": ("DateTimeField(auto_now=True)", ""),
    "mail": ("EmailField()", "EmailField(max_length=254)"),
    "link": ("URLField()", ""),
    "key": ("UUIDField(default=uuid.uuid4)", ""),
    "data": ("JSONField(default=dict)", ""),
    "file": ('FileField(upload_to="files")', ""),
    "address": ("GenericIPAddressField()", ""),
    "slug": ("SlugField()", ""),
    "took": ("DurationField()", ""),
    "kind": ('PositiveSmallIntegerField(choices=[(1, "one"), (2, "two")])', ""),
    "raw": ("BinaryField()", ""),
    "path": ("FilePathField()", ""),
    "fans": (
        'ManyToManyField("Author", related_name="+")',
        'ManyToManyField(related_name="+", to="shop.author")',
    ),
    "owner": (
        'ForeignKey("Author", models.CASCADE, related_name="+")',
        (
            "ForeignKey(on_delete=django.db.models.deletion.CASCADE, "
            'related_name="+", to="shop.author")'
        ),
    ),
    "twin": (
        'OneToOneField("Author", models.PROTECT, related_name="+")',
        (
            "OneToOneField(on_delete=django.db.models.deletion.PROTECT, "
            'related_name="+", to="shop.author")'
        ),
    ),
}
EVERY = frozenset(FIELDS)
NONE: frozenset[str] = frozenset()
DATED = {"made", "changed"}
ALTERED = {
    "null=True": EVERY,
    "null=False": NONE,
    "blank=True": EVERY - DATED,
    "blank=False": NONE,
    "unique=True": EVERY - {"twin"},
    "unique=False": NONE,
    "db_index=True": EVERY - {"owner", "slug", "twin"},
    "db_index=False": frozenset({"owner", "slug", "twin"}),
    'help_text="h"': EVERY,
    'help_text=""': NONE,
    'verbose_name="v"': EVERY,
    "verbose_name=None": NONE,
    "editable=False": EVERY - DATED - {"raw"},
    "editable=True": frozenset({"raw"}),
    'db_column="c"': EVERY,
    "db_column=None": NONE,
    "default=None": EVERY - {"data", "flag", "key", "number"},
    "choices=None": NONE,
    "choices=[]": EVERY - {"kind"},
    "validators=[]": NONE,
    'error_messages={"null": "n"}': EVERY,
    "primary_key=False": NONE,
    'db_comment="c"': EVERY,
    'db_tablespace="fast"': EVERY,
    "max_length=30": EVERY - {"address", "char", "key"},
    "serialize=True": NONE,
    "unique_for_date=None": NONE,
    "auto_created=False": NONE,
    "db_default=None": EVERY,
}


def _with(text: str, option: str) -> str:
    """A field with an option more, if it has another of that name."""
    if f"{option.partition('=')[0]}=" in text:
        return text
    return text[:-1] + ("" if text.endswith("()") else ", ") + option + ")"


def _models(option: str) -> str:
    fields = "".join(f"    {k} = models.{_with(v[0], option)}\n" for k, v in FIELDS.items())
    return (
        "import uuid\nfrom django.db import models\n\n\nclass Author(models.Model):\n    pass\n\n\n"
        f"class Book(models.Model):\n{fields}"
    )


def _migration() -> str:
    key = '("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),'
    fields = "".join(f'("{k}", models.{v[1] or v[0]}),\n' for k, v in FIELDS.items())
    return (
        "import django.db.models.deletion\nimport uuid\nfrom django.db import migrations, models\n\n\n"
        "class Migration(migrations.Migration):\n    initial = True\n    dependencies = []\n"
        f'    operations = [migrations.CreateModel("Author", fields=[{key}]),\n'
        f'migrations.CreateModel("Book", fields=[{key}\n{fields}])]\n'
    )


@pytest.mark.parametrize("option", ALTERED)
def test_the_fields_that_django_would_alter_are_flagged_and_no_others(option: str) -> None:
    files = {
        "shop/__init__.py": "",
        "shop/migrations/__init__.py": "",
        "shop/migrations/0001_initial.py": _migration(),
        "shop/models.py": _models(option),
    }
    given = [(path, text.encode()) for path, text in files.items()]
    report = check(given, project_of(files), Config(), [missing_migration.rule])
    lines = files["shop/models.py"].splitlines()
    flagged = {lines[each.span.line - 1].partition("=")[0].strip() for each in report.findings}
    assert flagged == ALTERED[option]
