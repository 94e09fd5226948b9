"""The application is made while modules are imported, and other modules import it.

Whoever imports a view gets the application, with its configuration and connections: tests cannot
have one of their own, and modules that import each other in a circle fail in the one order or the
other. Make it in a function, and let modules bring blueprints.

Bad:
```python shop/app.py
from flask import Flask

app = Flask(__name__)  # flagged
app.config.from_object("shop.config")
```
```python shop/views.py
from shop.app import app


@app.route("/")
def index():
    return "shop"
```
```python shop/__init__.py
```
Good:
```python shop/app.py
from flask import Flask


def create_app(config="shop.config"):
    from shop.views import pages

    app = Flask(__name__)
    app.config.from_object(config)
    app.register_blueprint(pages)
    return app
```
```python shop/views.py
from flask import Blueprint

pages = Blueprint("pages", __name__)


@pages.route("/")
def index():
    return "shop"
```
```python shop/__init__.py
```
Good: a single file, and the file that starts the server.
```python app.py
from flask import Flask

app = Flask(__name__)


@app.route("/")
def index():
    return "shop"
```
```python wsgi.py
from app import app

application = app
```
Good: FastAPI is used so.
```python shop/main.py
from fastapi import FastAPI

app = FastAPI()
```
```python shop/tools.py
from shop.main import app
```
```python shop/__init__.py
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.web_layout import WebLayout
from rules.kit import Flag, Here, Related, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="FWK118",
    severity=Severity.NOTICE,
    frameworks=("flask",),
    checklist=("flask.factory",),
    scope="project",
)

_KINDS = frozenset({"flask.Flask", "apiflask.APIFlask", "quart.Quart"})


@rule.on(cst.Call, calls=("Flask", "APIFlask", "Quart"))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.function(call) is not None or not here.names(call.func) & _KINDS:
        return
    if here.is_test or here.is_script:
        return
    layout: WebLayout = here.project.facts(WebLayout)
    importers = sorted(layout.importers.get(here.path, ()))
    if not importers or here.path in layout.factories:
        return
    yield Flag(
        call,
        f"This application is made at import, and {len(importers)} other module"
        f"{'s import' if len(importers) > 1 else ' imports'} it from here: no test can have its own. "
        "Make it in a `create_app` function, and let modules bring blueprints.",
        related=tuple(Related(path, 1, "imports it") for path in importers[:3]),
    )
