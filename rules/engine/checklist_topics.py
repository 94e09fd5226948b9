"""What the checklist has to say of one change: what was checked, and what to ask people."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache

import libcst as cst

from rules.engine.added_code import lines_at
from rules.engine.catalogue import Row, checklist
from rules.engine.checklist_evidence import Evidence
from rules.engine.checklist_reasons import evidence_for
from rules.engine.finding import Finding, Question, Topic
from rules.engine.inspect import Ear, words_of
from rules.facts.project_declaration import FRAMEWORKS, with_what_they_bring
from rules.kit import CommittedFile, FileChange, Rule
from rules.kit.paths import is_python
from rules.kit.rule import Listener
from rules.kit.subjects import DerivedSubject

_WORD = re.compile(rb"[A-Za-z_]\w*")
# Sections of rules whose name is not that of a category.
_CATEGORY = {
    "queries": "database",
    "migrations": "database",
    "testing": "tests",
    "suppressions": "security",
}


def topics(
    files: Sequence[FileChange],
    findings: Sequence[Finding],
    ear: Ear,
    besides: Collection[str] = (),
    frameworks: tuple[str, ...] = (),
) -> tuple[Topic, ...]:
    """The categories that a change touches, in the order of the checklist.

    `files` are those that were read, `besides` the codes that somebody else answers for. With
    `frameworks`, rows about others are left out.
    A category is touched where the change gives one of its rules something of its own to look
    at, where a finding belongs to it, or where there is reason to ask one of its questions.
    """
    looked, drawn = _looked(files, ear)
    looked |= {each.code for each in findings}  # also of what a change no longer protects
    homes = {rule.code: home_of(rule.category) for rule in ear.rules}
    touched = {homes[code] for code in drawn} | {home_of(each.category) for each in findings}
    reasons = evidence_for(files, findings)
    used = with_what_they_bring(frameworks)
    told = []
    for category, every in _by_category().items():
        rows = [row for row in every if _concerns(row, used)]
        asked = tuple(_question(row, reasons[row.id]) for row in rows if row.id in reasons)
        codes = {code for row in rows for code in row.rules} & (looked - set(besides))
        checked = tuple(row.id for row in rows if codes & set(row.rules))
        if asked or (category in touched and checked):
            told.append(Topic(category, checked, tuple(sorted(codes)), asked))
    return tuple(told)


def _concerns(row: Row, used: tuple[str, ...]) -> bool:
    """Whether a row is about no framework, or about one of these; any, if none is known."""
    about = row.id.partition(".")[0]
    return not used or about in used or about not in FRAMEWORKS


def home_of(section: str) -> str:
    """The category of the checklist that the findings of a section of rules count for."""
    return _CATEGORY.get(section, section)


@cache
def _by_category() -> Mapping[str, tuple[Row, ...]]:
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in checklist():
        rows[row.category].append(row)
    return {category: tuple(every) for category, every in rows.items()}


def _question(row: Row, why: Evidence) -> Question:
    return Question(row.id, row.question, why.path, why.line, why.because)


def _looked(files: Sequence[FileChange], ear: Ear) -> tuple[set[str], set[str]]:
    """The codes of rules that had something to look at, and of those drawn by what it says."""
    looked = {rule.code for rule, _ in ear.change} if files else set()
    drawn: set[str] = set()
    for each in files:
        for rule, listener in _listening(each, ear):
            looked.add(rule.code)
            if _is_drawn(rule, listener):
                drawn.add(rule.code)
    return looked, drawn


def _listening(change: FileChange, ear: Ear) -> Iterator[tuple[Rule, Listener]]:
    yield from ear.of_text(change.path)
    if change.status == "added":
        yield from ear.committed
    if is_python(change.path):
        for heard in ear.awake(frozenset(_WORD.findall(_changed(change)))):
            subject = heard[1].subject
            if not issubclass(subject, DerivedSubject) or subject.lives_in(change.path):
                yield heard


def _is_drawn(rule: Rule, listener: Listener) -> bool:
    """Whether a word of the code or the kind of the file called, and not any file would do."""
    subject = listener.subject
    if issubclass(subject, CommittedFile):
        return False
    return (
        bool(words_of(listener)) or issubclass(subject, cst.CSTNode) or bool({*rule.files} - {"*"})
    )


def _changed(change: FileChange) -> bytes:
    """The lines that a change adds and takes away."""
    gone = lines_at(change.before, change.removed)
    return gone + b"\n" + lines_at(change.after, change.added)
