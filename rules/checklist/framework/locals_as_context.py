"""A template is given every local variable there is.

`locals()` hands over whatever the function holds now or later: querysets, forms with passwords,
secrets. Nobody sees what the template needs, and renaming a variable breaks it without a word.
Name what it needs.

Bad:
```python
from django.shortcuts import render


def cart(request):
    lines = request.user.cart.lines.all()
    total = sum(line.price for line in lines)
    return render(request, "cart.html", locals())  # flagged
```
Good:
```python
from django.shortcuts import render


def cart(request):
    lines = request.user.cart.lines.all()
    total = sum(line.price for line in lines)
    return render(request, "cart.html", {"lines": lines, "total": total})
```
Bad:
```python
from flask import render_template


def cart(user):
    lines = user.lines
    return render_template("cart.html", **locals())  # flagged


def order(template, user):
    lines = user.lines
    context = dict(locals())
    return template.render(context)  # flagged
```
Good:
```python
from flask import render_template


def cart(user):
    return render_template("cart.html", lines=user.lines)


def order(template, user):
    return template.render({"lines": user.lines})
```
Good: local variables for something else than a template.
```python
def shell(code, render):
    names = locals()
    exec(code, {}, names)
    return render(code)
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.kit import Flag, Here, Rule, Severity, dotted, find

rule = Rule(
    __name__,
    __doc__,
    code="FWK112",
    severity=Severity.WARNING,
    checklist=("flask.template-context",),
    peers=("ruff:DJ003", "flake8:DJ03"),
)


@rule.on(
    cst.Call,
    calls=(
        "render",
        "render_template",
        "render_template_string",
        "render_to_string",
        "render_to_response",
        "render_async",
        "TemplateResponse",
    ),
    words=("locals",),
)
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    for each in call.args:
        value = here.value_of(each.value)
        if any(dotted(inner.func) == "locals" for inner in find(value, cst.Call)):
            yield Flag(
                call,
                "`locals()` gives the template everything that this function holds, now and later. "
                "Name what the template needs.",
            )
            return
