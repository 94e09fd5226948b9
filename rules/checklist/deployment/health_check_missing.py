"""A service is deployed and nobody can ask it whether it is well.

Without a health check a container that hangs stays in service, and a release that does not come
up replaces one that works. Answer a URL such as `/healthz`, and let the platform ask it
(`HEALTHCHECK`, probes).

Bad:
```dockerfile Dockerfile
FROM python:3.12-slim
CMD ["gunicorn", "--workers", "2", "shop.wsgi"]  # flagged
```
Good:
```dockerfile Dockerfile
FROM python:3.12-slim
HEALTHCHECK CMD curl --fail http://localhost:8000/healthz
CMD ["gunicorn", "--workers", "2", "shop.wsgi"]
```
Good: the application has a URL for it.
```dockerfile Dockerfile
FROM python:3.12-slim
CMD ["gunicorn", "--workers", "2", "shop.wsgi"]
```
```python shop/urls.py
from django.urls import path

from shop.views import health

urlpatterns = [path("healthz", health)]
```
Good: workers and jobs.
```dockerfile Dockerfile
FROM python:3.12-slim
CMD ["celery", "-A", "shop", "worker"]
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
    code="DEP109",
    severity=Severity.NOTICE,
    checklist=("deploy.health-checks",),
    scope="project",
    files=FILES,
)

_SERVES = re.compile(
    r"(^|[\s/])(gunicorn|uvicorn|hypercorn|daphne|granian|uwsgi|waitress-serve|fastapi run)(\s|$)"
)


@rule.on(Dockerfile)
def check(docker: Dockerfile, here: Here) -> Iterator[Flag]:
    for each in of_image(docker):
        if not _SERVES.search(f"{each.text} "):
            continue
        operations: Operations = here.project.facts(Operations)
        if "health" in operations.marks or any(
            e.keyword == "HEALTHCHECK" for e in docker.instructions
        ):
            return
        message = (
            "This service is deployed with no health check, and the project answers no URL for one: what "
            "hangs stays in service. Add `/healthz` and let the platform ask it."
        )
        yield Flag(each.line, message, identity="health")
        return
