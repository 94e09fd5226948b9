"""N+1 queries that real teams mended: found before, gone after, and is the cure the team's?

`python -m bench.nplus1 CASES.csv --repositories FOLDER` reads the same kind of table as
`bench.cases`, with the columns kind and decidable, and says how many of each are found. With
`--rival EXECUTABLE` the program djch is run on the same commits.
"""

from __future__ import annotations

import csv
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click
from rich.console import Console
from rich.table import Table

from bench.cases import Place
from bench.nplus1_rival import Rival
from rules.engine import index
from rules.engine.config import Config, ReviewConfig
from rules.engine.discover import all_rules, matches
from rules.engine.disk_cache import DiskCache
from rules.engine.finding import Finding
from rules.engine.git import GitError, Repository
from rules.engine.index import ProjectIndex
from rules.engine.run import check

_CODES = tuple(f"DBQ{number}" for number in (*range(101, 112), 113))
_FAMILIES = ("nplus1", "sqlalchemy-missing-eager-load")
_QUOTED = re.compile(r"[\"'`]([A-Za-z_][\w.]*)[\"'`]|\.(\w+)\b")


@dataclass(frozen=True)
class Case:
    name: str
    repository: str
    parent: str
    fix: str
    places: tuple[Place, ...]
    kind: str
    decidable: str
    must_go: bool


@dataclass(frozen=True)
class Outcome:
    """`hits` are findings on accepted lines, `left` those that the fix leaves, `named` whether
    a message names what the fix added.
    """

    case: Case
    hits: tuple[Finding, ...]
    left: tuple[Finding, ...]
    named: bool


def cases(table: Path) -> Iterator[Case]:
    with table.open(newline="") as rows:
        for row in csv.DictReader(rows):
            if row["family"] in _FAMILIES:
                yield Case(
                    row["id"],
                    row["repo"],
                    row["parent_sha"],
                    row["fix_sha"],
                    tuple(_places(row["accepted"])),
                    row.get("kind") or row["family"],
                    row.get("decidable") or "easy",
                    row["after"] == "gone",
                )


def _places(accepted: str) -> Iterator[Place]:
    for each in accepted.split(";"):
        path, _, lines = each.rpartition(":")
        first, _, last = lines.partition("-")
        yield Place(path, int(first), int(last or first))


class Runner:
    """Runs the rules on queries over the files of a case, with the whole project around them."""

    def __init__(
        self, folder: Path, cache: DiskCache, confidence: Literal["proven", "all"]
    ) -> None:
        self._folder = folder
        self._cache = cache
        self._confidence = confidence
        self._rules = [each for each in all_rules() if matches(each, _CODES)]

    def outcome(self, case: Case) -> Outcome:
        """Raises GitError where the repository or a commit is not there."""
        repository = Repository(self._folder / case.repository.replace("/", "+") / "repo")
        paths = {each.path for each in case.places}
        before = self._findings(repository, case.parent, paths)
        hits = tuple(f for f in before if any(place.holds(f) for place in case.places))
        after = self._findings(repository, case.fix, paths) if hits else ()
        kept = {each.fingerprint for each in after}
        left = tuple(each for each in hits if each.fingerprint in kept)
        added = _added(repository, case)
        named = any(_paths_of(each) & added for each in hits)
        return Outcome(case, hits, left, named)

    def _findings(
        self, repository: Repository, revision: str, paths: set[str]
    ) -> tuple[Finding, ...]:
        tree = repository.tree(repository.commit(revision))
        project: ProjectIndex = index.build(tree, repository, self._cache)
        blobs = repository.read({tree[each].sha for each in paths if each in tree})
        files = [(each, blobs[tree[each].sha]) for each in sorted(paths) if each in tree]
        config = Config(review=ReviewConfig(confidence=self._confidence))
        return tuple(check(files, project, config, self._rules).findings)


def _added(repository: Repository, case: Case) -> frozenset[str]:
    """The words that the fix brings into the files of the case and those it touches."""
    old, new = (repository.tree(repository.commit(each)) for each in (case.parent, case.fix))
    changed = [path for path, entry in new.items() if path not in old or old[path] != entry]
    shas = {tree[p].sha for tree in (old, new) for p in changed if p in tree}
    blobs = repository.read(shas)
    words: set[str] = set()
    for path in changed:
        lines = set(blobs.get(old[path].sha, b"").splitlines()) if path in old else set()
        for line in blobs.get(new[path].sha, b"").splitlines():
            if line not in lines:
                words.update(re.findall(r"[A-Za-z_]\w*", line.decode("utf-8", "replace")))
    return frozenset(part for word in words for part in (word, *word.split("__")))


def _paths_of(found: Finding) -> frozenset[str]:
    """The relations that a message names, by their last step."""
    names = [one or other for one, other in _QUOTED.findall(found.message)]
    return frozenset(each.rpartition("__")[2].rpartition(".")[2] for each in names)


@click.command()
@click.argument("table", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--repositories", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--only", default="", help="Cases whose name, kind or repository holds this.")
@click.option("--confidence", default="proven", type=click.Choice(["proven", "all"]))
@click.option("--cache", type=click.Path(file_okay=False, path_type=Path), help="Keeps the facts.")
@click.option("--rival", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="djch.")
@click.option("--verbose", is_flag=True, help="Print what is found, too.")
def main(
    table: Path,
    repositories: Path,
    only: str,
    *,
    confidence: Literal["proven", "all"],
    cache: Path | None,
    rival: Path | None,
    verbose: bool,
) -> None:
    """Print what is missed and the recall by kind and by how a case can be decided."""
    sys.setrecursionlimit(10_000)
    console = Console(width=200)
    outcomes: list[Outcome] = []
    other = Rival(rival, repositories) if rival is not None else None
    theirs: list[tuple[Case, bool, bool]] = []
    with tempfile.TemporaryDirectory(prefix="stet-nplus1-") as place:
        runner = Runner(repositories, DiskCache(cache or Path(place)), confidence)
        for case in cases(table):
            if only not in f"{case.name} {case.kind} {case.repository}":
                continue
            try:
                outcome = runner.outcome(case)
                if other is not None:
                    said = other.verdict(case.repository, case.parent, case.fix, case.places)
                    theirs.append((case, *said))
            except GitError as problem:
                console.print(f"{case.name}: {problem}", markup=False)
                continue
            outcomes.append(outcome)
            _print(console, outcome, verbose=verbose)
    by_kind: Callable[[Outcome], str] = lambda each: each.case.kind  # noqa: E731 - a key
    console.print(_table("Kind", _grouped(outcomes, by_kind)))
    console.print(_table("Decidable", _grouped(outcomes, lambda each: each.case.decidable)))
    console.print(_table("All", {"all": outcomes}))
    if theirs:
        console.print(_rival_table(theirs))


def _print(console: Console, outcome: Outcome, *, verbose: bool) -> None:
    case = outcome.case
    stays = outcome.hits and case.must_go and len(outcome.left) == len(outcome.hits)
    what = "stays" if stays else "found" if outcome.hits else "missed"
    name = "" if outcome.named or not outcome.hits else " (names nothing of the fix)"
    console.print(f"{what:6} {case.name} {case.kind} {case.decidable}{name}", markup=False)
    if verbose or stays:
        for each in outcome.hits[:6]:
            mark = "LEFT " if each in outcome.left else ""
            text = f"    {mark}{each.code} {each.path}:{each.span.line} {each.message}"
            console.print(text, markup=False)


def _grouped(
    outcomes: Sequence[Outcome], key: Callable[[Outcome], str]
) -> Mapping[str, list[Outcome]]:
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for each in outcomes:
        groups[key(each)].append(each)
    return dict(sorted(groups.items()))


def _table(title: str, groups: Mapping[str, list[Outcome]]) -> Table:
    table = Table(title, "Cases", "Found", "Gone at the fix", "Names the path", box=None)
    for name, every in groups.items():
        found = [each for each in every if each.hits]
        due = [each for each in found if each.case.must_go]
        gone = sum(len(each.left) < len(each.hits) for each in due)
        named = sum(each.named for each in found)
        share = f"{len(found)} ({len(found) / max(len(every), 1):.0%})"
        table.add_row(
            name, str(len(every)), share, f"{gone} of {len(due)}", f"{named} of {len(found)}"
        )
    return table


def _rival_table(theirs: Sequence[tuple[Case, bool, bool]]) -> Table:
    table = Table("djch", "Cases", "Found", "Gone at the fix", box=None)
    for name in (*sorted({case.decidable for case, _, _ in theirs}), "all"):
        every = [each for each in theirs if name in ("all", each[0].decidable)]
        found = [each for each in every if each[1]]
        due = [each for each in found if each[0].must_go]
        share = f"{len(found)} ({len(found) / max(len(every), 1):.0%})"
        table.add_row(name, str(len(every)), share, f"{sum(e[2] for e in due)} of {len(due)}")
    return table


if __name__ == "__main__":
    main()
