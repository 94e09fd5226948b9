"""What is deployed runs a server for development.

It serves one request after another, reloads when a file changes, and shows the code to whoever
provokes an error. Run the application with a server for production: gunicorn, uvicorn, uWSGI.

Bad:
```dockerfile Dockerfile
FROM python:3.12-slim
COPY . /app
CMD ["uvicorn", "shop.main:app", "--host", "0.0.0.0", "--reload"]  # flagged
```
Good:
```dockerfile Dockerfile
FROM python:3.12-slim
COPY . /app
CMD ["uvicorn", "shop.main:app", "--host", "0.0.0.0"]
```
Bad: Django's and Flask's.
```text Procfile
web: python manage.py runserver 0.0.0.0:$PORT  # flagged
```
```dockerfile api/Dockerfile
FROM python:3.12-slim
ENTRYPOINT flask run --host=0.0.0.0  # flagged
```
```yaml docker-compose.prod.yml
services:
  web:
    command: fastapi dev shop/main.py  # flagged
```
Good: servers for production, and files for development by their name.
```dockerfile Dockerfile
FROM python:3.12-slim AS dev
CMD ["python", "manage.py", "runserver"]

FROM python:3.12-slim
CMD ["gunicorn", "shop.wsgi"]
```
```dockerfile docker/dev/Dockerfile
FROM python:3.12-slim
CMD ["python", "manage.py", "runserver"]
```
```yaml docker-compose.yml
services:
  web:
    command: python manage.py runserver
```
```text Procfile.dev
web: python manage.py runserver
```
```text Procfile
web: gunicorn shop.wsgi --log-file -
release: python manage.py migrate
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
    code="DEP103",
    severity=Severity.ERROR,
    checklist=("flask.debug", "security.debug-disabled", "deploy.server"),
    scope="file",
    fix="suggestion",
    files=(*FILES, *COMMANDS),
)

_SERVERS = (
    (
        re.compile(r"manage\.py\s+(runserver|runserver_plus)\b|\bdjango-admin\s+runserver\b"),
        "runserver",
    ),
    (re.compile(r"\bflask\b(\s+-\S{1,200}(\s+[^-\s]\S{0,200})?){0,6}\s+run\b"), "flask run"),
    (re.compile(r"\bfastapi\s+dev\b"), "fastapi dev"),
    (re.compile(r"\b(uvicorn|gunicorn|hypercorn|granian|daphne)\b.{0,1000}--reload\b"), "--reload"),
    (re.compile(r"\b(flask|hypercorn)\b.{0,1000}--debug\b"), "--debug"),
)
_RELOAD = re.compile(r"(, *\"--reload\"|\"--reload\", *|(?<!\s)\s+--reload\b)")


@rule.on(Dockerfile)
def check_image(docker: Dockerfile, here: Here) -> Iterator[Flag]:
    for each in of_image(docker):
        yield from _flags(each, docker.lines)


@rule.on(DataFile)
def check_file(file: DataFile, here: Here) -> Iterator[Flag]:
    for each in of_file(file):
        yield from _flags(each, ())


def _flags(command: Command, lines: tuple[str, ...]) -> Iterator[Flag]:
    said = next((name for form, name in _SERVERS if form.search(command.text)), "")
    if said:
        message = (
            f"`{said}` is for development: it serves one at a time, reloads code and shows errors to "
            "everybody. Start a server for production (gunicorn, uvicorn) without it."
        )
        yield Flag(command.line, message, fix=_fix(said, command, lines), identity=said)


def _fix(said: str, command: Command, lines: tuple[str, ...]) -> Fix | None:
    """The same command without the option, where it stands on one line."""
    if said != "--reload" or command.line != command.end_line or not lines:
        return None
    old = lines[command.line - 1]
    new = _RELOAD.sub("", old, count=1)
    return Fix((ReplaceLines(command.line, command.line, (new,)),)) if new != old else None
