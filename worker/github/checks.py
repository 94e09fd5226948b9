"""The check runs of a pull request: opened at once, closed always."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from worker.github.client import Client
from worker.github.errors import GoneError, RefusedError, UnavailableError
from worker.github.gate import Gate
from worker.open_checks import OpenCheck, OpenChecks
from worker.plan import Conclusion
from worker.render.check import Annotation, Button, CheckText

log = logging.getLogger(__name__)

_ANNOTATIONS_AT_ONCE = 50
_MOST_TRIES = 3


class _Id(msgspec.Struct):
    id: int


class _Run(msgspec.Struct):
    conclusion: str | None = None


class _Runs(msgspec.Struct):
    check_runs: list[_Run] = []


class _OpenRun(msgspec.Struct):
    id: int
    external_id: str | None = None


class _Listed(msgspec.Struct):
    check_runs: list[_OpenRun] = []


class Checks:
    """The check runs of one pull request. `gate` is asked before each write."""

    def __init__(self, client: Client, gate: Gate, open_checks: OpenChecks) -> None:
        self._client = client
        self._gate = gate
        self._open = open_checks

    def start(self, name: str, head: str, attempt: int) -> int:
        """The id of a check run in progress: a new one, or the one that a crash left open."""
        left = self._left_open()
        if left is not None and left.head == head and not left.is_marked:
            self._open.note(left)
            return left.id
        is_old = left is not None and left.head != head
        self.cancel_open("Superseded by a newer push" if is_old else "Tried again")
        opened = OpenCheck(self._client.key, head, 0, time.time())
        # Before it is there: whoever dies while GitHub creates it leaves word of it.
        self._open.note(opened)
        check = self._create(self._new(name, head, attempt) | {"status": "in_progress"})
        self._open.note(replace(opened, id=check))
        return check

    def _left_open(self) -> OpenCheck | None:
        """The check run that an earlier try has opened and nobody closed."""
        left = self._open.of(self._client.key)
        if left is None or left.id:
            return left
        app = self._client.app.id
        query: dict[str, str | int] = {"status": "in_progress", "filter": "all", "app_id": app}
        path = f"{self._client.repository}/commits/{left.head}/check-runs"
        try:
            runs = self._client.get(path, _Listed, query).check_runs
        except (GoneError, RefusedError):
            runs = []  # the commit is gone, and its check runs with it
        mark = f"{left.key.repository_id}:{left.key.number}:"
        found = [each.id for each in runs if (each.external_id or "").startswith(mark)]
        if not found:
            self._open.forget(left.key)
            return None
        return replace(left, id=found[0])

    def cancel_open(self, why: str, conclusion: Conclusion = "cancelled") -> None:
        """Close the check run of a review that never came to its end, if there is one."""
        left = self._left_open()
        if left is not None:
            output = {"title": why, "summary": "Its review was not finished."}
            self._close(left.id, conclusion, {"output": output})

    def abandon(self, name: str, head: str, conclusion: Conclusion, title: str, why: str) -> None:
        """Close what is open, or say in a new check run, that nothing came of it."""
        left = self._left_open()
        if left is None or left.head != head:
            self.conclude(name, head, conclusion, title, why)
            return
        self._close(left.id, conclusion, {"output": {"title": title, "summary": why}})

    def conclude(self, name: str, head: str, conclusion: Conclusion, title: str, why: str) -> None:
        """A check run that is over as soon as it is there, in place of one that is open."""
        self.cancel_open(title)
        self.vouch(name, head, conclusion, title, why)

    def conclusion_of(self, name: str, head: str) -> str:
        """How our newest check run of this name on a commit ended; empty if there is none."""
        path = f"{self._client.repository}/commits/{head}/check-runs"
        wanted: dict[str, str | int] = {"check_name": name, "filter": "latest"}
        wanted["app_id"] = self._client.app.id
        runs = self._client.get(path, _Runs, wanted).check_runs
        return next((each.conclusion or "" for each in runs), "")

    def vouch(self, name: str, head: str, conclusion: Conclusion, title: str, why: str) -> None:
        """A verdict on a commit that is not the pull request's own head."""
        body = self._new(name, head, 1) | {
            "status": "completed",
            "conclusion": conclusion,
            "completed_at": _now(),
            "output": {"title": title, "summary": why},
        }
        self._create(body)

    def finish(self, check: int, conclusion: Conclusion, text: CheckText) -> None:
        """Close a check run. Further requests add annotations, so the last one closes it."""
        output: dict[str, object] = {"title": text.title, "summary": text.summary}
        marks = [_annotation(each) for each in text.annotations]
        left = self._open.of(self._client.key) if marks else None
        if left is not None:
            self._open.note(replace(left, is_marked=True))
        while len(marks) > _ANNOTATIONS_AT_ONCE:
            now, marks = marks[:_ANNOTATIONS_AT_ONCE], marks[_ANNOTATIONS_AT_ONCE:]
            self._update(check, {"output": output | {"annotations": now}})
        if text.text:
            output["text"] = text.text
        if marks:
            output["annotations"] = marks
        buttons = [_button(each) for each in text.buttons]
        self._close(check, conclusion, {"output": output, "actions": buttons})

    def _close(self, check: int, conclusion: Conclusion, body: dict[str, object]) -> None:
        done = {"status": "completed", "conclusion": conclusion, "completed_at": _now()}
        try:
            self._update(check, {**done, **body})
        except GoneError:
            log.warning("%s: check run %d is gone", self._client.key, check)
        self._open.forget(self._client.key)

    def _new(self, name: str, head: str, attempt: int) -> dict[str, object]:
        key = self._client.key
        return {
            "name": name,
            "head_sha": head,
            "external_id": f"{key.repository_id}:{key.number}:{head}:{attempt}",
            "started_at": _now(),
        }

    def _create(self, body: dict[str, object]) -> int:
        path = f"{self._client.repository}/check-runs"
        return self._client.write("POST", path, _Id, body, gate=self._gate).id

    def _update(self, check: int, body: dict[str, object]) -> None:
        path = f"{self._client.repository}/check-runs/{check}"
        for attempt in range(1, _MOST_TRIES + 1):
            try:
                self._client.write("PATCH", path, _Id, body, gate=self._gate)
            except UnavailableError:
                # Closing twice does no harm; annotations sent twice would stand there twice.
                if attempt == _MOST_TRIES or "annotations" in str(body.get("output")):
                    raise
            else:
                return


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _button(button: Button) -> dict[str, str]:
    return {
        "label": button.label,
        "description": button.description,
        "identifier": button.identifier,
    }


def _annotation(mark: Annotation) -> dict[str, object]:
    columns: dict[str, object] = {}
    if mark.start_column is not None and mark.end_column is not None:
        columns = {"start_column": mark.start_column, "end_column": mark.end_column}
    return {
        "path": mark.path,
        "start_line": mark.start_line,
        "end_line": mark.end_line,
        "annotation_level": mark.level,
        "title": mark.title,
        "message": mark.message,
        **columns,
    }
