"""What a caller sent is put into the session unchecked.

The rest of the application takes what the session holds for its own: a role, a user's id or a price
that came from a form is believed as if the application had written it. Check or convert it first.

Bad:
```python shop/views.py
from django.http import HttpResponse

def choose(request):
    request.session["role"] = request.POST["role"]  # flagged
    return HttpResponse()
```
Good:
```python shop/views.py
from django.http import HttpResponse

ROLES = ("buyer", "seller")

def choose(request):
    role = request.POST["role"]
    if role not in ROLES:
        return HttpResponse(status=400)
    request.session["role"] = role
    return HttpResponse()
```
Bad: the key is the caller's choice.
```python shop/api.py
from flask import Flask, request, session

app = Flask(__name__)

@app.route("/remember", methods=["POST"])
def remember():
    session[request.form["name"]] = True  # flagged
    return {}
```
Good: converted, or nothing that is decided by.
```python shop/api.py
from flask import Flask, request, session

app = Flask(__name__)

@app.route("/cart", methods=["POST"])
def cart():
    session["book"] = int(request.form["book"])
    session["next"] = request.form["next"]
    session["gift"] = "gift" in request.form
    return {}
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.flow.domain import Call
from rules.flow.taint.report import flag
from rules.flow.taint.sinks import Sink, Stored
from rules.flow.taint.subject import TaintedCall
from rules.flow.values import Thing
from rules.kit import Flag, Here, Rule, Severity, string

rule = Rule(
    __name__,
    __doc__,
    code="SEC114",
    severity=Severity.WARNING,
    checklist=("security.sessions",),
    cwe=501,
    defers=False,
    peers=(),
)


class SessionEntry(TaintedCall):
    family = "trust"
    sinks = (
        Stored(
            ("flask.session", "quart.session", "*.session", "bottle.session"),
            keys=True,
        ),
        Sink(("flask.session.__setitem__", "flask.session.setdefault"), (0, 1)),
        Sink(("*.setdefault", "*.update"), (0, 1), lambda call, _: _is_session(call)),
    )


def _is_session(call: Call) -> bool:
    owner = call.owner
    return isinstance(owner, Thing) and owner.name.endswith((".session", "flask.session"))


_CONVENIENCE = re.compile(
    r"next|redirect|return|url|path|referr|lang|locale|theme|agent|device|browser|utm|search|query|filter"
    r"|sort|page|tab|message|tz|timezone|campaign|invite|draft|form|view",
    re.IGNORECASE,
)


def _is_convenience(found: SessionEntry) -> bool:
    """Whether the entry is one that nothing is decided by: where to go next, how to look."""
    match found.node:
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            name = string(key)
            return name is not None and bool(_CONVENIENCE.search(name))
    return False


@rule.on(SessionEntry)
def check(found: SessionEntry, here: Here) -> Iterator[Flag]:
    if _is_convenience(found):
        return
    yield flag(
        found,
        here,
        "is put into the session unchecked, where the rest of the application believes it",
        "Check it against what is allowed, or convert it, first.",
    )
