"""A service is deployed and nothing measures it.

That it is slow, or fails for one customer in ten, is then heard from the customers. Count
requests, errors and their time, and let somebody be told (Prometheus, OpenTelemetry, Sentry).

Bad:
```dockerfile Dockerfile
FROM python:3.12-slim
CMD ["gunicorn", "--workers", "2", "shop.wsgi"]  # flagged
```
```text requirements.txt
django==5.2.3
```
Good:
```dockerfile Dockerfile
FROM python:3.12-slim
CMD ["gunicorn", "--workers", "2", "shop.wsgi"]
```
```text requirements.txt
django==5.2.3
sentry-sdk==2.19
```
Good: the platform measures, and the documents say so.
```dockerfile Dockerfile
FROM python:3.12-slim
CMD ["gunicorn", "--workers", "2", "shop.wsgi"]
```
```markdown docs/operations.md
Metrics and alerts: see the dashboards in Grafana.
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.container_commands import of_image
from rules.facts.operations import Operations
from rules.kit import Dockerfile, Flag, Here, Rule, Severity
from rules.kit.dockerfile import FILES

rule = Rule(
    __name__,
    __doc__,
    code="DEP115",
    severity=Severity.NOTICE,
    checklist=("logging.performance", "deploy.monitoring", "cleanup.disk-space"),
    scope="project",
    default=False,
    files=FILES,
)

_SERVES = re.compile(
    r"(^|[\s/])(gunicorn|uvicorn|hypercorn|daphne|granian|uwsgi|celery|fastapi run)(\s|$)"
)


@rule.on(Dockerfile)
def check(docker: Dockerfile, here: Here) -> Iterator[Flag]:
    for each in of_image(docker):
        operations: Operations = here.project.facts(Operations)
        if _SERVES.search(f"{each.text} ") and "metrics" not in operations.marks:
            message = (
                "This service is deployed, and nothing in the project measures it or tells anybody that it "
                "fails; add metrics and error reports, or say in the documents who watches it."
            )
            yield Flag(each.line, message, identity="monitoring")
            return
