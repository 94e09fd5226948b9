"""A view that changes something accepts requests from every site.

Browsers send the cookies of a session along with any request, also with one that a page of
somebody else started. The CSRF check is what tells the two apart; without it a link or a
hidden form can order, delete or pay in the name of whoever is logged in. Keep the check. Where
no cookie speaks for the caller, check what does: a signature, a token, an API key.

Bad:
```python shop/views.py
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt

from shop.models import Order

@csrf_exempt  # flagged
def cancel(request, number):
    order = Order.objects.get(number=number, customer=request.user)
    order.cancel()
    return JsonResponse({"state": order.state})
```
Good:
```python shop/views.py
from django.http import JsonResponse

from shop.models import Order

def cancel(request, number):
    order = Order.objects.get(number=number, customer=request.user)
    order.cancel()
    return JsonResponse({"state": order.state})
```
Bad:
```python shop/views.py
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

@method_decorator(csrf_exempt, name="dispatch")  # flagged
class Basket(View):
    def post(self, request):
        request.user.basket.add(request.POST["book"])
```
Bad:
```python shop/urls.py
from django.contrib.auth.decorators import login_required
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

def rename(request):
    request.user.name = request.POST["name"]
    request.user.save()

urlpatterns = [path("rename/", csrf_exempt(login_required(rename)))]  # flagged
```
Bad:
```python shop/settings/production.py
WTF_CSRF_ENABLED = False  # flagged
```
Bad:
```python shop/forms.py
from flask_wtf import FlaskForm
from wtforms import StringField

class Profile(FlaskForm):
    name = StringField()

    class Meta:
        csrf = False  # flagged
```
Bad: the same by other ways: a call, a blueprint, an authentication class of one's own.
```python shop/app.py
from flask import Flask, request
from flask_login import current_user
from flask_wtf import CSRFProtect
from rest_framework.authentication import SessionAuthentication

from shop.orders import orders
from shop.forms import Profile

app = Flask(__name__)
csrf = CSRFProtect(app)
app.config.update(WTF_CSRF_ENABLED=False)  # flagged
csrf.exempt(orders)  # flagged

def profile():
    return Profile(meta={"csrf": False})  # flagged

class Unchecked(SessionAuthentication):
    def enforce_csrf(self, request):  # flagged
        return
```
Good: a webhook that verifies who sent it.
```python shop/views.py
import hashlib
import hmac

from django.conf import settings
from django.http import HttpResponse, HttpResponseForbidden
from django.views.decorators.csrf import csrf_exempt

@csrf_exempt
def paid(request):
    wanted = hmac.new(settings.PAY_KEY, request.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, request.headers["X-Pay-Digest"]):
        return HttpResponseForbidden()
    return HttpResponse()
```
Good: a token, not a cookie, says who calls.
```python shop/views.py
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from rest_framework.authentication import TokenAuthentication
from rest_framework.views import APIView

@method_decorator(csrf_exempt, name="dispatch")
class Orders(APIView):
    authentication_classes = [TokenAuthentication]

    def post(self, request):
        request.user.orders.create()
```
Good: nothing is changed.
```python shop/views.py
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

@csrf_exempt
@require_GET
def stock(request):
    return JsonResponse({"user": request.user.name})
```
Good: single sign-on posts from another site by design, and tests need no check.
```python shop/saml.py
from django.contrib.auth import login
from django.views.decorators.csrf import csrf_exempt

@csrf_exempt
def saml_acs(request):
    login(request, consume(request.POST["SAMLResponse"]))
```
```python shop/app.py
from flask_wtf import CSRFProtect

from shop.webhooks import webhooks

csrf = CSRFProtect()
csrf.exempt(webhooks)
```
```python shop/settings/test.py
WTF_CSRF_ENABLED = False
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.csrf_guards import Guards, guards_of
from rules.kit import Confidence, Flag, Here, Kind, Rule, Severity, argument, dotted, find, string

rule = Rule(
    __name__,
    __doc__,
    code="SEC128",
    severity=Severity.ERROR,
    checklist=("security.csrf", "flask.csrf", "ninja.auth"),
    cwe=352,
    peers=("semgrep:no-csrf-exempt",),
)

_EXEMPT = "csrf_exempt"
_SWITCHES = ("WTF_CSRF_ENABLED", "WTF_CSRF_CHECK_DEFAULT")
_NO_PRODUCTION = re.compile(
    r"(^|[/_.-])(test|tests|testing|dev|develop|development|local|ci|e2e)([/_.-]|$)"
)
_TEST_CLASS = re.compile(r"test|dev|local|debug|ci$", re.IGNORECASE)


@rule.on(cst.Decorator, words=(_EXEMPT,))
def decorated(decorator: cst.Decorator, here: Here) -> Iterator[Flag]:
    node = decorator.decorator
    target = here.parent(decorator)
    if here.is_test or not isinstance(target, cst.FunctionDef | cst.ClassDef):
        return
    if _is_exempt(node, here) or _is_method_decorator(node, here):
        yield from _judged(node, target, here)


@rule.on(cst.Call, calls=(_EXEMPT, "exempt"))
def called(call: cst.Call, here: Here) -> Iterator[Flag]:
    """`csrf_exempt(view)` in a table of addresses, `csrf.exempt(view)` of Flask-WTF."""
    given = argument(call, 0, "view")
    if here.is_test or given is None or isinstance(here.parent(call), cst.Decorator):
        return
    if not (_is_exempt(call.func, here) or _is_flask_exempt(call.func, here)):
        return
    target = _definition(given, here)
    if target is not None:
        yield from _judged(call, target, here)
    elif _is_flask_exempt(call.func, here) and isinstance(given, cst.Name | cst.Attribute):
        yield from _blueprint(call, given, here)


def _blueprint(call: cst.Call, given: cst.BaseExpression, here: Here) -> Iterator[Flag]:
    """Every view of a blueprint at once; those for machines are named so."""
    name = dotted(given)
    made = here.value_of(given)
    named = f"{name} {here.source(made) if isinstance(made, cst.Call) else ''}"
    if re.search(r"hook|callback|saml|oauth|oidc|metrics|health|scim", named, re.IGNORECASE):
        return
    message = (
        f"No view of `{name}` checks any more that a request comes from your own pages. Keep the "
        "check for those that a session cookie may reach, and exempt single views that verify a token."
    )
    for_machines = re.search(r"api|rest|v\d|rpc|graphql|token", named, re.IGNORECASE)
    weak = for_machines or not (_is_imported(given, here) or isinstance(made, cst.Call))
    yield Flag(call, message, confidence=Confidence.HOTSPOT if weak else None)


def _is_imported(given: cst.BaseExpression, here: Here) -> bool:
    root = given
    while isinstance(root, cst.Attribute):
        root = root.value
    return isinstance(root, cst.Name) and any(
        each.kind is Kind.IMPORT for each in here.bindings(root)
    )


@rule.on(
    cst.Arg,
    words=("WTF_CSRF_ENABLED", "WTF_CSRF_CHECK_DEFAULT", "csrf_enabled", "FlaskForm", "flask_wtf"),
)
def passed(arg: cst.Arg, here: Here) -> Iterator[Flag]:
    """`app.config.update(WTF_CSRF_ENABLED=False)`, `Profile(meta={"csrf": False})`."""
    name = arg.keyword.value if arg.keyword is not None else ""
    if name not in (*_SWITCHES, "csrf_enabled", "meta") or here.is_test:
        return
    off = arg.value
    if name == "meta" and isinstance(off, cst.Dict):
        pairs = [e for e in off.elements if isinstance(e, cst.DictElement)]
        off = next((e.value for e in pairs if string(e.key) == "csrf"), off)
    if not (isinstance(off, cst.Name) and off.value == "False"):
        return
    if name in _SWITCHES and (_outside_production(arg, here) or _is_made_for_tests(arg, here)):
        return
    call = here.parent(arg)
    shown = dotted(call.func) if isinstance(call, cst.Call) else ""
    message = (
        f"`{here.source(arg)}` takes away the check that a request comes from your own pages. "
        "Keep it unless the form only reads."
    )
    confidence = Confidence.HOTSPOT if _only_reads(shown) else None
    yield Flag(arg, message, confidence=confidence)


def _is_made_for_tests(node: cst.CSTNode, here: Here) -> bool:
    function = here.function(node)
    return function is not None and "test" in function.name.value


@rule.on(cst.FunctionDef, words=("enforce_csrf",))
def not_enforced(function: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    """An authentication class of REST framework that looks at cookies and skips the check."""
    owner = here.around(function, cst.ClassDef)
    if function.name.value != "enforce_csrf" or owner is None or here.is_test:
        return
    if any(True for _ in find(function.body, cst.Call)) or any(
        True for _ in find(function.body, cst.Raise)
    ):
        return
    message = (
        f"`{owner.name.value}` knows callers by their session cookie and skips the CSRF check: any "
        "other site can start requests in their name. Keep the check, or authenticate by token."
    )
    yield Flag(function.name, message)


@rule.on(cst.Assign, words=(*_SWITCHES, "csrf"))
def switched_off(assign: cst.Assign, here: Here) -> Iterator[Flag]:
    if here.is_test or not (isinstance(assign.value, cst.Name) and assign.value.value == "False"):
        return
    target = assign.targets[0].target
    # `csrf.protect()` stands for a check of their own choice of views.
    if here.mentions(("WTF_CSRF_CHECK_DEFAULT",)) and here.mentions(("protect",)):
        return
    if _names_the_switch(target) and not _outside_production(assign, here):
        message = (
            f"With `{here.source(assign)[:80]}` no form of this application checks that a request "
            "comes from its own pages; switch it off in tests only."
        )
        yield Flag(assign, message)
    elif isinstance(target, cst.Name) and target.value == "csrf":
        yield from _form(assign, here)


def _form(assign: cst.Assign, here: Here) -> Iterator[Flag]:
    meta = here.around(assign, cst.ClassDef, cst.FunctionDef)
    form = here.around(meta, cst.ClassDef) if meta is not None else None
    if not isinstance(meta, cst.ClassDef) or meta.name.value != "Meta" or form is None:
        return
    if any(name.startswith("flask_wtf.") for base in form.bases for name in here.names(base.value)):
        message = (
            f"`{form.name.value}` accepts posts that another site started: `csrf = False` takes "
            "its check away. Keep it unless the form only reads."
        )
        confidence = Confidence.HOTSPOT if _only_reads(form.name.value) else None
        yield Flag(assign, message, confidence=confidence)


def _only_reads(name: str) -> bool:
    return bool(re.search(r"search|filter|query|lookup", name, re.IGNORECASE))


def _names_the_switch(target: cst.BaseExpression) -> bool:
    match target:
        case cst.Name(value=name):
            return name in _SWITCHES
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            return string(key) in _SWITCHES
    return False


def _outside_production(assign: cst.CSTNode, here: Here) -> bool:
    owner = here.around(assign, cst.ClassDef)
    in_branch = here.around(assign, cst.If) is not None
    named = owner is not None and _TEST_CLASS.search(owner.name.value)
    return bool(named) or in_branch or bool(_NO_PRODUCTION.search(here.path.lower()))


def _is_exempt(node: cst.BaseExpression, here: Here) -> bool:
    names = here.names(node)
    if isinstance(node, cst.Name | cst.Attribute):
        return any(each.endswith(f"csrf.{_EXEMPT}") for each in names) or _is_flask_exempt(
            node, here
        )
    return False


def _is_flask_exempt(node: cst.BaseExpression, here: Here) -> bool:
    """`csrf.exempt`, where `csrf` is made of Flask-WTF's `CSRFProtect` or named so."""
    if not isinstance(node, cst.Attribute) or node.attr.value != "exempt":
        return False
    made = here.names(node)
    return any("flask_wtf" in each for each in made) or dotted(node.value).rpartition(".")[2] in {
        "csrf",
        "csrf_protect",
        "csrfprotect",
    }


def _is_method_decorator(node: cst.BaseExpression, here: Here) -> bool:
    if not isinstance(node, cst.Call) or not dotted(node.func).endswith("method_decorator"):
        return False
    given = here.value_of(node.args[0].value) if node.args else None
    listed = given.elements if isinstance(given, cst.List | cst.Tuple) else ()
    every = [*(each.value for each in listed), given]
    return any(isinstance(e, cst.Name | cst.Attribute) and _is_exempt(e, here) for e in every)


def _definition(node: cst.BaseExpression, here: Here) -> cst.FunctionDef | cst.ClassDef | None:
    """The view of this file that `csrf_exempt(login_required(View.as_view()))` is about."""
    at: cst.BaseExpression = node
    for _ in range(6):
        match at:
            case cst.Call(func=cst.Attribute(value=inner, attr=cst.Name(value="as_view"))):
                at = inner
            case cst.Call(args=[cst.Arg(value=inner), *_]):
                at = inner
            case cst.Name():
                found = [each.node for each in here.bindings(at) if each.kind is Kind.DEFINITION]
                one = found[0] if len(found) == 1 else None
                return one if isinstance(one, cst.FunctionDef | cst.ClassDef) else None
            case _:
                return None
    return None


def _judged(
    where: cst.BaseExpression, target: cst.FunctionDef | cst.ClassDef, here: Here
) -> Iterator[Flag]:
    view = target
    if isinstance(target, cst.FunctionDef) and target.name.value == "dispatch":
        view = here.around(target, cst.ClassDef) or target
    guards = guards_of(view, where, here)
    if guards is Guards.ENOUGH:
        return
    name = view.name.value
    message = (
        f"`{name}` changes things for whoever is logged in, and `csrf_exempt` lets any other site "
        "start such a request in the visitor's name. Keep the check, or verify a signature or token."
    )
    if guards is Guards.UNKNOWN:
        message = (
            f"`{name}` is exempt from the CSRF check, and nothing here verifies who calls it. Keep "
            "the check if a session cookie speaks for the caller; else verify a signature or token."
        )
    confidence = Confidence.HOTSPOT if guards is Guards.UNKNOWN else None
    yield Flag(where, message, confidence=confidence)
