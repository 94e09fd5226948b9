"""Patterns of a configuration, some of them written to waste time."""

from __future__ import annotations

import pytest

from rules.engine.config import Config, PerFile, ReviewConfig
from rules.engine.scope import PathFilter

LONG = "a" * 200 + "/" + "a/" * 200 + "views.py"


@pytest.mark.fault(57)
@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "pattern",
    ["*a" * 30 + "b", "*" * 60 + "b", "**/a/" * 30 + "b", "[" * 999, "?" * 999, "(a+)+$", "\\"],
)
def test_no_pattern_costs_more_than_a_moment(pattern: str) -> None:
    config = Config(review=ReviewConfig(exclude=(pattern,) * 10_000), per_file={pattern: PerFile()})

    assert not PathFilter(config).excludes(LONG)


@pytest.mark.fault(57)
@pytest.mark.parametrize("pattern", ["../../**", "/etc/**", "../shop/views.py"])
def test_a_pattern_reaches_nothing_outside_the_repository(pattern: str) -> None:
    config = Config(review=ReviewConfig(exclude=(pattern,)))

    assert not PathFilter(config).excludes("shop/views.py")


def test_ordinary_patterns_hold() -> None:
    patterns = ("**/migrations/*_auto_*.py", "docs/", "/build/**/gen/*.py")
    scope = PathFilter(Config(review=ReviewConfig(exclude=patterns)))

    paths = ("shop/migrations/2_auto_3.py", "docs/conf.py", "build/x/gen/a.py", "a/build/gen/a.py")
    assert [scope.excludes(path) for path in paths] == [True, True, True, False]
