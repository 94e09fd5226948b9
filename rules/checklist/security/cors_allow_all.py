"""Every web site may call this service from the browsers of its visitors.

Browsers keep pages of other origins from reading answers; CORS takes that away for the origins
it lists. With every origin and credentials together, any page that a logged-in person opens
reads and changes what that person may. List the origins of your own front ends.

Bad:
```python shop/main.py
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(
    CORSMiddleware,
    allow_origins=["*"],  # flagged
    allow_credentials=True,
)
```
Good:
```python shop/main.py
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(
    CORSMiddleware,
    allow_origins=["https://shop.example.org"],
    allow_credentials=True,
)
```
Bad:
```python shop/app.py
from flask import Flask
from flask_cors import CORS

app = Flask(__name__)
CORS(app, supports_credentials=True)  # flagged
```
Bad:
```python shop/settings.py
INSTALLED_APPS = ["corsheaders", "shop"]
CORS_ALLOW_ALL_ORIGINS = True  # flagged
CORS_ALLOW_CREDENTIALS = True
```
Bad: whoever asks is told that they may.
```python shop/views.py
def answer(request, response):
    response["Access-Control-Allow-Origin"] = request.headers["Origin"]  # flagged
    return response
```
Bad: without credentials this is a notice; it is right for data that everybody may read.
```python shop/app.py
from flask import Flask
from flask_cors import CORS, cross_origin

app = Flask(__name__)
CORS(app, resources={r"/api/*": {"origins": "*"}})  # flagged
```
Good: named origins.
```python shop/app.py
from flask import Flask
from flask_cors import CORS

app = Flask(__name__)
CORS(app, origins=["https://shop.example.org"], supports_credentials=True)
CORS(app, resources={r"/api/*": {"origins": app.config["ORIGINS"]}})
```
Good: an origin that was looked up in a list.
```python shop/views.py
ALLOWED = {"https://shop.example.org"}

def answer(request, response):
    origin = request.headers.get("Origin")
    if origin in ALLOWED:
        response["Access-Control-Allow-Origin"] = origin
    return response
```
Good: on the machine of a developer.
```python shop/settings/local.py
CORS_ALLOW_ALL_ORIGINS = True
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.settings_module import Setting, SettingsModule
from rules.kit import (
    Confidence,
    Flag,
    Here,
    Rule,
    Severity,
    dotted,
    find,
    has_star_kwargs,
    keyword,
    string,
)

rule = Rule(
    __name__,
    __doc__,
    code="SEC130",
    severity=Severity.ERROR,
    checklist=("security.cors", "fastapi.cors"),
    cwe=942,
    peers=("semgrep:wildcard-cors",),
)

_STARLETTE = re.compile(r"\.CORSMiddleware$")
_FLASK = frozenset({"flask_cors.CORS", "flask_cors.cross_origin"})
_DJANGO = ("CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL")
_DJANGO_PATTERNS = ("CORS_ALLOWED_ORIGIN_REGEXES", "CORS_ORIGIN_REGEX_WHITELIST")
_HEADER = "access-control-allow-origin"
_ANY = re.compile(r"^\^?(https?\??:?(//)?|\(?https\?\)?://)?(\.\*|\.\+|\*)\$?$")
_WITH = (
    "Any web site can act here in the name of whoever is logged in: every origin is allowed, with "
    "credentials. List the origins of your own pages."
)
_WITHOUT = (
    "Every web site may read these answers in its visitors' browsers. Right for public data; "
    "otherwise list the origins of your own pages."
)


@rule.on(
    cst.Call, calls=("add_middleware", "Middleware", "CORSMiddleware"), words=("CORSMiddleware",)
)
def starlette(call: cst.Call, here: Here) -> Iterator[Flag]:
    names = here.names(call.func) | here.names(call.args[0].value if call.args else None)
    if here.is_test or not any(_STARLETTE.search(each) for each in names):
        return
    where = _wide_origins(keyword(call, "allow_origins"), here) or _wide_pattern(
        keyword(call, "allow_origin_regex"), here
    )
    if where is not None:
        yield _flag(
            where, here, with_credentials=_says_yes(keyword(call, "allow_credentials"), here)
        )


@rule.on(cst.Call, calls=("CORS", "cross_origin"), words=("flask_cors",))
def flask(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or not here.names(call.func) & _FLASK or has_star_kwargs(call):
        return
    with_credentials = _says_yes(keyword(call, "supports_credentials"), here)
    origins, resources = keyword(call, "origins"), keyword(call, "resources")
    if origins is None and resources is None:
        is_whole = bool(call.args) or "flask_cors.cross_origin" in here.names(call.func)
        if not _is_configured(here) and is_whole:
            yield _flag(call.func, here, with_credentials=with_credentials)
        return
    if _wide_origins(origins, here) is not None or _wide_resources(resources, here):
        yield _flag(
            call.func,
            here,
            with_credentials=with_credentials or _resource_credentials(resources, here),
        )


@rule.on(SettingsModule)
def django(module: SettingsModule, here: Here) -> Iterator[Flag]:
    for name in (*_DJANGO, *_DJANGO_PATTERNS):
        setting = module.last(name)
        if setting is None or setting.value is None or not module.serves_production:
            continue
        if not (_is_true(setting.value) if name in _DJANGO else _has_wide(setting.value)):
            continue
        if module.is_overridden(name):
            continue
        yield _flag(
            setting.node,
            here,
            with_credentials=_credentials_of(module.last("CORS_ALLOW_CREDENTIALS")),
        )


@rule.on(cst.Assign, words=("Control", "control"))
def header(assign: cst.Assign, here: Here) -> Iterator[Flag]:
    """The header written by hand."""
    match assign.targets[0].target:
        case cst.Subscript(value=owner, slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            name = (string(key) or "").lower()
        case _:
            return
    if here.is_test or name != _HEADER:
        return
    sends = _sends_credentials(assign, here)
    if string(assign.value) == "*":
        yield _flag(assign, here, with_credentials=False, sure=_is_for_all(assign, here))
    elif _reads_origin(assign.value, here) and not _is_looked_up(assign, here):
        yield _flag(assign, here, with_credentials=True, sure=sends or bool(dotted(owner)))


@rule.on(cst.Call, calls=("add", "set", "setdefault", "set_header"), words=("Control", "control"))
def added_header(call: cst.Call, here: Here) -> Iterator[Flag]:
    """The same through a method: `response.headers.add("Access-Control-Allow-Origin", "*")`."""
    name = string(call.args[0].value) if len(call.args) == 2 else None
    if here.is_test or name is None or name.lower() != _HEADER:
        return
    value = call.args[1].value
    if string(value) == "*":
        yield _flag(call, here, with_credentials=False, sure=_is_for_all(call, here))
    elif _reads_origin(value, here) and not _is_looked_up(call, here):
        yield _flag(call, here, with_credentials=True)


def _flag(where: cst.CSTNode, here: Here, *, with_credentials: bool, sure: bool = True) -> Flag:
    guarded = _in_debug(where, here)
    confidence = Confidence.HOTSPOT if guarded or not sure or here.is_script else None
    if with_credentials:
        return Flag(where, _WITH, confidence=confidence)
    return Flag(where, _WITHOUT, severity=Severity.NOTICE, confidence=confidence)


def _in_debug(where: cst.CSTNode, here: Here) -> bool:
    """Under a condition that may well be about development."""
    asked = [e.test for e in here.scopes.ancestors(where) if isinstance(e, cst.If | cst.IfExp)]
    return any(re.search(r"debug|dev|local|test|env", here.source(e), re.IGNORECASE) for e in asked)


def _wide_origins(node: cst.BaseExpression | None, here: Here) -> cst.BaseExpression | None:
    """The argument that allows every origin."""
    held = here.value_of(node) if node is not None else None
    listed = held.elements if isinstance(held, cst.List | cst.Tuple | cst.Set) else ()
    texts = [string(held), *(string(here.value_of(each.value)) for each in listed)]
    return node if any(text is not None and _ANY.match(text) for text in texts) else None


def _wide_pattern(node: cst.BaseExpression | None, here: Here) -> cst.BaseExpression | None:
    text = string(here.value_of(node)) if node is not None else None
    return node if text is not None and _ANY.match(text.replace("\\", "")) else None


def _wide_resources(node: cst.BaseExpression | None, here: Here) -> bool:
    return any(
        _wide_origins(each, here) is not None for each in _in_resources(node, "origins", here)
    )


def _resource_credentials(node: cst.BaseExpression | None, here: Here) -> bool:
    return any(_says_yes(e, here) for e in _in_resources(node, "supports_credentials", here))


def _in_resources(
    node: cst.BaseExpression | None, name: str, here: Here
) -> Iterator[cst.BaseExpression]:
    held = here.value_of(node) if node is not None else None
    for each in find(held, cst.DictElement) if held is not None else ():
        if string(each.key) == name:
            yield each.value


def _is_configured(here: Here) -> bool:
    """Whether `app.config["CORS_ORIGINS"]` says more."""
    return here.mentions(("CORS_ORIGINS", "CORS_RESOURCES")) and any(
        string(each) in ("CORS_ORIGINS", "CORS_RESOURCES")
        for each in find(here.module or cst.Module([]), cst.SimpleString)
    )


def _says_yes(node: cst.BaseExpression | None, here: Here) -> bool:
    return node is not None and _is_true(here.value_of(node))


def _is_true(node: cst.CSTNode | None) -> bool:
    return isinstance(node, cst.Name) and node.value == "True"


def _has_wide(node: cst.BaseExpression) -> bool:
    texts = [string(each) for each in find(node, cst.SimpleString)]
    return any(text is not None and _ANY.match(text.replace("\\", "")) for text in texts)


def _credentials_of(setting: Setting | None) -> bool:
    return setting is not None and _is_true(setting.value)


def _is_for_all(node: cst.CSTNode, here: Here) -> bool:
    """Whether the header goes out with every answer; on a single one it is chosen on purpose."""
    function = here.function(node)
    if function is None:
        return True
    heads = " ".join(here.source(each) for each in function.decorators)
    owner = here.around(function, cst.ClassDef)
    named = f"{function.name.value} {owner.name.value if owner is not None else ''}"
    return "after_request" in heads or bool(
        re.search(r"middleware|after_request|process_response", f"{heads} {named}", re.IGNORECASE)
    )


def _sends_credentials(assign: cst.Assign, here: Here) -> bool:
    around = here.function(assign) or here.module
    return around is not None and any(
        (string(each) or "").lower() == "access-control-allow-credentials"
        for each in find(around, cst.SimpleString)
    )


def _reads_origin(node: cst.BaseExpression, here: Here) -> bool:
    """The header `Origin` of the request as it came."""
    held = here.value_of(node)
    return isinstance(held, cst.Subscript | cst.Call) and any(
        (string(each) or "").lower() in ("origin", "http_origin")
        for each in find(held, cst.SimpleString)
    )


def _is_looked_up(assign: cst.CSTNode, here: Here) -> bool:
    """Whether a condition decides about it."""
    function = here.function(assign)
    for around in here.scopes.ancestors(assign):
        if isinstance(around, cst.If) and not isinstance(around.test, cst.Name):
            return True
        if around is function:
            return False
    return False
