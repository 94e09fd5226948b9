"""The certificate of the other side is not checked.

An encrypted connection to nobody in particular: whoever sits on the way answers in the name of
the server, reads what is sent and changes what comes back. Keep the check. For a certificate
of your own authority give its file, as in `verify="/etc/ssl/own-ca.pem"`.

Bad:
```python shop/bank.py
import requests

def balance(token):
    return requests.get("https://bank.example.org/balance", timeout=5, verify=False).json()  # flagged
```
Good:
```python shop/bank.py
import requests

def balance(token):
    return requests.get("https://bank.example.org/balance", timeout=5).json()
```
Bad:
```python shop/bank.py
import ssl

import aiohttp
import httpx

client = httpx.AsyncClient(verify=False)  # flagged

async def rate(session: aiohttp.ClientSession):
    async with session.get("https://bank.example.org/rate", ssl=False) as answer:  # flagged
        return await answer.json()

def context():
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE  # flagged
    return made
```
Good:
```python shop/bank.py
import ssl

import aiohttp
import httpx

client = httpx.AsyncClient()

async def rate(session: aiohttp.ClientSession):
    async with session.get("https://bank.example.org/rate") as answer:
        return await answer.json()

def context():
    made = ssl.create_default_context()
    made.check_hostname = True
    made.verify_mode = ssl.CERT_REQUIRED
    return made
```
Bad:
```python shop/bank.py
import ssl
from urllib.request import urlopen

import requests

session = requests.Session()
session.verify = False  # flagged

def rate(url):
    return urlopen(url, timeout=5, context=ssl._create_unverified_context())  # flagged
```
Good:
```python shop/bank.py
import ssl
from urllib.request import urlopen

import requests

session = requests.Session()
session.verify = True

def rate(url):
    return urlopen(url, timeout=5, context=ssl.create_default_context())
```
Good: an authority of one's own, or what the operator chose.
```python shop/bank.py
import requests
from django.conf import settings

def balance():
    requests.get("https://bank.internal/", timeout=5, verify="/etc/ssl/own-ca.pem")
    return requests.get("https://bank.internal/", timeout=5, verify=settings.VERIFY_TLS)
```
Good: other things are called `verify` and `ssl`.
```python shop/images.py
import jwt
from PIL import Image

from shop import checks

def loaded(path, token):
    checks.run(path, verify=False)
    Image.open(path).verify()
    jwt.decode(token, verify=False)
```
Good: a test speaks to itself.
```python tests/test_server.py
import requests

def test_answers(server):
    assert requests.get(server.url, verify=False).ok
```
Bad: a server of SSH that nobody knows.
```python shop/transfer.py
import paramiko

def connect(host):
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # flagged
    client.connect(host)
    return client
```
Good:
```python shop/transfer.py
import paramiko

def connect(host):
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.connect(host)
    return client
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.purposes import short_name
from rules.kit import (
    Confidence,
    Fix,
    Flag,
    Here,
    Replace,
    Rule,
    Severity,
    dotted,
    find,
    replacing,
    string,
)

rule = Rule(
    __name__,
    __doc__,
    code="SEC122",
    severity=Severity.ERROR,
    checklist=("security.cryptography",),
    fix="suggestion",
    cwe=295,
    peers=("ruff:S501", "ruff:S323", "ruff:S507", "bandit:B501", "bandit:B323", "bandit:B507"),
    defers=False,
)

_OFF = {
    "verify": ("False",), "verify_ssl": ("False",), "ssl": ("False",), "verify_certs": ("False",),
    "ssl_verify": ("False",), "validate_certs": ("False",), "use_ssl_verify": ("False",),
    "check_hostname": ("False",), "assert_hostname": ("False",), "ssl_assert_hostname": ("False",),
    "tlsAllowInvalidCertificates": ("True",), "tlsInsecure": ("True",),
    "disable_ssl_certificate_validation": ("True",), "verify_mode": (), "ssl_cert_reqs": ("None",),
    "cert_reqs": (), "validate": (),
}  # fmt: skip
_REQUIRING = ("cert_reqs", "verify_mode", "ssl_cert_reqs", "validate")
_SAFE = {"tlsAllowInvalidCertificates": "False", "tlsInsecure": "False"}
_CLIENTS = re.compile(
    r"^(requests|httpx|aiohttp|urllib3|boto3|botocore|elasticsearch|opensearchpy|pymongo|redis|ldap3"
    r"|hvac|consul|websockets|websocket|aiohttp_client_cache|requests_\w+|kubernetes|docker|minio"
    r"|influxdb|influxdb_client|httplib2|smtplib|aiosmtplib|motor|aioredis|authlib|oauthlib"
    r"|geventhttpclient|treq|asks|niquests|cloudscraper|zeep|jira|gitlab|ssl|pika|kafka|aiokafka)\b"
)
_VERBS = frozenset(
    {"get", "post", "put", "patch", "delete", "head", "options", "request", "send", "ws_connect"}
    | {"stream", "connect"}
)
_OWNERS = re.compile(r"session|client|http|requests|connector|conn$|\bs$|api", re.IGNORECASE)
_TRUSTING = (".AutoAddPolicy", ".WarningPolicy")
_UNVERIFIED = frozenset({"ssl._create_unverified_context", "ssl._create_stdlib_context"})


@rule.on(cst.Arg, words=tuple(_OFF))
def argument_off(arg: cst.Arg, here: Here) -> Iterator[Flag]:
    if arg.star == "**":
        yield from _unpacked(arg, here)
    if arg.keyword is None or arg.keyword.value not in _OFF or here.is_test:
        return
    call = here.parent(arg)
    if not isinstance(call, cst.Call) or not _is_off(arg.keyword.value, arg.value, here):
        return
    sure = _is_client(call, here)
    if sure is None:
        return
    yield _flag(arg, f"`{here.source(arg)}`", _fix_of(call, arg), here, sure=sure)


def _unpacked(arg: cst.Arg, here: Here) -> Iterator[Flag]:
    """`get(url, **options)` after `options = {"verify": False}`."""
    call = here.parent(arg)
    held = here.value_of(arg.value)
    if here.is_test or not isinstance(held, cst.Dict) or not isinstance(call, cst.Call):
        return
    for each in held.elements:
        if isinstance(each, cst.DictElement) and string(each.key) == "verify":
            sure = _is_client(call, here) if _is_false(each.value) else None
            if sure is not None:
                yield _flag(arg, f"`{here.source(each)}`", None, here, sure=sure)


@rule.on(
    cst.Assign, words=("verify", "verify_mode", "check_hostname", "_create_default_https_context")
)
def assigned_off(assign: cst.Assign, here: Here) -> Iterator[Flag]:
    target = assign.targets[0].target
    if here.is_test or not isinstance(target, cst.Attribute):
        return
    name, source = target.attr.value, here.source(assign)
    if name == "_create_default_https_context" and here.names(assign.value) & _UNVERIFIED:
        yield _flag(assign, f"`{source}`", None, here, sure=True)
    elif name == "verify" and _is_false(assign.value) and _is_session(target.value, here):
        yield _flag(assign, f"`{source}`", replacing(assign.value, "True"), here, sure=True)
    elif name == "verify_mode" and _is_none_required(assign.value, here):
        fix = _verified(assign, target.value, here)
        yield _flag(assign, f"`{source}`", fix, here, sure=True)
    elif name == "check_hostname" and _is_lone_hostname(assign, target.value, here):
        fix = replacing(assign.value, "True")
        yield _flag(assign, f"`{source}`", fix, here, sure=_is_context(target.value, here))


@rule.on(cst.Call, calls=("_create_unverified_context",))
def unverified(call: cst.Call, here: Here) -> Iterator[Flag]:
    if not here.is_test and here.names(call.func) & _UNVERIFIED:
        fix = replacing(call.func, "ssl.create_default_context") if dotted(call.func) else None
        yield _flag(call, f"`{here.source(call.func)}()`", fix, here, sure=True)


@rule.on(cst.Call, calls=("set_missing_host_key_policy",))
def unknown_hosts(call: cst.Call, here: Here) -> Iterator[Flag]:
    """SSH to a server whose key nobody knows."""
    if here.is_test or not call.args:
        return
    given = call.args[0].value
    policy = here.value_of(given)
    names = here.names(policy.func if isinstance(policy, cst.Call) else policy)
    if any(each.startswith("paramiko.") and each.endswith(_TRUSTING) for each in names):
        message = (
            f"With `{here.source(given)[:60]}` any server is taken for the right one, and gets "
            "what is sent. Load the known keys and refuse others: `paramiko.RejectPolicy()`."
        )
        weak = here.is_script or _is_optional(call, here)
        yield Flag(call, message, confidence=Confidence.HOTSPOT if weak else None)


def _flag(where: cst.CSTNode, said: str, fix: Fix | None, here: Here, *, sure: bool) -> Flag:
    message = (
        f"With {said[:120]} anybody on the way can answer in the name of the server and read what "
        "is sent. Keep the check; give the file of your own authority where you have one."
    )
    weak = not sure or here.is_script or _is_optional(where, here)
    return Flag(where, message, fix=fix, confidence=Confidence.HOTSPOT if weak else None)


def _is_optional(where: cst.CSTNode, here: Here) -> bool:
    """Whether a setting or a parameter of the project decides that the check is off."""
    for around in here.scopes.ancestors(where):
        if isinstance(around, cst.FunctionDef):
            return False
        if isinstance(around, cst.If | cst.IfExp):
            asked = here.source(around.test).lower()
            if re.search(r"verify|insecure|ssl|tls|debug|cert|develop|local|self_signed", asked):
                return True
    return False


def _is_off(name: str, value: cst.BaseExpression, here: Here) -> bool:
    held = here.value_of(value)
    if name in _REQUIRING and (
        _is_none_required(value, here) or string(held) in ("CERT_NONE", "none")
    ):
        return True
    return isinstance(held, cst.Name) and held.value in _OFF[name]


def _is_none_required(node: cst.BaseExpression, here: Here) -> bool:
    return any(each.endswith((".CERT_NONE", ".VerifyMode.CERT_NONE")) for each in here.names(node))


def _is_client(call: cst.Call, here: Here) -> bool | None:
    """Whether the call opens connections: yes, perhaps (false), or no (None)."""
    names = here.names(call.func)
    if any(_CLIENTS.match(each) for each in names):
        return True
    if any(each.startswith(("jwt.", "jose.", "authlib.jose")) for each in names):
        return None
    match call.func:
        case cst.Attribute(value=owner, attr=cst.Name(value=verb)) if verb in _VERBS:
            if _OWNERS.search(short_name(owner)):
                return True
            return None
        case _:
            pass
    last = short_name(call)
    if re.search(r"Client|Session|Connector|Transport|PoolManager|Connection(Pool)?$", last):
        return False
    return None


def _is_session(owner: cst.BaseExpression, here: Here) -> bool:
    made = " ".join(here.names(owner))
    return bool(re.search(r"[sS]ession|httpx|client", f"{made} {dotted(owner)}"))


def _is_context(owner: cst.BaseExpression, here: Here) -> bool:
    made = " ".join(here.names(owner))
    return "ssl." in made or bool(re.search(r"ctx|context|ssl", dotted(owner), re.IGNORECASE))


def _is_lone_hostname(assign: cst.Assign, owner: cst.BaseExpression, here: Here) -> bool:
    """It often stands before `verify_mode = CERT_NONE`, which says more."""
    return _is_false(assign.value) and not any(
        _is_none_required(each.value, here)
        for each in _assigned("verify_mode", owner, assign, here)
    )


def _verified(assign: cst.Assign, owner: cst.BaseExpression, here: Here) -> Fix | None:
    """With the host name, which must not be checked where certificates are not."""
    fix = _required(assign.value)
    if fix is None:
        return None
    off = [e for e in _assigned("check_hostname", owner, assign, here) if _is_false(e.value)]
    return Fix((*fix.edits, *(Replace(each.value, "True") for each in off)))


def _assigned(
    name: str, owner: cst.BaseExpression, near: cst.Assign, here: Here
) -> list[cst.Assign]:
    around = here.function(near) or here.module
    wanted = f"{dotted(owner)}.{name}"
    return [
        each
        for each in (find(around, cst.Assign) if around is not None else ())
        if dotted(each.targets[0].target) == wanted
    ]


def _is_false(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Name) and node.value == "False"


def _required(node: cst.BaseExpression) -> Fix | None:
    last = node.attr if isinstance(node, cst.Attribute) else node
    is_written = isinstance(last, cst.Name) and last.value == "CERT_NONE"
    return Fix((Replace(last, "CERT_REQUIRED"),)) if is_written else None


def _fix_of(call: cst.Call, arg: cst.Arg) -> Fix | None:
    name = arg.keyword.value if arg.keyword is not None else ""
    if name in _SAFE:
        return replacing(arg.value, _SAFE[name])
    if name in (*_REQUIRING, "check_hostname"):
        return _required(arg.value)
    kept = [each for each in call.args if each is not arg]
    if kept and call.args[-1] is arg:
        kept[-1] = kept[-1].with_changes(comma=arg.comma)
    return Fix((Replace(call, call.with_changes(args=kept)),))
