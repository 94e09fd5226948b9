"""A page prints text without escaping it.

Templates turn `<` into `&lt;`, so that what people type stays text. With `safe`, or with
escaping switched off, a comment or a name may hold a script, and it runs in the browser of
everybody who reads the page, with their session. Let the template escape; where markup is
meant, let a sanitiser such as `nh3` decide which.

Bad:
```html shop/templates/book.html
<h1>{{ book.title }}</h1>
<p>{{ review.text|safe }}</p> <!-- flagged -->
{% autoescape off %} {# flagged #}
<p>{{ review.author }}</p>
{% endautoescape %}
```
Good:
```html shop/templates/book.html
<h1>{{ book.title }}</h1>
<p>{{ review.text }}</p>
<p>{{ review.author }}</p>
```
Bad:
```python shop/pages.py
from jinja2 import Environment, FileSystemLoader

pages = Environment(loader=FileSystemLoader("templates"))  # flagged

def book(book):
    return pages.get_template("book.html").render(book=book)
```
Good:
```python shop/pages.py
from jinja2 import Environment, FileSystemLoader, select_autoescape

pages = Environment(loader=FileSystemLoader("templates"), autoescape=select_autoescape())

def book(book):
    return pages.get_template("book.html").render(book=book)
```
Bad:
```python shop/settings.py
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {"autoescape": False},  # flagged
    },
]
```
Good: markup that the program itself made, and data for scripts.
```html shop/templates/book.html
<p>{{ "<b>New</b>"|safe }}</p>
<p>{{ review.text|escape|linebreaksbr|safe }}</p>
<script>const book = {{ book|tojson|safe }};</script>
{# {{ review.text|safe }} #}
```
Good: mails and other plain text need no escaping.
```text shop/templates/mail/subject.txt
{% autoescape off %}{{ shop.name|safe }}{% endautoescape %}
```
Good: no page at all.
```python shop/reports.py
from jinja2 import Environment, Template

queries = Environment(autoescape=False)

def sales(year):
    return queries.get_template("sales.sql").render(year=year)
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.purposes import words_of
from rules.facts.settings_module import SettingsModule
from rules.kit import (
    Confidence,
    Flag,
    Here,
    Rule,
    Severity,
    Span,
    TextFile,
    dotted,
    find,
    has_star_kwargs,
    keyword,
    string,
)
from rules.kit.paths import name_of

rule = Rule(
    __name__,
    __doc__,
    code="SEC108",
    severity=Severity.ERROR,
    checklist=("security.xss", "django.template-security"),
    scope="file",
    cwe=79,
    peers=("ruff:S701", "bandit:B701", "semgrep:template-unescaped-with-safe"),
    defers=False,
    files=("*.html", "*.htm", "*.jinja", "*.jinja2", "*.html.j2", "*.djhtml"),
)

_MARKUP = re.compile(
    r"<(html|body|head|div|p|a|span|table|t[drh]|ul|li|h\d|section|form|br|img|b)\b"
)
_EXTENDS = re.compile(r"\{%-?\s*extends\b")
_NO_PAGE = re.compile(
    r"(^|[/_.-])(e?mails?|subject|text|txt|sms|plain|title|latex|tex)([/_.-]|s?$)"
)
_SAFE = re.compile(
    r"\{\{-?(?P<value>[^{}|]{1,200})(?P<filters>(?:\|[^{}|]{1,80}){0,10}?)\|\s*safe\s*[|}-]"
)
_OFF = re.compile(r"\{%-?\s*autoescape\s+(off|false)\s*-?%\}")
_COMMENT = re.compile(r"\{#[^\n]{0,600}?#\}|<!--[^\n]{0,600}?-->")
_PREPARED = frozenset(
    {"html", "rendered", "markup", "svg", "icon", "img", "image", "widget", "json", "script", "style"}
    | {"css", "meta", "url", "link", "links", "template", "snippet", "helper", "help", "errors", "badge"}
    | {"highlight", "highlights", "fragment", "labels", "data", "chart", "plot", "form", "field", "media"}
    | {"safe", "sanitized", "clean", "cleaned", "escaped", "code", "tag", "tags", "embed", "head", "logo"}
    | {"settings", "config", "static", "trans", "ad", "ads", "schema", "id", "sponsor", "banner", "toc"}
    | {"signature", "csrf", "label", "render", "menu", "nav", "pagination", "table", "button", "attrs"}
)  # fmt: skip
_WHOLE = frozenset({"content", "body", "page", "text", "description", "main", "block"})
_CURE = "Let the template escape, or sanitise it first."


@rule.on(TextFile)
def page(file: TextFile, here: Here) -> Iterator[Flag]:
    text = file.text
    if ("safe" not in text and "autoescape" not in text) or here.is_test:
        return
    if _NO_PAGE.search(file.path.lower()) or not (_MARKUP.search(text) or _EXTENDS.search(text)):
        return
    in_script = False
    marks_hits = "search" in name_of(file.path)
    for number, line in enumerate(file.lines, start=1):
        in_script = _is_in_script(line, already=in_script)
        if "safe" in line or "autoescape" in line:
            yield from _on_line(number, line, in_script=in_script, marks_hits=marks_hits)


def _is_in_script(line: str, *, already: bool) -> bool:
    opened, closed = line.rfind("<script"), line.rfind("</script")
    return already if opened == closed else opened > closed or (already and closed < 0)


def _on_line(number: int, line: str, *, in_script: bool, marks_hits: bool) -> Iterator[Flag]:
    """`marks_hits`: a page of results, whose search engine marks up what it found."""
    bare = _COMMENT.sub(lambda match: " " * len(match[0]), line[:5000])
    off = _OFF.search(bare)
    if off is not None:
        where = Span(number, off.start() + 1, number, off.end() + 1)
        message = f"From here on nothing is escaped, whatever people typed. {_CURE}"
        yield Flag(where, message)
    for found in _SAFE.finditer(bare):
        value, filters = found["value"].strip(), found["filters"]
        sure = _is_typed(value, filters)
        if sure is None:
            continue
        where = Span(number, found.start() + 1, number, found.end() + 1)
        message = (
            f"`{value[:60]}` is printed as it is: if somebody else wrote it, their script runs in "
            f"the browser of everybody who reads this page. {_CURE}"
        )
        weak = in_script or not sure or (marks_hits and "." not in value)
        yield Flag(where, message, confidence=Confidence.HOTSPOT if weak else None)


def _is_typed(value: str, filters: str) -> bool | None:
    """Whether people typed the value: surely, perhaps (false), or not at all (None)."""
    if value[:1] in "\"'" or value[:1].isdigit() or "tojson" in filters or "escape" in filters:
        return None
    if re.search(r"tojson|escape|json_script|csrf|super\(|_\(|gettext", value):
        return None
    if re.search(r"(^|\.)(request|params|args|GET|POST)\b", value):
        return True
    words = words_of(value)
    # The elements of a list are mostly hits of a search engine, which marks them up itself.
    if filters.strip() or "(" in value or value[-1:].isdigit() or words & _PREPARED:
        return False
    # `content` alone is what a page is made of; `comment.content` is what somebody wrote.
    return "." in value or not words & _WHOLE


@rule.on(cst.Call, calls=("Environment", "SandboxedEnvironment", "Template"), words=("jinja2",))
def environment(call: cst.Call, here: Here) -> Iterator[Flag]:
    names = here.names(call.func)
    if here.is_test or has_star_kwargs(call) or not any(e.startswith("jinja2.") for e in names):
        return
    given = keyword(call, "autoescape")
    held = here.value_of(given) if given is not None else None
    if given is not None and not (isinstance(held, cst.Name) and held.value == "False"):
        return
    kind = _kind_of_output(call, here)
    if kind == "text":
        return
    message = (
        "jinja2 escapes nothing unless it is told to: what people typed gets into the page as "
        "markup. Pass `autoescape=select_autoescape()`."
    )
    is_template = any(each.endswith(".Template") for each in names)
    weak = kind != "page" or here.is_script or is_template
    yield Flag(given or call.func, message, confidence=Confidence.HOTSPOT if weak else None)


_TEXT = re.compile(
    r"\.(sql|ya?ml|txt|conf|cfg|toml|ini|tex|md|sh|py|rst|j2|csv|ics|json|env|service)[\"'{.]"
    r"|block_start_string|latex|prompt|dockerfile|nginx|kubernetes|NativeEnvironment",
    re.IGNORECASE,
)


def _kind_of_output(call: cst.Call, here: Here) -> str:
    """Whether pages are made, or other text; empty where nothing tells."""
    around = here.function(call) or here.module
    source = here.source(here.module) if here.module is not None else ""
    if re.search(r"\.html?\b|HTMLResponse|text/html", source):
        return "page"
    near = here.source(around) if around is not None else ""
    if _TEXT.search(near) or _TEXT.search(source):
        return "text"
    return ""


_OTHER_ENGINES = re.compile(
    r"^(aiohttp_jinja2|fastapi|starlette|django\.template|sanic_jinja2|quart)\b"
)


@rule.on(cst.Arg, words=("autoescape",))
def passed(arg: cst.Arg, here: Here) -> Iterator[Flag]:
    """`aiohttp_jinja2.setup(app, autoescape=False)`, `Engine(autoescape=False)` and the like."""
    call = here.parent(arg)
    if arg.keyword is None or arg.keyword.value != "autoescape" or not isinstance(call, cst.Call):
        return
    names = here.names(call.func)
    off = isinstance(arg.value, cst.Name) and arg.value.value == "False"
    if not off or here.is_test or not any(_OTHER_ENGINES.match(each) for each in names):
        return
    # A single text, such as the body of a mail, is often rendered so on purpose.
    is_text = any(each.endswith(".Context") for each in names)
    message = f"`autoescape=False` lets what people typed get into the page as markup. {_CURE}"
    yield Flag(arg, message, confidence=Confidence.HOTSPOT if is_text else None)


@rule.on(SettingsModule)
def settings(module: SettingsModule, here: Here) -> Iterator[Flag]:
    held = module.last("TEMPLATES")
    for each in find(held.value, cst.DictElement) if held is not None and held.value else ():
        off = isinstance(each.value, cst.Name) and each.value.value == "False"
        if off and string(each.key) == "autoescape" and not here.is_test:
            message = f"With this setting no template escapes what people typed. {_CURE}"
            yield Flag(each, message)


@rule.on(cst.Assign, words=("jinja_env",))
def of_flask(assign: cst.Assign, here: Here) -> Iterator[Flag]:
    name = dotted(assign.targets[0].target)
    off = isinstance(assign.value, cst.Name) and assign.value.value == "False"
    if off and name.endswith("jinja_env.autoescape") and not here.is_test:
        yield Flag(assign, f"With this line no template escapes what people typed. {_CURE}")
