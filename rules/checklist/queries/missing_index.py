"""Rows are looked up by columns of which none has an index.

The database reads the whole table for each lookup: nothing to notice with a hundred rows, and
seconds with a million. Give the column an index (`db_index=True`, `Meta.indexes`, `index=True`), or
look the rows up by one that has it.

Bad:
```python shop/models.py
from django.db import models


class Order(models.Model):
    number = models.CharField(max_length=20)
    email = models.EmailField()
    placed = models.DateTimeField(db_index=True)
```
```python shop/services.py
from shop.models import Order


def of_customer(email):
    return Order.objects.filter(email=email)  # flagged


def by_number(number):
    return Order.objects.get(number=number)  # flagged
```
Good:
```python shop/models.py
from django.db import models


class Order(models.Model):
    number = models.CharField(max_length=20, unique=True)
    email = models.EmailField()
    placed = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["email", "placed"])]
```
```python shop/services.py
from shop.models import Order


def of_customer(email):
    return Order.objects.filter(email=email)


def by_number(number):
    return Order.objects.get(number=number)
```
Good: another column of the lookup has an index, keys have one, and flags need none.
```python shop/models.py
from django.db import models


class Order(models.Model):
    owner = models.ForeignKey("auth.User", on_delete=models.CASCADE)
    email = models.EmailField()
    slug = models.SlugField()
    open = models.BooleanField()
    state = models.CharField(max_length=9, choices=[("new", "new"), ("done", "done")])


class Country(models.Model):
    code = models.CharField(max_length=2)
```
```python shop/services.py
from shop.models import Country, Order


def look(user, email, slug):
    Order.objects.filter(owner=user, email=email)
    Order.objects.filter(email=email).filter(pk__in=[1, 2])
    Order.objects.filter(slug=slug)
    Order.objects.filter(open=True)
    Order.objects.filter(state="new")
    Country.objects.get(code="DE")
    user.order_set.filter(email=email)
```
Good: searches that no plain index serves, tests and commands.
```python shop/models.py
from django.db import models


class Order(models.Model):
    email = models.EmailField()
```
```python shop/services.py
from shop.models import Order


def search(text):
    return Order.objects.filter(email__icontains=text)
```
```python shop/management/commands/export.py
from shop.models import Order

found = Order.objects.filter(email="a@example.org")
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.call_chain import is_lookup_table, makes_up_data
from rules.facts.django_models import Model, ModelField
from rules.facts.querysets import QueryReader
from rules.kit import Flag, Here, Related, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="DBQ116",
    severity=Severity.NOTICE,
    frameworks=("django",),
    checklist=("django.model-design", "database.indexes"),
    scope="project",
)

_WORTH = frozenset(
    """CharField EmailField URLField UUIDField IntegerField BigIntegerField PositiveIntegerField
    PositiveBigIntegerField GenericIPAddressField""".split()  # noqa: SIM905 - reads best so
)
_LOOKUPS = frozenset({"exact", "in"})
_NARROWING = ("filter", "get", "exclude")
_FEW = re.compile(
    r"(^|_)(status|state|type|kind|level|role|gender|currency|language|locale|mode|source)$"
)


@rule.on(cst.Call, calls=("filter", "get", "aget"), words=("objects",))
def check(node: cst.Call, here: Here) -> Iterator[Flag]:
    match node.func:
        case cst.Attribute(value=cst.Attribute(value=owner, attr=cst.Name(value="objects"))):
            pass
        case _:
            return
    if here.is_test or here.is_script or here.is_migration or here.function(node) is None:
        return
    asked = list(_asked(node, here))
    if not asked or None in asked:
        return
    model = QueryReader(here).model_of(owner) if not makes_up_data(here.path) else None
    if model is None or is_lookup_table(model.name) or model.open:
        return
    fields = [_field(each, model) for each in asked if each]
    found = [each for each in fields if each is not None]
    if len(found) == len(fields):
        names = ", ".join(f"`{each.name}`" for each in {each.name: each for each in found}.values())
        message = (
            f"No column of this lookup ({names}) has an index, so the whole table of "
            f"`{model.name}` is read for it; index the one that narrows most."
        )
        field = found[0]
        related = Related(field.path, field.record.line, f"`{field.name}` has no index")
        yield Flag(node, message, related=(related,))


def _asked(node: cst.Call, here: Here) -> Iterator[str | None]:
    """The lookups of a chain of filters; None for what cannot be read."""
    at: cst.Call = node
    while True:
        for each in at.args:
            yield each.keyword.value if each.keyword is not None else None
        above = here.parent(at)
        beyond = here.parent(above) if isinstance(above, cst.Attribute) else None
        if not isinstance(beyond, cst.Call) or beyond.func is not above:
            return
        if isinstance(above, cst.Attribute) and above.attr.value not in _NARROWING:
            return
        at = beyond


def _field(lookup: str, model: Model) -> ModelField | None:
    """The field of a lookup, if an index would serve it and there is none."""
    name, _, how = lookup.partition("__")
    field = model.fields.get(name)
    if field is None or (how and how not in _LOOKUPS) or field.type not in _WORTH:
        return None
    given = field.record.keywords
    if "True" in (given.get("unique"), given.get("db_index"), given.get("primary_key")):
        return None
    if "choices" in given or _FEW.search(name) or "**" in given:
        return None
    texts = " ".join(
        model.options.get(each, "")
        for each in ("indexes", "constraints", "unique_together", "index_together")
    )
    return None if re.search(rf"['\"]-?{name}['\"]", texts) else field
