"""Loops over query sets: which reads run a query for every row, and which do not."""

from __future__ import annotations

import pytest
from trees import project_of

from rules.checklist.queries import n_plus_one_attribute, queryset_evaluated_for_count
from rules.engine.config import Config, ReviewConfig
from rules.engine.run import check
from rules.kit import Rule

MODELS = """
from django.db import models

class Publisher(models.Model):
    name = models.TextField()

class Author(models.Model):
    publisher = models.ForeignKey(Publisher, models.CASCADE)

class Tag(models.Model):
    pass

class LoadedManager(models.Manager):
    def get_queryset(self):
        return super().get_queryset().select_related("author")

class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    tags = models.ManyToManyField(Tag)
    slug = models.SlugField(unique=True)
    objects = models.Manager()
    loaded = LoadedManager()

class Cover(models.Model):
    book = models.OneToOneField(Book, models.CASCADE, related_name="cover")
"""


def findings(rule: Rule, code: str) -> list[tuple[str, str]]:
    body = "from shop.models import Author, Book, Cover, Publisher\n\n" + code
    files = {"shop/__init__.py": "", "shop/models.py": MODELS, "shop/views.py": body}
    given = [(path, text.encode()) for path, text in files.items()]
    report = check(given, project_of(files), Config(review=ReviewConfig(confidence="all")), [rule])
    assert report.crashes == ()
    return [(each.confidence.value, each.message) for each in report.findings]


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        ("[b.author for b in Book.objects.all()]", 'select_related("author")'),
        (
            "[b.author.publisher.name for b in Book.objects.all()]",
            'select_related("author__publisher")',
        ),
        (
            'for b in Book.objects.select_related("author"):\n    b.author.publisher.name',
            'select_related("author__publisher")',
        ),
        (
            'for b in Book.objects.prefetch_related("author"):\n    b.author.publisher',
            'prefetch_related("author__publisher")',
        ),
        ("[list(b.tags.all()) for b in Book.objects.all()]", 'prefetch_related("tags")'),
        ("[b.cover for b in Book.objects.all()]", 'select_related("cover")'),
        ("sorted(Book.objects.all(), key=lambda b: b.author.pk)", 'select_related("author")'),
        ("for b in Book.loaded.all():\n    b.author.publisher", "author__publisher"),
        (
            "for b in Book.objects.all()[:9]:\n    a = b.author\n    a.publisher",
            "author__publisher",
        ),
        (
            "[b.author.publisher for a in Author.objects.all() for b in a.books.all()]",
            'select_related("publisher")',
        ),
        ("for c in Cover.objects.all():\n    c.book.cover\n    c.book.author", "book__author"),
        (
            "rows = Author.objects.all()\nrows = Book.objects.all()\nfor b in rows:\n    b.author",
            'select_related("author")',
        ),
    ],
)
def test_the_message_names_the_missing_path(code: str, cure: str) -> None:
    found = findings(n_plus_one_attribute.rule, _function(code))
    assert len([message for _, message in found if cure in message]) == 1


@pytest.mark.parametrize(
    "code",
    [
        "[b.author_id for b in Book.objects.all()]",
        "[b.pk for b in Book.objects.all()]",
        "[b['author'] for b in Book.objects.values('author')]",
        "[b.author for b in Book.objects.filter(slug='x')]",
        "[b.author for b in Book.objects.all()[:1]]",
        "[b.author for b in Book.loaded.filter(pk__gt=1)]",
        "for b in Book.objects.select_related():\n    b.author",
        "for b in Book.objects.select_related(*names):\n    b.author",
        "for a in Author.objects.prefetch_related('books'):\n    [b.author for b in a.books.all()]",
        "for b in Book.objects.all():\n    b.author = None\n    print(b.author)",
        "for b in Book.objects.all():\n    if b.author_id in seen:\n        seen.add(b.author)",
        "for b in Book.objects.all():\n    raise ValueError(b.author)",
        "for b in Book.objects.all():\n    b.tags.filter(pk=1)",
        "for b in Book.objects.all():\n    for b in other:\n        b.author",
        "qs = Book.objects.all()\nif x:\n    qs = qs.select_related('author')\nfor b in qs:\n    b.author",
        "for b in Book.objects.unknown():\n    b.author",
        "for a in Author.objects.get(pk=1).books.all():\n    a.author",
        "for b in (1, 2):\n    b.author",
    ],
)
def test_what_costs_no_query_for_each_row_is_spared(code: str) -> None:
    assert findings(n_plus_one_attribute.rule, _function(code)) == []


def test_rows_of_a_given_instance_may_have_been_prefetched_where_anybody_does_it() -> None:
    code = "def f(author: Author):\n    for b in author.books.all():\n        b.cover\n"
    assert [c for c, _ in findings(n_plus_one_attribute.rule, code)] == ["proven"]
    for path in ("books__cover", "authors__books__cover"):
        elsewhere = f'\n\ndef g():\n    return Publisher.objects.prefetch_related("{path}")\n'
        found = findings(n_plus_one_attribute.rule, code + elsewhere)
        assert [c for c, _ in found] == ["hotspot"]
    narrowed = code.replace("all()", "filter(slug__gt='a')")
    assert [c for c, _ in findings(n_plus_one_attribute.rule, narrowed)] == ["proven"]


def test_two_loops_over_one_query_are_one_finding() -> None:
    code = "rows = Book.objects.all()\n[b.author for b in rows]\n[b.author for b in rows]"
    assert len(findings(n_plus_one_attribute.rule, _function(code))) == 1


@pytest.mark.parametrize(
    ("code", "flagged"),
    [
        ("return len(Book.objects.all())", True),
        ("return len(list(Book.objects.filter(pk__gt=1)))", True),
        ("return len(Book.objects.filter(pk__gt=1)) == 0", True),
        ("return Book.objects.count() != 0", True),
        ("if Book.objects.filter(slug='x'):\n    pass", True),
        ("rows = Book.objects.all()\nreturn bool(rows)", True),
        ("rows = Book.objects.all()\nif rows:\n    print(rows)", False),
        ("rows = list(Book.objects.all())\nreturn len(rows)", False),
        ("return Book.objects.count() > 1", False),
        ("return len(author.books.all())", False),
        ("return len(Book.objects.get(pk=1).slug)", False),
        ("if Book.objects.filter(slug='x').exists():\n    pass", False),
    ],
)
def test_rows_that_are_only_counted_are_flagged(code: str, *, flagged: bool) -> None:
    found = findings(queryset_evaluated_for_count.rule, _function(code))
    assert len(found) == int(flagged)


def _function(code: str) -> str:
    return "def view(x, seen, names, other, author):\n    " + code.replace("\n", "\n    ") + "\n"
