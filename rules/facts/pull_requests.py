"""What a change is, beyond its files: whose it is, what it touches, what it says of itself."""

from __future__ import annotations

import re

from rules.kit import Change, FileChange
from rules.kit.paths import is_generated, is_test

_BY_PROGRAM = re.compile(
    r"(?i)^\W*(bump|\[?pre-commit|(build|chore|ci|fix)\(deps|(build|chore)(\([\w-]+\))?: (bump|update|release)"
    r"|update (dependency|translations?|snapshots?|\S+ (to|from) v?\d)|translat|weblate|crowdin"
    r"|new crowdin|merge |revert |release |version |v?\d+\.\d+|lock file|l10n|i18n|automated|sync |update changelog|regenerate|refresh )"
)
_NOT_WRITTEN = re.compile(
    r"(^|/)(node_modules|dist|build|vendor|vendored|third_party|static|locale|locales|fixtures"
    r"|snapshots?|__snapshots__|cassettes|generated|migrations|testdata|test_data|data|docs?)/"
    r"|(\.min\.(js|css)|\.html\.snap|_pb2(_grpc)?\.py|\.pyi)$"
)
_BY_HAND = re.compile(
    r"\.(py|js|jsx|ts|tsx|mjs|vue|svelte|html|jinja2?|j2|css|scss|less|go|rs|java|kt|rb|php|sh|c|h"
    r"|cc|cpp|swift|ex|exs|lua|tf)$|(^|/)(Dockerfile|Makefile)$"
)
_SAYS_NOTHING = re.compile(
    r"^(#.*|[-*] \[ \].*|[-*=_\s]*|\*\*[\w ]{0,40}:?\*\*:?|[\w ]{0,40}:|\w{1,40}( \w{1,40})?"
    r"|(fix(es)?|close[sd]?|resolve[sd]?)\s*(:\s*)?#?|n/?a|none|tbd|todo)$",
    re.IGNORECASE,
)


def is_by_program(change: Change) -> bool:
    """Whether the title is that of a bot, a merge, a release or a translation."""
    return bool(_BY_PROGRAM.match(change.title))


def is_written(file: FileChange) -> bool:
    """Whether people wrote what changed, and it is code: no lock file, data or generated code."""
    aside = _NOT_WRITTEN.search(file.path) or is_generated(file.path)
    return bool(_BY_HAND.search(file.path)) and not aside


def added_lines(change: Change) -> int:
    """Lines to review: of tests each counts as half; what only moved does not count."""
    total = 0.0
    for each in change.files:
        if each.status != "removed" and is_written(each):
            total += len(each.added) * (0.5 if is_test(each.path) else 1)
    return round(total)


def chief(change: Change) -> FileChange | None:
    """The file that most of the change is about: for what is said of the whole of it."""
    held = [each for each in change.files if each.status != "removed" and each.after is not None]
    written = [each for each in held if is_written(each)] or held
    return max(written, key=lambda each: (len(each.added), each.path), default=None)


def words_of(body: str) -> str:
    """What is left of a description without comments, headings, empty boxes and empty lines."""
    lines = _without_comments(body).split("\n")
    return "\n".join(each for each in lines if not _SAYS_NOTHING.match(each.strip())).strip()


def _without_comments(body: str) -> str:
    kept, at = [], 0
    while (start := body.find("<!--", at)) >= 0 and (end := body.find("-->", start + 4)) >= 0:
        kept.append(body[at:start])
        at = end + 3
    return "".join(kept) + body[at:]
