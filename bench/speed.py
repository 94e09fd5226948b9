"""What a review costs, as ratios to bare parses of the same files in the same run."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
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

_PART = 20
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


def _parse_all(files: Sequence[File]) -> None:
    for each in files:
        cst.parse_module(each.data)


def _inspect_all(files: Sequence[File], project: ProjectIndex, ear: Ear) -> None:
    for each in files:
        inspect(each.path, each.data, project, ear)


def ratios(files: Sequence[File], rounds: int = 3) -> list[Row]:
    """Whole review and rules alone, interleaved with the parse file by file."""
    project = project_of(files)
    rules = selected(ALL)
    ear = Ear.of(rules)
    parts = [files[start : start + _PART] for start in range(0, len(files), _PART)]
    parse, whole, alone = [], [], []
    for _ in range(rounds + 1):
        one = two = three = 0.0
        for part in parts:
            pairs = [(file.path, file.data) for file in part]
            with _no_collector():
                one += _seconds(partial(_parse_all, part))
            with _no_collector():
                two += _seconds(partial(check, pairs, project, ALL, rules))
            with _no_collector():
                three += _seconds(partial(_inspect_all, part, project, ear))
        parse.append(one)
        whole.append(two / one)
        alone.append(three / one - 1)
    # The first round warms up.
    return [
        Row(f"whole review, {len(rules)} rules", median(whole[1:]), 1.35),
        Row("rules without the parse", median(alone[1:]), 0.25),
        Row("each further rule", _per_rule(files, project, rules) / median(parse[1:]), 0.002),
    ]


@contextmanager
def _no_collector() -> Iterator[None]:
    """As in the children that review: the collector would walk every living tree again."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _per_rule(files: Sequence[File], project: ProjectIndex, rules: Sequence[Rule]) -> float:
    """Seconds that one more rule costs over all files: all rules against every second one."""

    def run(some: Sequence[Rule]) -> float:
        ear = Ear.of(some)
        return _seconds(partial(_inspect_all, files, project, ear))

    half = rules[::2]
    differences = [run(rules) - run(half) for _ in range(3)]
    return max(0.0, median(differences)) / max(1, len(rules) - len(half))


def growth() -> Row:
    """Four times the code (25 to 100 kB) in at most 4.6 times the time.

    Beyond that LibCST's own parse grows faster, as its trees leave the processor's caches.
    """
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
        with _no_collector():
            one = partial(check, [(file.path, file.data)], project, ALL)
            return min(_seconds(one) for _ in range(4))

    small, large = flat(125), flat(500)
    run(small)
    return Row("four times the code", run(large) / run(small), 4.6, "\u00d7 time")
