"""A view makes its JSON by hand, in a project that has a framework for it.

Serializers and schemas check what comes in, say what goes out and document both. An answer that is
put together here has none of that, and looks another way than the others.

Bad:
```python shop/api.py
from rest_framework import serializers


class BookSerializer(serializers.Serializer):
    title = serializers.CharField()
```
```python shop/views.py
from django.http import JsonResponse

from shop.models import Book


def book(request, key):
    found = Book.objects.get(pk=key)
    return JsonResponse(  # flagged
        {"id": found.pk, "title": found.title, "price": found.price, "author": found.author.name}
    )
```
Good:
```python shop/api.py
from rest_framework import serializers


class BookSerializer(serializers.Serializer):
    title = serializers.CharField()
```
```python shop/views.py
from rest_framework.decorators import api_view
from rest_framework.response import Response

from shop.api import BookSerializer
from shop.models import Book


@api_view(["GET"])
def book(request, key):
    return Response(BookSerializer(Book.objects.get(pk=key)).data)
```
Good: a small answer, and a project without such a framework.
```python shop/api.py
from rest_framework import serializers
```
```python shop/views.py
from django.http import JsonResponse


def state(request):
    return JsonResponse({"state": request.user.state})
```
Good: JSON for a script of a page, in a project without an API.
```python shop/views.py
from django.http import JsonResponse


def book(request, found):
    return JsonResponse(
        {"id": found.pk, "title": found.title, "price": found.price, "author": found.author}
    )
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.python_modules import Modules
from rules.facts.routes import view_of
from rules.kit import Flag, Here, Project, Rule, Severity, argument

rule = Rule(
    __name__,
    __doc__,
    code="FWK129",
    severity=Severity.NOTICE,
    frameworks=("django",),
    checklist=("django.json-response",),
    scope="project",
    default=False,
)

_FEWEST = 4  # keys
_FRAMEWORKS = ("rest_framework.", "ninja.")


class _HasFramework:
    """Whether a project uses REST framework or Ninja."""

    @classmethod
    def gather(cls, project: Project) -> bool:
        modules: Modules = project.facts(Modules)
        return any(
            f"{target}.".startswith(_FRAMEWORKS)
            for record in modules.by_path.values()
            for target in record.imports.values()
        )


@rule.on(cst.Call, calls=("JsonResponse",))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    function = here.function(call)
    given = argument(call, 0, "data")
    if function is None or given is None or here.is_test:
        return
    value = here.value_of(given)
    if not isinstance(value, cst.Dict) or len(value.elements) < _FEWEST:
        return
    if "django.http.JsonResponse" not in here.names(call.func) or view_of(function, here) is None:
        return
    if here.project.facts(_HasFramework):
        yield Flag(
            call,
            f"`{function.name.value}` puts its JSON together by hand, where this project has serializers for "
            "it: nothing checks or documents this answer.",
        )
