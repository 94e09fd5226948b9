"""What each rule costs, as a share of the bare parses of the same files.

Work that rules share, such as the names of a scope, is paid by the first that asks; the order
of the rules changes from round to round, and the median of the rounds counts.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from statistics import median
from time import process_time_ns
from typing import Any

import libcst as cst

from bench.corpus import File
from bench.speed import no_collector, project_of
from rules.engine.inspect import Ear, inspect
from rules.facts.python_modules import module_name
from rules.kit import DerivedSubject, Flag, Here, Project, Rule
from rules.kit.here import COMMON, Known
from rules.kit.rule import Listener
from rules.kit.tree import survey

LIMIT = 0.001
_ROUNDS = 5
Costs = dict[str, int]


def table(files: Sequence[File], rules: Sequence[Rule]) -> list[tuple[str, float]]:
    """Each rule, and each subject that is derived for rules, with its share; the dearest first.

    Of a subject that several rules wait for, every one has the same row.
    """
    project = project_of(files)
    modules = [cst.parse_module(each.data) for each in files]
    parse = median(_nanoseconds(lambda: _parse(files)) for _ in range(3))
    rounds = []
    for number in range(_ROUNDS):
        order = random.Random(number).sample(list(rules), len(rules))
        spent: Costs = defaultdict(int)
        with no_collector():
            _inspect(files, modules, project, Ear.of([_timed(each, spent) for each in order]))
            _derive(files, modules, project, order, spent)
        rounds.append(spent)
    names = sorted({name for each in rounds for name in each})
    shares = [(name, median(each.get(name, 0) for each in rounds) / parse) for name in names]
    return sorted(shares, key=lambda row: (-row[1], row[0]))


def _parse(files: Sequence[File]) -> None:
    for each in files:
        cst.parse_module(each.data)


def _nanoseconds(work: Callable[[], object]) -> int:
    with no_collector():
        begin = process_time_ns()
        work()
        return process_time_ns() - begin


def _inspect(
    files: Sequence[File], modules: Sequence[cst.Module], project: Project, ear: Ear
) -> None:
    for each, module in zip(files, modules, strict=True):
        inspect(each.path, each.data, project, ear, module=module)


def _timed(rule: Rule, spent: Costs) -> Rule:
    """The rule, its handlers noting the time that they take."""
    listeners = [
        replace(each, handler=partial(_note, rule, each, spent)) for each in rule.listeners
    ]
    return replace(rule, listeners=listeners)


def _note(rule: Rule, listener: Listener, spent: Costs, subject: Any, here: Here) -> Iterator[Flag]:
    begin = process_time_ns()
    flags = list(listener.handler(subject, here))
    spent[rule.code] += max(0, process_time_ns() - begin - _CLOCK)
    yield from flags


def _clock() -> int:
    """What looking at the clock takes itself."""
    looks = [process_time_ns() for _ in range(2001)]
    return (looks[-1] - looks[0]) // 2000


_CLOCK = _clock()


def _derive(
    files: Sequence[File],
    modules: Sequence[cst.Module],
    project: Project,
    rules: Sequence[Rule],
    spent: Costs,
) -> None:
    """The search for subjects, which is done once for all rules on them."""
    ear = Ear.of(rules)
    waiting = _derived(rules)
    for file, module in zip(files, modules, strict=True):
        words = file.words
        awake = {one[1].subject for one in ear.awake(words)}
        asked = [each for each in waiting if each in awake]
        name = module_name(file.path, project.paths)
        parents, nodes = survey(module, COMMON)  # as the engine does for all of them
        known = Known(
            file.path, module, name, parents=parents, words=words, data=file.data, nodes=nodes
        )
        here = Here(file.path, project, module, name, known=known)
        for subject in sorted(asked, key=lambda each: each.__qualname__):
            if subject.lives_in(file.path):
                begin = process_time_ns()
                tuple(subject.found_in(module, here))
                spent[waiting[subject]] += process_time_ns() - begin


def _derived(rules: Sequence[Rule]) -> Mapping[type[DerivedSubject], str]:
    """Each derived subject with the codes of the rules that wait for it."""
    codes: dict[type[DerivedSubject], set[str]] = defaultdict(set)
    for rule in rules:
        for each in rule.listeners:
            if issubclass(each.subject, DerivedSubject):
                codes[each.subject].add(rule.code)
    return {
        subject: f"{subject.__qualname__} ({', '.join(sorted(those)[:4])})"
        for subject, those in codes.items()
    }
