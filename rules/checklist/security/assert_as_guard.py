"""An assertion decides who may do something.

Assertions are for the programmer: with `python -O` they are gone, and the check with them.
Where they fail, the caller gets an internal error instead of being refused. Ask with `if`, and
refuse.

Bad:
```python shop/views.py
from django.http import JsonResponse

def close(request, shop):
    assert request.user.is_staff  # flagged
    assert shop.owner == request.user, "not yours"  # flagged
    shop.close()
    return JsonResponse({})
```
Good:
```python shop/views.py
from django.core.exceptions import PermissionDenied
from django.http import JsonResponse

def close(request, shop):
    if not request.user.is_staff or shop.owner != request.user:
        raise PermissionDenied
    shop.close()
    return JsonResponse({})
```
Bad:
```python shop/api.py
from flask import request
from flask_login import current_user

@app.post("/refund")
def refund():
    assert current_user.has_role("admin")  # flagged
    amount = int(request.form["amount"])
    assert int(request.form["amount"]) > 0  # flagged
    return pay(amount)
```
Good: the type checker is told what the code around guarantees.
```python shop/views.py
from django.contrib.auth.decorators import login_required

from shop.models import User

@login_required
def orders(request):
    assert request.user.is_authenticated
    assert isinstance(request.user, User)
    return request.user.orders.all()

def owner(shop, request):
    assert shop.owner is not None
    assert request.user
    return shop.owner
```
Good: what must hold inside the program.
```python shop/prices.py
def shares(parts):
    assert sum(parts) == 100
    assert all(part >= 0 for part in parts)
    return parts
```
Good: that is what tests are made of.
```python tests/test_views.py
def test_staff(client, user):
    assert user.is_staff
    assert not user.has_perm("shop.close")
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.routes import is_request_data, view_of
from rules.kit import Confidence, Flag, Here, Kind, Rule, Severity, dotted, find, walk

rule = Rule(
    __name__,
    __doc__,
    code="SEC140",
    severity=Severity.WARNING,
    checklist=("security.permissions",),
    cwe=617,
    peers=("ruff:S101", "bandit:B101"),
    defers=False,
)

_FLAGS = re.compile(
    r"^(is_staff|is_superuser|is_admin|is_owner|is_authorized|is_authenticated|is_allowed|is_moderator"
    r"|can_\w+|may_\w+|has_(perm|perms|permission|permissions|role|access|scope|module_perms|object_permission)"
    r"|check_(perm|permission|permissions|password|token|auth|access|signature)|is_member|authenticated"
    r"|verify_(token|signature|password|permission)|compare_digest|user_can|allowed|is_permitted)$"
)
_NARROWS = frozenset({"is_authenticated", "is_anonymous"})
_SUBJECT = re.compile(
    r"(^|\.)(user|current_user|owner|author|created_by|member|account|requester)(_id|\.id|\.pk)?$"
)
_LOGIN = re.compile(
    r"login_required|LoginRequired|permission|authenticated|requires?_auth|jwt_required"
)


@rule.on(
    cst.Assert,
    words=(
        "request", "user", "current_user", "owner", "is_staff", "is_superuser", "has_perm",
        "has_permission", "is_admin", "has_role", "check_password", "compare_digest", "permission",
    ),
)  # fmt: skip
def check(statement: cst.Assert, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_migration or here.is_script or _narrows(statement.test):
        return
    shown = " ".join(here.source(statement.test).split())[:80].replace("`", "")
    if _asks_for_permission(statement.test, statement, here):
        message = (
            f"With `python -O` nobody asks for `{shown}` any more, and everybody may pass. "
            "Ask with `if`, and refuse."
        )
        yield Flag(statement, message)
    elif _checks_input(statement.test, here):
        message = (
            f"`{shown}` is about what the caller sent: with `python -O` it is not checked, and "
            "without it the caller gets an internal error. Ask with `if`, and answer 400."
        )
        confidence = Confidence.HOTSPOT if _is_only_method(statement.test) else None
        yield Flag(statement, message, confidence=confidence)


def _narrows(test: cst.BaseExpression) -> bool:
    """Whether a type checker may be who is spoken to: `is not None`, `isinstance`, a bare name."""
    match test:
        case cst.Name() | cst.Attribute(attr=cst.Name(value="user")):
            return True
        case cst.Call(func=cst.Name(value="isinstance" | "hasattr" | "callable" | "issubclass")):
            return True
        case cst.Comparison(comparisons=[cst.ComparisonTarget(operator=cst.Is() | cst.IsNot())]):
            return True
        case cst.BooleanOperation(left=left, right=right):
            return _narrows(left) and _narrows(right)
        case cst.UnaryOperation(expression=inner):
            return _narrows(inner)
        case _:
            return False


_ROLES = re.compile(r"^(role|roles|permissions|perms|scopes|groups|user_type|privileges)$")


def _asks_for_role(test: cst.BaseExpression) -> bool:
    """`user.role == "admin"`, `"admin" in user.roles`."""
    match test:
        case cst.Comparison(left=left, comparisons=[cst.ComparisonTarget(comparator=right)]):
            return any(
                isinstance(side, cst.Attribute)
                and bool(_ROLES.match(side.attr.value))
                and bool(re.search(r"(^|[._])user$|^current_\w+$", dotted(side.value)))
                for side in (left, right)
            )
        case _:
            return False


def _asks_for_permission(test: cst.BaseExpression, statement: cst.Assert, here: Here) -> bool:
    for each in walk(test):
        name = each.attr.value if isinstance(each, cst.Attribute) else ""
        if isinstance(each, cst.Call) and isinstance(each.func, cst.Name):
            name = each.func.value
        if name and _FLAGS.match(name):
            return name not in _NARROWS or not _is_guaranteed(statement, here)
    if _asks_for_role(test):
        return True
    match test:
        case cst.Comparison(
            left=left,
            comparisons=[
                cst.ComparisonTarget(operator=cst.Equal() | cst.NotEqual(), comparator=right)
            ],
        ):
            sides = (dotted(left), dotted(right))
            mine = any(
                re.search(r"(^|\.)(request|current)[._]user", side)
                or side.startswith("current_user")
                for side in sides
            )
            owned = {side.rpartition(".")[2] for side in sides} & {"owner", "author", "created_by"}
            return bool(mine or owned) and all(_SUBJECT.search(side) for side in sides)
        case _:
            return False


def _is_guaranteed(statement: cst.Assert, here: Here) -> bool:
    """Whether others may have asked who is there: a decorator, a base class, the caller of a helper."""
    function = here.function(statement)
    if function is None or here.around(statement, cst.ClassDef) is not None:
        return True
    if here.function(function) is not None:  # a decorator: others may stand around it
        return True
    if function.name.value.startswith("_") or view_of(function, here) is None:
        return True
    return any(_LOGIN.search(here.source(each)) for each in function.decorators)


def _checks_input(test: cst.BaseExpression, here: Here) -> bool:
    for each in find(test, cst.Attribute, cst.Subscript, cst.Call):
        if is_request_data(each, here):
            return True
    return any(
        isinstance(each, cst.Name) and _holds_request_data(each, here) for each in walk(test)
    )


def _holds_request_data(name: cst.Name, here: Here) -> bool:
    bound = here.bindings(name)
    node = bound[0].node if len(bound) == 1 and bound[0].kind is Kind.VALUE else None
    return node is not None and is_request_data(node, here)


def _is_only_method(test: cst.BaseExpression) -> bool:
    return any(dotted(each).endswith(".method") for each in find(test, cst.Attribute))
