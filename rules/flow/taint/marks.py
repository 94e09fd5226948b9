"""What is written on a value that came from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from rules.flow.values import Marks, Value

MAX_STEPS = 10

# What data can do harm to, or has been made safe for.
FAMILIES = frozenset(
    [
        "sql",
        "command",
        "code",
        "path",
        "host",
        "redirect",
        "html",
        "template",
        "ldap",
        "xpath",
        "xml",
        "pickle",
        "trust",
        "header",
        "log",
    ]
)
# Ways of writing data down that are harmless until they are undone.
ENCODED = frozenset({"base64", "hex"})
_QUOTED_FOR = frozenset(
    {"html", "redirect", "host", "header", "log", "command", "sql", "xpath", "ldap"}
)
# Text that begins and ends with a quote and has none inside is a literal.
QUOTED = frozenset({"startswith quote", "endswith quote", "no quote inside"})
# What a test of single characters makes safe: not what the text means as a whole.
OF_CHARACTERS = FAMILIES - {"trust", "redirect", "host"}
RESOLVED = "resolved"  # a path without links and dots, which can be held against a folder


@dataclass(frozen=True, slots=True)
class Step:
    """A place that data passes, in words."""

    path: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where data came in: reading it twice in one function gives the same data."""

    path: str
    line: int  # of the function
    source: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Data from outside. `cleared` are the families that it was made safe for, and the ways it
    is encoded in; `is_sure` is false where it passed something that could not be followed.
    """

    origin: Origin
    cleared: frozenset[str] = frozenset()
    is_sure: bool = True
    source: str = field(default="", compare=False)
    steps: tuple[Step, ...] = field(default=(), compare=False)

    def harms(self, family: str) -> bool:
        """Whether the data is still dangerous there."""
        if family in self.cleared or self.cleared & ENCODED:
            return False
        if family == "code" and self.cleared >= QUOTED:
            return False
        return not ("url" in self.cleared and family in _QUOTED_FOR)

    def at(self, step: Step) -> Mark:
        """The same data one step on."""
        last = self.steps[-1] if self.steps else None
        if last is not None and (last.path, last.line) == (step.path, step.line):
            return self
        if len(self.steps) >= MAX_STEPS:
            return self
        return replace(self, steps=(*self.steps, step))


def changed(marks: Marks, change: Callable[[Mark], Mark | None]) -> Marks:
    """The marks after a change of each; None takes one away."""
    found = (change(each) if isinstance(each, Mark) else each for each in marks)
    return frozenset(each for each in found if each is not None)


def cleared(marks: Marks, families: Iterable[str]) -> Marks:
    """The marks of data that was made safe for these families; for all, there are none left."""
    safe = frozenset(families)
    if safe >= FAMILIES:
        return frozenset()
    return changed(marks, lambda each: replace(each, cleared=each.cleared | safe))


def restored(marks: Marks, encodings: Iterable[str]) -> Marks:
    """The marks of data whose encoding was undone."""
    gone = frozenset(encodings)
    return changed(marks, lambda each: replace(each, cleared=each.cleared - gone))


def doubtful(marks: Marks) -> Marks:
    """The marks of data that passed something unknown."""
    return changed(marks, lambda each: replace(each, is_sure=False))


def without_origins(marks: Marks, checks: dict[Origin, frozenset[str]]) -> Marks:
    """The marks after checks of the data from some origins."""

    def check(mark: Mark) -> Mark | None:
        safe = checks.get(mark.origin)
        if safe is None:
            return mark
        if safe >= FAMILIES:
            return None
        unsure = "unsure" in safe
        return replace(
            mark, cleared=mark.cleared | (safe - {"unsure"}), is_sure=mark.is_sure and not unsure
        )

    return changed(marks, check)


def origins(value: Marks) -> frozenset[Origin]:
    return frozenset(each.origin for each in value if isinstance(each, Mark))


@dataclass(frozen=True, slots=True)
class Checks(Value):
    """What has been checked on all ways that lead here, by where the data came from."""

    facts: frozenset[tuple[Origin, frozenset[str]]] = frozenset()

    def joined(self, other: Value) -> Value | None:
        facts = other.facts if isinstance(other, Checks) else frozenset()
        return Checks(self.facts & facts)


@dataclass(frozen=True, slots=True)
class Pattern(Value):
    """A compiled regular expression."""

    text: str = ""
