"""What a session of SQLAlchemy knows of a row, and which file is told of what it lacks."""

from __future__ import annotations

import pytest
from trees import project_of

from rules.flow.orm.analysis import Missing, Orm, Repeated

MODELS = """
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    author: Mapped[Author] = relationship(lazy="raise")
    editor: Mapped[Author] = relationship(lazy="raise_on_sql")
    pages: Mapped[list["Page"]] = relationship(lazy="raise")


class Page(Base):
    __tablename__ = "pages"
    id: Mapped[int] = mapped_column(primary_key=True)
    book: Mapped[Book] = relationship(lazy="raise_on_sql")
    sheet: Mapped[Author] = relationship(lazy="raise")
    layer: Mapped[Author] = relationship(lazy="selectin")
"""
HEAD = (
    "from sqlalchemy import select\n"
    "from sqlalchemy.orm import contains_eager, joinedload, selectinload\n"
    "from shop.models import Author, Book, Page\n\n"
)
ONE = "    book = session.scalars(select(Book).where(Book.id == key)).one()\n"


def analysis(files: dict[str, str]) -> Orm:
    texts = {path: HEAD + text for path, text in files.items()}
    orm: Orm = project_of({"shop/__init__.py": "", "shop/models.py": MODELS} | texts).facts(Orm)
    return orm


def sure(code: str) -> list[str]:
    """The paths that are missing beyond doubt."""
    found = analysis({"shop/views.py": code}).of("shop/views.py")
    return [each.path for each in found if isinstance(each, Missing) and not each.doubt]


def test_a_relation_that_raises_is_missing() -> None:
    assert sure(f"def f(session, key):\n{ONE}    return book.author\n") == ["author"]


@pytest.mark.parametrize(
    "between",
    [
        "    session.scalars(select(Book).options(joinedload(Book.author))).all()\n",
        "    again(session, key)\n",
        '    renew(session, book)\n    session.refresh(book, ["pages"])\n',
        "    book.author = Author()\n",
        "    give(book)\n",
    ],
    ids=["another query", "a query in a call", "a refresh in a call", "set", "set in a call"],
)
def test_what_the_session_fetched_or_was_given_since_is_doubtful(between: str) -> None:
    helpers = (
        "def again(session, key):\n"
        "    query = select(Book).where(Book.id == key).options(selectinload(Book.author))\n"
        "    return session.scalars(query).one()\n\n"
        'def renew(session, book):\n    session.refresh(book, {"author"})\n\n'
        "def give(book):\n    book.author = Author()\n\n"
    )
    assert sure(f"{helpers}def f(session, key):\n{ONE}{between}    return book.author\n") == []


def test_a_query_after_the_read_brings_nothing_to_it() -> None:
    late = "    session.scalars(select(Book).options(joinedload(Book.author))).all()\n"
    assert sure(f"def f(session, key):\n{ONE}    name = book.author\n{late}    return name\n") == [
        "author"
    ]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ("    else:\n        book = LOADED\n    return book.author\n", ["author"]),
        ("        return book.author\n    book = LOADED\n    return book.author\n", ["author"]),
        ("    LOADED\n    return book.author\n", []),
    ],
    ids=["the other arm", "after the arm has left", "after both arms"],
)
def test_another_arm_of_a_branch_brings_nothing(other: str, expected: list[str]) -> None:
    loaded = "session.scalars(select(Book).options(joinedload(Book.author))).one()"
    code = f"def f(session, key, quick):\n    if quick:\n    {ONE}{other.replace('LOADED', loaded)}"
    assert sure(code) == expected


def test_a_row_that_points_back_is_in_the_session() -> None:
    load = "    book = session.scalars(select(Book).options(selectinload(Book.pages))).one()\n"
    read = "    return [page.{} for page in book.pages]\n"
    assert sure(f"def f(session):\n{load}{read.format('book')}") == []
    assert sure(f"def f(session):\n{load}{read.format('sheet')}") == ["pages__sheet"]


def test_rows_of_a_caller_are_not_said_to_raise() -> None:
    assert sure("def f(book: Book):\n    return [page.sheet for page in book.pages]\n") == []


def test_contains_eager_below_another_join_loads_nothing() -> None:
    load = (
        "    query = select(Book).options(selectinload(Book.pages).options({}(Page.sheet)))\n"
        "    book = session.scalars(query).one()\n"
        "    return [page.sheet for page in book.pages]\n"
    )
    assert sure(f"def f(session):\n{load.format('contains_eager')}") == ["pages__sheet"]
    assert sure(f"def f(session):\n{load.format('joinedload')}") == []


def test_what_the_mapping_loads_may_be_left_out_by_the_query() -> None:
    read = "    page = session.scalars(select(Page){}).one()\n    return used(page)\n"
    used = "def used(page):\n    return page.layer\n\n"
    head = "from sqlalchemy.orm import noload\n\n" + used
    assert sure(f"{head}def f(session):\n{read.format('')}") == []
    left_out = read.format(".options(noload(Page.layer))")
    assert sure(f"{head}def f(session):\n{left_out}") == ["layer"]


def test_both_the_query_and_its_options_elsewhere_are_told_of() -> None:
    options = "def options():\n    return (\n        joinedload(Book.pages),\n    )\n"
    query = (
        "from shop.loading import options\n\n"
        "def f(session):\n"
        "    book = session.scalars(select(Book).options(*options())).one()\n"
        "    return book.author\n"
    )
    orm = analysis({"shop/loading.py": options, "shop/views.py": query})
    (found,) = orm.refused_from("shop/loading.py")
    assert found.path == "author"
    assert found.options_at is not None
    assert (found.options_at.path, found.options_at.line) == ("shop/loading.py", 7)
    assert [each.path for each in orm.of("shop/views.py") if isinstance(each, Missing)] == [
        "author"
    ]


def runs(code: str) -> list[str]:
    found = analysis({"shop/views.py": code}).of("shop/views.py")
    return [each.ran.what for each in found if isinstance(each, Repeated)]


def test_what_is_executed_is_fetched_once() -> None:
    loop = "    for key in keys:\n        found = session.execute(select(Book).where(Book.id == key))\n"
    assert runs(f"def f(session, keys):\n{loop}        found.scalars().unique().all()\n") == [
        "execute"
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("book.author = author", ["set author"]),
        ("book.author = author\n        session.add(book)", ["set author"]),
        ("book.author = book.editor", []),
        ("send(book)\n        book.author = author", []),
    ],
)
def test_rows_that_are_all_set_alike_are_one_statement(body: str, expected: list[str]) -> None:
    code = f"    for book in session.scalars(select(Book)).all():\n        {body}\n"
    assert runs(f"def f(session, author):\n{code}") == expected


@pytest.mark.parametrize("condition", ["filter(Song.singer == {})", "filter_by(singer={})"])
def test_the_row_that_a_query_asks_with_is_in_the_session(condition: str) -> None:
    mapped = (
        "from sqlalchemy.orm import relationship\nfrom shop.models import Base\n\n"
        'class Song(Base):\n    __tablename__ = "songs"\n    singer: Mapped[Author] = relationship()\n\n'
    ).replace("relationship\nfrom", "Mapped, relationship\nfrom")
    loop = "    for song in session.query(Song).{}.all():\n        print(song.singer)\n"
    code = f"{mapped}def f(session, author: Author, name):\n{loop}"
    assert sure(code.format(condition.format("author"))) == []
    assert sure(code.format(condition.format("name"))) == ["singer"]


def test_a_column_says_that_one_row_is_at_the_other_end() -> None:
    mapped = (
        "from sqlalchemy import Column\nfrom sqlalchemy.orm import relationship\n"
        "from shop.models import Base\n\n"
        'class Poem(Base):\n    __tablename__ = "poems"\n    lines = relationship("Line")\n\n'
        'class Line(Base):\n    __tablename__ = "lines"\n'
        '    of = Column(ForeignKey("poems.id"))\n    poem = relationship("Poem")\n\n'
    ).replace("import Column", "import Column, ForeignKey")
    loop = (
        "    for poem in session.query(Poem).all():\n"
        "        for line in poem.lines:\n            print(line.poem)\n"
    )
    assert sure(f"{mapped}def f(session):\n{loop}") == ["lines"]


def test_rows_that_are_set_are_first_fetched_to_compare() -> None:
    assert sure(f"def f(session, key):\n{ONE}    book.pages = []\n    return book.pages\n") == [
        "pages"
    ]
    assert sure("def f():\n    book = Book()\n    book.pages = []\n") == []


LAZY = """
from sqlalchemy import Column, ForeignKey, Integer
from sqlalchemy.orm import declarative_base, relationship

Base = declarative_base()


class City(Base):
    __tablename__ = "cities"
    id = Column(Integer, primary_key=True)


class Shop(Base):
    __tablename__ = "shops"
    id = Column(Integer, primary_key=True)
    city_id = Column(ForeignKey("cities.id"))
    chain_id = Column(ForeignKey("chains.id"))
    city = relationship("City")
    chain = relationship("Chain")


class Chain(Base):
    __tablename__ = "chains"
    id = Column(Integer, primary_key=True)
    seat_id = Column(ForeignKey("cities.id"))
    seat = relationship("City")
"""


@pytest.mark.parametrize(
    ("loop", "expected"),
    [
        ("for s, n in session.query(Shop, func.count()).all():\n        s.city", {"Shop.city"}),
        ("for s, c in session.execute(select(Shop, Chain)):\n        s.city, c.seat", {"Shop.city", "Chain.seat"}),
        ("for s, c in session.query(Shop, City).join(Shop.city):\n        s.city", set()),
        ("for s, c in session.query(Shop, Chain).options(joinedload(Shop.city)):\n        s.city", set()),
        ("for s, c in session.query(Shop, Chain).with_entities(Shop.id, Chain.id):\n        s.city", set()),
        ("for key, n in session.query(Shop.id, func.count()):\n        key.city", set()),
        ("for row in session.query(Shop, Chain):\n        row[0].city", {"Shop.city"}),
    ],
)  # fmt: skip
def test_rows_of_several_entities_are_told_apart(loop: str, expected: set[str]) -> None:
    code = (
        "from sqlalchemy import func, select\nfrom sqlalchemy.orm import joinedload\n"
        f"from shop.models import Chain, City, Shop\n\ndef f(session):\n    {loop}\n"
    )
    files = {"shop/__init__.py": "", "shop/models.py": LAZY, "shop/views.py": code}
    orm: Orm = project_of(files).facts(Orm)
    found = [each for each in orm.of("shop/views.py") if isinstance(each, Missing)]
    assert {f"{each.model.rpartition('.')[2]}.{each.path}" for each in found} == expected
