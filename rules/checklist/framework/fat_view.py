"""A view holds the business logic.

What decides, computes and writes here can only be reached with a request: a command, a task or
another view cannot use it, and a test has to go through HTTP. Leave reading the request and
writing the answer to the view, and move the rest to a service or the model.

Bad:
```python
from django.http import JsonResponse

from shop.models import Line, Order, Stock


def checkout(request):  # flagged
    cart = request.user.cart
    order = Order(user=request.user)
    total = 0
    if not cart.lines.exists():
        return JsonResponse({"error": "empty"}, status=400)
    if cart.is_locked:
        return JsonResponse({"error": "locked"}, status=409)
    order.save()
    for line in cart.lines.select_related("book"):
        stock = Stock.objects.get(book=line.book)
        if stock.left < line.number:
            order.delete()
            return JsonResponse({"error": "sold out"}, status=409)
        price = line.book.price
        if line.book.on_sale:
            price = price * 8 // 10
        if request.user.is_member:
            price = price * 9 // 10
        if line.number > 10:
            price = price * 95 // 100
        total += price * line.number
        stock.left -= line.number
        stock.save()
        Line.objects.create(order=order, book=line.book, price=price)
    if total > 5000:
        order.shipping = 0
    elif request.user.country == "DE":
        order.shipping = 400
    else:
        order.shipping = 900
    order.total = total + order.shipping
    order.state = "open"
    order.save()
    cart.lines.all().delete()
    cart.is_locked = False
    cart.save()
    return JsonResponse({"order": order.pk})
```
Good:
```python
from django.http import JsonResponse

from shop.services import SoldOut, place_order


def checkout(request):
    try:
        order = place_order(request.user)
    except SoldOut:
        return JsonResponse({"error": "sold out"}, status=409)
    return JsonResponse({"order": order.pk})
```
Good: many steps of asking and answering, but one write.
```python
from django.shortcuts import redirect, render

from shop.forms import ProfileForm


def profile(request):
    if not request.user.is_authenticated:
        return redirect("login")
    if request.method == "POST":
        form = ProfileForm(request.POST)
        if form.is_valid():
            form.save()
            return redirect("profile")
    else:
        form = ProfileForm()
    return render(request, "profile.html", {"form": form})
```
Good: the logic is where it belongs.
```python shop/services.py
def place_order(user):
    for line in user.cart.lines.all():
        line.save()
    user.cart.save()
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.endpoints import is_endpoint
from rules.facts.function_size import LargeFunction
from rules.kit import Flag, Here, Rule, Severity, find

rule = Rule(
    __name__,
    __doc__,
    code="FWK101",
    severity=Severity.NOTICE,
    checklist=("quality.separation", "django.view-logic", "django.fat-views"),
    scope="project",
    yields_to=("QLT110", "QLT111"),
)

_WRITES = frozenset(
    {"save", "create", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "delete"}
    | {"add_all", "commit", "merge", "flush"}
)
_MOST_WRITES, _MOST_WAYS, _MOST_STATEMENTS = 4, 8, 30


@rule.on(LargeFunction)
def check(found: LargeFunction, here: Here) -> Iterator[Flag]:
    size = found.size
    if size.ways < _MOST_WAYS or size.statements < _MOST_STATEMENTS or here.is_script:
        return
    if not is_endpoint(found.node, here):
        return
    writes = sum(1 for each in find(found.node.body, cst.Call) if _writes(each))
    if writes >= _MOST_WRITES:
        yield Flag(
            found.node,
            f"`{found.node.name.value}` decides and writes in {size.statements} statements, {writes} of "
            "them to the database: only a request can reach this logic. Move it to a service or the model.",
        )


def _writes(call: cst.Call) -> bool:
    match call.func:
        case cst.Attribute(value=owner, attr=cst.Name(value=name)):
            form = isinstance(owner, cst.Name) and "form" in owner.value
            return name in _WRITES and not form
        case _:
            return False
