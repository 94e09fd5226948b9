"""What a review costs, as ratios to bare parses of the same files in the same run."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha1
from statistics import median
from time import process_time

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
    begin = process_time()
    work()
    return process_time() - begin


def ratios(files: Sequence[File], rounds: int = 3) -> list[Row]:
    """Whole review and rules alone, interleaved with the parse; each file by its best round.

    Another program on the machine makes a file slower, never faster. The median says what an
    ordinary file costs; of all files together those take a large part that let data in, which
    is followed through the project.
    """
    project = project_of(files)
    rules = selected(ALL)
    ears = Ear.of(rules), Ear.of(rules[::2])
    best = [[float("inf")] * 4 for _ in files]
    for _ in range(rounds + 1):  # the first round warms up
        for start in range(0, len(files), _PART):
            with no_collector():
                for number in range(start, min(start + _PART, len(files))):
                    works = _works(files[number], project, rules, ears)
                    for column, work in enumerate(works):
                        best[number][column] = min(best[number][column], _seconds(work))
    parse, whole, alone, fewer = (sum(each[column] for each in best) for column in range(4))
    further = max(0.0, alone - fewer) / max(1, len(rules) - len(rules[::2]))
    return [
        Row(f"whole review, {len(rules)} rules, median file", _median(best, 1), 1.35),
        Row("whole review, all files together", whole / parse, 1.35),
        Row("rules without the parse, median file", _median(best, 2), 0.25),
        Row("rules without the parse, all files together", alone / parse, 0.25),
        Row("each further rule", further / parse, 0.002),
    ]


def _works(
    file: File, project: ProjectIndex, rules: Sequence[Rule], ears: tuple[Ear, Ear]
) -> tuple[Callable[[], object], ...]:
    """The bare parse, the whole review, all rules and half of them on a tree that is there."""
    tree = cst.parse_module(file.data)

    def inspected(ear: Ear) -> None:
        inspect(file.path, file.data, project, ear, module=tree)

    return (
        partial(cst.parse_module, file.data),
        partial(check, [(file.path, file.data)], project, ALL, rules),
        partial(inspected, ears[0]),
        partial(inspected, ears[1]),
    )


def _median(best: Sequence[Sequence[float]], column: int) -> float:
    return median(each[column] / each[0] for each in best)


@contextmanager
def no_collector() -> Iterator[None]:
    """As in the children that review: the collector would walk every living tree again."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def growth() -> Row:
    """Four times the code (25 to 100 kB) in at most 4.6 times the time; median of several files.

    Beyond that LibCST's own parse grows faster, as its trees leave the processor's caches.
    """
    found = []
    for unit in _UNITS:
        small, large = _flat(unit, 25_000), _flat(unit, 100_000)
        _review(small)
        pairs = [(_review(small), _review(large)) for _ in range(5)]
        found.append(min(two for _, two in pairs) / min(one for one, _ in pairs))
    return Row("four times the code", median(found), 4.6, "\u00d7 time")


_FUNCTIONS = """
def f{n}(order, when=None):
    total = sum(line.price * line.count for line in order.lines)
    if when is None:
        when = order.created
    return {{'total': total, 'when': when, 'id': order.pk}}

"""
_MODELS = """
class C{n}(models.Model):
    name = models.CharField(max_length={n}, default='')

    def __str__(self):
        return f'{{self.name}} {{self.pk}}'

"""
_VIEWS = """
@app.route('/orders/{n}')
def view_{n}(request):
    try:
        rows = Order.objects.filter(pk=request.GET['id'])
    except ValueError:
        raise Http404 from None
    return render(request, 'orders.html', {{'rows': rows}})

"""
_TABLES = "TABLE_{n} = {{'a': [1, 2, 3], 'b': ('x', 'y'), **OTHERS}}\n"
_LINES = "# a comment of some length, as they stand in code\nx{n} = y if z else f(1, *a, k=2)\n"
_UNITS = (_FUNCTIONS, _MODELS, _VIEWS, _TABLES, _LINES)


def _flat(unit: str, size: int) -> File:
    count = size // len(unit.format(n=1000))
    return File("app/flat.py", "".join(unit.format(n=1000 + n) for n in range(count)).encode())


def _review(file: File) -> float:
    project = project_of([file])
    with no_collector():
        return _seconds(partial(check, [(file.path, file.data)], project, ALL))
