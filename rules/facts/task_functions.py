"""Functions that a queue runs: tasks of Celery, RQ, Dramatiq, Huey and their like."""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from rules.kit import Here, dotted

_BY_NAME = {
    "celery.shared_task": "celery",
    "celery.task": "celery",
    "celery.Celery.task": "celery",
    "django_rq.job": "rq",
    "rq.decorators.job": "rq",
    "rq.job": "rq",
    "dramatiq.actor": "dramatiq",
    "huey.contrib.djhuey.task": "huey",
    "huey.contrib.djhuey.db_task": "huey",
    "huey.contrib.djhuey.periodic_task": "huey",
    "huey.contrib.djhuey.db_periodic_task": "huey",
}
_BY_LAST = {
    "shared_task": "celery",
    "db_task": "huey",
    "db_periodic_task": "huey",
    "periodic_task": "",
    "actor": "dramatiq",
    "job": "rq",
}
_OWNERS = {"celery": "celery", "celery_app": "celery", "app": "celery", "huey": "huey"}
_QUEUES = ("celery", "rq", "dramatiq", "huey", "django_rq")


@dataclass(frozen=True, slots=True, eq=False)
class TaskFunction:
    """A task; `queue` is celery, rq, dramatiq or huey, `call` the decorator's call if it is one."""

    function: cst.FunctionDef
    queue: str
    call: cst.Call | None


def task_of(function: cst.FunctionDef, here: Here) -> TaskFunction | None:
    """What makes a function a task, if it is one."""
    for each in function.decorators:
        node = each.decorator
        call = node if isinstance(node, cst.Call) else None
        queue = _queue(call.func if call is not None else node, here)
        if queue:
            return TaskFunction(function, queue, call)
    return None


def _queue(node: cst.BaseExpression, here: Here) -> str:
    names = here.names(node)
    known = next((_BY_NAME[each] for each in sorted(names) if each in _BY_NAME), "")
    if known:
        return known
    written = dotted(node)
    owner, _, last = written.rpartition(".")
    if last == "task":
        return _OWNERS.get(owner.rpartition(".")[2], "")
    if any(each.partition(".")[0] in _QUEUES for each in names):
        return _BY_LAST.get(last, "")
    return "celery" if last == "shared_task" else ""
