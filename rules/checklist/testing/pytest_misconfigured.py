"""The settings of pytest let mistakes pass.

Without `--strict-markers` a misspelt `@pytest.mark.slwo` is accepted and the test runs where it
should not; without `testpaths` pytest searches the whole tree, virtual environments and node
modules too. A mark that nobody registered is a warning in every run.

Bad:
```toml pyproject.toml
[tool.pytest.ini_options]  # flagged
addopts = "-q"
```
Good:
```toml pyproject.toml
[tool.pytest.ini_options]
testpaths = ["tests"]
addopts = "-q --strict-markers"
```
Bad: marks that are not registered.
```ini pytest.ini
[pytest]
testpaths = tests
addopts = --strict-markers
markers =
    slow: takes more than a second
```
```python tests/test_orders.py
import pytest


@pytest.mark.slow
def test_total():
    assert 1 == 1


@pytest.mark.netwrok  # flagged
def test_rates():
    assert 1 == 1
```
Good: marks of pytest and of its plugins, and settings that live in another tool's file.
```ini setup.cfg
[metadata]
name = shop

[tool:pytest]
testpaths = tests
strict_markers = true
markers = slow: takes more than a second
```
```python tests/test_orders.py
import pytest


@pytest.mark.django_db
@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.slow
def test_total(n):
    assert n
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.pytest_setup import PYTEST, PytestSetup
from rules.facts.tests import TESTS
from rules.kit import Flag, Here, Rule, Severity, TextFile, dotted

rule = Rule(
    __name__,
    __doc__,
    code="TST114",
    severity=Severity.NOTICE,
    checklist=("tests.pytest-config",),
    scope="file",
    files=(
        "pyproject.toml",
        "*/pyproject.toml",
        "pytest.ini",
        "*/pytest.ini",
        "tox.ini",
        "setup.cfg",
    ),
)

_HEAD = re.compile(r"^\s*\[(tool\.pytest(\.ini_options)?|tool:pytest|pytest)\]")
_KNOWN = frozenset(
    {"parametrize", "skip", "skipif", "xfail", "usefixtures", "filterwarnings", "tryfirst", "trylast"}
    | {"django_db", "urls", "ignore_template_errors", "asyncio", "anyio", "trio", "vcr", "flaky"}
    | {"timeout", "benchmark", "freeze_time", "xdist_group", "order", "run", "dependency", "celery"}
    | {"httpx_mock", "respx", "block_network", "default_cassette", "allow_hosts", "enable_socket"}
    | {"disable_socket", "mpl_image_compare", "repeat", "no_cover", "gevent", "twisted", "bdd"}
    | {"hypothesis", "allure", "tags", "base_url", "nondestructive", "browser_context_args", "only_browser"}
    | {"skip_browser", "shared", "datafiles", "postgresql", "docker", "syrupy", "time_machine"}
    | {"parametrize_with_cases", "forked"}
)  # fmt: skip


@rule.on(TextFile)
def check_settings(file: TextFile, here: Here) -> Iterator[Flag]:
    record = here.project.records(PYTEST).get(file.path)
    if record is None or not record.has_section:
        return
    lacks = [] if record.testpaths else ["`testpaths`"]
    lacks += [] if record.strict else ["`--strict-markers`"]
    if not lacks:
        return
    for number, line in enumerate(file.lines, start=1):
        if _HEAD.match(line):
            message = (
                f"The settings of pytest name neither {' nor '.join(lacks)}: misspelt marks pass, and "
                "the whole tree is searched for tests."
                if len(lacks) > 1
                else f"The settings of pytest do not name {lacks[0]}: "
                + (
                    "the whole tree is searched for tests."
                    if not record.testpaths
                    else "misspelt marks pass."
                )
            )
            yield Flag(number, message, identity="pytest settings")
            return


@rule.on(cst.Decorator, words=("mark",))
def check_mark(node: cst.Decorator, here: Here) -> Iterator[Flag]:
    inner = node.decorator.func if isinstance(node.decorator, cst.Call) else node.decorator
    name = dotted(inner)
    if not name.startswith("pytest.mark.") or name.count(".") != 2:
        return
    mark = name.rpartition(".")[2]
    setup: PytestSetup = here.project.facts(PytestSetup)
    settings = setup.over(here.path)
    if settings is None or mark in _KNOWN or not settings.strict:
        return
    if mark in settings.markers or any(mark in each.markers for each in setup.sections.values()):
        return
    if _registers(here):
        return
    message = (
        f"The mark `{mark}` is registered nowhere; with strict markers pytest refuses it. Add it to "
        "`markers`, or mend its name."
    )
    yield Flag(node, message)


def _registers(here: Here) -> bool:
    """Whether some conftest may register marks in code."""
    return any(
        " addinivalue_line " in record.words
        for path, record in here.project.records(TESTS).items()
        if path.endswith("conftest.py") or "plugin" in path
    )
