"""Check runs as the page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.entities import App, CheckRun, Json, Repository
from sandbox.state import State

_TONES = {
    "success": "good",
    "failure": "bad",
    "timed_out": "bad",
    "cancelled": "bad",
    "action_required": "bad",
}
_SIGNS = {"good": "✓", "bad": "✗", "quiet": "○", "open": "●"}


@dataclass(frozen=True)
class CheckView:
    id: int
    name: str
    app: App
    sha: str
    status: str
    conclusion: str | None
    title: str | None
    summary: str | None
    text: str | None
    external_id: str
    started_at: str | None
    completed_at: str | None
    annotations: tuple[Json, ...]
    actions: tuple[Json, ...]

    @property
    def tone(self) -> str:
        """good, bad, quiet, or open while it runs."""
        if self.status != "completed":
            return "open"
        return _TONES.get(self.conclusion or "", "quiet")

    @property
    def sign(self) -> str:
        return _SIGNS[self.tone]

    @property
    def verdict(self) -> str:
        return (self.conclusion or self.status).replace("_", " ")


@dataclass(frozen=True)
class Checks:
    """Of one commit: the newest run of each name, and the earlier ones."""

    newest: tuple[CheckView, ...]
    earlier: tuple[CheckView, ...]

    @property
    def tone(self) -> str:
        tones = [one.tone for one in self.newest]
        return next((tone for tone in ("bad", "open", "good") if tone in tones), "quiet")

    @property
    def sign(self) -> str:
        return _SIGNS[self.tone]

    @property
    def sentence(self) -> str:
        if not self.newest:
            return "No checks on this commit"
        words = {
            "bad": "Some checks were not successful",
            "open": "Some checks have not completed yet",
            "good": "All checks have passed",
            "quiet": "All checks were neutral or skipped",
        }
        return words[self.tone]


def checks_of(state: State, repository: Repository, sha: str) -> Checks:
    """Called with the lock held."""
    newest: dict[tuple[int, str], CheckView] = {}
    earlier: list[CheckView] = []
    for run in state.check_runs_of(repository, sha):
        key = (run.suite.app.id, run.name)
        if key in newest:
            earlier.append(newest.pop(key))
        newest[key] = view_of(run)
    return Checks(tuple(newest.values()), _newest_first(earlier))


def _newest_first(runs: Sequence[CheckView]) -> tuple[CheckView, ...]:
    return tuple(sorted(runs, key=lambda one: one.id, reverse=True))


def view_of(run: CheckRun) -> CheckView:
    return CheckView(
        run.id, run.name, run.suite.app, run.suite.head_sha, run.status, run.conclusion,
        run.title, run.summary, run.text, run.external_id, run.started_at, run.completed_at,
        tuple(run.annotations), tuple(run.actions),
    )  # fmt: skip
