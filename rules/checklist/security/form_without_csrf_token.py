"""A form that changes something carries no CSRF token.

Either every post of this form is refused, or nothing tells it from one that another site made
the visitor's browser send. The token, which other sites cannot know, makes the difference.

Bad:
```python manage.py
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
```
```python shop/settings.py
INSTALLED_APPS = ["django.contrib.auth"]
ROOT_URLCONF = "shop.urls"
```
```html shop/templates/order.html
{% extends "base.html" %}
<form method="post" action="{% url 'order' %}"> <!-- flagged -->
  {{ form.as_p }}
  <button>Order</button>
</form>
```
Bad:
```python shop/__init__.py
from flask_wtf import CSRFProtect
```
```html shop/templates/order.html
{% extends "base.html" %}
<div>
  <form action="{{ url_for('order') }}" method="POST"> {# flagged #}
    <input name="title">
  </form>
</div>
```
Good:
```python shop/__init__.py
from flask_wtf import CSRFProtect
```
```html shop/templates/order.html
{% extends "base.html" %}
<div>
  <form action="{{ url_for('order') }}" method="POST">
    <input type="hidden" name="csrf_token" value="{{ csrf_token() }}">
    <input name="title">
  </form>
</div>
```
Good: with a token, as each framework writes it.
```python shop/settings.py
INSTALLED_APPS = ["django.contrib.auth"]
ROOT_URLCONF = "shop.urls"
```
```html shop/templates/order.html
{% load crispy_forms_tags %}
<form method="post">{% csrf_token %}{{ form }}</form>
<form method="post">{{ form.hidden_tag() }}{{ form.title }}</form>
<form method="post"><input name="csrf_token" value="{{ csrf_token() }}"></form>
<form method="post">{% crispy form %}</form>
<form method="post">{% include "token.html" %}</form>
```
Good: nothing is changed, or another site is meant.
```python shop/settings.py
INSTALLED_APPS = ["django.contrib.auth"]
ROOT_URLCONF = "shop.urls"
```
```html shop/templates/order.html
{% load i18n %}
<form method="get" action="/search"><input name="q"></form>
<form action="/search"><input name="q"></form>
<form method="post" action="https://pay.example.org/checkout"><button>{% trans "Pay" %}</button></form>
<form method="post" action="{{ gateway.url }}"><button>Pay</button></form>
<form method="post" hx-post="/cart"><button>Add</button></form>
```
Good: no framework of this project asks for a token.
```python shop/main.py
from fastapi import FastAPI
```
```html shop/templates/order.html
<form method="post">{{ title }}</form>
```
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from rules.facts.python_modules import Modules
from rules.facts.settings_modules import SettingsModules
from rules.kit import (
    Confidence,
    Fix,
    Flag,
    Here,
    Project,
    ReplaceLines,
    Rule,
    Severity,
    Span,
    TextFile,
)

rule = Rule(
    __name__,
    __doc__,
    code="SEC129",
    severity=Severity.ERROR,
    checklist=("security.csrf", "flask.csrf", "django.template-security"),
    scope="file",
    fix="suggestion",
    cwe=352,
    peers=("semgrep:django-no-csrf-token",),
    files=("*.html", "*.htm", "*.jinja", "*.jinja2", "*.html.j2", "*.djhtml"),
)

_OPEN = re.compile(r"<form\b", re.IGNORECASE)
_CLOSE = re.compile(r"</form\s*>", re.IGNORECASE)
_TAG_END = re.compile(
    r"\{\{[^{}]{0,500}\}\}|\{%[^{}%]{0,500}%\}|\"[^\"<>]{0,1000}\"|'[^'<>]{0,1000}'|>"
)
_POST = re.compile(r"\bmethod\s*=\s*[\"']?post\b", re.IGNORECASE)
_ACTION = re.compile(
    r"\baction\s*=\s*(?:\"(?P<double>[^\"]{0,500}+)|'(?P<single>[^']{0,500}+)|(?P<bare>\S{1,500}+))"
)
_BY_SCRIPT = re.compile(
    r"\bhx-|@submit|v-on:submit|ng-submit|onsubmit|data-remote|x-on:submit|up-submit"
)
_CARRIES = re.compile(
    r"csrf|xsrf|hidden_tag|hidden_fields|nonce|authenticity|\{%-?\s*(include|crispy|block|render_form|bootstrap_form"
    r"|form|component|slot)\b|quick_form|render_form|simple_form|super\(|\{\{\s*caller\(",
    re.IGNORECASE,
)
_OWN_ADDRESS = re.compile(
    r"^\s*$|^[./?#]|\{%-?\s*url\b|url_for|request\.|reverse|\burl\(|^[\w-]+/?$"
)
_LONGEST = 4000  # characters of a tag


@dataclass(frozen=True)
class _Frameworks:
    """What asks for a token: Django below some folders, Flask-WTF in the whole project."""

    django: tuple[str, ...]
    flask_wtf: bool

    @classmethod
    def gather(cls, project: Project) -> "_Frameworks":
        settings: SettingsModules = project.facts(SettingsModules)
        django = {
            _root_of(path) for path, each in settings.by_path.items() if each.framework == "django"
        }
        modules: Modules = project.facts(Modules)
        every = chain.from_iterable(each.imports.values() for each in modules.by_path.values())
        return cls(tuple(sorted(django)), any(each.startswith("flask_wtf") for each in every))

    def is_django(self, path: str) -> bool:
        return any(path.startswith(root) for root in self.django)


def _root_of(settings: str) -> str:
    """The folder of the project that a settings file is of: `` of `shop/settings/base.py`."""
    folders = settings.split("/")[:-1]
    while folders and re.fullmatch(r"settings?|config|conf|environments?|components", folders[-1]):
        folders.pop()
    return "".join(f"{each}/" for each in folders[:-1])


@rule.on(TextFile)
def check(file: TextFile, here: Here) -> Iterator[Flag]:
    text = file.text
    if here.is_test or "<form" not in text.lower() or not ("{%" in text or "{{" in text):
        return
    frameworks: _Frameworks = here.project.facts(_Frameworks)
    is_django = frameworks.is_django(file.path)
    if not (is_django or frameworks.flask_wtf):
        return
    opened = list(_OPEN.finditer(text))
    for number, found in enumerate(opened):
        end = _end_of_tag(text, found.end())
        limit = opened[number + 1].start() if number + 1 < len(opened) else len(text)
        close = _CLOSE.search(text, end, limit) if end else None
        if close is None or not _needs_token(text[found.end() : end]):
            continue
        body = text[end : close.start()]
        if "<" in body and not _CARRIES.search(body):
            yield _flag(text, found.start(), end, is_django=is_django)


def _end_of_tag(text: str, start: int) -> int:
    """Behind the `>` of a tag, 0 if there is none near."""
    for found in _TAG_END.finditer(text, start, start + _LONGEST):
        if found[0] == ">":
            return found.end()
    return 0


def _needs_token(attributes: str) -> bool:
    if not _POST.search(attributes) or _BY_SCRIPT.search(attributes):
        return False
    action = _ACTION.search(attributes)
    if action is None:
        return True
    address = action["double"] or action["single"] or action["bare"] or ""
    return bool(_OWN_ADDRESS.search(address)) and not address.startswith("//")


def _flag(text: str, start: int, end: int, *, is_django: bool) -> Flag:
    line = text.count("\n", 0, start) + 1
    column = start - (text.rfind("\n", 0, start) + 1) + 1
    token = (
        "{% csrf_token %}"
        if is_django
        else '<input type="hidden" name="csrf_token" value="{{ csrf_token() }}">'
    )
    shown = "{% csrf_token %}" if is_django else "{{ form.hidden_tag() }}"
    message = (
        f"This form posts without a CSRF token: it is refused, or other sites can send it too. Put "
        f"`{shown}` into it."
    )
    where = Span(line, column, line, column + len("<form"))
    # What a link in a mail leads to is mostly known by the signature in that link.
    confidence = Confidence.HOTSPOT if "unsubscribe" in text.lower() else None
    return Flag(where, message, fix=_with_token(text, end, token), confidence=confidence)


def _with_token(text: str, end: int, token: str) -> Fix:
    """The token on a line of its own below the tag, or right behind it."""
    line = text.count("\n", 0, end) + 1
    first = text.rfind("\n", 0, end) + 1
    last = text.find("\n", end)
    whole = text[first : last if last >= 0 else len(text)].rstrip("\r")
    behind = whole[end - first :]
    if behind.strip():
        return Fix((ReplaceLines(line, line, (whole[: end - first] + token + behind,)),))
    indent = whole[: len(whole) - len(whole.lstrip())]
    return Fix((ReplaceLines(line, line, (whole, f"{indent}  {token}")),))
