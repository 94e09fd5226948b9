"""A cookie that speaks for somebody can be read or sent where it must not.

Without `secure` the cookie travels over plain HTTP as well, where everybody on the way reads
it. Without `httponly` one injected script carries it off. Without `samesite` other sites make
the browser send it. Set all three on every cookie that identifies a person or a session.

Bad:
```python shop/views.py
from flask import make_response

def login(user):
    response = make_response("Welcome")
    response.set_cookie("session_id", user.new_session())  # flagged
    return response
```
Good:
```python shop/views.py
from flask import make_response

def login(user):
    response = make_response("Welcome")
    response.set_cookie("session_id", user.new_session(), secure=True, httponly=True, samesite="Lax")
    return response
```
Bad:
```python shop/api.py
from fastapi import Response

def refresh(response: Response, token: str):
    response.set_cookie(key="refresh_token", value=token, httponly=True, secure=False)  # flagged
```
Good:
```python shop/api.py
from fastapi import Response

def refresh(response: Response, token: str):
    response.set_cookie(key="refresh_token", value=token, httponly=True, secure=True, samesite="Lax")
```
Good: complete, by configuration, or as the framework has it.
```python shop/views.py
from django.conf import settings

def login(response, token):
    response.set_cookie("token", token, secure=True, httponly=True, samesite="Strict")
    response.set_cookie("auth", token, secure=settings.SECURE, httponly=True, samesite="Lax")
    response.set_cookie("sid", token, **settings.COOKIE)
```
Good: taken back.
```python shop/views.py
def logout(response):
    response.set_cookie("session_id", "", max_age=0)
    response.set_cookie("auth_token", "", expires=0)
    response.delete_cookie("refresh_token")
```
Good: a language or a theme is no secret.
```python shop/views.py
def language(response, code):
    response.set_cookie("lang", code)
    response.set_cookie("theme", "dark", secure=True)
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.purposes import words_in, words_of
from rules.kit import (
    Confidence,
    Fix,
    Flag,
    Here,
    Replace,
    Rule,
    Severity,
    argument,
    has_star_kwargs,
    string,
    with_keyword,
)

rule = Rule(
    __name__,
    __doc__,
    code="SEC139",
    severity=Severity.WARNING,
    checklist=("security.sessions",),
    fix="suggestion",
    cwe=614,
    peers=("semgrep:insecure-cookie",),
    defers=False,
)

_FLAGS = ("secure", "httponly", "samesite")
_POSITIONS = {"secure": 6, "httponly": 7, "samesite": 8}
_SPEAKING = frozenset(
    {"session", "sessionid", "sess", "sid", "token", "auth", "authorization", "jwt", "access"}
    | {"refresh", "remember", "login", "credential", "secret", "identity", "apikey", "bearer"}
    | {"user", "account", "impersonate", "password", "otp"}
)  # fmt: skip
_SECRET = frozenset({"session", "sessionid", "token", "jwt", "secret", "password", "credential"})
_READ_BY_SCRIPTS = frozenset({"csrf", "csrftoken", "xsrf"})
_TASTE = frozenset(
    {"lang", "language", "locale", "theme", "tz", "timezone", "consent", "banner", "dismissed"}
    | {"sidebar", "color", "mode", "view", "sort", "currency", "country", "ab", "experiment"}
    | {"utm", "seen", "notice", "hint", "tab", "filter", "size", "page", "analytics", "preview"}
    | {"messages", "preference", "prefs", "visited", "tracking", "referrer", "campaign", "toolbar"}
    | {"last", "method", "insecure", "public"}
)  # fmt: skip
_TEST_CLIENT = re.compile(r"(^|\.)(client|session|test_client|browser|driver|jar|page)$")


@rule.on(cst.Call, calls=("set_cookie", "set_signed_cookie", "set_secure_cookie"))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or has_star_kwargs(call) or _is_deletion(call, here):
        return
    if not isinstance(call.func, cst.Attribute) or any(each.star for each in call.args):
        return
    if _TEST_CLIENT.search(here.source(call.func.value)) or _is_own_helper(call):
        return
    lacking = [flag for flag in _FLAGS if _is_off(call, flag, here)]
    words, shown = _cookie(call, here)
    speaks = words & _SPEAKING and not words & (_TASTE | _READ_BY_SCRIPTS)
    if words & _READ_BY_SCRIPTS:
        lacking = [each for each in lacking if each == "secure"]
    # `samesite` alone is `Lax` in today's browsers and in Starlette.
    if not set(lacking) - {"samesite"}:
        return
    is_denied = "secure" in lacking and _given(call, "secure") is not None
    if not speaks and not is_denied and (words & _TASTE or "secure" not in lacking):
        return
    yield _flag(call, lacking, shown, is_sure=bool(speaks or (is_denied and not words & _TASTE)))


def _flag(call: cst.Call, lacking: list[str], shown: str, *, is_sure: bool) -> Flag:
    named = f"The cookie `{shown}`" if shown else "This cookie"
    listed = " and ".join([", ".join(f"`{e}`" for e in lacking[:-1]), f"`{lacking[-1]}`"])
    risks = {
        "secure": "goes over plain HTTP too",
        "httponly": "can be read by an injected script",
        "samesite": "is sent along with requests that other sites start",
    }
    told = " and ".join(risks[each] for each in lacking if each != "samesite")
    message = f"{named} lacks {listed.removeprefix(' and ')}: it {told}. Set {'it' if len(lacking) == 1 else 'them'}."
    confidence = None if is_sure else Confidence.HOTSPOT
    severity = None if is_sure else Severity.NOTICE
    where = call.func.attr if isinstance(call.func, cst.Attribute) else call
    fix = _completed(call, lacking)
    return Flag(where, message, fix=fix, confidence=confidence, severity=severity)


def _is_own_helper(call: cst.Call) -> bool:
    """Whether a method of the project is called, which is given the response."""
    given = [each.value.value for each in call.args if isinstance(each.value, cst.Name)]
    return not {"request", "response", "resp", "self"}.isdisjoint(given)


def _cookie(call: cst.Call, here: Here) -> tuple[frozenset[str], str]:
    """The words of the cookie's name, and of its value where the name tells nothing."""
    name = argument(call, 0, "key") or argument(call, 0, "name")
    value = argument(call, 1, "value")
    text = string(here.value_of(name)) if name is not None else None
    shown = text or (here.source(name) if name is not None else "")
    named = words_of(text) if text is not None else words_in(name)
    if not named & (_SPEAKING | _TASTE | _READ_BY_SCRIPTS):
        named |= words_in(value) & _SECRET
    return named, shown[:60].replace("`", "")


def _given(call: cst.Call, flag: str) -> cst.BaseExpression | None:
    return argument(call, _POSITIONS[flag], flag)


def _is_off(call: cst.Call, flag: str, here: Here) -> bool:
    """Whether the flag is not given, or is given as a constant that says no."""
    given = _given(call, flag)
    if given is None:
        return True
    held = here.value_of(given)
    if flag == "samesite":
        is_none = (string(held) or "").lower() == "none"
        return is_none and _is_off(call, "secure", here)
    return isinstance(held, cst.Name) and held.value in ("False", "None")


def _is_deletion(call: cst.Call, here: Here) -> bool:
    value = argument(call, 1, "value")
    if value is not None and string(here.value_of(value)) == "":
        return True
    for position, name in ((2, "max_age"), (3, "expires")):
        given = argument(call, position, name)
        if given is not None and isinstance(given, cst.Integer) and given.value == "0":
            return True
    return False


def _completed(call: cst.Call, lacking: list[str]) -> Fix | None:
    if any(_given(call, each) is not None and not _is_keyword(call, each) for each in lacking):
        return None
    values = {"secure": "True", "httponly": "True", "samesite": '"Lax"'}
    done = call
    for each in lacking:
        given = [arg for arg in done.args if arg.keyword is not None and arg.keyword.value == each]
        if given:
            new = given[0].with_changes(value=cst.parse_expression(values[each]))
            done = done.with_changes(args=[new if a is given[0] else a for a in done.args])
        else:
            done = with_keyword(done, each, values[each])
    return Fix((Replace(call, done),))


def _is_keyword(call: cst.Call, flag: str) -> bool:
    return any(arg.keyword is not None and arg.keyword.value == flag for arg in call.args)
