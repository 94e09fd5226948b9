"""A relation is no longer loaded with its query, and is still read for each row.

The change takes `select_related`, `prefetch_related` or a loader option away, and the code that
reads the relation stays: what was one query becomes one for every row. Keep the option, or take
the reads away too.

Before:
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class BookQuerySet(models.QuerySet):
    def listed(self):
        return self.filter(listed=True).select_related("author")


class Book(models.Model):
    listed = models.BooleanField()
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    objects = BookQuerySet.as_manager()
```
```python shop/views.py
from shop.models import Book


def names():
    return [book.author.name for book in Book.objects.listed()]
```
Bad:
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class BookQuerySet(models.QuerySet):
    def listed(self):
        return self.filter(listed=True)  # flagged


class Book(models.Model):
    listed = models.BooleanField()
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    objects = BookQuerySet.as_manager()
```
```python shop/views.py
from shop.models import Book


def names():
    return [book.author.name for book in Book.objects.listed()]
```
Before:
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class BookQuerySet(models.QuerySet):
    def listed(self):
        return self.filter(listed=True).select_related("author")


class Book(models.Model):
    listed = models.BooleanField()
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    objects = BookQuerySet.as_manager()
```
```python shop/views.py
from shop.models import Book


def names():
    return [book.author.name for book in Book.objects.listed()]
```
Good: the reads go with it.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class BookQuerySet(models.QuerySet):
    def listed(self):
        return self.filter(listed=True)


class Book(models.Model):
    listed = models.BooleanField()
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    objects = BookQuerySet.as_manager()
```
```python shop/views.py
from shop.models import Book


def names():
    return [book.author_id for book in Book.objects.listed()]
```
Before:
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class BookQuerySet(models.QuerySet):
    def listed(self):
        return self.filter(listed=True).select_related("author")


class Book(models.Model):
    listed = models.BooleanField()
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    objects = BookQuerySet.as_manager()
```
```python shop/views.py
from shop.models import Book


def names():
    return [book.author.name for book in Book.objects.listed()]
```
Good: loaded by another name.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class BookQuerySet(models.QuerySet):
    def listed(self):
        return self.filter(listed=True).prefetch_related("author")


class Book(models.Model):
    listed = models.BooleanField()
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    objects = BookQuerySet.as_manager()
```
```python shop/views.py
from shop.models import Book


def names():
    return [book.author.name for book in Book.objects.listed()]
```
"""

import re
from collections.abc import Iterator

from rules.facts.python_modules import Modules, absolute_target
from rules.flow.orm.analysis import Missing, Orm
from rules.kit import Change, FileChange, Flag, Here, Project, Related, Rule, Severity
from rules.kit.paths import is_migration, is_test

rule = Rule(
    __name__,
    __doc__,
    code="DBQ111",
    severity=Severity.WARNING,
    checklist=("database.query-efficiency",),
    scope="pr",
    peers=(),
    yields_to=("DBQ101", "DBQ103", "DBQ104", "DBQ105", "DBQ107", "DBQ108"),
)

_EAGER = re.compile(
    rb"select_related|prefetch_related|joinedload|selectinload|subqueryload|contains_eager"
)
_MAX_USERS = 12  # files that import the changed one, and are looked at again


@rule.on(Change)
def check(change: Change, here: Here) -> Iterator[Flag]:
    for each in change.files:
        if _drops(each):
            yield from _flags(each, change)


def _drops(file: FileChange) -> bool:
    """Whether a line goes that loads a relation."""
    if not file.path.endswith(".py") or file.before is None or file.after is None:
        return False
    if is_test(file.path) or is_migration(file.path):
        return False
    lines = file.before.splitlines()
    return any(_EAGER.search(lines[n - 1]) for n in file.removed if n <= len(lines))


def _flags(file: FileChange, change: Change) -> Iterator[Flag]:
    lines = (file.before or b"").splitlines()
    gone = b"\n".join(lines[n - 1] for n in file.removed if n <= len(lines)).decode(
        "utf-8", "replace"
    )
    seen: set[str] = set()
    told = {each.path for each in change.files}  # what reads there is a finding of its own
    for path in _users(file.path, change.after):
        before = {_key(each) for each in _missing(path, change.before)}
        for each in _missing(path, change.after):
            name = each.path.rpartition("__")[2]
            if (
                _key(each) in before
                or each.path in seen
                or each.place.path in told
                or not re.search(rf"\b{name}\b|__{name}\b", gone)
            ):
                continue
            seen.add(each.path)
            yield Flag(
                _line(file, each),
                f"`{each.path}` of `{each.model.rpartition('.')[2]}` is no longer loaded here, and "
                f"{each.place.path}:{each.place.line} still reads it for every row. Keep loading it.",
                path=file.path,
                related=(Related(each.place.path, each.place.line, "still read here"),),
                identity=f"{each.model} {each.path}",
            )


def _line(file: FileChange, found: Missing) -> int:
    """The query, where it stands in this file; else the changed line that is nearest."""
    place = found.query.place if found.query is not None else None
    if place is not None and place.path == file.path:
        return place.line
    near = min(file.removed, default=1)
    return min(file.added, key=lambda line: abs(line - near), default=near)


def _missing(path: str, project: Project) -> list[Missing]:
    orm: Orm = project.facts(Orm)
    return [each for each in orm.of(path) if isinstance(each, Missing) and not each.doubt]


def _key(found: Missing) -> tuple[str, str, str]:
    return (found.entry, found.model, found.path)


def _stands_at(module: str, path: str) -> bool:
    """Whether a dotted name may be that of a file, folders above the package left out."""
    stem = path.removesuffix(".py").removesuffix("/__init__")
    return bool(module) and f"/{stem}".endswith(f"/{module.replace('.', '/')}")


def _users(path: str, project: Project) -> list[str]:
    """The file and those that import from it."""
    modules: Modules = project.facts(Modules)
    if path not in modules.by_path:
        return []
    found = [path]
    for other, record in modules.by_path.items():
        if is_test(other) or is_migration(other) or other == path:
            continue
        package = other.endswith("__init__.py")
        home = modules.name_of.get(other, "")
        for target in record.imports.values():
            full = absolute_target(target, home, is_package=package)
            if _stands_at(full, path) or _stands_at(full.rpartition(".")[0], path):
                found.append(other)
                break
    return found[: _MAX_USERS + 1]
