"""A route that changes data asks nobody who they are, while its neighbours do.

One forgotten decorator is enough: whoever finds the address can create, change or delete what
the other routes keep for people who may. Give it the protection of its neighbours. If it is
open on purpose, a name that says so (`public`, `signup`, `webhook`) tells every reader.

Bad:
```python shop/views.py
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse

from shop.models import Book

@login_required
def add_book(request):
    Book.objects.create(title=request.POST["title"])
    return JsonResponse({})

def delete_book(request, number):  # flagged
    if request.method == "POST":
        Book.objects.filter(number=number).delete()
    return JsonResponse({})
```
Good:
```python shop/views.py
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse

from shop.models import Book

@login_required
def add_book(request):
    Book.objects.create(title=request.POST["title"])
    return JsonResponse({})

@login_required
def delete_book(request, number):
    if request.method == "POST":
        Book.objects.filter(number=number).delete()
    return JsonResponse({})
```
Bad:
```python shop/routes.py
from fastapi import APIRouter, Depends

from shop import store
from shop.deps import get_current_user

router = APIRouter()

@router.post("/books")
def add_book(book: dict, user=Depends(get_current_user)):
    return store.create(book)

@router.delete("/books/{number}")
def delete_book(number: int):  # flagged
    store.delete(number)
```
Bad:
```python shop/views.py
from flask import Blueprint, request
from flask_login import login_required

from shop import db
from shop.models import Book

shop = Blueprint("shop", __name__)

@shop.route("/books", methods=["POST"])
@login_required
def add_book():
    db.session.add(Book(title=request.form["title"]))
    db.session.commit()

@shop.route("/books/<int:number>", methods=["DELETE"])
def delete_book(number):  # flagged
    db.session.delete(db.session.get(Book, number))
    db.session.commit()
```
Bad:
```python shop/resources.py
from flask_restx import Resource

from shop import store
from shop.auth import admins_only

class Books(Resource):
    @admins_only
    def post(self):
        return store.add()

class Book(Resource):
    def delete(self, number):  # flagged
        store.delete(number)
```
Bad: everybody may write, where REST framework asks for a login by default.
```python shop/settings.py
INSTALLED_APPS = ["rest_framework"]
ROOT_URLCONF = "shop.urls"
REST_FRAMEWORK = {
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
```
```python shop/api.py
from rest_framework import viewsets
from rest_framework.permissions import AllowAny

from shop.models import Book
from shop.serializers import BookSerializer

class BookViewSet(viewsets.ModelViewSet):
    queryset = Book.objects.all()
    serializer_class = BookSerializer
    permission_classes = [AllowAny]  # flagged
```
Bad:
```python shop/settings.py
INSTALLED_APPS = ["rest_framework"]
ROOT_URLCONF = "shop.urls"
REST_FRAMEWORK = {
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
```
```python shop/api.py
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.response import Response

from shop.models import Book

@api_view(["POST"])
def add_book(request):
    Book.objects.create(title=str(request.data["title"]))
    return Response()

@api_view(["DELETE"])
@permission_classes([AllowAny])
def delete_book(request, number):  # flagged
    Book.objects.filter(number=number).delete()
    return Response()
```
Good: the whole router is behind a login.
```python shop/routes.py
from fastapi import APIRouter, Depends

from shop import store
from shop.deps import get_current_user

router = APIRouter(dependencies=[Depends(get_current_user)])

@router.post("/books")
def add_book(book: dict, user=Depends(get_current_user)):
    return store.create(book)

@router.delete("/books/{number}")
def delete_book(number: int):
    store.delete(number)
```
Good: names say that anybody may.
```python shop/views.py
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse

from shop.models import Book, Customer

@login_required
def add_book(request):
    Book.objects.create(title=request.POST["title"])
    return JsonResponse({})

def signup(request):
    Customer.objects.create(name=request.POST["name"])
    return HttpResponse(status=201)
```
Good: the body looks at the caller, or a decorator of the project does.
```python shop/views.py
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse

from shop.decorators import staff_only
from shop.models import Book

@login_required
def add_book(request):
    Book.objects.create(title=request.POST["title"])
    return JsonResponse({})

def rename_book(request, number):
    if request.method == "POST" and request.user.is_staff:
        Book.objects.filter(number=number).update(title=request.POST["title"])
    return JsonResponse({})

@staff_only
def delete_book(request, number):
    if request.method == "POST":
        Book.objects.filter(number=number).delete()
    return JsonResponse({})
```
Good: reading is open, and the base class decides who writes.
```python shop/api.py
from rest_framework import viewsets
from rest_framework.permissions import AllowAny, IsAdminUser

from shop.models import Book

class Managed(viewsets.ModelViewSet):
    permission_classes = [IsAdminUser]

class BookViewSet(Managed):
    queryset = Book.objects.all()

class ShelfViewSet(viewsets.ReadOnlyModelViewSet):
    permission_classes = [AllowAny]
    queryset = Book.objects.all()
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.access import (
    Access,
    by_arguments,
    by_body,
    by_classes,
    by_decorators,
    by_parameters,
    decorators,
    own_methods,
    own_value,
    reads_form,
    writes,
)
from rules.facts.authorization import GUARD, PUBLIC, Authorization
from rules.facts.python_classes import Classes
from rules.facts.route import Route
from rules.facts.routes import READING, by_decorator
from rules.kit import Flag, Here, Rule, Severity, children, dotted, keyword

rule = Rule(
    __name__,
    __doc__,
    code="SEC131",
    severity=Severity.ERROR,
    checklist=(
        "drf.permissions",
        "ninja.auth",
        "fastapi.auth-dependency",
        "security.permissions",
        "security.endpoints",
    ),
    scope="project",
    cwe=862,
)

_CHANGING = frozenset({"post", "put", "patch", "delete"})
_GUARD_WORDS = (
    "login_required",
    "permission_required",
    "user_passes_test",
    "staff_member_required",
    "LoginRequiredMixin",
    "PermissionRequiredMixin",
    "UserPassesTestMixin",
    "StaffuserRequiredMixin",
)
_REST_WORDS = (
    "APIView",
    "ViewSet",
    "ModelViewSet",
    "GenericViewSet",
    "GenericAPIView",
    "permission_classes",
)
_WRITING_BASES = re.compile(
    r"rest_framework\.(viewsets\.ModelViewSet|mixins\.(Create|Update|Destroy)ModelMixin"
    r"|generics\.(?=\w*(Create|Update|Destroy))\w+)$"
)
_DECIDING = frozenset(
    {
        "get_permissions",
        "initial",
        "dispatch",
        "check_permissions",
        "permission_denied",
        "test_func",
    }
    | {
        "perform_authentication",
        "check_object_permissions",
        "has_permission",
        "handle_no_permission",
    }
)
_WRITING_METHODS = _CHANGING | {"create", "update", "partial_update", "destroy", "form_valid"}
_DJANGO_WRITERS = re.compile(r"django\.views\.generic\.(edit\.)?(Create|Update|Delete)View$")
_KNOWN_LIBRARIES = ("rest_framework.", "django.", "builtins.", "typing.", "abc.")


@rule.on(Route)
def routed(route: Route, here: Here) -> Iterator[Flag]:
    """Flask, FastAPI, Ninja: a function under a decorator that gives it an address."""
    function = route.handler
    if here.is_test or not isinstance(function, cst.FunctionDef) or route.framework == "django":
        return
    if not route.methods & _CHANGING or _is_public(function.name.value, here, route.path or ""):
        return
    if _access(function, here, route.node) is not Access.OPEN or not writes(function):
        return
    guarded = [one for one in here.kept(_routes) if one[1] is Access.GUARDED]
    opened = [one for one in here.kept(_routes) if one[1] is Access.OPEN]
    if guarded and len(guarded) >= len(opened):
        yield _flag(function, [each.name.value for each, _ in guarded])


@rule.on(cst.FunctionDef, words=("Resource", "MethodView", "BaseResource"))
def resource_method(function: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    """`post` of a class of Flask: a resource or a view by methods."""
    if here.is_test or function.name.value not in _CHANGING or not writes(function):
        return
    owner = here.around(function, cst.ClassDef)
    if owner is None or _is_public(owner.name.value, here):
        return
    if _resource_access(function, owner, here) is not Access.OPEN:
        return
    guarded = [name for name, access in here.kept(_resource_methods) if access is Access.GUARDED]
    opened = [name for name, access in here.kept(_resource_methods) if access is Access.OPEN]
    if guarded and len(guarded) >= len(opened):
        yield _flag(function, guarded)


@rule.on(cst.FunctionDef, words=(*_GUARD_WORDS, "api_view"))
def django_view(function: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    if here.is_test or not _is_django_view(function, here) or not _takes_changes(function):
        return
    if _is_public(function.name.value, here) or _django_access(function, here) is not Access.OPEN:
        return
    known: Authorization = here.project.facts(Authorization)
    if known.denies_by_default and _has_decorator(function, "permission_classes"):
        yield _opened(function)
        return
    guarded = [name for name, access in here.kept(_django_views) if access is Access.GUARDED]
    opened = [name for name, access in here.kept(_django_views) if access is Access.OPEN]
    if guarded and len(guarded) >= len(opened):
        yield _flag(function, guarded)


@rule.on(cst.ClassDef, words=_GUARD_WORDS)
def django_class(node: cst.ClassDef, here: Here) -> Iterator[Flag]:
    if here.is_test or _is_public(node.name.value, here):
        return
    if _class_access(node, here) is not Access.OPEN:
        return
    guarded = [name for name, access in here.kept(_django_classes) if access is Access.GUARDED]
    opened = [name for name, access in here.kept(_django_classes) if access is Access.OPEN]
    if guarded and len(guarded) >= len(opened):
        yield _flag(node, guarded)


@rule.on(cst.ClassDef, words=_REST_WORDS)
def rest_class(node: cst.ClassDef, here: Here) -> Iterator[Flag]:
    if here.is_test or _is_public(node.name.value, here):
        return
    lineage = _lineage(node, here)
    if not any(each.startswith("rest_framework.") for each in lineage) or not _rest_writes(
        node, lineage
    ):
        return
    if by_decorators(node, here) is not Access.OPEN:
        return
    given = own_value(node, "permission_classes")
    # With a list of its own, a class is asked for nothing more by a base that wraps `dispatch`.
    harmless = frozenset({"dispatch"}) if given is not None else frozenset()
    if _decides_itself(lineage, here, harmless):
        return
    known: Authorization = here.project.facts(Authorization)
    if given is not None:
        if by_classes(given, here) is Access.OPEN and _is_open_inside(node, here):
            yield from _explicit(node, given, known, here)
        return
    if known.denies_by_default or known.everywhere or _inherits_permissions(lineage, here):
        return
    guarded = _guarded_rest_classes(here)
    if len(guarded) >= 3 and _is_open_inside(node, here) and not _has_heirs(node, here):
        yield _flag(node, guarded)


def _explicit(
    node: cst.ClassDef, given: cst.BaseExpression, known: Authorization, here: Here
) -> Iterator[Flag]:
    if own_value(node, "authentication_classes") is not None or known.everywhere:
        return
    if not known.denies_by_default and len(_guarded_rest_classes(here)) < 3:
        return
    yield _opened(node, here.parent(given))


def _opened(node: cst.FunctionDef | cst.ClassDef, where: cst.CSTNode | None = None) -> Flag:
    message = (
        f"Anybody may write through `{node.name.value}`: its `permission_classes` let strangers "
        "in, while the rest of the project asks who is calling. Name a permission, such as "
        "`IsAuthenticated`."
    )
    return Flag(where or node, message)


def _flag(node: cst.FunctionDef | cst.ClassDef, guarded: list[str]) -> Flag:
    name = node.name.value
    others = (
        f"`{guarded[0]}`" if len(guarded) == 1 else f"`{guarded[0]}` and {len(guarded) - 1} more"
    )
    message = (
        f"Anybody may call `{name}`, and it changes data: nothing here asks who is calling, as "
        f"{others} next to it {'does' if len(guarded) == 1 else 'do'}. Give it the same protection, "
        "or a name that says it is public."
    )
    return Flag(node, message)


def _is_public(name: str, here: Here, path: str = "") -> bool:
    file = here.path.rpartition("/")[2]
    folder = here.path.rpartition("/")[0].rpartition("/")[2]
    return any(PUBLIC.search(each) for each in (name, path, file, folder))


def _access(function: cst.FunctionDef, here: Here, call: cst.Call | None) -> Access:
    """What stands before the function, the most telling first; `OPEN` if nothing does."""
    known: Authorization = here.project.facts(Authorization)
    if known.everywhere or (call is not None and _router_is_guarded(call, known, here)):
        return Access.UNKNOWN
    own = _own_access(function, here, call)
    if own is not Access.OPEN:
        return own
    if isinstance(here.around(function, cst.ClassDef), cst.ClassDef):
        return Access.UNKNOWN
    return by_body(function.body, here)


def _own_access(function: cst.FunctionDef, here: Here, call: cst.Call | None) -> Access:
    found = [by_decorators(function, here), by_parameters(function, here)]
    if call is not None:
        found.append(by_arguments(call, here))
    if Access.GUARDED in found:
        return Access.GUARDED
    return Access.UNKNOWN if Access.UNKNOWN in found else Access.OPEN


def _router_is_guarded(call: cst.Call, known: Authorization, here: Here) -> bool:
    if not isinstance(call.func, cst.Attribute):
        return True
    owner = call.func.value
    names = here.names(owner) | {f"{here.module_name}.{dotted(owner)}"}
    if names & known.routers:
        return True
    made = here.value_of(owner)
    if isinstance(made, cst.Call):
        given = [
            keyword(made, each) for each in ("dependencies", "auth", "route_class", "decorators")
        ]
        return any(each is not None for each in given)
    return False


def _functions(here: Here) -> Iterator[cst.FunctionDef]:
    """The functions of a file, down to those inside another: `create_app` registers views."""
    for node in (here.module or cst.Module([])).body:
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            inner = [each for each in children(node.body) if isinstance(each, cst.FunctionDef)]
            yield from ([node, *inner] if isinstance(node, cst.FunctionDef) else inner)


def _routes(here: Here) -> list[tuple[cst.FunctionDef, Access]]:
    """The routes of this file that change something, with what they do about it."""
    found = []
    for function in _functions(here):
        for each in function.decorators:
            view = by_decorator(function, each.decorator)
            if view is not None and view.methods - READING and isinstance(each.decorator, cst.Call):
                found.append((function, _access(function, here, each.decorator)))
                break
    return found


_RESOURCES = re.compile(r"(^|\.)(\w*Resource|MethodView)$")
_FOR_ALL_METHODS = frozenset({"decorators", "method_decorators", "init_every_request"})


def _resource_access(function: cst.FunctionDef, owner: cst.ClassDef, here: Here) -> Access:
    """What stands before a method of a resource; `UNKNOWN` for methods of other classes."""
    lineage = _lineage(owner, here)
    if not any(_RESOURCES.search(each) for each in lineage[1:]):
        return Access.UNKNOWN
    own = by_decorators(function, here)
    if own is Access.GUARDED:
        return own
    known: Authorization = here.project.facts(Authorization)
    classes: Classes = here.project.facts(Classes)
    records = [classes.by_name[each][1] for each in lineage if each in classes.by_name]
    for_all = any(field.name in _FOR_ALL_METHODS for each in records for field in each.fields)
    hooked = any(method.name in _DECIDING for each in records for method in each.methods)
    if known.everywhere or for_all or hooked or own is Access.UNKNOWN:
        return Access.UNKNOWN
    if any(GUARD.search(each.rpartition(".")[2]) for each in lineage[1:]):
        return Access.UNKNOWN
    return by_body(function.body, here)


def _resource_methods(here: Here) -> list[tuple[str, Access]]:
    found = []
    for node in (here.module or cst.Module([])).body:
        for method in own_methods(node).values() if isinstance(node, cst.ClassDef) else ():
            if isinstance(node, cst.ClassDef) and method.name.value in _CHANGING:
                name = f"{node.name.value}.{method.name.value}"
                found.append((name, _resource_access(method, node, here)))
    return found


def _is_django_view(function: cst.FunctionDef, here: Here) -> bool:
    first = function.params.params[0].name.value if function.params.params else ""
    return first == "request" and isinstance(
        here.parent(here.parent(function) or function), cst.Module | None
    )


def _takes_changes(function: cst.FunctionDef) -> bool:
    return _is_sent_to(function) and writes(function)


def _is_sent_to(function: cst.FunctionDef) -> bool:
    """Whether a view takes more than reading: it looks at a form, or says so to REST framework."""
    for each in function.decorators:
        view = by_decorator(function, each.decorator)
        if view is not None:
            return bool(view.methods & _CHANGING)
    return reads_form(function)


def _has_decorator(function: cst.FunctionDef, name: str) -> bool:
    return any(each.rpartition(".")[2] == name for each, _ in decorators(function))


def _django_access(function: cst.FunctionDef, here: Here) -> Access:
    known: Authorization = here.project.facts(Authorization)
    if (
        known.everywhere
        or function.name.value in known.wrapped
        or function.name.value.startswith("_")
    ):
        return Access.UNKNOWN
    own = by_decorators(function, here)
    if own is not Access.OPEN:
        return own
    by_default = known.denies_by_default and _has_decorator(function, "api_view")
    if by_default and not _has_decorator(function, "permission_classes"):
        return Access.GUARDED
    return by_body(function.body, here)


def _django_views(here: Here) -> list[tuple[str, Access]]:
    return [
        (each.name.value, _django_access(each, here))
        for each in (here.module or cst.Module([])).body
        if isinstance(each, cst.FunctionDef)
        and each.params.params
        and each.params.params[0].name.value == "request"
        and _is_sent_to(each)
    ]


def _lineage(node: cst.ClassDef, here: Here) -> tuple[str, ...]:
    classes: Classes = here.project.facts(Classes)
    key = classes.find(f"{here.module_name}.{node.name.value}")
    return classes.lineage(key) if key else ()


def _class_access(node: cst.ClassDef, here: Here) -> Access:
    """Django's class-based views that take changes; all others are `UNKNOWN`."""
    lineage = _lineage(node, here)
    own = own_methods(node)
    is_view = any(each.startswith("django.views.generic") for each in lineage)
    if not is_view or not (
        own.keys() & _WRITING_METHODS or any(map(_DJANGO_WRITERS.search, lineage))
    ):
        return Access.UNKNOWN
    known: Authorization = here.project.facts(Authorization)
    if any(GUARD.search(each.rpartition(".")[2]) for each in lineage[1:]):
        return Access.GUARDED
    decorated = [by_decorators(node, here), *(by_decorators(each, here) for each in own.values())]
    if Access.GUARDED in decorated:
        return Access.GUARDED
    if node.name.value in known.wrapped or known.everywhere or _decides_itself(lineage, here):
        return Access.UNKNOWN
    if Access.UNKNOWN in decorated:
        return Access.UNKNOWN
    return Access.OPEN if _is_open_inside(node, here) else Access.UNKNOWN


def _django_classes(here: Here) -> list[tuple[str, Access]]:
    body = (here.module or cst.Module([])).body
    nodes = [each for each in body if isinstance(each, cst.ClassDef)]
    return [(each.name.value, _class_access(each, here)) for each in nodes]


def _rest_writes(node: cst.ClassDef, lineage: tuple[str, ...]) -> bool:
    allowed = own_value(node, "http_method_names")
    if isinstance(allowed, cst.List | cst.Tuple):
        text = cst.Module([]).code_for_node(allowed)
        if not any(each in text for each in _CHANGING):
            return False
    own = own_methods(node).keys()
    return bool(own & _WRITING_METHODS) or any(map(_WRITING_BASES.search, lineage))


def _decides_itself(
    lineage: tuple[str, ...], here: Here, harmless: frozenset[str] = frozenset()
) -> bool:
    """Whether a method decides who may call, or a base that is not seen might."""
    classes: Classes = here.project.facts(Classes)
    for each in lineage:
        if each not in classes.by_name:
            if "." in each and not each.startswith(_KNOWN_LIBRARIES):
                return True
            continue
        record = classes.by_name[each][1]
        if any(method.name in _DECIDING - harmless for method in record.methods):
            return True
        if any(GUARD.search(name) for name in record.decorators):
            return True
    return False


def _inherits_permissions(lineage: tuple[str, ...], here: Here) -> bool:
    classes: Classes = here.project.facts(Classes)
    records = [classes.by_name[each][1] for each in lineage[1:] if each in classes.by_name]
    if any(GUARD.search(each.rpartition(".")[2]) for each in lineage[1:]):
        return True
    return any(field.name == "permission_classes" for each in records for field in each.fields)


def _is_open_inside(node: cst.ClassDef, here: Here) -> bool:
    """Whether no method looks at the caller."""
    return by_body(node.body, here) is Access.OPEN and not any(
        by_decorators(each, here) is not Access.OPEN for each in own_methods(node).values()
    )


def _guarded_rest_classes(here: Here) -> list[str]:
    """The classes of the project that name a permission, those of tests left out."""
    classes: Classes = here.project.facts(Classes)
    return [
        record.name
        for path, record in classes.by_name.values()
        if "/tests/" not in path
        for each in record.fields
        if each.name == "permission_classes"
        and not re.fullmatch(r"[\[(]\W*(\w*\.)*(AllowAny)?\W*[\])]", each.value)
    ]


def _has_heirs(node: cst.ClassDef, here: Here) -> bool:
    classes: Classes = here.project.facts(Classes)
    own = classes.find(f"{here.module_name}.{node.name.value}")
    return any(own in classes.bases(key) for key in classes.by_name if key != own)
