"""Scores Stet on OWASP's BenchmarkPython, as the benchmark's own scorer does.

A case counts as flagged if a finding in its file has a rule whose CWE is the case's. A category's
score is its true positive rate less its false positive rate; the overall score is the mean
of the categories. Fetch the benchmark first; none of it is kept here.

    python bench/owasp.py FOLDER [--confidence all] [--wrong CATEGORY]
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Literal

from rules.engine import index
from rules.engine.config import Config, ReviewConfig
from rules.engine.index import MemoryCache
from rules.engine.run import check
from rules.engine.tree import Entry


@dataclass(frozen=True)
class Case:
    """One file of the benchmark and what it holds."""

    name: str
    category: str
    is_vulnerable: bool
    cwe: int


class _Files:
    """The Python files of a folder, as a tree of blobs."""

    def __init__(self, folder: Path) -> None:
        self.data = {
            path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.py")
        }
        self._sha = {path: sha1(data).hexdigest() for path, data in self.data.items()}  # noqa: S324 - git's own

    @property
    def tree(self) -> dict[str, Entry]:
        return {
            path: Entry(self._sha[path], "100644", len(data)) for path, data in self.data.items()
        }

    def read(self, shas: Collection[str]) -> Mapping[str, bytes]:
        return {
            self._sha[path]: data for path, data in self.data.items() if self._sha[path] in shas
        }


def cases_in(folder: Path) -> Iterator[Case]:
    """The expected results of the newest version in the folder."""
    newest = max(folder.glob("expectedresults-*.csv"))
    with newest.open(encoding="utf-8") as file:
        for row in csv.reader(file):
            if row and not row[0].startswith("#"):
                yield Case(row[0], row[1], row[2].strip() == "true", int(row[3]))


def flagged(folder: Path, confidence: Literal["proven", "all"]) -> Mapping[str, frozenset[int]]:
    """By the name of a file: the CWEs of what Stet finds in it."""
    files = _Files(folder)
    project = index.build(files.tree, files, MemoryCache())
    config = Config(review=ReviewConfig(confidence=confidence))
    report = check(sorted(files.data.items()), project, config)
    found: dict[str, set[int]] = defaultdict(set)
    for finding in report.findings:
        if finding.cwe is not None:
            found[Path(finding.path).stem].add(finding.cwe)
    for crash in report.crashes:
        sys.stderr.write(f"{crash.path}: {crash.rule}: {crash.error}\n")
    return {name: frozenset(cwes) for name, cwes in found.items()}


def print_scores(cases: Collection[Case], found: Mapping[str, frozenset[int]]) -> float:
    """The table by category; returns the overall score."""
    rows = []
    wrong = vulnerable = safe = hits = 0
    for category in sorted({each.category for each in cases}):
        of_it = [each for each in cases if each.category == category]
        bad = [each for each in of_it if each.is_vulnerable]
        good = [each for each in of_it if not each.is_vulnerable]
        true = sum(each.cwe in found.get(each.name, frozenset()) for each in bad)
        false = sum(each.cwe in found.get(each.name, frozenset()) for each in good)
        rates = true / len(bad), false / len(good)
        rows.append(rates[0] - rates[1])
        hits, wrong = hits + true, wrong + false
        vulnerable, safe = vulnerable + len(bad), safe + len(good)
        print(
            f"{category:16} {true:4}/{len(bad):<4} {false:4}/{len(good):<4} "
            f"{rates[0]:.3f} - {rates[1]:.3f} = {rows[-1]:+.3f}"
        )
    overall = sum(rows) / len(rows)
    print(
        f"{'overall':16} {hits:4}/{vulnerable:<4} {wrong:4}/{safe:<4} {overall:+.3f}, FPR {wrong / safe:.3f}"
    )
    return overall


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="a checkout of BenchmarkPython")
    parser.add_argument("--confidence", choices=("proven", "all"), default="proven")
    parser.add_argument("--wrong", help="list the cases of a category that are judged otherwise")
    arguments = parser.parse_args()
    cases = tuple(cases_in(arguments.folder))
    found = flagged(arguments.folder, arguments.confidence)
    print_scores(cases, found)
    for case in cases:
        said = case.cwe in found.get(case.name, frozenset())
        if arguments.wrong in (case.category, "all") and said is not case.is_vulnerable:
            print(
                f"{case.name} {case.category} {'missed' if case.is_vulnerable else 'false alarm'}"
            )


if __name__ == "__main__":
    main()
