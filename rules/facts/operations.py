"""What a repository says of how it is run: checks in CI, health, metrics, backups."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rules.kit import Extractor, Project, Source
from rules.kit.paths import is_test

_DEVELOPMENT = re.compile(
    r"(?i)(^|[/._-])(dev|devel|develop|development|devcontainer|local|tests?|testing|ci|e2e|debug"
    r"|bench|benchmarks?|docs?|lint|examples?|samples?|demo|fixtures|playground|tools?|override"
    r"|gitpod|codespaces?|vagrant|\.github|\.circleci|cypress|playwright)([/._-]|$)"
)
_READ = re.compile(
    r"(^|/)(Dockerfile[^/]*|Procfile|Pipfile|Makefile|Jenkinsfile|urls\.py|main\.py|app\.py|routes\.py|middleware\.py"
    r"|pyproject\.toml|poetry\.lock|uv\.lock|[^/]*requirements[^/]*\.(txt|in)|[^/]*(compose|stack)[^/]*\.ya?ml"
    r"|(README|OPERATIONS|DEPLOY\w*|RUNBOOK|BACKUP\w*)[^/]*)$"
    r"|^\.(github|circleci)/[^.]*\.ya?ml$|(^|/)requirements/[^/]+\.(txt|in)$|^[^/]*\.ya?ml$"
    r"|(^|/)(docs?|deploy\w*|ops|k8s|kubernetes|helm|charts|infra\w*|terraform|scripts|bin)/.*\.(md|rst|ya?ml|tf|sh)$"
)
_LARGEST = 100_000  # bytes
# Topic -> what a file that speaks of it holds, in lower case.
_MARKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("health", (
        "healthcheck", "health_check", "health-check", "livenessprobe", "readinessprobe", "/health",
        '"health', "'health", "^health", "livez", "readyz", "heartbeat", '"/ping', '"ping', "'ping",
        "'/ping", "^ping", '"/status"', '"status/"', "^status", "watchman", "dockerflow",
    )),
    ("metrics", (
        "prometheus", "opentelemetry", "statsd", "datadog", "ddtrace", "newrelic", "sentry", "elastic-apm",
        "appsignal", "honeycomb", "grafana", "cloudwatch", "rollbar", "bugsnag", "logfire", "scout-apm",
    )),
    ("backup", (
        "backup", "back up", "pg_dump", "mysqldump", "wal-g", "pgbackrest", "barman", "snapshot",
        "point-in-time", "managed database", "cloud sql", "aurora", "restic", "velero", " rds",
    )),
)  # fmt: skip
_CI = re.compile(
    r"^\.github/workflows/[^/]+\.ya?ml$|^\.gitlab-ci\.yml$|^\.circleci/config\.yml$|^\.travis\.yml$"
    r"|-pipelines\.yml$|(^|/)Jenkinsfile$"
)
_CHECKS = re.compile(
    r"(?i)\b(pytest|py\.test|tox|nox|unittest|manage\.py\s+test|ruff|flake8|pylint|mypy|pyright|pre-commit"
    r"|make\s+[\w-]*(test|check|lint|ci)[\w-]*|(npm|yarn|pnpm)\s+(run\s+)?test|just\s+\w*test|hatch\s+(run|test)"
    r"|uv\s+run\s+\S*test|poe\s+\w*test|task\s+\w*test|invoke\s+\w*test|run-?tests?|bin/test|scripts/test)\b"
)


def is_for_development(path: str) -> bool:
    """Whether the name of a file says that it is not what is deployed."""
    return bool(_DEVELOPMENT.search(path))


def _extract(source: Source) -> tuple[str, ...] | None:
    text = source.text.lower()
    found = [name for name, marks in _MARKS if any(each in text for each in marks)]
    if source.tree is None and _CHECKS.search(source.text):
        found.append("checks")
    return tuple(found) or None


OPERATIONS: Extractor[tuple[str, ...]] = Extractor(
    name="operations",
    version=1,
    record=tuple[str, ...],
    reads=lambda path: bool(_READ.search(path)) and not is_test(path),
    extract=_extract,
    wanted=lambda data: len(data) <= _LARGEST,
)


@dataclass(frozen=True)
class Operations:
    """`marks` are the topics that some file outside of tests speaks of; `checked` whether CI runs checks."""

    marks: frozenset[str]
    checked: bool

    @classmethod
    def gather(cls, project: Project) -> Operations:
        records = project.records(OPERATIONS)
        marks = {mark for each in records.values() for mark in each}
        checked = any("checks" in each for path, each in records.items() if _CI.search(path))
        paths = any("health" in path.lower() and path.endswith(".py") for path in project.paths)
        return cls(frozenset(marks | ({"health"} if paths else set())), checked)
