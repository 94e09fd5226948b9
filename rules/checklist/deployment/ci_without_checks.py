"""CI builds or deploys and runs no test.

Whatever is merged goes out, broken or not. Run tests and linters, and `makemigrations --check`,
before the step that publishes, and let that step need them.

Bad:
```yaml .github/workflows/deploy.yml
on: push
jobs:
  deploy:  # flagged
    steps:
      - uses: actions/checkout@v4
      - run: docker build -t registry.example.com/shop . && docker push registry.example.com/shop
```
```python manage.py
import django
```
Good:
```yaml .github/workflows/deploy.yml
on: push
jobs:
  test:
    steps:
      - run: pytest
  deploy:
    needs: test
    steps:
      - run: docker push registry.example.com/shop
```
```python manage.py
import django
```
Good: checked in another workflow, or in one that is called.
```yaml .github/workflows/deploy.yml
on: push
jobs:
  deploy:
    steps:
      - run: docker push registry.example.com/shop
```
```yaml .github/workflows/test.yml
on: pull_request
jobs:
  test:
    steps:
      - run: python manage.py test
```
```python manage.py
import django
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.operations import Operations
from rules.kit import DataFile, Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="DEP113",
    severity=Severity.NOTICE,
    checklist=("deploy.ci",),
    scope="file",
    files=(".github/workflows/*.yml", ".github/workflows/*.yaml", ".gitlab-ci.yml"),
)

_DEPLOYS = re.compile(
    r"(?i)docker\s+push|push:\s*true|flyctl\s+deploy|fly\s+deploy|kubectl\s+(apply|set|rollout)|helm\s+upgrade|heroku"
    r"|aws\s+ecs|amazon-ecs-deploy|eb\s+deploy|gcloud\s+(run|app)\s+deploy|deploy-cloudrun|serverless\s+deploy|az\s+webapp"
    r"|railway\s+up|render-deploy|appleboy/ssh-action|ansible-playbook|vercel\s+deploy"
)
_REUSED = re.compile(r"uses:\s*[\w./-]+/\.github/workflows/|workflow_run:|workflow_call:")


@rule.on(DataFile)
def check(file: DataFile, here: Here) -> Iterator[Flag]:
    if file.kind != "yaml" or not _DEPLOYS.search(file.text) or _REUSED.search(file.text):
        return
    if not any(each.endswith(".py") for each in here.project.paths):
        return
    operations: Operations = here.project.facts(Operations)
    if operations.checked:
        return
    jobs = file.get("jobs")
    for value in jobs.items.values() if jobs is not None else ():
        steps = value.get("steps")
        text = str(steps.data) if steps is not None else ""
        if _DEPLOYS.search(text) and value.key is not None:
            message = (
                "This job publishes the application, and nothing in CI runs its tests or linters: whatever "
                "is merged goes out. Run them first, and let this job need them."
            )
            yield Flag(value.key.line, message, identity="no checks")
            return
