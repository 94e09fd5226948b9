"""Which prints are debugging, and what is left when debugging aids go."""

from __future__ import annotations

import ast

import pytest
from trees import project_of

from rules.checklist.cleanup.debug_statement import rule
from rules.engine.config import Config, ReviewConfig
from rules.engine.finding import Finding
from rules.engine.fix import apply
from rules.engine.run import check
from rules.kit import Confidence

VIEWS = "shop/views.py"


def findings(code: str, path: str = VIEWS, *others: str) -> tuple[Finding, ...]:
    files = {path: code, **dict.fromkeys(others, "")}
    config = Config(review=ReviewConfig(confidence="all"))
    report = check([(path, code.encode())], project_of(files), config, [rule])
    assert report.crashes == ()
    return report.findings


def fixed(code: str, path: str = VIEWS) -> str:
    edits = [edit for each in findings(code, path) if each.fix for edit in each.fix.edits]
    changed = apply(code, dict.fromkeys(edits))
    assert changed is not None
    ast.parse(changed)
    return changed


@pytest.mark.parametrize(
    "code",
    [
        "breakpoint()",
        "import pdb; pdb.set_trace()",
        "import ipdb;ipdb.set_trace()",
        "from pudb import set_trace; set_trace()",
        "import pdb as p; p.set_trace()",
        "import pdb; pdb.Pdb(nosigint=True).set_trace()",
        "from celery.contrib import rdb; rdb.set_trace()",
        "from remote_pdb import RemotePdb; RemotePdb('0.0.0.0', 4444).set_trace()",
        "import pytest; pytest.set_trace()",
        "import IPython; IPython.embed()",
        "from IPython import embed; embed()",
    ],
)
def test_each_way_to_stop_is_found_once(code: str) -> None:
    body = f"def f():\n    {code}\n    return 1\n"
    (found,) = findings(body)
    assert found.fix is not None
    assert found.fix.safe
    assert fixed(body) == "def f():\n    return 1\n"


def test_an_import_on_the_line_of_its_call_stays_while_it_is_needed() -> None:
    code = "import pytest; pytest.set_trace()\n\n@pytest.fixture\ndef a():\n    return 1\n"
    assert fixed(code) == code.replace("pytest.set_trace()", "pass")


@pytest.mark.parametrize(
    "code",
    [
        "def breakpoint(): pass\nbreakpoint()\n",
        "stops.set_trace()\n",
        "def embed(x): pass\nembed(1)\n",
        "import os, debugpy\nif os.environ.get('DEBUG_PORT'):\n    debugpy.wait_for_client()\n",
        "import sys\nsys.settrace(None)\n",
        "log.debug('x')\n",
        "try:\n    import ipdb as pdb\nexcept ImportError:\n    import pdb\n",
        "import pdb\nclass Mine(pdb.Pdb): pass\n",
    ],
)
def test_what_only_looks_like_a_breakpoint_passes(code: str) -> None:
    assert findings(code) == ()


@pytest.mark.parametrize(
    ("path", "head", "others"),
    [
        (VIEWS, "from django.http import HttpResponse\n", ()),
        ("api/routes.py", "from fastapi import APIRouter\n", ()),
        ("shop/tasks.py", "from celery import shared_task\n", ()),
        ("shop/lib/mail.py", "import smtplib\n", ("shop/models.py",)),
    ],
)
def test_a_print_in_application_code_is_proven(
    path: str, head: str, others: tuple[str, ...]
) -> None:
    (finding,) = findings(f"{head}def f(a):\n    print(a)\n    return a\n", path, *others)
    assert finding.confidence is Confidence.PROVEN


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("lib/solver.py", "def f(a):\n    print(a)\n"),
        (VIEWS, "import django\ndef f(a, verbosity):\n    if verbosity > 1:\n        print(a)\n"),
        ("shop/settings.py", "import django\nprint(django)\n"),
    ],
)
def test_a_print_of_unclear_purpose_is_a_hotspot(path: str, code: str) -> None:
    (finding,) = findings(code, path)
    assert finding.confidence is Confidence.HOTSPOT


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("tests/test_a.py", "import django\nprint(1)\n"),
        ("tasks.py", "import django\nprint(1)\n"),
        ("shop/management/commands/a.py", "import django\nprint(1)\n"),
        ("shop/migrations/0001_a.py", "import django\nprint(1)\n"),
        (".tools/a.py", "import django\nprint(1)\n"),
        (VIEWS, "#!/usr/bin/env python\nimport django\nprint(1)\n"),
        (VIEWS, "import click, django\ndef f():\n    print(1)\n"),
        (VIEWS, "import django\ndef print_tree(a):\n    print(a)\n"),
        (VIEWS, "import django\nclass ConsoleMailer:\n    def send(self, a):\n        print(a)\n"),
        (VIEWS, "import django, sys\ndef f():\n    print(1, file=sys.stderr)\n"),
        (VIEWS, "import django\ndef f(**to):\n    print(1, **to)\n"),
        (VIEWS, "import django\nfrom shop import print\ndef f():\n    print(1)\n"),
        (VIEWS, "import django\ndef f():\n    print(1)  # noqa: T201\n"),
        (VIEWS, "import django\ndef f(self):\n    self.print(1)\n"),
    ],
)
def test_a_print_that_is_meant_passes(path: str, code: str) -> None:
    assert findings(code, path) == ()


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("a, len(a), 'x'", True),
        ("f'{a!r}'", True),
        ("a.pop()", False),
        ("(b := a)", False),
        ("await a", False),
        ("json.dumps(a)", True),
    ],
)
def test_a_print_goes_without_asking_only_if_it_does_nothing_else(given: str, safe: bool) -> None:  # noqa: FBT001
    (finding,) = findings(f"import django\nasync def f(a):\n    print({given})\n    return a\n")
    assert finding.fix is not None
    assert finding.fix.safe is safe


def test_the_only_word_on_an_exception_is_not_deleted() -> None:
    code = "import django\ndef f():\n    try:\n        g()\n    except OSError as e:\n        print(e)\n"
    (finding,) = findings(code)
    assert finding.fix is None
    assert "Log the exception" in finding.message


def test_a_body_of_nothing_but_debugging_keeps_a_pass() -> None:
    code = (
        "import django\ndef f(a):\n    import pdb\n    pdb.set_trace()\n    print(a)\n\n\n"
        "def g(a):\n    if a:\n        print(a)\n    return a\n"
    )
    assert fixed(code) == (
        "import django\ndef f(a):\n    pass\n\n\ndef g(a):\n    if a:\n        pass\n    return a\n"
    )


def test_the_import_goes_with_its_calls_and_stays_for_other_uses() -> None:
    code = "import pdb\ndef f():\n    pdb.set_trace()\n    return 1\n"
    of_import, of_call = findings(code)
    assert of_import.fix is not None
    assert apply(code, of_import.fix.edits) == "def f():\n    return 1\n"
    assert of_call.fix is not None
    assert apply(code, of_call.fix.edits) == "import pdb\ndef f():\n    return 1\n"


def test_other_statements_of_the_line_stay() -> None:
    assert fixed("def f():\n    x = 1; breakpoint()\n    return x\n") == (
        "def f():\n    x = 1; pass\n    return x\n"
    )


def test_what_ic_is_given_is_still_evaluated() -> None:
    code = "from icecream import ic\ndef f(a):\n    ic(a.pop())\n    ic(a)\n    return ic(a[0])\n"
    assert fixed(code) == "def f(a):\n    a.pop()\n    return a[0]\n"


@pytest.mark.parametrize(
    ("chosen", "left"), [("T100", "print"), ("T201", "breakpoint"), ("T10', 'T20", "")]
)
def test_what_another_linter_sees_is_left_to_it_and_nothing_else(chosen: str, left: str) -> None:
    code = "import django\ndef f(a):\n    breakpoint()\n    print(a)\n    return a\n"
    ruff = f"[tool.ruff.lint]\nselect = ['{chosen}']\n"
    files = {VIEWS: code, "pyproject.toml": ruff}
    report = check([(VIEWS, code.encode())], project_of(files), Config(), [rule])
    assert "".join(
        each.message.partition("`")[2].partition("`")[0] for each in report.findings
    ) in (
        left,
        f"{left}()",
    )
