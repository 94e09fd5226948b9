"""What a caller sent becomes part of a page as it is.

Text with `<script>` in it runs in the browser of whoever opens the page, with their session. Let a
template with autoescape write it, or escape it: `django.utils.html.format_html` and `markupsafe.escape`
do that where a page is put together in Python.

Bad:
```python shop/views.py
from django.http import HttpResponse

def hello(request):
    name = request.GET.get("name", "")
    return HttpResponse(f"<h1>Hello {name}</h1>")  # flagged
```
Good:
```python shop/views.py
from django.http import HttpResponse
from django.utils.html import format_html

def hello(request):
    name = request.GET.get("name", "")
    return HttpResponse(format_html("<h1>Hello {}</h1>", name))
```
Bad:
```python shop/api.py
from flask import Flask, request

app = Flask(__name__)

@app.route("/hello/<name>")
def hello(name):
    page = "<h1>Hello " + name
    page += "</h1>"
    return page  # flagged
```
Bad: `mark_safe` says that the text is safe; it makes it no safer.
```python shop/tags.py
from django.shortcuts import render
from django.utils.safestring import mark_safe

def profile(request):
    bio = mark_safe(request.POST["bio"])  # flagged
    return render(request, "profile.html", {"bio": bio})
```
Bad:
```python shop/pages.py
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

app = FastAPI()

@app.get("/search")
def search(q: str):
    return HTMLResponse("<p>No books for " + q + "</p>")  # flagged
```
Good: templates, JSON and plain text.
```python shop/api.py
from django.http import HttpResponse
from fastapi import FastAPI
from flask import Flask, jsonify, render_template, request
from markupsafe import escape

app = Flask(__name__)

@app.route("/search")
def search():
    q = request.args["q"]
    if "json" in request.args:
        return jsonify(q=q)
    if q == "all":
        return {"query": q}
    if q.isdigit():
        return "Number " + q
    return render_template("search.html", q=q) + str(escape(q))

def export(request):
    return HttpResponse(request.POST["text"], content_type="text/plain")
```
Bad:
```python shop/pages.py
from aiohttp import web

routes = web.RouteTableDef()

@routes.post("/echo")
async def echo(request):
    form = await request.post()
    return web.Response(text=f"<p>{form['said']}</p>", content_type="text/html")  # flagged
```
Bad: a field of a form, and a page that says what was not found.
```python shop/pages.py
from flask import Flask, request
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField

app = Flask(__name__)

class Search(FlaskForm):
    term = StringField("term")
    kind = SelectField("kind", choices=[("book", "Book")])

@app.post("/search")
def search():
    form = Search()
    if form.validate_on_submit():
        return f"<p>{form.term.data} as {form.kind.data}</p>"  # flagged
    return ""

@app.errorhandler(404)
def missing(error):
    return f"<p>There is no {request.args['page']}</p>", 404  # flagged
```
Good: what a response is may be said after it was made.
```python shop/api.py
import json

from flask import Flask, Response, request

app = Flask(__name__)

@app.get("/echo")
def echo():
    response = Response(json.dumps({"said": request.args["q"]}))
    response.mimetype = "application/json"
    return response
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.flow.domain import Call
from rules.flow.frame import Frame
from rules.flow.taint.report import flag
from rules.flow.taint.sinks import Returned, Sink
from rules.flow.taint.subject import TaintedCall
from rules.flow.values import Const
from rules.kit import Flag, Here, Rule, Severity, dotted, find, string

rule = Rule(
    __name__,
    __doc__,
    code="SEC107",
    severity=Severity.ERROR,
    checklist=("security.xss", "django.template-security"),
    cwe=79,
    defers=False,
    peers=("ruff:S308", "ruff:S704", "bandit:B308", "bandit:B703", "bandit:B704"),
)

_PAGES = ("html", "svg")


def _is_page(call: Call, frame: Frame) -> bool:
    """Whether a response is HTML: that is what it is if nothing else is said."""
    for name in ("content_type", "media_type", "mimetype", "headers"):
        given = call.keywords.get(name)
        if given is None:
            continue
        if not isinstance(given, Const):
            return False
        return any(each in str(given.value) for each in _PAGES)
    return True


def _is_declared_page(call: Call, frame: Frame) -> bool:
    given = call.keywords.get("media_type") or call.keywords.get("content_type")
    return isinstance(given, Const) and "html" in str(given.value)


class PageText(TaintedCall):
    family = "html"
    sinks = (
        Returned(),
        Sink(
            (
                "django.http.HttpResponse",
                "django.http.HttpResponseBadRequest",
                "django.http.HttpResponseNotFound",
                "django.http.HttpResponseForbidden",
                "django.http.HttpResponseServerError",
                "django.http.response.HttpResponse",
                "flask.make_response",
                "flask.Response",
                "quart.make_response",
                "quart.Response",
                "aiohttp.web.HTTPBadRequest",
                "werkzeug.wrappers.Response",
                "werkzeug.Response",
            ),
            (0, "content", "response"),
            _is_page,
        ),
        Sink(
            (
                "starlette.responses.HTMLResponse",
                "fastapi.responses.HTMLResponse",
                "sanic.response.html",
            ),
            (0, "content", "body"),
        ),
        Sink(
            ("starlette.responses.Response", "fastapi.responses.Response", "fastapi.Response"),
            (0, "content"),
            _is_declared_page,
        ),
        Sink(
            ("aiohttp.web.Response", "aiohttp.web_response.Response"),
            ("text", "body"),
            _is_declared_page,
        ),
        Sink(
            (
                "django.utils.safestring.mark_safe",
                "django.utils.safestring.SafeString",
                "django.utils.safestring.SafeText",
                "markupsafe.Markup",
                "flask.Markup",
                "jinja2.Markup",
                "jinja2.utils.markupsafe.Markup",
            ),
        ),
        Sink(("django.utils.html.format_html",), (0, "format_string")),
    )


@rule.on(PageText)
def check(found: PageText, here: Here) -> Iterator[Flag]:
    if _is_relabelled(found.node, here):
        return
    name = "the answer" if found.called == "return" else f"`{found.called.rpartition('.')[2]}`"
    yield flag(
        found,
        here,
        f"becomes part of the page in {name} unescaped: a script in it runs in the reader's browser",
        "Render it with a template, or escape it.",
        whole=found.called == "return",
    )


def _is_relabelled(response: cst.CSTNode, here: Here) -> bool:
    """`response.mimetype = "application/json"` after it was made."""
    made = here.parent(response)
    around = here.function(response)
    if not isinstance(made, cst.Assign) or around is None:
        return False
    name = dotted(made.targets[0].target)
    return bool(name) and any(
        _type_set(each, name) and not any(kind in (string(each.value) or "html") for kind in _PAGES)
        for each in find(around, cst.Assign)
    )


def _type_set(assign: cst.Assign, response: str) -> bool:
    """Whether an assignment says what kind of answer this is."""
    match assign.targets[0].target:
        case cst.Attribute(value=owner, attr=cst.Name(value="mimetype" | "content_type")):
            return dotted(owner) == response
        case cst.Subscript(value=owner, slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            is_type = (string(key) or "").lower() == "content-type"
            return is_type and dotted(owner) in (response, f"{response}.headers")
        case _:
            return False
