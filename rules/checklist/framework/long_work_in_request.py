"""Slow work is done while somebody waits for the answer.

A mail server or a partner that takes its time keeps a worker busy for as long, and one that is down
fails the request, though what the user asked for was done. Hand it to a queue or a background task.

Bad:
```python shop/views.py
from django.core.mail import send_mail
from django.shortcuts import redirect


def register(request):
    user = request.form.save()
    send_mail("Welcome", "Hello", None, [user.email])  # flagged
    return redirect("home")
```
```python shop/tasks.py
from celery import shared_task


@shared_task
def clean(): ...
```
Good:
```python shop/views.py
from django.shortcuts import redirect

from shop.tasks import welcome


def register(request):
    user = request.form.save()
    welcome.delay(user.pk)
    return redirect("home")
```
```python shop/tasks.py
from celery import shared_task
from django.core.mail import send_mail


@shared_task
def welcome(key):
    send_mail("Welcome", "Hello", None, [key])
```
Bad: other frameworks, and work of other kinds.
```python
import requests
from fastapi import FastAPI
from flask import Blueprint
from flask_mail import Mail
from weasyprint import HTML

app = FastAPI()
pages = Blueprint("pages", __name__)
mail = Mail()


@app.post("/orders")
def order(key: int):
    requests.post("https://chat.example.org/hook", json={"order": key}, timeout=5)  # flagged
    return key


@pages.route("/invoice")
def invoice():
    mail.send("invoice")  # flagged
    return HTML("invoice.html").write_pdf()  # flagged
```
Good:
```python
from fastapi import BackgroundTasks, FastAPI

from shop.chat import tell

app = FastAPI()


@app.post("/orders")
def order(key: int, background: BackgroundTasks):
    background.add_task(tell, key)
    return key
```
Good: the user wants to know whether it works.
```python
import smtplib

from django.core.mail import send_mail
from django.http import JsonResponse


def test_settings(request):
    try:
        send_mail("Test", "It works", None, [request.user.email])
    except smtplib.SMTPException as error:
        return JsonResponse({"error": error.smtp_code})
    return JsonResponse({"sent": True})
```
Good: what the answer needs, and functions that no request runs.
```python
import requests
from django.core.mail import send_mail
from django.http import JsonResponse


def rates(request):
    found = requests.get("https://rates.example.org", timeout=2).json()
    return JsonResponse(found)


def remind(users):
    for user in users:
        send_mail("Still there?", "Your cart", None, [user.email])
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.endpoints import is_endpoint
from rules.facts.python_modules import Modules
from rules.facts.side_effects import LASTS, WORDS, effect_of
from rules.kit import Flag, Here, Project, Rule, Severity, find

rule = Rule(
    __name__,
    __doc__,
    code="FWK117",
    severity=Severity.WARNING,
    checklist=("django.view-logic", "starlette.background", "performance.background-tasks"),
    scope="project",
    yields_to=("FWK114",),
)

_QUEUES = (
    "celery",
    "django_rq",
    "rq",
    "dramatiq",
    "huey",
    "procrastinate",
    "arq",
    "django_q",
    "taskiq",
)
_WORDS = {
    "mail": "sends mail",
    "http": "calls another service",
    "file": "makes a file",
}


class _Queue:
    """Whether a project has a queue."""

    @classmethod
    def gather(cls, project: Project) -> bool:
        modules: Modules = project.facts(Modules)
        return any(
            target.partition(".")[0] in _QUEUES
            for record in modules.by_path.values()
            for target in record.imports.values()
        )


@rule.on(cst.Call, calls=LASTS, words=WORDS)
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_script or here.is_migration:
        return
    kind = effect_of(call, here)
    if not kind or (kind == "http" and not _is_told_only(call, here)):
        return
    around = here.around(call, cst.FunctionDef, cst.Lambda)
    if not isinstance(around, cst.FunctionDef) or not is_endpoint(around, here):
        return
    if _is_answered_for(call, here):
        return
    has_queue = here.project.facts(_Queue)
    cure = "Hand it to the queue." if has_queue else "Do it in a background task, or in a queue."
    yield Flag(
        call,
        f"`{around.name.value}` {_WORDS[kind]} while somebody waits for the answer, and fails if that "
        f"fails. {cure}",
        severity=None if has_queue else Severity.NOTICE,
    )


def _is_answered_for(call: cst.Call, here: Here) -> bool:
    """Whether the view tells its user when this goes wrong."""
    around = here.around(call, cst.Try)
    return around is not None and any(
        True for each in around.handlers for _ in find(each.body, cst.Return)
    )


def _is_told_only(call: cst.Call, here: Here) -> bool:
    """Whether nobody looks at the answer of the other service."""
    return isinstance(here.parent(call), cst.Expr)
