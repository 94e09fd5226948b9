"""The service keeps data, and the repository says nothing of backups.

Whether they exist, how old they are and how to get back from one is found out on the day that
they are needed. Say who makes them, and try to go back from one; a managed database counts.

Bad:
```yaml docker-compose.prod.yml
services:
  db:
    image: postgres:17  # flagged
    volumes:
      - data:/var/lib/postgresql/data
volumes:
  data: {}
```
Good:
```yaml docker-compose.prod.yml
services:
  db:
    image: postgres:17
    volumes:
      - data:/var/lib/postgresql/data
volumes:
  data: {}
```
```markdown docs/operations.md
Every night `pg_dump` writes a backup to the bucket; see restore.sh.
```
Good: a compose file for a developer's machine, and what holds nothing.
```yaml docker-compose.yml
services:
  db:
    image: postgres:17
```
```yaml docker-compose.prod.yml
services:
  cache:
    image: memcached:1
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.container_commands import is_production
from rules.facts.operations import Operations
from rules.kit import DataFile, Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="DEP116",
    severity=Severity.NOTICE,
    checklist=("deploy.backup",),
    scope="project",
    default=False,
    files=("*compose*.yml", "*compose*.yaml", "*stack*.yml"),
)

_KEEPS = re.compile(
    r"(^|/)(postgres|postgis|mysql|mariadb|mongo|timescaledb|cockroach)([\w-]*)(:|@|$)"
)


@rule.on(DataFile)
def check(file: DataFile, here: Here) -> Iterator[Flag]:
    if file.kind != "yaml" or not is_production(file.path):
        return
    services = file.get("services")
    for name, value in services.items.items() if services is not None else ():
        image = value.get("image")
        if image is None or not _KEEPS.search(str(image.data)):
            continue
        operations: Operations = here.project.facts(Operations)
        if "backup" not in operations.marks:
            message = (
                f"`{name}` keeps data, and the repository says nothing of backups or of how to go back from "
                "one; write down who makes them, and try it."
            )
            yield Flag(image.line, message, identity="backup")
        return
