"""A Dockerfile, read as BuildKit reads it: instructions with their lines, and stages.

Nothing is run and nothing is looked up: `${NAME}` is filled in from `ARG` defaults and `ENV`
where the file itself tells, and is left as it stands where it does not.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from rules.kit.subjects import ReadSubject, TextFile

FILES = ("Dockerfile*", "*.Dockerfile", "*.dockerfile", "Containerfile*")
# Templates and notes that are named like one.
_NO_DOCKERFILE = (
    ".md",
    ".txt",
    ".j2",
    ".jinja",
    ".jinja2",
    ".tmpl",
    ".tpl",
    ".erb",
    ".in",
    ".dockerignore",
)
_NEWLINE = re.compile(r"\r\n?|\n")
_DIRECTIVE = re.compile(r"^#\s*(?P<key>[A-Za-z]+)\s*=\s*(?P<value>.+?)\s*$")
_INSTRUCTION = re.compile(r"^\s*(?P<keyword>[A-Za-z]+)(?:\s+(?P<value>.*))?$", re.DOTALL)
_HEREDOC = re.compile(r"(?<!<)\d?<<(?P<tab>-?)(?P<quote>[\"']?)(?P<word>[A-Za-z_][\w.]*)(?P=quote)")
_HEREDOC_READERS = frozenset({"RUN", "COPY", "ADD"})
_FLAG = re.compile(r"^--(?P<name>[a-z][a-z-]*)(?:=(?P<value>\S*))?\s*")
_VARIABLE = re.compile(
    r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<how>:?[-+])(?P<word>[^{}]*))?\})"
)
_PAIR = re.compile(r"(?<!\w)(?P<name>[A-Za-z_]\w*)=(?P<value>\"(?:[^\"\\]|\\.)*\"|'[^']*'|\S*)")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction. `value` has its continued lines joined, flags taken off; lines 1-based."""

    keyword: str
    value: str
    line: int
    end_line: int
    flags: Mapping[str, str] = field(default_factory=dict)
    heredocs: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The arguments, of the exec form (a JSON array) as well as of the shell form."""
        text = self.value.strip()
        if text.startswith("["):
            try:
                given = json.loads(text)
            except (ValueError, RecursionError):
                given = None
            if isinstance(given, list):
                return tuple(str(each) for each in given)
        try:
            return tuple(shlex.split(text))
        except ValueError:
            return tuple(text.split())


@dataclass(frozen=True, slots=True)
class Stage:
    """One `FROM` and what follows it. `base` is the image or stage that it starts from.

    `known` holds the variables with the values they have at the end of the stage.
    """

    name: str
    base: str
    instructions: tuple[Instruction, ...]
    known: Mapping[str, str]

    @property
    def line(self) -> int:
        return self.instructions[0].line

    def of(self, *keywords: str) -> tuple[Instruction, ...]:
        """The instructions with these keywords, in order."""
        return tuple(each for each in self.instructions if each.keyword in keywords)

    def filled(self, text: str) -> str:
        """The text with the variables that this stage knows filled in."""
        return fill(text, self.known)


@dataclass(frozen=True, slots=True)
class Dockerfile(ReadSubject):
    """A whole file. A rule on Dockerfiles names their paths in `files=`.

    As a subject it has at least one stage.
    """

    instructions: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    path: str = ""
    lines: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a file. Lines that are no instruction are passed over; nothing is raised."""
        return cls._of("", tuple(_NEWLINE.split(text)))

    @classmethod
    def read_from(cls, file: TextFile) -> Self | None:
        if file.path.lower().endswith(_NO_DOCKERFILE):
            return None
        found = cls._of(file.path, file.lines)
        return found if found.stages else None

    @classmethod
    def _of(cls, path: str, lines: tuple[str, ...]) -> Self:
        every = tuple(_instructions(lines))
        return cls(every, tuple(_stages(every)), path, lines)

    def parent(self, stage: Stage) -> Stage | None:
        """The earlier stage that a stage starts from, if it does not start from an image."""
        found = None
        for each in self.stages:
            if each is stage:
                return found
            if each.name and each.name == stage.base.lower():
                found = each
        return found

    def chain(self, stage: Stage) -> tuple[Stage, ...]:
        """The stage, the stage it starts from, and so on down to the one with an image."""
        found = [stage]
        while (above := self.parent(found[-1])) is not None:
            found.append(above)
        return tuple(found)


def fill(text: str, known: Mapping[str, str]) -> str:
    """The text with the known variables in place; the unknown ones stay as they are."""

    def value(match: re.Match[str]) -> str:
        name, how, word = match["plain"] or match["name"], match["how"], match["word"] or ""
        given = known.get(name)
        if how in (":+", "+"):
            return word if given else ""
        if given is None or (how == ":-" and not given):
            return word if how else match[0]
        return given

    return _VARIABLE.sub(value, text)


def _instructions(lines: Sequence[str]) -> Iterator[Instruction]:
    escape, at = _escape(lines), 0
    while at < len(lines):
        first = at
        if not lines[at].strip() or _is_comment(lines[at]):
            at += 1
            continue
        parts: list[str] = []
        while at < len(lines):
            line = lines[at]
            at += 1
            if parts and (_is_comment(line) or not line.strip()):
                continue  # both may stand between continued lines
            stripped = line.rstrip(" \t")
            if not _is_continued(stripped, escape):
                parts.append(line)
                break
            parts.append(stripped[:-1])
        match = _INSTRUCTION.match("".join(parts))
        if match is None:
            continue
        keyword, value = match["keyword"].upper(), match["value"] or ""
        heredocs: tuple[str, ...] = ()
        if keyword in _HEREDOC_READERS:
            heredocs, at = _heredocs(value, lines, at)
        flags, rest = _flags(value)
        yield Instruction(keyword, rest.strip(), first + 1, at, flags, heredocs)


def _escape(lines: Sequence[str]) -> str:
    """The directive stands above everything else, next to other directives only."""
    for line in lines:
        match = _DIRECTIVE.match(line.lstrip("\ufeff").strip())
        if match is None:
            break
        if match["key"].lower() == "escape" and match["value"] in ("`", "\\"):
            return match["value"]
    return "\\"


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _is_continued(line: str, escape: str) -> bool:
    return line.endswith(escape) and not line.endswith(escape * 2)


def _heredocs(value: str, lines: Sequence[str], at: int) -> tuple[tuple[str, ...], int]:
    """The texts of the here-documents that an instruction opens, and the line after them.

    One that is never closed is none, as a stray `<<` must not swallow the rest of the file.
    """
    found = []
    for opened in _HEREDOC.finditer(value):
        body: list[str] = []
        for number in range(at, len(lines)):
            line = lines[number].lstrip("\t") if opened["tab"] else lines[number]
            if line == opened["word"]:
                found.append("\n".join(body))
                at = number + 1
                break
            body.append(line)
        else:
            break
    return tuple(found), at


def _flags(value: str) -> tuple[dict[str, str], str]:
    flags: dict[str, str] = {}
    rest = value.lstrip()
    while match := _FLAG.match(rest):
        flags[match["name"]] = match["value"] or ""
        rest = rest[match.end() :]
    return flags, rest


def _stages(instructions: Sequence[Instruction]) -> Iterator[Stage]:
    starts = [at for at, each in enumerate(instructions) if each.keyword == "FROM"]
    if not starts:
        return
    outer = _known(instructions[: starts[0]], {}, {})
    ends = [*starts[1:], len(instructions)]
    for start, end in zip(starts, ends, strict=True):
        own = tuple(instructions[start:end])
        words = own[0].value.split()
        base = fill(words[0], outer) if words else ""
        named = len(words) >= 3 and words[1].upper() == "AS"
        yield Stage(words[2].lower() if named else "", base, own, _known(own, {}, outer))


def _known(
    instructions: Sequence[Instruction], given: Mapping[str, str], outer: Mapping[str, str]
) -> dict[str, str]:
    known = dict(given)
    for each in instructions:
        if each.keyword not in ("ARG", "ENV"):
            continue
        pairs = [(m["name"], _unquoted(m["value"])) for m in _PAIR.finditer(each.value)]
        name, _, rest = each.value.partition(" ")
        if each.keyword == "ENV" and "=" not in name and rest:
            pairs = [(name, rest.strip())]  # the old form: ENV NAME value
        for key, value in pairs:
            known[key] = fill(value, known)
        if each.keyword == "ARG" and name in outer and "=" not in name:
            known[name] = outer[name]
    return known


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
