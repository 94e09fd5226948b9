"""Which paths a configuration speaks of."""

from __future__ import annotations

from functools import cached_property

from pathspec import GitIgnoreSpec

from rules.engine import discover
from rules.engine.config import Config
from rules.kit import Rule
from rules.kit.paths import is_generated

_MAX_PATTERNS = 200


class PathFilter:
    """Globs of the configuration, as `.gitignore` reads them, on paths of the repository."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @cached_property
    def _excluded(self) -> GitIgnoreSpec:
        review = self._config.review
        patterns = (*review.exclude, *review.extend_exclude)[:_MAX_PATTERNS]
        return GitIgnoreSpec.from_lines(patterns)

    @cached_property
    def _per_file(self) -> tuple[tuple[GitIgnoreSpec, tuple[str, ...]], ...]:
        table = self._config.per_file
        return tuple((GitIgnoreSpec.from_lines([glob]), row.ignore) for glob, row in table.items())

    def excludes(self, path: str) -> bool:
        """Whether this file is not reviewed at all."""
        return is_generated(path) or self._excluded.match_file(path)

    def ignores(self, path: str, rule: Rule) -> bool:
        """Whether this rule is off for this file."""
        return any(
            spec.match_file(path) and discover.matches(rule, codes)
            for spec, codes in self._per_file
        )
