"""Runs the rules over one file: one parse, one walk."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase, translate
from functools import cached_property, lru_cache, partial
from typing import Any

import libcst as cst

from rules.engine.encodings import lines_of, read_text
from rules.engine.finding import Crash, Skip
from rules.engine.fingerprint import base_key, shape
from rules.engine.guard import reason_to_skip
from rules.engine.parse import parse_module
from rules.engine.suppress import NOTHING_SILENCED, Suppressions, means, today
from rules.facts.python_modules import module_name
from rules.kit import (
    CommittedFile,
    Flag,
    Here,
    Project,
    PythonFile,
    Rule,
    SilencingComment,
    Span,
    TextFile,
)
from rules.kit.edits import nodes_of
from rules.kit.here import COMMON, Known, decoded
from rules.kit.identifiers import identifiers
from rules.kit.positions import is_plain, positions, positions_and_code, positions_in
from rules.kit.rule import Listener
from rules.kit.subjects import Change, DerivedSubject, ReadSubject
from rules.kit.tree import survey

_HEAD_BYTES = 1024
_NOWHERE = Span(1, 1, 1, 1)
_PARSE_FAILURES = (
    SyntaxError,
    cst.ParserSyntaxError,
    LookupError,
    UnicodeError,
    ValueError,
    RecursionError,
    MemoryError,
)
Heard = tuple[Rule, Listener]


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A flag with its place in a file and the key of its fingerprint."""

    rule: Rule
    flag: Flag
    path: str
    span: Span
    scope: str
    key: str
    file_level: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """Where nodes stand, by `id`; and the code that the tree gives, where a fix wants to know
    and it may be another text than that of the file.
    """

    spans: Mapping[int, Span]
    code: str | None = None

    @classmethod
    def of(cls, known: Known, module: cst.Module, flags: Iterable[Flag]) -> Layout:
        """Of the nodes that are flagged, and that fixes change."""
        nodes = [each.where for each in flags if isinstance(each.where, cst.CSTNode)]
        fixes = [each.fix for each in flags if each.fix is not None]
        nodes += [node for fix in fixes for edit in fix.edits for node in nodes_of(edit)]
        if not nodes:
            return cls({})
        if not fixes or is_plain(known.text):
            return cls(positions_in(known.text, module, nodes, known.scopes.parents))
        try:
            return cls(*positions_and_code(module, nodes))
        except RecursionError:
            return cls(positions(module, nodes))


@dataclass(frozen=True)
class Inspection:
    """What the rules say of one file."""

    path: str
    placed: tuple[Placed, ...] = ()
    crashes: tuple[Crash, ...] = ()
    skip: Skip | None = None
    module: cst.Module | None = None
    text: str = ""
    silence: Suppressions = NOTHING_SILENCED
    layout: Layout | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ear:
    """The listeners of a set of rules, sorted by what they wait for."""

    committed: tuple[Heard, ...]
    text: tuple[Heard, ...]
    change: tuple[Heard, ...]
    whole: tuple[Heard, ...]
    nodes: tuple[Heard, ...]
    silencing: tuple[Heard, ...]
    derived: tuple[Heard, ...]
    rules: tuple[Rule, ...]
    every_rule: tuple[Rule, ...]
    options: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        rules: Sequence[Rule],
        options: Mapping[str, Any] | None = None,
        every_rule: Sequence[Rule] = (),
    ) -> Ear:
        """The listeners of rules; `every_rule` are all that there are, taking part or not."""
        found = copy(_ear(tuple(rules), tuple(every_rule)))
        object.__setattr__(found, "options", options or {})  # a copy that nobody has seen yet
        return found

    @classmethod
    def sorted_by_subject(cls, rules: tuple[Rule, ...], every_rule: tuple[Rule, ...]) -> Ear:
        """The same without options, all tables made."""
        every = [(rule, each) for rule in rules for each in rule.listeners]

        def about(subject: type) -> tuple[Heard, ...]:
            return tuple(one for one in every if one[1].subject is subject)

        def below(base: type) -> tuple[Heard, ...]:
            return tuple(one for one in every if issubclass(one[1].subject, base))

        found = cls(
            about(CommittedFile),
            about(TextFile) + below(ReadSubject),
            about(Change),
            about(PythonFile),
            below(cst.CSTNode),
            about(SilencingComment),
            below(DerivedSubject),
            rules,
            every_rule,
            {},
        )
        for table in (
            "_always",
            "_words",
            "on_calls",
            "_own_words",
            "_any_text",
            "_every_text",
        ):
            getattr(found, table)  # made now, to be shared by the copies
        return found

    def knows(self, code: str) -> bool:
        """Whether a code means a rule at all."""
        return code.upper() in self._prefixes or code.lower() in self._names

    def runs_all_of(self, code: str) -> bool:
        """Whether every rule that a code means takes part in this review."""
        return not self.knows(code) or not any(means(code, rule) for rule in self._left_out)

    def awake(self, words: frozenset[bytes] | None) -> list[Heard]:
        """Listeners on Python that a file with these words may concern; all if they are not known.

        One look at the words that the file shares with the rules: most rules are never asked.
        """
        return [self._python[each] for each in sorted(self.awake_numbers(words))]

    def awake_numbers(self, words: frozenset[bytes] | None) -> Collection[int]:
        """The same by the numbers that the tables of this ear know them by."""
        if words is None:
            return range(len(self._python))
        return self._always.union(*map(self._by_word.__getitem__, self._words & words))

    def sorted_out(
        self, numbers: Collection[int], path: str, words: frozenset[bytes] | None
    ) -> tuple[list[Heard], Mapping[Any, list[Heard]], Mapping[type, Sequence[Heard]]]:
        """Of listeners, those on the whole file, those on what may be derived from it by what that
        is, and those on nodes by the class of these, save those on calls of a name.
        """
        every, second, third = self._python, len(self.whole), self.first_on_nodes
        whole = []
        derived: dict[Any, list[Heard]] = {}
        table: dict[type, list[Heard]] = {}
        strange: set[type] = set()
        for number in sorted(numbers):
            heard = every[number]
            subject = heard[1].subject
            if number >= third:
                if not heard[1].calls:
                    table.setdefault(subject, []).append(heard)
            elif number < second:
                whole.append(heard)
            elif subject in derived:
                derived[subject].append(heard)
            elif subject not in strange:
                own = self._own_words[subject]
                has_words = words is None or not own or not own.isdisjoint(words)
                if has_words and subject.lives_in(path):  # type: ignore[attr-defined]
                    derived[subject] = [heard]
                else:
                    strange.add(subject)
        return whole, derived, table

    @property
    def first_on_nodes(self) -> int:
        """From which number on listeners wait for nodes."""
        return len(self.whole) + len(self.derived)

    @cached_property
    def on_calls(self) -> Mapping[str, Sequence[tuple[int, Heard]]]:
        """All listeners on calls of a name, with their numbers."""
        found: dict[str, list[tuple[int, Heard]]] = {}
        for number, heard in enumerate(self.nodes, self.first_on_nodes):
            for name in heard[1].calls:
                found.setdefault(name, []).append((number, heard))
        return found

    @cached_property
    def _own_words(self) -> Mapping[type, frozenset[bytes]]:
        """The words of which a file must hold one for it to be searched for a subject."""
        subjects = {heard[1].subject for heard in self.derived}
        return {
            each: frozenset(word.encode() for word in each.words)
            for each in subjects
            if issubclass(each, DerivedSubject)
        }

    @cached_property
    def _python(self) -> tuple[Heard, ...]:
        return (*self.whole, *self.derived, *self.nodes)

    @cached_property
    def _always(self) -> frozenset[int]:
        return frozenset(n for n, (_, one) in enumerate(self._python) if not words_of(one))

    @cached_property
    def _by_word(self) -> Mapping[bytes, frozenset[int]]:
        found: dict[bytes, list[int]] = {}
        for number, (_, listener) in enumerate(self._python):
            for word in words_of(listener):
                found.setdefault(word.encode(), []).append(number)
        return {word: frozenset(numbers) for word, numbers in found.items()}

    @cached_property
    def _words(self) -> frozenset[bytes]:
        return frozenset(self._by_word)

    def of_trial(self, cured: Iterable[Rule]) -> Ear:
        """For trying out fixes of these rules: what is followed through the project is left out.

        It takes longest, and only fixes of its own section touch what it looks at.
        """
        sections = frozenset(rule.category for rule in cured)
        known = self._of_trials.get(sections)
        if known is None:
            near = {one[1].subject for one in self.derived if one[0].category in sections}
            kept = tuple(
                one for one in self.derived if one[1].subject in near or not _is_followed(one[1])
            )
            known = self._of_trials[sections] = replace(self, derived=kept)
        return known

    @cached_property
    def _of_trials(self) -> dict[frozenset[str], Ear]:
        return {}

    def of_text(self, path: str) -> list[Heard]:
        """Listeners on text that read this path."""
        name = path.rpartition("/")[2]
        if self._any_text is None or not (self._any_text.match(path) or self._any_text.match(name)):
            return list(self._every_text)
        return [one for one in self.text if applies_to(one[0], path)]

    @cached_property
    def _every_text(self) -> tuple[Heard, ...]:
        """Those that read every path: asking the others of most files would cost in vain."""
        return tuple(one for one in self.text if "*" in one[0].files)

    @cached_property
    def _any_text(self) -> re.Pattern[str] | None:
        globs = sorted({glob for rule, _ in self.text for glob in rule.files} - {"*"})
        return re.compile("|".join(map(translate, globs))) if globs else None

    @cached_property
    def _prefixes(self) -> frozenset[str]:
        codes = [rule.code for rule in self.every_rule]
        return frozenset(code[:size] for code in codes for size in range(1, len(code) + 1))

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(rule.name for rule in self.every_rule)

    @cached_property
    def _left_out(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.every_rule if rule not in self.rules)


@lru_cache(maxsize=4)
def _ear(rules: tuple[Rule, ...], every_rule: tuple[Rule, ...]) -> Ear:
    """Kept, as sorting thousands of words takes longer than reviewing a small file."""
    return Ear.sorted_by_subject(rules, every_rule)


def words_of(listener: Listener) -> frozenset[str]:
    """Identifiers of which a file must hold one; none if it may hold anything."""
    subject = listener.subject
    own = subject.words if issubclass(subject, DerivedSubject) else ()
    return listener.words or frozenset(own)


def _is_followed(listener: Listener) -> bool:
    return issubclass(listener.subject, DerivedSubject) and listener.subject.is_followed


class _Run:
    """Collects flags and crashes of one file."""

    def __init__(
        self, path: str, project: Project, options: Mapping[str, Any], data: bytes | None = None
    ) -> None:
        self.path = path
        self.data = data
        self.project = project
        self.options = options
        self.flags: list[tuple[Rule, Flag]] = []
        self.crashes: dict[str, Crash] = {}
        self._here: dict[str, Here] = {}
        self._plain: Here | None = None
        self._module: cst.Module | None = None
        self._module_name = ""
        self.known: Known | None = None

    def set_module(
        self,
        module: cst.Module,
        parents: Mapping[int, cst.CSTNode] | None = None,
        words: frozenset[bytes] | None = None,
        nodes: Sequence[cst.CSTNode] | None = None,
    ) -> None:
        self._module = module
        self._module_name = module_name(self.path, self.project.paths)
        self.known = Known(
            self.path,
            module,
            self._module_name,
            parents=parents,
            words=words,
            data=self.data,
            nodes=nodes,
        )
        self._here.clear()
        self._plain = None

    def here(self, rule: Rule) -> Here:
        """Where a rule stands; those without options stand in the same place."""
        found = self._here.get(rule.code)
        if found is None:
            given = self.options.get(rule.code, rule.options)
            found = self._here[rule.code] = self._with(given) if given is not None else self.plain
        return found

    @property
    def plain(self) -> Here:
        if self._plain is None:
            self._plain = self._with(None)
        return self._plain

    def _with(self, options: object) -> Here:
        name = self._module_name
        return Here(self.path, self.project, self._module, name, options, self.known)

    def call(self, heard: Heard, subject: Any) -> None:
        rule, listener = heard
        if self.crashes and rule.code in self.crashes:
            return
        try:
            for flag in listener.handler(subject, self._here.get(rule.code) or self.here(rule)):
                self.flags.append((rule, flag))
        except Exception as problem:  # noqa: BLE001 - a broken rule costs only itself
            self._crash(rule, problem)

    def call_each(self, waiting: Sequence[Heard], find: Callable[[], Iterable[Any]]) -> None:
        """Find subjects once, for all that wait for them."""
        try:
            found = tuple(find())
        except Exception as problem:  # noqa: BLE001 - what cannot be found costs those rules only
            for rule, _ in waiting:
                self._crash(rule, problem)
            return
        for subject in found:
            for heard in waiting:
                self.call(heard, subject)

    def derive(self, waiting: Mapping[Any, Sequence[Heard]]) -> None:
        """Call with the subjects that are found in the file at hand."""
        if self._module is None:
            return
        for subject, heard in waiting.items():
            self.call_each(heard, partial(subject.found_in, self._module, self.plain))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was not read to its end."""
        return tuple(self.known.notes) if self.known is not None else ()

    def _crash(self, rule: Rule, problem: Exception) -> None:
        words = f"{type(problem).__name__}: {problem}"[:300]
        self.crashes[rule.code] = Crash(self.path, rule.code, words)


def _by_subject(waiting: Sequence[Heard]) -> Mapping[Any, list[Heard]]:
    found: dict[Any, list[Heard]] = {}
    for heard in waiting:
        found.setdefault(heard[1].subject, []).append(heard)
    return found


def inspect(
    path: str,
    data: bytes,
    project: Project,
    ear: Ear,
    *,
    mode: str = "",
    module: cst.Module | None = None,
    is_trial: bool = False,
) -> Inspection:
    """Everything the rules say of one file. Never raises for what the file holds.

    `module` is the tree of `data`, where there is one already. A trial asks for the keys of
    what is found, not for places.
    """
    run = _Run(path, project, ear.options, data)
    committed = CommittedFile(path, len(data), data[:_HEAD_BYTES], mode == "100755")
    for heard in ear.committed:
        run.call(heard, committed)
    text = _as_text(data)
    heard_text = ear.of_text(path) if text is not None else []
    if heard_text:
        _text(TextFile(path, text or ""), run, heard_text)
    skip: Skip | None = None
    if path.endswith((".py", ".pyi")):
        module, skip = _python(path, data, run, ear, module)
    shown = decoded(data, module) if module is not None else text or ""
    silence = Suppressions.of(shown, path)
    layout = _layout(run, module, is_trial=is_trial and not silence.comments)
    placed = _without_echoes(list(_place(run, layout, text or "")))
    if silence.comments and ear.silencing:
        run.flags.clear()
        for comment in _silencing_comments(silence, placed, shown, ear):
            for heard in ear.silencing:
                run.call(heard, comment)
        placed += _place(run, _layout(run, module, is_trial=False), text or "")
    crashes = tuple(run.crashes.values())
    return Inspection(path, tuple(placed), crashes, skip, module, shown, silence, layout, run.notes)


def _layout(run: _Run, module: cst.Module | None, *, is_trial: bool) -> Layout | None:
    if module is None or run.known is None or not run.flags:
        return None
    if is_trial and not any(rule.yields_to for rule, _ in run.flags):
        return Layout({})
    return Layout.of(run.known, module, [flag for _, flag in run.flags])


def _text(file: TextFile, run: _Run, waiting: Sequence[Heard]) -> None:
    for subject, heard in _by_subject(waiting).items():
        run.call_each(heard, partial(_read, subject, file))


def _read(subject: type[TextFile | ReadSubject], file: TextFile) -> Iterator[Any]:
    found = file if issubclass(subject, TextFile) else subject.read_from(file)
    if found is not None:
        yield found


def _without_echoes(placed: list[Placed]) -> list[Placed]:
    """Without the findings that yield to another on the same lines, or on the file."""
    louder = {code for one in placed for code in one.rule.yields_to}
    if not louder:
        return placed
    on_file = {one.rule.code for one in placed if one.file_level}
    starts: dict[str, list[int]] = {code: [] for code in louder}
    reaches: dict[str, list[int]] = {code: [] for code in louder}  # the last line of any so far
    for one in sorted(placed, key=lambda each: each.span.line):
        if one.rule.code in louder:
            reached = reaches[one.rule.code]
            starts[one.rule.code].append(one.span.line)
            reached.append(max([one.span.end_line, *reached[-1:]]))

    def is_echo(one: Placed, code: str) -> bool:
        before = bisect_right(starts[code], one.span.end_line)
        return code in on_file or (before > 0 and reaches[code][before - 1] >= one.span.line)

    return [one for one in placed if not any(is_echo(one, code) for code in one.rule.yields_to)]


def _silencing_comments(
    silence: Suppressions, placed: Sequence[Placed], text: str, ear: Ear
) -> Iterator[SilencingComment]:
    lines = lines_of(text)
    used = silence.used((one.rule, one.span) for one in placed)
    for each in silence.comments:
        unknown = tuple(code for code in each.codes if not ear.knows(code))
        yield SilencingComment(
            line=each.line,
            text=lines[each.line - 1],
            start=each.start,
            kind=each.kind,
            codes=each.codes,
            reason=each.reason,
            until=each.until,
            today=today(),
            unknown=unknown,
            in_question=all(ear.runs_all_of(code) for code in each.codes),
            used=each.line in used,
        )


def inspect_unread(path: str, size: int, project: Project, ear: Ear) -> Inspection:
    """What the rules on committed files say of one whose bytes were not fetched."""
    run = _Run(path, project, ear.options)
    for heard in ear.committed:
        run.call(heard, CommittedFile(path, size, b""))
    return Inspection(path, tuple(_place(run, None, "")), tuple(run.crashes.values()))


def applies_to(rule: Rule, path: str) -> bool:
    """Whether a rule on text files reads this path: a glob on the path or on the name."""
    name = path.rpartition("/")[2]
    return any(fnmatchcase(path, glob) or fnmatchcase(name, glob) for glob in rule.files)


def _as_text(data: bytes) -> str | None:
    if b"\0" in data[:8192] or len(data) > 2 * 1024 * 1024:
        return None
    return read_text(data).text


def _python(
    path: str, data: bytes, run: _Run, ear: Ear, known: cst.Module | None
) -> tuple[cst.Module | None, Skip | None]:
    said = identifiers(data)
    words = said if b"import *" not in data else None
    numbers = ear.awake_numbers(words)
    whole, derived, table = ear.sorted_out(numbers, path, words)
    if not whole and not derived and max(numbers, default=-1) < ear.first_on_nodes:
        return None, None
    module, skip = (known, None) if known is not None else _parse(path, data)
    if module is None:
        return None, skip
    parents, nodes = survey(module, COMMON | table.keys())
    run.set_module(module, parents, said, nodes)
    file = PythonFile(path, data, module)
    for heard in whole:
        run.call(heard, file)
    run.derive(derived)
    _dispatch(module, nodes, run, (ear, numbers, table))
    return module, None


def _parse(path: str, data: bytes) -> tuple[cst.Module | None, Skip | None]:
    reason = reason_to_skip(data)
    if reason is not None:
        return None, Skip(path, f"not analysed: {reason}")
    try:
        return parse_module(data), None
    except _PARSE_FAILURES as problem:
        return None, Skip(path, _parse_problem(problem))


def _parse_problem(problem: BaseException) -> str:
    if isinstance(problem, cst.ParserSyntaxError):
        return f"syntax error at line {problem.raw_line}"
    if isinstance(problem, RecursionError | MemoryError):
        return "not analysed: nested too deeply"
    if isinstance(problem, LookupError | UnicodeError):
        return "not analysed: its encoding cannot be read"
    line = getattr(problem, "lineno", None)
    return f"syntax error at line {line}" if line else "syntax error"


def _dispatch(
    module: cst.Module,
    nodes: Iterable[cst.CSTNode],
    run: _Run,
    waiting: tuple[Ear, Collection[int], Mapping[type, Sequence[Heard]]],
) -> None:
    """Each node to the listeners that wait for its class, or for the name that it calls."""
    ear, numbers, table = waiting
    on_calls = ear.on_calls
    aliases = _aliases(module) if on_calls else {}
    call = run.call
    for node in nodes:
        kind = node.__class__
        for heard in table.get(kind, ()):
            call(heard, node)
        if kind is cst.Call:
            last = _last_name(node)
            for number, heard in on_calls.get(aliases.get(last, last), ()):
                if number in numbers:
                    call(heard, node)


def _last_name(node: Any) -> str:
    """Of a call. By class, because `isinstance` on LibCST's classes is slow where it says no."""
    func = node.func
    kind = func.__class__
    if kind is cst.Name:
        return func.value  # type: ignore[no-any-return]
    return func.attr.value if kind is cst.Attribute else ""


def _aliases(module: cst.Module) -> dict[str, str]:
    """Local name -> imported name, for `from x import y as z` anywhere at module level."""
    found: dict[str, str] = {}
    for line in module.body:
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(each, cst.ImportFrom) and not isinstance(each.names, cst.ImportStar):
                for alias in each.names:
                    if alias.asname is not None and isinstance(alias.asname.name, cst.Name):
                        found[alias.asname.name.value] = alias.evaluated_name
    return found


def _place(run: _Run, layout: Layout | None, text: str) -> Iterator[Placed]:
    spans = layout.spans if layout is not None else {}
    lines = lines_of(text) if run.flags else []
    found = []
    for rule, flag in run.flags:
        span, scope, identity = _where(run, rule, flag, spans, lines)
        whole_file = isinstance(flag.where, int) and flag.where == 0
        key = base_key(rule.code, scope, flag.identity or identity)
        found.append(Placed(rule, flag, flag.path or run.path, span, scope, key, whole_file))
    yield from sorted(found, key=lambda each: (each.span, each.rule.code))


def _where(
    run: _Run, rule: Rule, flag: Flag, spans: Mapping[int, Span], lines: Sequence[str]
) -> tuple[Span, str, str]:
    where = flag.where
    if isinstance(where, cst.CSTNode):
        scope = run.here(rule).scopes.qualname(where)
        return _head(where, spans.get(id(where), _NOWHERE), lines), scope, shape(where)
    if isinstance(where, Span):
        line = lines[where.line - 1] if 0 < where.line <= len(lines) else ""
        return where, "", line[where.column - 1 : where.end_column - 1].strip()
    if where == 0:
        return Span(1, 1, 1, 1), "", run.path.rpartition("/")[2]
    line = lines[where - 1] if where <= len(lines) else ""
    return Span.of_line(where, line), "", " ".join(line.split())


def _head(node: cst.CSTNode, span: Span, lines: Sequence[str]) -> Span:
    """A compound statement is shown by its first line, not by everything in it."""
    has_body = isinstance(node, cst.BaseCompoundStatement | cst.ExceptHandler)
    if not has_body or span.end_line == span.line or span.line > len(lines):
        return span
    return Span(span.line, span.column, span.line, len(lines[span.line - 1].rstrip()) + 1)


def inspect_change(change: Change, ear: Ear) -> list[Inspection]:
    """What the rules on the change as a whole say, by file."""
    run = _Run("", change.after, ear.options)
    for heard in ear.change:
        run.call(heard, change)
    by_path: dict[str, list[tuple[Rule, Flag]]] = {}
    for rule, flag in run.flags:
        by_path.setdefault(flag.path or "", []).append((rule, flag))
    texts = {each.path: _as_text(each.after or b"") or "" for each in change.files}
    found = [Inspection("", crashes=tuple(run.crashes.values()))] if run.crashes else []
    for path, flags in by_path.items():
        one = _Run(path, change.after, ear.options)
        one.flags = flags
        module = change.trees.get(path, (None, None))[1]
        if module is not None:
            one.set_module(module)
        text = texts.get(path, "")
        layout = _layout(one, module, is_trial=False)
        placed = _without_echoes(list(_place(one, layout, text)))
        found.append(Inspection(path, tuple(placed), text=text))
    return found
