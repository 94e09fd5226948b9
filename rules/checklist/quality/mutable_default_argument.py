"""A default argument is made once and shared by all calls.

Python evaluates defaults when the `def` is executed, not when the function is called. A list
that one call changes is changed for the next one, across requests and users; a time or an
identifier is the one of the process's start. Use `None` and make the value inside.

Bad:
```python
def add_item(item, basket=[]):  # flagged
    basket.append(item)
    return basket
```
Good:
```python
def add_item(item, basket=None):
    if basket is None:
        basket = []
    basket.append(item)
    return basket
```
Bad: annotations and the docstring keep their place.
```python
from typing import Any


class Mailer:
    def send(
        self,
        subject: str,
        headers: dict[str, Any] = {},  # flagged
        copies: "list[str]" = list(),  # flagged
    ) -> None:
        \"\"\"Send one mail.\"\"\"
        self.client.send(subject, headers, copies)
```
Good:
```python
from typing import Any


class Mailer:
    def send(
        self,
        subject: str,
        headers: dict[str, Any] | None = None,
        copies: "list[str] | None" = None,
    ) -> None:
        \"\"\"Send one mail.\"\"\"
        if copies is None:
            copies = list()
        if headers is None:
            headers = {}
        self.client.send(subject, headers, copies)
```
Bad: every order gets the time at which the server was started.
```python
from datetime import datetime


def place_order(cart, at=datetime.now()):  # flagged
    return cart.order(at)
```
Good:
```python
from datetime import datetime


def place_order(cart, at=None):
    if at is None:
        at = datetime.now()
    return cart.order(at)
```
Good: values that cannot change.
```python
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType


def price(net, *, rate=Decimal("0.19"), tags=(), kinds=frozenset({"a"}), more=MappingProxyType({})):
    return net * (1 + rate)


def expire(token, after=timedelta(hours=1)):
    return token.age > after
```
Good: FastAPI reads these defaults, and makes the value anew for each request.
```python
from fastapi import APIRouter, Depends, Query

router = APIRouter()


@router.get("/books")
def books(tags: list[str] = Query(default=[]), session=Depends(get_session), sort: list[str] = []):
    return session.books(tags, sort)
```
Good: a cache that is meant to outlive the call.
```python
def rate(currency, _cache={}):
    if currency not in _cache:
        _cache[currency] = fetch(currency)
    return _cache[currency]
```
Good: a declaration runs nothing.
```python
from typing import Protocol


class Storage(Protocol):
    def save(self, name: str, tags: list[str] = []) -> None: ...
```
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

import libcst as cst

from rules.kit import (
    Confidence,
    Fix,
    Flag,
    Here,
    InsertBefore,
    Kind,
    Replace,
    Rule,
    Severity,
    dotted,
    expression,
    find,
    string,
    walk,
)
from rules.kit.edits import Edit

rule = Rule(
    __name__,
    __doc__,
    code="QLT101",
    severity=Severity.WARNING,
    quiet=True,
    checklist=("quality.mutable-defaults",),
    fix="safe",
    peers=("ruff:B006", "ruff:B008", "flake8:B006", "flake8:B008", "pylint:W0102"),
)

_PEERS_OF_DISPLAYS = ("ruff:B006", "flake8:B006", "pylint:W0102")
_PEERS_OF_CALLS = ("ruff:B008", "flake8:B008")


class _Kind(Enum):
    """What is wrong with sharing a value."""

    MUTABLE = "is shared by all calls: what one of them changes, the next one finds changed"
    MOMENT = "is evaluated once, when the function is defined, so all calls get the same value"
    SPENT = "is used up by the first call; the next one finds nothing in it"
    OTHER = "is created once and shared by all calls"


_DISPLAYS = (cst.List, cst.Dict, cst.Set, cst.ListComp, cst.DictComp, cst.SetComp)
_CONTAINERS = frozenset(
    {f"builtins.{name}" for name in ("list", "dict", "set", "bytearray")}
    | {
        f"collections.{name}"
        for name in ("defaultdict", "OrderedDict", "Counter", "deque", "ChainMap", "UserDict")
    }
    | {"collections.UserList", "django.utils.datastructures.MultiValueDict"}
    | {"werkzeug.datastructures.MultiDict", "multidict.MultiDict"}
)
_MOMENTS = frozenset(
    {f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")}
    | {f"time.{name}" for name in ("time", "time_ns", "monotonic", "perf_counter", "localtime")}
    | {f"uuid.uuid{number}" for number in (1, 4, 6, 7)}
    | {f"secrets.token_{name}" for name in ("hex", "urlsafe", "bytes")}
    | {f"random.{name}" for name in ("random", "randint", "choice", "randrange", "uniform")}
    | {f"django.utils.timezone.{name}" for name in ("now", "localtime", "localdate")}
    | {"datetime.date.today", "time.gmtime", "os.urandom"}
    | {"django.utils.crypto.get_random_string"}
)
# Their results cannot change, or configuration is meant to be read once.
_HARMLESS_HEADS = frozenset(
    {"attr", "attrs", "click", "dataclasses", "fastapi", "ninja", "pydantic", "re", "typer"}
    | {"strawberry", "typing", "operator", "decimal", "fractions", "pathlib", "enum", "zoneinfo"}
    | {"os", "decouple", "environ", "graphene", "litestar", "faststream", "taskiq_dependencies"}
    | {"builtins", "logging", "string", "struct", "types", "ipaddress", "pytz", "cyclopts"}
    | {"httpx", "numpy", "sqlalchemy", "starlette", "wireup", "dependency_injector", "datetime"}
)
_HARMLESS_LAST = frozenset(
    {"Depends", "Security", "Query", "Body", "Header", "Cookie", "File", "Form", "Path", "Param"}
    | {"Option", "Argument", "Field", "Factory", "Provide", "Inject", "Dependency", "Parameter"}
    | {"timedelta", "date", "datetime", "time", "timezone", "Decimal", "Q", "F", "Value", "Money"}
    | {"getenv", "get_env", "config", "env", "getLogger", "get_logger", "gettext", "gettext_lazy"}
    | {"_", "namedtuple", "attrgetter", "itemgetter", "frozenset", "object", "TypeVar"}
)
_ROUTES = frozenset(
    {"get", "post", "put", "patch", "delete", "head", "options", "api_route", "api_operation"}
    | {"websocket", "trace", "validate_call", "overload", "abstractmethod"}
)
_NOT_MADE_HERE: frozenset[type] = frozenset(
    {cst.Name, cst.Attribute, cst.Integer, cst.SimpleString, cst.UnaryOperation}
)
_KEPT = frozenset({"cache", "memo", "memory", "seen"})


@rule.on(cst.FunctionDef, words=("def",))
def check_function(function: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    named = f"`{function.name.value}`"
    for parameter in _with_defaults(function.params):
        kind = _kind(parameter, here)
        if kind is None or _is_declaration(function, here):
            continue
        yield _flag(parameter, kind, named, here, _fix(parameter, kind, function, here))


@rule.on(cst.Lambda, words=("lambda",))
def check_lambda(function: cst.Lambda, here: Here) -> Iterator[Flag]:
    for parameter in _with_defaults(function.params):
        kind = _kind(parameter, here)
        if kind is not None:
            yield _flag(parameter, kind, "this lambda", here, None)


def _with_defaults(params: cst.Parameters) -> Iterator[cst.Param]:
    for group in (params.posonly_params, params.params, params.kwonly_params):
        for each in group:
            if each.default is not None:
                yield each


def _flag(parameter: cst.Param, kind: _Kind, named: str, here: Here, fix: Fix | None) -> Flag:
    default = parameter.default or parameter
    name = parameter.name.value
    code = " ".join(here.source(default).split())
    short = code if len(code) <= 40 else f"{code[:37]}..."
    message = f"The default `{short}` of `{name}` in {named} {kind.value}. "
    message += f"Let `{name}` default to `None` and make the value inside."
    peers = _PEERS_OF_DISPLAYS if kind is _Kind.MUTABLE else _PEERS_OF_CALLS
    sure = Confidence.HOTSPOT if kind is _Kind.OTHER else Confidence.PROVEN
    return Flag(default, message, fix=fix, confidence=sure, identity=name, peers=peers)


def _kind(parameter: cst.Param, here: Here) -> _Kind | None:
    default, name = parameter.default, parameter.name.value
    kind: _Kind | None = None
    if default.__class__ in _NOT_MADE_HERE:
        return None
    if isinstance(default, _DISPLAYS):
        kind = _Kind.MUTABLE
    elif isinstance(default, cst.GeneratorExp):
        kind = _Kind.SPENT
    elif isinstance(default, cst.Call):
        kind = _kind_of_call(default, here)
    if kind in (None, _Kind.MOMENT):
        return kind
    is_meant = name.startswith("_") or name in _KEPT or name.endswith("_cache")
    return None if is_meant else kind


def _kind_of_call(call: cst.Call, here: Here) -> _Kind | None:
    names = here.names(call.func)
    if names & _CONTAINERS:
        return _Kind.MUTABLE
    if names & _MOMENTS:
        return _Kind.MOMENT
    last = call.func.attr.value if isinstance(call.func, cst.Attribute) else dotted(call.func)
    if last in _HARMLESS_LAST or any(name.split(".")[0] in _HARMLESS_HEADS for name in names):
        return None
    made_here = last[:1].isupper() and not last.isupper()
    return _Kind.OTHER if made_here else None


def _is_declaration(function: cst.FunctionDef, here: Here) -> bool:
    """Stubs, overloads and protocols run nothing; a framework calls routes with fresh values."""
    if here.path.endswith(".pyi") or _does_nothing(function.body):
        return True
    for each in function.decorators:
        node = each.decorator.func if isinstance(each.decorator, cst.Call) else each.decorator
        last = node.attr.value if isinstance(node, cst.Attribute) else dotted(node)
        if last in _ROUTES:
            return True
    return False


def _does_nothing(body: cst.BaseSuite) -> bool:
    small = [
        each
        for line in body.body
        for each in (line.body if isinstance(line, cst.SimpleStatementLine) else [line])
    ]
    return all(
        isinstance(each, cst.Expr)
        and isinstance(each.value, cst.Ellipsis | cst.SimpleString | cst.ConcatenatedString)
        for each in small
    )


def _fix(parameter: cst.Param, kind: _Kind, function: cst.FunctionDef, here: Here) -> Fix | None:
    """None as the default, and the value made by the first statement of the body."""
    default, name = parameter.default, parameter.name.value
    first = _first_statement(function.body)
    if first is None or default is None or kind is _Kind.OTHER:
        return None
    code = here.source(default)
    if "\n" in code or "#" in code or not _means_the_same_inside(default, function, here):
        return None
    edits: list[Edit] = [Replace(default, "None")]
    annotation = parameter.annotation
    if annotation is not None:
        wider = _with_none(annotation.annotation, here)
        if wider is None:
            return None
        if wider:
            edits.append(Replace(annotation.annotation, wider))
    indent = here.module.default_indent if here.module is not None else "    "
    edits.append(InsertBefore(first, (f"if {name} is None:", f"{indent}{name} = {code}")))
    keeps = kind is _Kind.MUTABLE and not _none_has_a_meaning(parameter, function)
    return Fix(tuple(edits), safe=keeps)


def _first_statement(body: cst.BaseSuite) -> cst.BaseStatement | None:
    """Where the new lines go; None where they would part a comment from what it is about."""
    if not isinstance(body, cst.IndentedBlock):
        return None
    lines: Sequence[cst.BaseStatement] = body.body
    if lines and _is_docstring(lines[0]):
        lines = lines[1:]
    if not lines:
        return None
    first = lines[0]
    above = getattr(first, "leading_lines", ())
    decorated = bool(getattr(first, "decorators", ()))
    return None if decorated or any(each.comment for each in above) else first


def _is_docstring(line: cst.BaseStatement) -> bool:
    match line:
        case cst.SimpleStatementLine(body=[cst.Expr(value=value)]):
            return isinstance(value, cst.SimpleString | cst.ConcatenatedString)
        case _:
            return False


def _means_the_same_inside(default: cst.CSTNode, function: cst.FunctionDef, here: Here) -> bool:
    """Whether the names of the default are builtins or imports that the function leaves alone."""
    bound = _bound_inside(function)
    for each in find(default, cst.Name):
        if _is_label(each, here):
            continue
        outside = here.bindings(each)
        if outside:
            known = all(one.kind is Kind.IMPORT for one in outside)
        else:
            known = f"builtins.{each.value}" in here.names(each)
        if not known or each.value in bound:
            return False
    return True


def _bound_inside(function: cst.FunctionDef) -> frozenset[str]:
    found = {each.name.value for each in find(function.params, cst.Param)}
    for each in walk(function.body):
        match each:
            case (
                cst.AssignTarget(target=target)
                | cst.AnnAssign(target=target)
                | cst.NamedExpr(target=target)
                | cst.For(target=target)
                | cst.AsName(name=target)
            ):
                found |= {one.value for one in find(target, cst.Name)}
            case cst.ImportAlias(name=name) | cst.FunctionDef(name=name) | cst.ClassDef(name=name):
                found.add(dotted(name).partition(".")[0])
            case _:
                pass
    return frozenset(found)


def _is_label(name: cst.Name, here: Here) -> bool:
    match here.parent(name):
        case cst.Attribute(attr=attr):
            return attr is name
        case cst.Arg(keyword=keyword):
            return keyword is name
        case _:
            return False


def _with_none(annotation: cst.BaseExpression, here: Here) -> str | None:
    """The annotation that also allows None: "" if it does already, None if none can be written."""
    code = here.source(annotation)
    if "\n" in code or "#" in code:
        return None
    if isinstance(annotation, cst.SimpleString):
        inner = _parsed(annotation)
        if inner is None:
            return None
        wider = f"{annotation.prefix}{annotation.quote}{annotation.raw_value} | None"
        return "" if _allows_none(inner) else wider + annotation.quote
    if _allows_none(annotation):
        return ""
    if isinstance(annotation, cst.Name | cst.Attribute | cst.Subscript | cst.BinaryOperation):
        return f"{code} | None"
    return None


def _parsed(annotation: cst.SimpleString) -> cst.BaseExpression | None:
    text = string(annotation)
    try:
        return expression(text) if text else None
    except cst.ParserSyntaxError:
        return None


def _allows_none(annotation: cst.CSTNode) -> bool:
    match annotation:
        case cst.Name() | cst.Attribute():
            return dotted(annotation).rpartition(".")[2] in {"None", "Any", "object"}
        case cst.BinaryOperation(left=left, right=right):
            return _allows_none(left) or _allows_none(right)
        case cst.Subscript(value=value, slice=parts):
            head = dotted(value).rpartition(".")[2]
            if head in {"Union", "Annotated"}:
                inner = [p.slice.value for p in parts if isinstance(p.slice, cst.Index)]
                return any(_allows_none(each) for each in inner)
            return head == "Optional"
        case _:
            return False


def _none_has_a_meaning(parameter: cst.Param, function: cst.FunctionDef) -> bool:
    """Whether the function tells None, or an empty value, from others already."""
    name = parameter.name.value
    if parameter.annotation is not None and _allows_none(parameter.annotation.annotation):
        return True
    for each in walk(function.body):
        match each:
            case cst.Comparison(left=cst.Name(value=left), comparisons=others) if left == name:
                if any(isinstance(one.operator, cst.Is | cst.IsNot) for one in others):
                    return True
            case _:
                pass
    return False
