"""The tests run in CI, and nobody measures what they cover.

Which lines no test ever runs is then found out in production. Measure it where the tests run
(`pytest --cov=shop --cov-branch`), and let the report say what a change leaves uncovered.

Bad:
```yaml .github/workflows/test.yml
jobs:
  test:
    steps:
      - run: pip install -r requirements.txt
      - run: pytest  # flagged
```
```python tests/test_orders.py
def test_total():
    assert 1 + 1 == 2
```
Good:
```yaml .github/workflows/test.yml
jobs:
  test:
    steps:
      - run: pip install -r requirements.txt
      - run: pytest --cov=shop --cov-branch
```
```python tests/test_orders.py
def test_total():
    assert 1 + 1 == 2
```
Good: measured by the settings, or elsewhere in CI.
```yaml .github/workflows/test.yml
jobs:
  test:
    steps:
      - run: make test
      - run: python manage.py test
```
```make Makefile
test:
        coverage run -m pytest
```
```python tests/test_orders.py
def test_total():
    assert 1 + 1 == 2
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.pytest_setup import PytestSetup
from rules.facts.tests import Suite
from rules.kit import Flag, Here, Rule, Severity, TextFile

_FILES = (
    ".github/workflows/*.yml",
    ".github/workflows/*.yaml",
    ".gitlab-ci.yml",
    ".circleci/config.yml",
    ".travis.yml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
)
rule = Rule(
    __name__,
    __doc__,
    code="TST115",
    severity=Severity.NOTICE,
    checklist=("tests.coverage",),
    scope="project",
    files=_FILES,
)

_RUNS = re.compile(r"(?i)\b(pytest|py\.test|manage\.py\s+test|python3?\s+-m\s+unittest)\b(?!-)")


@rule.on(TextFile)
def check(file: TextFile, here: Here) -> Iterator[Flag]:
    line = next((n for n, text in enumerate(file.lines, start=1) if _is_run(text)), 0)
    if not line:
        return
    setup: PytestSetup = here.project.facts(PytestSetup)
    suite: Suite = here.project.facts(Suite)
    if setup.measures or not suite.by_path:
        return
    message = (
        "The tests run here, and nothing in the project measures what they cover; add `--cov` and a "
        "report, so that a change shows which of its lines no test runs."
    )
    yield Flag(line, message, identity="coverage")


def _is_run(line: str) -> bool:
    text = line.strip().lstrip("- ")
    return bool(_RUNS.search(text)) and not text.startswith("#") and "install" not in text
