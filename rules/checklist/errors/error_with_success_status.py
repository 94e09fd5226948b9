"""An error is answered with status 200.

Clients, caches, proxies and monitoring look at the status first: they take the answer for a
success, keep it, and count no failure. Say with the status what the body says in words.

Bad:
```python
from django.http import JsonResponse


def order(request):
    if not request.user.is_authenticated:
        return JsonResponse({"error": "Log in first."})  # flagged
    return JsonResponse({"order": 1})
```
Good:
```python
from django.http import JsonResponse


def order(request):
    if not request.user.is_authenticated:
        return JsonResponse({"error": "Log in first."}, status=401)
    return JsonResponse({"order": 1})
```
Bad:
```python
from fastapi import FastAPI
from rest_framework import status
from rest_framework.response import Response

app = FastAPI()


@app.get("/orders/{number}")
def order(number: int, store):
    if number not in store:
        return {"error": "no such order"}  # flagged
    return store[number]


def cancel(request, order):
    if order.is_sent:
        return Response({"success": False, "message": "sent"}, status=status.HTTP_200_OK)  # flagged
    return Response({"success": True})
```
Bad:
```python
from flask import Flask, jsonify

app = Flask(__name__)


@app.route("/orders", methods=["POST"])
def order():
    try:
        place()
    except ValueError as problem:
        return jsonify(error=f"not placed: {problem}")  # flagged
    return jsonify(ok=True)
```
Good: the status stands beside the body, on the answer, or on the route.
```python
from fastapi import FastAPI
from flask import Flask, jsonify, make_response

app = Flask(__name__)
api = FastAPI()


@app.route("/orders", methods=["POST"])
def order(basket):
    if not basket:
        return jsonify({"error": "an empty basket"}), 400
    if basket.is_old:
        return make_response(jsonify({"error": "too old"}), 410)
    return jsonify(ok=True)


@api.get("/gone", status_code=410)
def gone():
    return {"error": "gone for good"}
```
Good: errors beside data, or perhaps none at all.
```python
from rest_framework.response import Response


def place(request, rows):
    failed = [row for row in rows if not row.place()]
    if not rows:
        return Response({"error": None})
    return Response({"placed": len(rows) - len(failed), "errors": failed})
```
Good: a protocol that has its own errors, and a sender that must not try again.
```python
from django.http import JsonResponse


def call(request):
    return JsonResponse({"jsonrpc": "2.0", "error": "no such method", "id": 1})


def payment_webhook(request):
    return JsonResponse({"status": "error", "message": "unknown order"})
```
"""

import re
from collections.abc import Iterator, Sequence

import libcst as cst

from rules.facts.leaked_errors import last_of
from rules.facts.routes import by_decorator
from rules.kit import Flag, Here, Rule, Severity, dotted, find, string

rule = Rule(
    __name__,
    __doc__,
    code="ERR105",
    severity=Severity.WARNING,
    checklist=("errors.response-format",),
)

_POSITION = {"JsonResponse": None, "jsonify": None, "Response": 1, "JSONResponse": 1}
_HOMES = ("django.", "rest_framework.", "flask.", "fastapi.", "starlette.", "quart.")
_OK = re.compile(r"^(200|\w*\.?HTTP_200_OK|HTTPStatus\.OK|http\.HTTPStatus\.OK)$")
_ERROR_KEYS = frozenset({"error", "err", "error_message", "errors"})
_STATE_KEYS = frozenset({"success", "ok", "succeeded"})
_STATUS_KEYS = frozenset({"status", "result", "state"})
_FAILED = frozenset({"error", "fail", "failed", "failure"})
_BESIDE = _ERROR_KEYS | _STATE_KEYS | _STATUS_KEYS
_BESIDE |= frozenset(
    {"message", "msg", "detail", "details", "code", "reason", "error_code", "error_description"}
    | {"type", "title", "description", "error_type", "hint"}
)
_MUST_BE_FINE = re.compile(r"(?i)webhook|callback|hook|health|status|ping|probe|jsonrpc|slack")
_TEXT_CALLS = frozenset({"str", "repr", "_", "gettext", "gettext_lazy", "ugettext", "format"})


@rule.on(cst.Call, calls=tuple(_POSITION))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    name = last_of(call)
    answered = here.parent(call)
    if isinstance(answered, cst.Element):
        answered = _beside_ok(answered, here)
    if not isinstance(answered, cst.Return) or here.is_test:
        return
    payload = _payload(call)
    if not _is_error(payload) or not _is_ok(call, _POSITION[name]) or _is_spared(call, here):
        return
    if any(each.startswith(_HOMES) for each in here.names(call.func)):
        yield _flag(call, here)


@rule.on(cst.Return, words=("APIRouter", "FastAPI", "Flask", "Blueprint"))
def check_return(node: cst.Return, here: Here) -> Iterator[Flag]:
    body = node.value
    if not isinstance(body, cst.Dict) or not _is_error(_pairs(body)) or here.is_test:
        return
    function = here.function(node)
    if function is None or _is_spared(node, here) or not _is_plain_route(function):
        return
    yield _flag(body, here)


def _flag(node: cst.CSTNode, here: Here) -> Flag:
    function = here.function(node)
    place = f"`{function.name.value}`" if function is not None else "This"
    return Flag(
        node,
        f"{place} answers this error with status 200, so clients, caches and monitoring take it "
        "for a success. Send the status that fits, such as 400 or 404.",
    )


def _beside_ok(element: cst.Element, here: Here) -> cst.CSTNode | None:
    """The statement that returns `body, 200`."""
    match here.parent(element):
        case cst.Tuple(elements=[first, cst.Element(value=given)]) as pair if first is element:
            return here.parent(pair) if _says_ok(given) else None
        case _:
            return None


Pairs = Sequence[tuple[str, cst.BaseExpression]]


def _pairs(node: cst.Dict) -> Pairs:
    """Keys and values; a key that is not written out, or `**more`, has an empty key."""
    return [
        (string(each.key) or "" if isinstance(each, cst.DictElement) else "", each.value)
        for each in node.elements
    ]


def _payload(call: cst.Call) -> Pairs:
    if last_of(call) == "jsonify" and call.args and all(each.keyword for each in call.args):
        return [(each.keyword.value, each.value) for each in call.args if each.keyword]
    for each in call.args:
        if isinstance(each.value, cst.Dict) and (
            each.keyword is None or each.keyword.value in ("data", "content")
        ):
            return _pairs(each.value)
    return ()


def _is_error(pairs: Pairs) -> bool:
    if not pairs or any(key not in _BESIDE for key, _ in pairs):
        return False
    for key, value in pairs:
        if key in _ERROR_KEYS and _is_text(value):
            return True
        if key in _STATE_KEYS and dotted(value) == "False" and len(pairs) > 1:
            return True
        if key in _STATUS_KEYS and (string(value) or "").lower() in _FAILED:
            return True
    return False


def _is_text(node: cst.BaseExpression) -> bool:
    """Words for a reader, or a mapping or list of such."""
    match node:
        case cst.FormattedString():
            return True
        case cst.Call():
            return last_of(node) in _TEXT_CALLS
        case cst.BinaryOperation(left=left):
            return _is_text(left)
        case cst.List(elements=[first, *_]):
            return _is_text(first.value)
        case cst.Dict(elements=[cst.DictElement(value=value), *_]):
            return _is_text(value)
        case _:
            return bool(string(node))


def _is_ok(call: cst.Call, position: int | None) -> bool:
    if any(each.star for each in call.args):
        return False
    plain = [each for each in call.args if each.keyword is None]
    for each in call.args:
        if each.keyword is not None and each.keyword.value in ("status", "status_code"):
            return last_of(call) == "jsonify" or _says_ok(each.value)
    return position is None or len(plain) <= position or _says_ok(plain[position].value)


def _says_ok(node: cst.BaseExpression) -> bool:
    text = node.value if isinstance(node, cst.Integer) else dotted(node)
    return bool(_OK.match(text))


def _is_spared(node: cst.CSTNode, here: Here) -> bool:
    """Answers to senders that would send again, and statuses that are set apart."""
    function = here.function(node)
    if function is None:
        return True
    owner = here.around(function, cst.ClassDef)
    names = f"{function.name.value} {owner.name.value if owner else ''} {here.path}"
    if _MUST_BE_FINE.search(names):
        return True
    return any(
        dotted(each.target).endswith(".status_code") for each in find(function, cst.AssignTarget)
    )


def _is_plain_route(function: cst.FunctionDef) -> bool:
    """A view of Flask or FastAPI whose route sets no status of its own."""
    calls = [each.decorator for each in function.decorators]
    routes = [each for each in calls if by_decorator(function, each) is not None]
    return bool(routes) and not any(
        argument.keyword is not None and argument.keyword.value == "status_code"
        for each in routes
        if isinstance(each, cst.Call)
        for argument in each.args
    )
