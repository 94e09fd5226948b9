"""A task of the queue calls the network and is never tried again.

Connections break, other services restart: a task that gives up at the first such failure loses
its work, and nobody is there to press the button again. Let the queue try again, with growing
pauses.

Bad:
```python shop/tasks.py
import requests
from celery import shared_task


@shared_task
def announce(number):
    answer = requests.post("https://courier.example.org", json={"id": number}, timeout=5)  # flagged
    answer.raise_for_status()
```
Good:
```python shop/tasks.py
import requests
from celery import shared_task


@shared_task(autoretry_for=(requests.RequestException,), retry_backoff=True, max_retries=5)
def announce(number):
    answer = requests.post("https://courier.example.org", json={"id": number}, timeout=5)
    answer.raise_for_status()
```
Bad:
```python shop/jobs.py
import httpx
from django_rq import job
from huey.contrib.djhuey import db_task


@job("default")
def announce(number):
    httpx.post("https://courier.example.org", json={"id": number})  # flagged


@db_task()
def fetch(url):
    return httpx.get(url).text  # flagged
```
Good:
```python shop/jobs.py
import httpx
from django_rq import job
from huey.contrib.djhuey import db_task
from rq import Retry


@job("default", retry=Retry(max=3, interval=[10, 60, 300]))
def announce(number):
    httpx.post("https://courier.example.org", json={"id": number})


@db_task(retries=3, retry_delay=60)
def fetch(url):
    return httpx.get(url).text
```
Good: the task tries again by itself, or handles the failure.
```python shop/tasks.py
import requests
from celery import shared_task
from tenacity import retry


@shared_task(bind=True)
def announce(self, number):
    try:
        requests.post("https://courier.example.org", json={"id": number}, timeout=5)
    except requests.RequestException as error:
        raise self.retry(exc=error, countdown=60)


@shared_task
@retry
def fetch(url):
    return requests.get(url, timeout=5).text
```
Good: Dramatiq tries again unless it is told not to.
```python shop/actors.py
import dramatiq
import requests


@dramatiq.actor
def announce(number):
    requests.post("https://courier.example.org", json={"id": number}, timeout=5)
```
Good: it runs again soon in any case, or its transport tries again.
```python shop/tasks.py
import requests
from celery import shared_task
from celery.schedules import crontab
from requests.adapters import HTTPAdapter
from urllib3 import Retry


@shared_task
def mirror(url):
    session = requests.Session()
    session.mount("https://", HTTPAdapter(max_retries=Retry(3)))
    return session.get(url, timeout=5).text
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.network_calls import NetworkCall, is_handled
from rules.facts.task_functions import TaskFunction, task_of
from rules.kit import Flag, Here, Rule, Severity, dotted, find, keyword

rule = Rule(
    __name__,
    __doc__,
    code="ERR109",
    severity=Severity.NOTICE,
    checklist=("errors.recovery",),
    scope="project",
)

_RETRYING = re.compile(r"(?i)retr|tenacity|backoff|stamina|on_exception")
_CURE = {
    "celery": "`autoretry_for=(...), retry_backoff=True`",
    "rq": "`retry=Retry(max=3, interval=[10, 60])`",
    "dramatiq": "`max_retries=3`",
    "huey": "`retries=3, retry_delay=60`",
}


@rule.on(NetworkCall)
def check(found: NetworkCall, here: Here) -> Iterator[Flag]:
    function, call = found.function, found.call
    if function is None or not function.decorators or id(function) in here.kept(_told):
        return
    task = task_of(function, here)
    if task is None or _tries_again(task, here):
        return
    if not is_handled(call, here) and not _is_best_effort(call, here):
        here.kept(_told).add(id(function))
        yield Flag(
            call,
            f"When this call fails for a moment, the task `{function.name.value}` fails for good: "
            f"it has no retry policy. Give its decorator {_CURE[task.queue]}.",
        )


def _told(_here: Here) -> set[int]:
    """The functions of which it was said: once is enough."""
    return set()


def _tries_again(task: TaskFunction, here: Here) -> bool:
    """Whether decorators, base class or body speak of trying again."""
    if task.queue == "dramatiq":
        most = keyword(task.call, "max_retries") if task.call is not None else None
        return not (isinstance(most, cst.Integer) and most.value == "0")
    for each in task.function.decorators:
        if _RETRYING.search(here.source(each)):
            return True
    if task.call is not None and keyword(task.call, "base") is not None:
        return True
    return any(_RETRYING.search(each.value) for each in find(task.function.body, cst.Name)) or any(
        _RETRYING.search(each.attr.value) for each in find(task.function.body, cst.Attribute)
    )


def _is_best_effort(call: cst.Call, here: Here) -> bool:
    """Whether the class of the client, made in the module, is a session that is set up elsewhere."""
    owner = call.func.value if isinstance(call.func, cst.Attribute) else None
    return isinstance(owner, cst.Name) and bool(_RETRYING.search(dotted(owner)))
