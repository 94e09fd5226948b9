"""A relationship that was not loaded is read where it cannot be fetched.

An asynchronous session cannot stop to ask the database when an attribute is read: SQLAlchemy
raises `MissingGreenlet`. A relationship mapped with `lazy="raise"` raises as well. Load it in the
query with `selectinload` or `joinedload`, or await it: `await book.awaitable_attrs.author`.

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


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship()
```
```python shop/views.py
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shop.models import Book


async def author_of(session: AsyncSession, key: int):
    result = await session.execute(select(Book).where(Book.id == key))  # flagged
    book = result.scalar_one()
    return book.author.name
```
Bad: a mapping that raises, in any session.
```python shop/models.py
from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(lazy="raise")


def author_of(session, key):
    book = session.scalars(select(Book).where(Book.id == key)).one()  # flagged
    return book.author.name
```
Bad: options that a caller gives, and nobody uses.
```python shop/repository.py
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.base import ExecutableOption

from shop.models import Book


async def by_title(
    session: AsyncSession, title: str, *, options: Sequence[ExecutableOption] = ()
) -> Book | None:
    statement = select(Book).where(Book.title == title)  # flagged
    return await session.scalar(statement)
```
Good:
```python shop/models.py
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship()


async def author_of(session: AsyncSession, key: int):
    query = select(Book).where(Book.id == key).options(selectinload(Book.author))
    book = (await session.execute(query)).scalar_one()
    return book.author.name
```
Good: options that are used, or of something else.
```python shop/repository.py
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.base import ExecutableOption

from shop.models import Book


async def by_title(
    session: AsyncSession, title: str, *, options: Sequence[ExecutableOption] = ()
) -> Book | None:
    return await session.scalar(select(Book).where(Book.title == title).options(*options))


def listed(session, options: dict[str, str]):
    return session.scalars(select(Book).where(Book.title != ""))
```
Good: awaited, loaded by the mapping itself, refreshed, or only the key is read.
```python shop/models.py
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship()
    editor: Mapped[Author] = relationship(lazy="selectin")


async def names(session: AsyncSession, key: int):
    book = (await session.scalars(select(Book).where(Book.id == key))).one()
    author = await book.awaitable_attrs.author
    return author.name, book.editor.name, book.author_id


async def refreshed(session: AsyncSession, key: int):
    book = await session.get(Book, key)
    await session.refresh(book, ["author"])
    return book.author.name
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.flow.orm.findings import Unloaded
from rules.kit import Confidence, Flag, Here, Rule, Severity, dotted, find

_OPTIONS = frozenset({"ExecutableOption", "ORMOption", "Load", "Options", "LoaderOption"})
rule = Rule(
    __name__,
    __doc__,
    code="DBQ108",
    severity=Severity.ERROR,
    frameworks=("sqlalchemy",),
    checklist=("database.n-plus-one", "database.async-access"),
    scope="project",
    peers=(),
)


@rule.on(Unloaded)
def check(found: Unloaded, here: Here) -> Iterator[Flag]:
    if not found.alchemy or not found.fails:
        return
    why = (
        'is mapped with `lazy="raise"`' if found.raises else "would be fetched in an async session"
    )
    yield Flag(
        found.where,
        f"`{found.first.relation}` {why}: reading it raises, since the query for "
        f"`{found.model}` {found.at_query(here)} does not load {found.names}. "
        f"Add `{found.options}` to it.",
        confidence=Confidence.HOTSPOT if found.doubt else None,
        related=found.related(),
    )


@rule.on(cst.FunctionDef, words=("options",))
def check_options(function: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    """Options of loading that a method takes, and leaves aside."""
    given = [*function.params.params, *function.params.kwonly_params]
    loading = [each for each in given if each.name.value == "options" and _is_of_loading(each)]
    if not loading or any(each.value == "options" for each in find(function.body, cst.Name)):
        return
    built = next((e for e in find(function.body, cst.Call) if _builds_a_query(e)), None)
    if built is not None:
        yield Flag(
            built,
            f"`{function.name.value}` takes `options`, but its query is built without them: what a "
            "caller wants loaded is not there, and raises when it is read. Add "
            "`.options(*options)`.",
        )


def _is_of_loading(parameter: cst.Param) -> bool:
    if parameter.annotation is None:
        return False
    named = [each.value for each in find(parameter.annotation, cst.Name)]
    return any(each in _OPTIONS for each in named)


def _builds_a_query(call: cst.Call) -> bool:
    return dotted(call.func).rpartition(".")[2] in ("select", "where", "filter", "filter_by") or (
        isinstance(call.func, cst.Attribute) and call.func.attr.value in ("where", "filter")
    )
