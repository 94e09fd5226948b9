"""The server runs with settings that it should not have in production.

Without a number of workers gunicorn answers one request at a time; a sync worker cannot serve
an ASGI application at all; and who trusts `X-Forwarded-For` from everywhere lets every client
choose the address that it is logged and limited by.

Bad:
```dockerfile Dockerfile
FROM python:3.12-slim
CMD ["gunicorn", "shop.wsgi"]  # flagged
```
Good:
```dockerfile Dockerfile
FROM python:3.12-slim
CMD ["gunicorn", "--workers", "2", "shop.wsgi"]
```
Bad: an ASGI application, and headers trusted from everywhere.
```text Procfile
web: gunicorn --workers 2 shop.asgi:application  # flagged
```
```dockerfile api/Dockerfile
FROM python:3.12-slim
CMD uvicorn shop.main:app --host 0.0.0.0 --forwarded-allow-ips '*'  # flagged
```
Good: settings in a file or in the environment, a worker for ASGI, and a proxy that is named.
```text Procfile
web: gunicorn -c gunicorn.conf.py shop.wsgi
api: gunicorn -w 4 -k uvicorn.workers.UvicornWorker shop.asgi:application
```
```dockerfile Dockerfile
FROM python:3.12-slim
ENV WEB_CONCURRENCY=4
CMD ["gunicorn", "shop.wsgi"]
```
```dockerfile api/Dockerfile
FROM python:3.12-slim
CMD uvicorn shop.main:app --host 0.0.0.0 --forwarded-allow-ips 10.0.0.1
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.container_commands import FILES as COMMANDS
from rules.facts.container_commands import Command, of_file, of_image
from rules.kit import DataFile, Dockerfile, Fix, Flag, Here, ReplaceLines, Rule, Severity
from rules.kit.dockerfile import FILES

rule = Rule(
    __name__,
    __doc__,
    code="DEP111",
    severity=Severity.WARNING,
    checklist=("deploy.server", "deploy.proxy"),
    scope="file",
    fix="suggestion",
    files=(*FILES, *COMMANDS),
)

_GUNICORN = re.compile(r"(^|[\s/])gunicorn\s")
_WORKERS = re.compile(
    r"\s(-w|--workers|-c|--config|--worker-class|-k|--threads)\b|WEB_CONCURRENCY|GUNICORN_CMD_ARGS|\$"
)
_CLASS = re.compile(r"\s(-k|--worker-class|-c|--config)\b|GUNICORN_CMD_ARGS|UvicornWorker")
_ASGI = re.compile(r"\basgi(:\w+)?(\s|$)")
_EVERYWHERE = re.compile(r"--forwarded-allow-ips[=\s]+[\"']?\*")
_ENVIRONMENT = frozenset({"WEB_CONCURRENCY", "GUNICORN_CMD_ARGS"})


@rule.on(Dockerfile)
def check_image(docker: Dockerfile, here: Here) -> Iterator[Flag]:
    known = set(docker.stages[-1].known) if docker.stages else set()
    for each in of_image(docker):
        yield from _flags(
            each, docker.lines, configured=bool(known & _ENVIRONMENT) or _has_file(here)
        )


@rule.on(DataFile)
def check_file(file: DataFile, here: Here) -> Iterator[Flag]:
    for each in of_file(file):
        # A platform that reads a Procfile says how many workers there are.
        yield from _flags(each, (), configured=file.kind == "procfile" or _has_file(here))


def _has_file(here: Here) -> bool:
    """Whether gunicorn finds settings of its own."""
    return any(each.endswith("gunicorn.conf.py") for each in here.project.paths)


def _flags(command: Command, lines: tuple[str, ...], *, configured: bool) -> Iterator[Flag]:
    text = f"{command.text} "
    if _EVERYWHERE.search(text):
        message = (
            "`--forwarded-allow-ips *` believes the forwarded address of every client: logs, limits and "
            "access lists go by what they say. Name the proxy."
        )
        yield Flag(command.line, message, identity="forwarded")
    if not _GUNICORN.search(text):
        return
    if _ASGI.search(text) and not _CLASS.search(text) and not _has_settings(configured, lines):
        message = (
            "gunicorn serves this ASGI application with a sync worker, which cannot; say "
            "`-k uvicorn.workers.UvicornWorker`, or start uvicorn."
        )
        yield Flag(command.line, message, identity="worker class")
    elif not configured and not _WORKERS.search(text):
        message = (
            "gunicorn starts with one worker that answers one request at a time; say how many it may "
            "have (`--workers`), or put its settings into `gunicorn.conf.py`."
        )
        yield Flag(command.line, message, fix=_fix(command, lines), identity="workers")


def _has_settings(configured: bool, lines: tuple[str, ...]) -> bool:  # noqa: FBT001
    return configured and bool(lines)


def _fix(command: Command, lines: tuple[str, ...]) -> Fix | None:
    if command.line != command.end_line or not lines:
        return None
    old = lines[command.line - 1]
    new = old.replace('"gunicorn",', '"gunicorn", "--workers", "2",', 1)
    new = new if new != old else re.sub(r"\bgunicorn ", "gunicorn --workers 2 ", old, count=1)
    return Fix((ReplaceLines(command.line, command.line, (new,)),)) if new != old else None
