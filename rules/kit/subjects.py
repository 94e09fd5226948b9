"""What a rule can be about, besides the nodes of a tree."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import libcst as cst

if TYPE_CHECKING:
    from rules.kit.here import Here
    from rules.kit.project import Project

_NEWLINE = re.compile(r"\r\n?|\n")
Status = Literal["added", "modified", "removed", "renamed"]


@dataclass(frozen=True)
class PythonFile:
    """A parsed Python file."""

    path: str
    source: bytes
    module: cst.Module


@dataclass(frozen=True)
class TextFile:
    """Any file that is text. A rule on text files names its paths in `files=`."""

    path: str
    text: str

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines without their ends; line 1 is the first of them."""
        return tuple(_NEWLINE.split(self.text))


class ReadSubject(ABC):
    """A subject that is a file read in its own language, once for all rules that wait for it."""

    @classmethod
    @abstractmethod
    def read_from(cls, file: TextFile) -> Self | None:
        """The file as it is understood; None for one of another kind, or broken."""


class DerivedSubject(ABC):
    """A subject that is found in a Python file, once for all rules that wait for it.

    A file is searched only if `lives_in` its path and it holds one of `words`, where there
    are any. One that `is_followed` through the code of the project takes long to find.
    """

    words: ClassVar[frozenset[str]] = frozenset()
    is_followed: ClassVar[bool] = False

    @classmethod
    def lives_in(cls, path: str) -> bool:
        """Whether a file at this path may hold such subjects at all."""
        return bool(path)

    @classmethod
    @abstractmethod
    def found_in(cls, module: cst.Module, here: Here) -> Iterator[Self]:
        """Every such subject of a file, in the order of the source."""


@dataclass(frozen=True)
class CommittedFile:
    """A file of the tree, whatever it holds. `size` in bytes, `head` its first kilobyte."""

    path: str
    size: int
    head: bytes
    executable: bool = False


@dataclass(frozen=True)
class SilencingComment:
    """A comment such as `# stet: ignore[SEC124] reason (until=2027-03-01)`.

    `text` is the line it stands on. `meant` are the codes of rules that its codes mean,
    `unknown` the codes that mean none, `in_question` whether all rules meant were run, `used`
    whether it silenced anything. `until` is None without a date; a date that does not exist is
    long past.
    """

    line: int
    text: str
    start: int
    kind: Literal["ignore", "ignore-next", "ignore-file"]
    codes: tuple[str, ...]
    reason: str
    until: date | None
    today: date
    unknown: tuple[str, ...]
    in_question: bool
    used: bool


@dataclass(frozen=True)
class FileChange:
    """One file of a change. A side that does not exist, or was not read, is None."""

    path: str
    status: Status
    before_path: str | None = None
    before: bytes | None = None
    after: bytes | None = None
    added: frozenset[int] = frozenset()
    removed: frozenset[int] = frozenset()

    @property
    def old_path(self) -> str:
        return self.before_path or self.path


@dataclass(frozen=True)
class Advisory:
    """What is known of a package: `affected` as `>= 2.3, < 2.31`, `patched` empty without a cure.

    `package` is its normalised name, `severity` one of LOW, MODERATE, HIGH and CRITICAL.
    """

    package: str
    id: str
    severity: str
    affected: str
    patched: str
    summary: str


@dataclass(frozen=True)
class Commit:
    """One commit of a change: its message, what it touches, and how many commits it follows."""

    message: str
    paths: tuple[str, ...] = ()
    parents: int = 1

    @property
    def subject(self) -> str:
        return self.message.partition("\n")[0].strip()


@dataclass(frozen=True)
class Change:
    """The pull request as a whole: its files, and the project before and after.

    `advisories` are those on the packages whose versions it names; none where nobody asked.
    `commits` are those that the merge will keep, the oldest first; none where nobody knows.
    """

    files: tuple[FileChange, ...]
    before: Project
    after: Project
    trees: Mapping[str, tuple[cst.Module | None, cst.Module | None]]
    title: str = ""
    body: str = ""
    advisories: tuple[Advisory, ...] = ()
    commits: tuple[Commit, ...] = ()

    def touched(self, path: str) -> bool:
        """Whether the change adds, edits, renames or removes this path."""
        return any(path in (each.path, each.before_path) for each in self.files)
