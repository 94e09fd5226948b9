"""What a review costs, as ratios to bare parses of the same files in the same run."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha1
from statistics import median
from time import perf_counter

import libcst as cst

from bench.corpus import File
from rules.engine import index
from rules.engine.config import Config, ReviewConfig, RulesConfig
from rules.engine.discover import selected
from rules.engine.index import MemoryCache, ProjectIndex
from rules.engine.inspect import Ear, inspect
from rules.engine.run import check
from rules.engine.tree import Entry
from rules.kit import Rule

ALL = Config(review=ReviewConfig(confidence="all"), rules=RulesConfig(select=("ALL",)))


@dataclass(frozen=True)
class Row:
    """One line of the table. `limit` is the most that is allowed."""

    what: str
    value: float
    limit: float
    unit: str = "\u00d7 parse"

    @property
    def is_met(self) -> bool:
        return self.value <= self.limit


class _Memory:
    def __init__(self, files: Sequence[File]) -> None:
        self.data = {sha1(each.data).hexdigest(): each.data for each in files}  # noqa: S324
        self.tree = {
            each.path: Entry(sha1(each.data).hexdigest(), "100644", len(each.data))  # noqa: S324
            for each in files
        }

    def read(self, shas: object) -> dict[str, bytes]:
        del shas
        return self.data


def project_of(files: Sequence[File]) -> ProjectIndex:
    memory = _Memory(files)
    return index.build(memory.tree, memory, MemoryCache())


def _seconds(work: Callable[[], object]) -> float:
    begin = perf_counter()
    work()
    return perf_counter() - begin


def _parse(file: File) -> None:
    cst.parse_module(file.data)


def ratios(files: Sequence[File], rounds: int = 3) -> list[Row]:
    """Whole review and rules alone, interleaved with the parse file by file."""
    project = project_of(files)
    rules = selected(ALL)
    parse = whole = alone = 0.0
    for number in range(rounds + 1):
        p = w = a = 0.0
        for file in files:
            gc.collect(0)
            gc.disable()
            one = _seconds(lambda file=file: _parse(file))  # type: ignore[misc]
            two = _seconds(lambda file=file: check([(file.path, file.data)], project, ALL, rules))  # type: ignore[misc]
            gc.enable()
            p, w, a = p + one, w + two, a + two - one
        if number:  # the first round warms up
            parse, whole, alone = parse + p, whole + w, alone + a
    return [
        Row(f"whole review, {len(rules)} rules", whole / parse, 1.35),
        Row("rules without the parse", alone / parse, 0.25),
        Row("each further rule", _per_rule(files, project, rules) / (parse / rounds), 0.002),
    ]


def _per_rule(files: Sequence[File], project: ProjectIndex, rules: Sequence[Rule]) -> float:
    """Seconds that one more rule costs over all files: all rules against every second one."""

    def run(some: Sequence[Rule]) -> float:
        ear = Ear.of(some)
        return sum(_seconds(lambda f=f: inspect(f.path, f.data, project, ear)) for f in files)  # type: ignore[misc]

    half = rules[::2]
    differences = [run(rules) - run(half) for _ in range(3)]
    return max(0.0, median(differences)) / max(1, len(rules) - len(half))


def growth() -> Row:
    """Four times the code in at most 4.6 times the time."""
    unit = (
        "def f{n}(order, when=None):\n"
        "    total = sum(line.price * line.count for line in order.lines)\n"
        "    if when is None:\n        when = order.created\n"
        "    return {{'total': total, 'when': when, 'id': order.pk}}\n\n\n"
    )

    def flat(count: int) -> File:
        return File("app/flat.py", "".join(unit.format(n=n) for n in range(count)).encode())

    def run(file: File) -> float:
        project = project_of([file])
        return min(
            _seconds(lambda: check([(file.path, file.data)], project, ALL)) for _ in range(3)
        )

    small, large = flat(450), flat(1800)
    run(small)
    return Row("four times the code", run(large) / run(small), 4.6, "\u00d7 time")
