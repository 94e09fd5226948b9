"""Any row can be fetched by its id, while the code around fetches only the caller's own.

Being logged in is not enough: who counts ids up reads what belongs to others. Ask for the owner
in the same query, as the other views do, or compare it before anything is done with the row.

Bad:
```python shop/views.py
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, render

from shop.models import Order

@login_required
def orders(request):
    return render(request, "orders.html", {"orders": Order.objects.filter(customer=request.user)})

@login_required
def show(request, pk):
    order = get_object_or_404(Order, pk=pk)  # flagged
    return render(request, "order.html", {"order": order})
```
Good:
```python shop/views.py
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, render

from shop.models import Order

@login_required
def orders(request):
    return render(request, "orders.html", {"orders": Order.objects.filter(customer=request.user)})

@login_required
def show(request, pk):
    order = get_object_or_404(Order, pk=pk, customer=request.user)
    return render(request, "order.html", {"order": order})
```
Bad:
```python shop/routes.py
from fastapi import APIRouter, Depends

from shop.deps import get_current_user, get_session
from shop.models import Order

router = APIRouter()

@router.get("/orders")
def orders(session=Depends(get_session), user=Depends(get_current_user)):
    return session.query(Order).filter(Order.customer_id == user.id).all()

@router.delete("/orders/{number}")
def cancel(number: int, session=Depends(get_session), user=Depends(get_current_user)):
    session.delete(session.get(Order, number))  # flagged
    session.commit()
```
Good: the owner is compared afterwards, or nobody's rows have an owner.
```python shop/views.py
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, render

from shop.models import Book, Order

@login_required
def orders(request):
    return render(request, "orders.html", {"orders": Order.objects.filter(customer=request.user)})

@login_required
def show(request, pk):
    order = get_object_or_404(Order, pk=pk)
    if order.customer != request.user:
        raise PermissionDenied
    return render(request, "order.html", {"order": order})

def book(request, pk):
    return render(request, "book.html", {"book": get_object_or_404(Book, pk=pk)})
```
Good: staff see every order.
```python shop/views.py
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, render

from shop.models import Order

@login_required
def orders(request):
    return render(request, "orders.html", {"orders": Order.objects.filter(customer=request.user)})

@staff_member_required
def show(request, pk):
    return render(request, "order.html", {"order": get_object_or_404(Order, pk=pk)})
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.access import Access, by_body, decorators
from rules.facts.raw_input import is_raw
from rules.facts.routes import view_of
from rules.kit import Flag, Here, Kind, Rule, Severity, argument, dotted, find, keyword

rule = Rule(
    __name__,
    __doc__,
    code="SEC132",
    severity=Severity.WARNING,
    checklist=("drf.permissions", "security.permissions"),
    scope="project",
    cwe=639,
    default=False,
)

_FETCHES = ("get", "get_object_or_404", "aget_object_or_404", "get_or_404", "filter_by", "aget")
_USER = re.compile(
    r"\brequest\.user\b|\bcurrent_user\b|\bg\.user\b|\buser(\.id|\.pk|_id)?\b|\brequester\b|\bowner\b"
)
_STAFF = re.compile(r"staff|admin|superuser|permission|internal", re.IGNORECASE)
_ROWS = re.compile(r"^(?P<model>[A-Z]\w*)\.(objects|query)\b")


@rule.on(cst.Call, calls=_FETCHES, words=("request", "current_user", "Depends"))
def fetched(call: cst.Call, here: Here) -> Iterator[Flag]:
    model, identity = _fetch(call)
    if not model or identity is None or here.is_test or here.is_script or _STAFF.search(here.path):
        return
    function = here.function(call)
    if function is None or view_of(function, here) is None or not _is_callers(identity, here):
        return
    if _is_for_staff(function, here) or _asks(function, here):
        return
    if model in here.kept(_scoped):
        message = (
            f"`{function.name.value}` fetches any `{model}` by its id, whoever owns it; other code "
            "of this file asks for the caller's own. Filter by the owner here too, or compare it."
        )
        yield Flag(call, message)


def _fetch(call: cst.Call) -> tuple[str, cst.BaseExpression | None]:
    """The model and the id of a look-up; an empty name for all other calls."""
    name = dotted(call.func)
    last = name.rpartition(".")[2]
    by_name = keyword(call, "pk") or keyword(call, "id")
    if last.endswith("get_object_or_404"):
        first = argument(call, 0, "klass")
        return dotted(first).partition(".")[0] if first is not None else "", by_name
    rows = _ROWS.match(name)
    if rows is not None:
        plain = call.args[0].value if call.args and call.args[0].keyword is None else None
        return rows["model"], by_name or plain
    if last == "get" and len(call.args) == 2 and isinstance(call.args[0].value, cst.Name):
        model = call.args[0].value.value
        return (model, call.args[1].value) if model[:1].isupper() else ("", None)
    return "", None


def _is_callers(node: cst.BaseExpression, here: Here) -> bool:
    """Whether an id came with the request: a part of the address, or its data."""
    if isinstance(node, cst.Name):
        bound = here.bindings(node)
        if bound and all(each.kind is Kind.PARAMETER for each in bound):
            return True
    return "kwargs" in here.source(node) or is_raw(node, here)


def _is_for_staff(function: cst.FunctionDef, here: Here) -> bool:
    owner = here.around(function, cst.ClassDef)
    names = [name for name, _ in decorators(function)]
    names += [function.name.value]
    if isinstance(owner, cst.ClassDef):
        names += [owner.name.value, *(dotted(each.value) for each in owner.bases)]
        names += [name for name, _ in decorators(owner)]
    written = [here.source(each) for _, each in decorators(function)]
    return any(_STAFF.search(each) for each in (*names, *written))


def _asks(function: cst.FunctionDef, here: Here) -> bool:
    """Whether the function looks at who is calling, or hands the row to something that may."""
    return bool(_USER.search(here.source(function.body))) or (
        by_body(function.body, here) is Access.GUARDED
    )


def _scoped(here: Here) -> frozenset[str]:
    """The models that code of this file looks up by their owner."""
    found = set()
    for call in find(here.module or cst.Module([]), cst.Call):
        text = here.source(call)
        if (
            len(text) < 1000
            and re.match(r"[\w.()\s]{0,120}(get|filter|filter_by|get_object_or_404)\(", text)
            and _USER.search(text)
        ):
            found |= set(re.findall(r"\b([A-Z]\w*)\b", text))
    return frozenset(found)
