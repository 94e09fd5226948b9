"""What a rule declares and what it yields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, TypeVar

import libcst as cst

from rules.kit.edits import Fix
from rules.kit.here import Here
from rules.kit.spans import Span

S = TypeVar("S")
Handler = Callable[[S, Here], Iterator["Flag"]]
Scope = Literal["diff", "file", "project", "pr"]
Profile = Literal["quiet", "default", "strict"]
PROFILES: tuple[Profile, ...] = ("quiet", "default", "strict")
FixKind = Literal["none", "suggestion", "safe"]


class Severity(Enum):
    """How much a finding weighs. `rank` orders them, the heaviest last."""

    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        return ("notice", "warning", "error").index(self.value)


class Confidence(Enum):
    """`PROVEN` may comment and fail a check; `HOTSPOT` goes to the summary when asked for."""

    PROVEN = "proven"
    HOTSPOT = "hotspot"


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that explains a finding: a model, a loop, the step of a path."""

    path: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Flag:
    """One place that a rule objects to.

    `where` is a node of the file at hand, a `Span`, or the number of a line. Rules on a
    `Change` name the file in `path`. `identity` replaces the source of the match in the
    fingerprint, for findings whose source says nothing (a missing test, a file). `peers`
    replaces the rule's, where rules of other linters each see only a part of what it sees.
    """

    where: cst.CSTNode | Span | int
    message: str
    fix: Fix | None = None
    path: str | None = None
    severity: Severity | None = None
    confidence: Confidence | None = None
    related: tuple[Related, ...] = ()
    identity: str | None = None
    peers: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """A handler with the subject that it waits for.

    `calls` narrows `cst.Call` to calls whose last name is one of these; `words` are
    identifiers of which the file must hold one for the handler to be of interest.
    """

    subject: type
    handler: Handler[Any]
    calls: frozenset[str]
    words: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One row of the catalogue. The module's name is the rule's name, its docstring the page.

    `peers` are rules of other linters about the same thing, such as `ruff:E722`; where one of
    them is on, ours stays silent, unless `defers` is false because ours sees more. With `hides_match` no report quotes the line.
    `quiet` says whether even the quiet profile has it: where nothing is said, if it is an error.
    docs/precision.csv must bear that out, as it must bear out `default`.
    `frameworks` are those that it is about, none where it is about any code: a configuration that
    names its frameworks turns the others' rules off.
    `yields_to` names rules beside whose finding on the same lines, or on the file, ours is one
    too many.
    """

    module: str
    doc: str | None
    code: str
    severity: Severity
    checklist: tuple[str, ...]
    scope: Scope = "diff"
    fix: FixKind = "none"
    cwe: int | None = None
    default: bool = True
    quiet: bool | None = None
    confidence: Confidence = Confidence.PROVEN
    peers: tuple[str, ...] = ()
    defers: bool = True
    hides_match: bool = False
    yields_to: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    options: Any = None
    version: int = 1
    listeners: list[Listener] = field(default_factory=list)

    def on(
        self,
        subject: type[S],
        *,
        calls: tuple[str, ...] = (),
        words: tuple[str, ...] = (),
    ) -> Callable[[Handler[S]], Handler[S]]:
        """Register the decorated generator for each `subject` that a review meets."""

        def register(handler: Handler[S]) -> Handler[S]:
            wanted = frozenset(words) or frozenset(calls)
            self.listeners.append(Listener(subject, handler, frozenset(calls), wanted))
            return handler

        return register

    @property
    def name(self) -> str:
        return self.module.rpartition(".")[2].replace("_", "-")

    @property
    def category(self) -> str:
        return self.module.split(".")[-2]

    @property
    def profile(self) -> Profile:
        """The quietest profile that has the rule; the louder ones have it too."""
        if not self.default:
            return "strict"
        hushed = self.quiet is False or self.confidence is Confidence.HOTSPOT
        loud = self.quiet or (self.quiet is None and self.severity is Severity.ERROR)
        return "quiet" if loud and not hushed else "default"

    @property
    def summary(self) -> str:
        """The first line of the page."""
        return (self.doc or "").strip().partition("\n")[0]
