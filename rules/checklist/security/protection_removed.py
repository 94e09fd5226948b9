"""A change takes a protection away.

A login that is no longer asked for, a signature that is no longer compared, a text that is no
longer escaped: such a line often goes with a refactoring, and nothing fails without it. Put it
back, or say in the pull request what protects the place now.

Before:
```python shop/views.py
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse

from shop.models import Book

@login_required
def delete_book(request, number):
    Book.objects.filter(number=number).delete()
    return JsonResponse({})
```
Bad:
```python shop/views.py
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse

from shop.models import Book

def delete_book(request, number):  # flagged
    Book.objects.filter(number=number).delete()
    return JsonResponse({})
```
Good:
```python shop/views.py
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse

from shop.models import Book

@login_required
def delete_book(request, number):
    Book.objects.filter(number=number).delete()
    return JsonResponse({"deleted": number})
```
Good: another decorator of the same kind stands there now.
```python shop/views.py
from django.contrib.auth.decorators import permission_required
from django.http import JsonResponse

from shop.models import Book

@permission_required("shop.delete_book")
def delete_book(request, number):
    Book.objects.filter(number=number).delete()
    return JsonResponse({})
```
Good: the function asks itself now, and refuses.
```python shop/views.py
from django.http import JsonResponse

from shop.models import Book, Member

def delete_book(request, number):
    if not Member.objects.filter(user=request.user, role="admin").exists():
        return JsonResponse({"error": "You may not do this."}, status=403)
    Book.objects.filter(number=number).delete()
    return JsonResponse({})
```
Good: the view itself is gone.
```python shop/views.py
from django.http import JsonResponse
```
Before:
```python shop/hooks.py
import hmac

from shop import orders
from shop.settings import KEY

def paid(request):
    if not hmac.compare_digest(request.headers["X-Signature"], orders.sign(request.body, KEY)):
        return 403
    orders.settle(request.body)
    return 200
```
Bad:
```python shop/hooks.py
import hmac

from shop import orders
from shop.settings import KEY

def paid(request):
    orders.settle(request.body)  # flagged
    return 200
```
Good: the check moved into a function of its own.
```python shop/hooks.py
import hmac

from shop import orders
from shop.settings import KEY

def is_genuine(request):
    return hmac.compare_digest(request.headers["X-Signature"], orders.sign(request.body, KEY))

def paid(request):
    if not is_genuine(request):
        return 403
    orders.settle(request.body)
    return 200
```
Before:
```python shop/settings.py
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.common.CommonMiddleware",
]
```
Bad:
```python shop/settings.py
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",  # flagged
]
```
Good: another middleware went away.
```python shop/settings.py
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
```
Before:
```python shop/routes.py
from fastapi import APIRouter, Depends

from shop import store
from shop.deps import get_current_user

router = APIRouter()

@router.delete("/books/{number}")
def delete_book(number: int, user=Depends(get_current_user)):
    store.delete(number)
```
Bad:
```python shop/routes.py
from fastapi import APIRouter, Depends

from shop import store
from shop.deps import get_current_user

router = APIRouter()

@router.delete("/books/{number}")
def delete_book(number: int):  # flagged
    store.delete(number)
```
Good: the router asks for all of its routes.
```python shop/routes.py
from fastapi import APIRouter, Depends

from shop import store
from shop.deps import get_current_user

router = APIRouter(dependencies=[Depends(get_current_user)])

@router.delete("/books/{number}")
def delete_book(number: int):
    store.delete(number)
```
Before:
```python shop/pages.py
from html import escape

def greeting(name):
    return f"<p>Hello {escape(name)}</p>"
```
Bad:
```python shop/pages.py
from html import escape

def greeting(name):
    return f"<p>Hello {name}</p>"  # flagged
```
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from rules.facts.access import own_value
from rules.facts.authorization import GUARD, Authorization
from rules.facts.protections import Place, Protection, Shield, protections
from rules.kit import (
    Change,
    FileChange,
    Flag,
    Here,
    PythonFile,
    Rule,
    Severity,
    dotted,
    find,
    keyword,
)
from rules.kit.paths import is_test
from rules.kit.positions import positions
from rules.kit.tree import parents_of

rule = Rule(
    __name__,
    __doc__,
    code="SEC133",
    severity=Severity.ERROR,
    checklist=("security.permissions", "security.warnings-ignored"),
    scope="pr",
    cwe=693,
)

_HINT = re.compile(
    rb"@|Mixin|ermission|Depends|Security|Middleware|timeout|alid|compare|verif|escap|clean|sanit|quote|Denied|abort"
    rb"|40[13]|csrf|CSRF|auth|SECURE|secure|sign|Authentic|check_|safe|Talisman|Forbidden|Unauthorized"
)
_CALLER = frozenset(
    {
        Shield.DECORATOR,
        Shield.BASE,
        Shield.PERMISSIONS,
        Shield.DEPENDENCY,
        Shield.MIDDLEWARE,
        Shield.CHECK,
    }
)
_ASKS = "who is calling is no longer asked here"
_MEANING: Mapping[Shield, str] = {
    Shield.DECORATOR: "what it kept out may now come in",
    Shield.BASE: _ASKS,
    Shield.PERMISSIONS: "what they kept out may now come in",
    Shield.DEPENDENCY: _ASKS,
    Shield.MIDDLEWARE: "no request passes it any more",
    Shield.SETTING: "its default protects less",
    Shield.VALIDATOR: "values that it refused are now accepted",
    Shield.CHECK: "what it refused now passes",
    Shield.ESCAPING: "what callers write now reaches the output as it is",
    Shield.TIMEOUT: "it may now wait for ever",
}


@dataclass(frozen=True)
class _Sides:
    """One changed file with the places and protections of both versions."""

    file: FileChange
    before: cst.Module
    after: cst.Module
    old_places: Mapping[str, Place]
    new_places: Mapping[str, Place]
    old: tuple[Protection, ...]
    new: tuple[Protection, ...]

    @classmethod
    def of(cls, file: FileChange, before: cst.Module, after: cst.Module) -> "_Sides":
        old_places, old = protections(before)
        new_places, new = protections(after)
        return cls(file, before, after, old_places, new_places, old, new)

    def lost(self) -> list[Protection]:
        """What stood at a place that is still there, and stands there no more."""
        left = Counter((each.place, *each.key) for each in self.new)
        found = []
        for each in self.old:
            key = (each.place, *each.key)
            if each.place in self.new_places and not left[key]:
                found.append(each)
            left[key] -= 1
        return found

    def gained(self) -> list[Protection]:
        known = Counter((each.place, *each.key) for each in self.old)
        found = []
        for each in self.new:
            key = (each.place, *each.key)
            if not known[key]:
                found.append(each)
            known[key] -= 1
        return found


@rule.on(PythonFile)
def keep_tree(_file: PythonFile, _here: Here) -> Iterator[Flag]:
    """Says nothing: a change holds the trees of those files that some rule looks at."""
    yield from ()


@rule.on(Change)
def check(change: Change, here: Here) -> Iterator[Flag]:
    if not any(_may_lose(each) for each in change.files):
        return
    every = list(_compared(change))
    gained = [(sides, each) for sides in every for each in sides.gained()]
    said: set[tuple[str, str, Shield]] = set()
    for sides in every:
        for lost in sides.lost():
            key = (sides.file.path, lost.place, lost.shield)
            if key in said or not _counts(lost, sides, change) or _is_replaced(lost, sides, gained):
                continue
            said.add(key)
            yield _flag(lost, sides)


def _may_lose(file: FileChange) -> bool:
    """A look at the removed lines alone: most changes remove nothing of the kind."""
    if not file.path.endswith(".py") or not file.before or not file.after or is_test(file.path):
        return False
    lines = file.before.split(b"\n")
    return any(at <= len(lines) and _HINT.search(lines[at - 1]) for at in file.removed)


def _compared(change: Change) -> Iterator[_Sides]:
    for file in change.files:
        before, after = change.trees.get(file.path, (None, None))
        if after is not None and not is_test(file.path):
            yield _Sides.of(file, before or cst.Module([]), after)


def _counts(lost: Protection, sides: _Sides, change: Change) -> bool:
    """Whether what the protection stood before is still there, without it."""
    place = sides.new_places[lost.place]
    match lost.shield:
        case Shield.VALIDATOR:
            return isinstance(place, cst.ClassDef) and _still_has_field(lost, place)
        case Shield.ESCAPING:
            return _still_used(lost, place, sides)
        case Shield.TIMEOUT:
            return any(
                dotted(each.func) == lost.name
                and keyword(each, "timeout") is None
                and not _is_open(each)
                for each in find(place, cst.Call)
            )
        case Shield.MIDDLEWARE | Shield.SETTING:
            return not _is_mentioned(lost.name, sides.file.after or b"")
        case Shield.PERMISSIONS:
            return _is_weaker(lost, place, change)
        case Shield.BASE:
            return not _has_new_base(lost, sides)
        case Shield.CHECK:
            return _still_guards(lost, place, sides)
        case _:
            return True


def _is_open(call: cst.Call) -> bool:
    return any(each.star == "**" for each in call.args)


def _is_mentioned(name: str, after: bytes) -> bool:
    lines = (each for each in after.split(b"\n") if not each.lstrip().startswith(b"#"))
    return any(name.encode() in each for each in lines)


def _still_has_field(lost: Protection, place: cst.ClassDef) -> bool:
    """Whether the field that was validated is there, of the same kind."""
    name, _, validator = lost.name.partition(": ")
    if validator:
        old = lost.node.value if isinstance(lost.node, cst.Assign | cst.AnnAssign) else None
        new = own_value(place, name)
        same = isinstance(old, cst.Call) and isinstance(new, cst.Call)
        return same and dotted(old.func) == dotted(new.func)  # type: ignore[union-attr]
    field = re.sub(r"^(clean|validate)_?", "", name)
    if not place.bases:
        return False
    return not field or field == name or own_value(place, field) is not None


def _still_used(lost: Protection, place: Place, sides: _Sides) -> bool:
    """Whether what was escaped still stands in the function."""
    call = lost.node
    if not isinstance(call, cst.Call) or not call.args:
        return False
    given = sides.before.code_for_node(call.args[0].value).strip()
    return len(given) > 1 and given in sides.after.code_for_node(place)


def _still_guards(lost: Protection, place: Place, sides: _Sides) -> bool:
    """Whether what came after the check is there still: a branch may go with its checks."""
    parents = parents_of(sides.before)
    left = sides.after.code_for_node(place)
    at: cst.CSTNode | None = lost.node
    while at is not None and not isinstance(at, cst.FunctionDef):
        above = parents.get(id(at))
        if isinstance(above, cst.IndentedBlock):
            passed = [each is at for each in above.body].index(True)
            rest = above.body[passed + 1 :]
            after = [sides.before.code_for_node(each).strip() for each in rest]
            if after:
                return any(each in left for each in after)
        at = above
    return True


def _is_weaker(lost: Protection, place: Place, change: Change) -> bool:
    """Whether a list of permissions is gone or empty, and the project's default is not the same."""
    if not isinstance(place, cst.ClassDef):
        return True
    if own_value(place, lost.name) is not None:
        return True
    if lost.name != "permission_classes" or not isinstance(lost.node, cst.Assign | cst.AnnAssign):
        return False
    known: Authorization = change.after.facts(Authorization)
    names = {each.value for each in find(lost.node, cst.Name)} - {
        "permission_classes",
        "permissions",
    }
    return not names <= (known.default_permissions or frozenset())


def _has_new_base(lost: Protection, sides: _Sides) -> bool:
    old, new = sides.old_places.get(lost.place), sides.new_places[lost.place]
    if not isinstance(old, cst.ClassDef) or not isinstance(new, cst.ClassDef):
        return True
    before = {dotted(each.value) for each in old.bases}
    return any(dotted(each.value) not in before for each in new.bases)


def _is_replaced(lost: Protection, sides: _Sides, gained: list[tuple[_Sides, Protection]]) -> bool:
    """Whether the change puts something of the kind there, around it, or where it came from."""
    for other, each in gained:
        alike = each.shield is lost.shield or (each.shield in _CALLER and lost.shield in _CALLER)
        inside = f"{each.place}.".startswith(f"{lost.place}.")
        around = not each.place or inside or lost.place.startswith(f"{each.place}.")
        if other is sides and around and alike:
            return True
        is_new = each.place not in other.old_places
        if each.key == lost.key and (is_new or not around) and lost.shield is not Shield.DECORATOR:
            return True
        if alike and lost.shield in _CALLER and other is not sides and not is_new:
            return True
    return lost.shield in _CALLER and _asks_otherwise(lost, sides)


def _asks_otherwise(lost: Protection, sides: _Sides) -> bool:
    """Whether the function now calls, takes or is decorated with another thing that asks."""
    old, new = sides.old_places.get(lost.place), sides.new_places[lost.place]
    if not lost.place or old is None:
        return False
    return bool(_asking(new) - _asking(old)) or _refusals(new) > _refusals(old)


def _refusals(place: Place) -> int:
    """How many answers of 401 and 403 stand in the place: `status=403`, `status.HTTP_401_...`."""
    calls = list(find(place, cst.Call))
    given = [keyword(each, word) for each in calls for word in ("status", "status_code")]
    return sum(_is_refusal(each) for each in given)


def _is_refusal(status: cst.BaseExpression | None) -> bool:
    match status:
        case cst.Integer(value="401" | "403"):
            return True
        case cst.Attribute(attr=cst.Name(value=name)) | cst.Name(value=name):
            return "401" in name or "403" in name
        case _:
            return False


def _asking(place: Place) -> set[str]:
    found = {dotted(each.func).rpartition(".")[2] for each in find(place, cst.Call)}
    if isinstance(place, cst.FunctionDef):
        found |= {each.name.value for each in place.params.params}
    names = {each for each in found if GUARD.search(each)}
    if isinstance(place, cst.FunctionDef | cst.ClassDef):
        for each in place.decorators:
            node = each.decorator
            names.add(dotted(node.func if isinstance(node, cst.Call) else node))
    return names


def _flag(lost: Protection, sides: _Sides) -> Flag:
    where = f" from `{lost.place}`" if lost.place else ""
    name = f"`{lost.name.partition(': ')[2] or lost.name}`"
    if ": " in lost.name:
        where = f" of `{lost.place}.{lost.name.partition(': ')[0]}`"
    message = (
        f"This change removes {lost.shield.value} {name}{where}: {_MEANING[lost.shield]}. Put it "
        "back, or say in the pull request what protects this place now."
    )
    return Flag(
        _line(lost, sides),
        message,
        path=sides.file.path,
        identity=f"{lost.shield.name} {lost.name} {lost.place}",
    )


def _line(lost: Protection, sides: _Sides) -> int:
    """The line of the new version that stands where the protection stood."""
    new = sides.new_places[lost.place]
    if lost.shield in (Shield.DECORATOR, Shield.BASE, Shield.DEPENDENCY) and lost.place:
        return positions(sides.after, [new])[id(new)].line
    span = positions(sides.before, [lost.node])[id(lost.node)]
    return _after(span.line, sides.file)


def _after(line: int, file: FileChange) -> int:
    """The number that the next kept line has after the change."""
    kept_before = [n for n in range(1, _count(file.before) + 1) if n not in file.removed]
    kept_after = [n for n in range(1, _count(file.after) + 1) if n not in file.added]
    following = sum(1 for each in kept_before if each < line)
    rewritten = [n for n in sorted(file.added) if following == 0 or n > kept_after[following - 1]]
    if rewritten and (following >= len(kept_after) or rewritten[0] < kept_after[following]):
        return rewritten[0]
    return kept_after[min(following, len(kept_after) - 1)] if kept_after else 1


def _count(data: bytes | None) -> int:
    return len((data or b"").splitlines())
