"""An extension is bound to one application while modules are imported.

`SQLAlchemy(app)` ties the extension to the application that happens to be there: an application
made by the factory, for a test or another configuration, is not the one that it serves. Make the
extension without, and call `init_app` in the factory.

Bad:
```python shop/app.py
from flask import Flask
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)  # flagged
login = LoginManager(app=app)  # flagged


def create_app(config):
    app.config.from_object(config)
    return app
```
Good:
```python shop/app.py
from flask import Flask
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
login = LoginManager()


def create_app(config):
    app = Flask(__name__)
    app.config.from_object(config)
    db.init_app(app)
    login.init_app(app)
    return app
```
Good: a single file, without a factory.
```python app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)
```
Good: bound within the factory.
```python shop/app.py
from flask import Flask
from flask_cors import CORS


def create_app():
    app = Flask(__name__)
    CORS(app)
    return app
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.web_layout import WebLayout
from rules.kit import Flag, Here, Rule, Severity, argument

rule = Rule(
    __name__,
    __doc__,
    code="FWK133",
    severity=Severity.NOTICE,
    frameworks=("flask",),
    checklist=("flask.factory", "flask.extensions"),
)

_EXTENSIONS = (
    "SQLAlchemy", "LoginManager", "Migrate", "Mail", "Cache", "Bcrypt", "JWTManager", "CSRFProtect",
    "Marshmallow", "SocketIO", "Babel", "Moment", "Limiter", "Session", "Talisman", "Admin", "Security",
    "DebugToolbarExtension", "CORS",
)  # fmt: skip
_APPLICATION = "flask.Flask"


@rule.on(cst.Call, calls=_EXTENSIONS, words=("Flask",))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.function(call) is not None or here.is_test or here.is_script:
        return
    application = argument(call, 0, "app")
    names = here.names(call.func)
    if application is None or not any(each.startswith("flask_") for each in names):
        return
    if not isinstance(application, cst.Name) or _APPLICATION not in here.names(application):
        return
    layout: WebLayout = here.project.facts(WebLayout)
    if layout.factories:
        kind = min(names).rpartition(".")[2]
        yield Flag(
            call,
            f"`{kind}` is bound to this one application at import, while the project makes others in a "
            "factory. Make it without, and call `init_app` there.",
        )
