"""What is asked on every turn of a loop and what is not, who is told, and whether the fix runs."""

from __future__ import annotations

import ast

import pytest
from trees import project_of

from rules.engine.config import Config, ReviewConfig
from rules.engine.discover import all_rules
from rules.engine.finding import Finding
from rules.engine.fix import apply
from rules.engine.run import check

MODELS = """
from django.db import models

class Publisher(models.Model):
    name = models.TextField()

class Author(models.Model):
    publisher = models.ForeignKey(Publisher, models.CASCADE)
    editor = models.ForeignKey(Publisher, models.CASCADE, related_name="edited")

class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    cover = models.ForeignKey(Publisher, models.CASCADE)
    fans = models.ManyToManyField(Publisher, related_name="liked")
"""
HEAD = "from shop.models import Author, Book, Publisher\n\n"


def told(files: dict[str, str], *codes: str) -> list[Finding]:
    whole = {"shop/__init__.py": "", "shop/models.py": MODELS} | {
        path: HEAD + text for path, text in files.items()
    }
    rules = [each for each in all_rules() if each.code in codes]
    config = Config(review=ReviewConfig(confidence="all"))
    given = [(path, text.encode()) for path, text in whole.items()]
    report = check(given, project_of(whole), config, rules)
    assert report.crashes == ()
    return list(report.findings)


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("def f(author: Author):\n    return max(author.books.all()).cover.name\n", 0),
        ("def f(author: Author):\n    return author.books.all()[0].cover.name\n", 0),
        ("def f(author: Author):\n    return next(iter(author.books.all())).cover.name\n", 0),
        ("def f(author: Author):\n    return [b.cover.name for b in author.books.all()]\n", 1),
        ("def f():\n    return [max(a.books.all()).cover for a in Author.objects.all()]\n", 1),
    ],
)
def test_what_one_chosen_row_reads_is_read_once(code: str, count: int) -> None:
    assert sum("cover" in each.message for each in told({"shop/a.py": code}, "DBQ101")) == count


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("for keys in parts:\n        list(Book.objects.filter(pk__in=keys))", 0),
        ("for keys in parts:\n        list(Book.objects.filter(pk__in=[k for k in keys]))", 0),
        ("for keys in parts:\n        list(Book.objects.filter(pk__in=set(keys)))", 0),
        ("for _, keys in parts:\n        k = [x for x in keys]\n        list(Book.objects.filter(pk__in=k))", 0),
        ("for keys in parts:\n        list(Book.objects.filter(pk__in=parts))", 1),
        ("for key in parts:\n        list(Book.objects.filter(author=key))", 1),
        ("for author in Author.objects.all():\n        own = author.books.filter(pk=1)\n        list(Author.objects.filter(books__in=own))", 1),
    ],
)  # fmt: skip
def test_a_loop_over_portions_asks_for_each_at_once(body: str, count: int) -> None:
    assert len(told({"shop/a.py": f"def f(parts):\n    {body}\n"}, "DBQ102")) == count


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("if x.name == key:\n            return Book.objects.get(pk=x)", 0),
        ("if x.name == key:\n            found = Book.objects.get(pk=x)\n            break", 0),
        ("if x.name == key:\n            Book.objects.get(pk=x)", 1),
        ("while True:\n            rows = list(Book.objects.filter(pk__gt=x)[:9])\n            if not rows:\n                break", 0),
        ("if x in known:\n            print(x)", 0),
        ("if x in Book.objects.filter(pk=x):\n            print(x)", 1),
    ],
)  # fmt: skip
def test_what_is_not_asked_on_every_turn(body: str, count: int) -> None:
    code = (
        "def known_keys():\n    return Book.objects.values_list('pk', flat=True)\n\n"
        f"def f(xs, key):\n    known = known_keys()\n    for x in xs:\n        {body}\n"
    )
    assert len(told({"shop/a.py": code}, "DBQ102")) == count


@pytest.mark.parametrize(
    ("use", "count"), [("len(found)", 1), ("list(found)", 1), ("print(found)", 1), ("found.count()", 2)]
)  # fmt: skip
def test_rows_that_a_variable_keeps_are_not_asked_for_again(use: str, count: int) -> None:
    code = (
        "def f(keys):\n    for key in keys:\n        found = Book.objects.filter(author=key)\n"
        f"        {use}\n        print(found[0])\n"
    )
    assert len(told({"shop/a.py": code}, "DBQ102")) == count


def test_a_portion_is_no_row() -> None:
    """A query that is given all rows of another at once is one query."""
    code = (
        "def f():\n    by_key = {b.pk: b for b in Book.objects.all()}\n"
        "    return list(Author.objects.filter(books__in=by_key.values()))\n"
    )
    assert told({"shop/a.py": code}, "DBQ102") == []


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        ("Book.objects.bulk_update(x, ['cover'])", ""),
        ("Book.objects.bulk_create(x)", ""),
        ("Publisher.objects.create(name=x)", "call `bulk_create` once"),
        ("Publisher.objects.get_or_create(name=x)", "ignore_conflicts=True)` once"),
        ("Publisher.objects.update_or_create(name=x)", "update_conflicts=True)` once"),
        ("Book.objects.get(pk=1).fans.set([x])", "rows of the `through` model"),
    ],
)
def test_advice_on_writes_fits_what_is_written(body: str, advice: str) -> None:
    found = told({"shop/a.py": f"def f(xs):\n    for x in xs:\n        {body}\n"}, "DBQ109")
    assert [advice in each.message for each in found] == ([True] if advice else [])


def test_rows_written_at_once_outside_of_a_loop_are_no_loop() -> None:
    code = (
        "def f():\n    books = [b for b in Book.objects.all()]\n"
        "    Book.objects.bulk_update(books, ['cover'])\n"
    )
    assert told({"shop/a.py": code}, "DBQ109") == []


INSIDE = (
    "def deep():\n    for book in Book.objects.all():\n        print(book.author)\n\n"
    "def over(author: Author):\n    for book in author.books.all():\n        print(book.cover)\n"
)


@pytest.mark.parametrize("call", ["deep()", "over(author)", "[deep() for _ in author]"])
def test_who_only_calls_what_goes_through_rows_is_not_told(call: str) -> None:
    caller = f"from shop.inside import deep, over\n\ndef f(author: Author):\n    {call}\n"
    found = told({"shop/inside.py": INSIDE, "shop/a.py": caller}, "DBQ101")
    assert {each.path for each in found} == {"shop/inside.py"}


def test_who_asks_for_the_rows_that_another_file_goes_through_is_told() -> None:
    loop = "def show(books):\n    for book in books:\n        print(book.author)\n"
    caller = "from shop.inside import show\n\ndef f():\n    show(Book.objects.all())\n"
    (found,) = told({"shop/inside.py": loop, "shop/a.py": caller}, "DBQ101")
    assert (found.path, "which shop/inside.py" in found.message) == ("shop/a.py", True)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("Book.objects.filter(\n        pk__gt=1\n    )", "the rows of `Book.objects.filter(...)`"),
        ("Book.objects.using(\n        'b'\n    ).filter(pk__gt=1)", "these rows"),
    ],
)
def test_a_query_elsewhere_for_each_row_is_told_at_the_query_for_these(
    query: str, rows: str
) -> None:
    loop = (
        "def show(books):\n    for book in books:\n"
        "        for fan in book.fans.all()[:3]:\n            print(fan)\n"
    )
    caller = f"from shop.inside import show\n\ndef f():\n    show({query})\n"
    found = told({"shop/inside.py": loop, "shop/a.py": caller}, "DBQ102")
    (said,) = [each.message for each in found if each.path == "shop/a.py"]
    assert said.startswith(f"For each of {rows} a query for `Publisher` runs (at shop/inside.py:5)")


def test_a_loop_in_another_file_is_not_called_this_loop() -> None:
    covers = (
        "def cover(book):\n    return book.cover\n\n"
        "def covers(author):\n    return list(map(cover, author.books.all()))\n"
    )
    caller = (
        "from shop.inside import covers\n\n"
        "def f():\n    author = Author.objects.get(pk=1)\n    covers(author)\n"
    )
    found = told({"shop/inside.py": covers, "shop/a.py": caller}, "DBQ101")
    (said,) = [each.message for each in found if each.path == "shop/a.py"]
    assert "every row that shop/inside.py:4 reads: the query on `Author` in line 6" in said


def test_relations_that_one_expression_reads_are_told_together() -> None:
    code = (
        "def name(book):\n    return book.author.publisher.name, book.author.editor.name\n\n"
        "def f():\n    for book in Book.objects.all():\n        name(book)\n"
    )
    (found,) = told({"shop/a.py": code}, "DBQ101")
    assert '.select_related("author__publisher", "author__editor")' in found.message


@pytest.mark.parametrize(
    ("query", "cured"),
    [
        ("Author.objects.get(pk=k)", 'Author.objects.prefetch_related("books__cover").get(pk=k)'),
        (
            "Author.objects.filter(pk=k).first()",
            'Author.objects.filter(pk=k).prefetch_related("books__cover").first()',
        ),
        (
            "get_object_or_404(Author, pk=k)",
            'get_object_or_404(Author.objects.prefetch_related("books__cover"), pk=k)',
        ),
    ],
)
def test_the_fix_of_one_row_asks_the_query_and_not_the_row(query: str, cured: str) -> None:
    code = (
        "from django.shortcuts import get_object_or_404\n\n"
        f"def f(k):\n    author = {query}\n    for book in author.books.all():\n"
        "        print(book.cover)\n"
    )
    (found,) = told({"shop/a.py": code}, "DBQ101")
    assert found.fix is not None
    text = apply(HEAD + code, found.fix.edits)
    assert text is not None
    assert cured in text
    ast.parse(text)


def test_relations_that_are_loaded_for_rows_that_are_there_are_loaded() -> None:
    code = (
        "from django.db.models import prefetch_related_objects\n\n"
        "def f():\n    authors = list(Author.objects.all())\n"
        "    prefetch_related_objects(authors, 'books__cover')\n"
        "    for author in authors:\n        print([b.cover for b in author.books.all()])\n"
    )
    assert told({"shop/a.py": code}, "DBQ101", "DBQ102") == []
