"""Which paths a configuration speaks of."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from pathspec import GitIgnoreSpec

from rules.engine import discover
from rules.engine.config import Config
from rules.engine.patterns import MOST_PATTERNS, usable
from rules.kit import Rule
from rules.kit.paths import is_generated


class PathFilter:
    """Globs of the configuration, as `.gitignore` reads them, on paths of the repository."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @cached_property
    def _excluded(self) -> GitIgnoreSpec:
        review = self._config.review
        patterns = (*review.exclude, *review.extend_exclude)[:MOST_PATTERNS]
        return _spec(patterns)

    @cached_property
    def _per_file(self) -> tuple[tuple[GitIgnoreSpec, tuple[str, ...]], ...]:
        table = self._config.per_file
        rows = list(table.items())[:MOST_PATTERNS]
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
    return GitIgnoreSpec.from_lines(usable(patterns))
