"""What a review says: findings, and what it could not look at."""

from __future__ import annotations

from dataclasses import dataclass, field

from rules.kit import Confidence, Related, Severity, Span


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Replace what stands in `span` of `path` by `text`."""

    path: str
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class VerifiedFix:
    """Edits of one file, tried out: the result parses and the finding is gone."""

    safe: bool
    edits: tuple[TextEdit, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule says about one place.

    `fingerprint` survives reformatting, moved lines and renamed files; it is unique within
    a file. `scope` names the function or class around it, empty at module level. `column`s
    are 1-based code points. `file_level` findings are about the file, not about a line. Of one that
    `hides_match` no report may quote the source: it is a secret.
    """

    code: str
    name: str
    category: str
    severity: Severity
    confidence: Confidence
    path: str
    span: Span
    message: str
    fingerprint: str
    url: str
    summary: str
    scope: str = ""
    cwe: int | None = None
    rule_version: int = 1
    related: tuple[Related, ...] = ()
    fix: VerifiedFix | None = None
    file_level: bool = False
    hides_match: bool = False


@dataclass(frozen=True, slots=True)
class Skip:
    """A file that was not reviewed, and why, in words for its author."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Crash:
    """A rule that failed on a file; it costs nothing but its own findings there."""

    path: str
    rule: str
    error: str


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that a comment in the code silences."""

    finding: Finding
    reason: str
    line: int


@dataclass(frozen=True, slots=True, order=True)
class Deferred:
    """A rule left to another linter of the project, whose `peer` rule says the same."""

    code: str
    peer: str


@dataclass(frozen=True, slots=True)
class Question:
    """What only a person can answer of a row of the checklist, and what in the change asks for it.

    Line 0 is the file as a whole, an empty path the whole change.
    """

    row: str
    text: str
    path: str
    line: int
    because: str


@dataclass(frozen=True, slots=True)
class Topic:
    """A category of the checklist that a change touches.

    `rows` are the ids of those that rules looked after, by the codes in `rules`.
    """

    category: str
    rows: tuple[str, ...]
    rules: tuple[str, ...]
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True)
class Report:
    """Everything one review found. Sorted by path, line and code. No topics without a change.

    `python` and `frameworks` are what the project was taken to run on; empty where nothing says.
    """

    findings: tuple[Finding, ...]
    skipped: tuple[Skip, ...] = ()
    crashes: tuple[Crash, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    deferred: tuple[Deferred, ...] = ()
    files: int = 0
    rules: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    topics: tuple[Topic, ...] = ()
    python: str = ""
    frameworks: tuple[str, ...] = ()

    @property
    def questions(self) -> tuple[Question, ...]:
        """What only people can answer, in the order of the checklist."""
        return tuple(question for topic in self.topics for question in topic.questions)

    def at_least(self, severity: Severity) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity.rank >= severity.rank)
