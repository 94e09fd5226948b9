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
    r"\.(ya?ml|md|rst|txt|toml|sh|cfg|ini|tf|conf|py)$|(^|/)(Dockerfile[^/]*|Procfile|Pipfile|Makefile|Jenkinsfile)$"
)
_MARKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("health", re.compile(
        r"(?i)healthcheck|health_check|livenessProbe|readinessProbe|[\"'/^]_*(health|healthz|livez|readyz|heartbeat|alive)\b"
        r"|[\"'/^]_*(ping|status|ready|live)/?\$?[\"']|django.health.check|watchman|dockerflow"
    )),
    ("metrics", re.compile(
        r"(?i)prometheus|opentelemetry|statsd|datadog|ddtrace|newrelic|new_relic|sentry|elastic.?apm"
        r"|appsignal|honeycomb|grafana|cloudwatch|rollbar|bugsnag|logfire|scout.apm"
    )),
    ("backup", re.compile(
        r"(?i)back.?up|pg_dump|mysqldump|wal-g|pgbackrest|barman|snapshot|point.in.time|managed database"
        r"|\bRDS\b|Cloud ?SQL|Aurora|restic|velero"
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
_WANTED = re.compile(
    rb"(?i)health|livez|readyz|heartbeat|watchman|dockerflow|ping|status|ready|prometheus|telemetry|statsd|datadog|ddtrace|relic"
    rb"|sentry|apm|back.?up|dump|snapshot|test|rds|cloud|lint|check"
)


def is_for_development(path: str) -> bool:
    """Whether the name of a file says that it is not what is deployed."""
    return bool(_DEVELOPMENT.search(path))


def _extract(source: Source) -> tuple[str, ...] | None:
    if len(source.text) > 200_000:
        return None
    found = [name for name, form in _MARKS if form.search(source.text)]
    if source.tree is None and _CHECKS.search(source.text):
        found.append("checks")
    return tuple(found) or None


_PYTHON = frozenset(
    {"urls.py", "main.py", "app.py", "routes.py", "router.py", "views.py", "settings.py", "api.py"}
    | {"base.py", "__init__.py", "health.py", "healthcheck.py", "endpoints.py", "server.py"}
    | {
        "middleware.py",
        "config.py",
        "monitoring.py",
        "common.py",
        "production.py",
        "wsgi.py",
        "asgi.py",
    }
)
OPERATIONS: Extractor[tuple[str, ...]] = Extractor(
    name="operations",
    version=1,
    record=tuple[str, ...],
    reads=lambda path: (
        bool(_READ.search(path))
        and (not path.endswith(".py") or path.rpartition("/")[2] in _PYTHON)
    ),
    extract=_extract,
    wanted=lambda data: bool(_WANTED.search(data)),
)


@dataclass(frozen=True)
class Operations:
    """`marks` are the topics that some file outside of tests speaks of; `checked` whether CI runs checks."""

    marks: frozenset[str]
    checked: bool

    @classmethod
    def gather(cls, project: Project) -> Operations:
        records = project.records(OPERATIONS)
        marks = {mark for path, each in records.items() if not is_test(path) for mark in each}
        checked = any("checks" in each for path, each in records.items() if _CI.search(path))
        paths = any("health" in path.lower() and path.endswith(".py") for path in project.paths)
        return cls(frozenset(marks | ({"health"} if paths else set())), checked)
