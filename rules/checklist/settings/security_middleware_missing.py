"""A middleware that protects every page is not there, or stands where it protects nothing.

Django checks forged forms, framing, logins and HTTPS in middleware, and the list of the
settings replaces the default as a whole: what is not in it does not happen. The order counts
too: a page that an earlier middleware answers never reaches the later ones.

Bad:
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.admin", "django.contrib.auth", "shop"]
MIDDLEWARE = [  # flagged
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    # "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
```
Good:
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.admin", "django.contrib.auth", "shop"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    # "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
```
Bad: logged-in users are asked for before there is a session, and cached pages skip them all.
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.auth", "shop"]
MIDDLEWARE = [
    "django.middleware.cache.FetchFromCacheMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",  # flagged
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",  # flagged
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
```
Good: all there, one of them by another package, one added later.
```python shop/settings.py
import os

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.auth", "shop"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "shop.middleware.OurCsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
if os.environ.get("FRAMES") != "1":
    MIDDLEWARE.append("django.middleware.clickjacking.XFrameOptionsMiddleware")
```
Good: an API without sessions has no forms to protect.
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["rest_framework", "shop"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.common.CommonMiddleware",
]
```
Good: the settings of tests are faster without.
```python shop/settings/test.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
```
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from rules.facts.deployed_settings import Deployed, DeployedSettings
from rules.facts.settings_module import SettingsModule
from rules.kit import Fix, Flag, Here, Replace, Rule, Severity, string

rule = Rule(
    __name__,
    __doc__,
    code="SET107",
    severity=Severity.ERROR,
    frameworks=("django",),
    checklist=("django.allowed-hosts", "security.csrf", "security.headers"),
    scope="project",
    fix="suggestion",
    cwe=352,
)


@dataclass(frozen=True)
class _Guard:
    """A middleware of Django, what stands for it, and what happens without."""

    name: str
    full: str
    like: re.Pattern[str]
    without: str


_SECURITY, _CSRF, _FRAMES, _LOGIN = (
    _Guard(
        "SecurityMiddleware",
        "django.middleware.security.SecurityMiddleware",
        re.compile(r"secur|talisman|hsts|headers", re.IGNORECASE),
        "HTTPS, HSTS and `nosniff` are not enforced",
    ),
    _Guard(
        "CsrfViewMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        re.compile(r"csrf|xsrf", re.IGNORECASE),
        "any other site can send forms in the name of a logged-in user",
    ),
    _Guard(
        "XFrameOptionsMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
        re.compile(r"frame|csp|contentsecurity|clickjack|headers", re.IGNORECASE),
        "any other site can show these pages in a frame and catch the clicks",
    ),
    _Guard(
        "AuthenticationMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        re.compile(r"auth|login|user|identity", re.IGNORECASE),
        "no request knows its user",
    ),
)
_ORDER: Sequence[tuple[str, str, str]] = (
    ("SessionMiddleware", "AuthenticationMiddleware", "it finds no session to read the user from"),
    ("AuthenticationMiddleware", "OTPMiddleware", "it finds no user to verify"),
    ("AuthenticationMiddleware", "LoginRequiredMiddleware", "it finds no user to ask for"),
    ("AuthenticationMiddleware", "RemoteUserMiddleware", "it finds no user to log in"),
    ("SecurityMiddleware", "WhiteNoiseMiddleware", "static files go out without HTTPS and HSTS"),
    ("AuthenticationMiddleware", "FetchFromCacheMiddleware", ""),
    ("CsrfViewMiddleware", "FetchFromCacheMiddleware", ""),
)
_CACHED = "cached pages are answered before it is asked"
_AFTER: Mapping[str, str] = {
    "CsrfViewMiddleware": "SessionMiddleware",
    "AuthenticationMiddleware": "SessionMiddleware",
}


@rule.on(SettingsModule, words=("MIDDLEWARE",))
def check(settings: SettingsModule, here: Here) -> Iterator[Flag]:
    setting = settings.last("MIDDLEWARE")
    if setting is None or not settings.serves_production:
        return
    listed = setting.value
    if not isinstance(listed, cst.List | cst.Tuple):
        return
    yield from _misplaced(listed)
    if settings.is_overridden("MIDDLEWARE") or not _is_all_literal(listed):
        return
    deployed: DeployedSettings = here.project.facts(DeployedSettings)
    runs = deployed.building_on(here.path)
    listed_names = [(string(each.value) or "").rpartition(".")[2] for each in listed.elements]
    for guard in (_SECURITY, _CSRF, _FRAMES, _LOGIN):
        if any(guard.like.search(each) for each in listed_names):
            continue
        if runs and all(_lacks(each, guard) for each in runs):
            yield _missing(guard, setting.node, listed, here)


def _is_all_literal(listed: cst.List | cst.Tuple) -> bool:
    return all(string(each.value) is not None for each in listed.elements)


def _lacks(known: Deployed, guard: _Guard) -> bool:
    if any(guard.like.search(each) for each in known.middleware):
        return False
    has_sessions = "SessionMiddleware" in known.middleware
    if guard is _SECURITY:
        return not known.fronted
    if guard is _FRAMES:
        return has_sessions and not known.fronted and not known.speaks_of("X_FRAME_OPTIONS")
    if guard is _LOGIN:
        return has_sessions and known.speaks_of("LOGIN_URL", "AUTH_PASSWORD_VALIDATORS")
    return has_sessions


def _misplaced(listed: cst.List | cst.Tuple) -> Iterator[Flag]:
    places: dict[str, int] = {}
    for number, each in enumerate(listed.elements):
        places.setdefault((string(each.value) or "").rpartition(".")[2], number)
    for first, later, why in _ORDER:
        if first not in places or later not in places or places[first] < places[later]:
            continue
        wrong = later if why else first
        if wrong == "AuthenticationMiddleware" and not why and _is_early(places):
            continue  # said of it already
        message = (
            f"`{later}` stands before `{first}`, so {why or _CACHED}; put `{first}` before it."
        )
        yield Flag(listed.elements[places[wrong]].value, message)


def _is_early(places: Mapping[str, int]) -> bool:
    return places["AuthenticationMiddleware"] < places.get("SessionMiddleware", -1)


def _missing(guard: _Guard, node: cst.CSTNode, listed: cst.List | cst.Tuple, here: Here) -> Flag:
    message = f"`MIDDLEWARE` lacks `{guard.name}`, and nothing stands in for it: {guard.without}."
    return Flag(node, message, fix=_adding(guard, listed, here), identity=f"missing {guard.name}")


def _adding(guard: _Guard, listed: cst.List | cst.Tuple, here: Here) -> Fix | None:
    """One more element: the first, or after the one that it needs."""
    after = _AFTER.get(guard.name, "")
    names = [(string(each.value) or "").rpartition(".")[2] for each in listed.elements]
    if not names:
        return None
    joint = ",\n    " if "\n" in here.source(listed) else ", "
    new = f'"{guard.full}"'
    at = listed.elements[names.index(after) if after in names else 0].value
    old = here.source(at)
    both = f"{old}{joint}{new}" if after in names else f"{new}{joint}{old}"
    return Fix((Replace(at, both),))
