"""Real mistakes and the commits that mended them: found before, gone after?

`python -m bench.cases CASES.csv --repositories FOLDER` reads a table with the columns id,
family, repo (`owner/name`), parent_sha, fix_sha, accepted (`path:from-to;...`) and after
(`gone`, or `skip` where the fix does not touch what was found), and repositories that lie in
`FOLDER/owner+name/repo`.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from rules.engine import index
from rules.engine.config import Config, ReviewConfig
from rules.engine.discover import all_rules, matches
from rules.engine.disk_cache import DiskCache
from rules.engine.finding import Finding
from rules.engine.git import GitError, Repository
from rules.engine.run import check

# Family -> the codes of the rules that must find it, and whether they ask the whole project.
FAMILIES: Mapping[str, tuple[tuple[str, ...], bool]] = {
    "bare-except": (("ERR101",), False),
    "committed-artifact": (("CLN",), True),
    "debug-left": (("CLN111",), False),
    "missing-migration": (("MIG101",), True),
    "mutable-default": (("QLT101",), False),
    "requests-timeout": (("SEC124",), False),
    "runpython-reverse": (("MIG105",), True),
}


@dataclass(frozen=True)
class Place:
    path: str
    first: int
    last: int

    def holds(self, found: Finding) -> bool:
        """Whether a finding is about these lines, or about the whole file."""
        if found.path != self.path:
            return False
        return found.file_level or (
            found.span.line <= self.last and found.span.end_line >= self.first
        )


@dataclass(frozen=True)
class Case:
    name: str
    family: str
    repository: str
    parent: str
    fix: str
    places: tuple[Place, ...]
    must_go: bool


@dataclass(frozen=True)
class Outcome:
    """`hits` are the findings on accepted lines, `left` those of them that the fix leaves."""

    case: Case
    hits: tuple[Finding, ...]
    left: tuple[Finding, ...]

    @property
    def gone(self) -> bool:
        return bool(self.hits) and len(self.left) < len(self.hits)


def cases(table: Path) -> Iterator[Case]:
    """The cases of a table that belong to one of the families."""
    with table.open(newline="") as rows:
        for row in csv.DictReader(rows):
            if row["family"] in FAMILIES:
                yield Case(
                    row["id"],
                    row["family"],
                    row["repo"],
                    row["parent_sha"],
                    row["fix_sha"],
                    tuple(_places(row["accepted"])),
                    row["after"] == "gone",
                )


def _places(accepted: str) -> Iterator[Place]:
    for each in accepted.split(";"):
        path, _, lines = each.rpartition(":")
        first, _, last = lines.partition("-")
        yield Place(path, int(first), int(last or first))


class Runner:
    """Runs the rules of a family on single files of a commit."""

    def __init__(self, folder: Path, cache: DiskCache) -> None:
        self._folder = folder
        self._cache = cache

    def outcome(self, case: Case) -> Outcome:
        """Raises GitError where the repository or a commit is not there."""
        paths = {each.path for each in case.places}
        before = self._findings(case, case.parent, paths)
        hits = tuple(f for f in before if any(place.holds(f) for place in case.places))
        after = self._findings(case, case.fix, paths) if hits else ()
        kept = {each.fingerprint for each in after}
        return Outcome(case, hits, tuple(f for f in hits if f.fingerprint in kept))

    def _findings(self, case: Case, revision: str, paths: Collection[str]) -> tuple[Finding, ...]:
        codes, whole = FAMILIES[case.family]
        repository = Repository(self._folder / case.repository.replace("/", "+") / "repo")
        tree = repository.tree(repository.commit(revision))
        project = index.build(tree if whole else {}, repository, self._cache)
        blobs = repository.read({tree[each].sha for each in paths if each in tree})
        files = [(each, blobs[tree[each].sha]) for each in sorted(paths) if each in tree]
        chosen = [each for each in all_rules() if matches(each, codes)]
        config = Config(review=ReviewConfig(confidence="all"))
        return tuple(check(files, project, config, chosen).findings)


@click.command()
@click.argument("table", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--repositories", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--family", "only", default="", help="One family alone.")
@click.option("--cache", type=click.Path(file_okay=False, path_type=Path), help="Keeps the facts.")
def main(table: Path, repositories: Path, only: str, cache: Path | None) -> None:
    """Print what is missed and, by family, the share that is found and that is gone."""
    sys.setrecursionlimit(10_000)
    console = Console(width=180)
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="stet-cases-") as place:
        runner = Runner(repositories, DiskCache(cache or Path(place)))
        for case in cases(table):
            if only in ("", case.family):
                try:
                    outcome = runner.outcome(case)
                except GitError as problem:
                    console.print(f"{case.name}: {problem}", markup=False)
                    continue
                outcomes[case.family].append(outcome)
                _print(console, outcome)
    console.print(_table(outcomes))


def _print(console: Console, outcome: Outcome) -> None:
    """Say what went wrong, if anything did."""
    case = outcome.case
    if outcome.gone or (outcome.hits and not case.must_go):
        return
    what = "stays" if outcome.hits else "missed"
    console.print(f"{case.name} {what}: {case.repository} {case.parent[:12]}", markup=False)
    for each in case.places[:4]:
        console.print(f"    {each.path}:{each.first}-{each.last}", markup=False)


def _table(outcomes: Mapping[str, list[Outcome]]) -> Table:
    table = Table("Family", "Cases", "Found", "Gone at the fix", box=None)
    for family, every in sorted(outcomes.items()):
        found = sum(bool(each.hits) for each in every)
        gone = sum(each.gone for each in every)
        share = f"{found} ({found / len(every):.0%})"
        table.add_row(family, str(len(every)), share, f"{gone} of {found}")
    return table


if __name__ == "__main__":
    main()
