"""Which paths a configuration speaks of."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from pathspec import GitIgnoreSpec

from rules.engine import discover
from rules.engine.config import Config
from rules.kit import Rule
from rules.kit.paths import is_generated

_MAX_PATTERNS = 200
_MAX_STARS = 3
"""In one part of a path, and of `**` in a pattern: matching takes time to their power."""


class PathFilter:
    """Globs of the configuration, as `.gitignore` reads them, on paths of the repository."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @cached_property
    def _excluded(self) -> GitIgnoreSpec:
        review = self._config.review
        patterns = (*review.exclude, *review.extend_exclude)[:_MAX_PATTERNS]
        return _spec(patterns)

    @cached_property
    def _per_file(self) -> tuple[tuple[GitIgnoreSpec, tuple[str, ...]], ...]:
        table = self._config.per_file
        rows = list(table.items())[:_MAX_PATTERNS]
        return tuple((_spec([glob]), row.ignore) for glob, row in rows)

    def excludes(self, path: str) -> bool:
        """Whether this file is not reviewed at all."""
        return is_generated(path) or self._excluded.match_file(path)

    def ignores(self, path: str, rule: Rule) -> bool:
        """Whether this rule is off for this file."""
        return any(
            spec.match_file(path) and discover.matches(rule, codes)
            for spec, codes in self._per_file
        )


def _spec(patterns: Iterable[str]) -> GitIgnoreSpec:
    """Patterns that make no sense, or would take too long, match nothing."""
    return GitIgnoreSpec.from_lines([each for each in patterns if _is_usable(each)])


def _is_usable(pattern: str) -> bool:
    parts = pattern.split("/")
    names = [part for part in parts if part != "**"]
    if len(parts) - len(names) > _MAX_STARS or len(pattern) > 1000:
        return False
    if any(name.count("*") > _MAX_STARS for name in names):
        return False
    try:
        GitIgnoreSpec.from_lines([pattern])
    except ValueError:
        return False
    return True
