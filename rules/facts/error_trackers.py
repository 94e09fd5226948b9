"""Whether the project depends on something that tells its team of errors."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rules.facts.python_modules import Modules
from rules.kit import Extractor, Project, Source

_TRACKERS = re.compile(
    r"(?i)sentry|rollbar|bugsnag|honeybadger|airbrake|raygun|appsignal|logfire|newrelic|ddtrace"
    r"|datadog|elastic.?apm|opentelemetry|scout.?apm|glitchtip|pybrake|exceptionless|loguru-discord"
    r"|applicationinsights|azure-monitor|cloud-error-reporting|google.cloud.(logging|error)|aws.?xray"
    r"|sumologic|telebugs|highlight-io|posthog|betterstack|django-errorlog|error.?tracking"
)
_DEPENDENCIES = re.compile(
    r"(^|/)(requirements[^/]*\.(txt|in)|pyproject\.toml|Pipfile|setup\.(py|cfg)|environment\.ya?ml)$"
    r"|(^|/)requirements/[^/]+\.(txt|in)$"
)
_DEPLOYED = re.compile(
    r"(^|/)(Procfile|fly\.toml|render\.ya?ml|app\.ya?ml|heroku\.yml|zappa_settings\.json"
    r"|gunicorn[^/]*\.py|uwsgi\.ini|serverless\.ya?ml|captain-definition|Chart\.yaml)$"
    r"|(^|/)(Dockerfile|docker-compose)[^/]*prod[^/]*$|(^|/)(k8s|kubernetes|helm|terraform|deploy)/"
)


def _extract(source: Source) -> bool | None:
    return bool(_TRACKERS.search(source.text))


DEPENDENCIES: Extractor[bool] = Extractor(
    name="error_trackers",
    version=1,
    record=bool,
    reads=lambda path: bool(_DEPENDENCIES.search(path)),
    extract=_extract,
)


@dataclass(frozen=True)
class ErrorTrackers:
    """`present` if a dependency or an import tracks errors, or if no dependencies are known.

    `deployment` is a file by which the project is put into production, or nothing.
    """

    present: bool
    deployment: str

    @classmethod
    def gather(cls, project: Project) -> ErrorTrackers:
        declared = project.records(DEPENDENCIES)
        modules: Modules = project.facts(Modules)
        imported = any(
            _TRACKERS.search(target)
            for record in modules.by_path.values()
            for target in record.imports.values()
        )
        deployed = sorted(path for path in project.paths if _DEPLOYED.search(path))
        present = imported or not declared or any(declared.values())
        return cls(present, deployed[0] if deployed else "")
