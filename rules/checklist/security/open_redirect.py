"""A caller decides where a redirect leads.

A link to your own site that ends on someone else's is what phishing is made of; after a login it also
hands over what stands in the address. Redirect to routes of your own, or check the target with
`url_has_allowed_host_and_scheme`.

Bad:
```python shop/views.py
from django.shortcuts import redirect

def after_login(request):
    return redirect(request.GET.get("next", "/"))  # flagged
```
Good:
```python shop/views.py
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

def after_login(request):
    target = request.GET.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = "/"
    return redirect(target)
```
Bad:
```python shop/api.py
from flask import Flask, redirect, request

app = Flask(__name__)

@app.route("/go")
def go():
    url = request.args.get("url")
    return redirect(url, code=302)  # flagged
```
Bad:
```python shop/auth.py
from fastapi import APIRouter
from fastapi.responses import RedirectResponse

router = APIRouter()

@router.get("/callback")
def callback(code: str, return_to: str):
    return RedirectResponse(url=return_to)  # flagged
```
Good: the target is one of your own.
```python shop/api.py
from flask import Flask, redirect, request, url_for

app = Flask(__name__)
PAGES = {"home": "/", "cart": "/cart"}

@app.route("/go")
def go():
    name = request.args.get("name", "")
    if name == "book":
        return redirect(url_for("book", isbn=request.args["isbn"]))
    if name in PAGES:
        return redirect(PAGES[name])
    return redirect("/search?q=" + name)
```
Good: the host is checked.
```python shop/api.py
from urllib.parse import urlparse

from flask import Flask, abort, redirect, request

app = Flask(__name__)

@app.route("/go")
def go():
    target = request.args["url"]
    if urlparse(target).netloc not in ("", "shop.example.com"):
        abort(400)
    return redirect(target)
```
Good: the address that was asked for begins with this site.
```python shop/views.py
from django.shortcuts import redirect

def moved(request):
    return redirect("{}?{}".format(request.path.replace("_", "-"), request.GET.urlencode()))

def back(request):
    return redirect(request.META.get("HTTP_REFERER", "/"))
```
"""

import re
from collections.abc import Iterator

from rules.flow.domain import Call
from rules.flow.frame import Frame
from rules.flow.taint.marks import Mark
from rules.flow.taint.report import flag
from rules.flow.taint.sinks import Sink
from rules.flow.taint.subject import TaintedCall
from rules.flow.values import Choice, Text, Value
from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="SEC106",
    severity=Severity.ERROR,
    checklist=("security.request-forgery",),
    cwe=601,
    defers=False,
    peers=(),
)

_SITE = re.compile(r"^(/[^/\\]|[a-z][a-z0-9+.-]*://[^/?#]+[/?#]|\?|#|\w+/)", re.IGNORECASE)


def _leaves_site(call: Call, frame: Frame) -> bool:
    every = (*call.args[:2], *(call.keywords[each] for each in _NAMES if each in call.keywords))
    return any(_is_open(each) for each in every)


def _is_open(given: Value) -> bool:
    """Whether the beginning of the address leaves open which site it leads to."""
    if isinstance(given, Choice):
        return any(_is_open(each) for each in given.values)
    if isinstance(given, Text):
        return not _SITE.match(given.start) if given.start else _harms(given.parts[0])
    return _harms(given)


def _harms(value: Value) -> bool:
    return any(isinstance(each, Mark) and each.harms("redirect") for each in value.marks)


_NAMES = ("to", "location", "url", "redirect_to")


class RedirectTarget(TaintedCall):
    family = "redirect"
    sinks = (
        Sink(
            (
                "django.shortcuts.redirect",
                "django.http.HttpResponseRedirect",
                "django.http.HttpResponsePermanentRedirect",
                "django.http.response.HttpResponseRedirect",
                "flask.redirect",
                "quart.redirect",
                "bottle.redirect",
                "werkzeug.utils.redirect",
                "starlette.responses.RedirectResponse",
                "fastapi.responses.RedirectResponse",
                "aiohttp.web.HTTPFound",
                "aiohttp.web.HTTPSeeOther",
                "pyramid.httpexceptions.HTTPFound",
                "sanic.response.redirect",
            ),
            (0, *_NAMES),
            _leaves_site,
        ),
    )


@rule.on(RedirectTarget)
def check(found: RedirectTarget, here: Here) -> Iterator[Flag]:
    name = found.called.rpartition(".")[2]
    yield flag(
        found,
        here,
        f"is where `{name}` leads: a link to this site can end on any other",
        "Redirect to routes of your own, or check the host first.",
    )
