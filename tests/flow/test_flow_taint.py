"""Data of callers is followed to its sinks, and not where it is harmless."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

import pytest
from trees import project_of, snapshot_of

from rules.engine import discover
from rules.engine.config import Config, ReviewConfig
from rules.engine.finding import Report
from rules.engine.formats import sarif_format
from rules.engine.run import check, review
from rules.kit import Confidence

_RULES = [
    rule
    for rule in discover.all_rules()
    if rule.code in {"SEC101", "SEC102", "SEC103", "SEC104", "SEC105", "SEC106", "SEC107"}
]
_ALL = Config(review=ReviewConfig(confidence="all"))


def _report(files: Mapping[str, str]) -> Report:
    data = {path: dedent(text) for path, text in files.items()}
    named = ((path, text.encode()) for path, text in data.items())
    return check(named, project_of(data), _ALL, _RULES)


def _said(files: Mapping[str, str] | str) -> set[tuple[str, str, int, str]]:
    report = _report({"app/views.py": files} if isinstance(files, str) else files)
    assert report.crashes == ()
    return {(f.code, f.path, f.span.line, f.confidence.value) for f in report.findings}


def _flask(body: str, above: str = "") -> str:
    lines = "\n".join(f"    {line}" for line in dedent(body).strip().split("\n"))
    head = (
        "import os, re, html, shlex, subprocess\nfrom pathlib import Path\n"
        "from urllib.parse import urlparse\n"
        "from flask import Flask, abort, redirect, request, url_for\napp = Flask(__name__)\n"
    )
    return f'{head}{dedent(above)}\n@app.route("/x/<name>/<int:number>")\ndef view(name, number):\n{lines}\n'


@pytest.mark.parametrize(
    "body",
    [
        "os.system(request.args['x'])",
        "os.system('ls ' + request.form.get('x', ''))",
        "os.system(f'ls {name}')",
        "os.system('ls %s' % request.headers['x'])",
        "os.system('ls {x}'.format(x=request.cookies.get('x')))",
        "os.system(' '.join(['ls', request.values['x']]))",
        "data = request.get_json()\nos.system(data['command'])",
        "os.system(request.json.get('a', {}).get('b'))",
        "command = ['ls']\ncommand.append(name)\nos.system(' '.join(command))",
        "subprocess.run('ls ' + name, shell=True)",
        "subprocess.Popen(args=name, shell=True)",
        "subprocess.run(['bash', '-c', name])",
        "os.system(html.escape(name))",
        "os.system(helper(name))",
        "if number > 3:\n    name = 'x'\nos.system(name)",
        "if len(name) > 3:\n    return 'long'\nos.system(name)",
        "try:\n    x = name.strip()\nexcept ValueError:\n    x = ''\nos.system(x)",
        "if name not in 'some text':\n    abort(400)\nos.system(name)",
        "if re.match('[a-z]+', name):\n    os.system(name)",
    ],
)
def test_a_command_of_a_caller_is_found(body: str) -> None:
    found = _said(_flask(body, above="def helper(x):\n    return 'ls ' + x\n"))
    assert ("SEC102", "proven") in {(code, sure) for code, _, _, sure in found}


@pytest.mark.parametrize(
    "body",
    [
        "os.system('ls')",
        "os.system(f'ls {number}')",
        "os.system(f'ls {shlex.quote(name)}')",
        "os.system(f'ls {int(name)}')",
        "subprocess.run(['ls', name])",
        "if name not in ('a', 'b'):\n    abort(400)\nos.system(name)",
        "if name not in ALLOWED:\n    return ''\nos.system(name)",
        "if not name.isalnum():\n    raise ValueError\nos.system(name)",
        "if not re.fullmatch(r'[a-z0-9_]+', name):\n    abort(404)\nos.system(name)",
        "match = re.match(r'^[a-z]+$', name)\nif match is None:\n    abort(404)\nos.system(name)",
        "if not PATTERN.fullmatch(name):\n    abort(404)\nos.system(name)",
        "check(name)\nos.system(name)",
        "if not is_fine(name):\n    abort(404)\nos.system(name)",
        "ok = name in ALLOWED\nif not ok:\n    abort(404)\nos.system(name)",
        "name = re.sub(r'[^a-z0-9]', '', name)\nos.system(name)",
        "os.system(COMMANDS[name])",
        "os.system(COMMANDS.get(name, 'ls'))",
        "name = 'x'\nos.system(name)",
        "os.system(url_for('x', y=name))",
        "int(name)\nos.system(name)",
    ],
)
def test_what_was_made_safe_is_left_alone(body: str) -> None:
    above = """
        COMMANDS = {"a": "ls", "b": "df"}
        ALLOWED = ["a", "b"]
        PATTERN = re.compile("[a-z]+")
        def check(x):
            if x not in ALLOWED:
                abort(400)
        def is_fine(x):
            return x in ALLOWED
        """
    assert not {each for each in _said(_flask(body, above=above)) if each[3] == "proven"}


@pytest.mark.parametrize(
    ("body", "is_safe"),
    [
        ("open('/srv/' + name)", False),
        ("open(os.path.join('/srv', name))", False),
        ("(Path('/srv') / name).read_text()", False),
        ("open('/srv/' + os.path.basename(name))", True),
        (
            "p = os.path.realpath('/srv/' + name)\nif not p.startswith('/srv/'):\n    abort(404)\nopen(p)",
            True,
        ),
        ("p = '/srv/' + name\nif not p.startswith('/srv/'):\n    abort(404)\nopen(p)", False),
        (
            "p = (Path('/srv') / name).resolve()\nif not p.is_relative_to('/srv'):\n    abort(404)\np.open()",
            True,
        ),
        (
            "p = Path('/srv', name).resolve()\nif Path('/srv') not in p.parents:\n    abort(404)\nopen(p)",
            True,
        ),
        ("if '..' in name or '/' in name:\n    abort(404)\nopen('/srv/' + name)", True),
        ("return redirect(request.args['next'])", False),
        ("return redirect('/x/' + name)", True),
        ("return redirect('https://shop.example/' + name)", True),
        ("return redirect('https://' + name)", False),
        ("if urlparse(name).netloc:\n    abort(400)\nreturn redirect(name)", True),
        ("if urlparse(name).netloc != request.host:\n    abort(400)\nreturn redirect(name)", True),
        ("return '<b>' + name + '</b>'", False),
        ("return '<b>' + html.escape(name) + '</b>'", True),
        ("return {'name': name}", True),
    ],
)
def test_each_sink_has_its_own_cures(body: str, is_safe: bool) -> None:  # noqa: FBT001 - a table
    proven = {each for each in _said(_flask(body)) if each[3] == "proven"}
    assert bool(proven) is not is_safe


def test_django_views_of_all_kinds_let_data_in() -> None:
    code = """
        import os
        from django.views import View
        from rest_framework.decorators import api_view
        from rest_framework.viewsets import ViewSet

        def plain(request, name):
            os.system(request.GET["x"])
            os.system(request.META["HTTP_X"])
            os.system(request.META["REMOTE_ADDR"])

        class Page(View):
            def get(self, request, *args, **kwargs):
                os.system(self.request.POST.get("x"))
                self.run(request.GET.getlist("y"))

            def run(self, names):
                for name in names:
                    os.system(name)

        @api_view(["POST"])
        def api(request):
            os.system(request.data["x"])

        class Set(ViewSet):
            def create(self, request):
                os.system(request.query_params["x"])
        """
    lines = {line for code_, _, line, sure in _said(code) if sure == "proven" and code_ == "SEC102"}
    assert lines == {8, 9, 14, 19, 23, 27}


def test_fastapi_parameters_are_what_their_types_let_through() -> None:
    code = """
        import os
        from uuid import UUID
        from typing import Annotated, Literal
        from fastapi import APIRouter, Depends, Query, Request
        from pydantic import BaseModel

        router = APIRouter()

        class Order(BaseModel):
            text: str
            number: int
            kind: Literal["a", "b"]

        def query(q: str = ""):
            return q

        @router.post("/{name}/{key}")
        async def view(name: str, key: UUID, page: int, order: Order, request: Request,
                       q: Annotated[str, Query()], d: Annotated[str, Depends(query)],
                       word: str = Query(pattern="^[a-z]+$")):
            os.system(name)
            os.system(f"{key} {page} {word} {order.number} {order.kind}")
            os.system(order.text)
            os.system(q)
            os.system(d)
            os.system((await request.json())["x"])
        """
    lines = {line for _, _, line, sure in _said(code) if sure == "proven"}
    assert lines == {22, 24, 25, 26, 27}


def test_a_way_through_other_modules_is_told_step_by_step() -> None:
    report = _report(
        {
            "app/__init__.py": "",
            "app/views.py": """
                from app.reports import sales
                def report(request):
                    month = request.GET["month"]
                    return sales(month)
                """,
            "app/reports.py": """
                from django.db import connection
                def sales(month):
                    query = "SELECT 1 WHERE month = '%s'" % month
                    with connection.cursor() as cursor:
                        cursor.execute(query)
                """,
        }
    )
    (found,) = (each for each in report.findings if each.confidence is Confidence.PROVEN)
    assert (found.path, found.span.line) == ("app/views.py", 5)
    assert [(each.path, each.line) for each in found.related] == [
        ("app/views.py", 4),
        ("app/reports.py", 3),
        ("app/reports.py", 4),
        ("app/reports.py", 6),
    ]
    assert '"codeFlows"' in sarif_format.write(report)


def test_data_that_cannot_be_followed_is_a_hotspot() -> None:
    code = """
        import os
        from somewhere import transform
        def view(request):
            os.system(transform(request.GET["x"]))
        def task(name):
            os.system("ls " + name)
        """
    assert {each[2:] for each in _said(code)} == {(5, "hotspot"), (7, "hotspot")}


def test_a_change_is_blamed_for_the_check_that_it_takes_away() -> None:
    before = _flask("if name not in ('a', 'b'):\n    abort(400)\nos.system(name)")
    after = _flask("os.system(name)")
    snapshot = snapshot_of({"app/views.py": before}, {"app/views.py": after})
    assert [each.code for each in review(snapshot, Config(), _RULES).findings] == ["SEC102"]


def test_a_function_that_was_not_read_to_its_end_is_told() -> None:
    nest = "".join(
        f"for a{n} in x:\n    y{n} = [a{n} for b in x for c in x]\n" for n in range(2000)
    )
    report = _report({"app/views.py": _flask(f"x = request.args\n{nest}os.system(name)")})
    assert ["not followed to the end of `view`" in each.reason for each in report.skipped] == [True]


def test_an_uploaded_file_is_data_and_its_name_is_a_path() -> None:
    said = _said(_flask("upload = request.files['f']\nopen(upload.filename)\nopen(upload.stream)"))
    assert [(code, line) for code, _, line, _ in said] == [("SEC104", 10)]


def test_keys_of_a_form_are_the_callers_and_names_of_its_fields_are_not() -> None:
    body = "for key, value in request.form.items():\n    os.system(key)\n    os.system(value)"
    assert {line for _, _, line, _ in _said(_flask(body))} == {10, 11}
    body = "for key in self.cleaned_data:\n    os.system(key)"
    assert not {each for each in _said(_flask(body)) if each[3] == "proven"}


def test_an_element_of_a_list_that_is_looked_up_is_one_of_the_list() -> None:
    above = "from app.settings import FIELDS"
    body = "for each in request.json['fields']:\n    if each in FIELDS:\n        os.system(each)"
    assert not _said(_flask(body, above))


def test_the_program_of_a_split_command_is_known() -> None:
    body = "import shlex\nsubprocess.run(shlex.split('ping -c 1 ' + name))"
    assert not _said(_flask(body))
    body = "import shlex\nsubprocess.run(shlex.split(name), shell=True)"
    assert {code for code, _, _, _ in _said(_flask(body))} == {"SEC102"}


def test_what_an_object_that_was_built_of_data_holds_is_in_doubt() -> None:
    above = "from app.net import Downloader"
    body = "found = Downloader(request.args['url'])\nopen(found.start().path)"
    assert {each[3] for each in _said(_flask(body, above)) if each[0] == "SEC104"} == {"hotspot"}


def test_the_contents_of_a_file_are_not_its_name() -> None:
    body = "path = Path('/srv') / os.path.basename(name)\nreturn path.read_text()"
    assert not _said(_flask(body))


def test_the_field_of_a_form_says_what_may_stand_in_it() -> None:
    view = """
    from django import forms
    from django.db import connection

    class Search(forms.Form):
        kind = forms.ChoiceField(choices=[("a", "A")])
        term = forms.CharField()

    def view(request):
        form = Search(request.GET)
        if form.is_valid():
            with connection.cursor() as cursor:
                cursor.execute("SELECT " + form.cleaned_data["kind"])
                cursor.execute("SELECT " + form.cleaned_data.get("kind"))
                cursor.execute("SELECT " + form.cleaned_data["term"])
    """
    assert _said(view) == {("SEC101", "app/views.py", 15, "proven")}


@pytest.mark.parametrize(
    "body",
    [
        "out = []\nfor c in s:\n    out.append(c if c.isalnum() or c in ' ._' else f'&#{ord(c)};')\nreturn ''.join(out)",
        "out = ''\nfor c in s:\n    if c in ' .,-':\n        out += c\nreturn out",
        "return s.translate(str.maketrans({'<': '&lt;', '>': '&gt;'}))",
    ],
)
def test_a_helper_may_escape_character_by_character(body: str) -> None:
    lines = "\n".join(f"    {line}" for line in body.split("\n"))
    assert not _said(_flask("return clean(request.args['q'])", f"def clean(s):\n{lines}"))


def test_a_helper_that_lets_brackets_through_does_not_escape() -> None:
    above = """
    def clean(s):
        out = ''
        for c in s:
            if c in ' <>':
                out += c
        return out
    """
    said = _said(_flask("return clean(request.args['q'])", above))
    assert {each[0] for each in said} == {"SEC107"}


@pytest.mark.parametrize(
    "made", ["getattr(sys.modules[__name__], 'Plain')()", "globals()['Plain']()"]
)
def test_a_class_may_be_named_by_text(made: str) -> None:
    above = f"""
    import sys
    class Plain:
        def give(self, x):
            return x
    def make():
        return {made}
    """
    said = _said(_flask("os.system(make().give(request.args['x']))", above))
    assert {(each[0], each[3]) for each in said} == {("SEC102", "proven")}


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("class Box(namedtuple('Box', 'name data')): pass", "box.data"),
        ("Box = namedtuple('Box', ['name', 'data'])", "box.data"),
        ("Box = typing.NamedTuple('Box', [('name', str), ('data', str)])", "box[1]"),
        ("class Box(typing.NamedTuple):\n    name: str\n    data: str", "box.data"),
        ("Box = namedtuple('Box', 'name, data')", "list(box)[1]"),
    ],
)
def test_a_named_tuple_keeps_its_fields_apart(kind: str, read: str) -> None:
    above = f"import typing\nfrom collections import namedtuple\n{kind}"
    made = "box = Box('ls', request.args['x'])\n"
    assert {each[3] for each in _said(_flask(f"{made}os.system({read})", above))} == {"proven"}
    assert not _said(_flask(f"{made}os.system(box.name)\nname, _ = box\nos.system(name)", above))


@pytest.mark.parametrize(
    ("head", "parameter"),
    [
        ("", "request"),
        ("from app.compat import HttpRequest", "asked: HttpRequest"),
        ("from app.compat import Request", "request: Request"),
    ],
)
def test_a_file_that_names_no_framework_may_be_handed_a_request(head: str, parameter: str) -> None:
    name = parameter.partition(":")[0]
    found = _said(
        {
            "app/compat.py": "from django.http import HttpRequest\nfrom flask import Request\n",
            "app/tools.py": f"import os\n{head}\n\ndef run({parameter}):\n    os.system({name}.headers['x'])\n",
        }
    )
    assert {(code, path, line) for code, path, line, _ in found} == {("SEC102", "app/tools.py", 5)}


@pytest.mark.parametrize(
    "where", ["class Request:\n    headers = {}", "from .models import Request"]
)
def test_what_a_client_asks_of_others_is_not_what_was_asked_of_us(where: str) -> None:
    files = {
        "client/__init__.py": "",
        "client/models.py": "class Request:\n    headers = {}\n",
        "client/pool.py": f"import subprocess\n{where}\n\ndef send(request: Request):\n"
        "    subprocess.run(request.headers['command'], shell=True)\n",
    }
    assert {sure for *_, sure in _said(files)} == {"hotspot"}
