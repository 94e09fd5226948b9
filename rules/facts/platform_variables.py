"""Environment variables that the system or the platform sets, and nobody configures."""

from __future__ import annotations

import re

_PLATFORM = re.compile(
    r"^(PATH|HOME|USER(NAME)?|LOGNAME|SHELL|LANG|LC_\w+|TZ|TERM|COLUMNS|LINES|PWD|EDITOR|PAGER|DISPLAY|TMP"
    r"|TEMP|TMPDIR|HOSTNAME|COMPUTERNAME|APPDATA|LOCALAPPDATA|USERPROFILE|VIRTUAL_ENV|PORT|CI|NO_COLOR"
    r"|FORCE_COLOR|DYNO|WERKZEUG_RUN_MAIN|RUN_MAIN|DJANGO_SETTINGS_MODULE|FLASK_(APP|ENV|DEBUG)|SERVER_SOFTWARE"
    r"|PYTEST\w*|PYTHON\w*|XDG_\w+|GITHUB_\w+|GITLAB_CI|TRAVIS\w*|CIRCLE\w*|KUBERNETES_\w+|POD_\w+|NODE_NAME"
    r"|HEROKU_\w+|RENDER_\w+|FLY_\w+|K_SERVICE|AWS_LAMBDA_\w+|AWS_(DEFAULT_)?REGION|AWS_EXECUTION_ENV|ECS_\w+"
    r"|GAE_\w+|GOOGLE_APPLICATION_CREDENTIALS|GOOGLE_CLOUD_PROJECT|WEBSITE_\w+|VERCEL\w*|GUNICORN_\w+|UWSGI_\w+"
    r"|(HTTPS?|NO|ALL|https?|no|all)_(PROXY|proxy)|REQUESTS_CA_BUNDLE|SSL_CERT_\w+|CUDA_\w+|OMP_\w+"
    r"|PROMETHEUS_MULTIPROC_DIR|prometheus_multiproc_dir|IN_DOCKER|TESTING|TEST\w*|GIT_\w+|SOURCE_VERSION"
    r"|BUILD_\w+|COMMIT\w*|SSH_\w+|OTEL_\w+|OBJC_\w+|SYSTEMROOT|NLS_LANG|ORACLE_HOME|COVERAGE\w*|READTHEDOCS\w*)$"
)


def is_of_platform(variable: str) -> bool:
    """Whether the system, a shell, a test runner or a platform gives this variable."""
    return bool(_PLATFORM.match(variable))
