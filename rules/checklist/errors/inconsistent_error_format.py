"""An error is answered in another shape than the project's others.

Clients read errors in one place. Where each endpoint has a key of its own, they show the wrong
text, or none, until each has a special case for each. Use the shape of the others, best through
one handler for all.

Bad:
```python shop/orders.py
from django.http import JsonResponse


def order(request, basket):
    if not basket:
        return JsonResponse({"error": "The basket is empty."}, status=400)
    if basket.is_old:
        return JsonResponse({"error": "The basket is too old."}, status=410)
    if basket.is_paid:
        return JsonResponse({"error": "The basket is paid."}, status=409)
    if basket.is_locked:
        return JsonResponse({"error": "The basket is locked."}, status=423)
    return JsonResponse({"order": basket.order()})


def cancel(request, order):
    if order is None:
        return JsonResponse({"error": "No such order."}, status=404)
    if order.is_sent:
        return JsonResponse({"msg": "It is on its way."}, status=409)  # flagged
    return JsonResponse({})
```
```python shop/books.py
from rest_framework import status
from rest_framework.response import Response


def book(request, found):
    if not request.user:
        return Response({"error": "Log in."}, status=401)
    if not request.user.is_active:
        return Response({"error": "Locked."}, status=status.HTTP_403_FORBIDDEN)
    if found is None:
        return Response({"error": "No such book."}, status.HTTP_404_NOT_FOUND)
    if found.is_hidden:
        return Response({"error": "Hidden."}, status=status.HTTP_403_FORBIDDEN)
    if found.is_gone:
        return Response({"error": "Gone."}, status=410)
    return Response({})
```
Good:
```python shop/orders.py
from django.http import JsonResponse


def order(request, basket):
    if not basket:
        return JsonResponse({"error": "The basket is empty."}, status=400)
    return JsonResponse({"order": basket.order()})
```
Good: the word of a framework's own errors.
```python shop/orders.py
from rest_framework.response import Response


def order(request, basket):
    if not basket:
        return Response({"detail": "The basket is empty."}, status=400)
    return Response({"order": basket.order()})
```
Good: too few to have a usual shape.
```python shop/orders.py
from flask import jsonify


def order(basket):
    if not basket:
        return jsonify({"error": "The basket is empty."}), 400
    if basket.is_old:
        return jsonify(message="The basket is too old."), 410
    return jsonify({"message": "ordered"})
```
"""

from collections.abc import Iterator

from rules.facts.error_shapes import ErrorShapes
from rules.kit import Flag, Here, PythonFile, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="ERR106",
    severity=Severity.NOTICE,
    checklist=("fastapi.exceptions", "errors.response-format"),
    scope="project",
)

# Frameworks whose own errors say `detail`.
_SAYING_DETAIL = ("rest_framework", "fastapi", "ninja")


@rule.on(PythonFile, words=("JsonResponse", "Response", "JSONResponse", "jsonify"))
def check(_file: PythonFile, here: Here) -> Iterator[Flag]:
    shapes: ErrorShapes = here.project.facts(ErrorShapes)
    for each in shapes.others.get(here.path, ()):
        if each.key == "detail" and here.mentions(_SAYING_DETAIL):
            continue
        yield Flag(
            each.line,
            f"This error is told under `{each.key}`, and {shapes.count} others of the project "
            f"under `{shapes.usual}`, which is where clients look. Use the same key.",
        )
