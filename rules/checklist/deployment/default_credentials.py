"""A database or broker in production has a password that everybody knows.

Who reaches its port, from another container or by a mistake in the firewall, is in. Take the
password from a secret, or from the environment of the host.

Bad:
```yaml docker-compose.prod.yml
services:
  db:
    image: postgres:17
    environment:
      POSTGRES_PASSWORD: postgres  # flagged
  queue:
    image: rabbitmq:4
    environment:
      - RABBITMQ_DEFAULT_PASS=guest  # flagged
  web:
    environment:
      DATABASE_URL: postgres://shop:shop@db/shop  # flagged
```
Good:
```yaml docker-compose.prod.yml
services:
  db:
    image: postgres:17
    environment:
      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?}
  queue:
    image: rabbitmq:4
    environment:
      - RABBITMQ_DEFAULT_PASS=${QUEUE_PASSWORD}
  web:
    environment:
      DATABASE_URL: postgres://shop:${POSTGRES_PASSWORD}@db/shop
```
Bad: a manifest.
```yaml k8s/deployment.yaml
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          env:
            - name: POSTGRES_PASSWORD
              value: s3cr3t-of-the-shop  # flagged
```
Good: secrets, files, and compose files for a developer's machine.
```yaml k8s/deployment.yaml
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          env:
            - name: POSTGRES_PASSWORD
              valueFrom:
                secretKeyRef: {name: db, key: password}
            - name: POSTGRES_PASSWORD_FILE
              value: /run/secrets/db
```
```yaml docker-compose.yml
services:
  db:
    image: postgres:17
    environment:
      POSTGRES_PASSWORD: postgres
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.container_commands import is_production
from rules.facts.operations import is_for_development
from rules.kit import DataFile, Flag, Here, Rule, Severity, Value

rule = Rule(
    __name__,
    __doc__,
    code="DEP114",
    severity=Severity.ERROR,
    checklist=("security.database", "deploy.isolation"),
    scope="file",
    cwe=798,
    files=("*.yml", "*.yaml"),
    hides_match=True,
)

_NAME = re.compile(
    r"(?i)^(?=\w*PASS(WORD|WD)?$)(\w+_)?"
    r"(MONGO|ELASTIC|(POSTGRES|PG|MYSQL|MARIADB|DB|DATABASE|SQL|REDIS|RABBITMQ|BROKER|AMQP|CLICKHOUSE|MINIO|MSSQL)(_|PASS(WORD|WD)?$))"
)
_URL = re.compile(
    r"^(postgres(ql)?|mysql|mariadb|amqp|amqps|redis|mongodb)(\+\w+)?://[^:@/\s]*:(?P<word>[^@/\s]+)@"
)
_OPEN = re.compile(r"[$<{]|^\W*$|(?i:change.?me|^x+$|example|your[-_ ])")
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"})


@rule.on(DataFile)
def check(file: DataFile, here: Here) -> Iterator[Flag]:
    if file.kind != "yaml" or is_for_development(file.path):
        return
    for document in file.documents:
        compose = isinstance(document.get("services"), Value) and is_production(file.path)
        kind = document.get("kind")
        if not compose and (kind is None or kind.data not in _WORKLOADS):
            continue
        for name, value in _settings(document):
            word = _password(name, value)
            if word:
                message = (
                    f"`{name}` is written out for production, so everybody who reads this file knows it; "
                    "take it from a secret or from the environment of the host."
                )
                yield Flag(value.line, message, identity=name)


def _settings(document: Value) -> Iterator[tuple[str, Value]]:
    """Names and values of the environment, as compose files and manifests write them."""
    for path, value in document.walk():
        if len(path) >= 2 and path[-2] in ("environment", "env") and isinstance(path[-1], str):
            yield path[-1], value
        elif len(path) >= 2 and path[-2] == "environment" and isinstance(value.data, str):
            name, sign, _ = value.data.partition("=")
            if sign:
                yield name, value
        elif len(path) >= 2 and path[-2] == "env" and isinstance(value.data, dict):
            name_value, given = value.get("name"), value.get("value")
            if name_value is not None and given is not None:
                yield str(name_value.data), given


def _password(name: str, value: Value) -> str:
    text = value.data if isinstance(value.data, str | int) else ""
    text = str(text)
    text = text.partition("=")[2] if text.startswith(f"{name}=") else text
    url = _URL.match(text)
    word = url["word"] if url else text if _NAME.match(name) else ""
    return "" if _OPEN.search(word) else word
