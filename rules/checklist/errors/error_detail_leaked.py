"""The text of an exception is sent to the client.

Such texts are written for developers: they name tables, hosts, paths and versions, sometimes
values and passwords, and an attacker tries inputs until one of them says something useful. Log
the exception, and answer with words of your own.

Bad:
```python
from django.http import JsonResponse


def pay(request, gateway):
    try:
        gateway.charge(request.user)
    except Exception as error:
        return JsonResponse({"error": str(error)}, status=500)  # flagged
    return JsonResponse({"paid": True})
```
Good:
```python
import logging

from django.http import JsonResponse

logger = logging.getLogger(__name__)


def pay(request, gateway):
    try:
        gateway.charge(request.user)
    except Exception:
        logger.exception("payment failed")
        return JsonResponse({"error": "The payment failed."}, status=500)
    return JsonResponse({"paid": True})
```
Bad:
```python
import sqlite3

from fastapi import APIRouter, HTTPException

router = APIRouter()


@router.get("/orders")
def orders(store):
    try:
        return store.all()
    except sqlite3.OperationalError as error:
        raise HTTPException(status_code=500, detail=f"database: {error}")  # flagged
```
Bad: the whole traceback, or the error of a handler for everything.
```python
import traceback

from flask import Flask, jsonify

app = Flask(__name__)


@app.route("/report")
def report():
    try:
        return build()
    except Exception:
        trace = traceback.format_exc()  # flagged
        return jsonify({"trace": trace}), 500


@app.errorhandler(Exception)
def failed(error):
    return jsonify(error=repr(error)), 500  # flagged
```
Bad: in Flask and FastAPI what a view returns is the answer.
```python
from flask import Blueprint

blueprint = Blueprint("shop", __name__)


@blueprint.post("/orders")
def order():
    try:
        return place()
    except Exception as e:
        return {"message": "failed: " + str(e)}, 500  # flagged
```
Bad: a template shows the text as well.
```python
from django.shortcuts import render
from flask import render_template


def orders(request, store):
    try:
        return render(request, "orders.html", {"orders": store.all()})
    except Exception as error:
        return render(request, "failed.html", {"error": error})  # flagged


def books(store):
    try:
        return render_template("books.html", books=store.all())
    except Exception as error:
        return render_template("failed.html", error=error)  # flagged
```
Good: errors whose text is written for the client.
```python
from django.core.exceptions import ValidationError
from rest_framework.response import Response

from shop.errors import OutOfStock


def order(request, basket):
    try:
        basket.order()
    except OutOfStock as error:
        return Response({"detail": str(error)}, status=409)
    except ValidationError as error:
        return Response({"detail": str(error)}, status=400)
    return Response({})
```
```python shop/errors.py
class OutOfStock(Exception):
    pass
```
Good: the name of its class says enough, and the text goes to the log.
```python
import logging

from django.http import JsonResponse

logger = logging.getLogger(__name__)


def state(request, database):
    try:
        database.ping()
    except Exception as error:
        logger.error(f"database: {error}", exc_info=True)
        return JsonResponse({"state": type(error).__name__}, status=503)
    return JsonResponse({"state": "fine"})
```
Good: only developers see it.
```python
import traceback

from django.conf import settings
from django.http import HttpResponse


def report(request, build):
    try:
        return build()
    except Exception:
        if settings.DEBUG:
            return HttpResponse(traceback.format_exc(), status=500)
        return HttpResponse("failed", status=500)
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.caught import is_broad, is_of_project, types_of, uses, variable
from rules.facts.leaked_errors import (
    ANSWERING,
    assigned_texts,
    given_whole,
    is_answer,
    last_of,
    returns_answers,
    texts_of,
)
from rules.kit import Confidence, Flag, Here, Rule, Severity, dotted, find, walk_own

rule = Rule(
    __name__,
    __doc__,
    code="ERR104",
    severity=Severity.ERROR,
    checklist=("errors.messages",),
    cwe=209,
)

_WORDS = (*sorted(ANSWERING), "APIRouter", "FastAPI", "Flask", "Blueprint")
# Errors of databases, networks, files and the code itself: their text is never for a client.
_INNER = re.compile(
    r"^(Operational|Integrity|Database|Programming|Data|Interface|SQLAlchemy|DBAPI|Statement"
    r"|OS|IO|FileNotFound|Connection\w*|Timeout|Attribute|Type|Name|Runtime|Memory|Import"
    r"|ModuleNotFound|Index|Redis|Botocore|BotoCore|Client|Subprocess|CalledProcess|Permission"
    r"|Socket|SSL|HTTP|Request|Connect|Read|Transport|Psycopg|MySQL|Mongo|PyMongo|Elasticsearch"
    r"|Unicode\w*|Assertion|Zero\w*|Arithmetic|Recursion|SMTP|ProtocolError|Stripe|Ldap|LDAP"
    r")(Error|Exception)?$"
)
_PUBLIC = re.compile(
    r"Validation|Invalid|NotFound|DoesNotExist|Denied|Forbidden|Unauthori|Http404|HTTPException"
    r"|APIException|BadRequest|Parse|Serializer|Schema|Decode|Public|User|Domain|Business"
)
_FOR_THE_TEAM = re.compile(r"(^|/)(backoffice|admin|internal|staff)\w*(/|\.py$)")
_DEVELOPERS = re.compile(r"(?i)debug|is_(staff|superuser|admin)|isinstance|is_dev|local|testing")


@rule.on(cst.ExceptHandler, words=_WORDS)
def check(handler: cst.ExceptHandler, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_script:
        return
    error = variable(handler)
    if not error and "format_" not in here.source(handler):
        return
    found = list(_leaks(handler.body, error, here))
    sure = _confidence(handler, here) if found else None
    if sure is None:
        return
    for leak, answer in found:
        yield Flag(leak, _message(leak, answer, handler, here), confidence=sure)


@rule.on(cst.FunctionDef, words=("errorhandler", "exception_handler", "process_exception"))
def check_handler(function: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    """A function that is given every exception."""
    error = "" if here.is_test else _handled(function)
    if not error:
        return
    for leak, answer in _leaks(function.body, error, here, whole=True):
        name = function.name.value
        yield Flag(
            leak,
            f"`{name}` answers every failure with the exception's own text through `{answer}`: "
            "tables, paths and hosts reach whoever provokes one. Log it, and answer in your words.",
        )


def _handled(function: cst.FunctionDef) -> str:
    """The parameter that holds any exception, if the function is called with those."""
    names = [each.name.value for each in function.params.params]
    if function.name.value == "process_exception" and len(names) > 1:
        return names[-1]
    for each in function.decorators:
        call = each.decorator
        if isinstance(call, cst.Call) and last_of(call) in ("errorhandler", "exception_handler"):
            given = [dotted(a.value) or getattr(a.value, "value", "") for a in call.args]
            if names and given and given[0] in ("Exception", "500", "BaseException"):
                return names[-1]
    return ""


def _leaks(
    body: cst.CSTNode, error: str, here: Here, *, whole: bool = False
) -> Iterator[tuple[cst.BaseExpression, str]]:
    """Texts of the exception that reach an answer, with what answers, the first of each answer."""
    held = assigned_texts(body, error)
    function = here.function(body)
    for answer, name in _answers(body, function, here):
        text = (
            next(texts_of(answer, error), None) if whole or _is_below(answer, body, here) else None
        )
        if text is None and isinstance(answer, cst.Call):
            text = given_whole(answer, error)
        if text is None:
            text = next((held[each] for each in held if uses(answer, each)), None)
        if text is not None and not _for_developers(text, here):
            yield text, name


def _answers(
    body: cst.CSTNode, function: cst.FunctionDef | None, here: Here
) -> Iterator[tuple[cst.CSTNode, str]]:
    plain = returns_answers(function, here)
    seen: set[int] = set()
    for each in walk_own(body):
        if id(each) in seen:
            continue
        if isinstance(each, cst.Call) and is_answer(each, here):
            seen |= {id(below) for below in find(each, cst.Call)}
            yield each, last_of(each)
        elif plain and isinstance(each, cst.Return) and _is_plain(each.value):
            yield each, "return"


def _is_plain(node: cst.BaseExpression | None) -> bool:
    """A value that a framework turns into an answer by itself."""
    match node:
        case cst.Tuple(elements=[first, *_]):
            return _is_plain(first.value)
        case cst.Dict() | cst.FormattedString() | cst.BinaryOperation() | cst.Name():
            return True
        case cst.Call():
            return last_of(node) in ("str", "repr", "format_exc")
        case _:
            return False


def _is_below(node: cst.CSTNode, body: cst.CSTNode, here: Here) -> bool:
    return any(each is body for each in here.scopes.ancestors(node))


def _for_developers(node: cst.CSTNode, here: Here) -> bool:
    """Whether a condition around asks for debug mode, or which exception it is."""
    for around in here.scopes.ancestors(node):
        if isinstance(around, cst.FunctionDef):
            return False
        if isinstance(around, cst.If | cst.IfExp) and _DEVELOPERS.search(here.source(around.test)):
            return True
    return False


def _confidence(handler: cst.ExceptHandler, here: Here) -> Confidence | None:
    """How sure it is that the text is not for the client; None where it may well be."""
    if is_broad(handler):
        inside = _FOR_THE_TEAM.search(here.path)
        return Confidence.HOTSPOT if inside else Confidence.PROVEN
    names = [dotted(each) for each in types_of(handler)]
    lasts = [each.rpartition(".")[2] for each in names]
    if any(not each or _PUBLIC.search(each) for each in lasts):
        return None
    if any(is_of_project(full, here) for each in types_of(handler) for full in here.names(each)):
        return None
    if any(_INNER.match(each) for each in lasts):
        return Confidence.PROVEN
    return Confidence.HOTSPOT


def _message(leak: cst.BaseExpression, answer: str, handler: cst.ExceptHandler, here: Here) -> str:
    function = here.function(handler)
    place = f"of `{function.name.value}` " if function is not None else ""
    caught = dotted(types_of(handler)[0]) if types_of(handler) else "whatever failed"
    code = here.source(leak)
    shown = code if len(code) <= 40 else "the text"
    return (
        f"`{shown}` {place}sends the client the text of `{caught}` through `{answer}`: tables, "
        "paths and hosts reach whoever provokes it. Log it, and answer in words of your own."
    )
