"""What a caller sent is compiled as a template.

A template is a program: `{{ config }}` in it prints the application's secrets, and Jinja's attributes
lead to running commands. Keep templates in files or constants, and give data to them as context.

Bad:
```python shop/api.py
from flask import Flask, render_template_string, request

app = Flask(__name__)

@app.route("/hello")
def hello():
    return render_template_string("<h1>Hello " + request.args["name"] + "</h1>")  # flagged
```
Good:
```python shop/api.py
from flask import Flask, render_template_string, request

app = Flask(__name__)

@app.route("/hello")
def hello():
    return render_template_string("<h1>Hello {{ name }}</h1>", name=request.args["name"])
```
Bad:
```python shop/views.py
from django.http import HttpResponse
from django.template import Context, Template

def preview(request):
    template = Template(request.POST["body"])  # flagged
    return HttpResponse(template.render(Context({})))
```
Bad:
```python shop/mails.py
from fastapi import FastAPI
from jinja2 import Environment

app = FastAPI()
environment = Environment(autoescape=True)

@app.post("/mails")
def mail(subject: str):
    return {"subject": environment.from_string(f"[shop] {subject}").render()}  # flagged
```
Good: `string.Template` only puts in values.
```python shop/mails.py
from string import Template

from flask import request

def subject():
    return Template(request.form["subject"]).safe_substitute(shop="Books")
```
"""

from collections.abc import Iterator

from rules.flow.taint.report import flag
from rules.flow.taint.sinks import Sink
from rules.flow.taint.subject import TaintedCall
from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="SEC109",
    severity=Severity.ERROR,
    checklist=("security.injection-family", "flask.template-context"),
    cwe=1336,
    defers=False,
    peers=(),
)


class TemplateText(TaintedCall):
    family = "template"
    sinks = (
        Sink(
            ("flask.render_template_string", "quart.render_template_string"),
            (0, "source"),
        ),
        Sink(("django.template.Template", "django.template.base.Template"), (0, "template_string")),
        Sink(
            ("jinja2.Template", "mako.template.Template", "tornado.template.Template"),
            (0, "source"),
        ),
        Sink(("jinja2.sandbox.Environment().from_string", "jinja2.Environment().from_string")),
        Sink(("*.from_string",), (0, "template_code"), lambda call, _: "Engine" in call.name),
        Sink(("django.template.engines[].from_string", "bottle.template"), (0, "template_code")),
    )


@rule.on(TemplateText)
def check(found: TemplateText, here: Here) -> Iterator[Flag]:
    yield flag(
        found,
        here,
        "becomes part of a template: a caller can read settings and run code with it",
        "Keep the template constant and give it data as context.",
    )
