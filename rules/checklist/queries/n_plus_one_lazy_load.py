"""A loop reads a relationship that its SQLAlchemy query does not load.

A relationship is fetched when it is first read: for each row, one more query. A `join` in the
query filters, but loads nothing. Say what to load with `options(joinedload(Book.author))` for one
row at the other end, `selectinload` for several. The same is true of columns that `load_only`
left out.

Bad:
```python shop/models.py
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list["Book"]] = relationship(back_populates="author")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(back_populates="books")
```
```python shop/views.py
from sqlalchemy import select

from shop.models import Book


def titles(session):
    for book in session.scalars(select(Book).where(Book.title > "m")):
        yield book.title, book.author.name  # flagged
```
Bad: joined to filter, and the older way to ask.
```python shop/models.py
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list["Book"]] = relationship(back_populates="author")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(back_populates="books")
```
```python shop/views.py
from shop.models import Author


def titles(session):
    authors = session.query(Author).join(Author.books).all()
    return {author.name: [book.title for book in author.books] for author in authors}  # flagged
```
Good:
```python shop/models.py
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list["Book"]] = relationship(back_populates="author")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(back_populates="books")
```
```python shop/views.py
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from shop.models import Author, Book


def titles(session):
    for book in session.scalars(select(Book).options(joinedload(Book.author))):
        yield book.title, book.author.name
```
Good: loaded, one row, and keys alone.
```python shop/models.py
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list["Book"]] = relationship(back_populates="author")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(back_populates="books")
```
```python shop/views.py
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from shop.models import Author, Book


def by_author(session):
    query = session.query(Author).options(selectinload(Author.books))
    return {author.name: [book.title for book in author.books] for author in query}


def one(session, key):
    book = session.get(Book, key)
    return book.title, book.author.name


def keys(session):
    return [book.author_id for book in session.query(Book)]
```
"""

from collections.abc import Iterator

from rules.flow.orm.findings import Unloaded
from rules.kit import Confidence, Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="DBQ107",
    severity=Severity.WARNING,
    frameworks=("sqlalchemy",),
    checklist=("database.n-plus-one",),
    scope="project",
    peers=(),
)


@rule.on(Unloaded)
def check(found: Unloaded, here: Here) -> Iterator[Flag]:
    if not found.alchemy or found.fails or found.kind == "template":
        return
    if found.first.how == "column":
        message = (
            f"`load_only` leaves out `{found.first.relation}`, which this loop reads: a query for "
            f"every `{found.model}`. Add the column to the query {found.at_query(here)}."
        )
    else:
        message = (
            f"`{found.code(here)}` runs a query for every `{found.model}`: the query "
            f"{found.at_query(here)} does not load {found.names}. Add `{found.options}` to it."
        )
    yield Flag(
        found.where,
        message,
        confidence=Confidence.HOTSPOT if found.doubt else None,
        related=found.related(),
    )
