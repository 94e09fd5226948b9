"""An address of the project is put together from pieces.

`f"/orders/{key}/"` knows how routes look today: it does not escape what is put in, and leads nowhere
once the route or the prefix of the application changes. Use `reverse`, `url_for` or
`get_absolute_url`.

Bad:
```python
from django.shortcuts import redirect


def create(request, form):
    order = form.save()
    return redirect(f"/orders/{order.pk}/")  # flagged


class Order:
    def get_absolute_url(self):
        return "/orders/%d/" % self.pk  # flagged
```
Good:
```python
from django.shortcuts import redirect
from django.urls import reverse


def create(request, form):
    order = form.save()
    return redirect("order", order.pk)


class Order:
    def get_absolute_url(self):
        return reverse("order", args=[self.pk])
```
Bad: Flask and FastAPI.
```python
from fastapi.responses import RedirectResponse
from flask import redirect


def show(key):
    return redirect("/orders/" + str(key))  # flagged


def moved(key):
    return RedirectResponse(url="/orders/{}".format(key))  # flagged
```
Good:
```python
from flask import redirect, url_for


def show(key):
    return redirect(url_for("orders.show", key=key))
```
Good: addresses elsewhere, an address with a query added, and paths of a page that is no route here.
```python
from django.shortcuts import redirect
from django.urls import reverse


def leave(request, host, key):
    if request.POST:
        return redirect(f"https://{host}/orders/{key}")
    if request.GET:
        return redirect(f"{reverse('order', args=[key])}?page=2")
    if request.FILES:
        return redirect(request.path + "?page=2")
    return redirect(f"{request.base}/orders/{key}")
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.kit import Flag, Here, Rule, Severity, argument, string

rule = Rule(
    __name__,
    __doc__,
    code="FWK120",
    severity=Severity.NOTICE,
    checklist=("flask.url-for",),
    yields_to=("SEC108", "SEC110", "SEC107"),
)

_REDIRECTS = frozenset(
    {"django.shortcuts.redirect", "flask.redirect", "django.http.HttpResponseRedirect"}
    | {"django.http.HttpResponsePermanentRedirect", "fastapi.responses.RedirectResponse"}
    | {"starlette.responses.RedirectResponse", "quart.redirect"}
)
_PATH = re.compile(r"^/(?!/)[\w.-]")
_FILES = re.compile(r"^/(static|media|assets|uploads)/|\.(css|js|png|svg|pdf)$")


@rule.on(
    cst.Call,
    calls=("redirect", "HttpResponseRedirect", "HttpResponsePermanentRedirect", "RedirectResponse"),
)
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    given = argument(call, 0, "url") or argument(call, 0, "to") or argument(call, 0, "location")
    if given is None or here.is_test or not _is_assembled(here.value_of(given)):
        return
    if here.names(call.func) & _REDIRECTS:
        yield _flag(call)


@rule.on(cst.FunctionDef, words=("get_absolute_url",))
def check_method(function: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    if function.name.value != "get_absolute_url" or here.is_test:
        return
    for line in function.body.body:
        match line:
            case cst.SimpleStatementLine(body=[cst.Return(value=value)]) if value is not None:
                if _is_assembled(value):
                    yield _flag(value)


def _flag(node: cst.CSTNode) -> Flag:
    return Flag(
        node,
        "This address is put together by hand: it is not escaped, and leads nowhere once the route moves. "
        "Let the framework make it from the name of the route.",
    )


def _is_assembled(node: cst.CSTNode) -> bool:
    """Whether a text begins with a path of this site and goes on with something else."""
    match node:
        case cst.FormattedString(parts=[cst.FormattedStringText(value=text), *rest]):
            return bool(rest) and _begins(text)
        case cst.BinaryOperation(left=left, operator=cst.Add()):
            while isinstance(left, cst.BinaryOperation):
                left = left.left
            return _begins(string(left) or "")
        case cst.BinaryOperation(left=left, operator=cst.Modulo()):
            return _begins(string(left) or "")
        case cst.Call(func=cst.Attribute(value=text, attr=cst.Name(value="format"))):
            return _begins(string(text) or "")
        case _:
            return False


def _begins(text: str) -> bool:
    return bool(_PATH.match(text)) and not _FILES.search(text)
