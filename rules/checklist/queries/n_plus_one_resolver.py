"""A resolver asks the database for each parent object.

GraphQL calls the resolver of a field once for every object of a list: an owner for each of 100
books is 100 queries, whatever the query for the books loads. Give the keys to a data loader,
which fetches them together, or let an optimiser load them with the list.

Bad:
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```python shop/schema.py
import graphene

from shop import models


class AuthorType(graphene.ObjectType):
    name = graphene.String()
    newest = graphene.String()

    @staticmethod
    def resolve_newest(root: models.Author, info):
        return root.books.order_by("-pk").first().title  # flagged
```
Bad: related rows are returned, and a foreign key is left to the default resolver.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```python shop/schema.py
import graphene

from shop import models


class AuthorType(graphene.ObjectType):
    titles = graphene.List(graphene.String)

    class Meta:
        model = models.Author

    def resolve_titles(root, info):
        return [book.title for book in root.books.all()]  # flagged


class BookType(graphene.ObjectType):
    title = graphene.String()
    author = graphene.Field(AuthorType)  # flagged

    class Meta:
        model = models.Book
```
Good:
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```python shop/schema.py
import graphene

from shop import models
from shop.loaders import AuthorByIdLoader


class BookType(graphene.ObjectType):
    author = graphene.Field(graphene.String)

    class Meta:
        model = models.Book

    def resolve_author(root, info):
        return AuthorByIdLoader(info.context).load(root.author_id)
```
Good: hints for an optimiser, and the root of the schema, which is asked once.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```python shop/schema.py
import graphene
import graphene_django_optimizer as gql_optimizer

from shop import models


class AuthorType(graphene.ObjectType):
    titles = graphene.List(graphene.String)

    @gql_optimizer.resolver_hints(prefetch_related="books")
    def resolve_titles(root: models.Author, info):
        return [book.title for book in root.books.all()]


class Query(graphene.ObjectType):
    authors = graphene.List(AuthorType)

    def resolve_authors(root, info):
        return models.Author.objects.all()
```
"""

from collections.abc import Iterator

from rules.flow.orm.findings import Again, Unloaded
from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="DBQ106",
    severity=Severity.WARNING,
    frameworks=("django",),
    checklist=("database.n-plus-one",),
    scope="project",
    peers=(),
)


@rule.on(Unloaded)
def check(found: Unloaded, here: Here) -> Iterator[Flag]:
    if found.kind != "resolver":
        return
    yield Flag(
        found.where,
        f"{found.names} of each `{found.model}` is fetched here by a query of its own, once for "
        "every object of a list. Use a data loader, by the key.",
        related=found.related(),
    )


@rule.on(Again)
def check_queries(again: Again, here: Here) -> Iterator[Flag]:
    if again.kind != "resolver" or again.found.row is None or again.found.ran.writes:
        return
    yield Flag(
        again.where,
        f"`{again.code(here)}` runs a query for `{again.model}` for every object that this "
        "resolver is called for. Use a data loader, which asks for all of them at once.",
        related=again.related(),
    )
