"""Comments that other linters obey, where a repository lets them silence Stet too."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rules.engine.encodings import lines_of
from rules.engine.suppress import means
from rules.kit import Rule, Span

# As ruff and flake8 read it; without codes it silences nothing here.
_COMMENT = re.compile(
    r"#\s{0,9}noqa\s{0,9}:\s{0,9}([A-Za-z]\w{0,19}(?:[,\s]{1,9}[A-Za-z]\w{0,19}){0,50})",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[,\s]+")


class NoqaComments:
    """`# noqa: CODE` on the lines of one file of Python.

    A code is one of Stet, or one of another linter that a rule of Stet names as its peer.
    """

    def __init__(self, text: str, path: str) -> None:
        self._codes: Mapping[int, tuple[str, ...]] = {}
        if path.endswith((".py", ".pyi")) and "noqa" in text.lower():
            found = ((n, _COMMENT.search(line)) for n, line in enumerate(lines_of(text), 1))
            self._codes = {n: tuple(_BETWEEN.split(match[1])) for n, match in found if match}

    def silences(self, rule: Rule, span: Span) -> bool:
        """Whether one of them is about this rule and this place."""
        return any(
            means(code, rule) or any(_is_peer(code, each) for each in rule.peers)
            for line in range(span.line, span.end_line + 1 if self._codes else 0)
            for code in self._codes.get(line, ())
        )


def _is_peer(code: str, peer: str) -> bool:
    return peer.rpartition(":")[2].startswith(code.upper())
