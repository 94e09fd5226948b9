"""What Stet says about ordinary changes of real projects, and how much of it is right.

`choose` draws merged changes at random, `run` reviews them at default settings as the App would,
`tree` checks whole trees, and `table` counts what was said and what its labels say of it.
The projects lie in `FOLDER/owner+name/repo`; nothing of them is kept here. docs/precision.md
tells the method.
"""

from __future__ import annotations

import csv
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import click
import msgspec

from rules.engine import index
from rules.engine.config import Config
from rules.engine.disk_cache import DiskCache
from rules.engine.finding import Finding, Report
from rules.engine.git import GitError, Repository, changed_shas, changes_between
from rules.engine.run import check, review
from rules.engine.snapshot import Snapshot
from rules.kit.paths import is_generated

_SINCE, _UNTIL = "2021-11-21", "2026-11-21"
_MOST_FILES = 60
_MOST_BYTES = 5 * 1024 * 1024


class Said(msgspec.Struct, frozen=True):
    """One finding, with the line of code that it is about."""

    code: str
    severity: str
    path: str
    line: int
    message: str
    source: str

    @property
    def is_comment(self) -> bool:
        """Whether it is worth a comment at default settings, not only a row of the check run."""
        return self.severity != "notice"


class Reviewed(msgspec.Struct, frozen=True):
    """One change, or one whole tree, and what was said about it."""

    repository: str
    commit: str
    title: str
    files: int
    seconds: float
    crashes: tuple[str, ...]
    findings: tuple[Said, ...]


def _opened(folder: Path, name: str) -> Repository:
    return Repository(folder / name.replace("/", "+") / "repo")


def ordinary_changes(repository: Repository) -> list[str]:
    """Commits of the main line in five years that touch Python, by people, of ordinary size."""
    told = repository.run(
        "log", "-z", "--first-parent", "--diff-merges=first-parent", "--no-renames",
        "--name-only", f"--since={_SINCE}", f"--until={_UNTIL}",
        "--format=%x01%H%x02%P%x02%an%x03", "HEAD",
    ).decode("utf-8", "replace")  # fmt: skip
    found = []
    for each in told.split("\x01")[1:]:
        head, _, names = each.partition("\x03")
        commit, parents, author = head.split("\x02")
        paths = [name for name in names.replace("\0", "\n").split("\n") if name]
        python = [path for path in paths if path.endswith(".py") and not is_generated(path)]
        if parents and python and len(paths) <= _MOST_FILES and "[bot]" not in author:
            found.append(commit)
    return found


def _told_as(repository: Repository, commit: str) -> tuple[str, str]:
    """Title and text of the change; those of a pull request stand below a merge's own subject."""
    message = repository.run("log", "-n1", "--format=%B", commit).decode("utf-8", "replace")
    title, _, body = message.strip().partition("\n")
    if title.startswith("Merge pull request") and body.strip():
        title, _, body = body.strip().partition("\n")
    return title, body.strip()


def _snapshot(repository: Repository, commit: str, cache: DiskCache) -> Snapshot:
    start = repository.commit(f"{commit}^1")
    before, after = repository.tree(start), repository.tree(commit)
    try:
        renames = repository.renames(start, commit)
    except GitError:  # a copy without its largest files cannot compare them
        renames = {}
    contents = repository.read(changed_shas(before, after, renames))
    return Snapshot(
        index.build(before, repository, cache),
        index.build(after, repository, cache),
        changes_between(before, after, contents, renames),
        *_told_as(repository, commit),
    )


def _said(found: Finding, texts: Mapping[str, bytes]) -> Said:
    lines = texts.get(found.path, b"").decode("utf-8", "replace").split("\n")
    line = found.span.line
    source = lines[line - 1].strip()[:160] if 0 < line <= len(lines) else ""
    if found.hides_match:
        source = ""
    return Said(found.code, found.severity.value, found.path, line, found.message, source)


def _findings(report: Report, texts: Mapping[str, bytes]) -> tuple[Said, ...]:
    return tuple(_said(each, texts) for each in report.findings)


def _crashes(report: Report) -> tuple[str, ...]:
    return tuple(f"{each.rule} {each.path}: {each.error}" for each in report.crashes)


def review_change(repository: Repository, name: str, commit: str, cache: DiskCache) -> Reviewed:
    """The change that a commit of the main line brings, reviewed at default settings."""
    started = perf_counter()
    snapshot = _snapshot(repository, commit, cache)
    report = review(snapshot, Config())
    texts = {each.path: each.after or b"" for each in snapshot.changes}
    seconds = round(perf_counter() - started, 2)
    said = _findings(report, texts)
    return Reviewed(name, commit, snapshot.title, report.files, seconds, _crashes(report), said)


def check_tree(
    repository: Repository, name: str, commit: str, cache: DiskCache, only: Collection[str] = ()
) -> Reviewed:
    """What stands in one commit, or in some of its files, checked at default settings."""
    started = perf_counter()
    tree = repository.tree(commit)
    project = index.build(tree, repository, cache)
    small = {p: e.sha for p, e in tree.items() if e.is_file and e.size <= _MOST_BYTES}
    if only:
        small = {path: sha for path, sha in small.items() if path in only}
    blobs = repository.read(set(small.values()))
    texts = {path: blobs[sha] for path, sha in sorted(small.items()) if sha in blobs}
    report = check(texts.items(), project, Config())
    seconds = round(perf_counter() - started, 2)
    said = _findings(report, texts)
    return Reviewed(name, commit, "", report.files, seconds, _crashes(report), said)


def _sample(table: Path) -> Iterator[tuple[str, str]]:
    with table.open(newline="") as rows:
        yield from ((row["repository"], row["commit"]) for row in csv.DictReader(rows))


def read_lines(file: Path) -> list[Reviewed]:
    """The reviews that `run` or `tree` has written, one a line."""
    if not file.exists():
        return []
    decoder = msgspec.json.Decoder(Reviewed)
    return [decoder.decode(line) for line in file.read_bytes().splitlines()]


class Label(NamedTuple):
    """A finding, and what its reader decided."""

    repository: str
    commit: str
    code: str
    path: str
    line: int
    right: bool


def _labels(table: Path) -> Iterator[Label]:
    with table.open(newline="") as rows:
        for row in csv.DictReader(rows):
            yield Label(
                row["repository"],
                row["commit"],
                row["code"],
                row["path"],
                int(row["line"]),
                row["right"] == "yes",
            )


_FOLDER = click.option(
    "--repositories", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def main() -> None:
    """Measure noise and precision on real projects."""
    sys.setrecursionlimit(10_000)


@main.command()
@_FOLDER
@click.option("--each", default=24, help="How many changes of each project.")
@click.option("--seed", default=7)
@click.argument("names", nargs=-1, required=True)
def choose(repositories: Path, each: int, seed: int, names: Sequence[str]) -> None:
    """Print the changes that the seed draws, as CSV."""
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["repository", "commit"])
    for name in names:
        found = ordinary_changes(_opened(repositories, name))
        drawn = random.Random(f"{seed} {name}").sample(found, min(each, len(found)))
        out.writerows((name, commit) for commit in drawn)


@main.command()
@_FOLDER
@click.option("--cache", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--whole", is_flag=True, help="Check the whole trees of these commits.")
@click.option("--labels", type=_FILE, help="Of whole trees, only the files that labels speak of.")
@click.option("--only", default="", help="Repositories whose name holds this.")
@click.argument("sample", type=_FILE)
@click.argument("output", type=_FILE)
def run(
    *,
    repositories: Path,
    cache: Path,
    sample: Path,
    output: Path,
    only: str,
    labels: Path | None,
    whole: bool,
) -> None:
    """Review each change of the sample that OUTPUT does not hold yet; add what is said to it."""
    done = {(each.repository, each.commit) for each in read_lines(output)}
    read = [] if labels is None else list(_labels(labels))
    with output.open("ab") as lines:
        for name, commit in _sample(sample):
            if (name, commit) in done or only not in name:
                continue
            kept = DiskCache(cache / name.replace("/", "+"))
            repository = _opened(repositories, name)
            if whole:
                paths = {each.path for each in read if each[:2] == (name, commit)}
                found = check_tree(repository, name, commit, kept, paths)
            else:
                found = review_change(repository, name, commit, kept)
            lines.write(msgspec.json.encode(found) + b"\n")
            lines.flush()
            click.echo(f"{name} {commit[:10]} {len(found.findings)} {found.seconds:.1f} s")


@main.command()
@click.argument("labels", type=_FILE)
@click.argument("said", type=_FILE, nargs=-1, required=True)
def table(labels: Path, said: Sequence[Path]) -> None:
    """Print, as CSV, how many labelled findings of each rule are still said, and are right.

    SAID are outputs of `run`: what they say no longer is counted no more.
    """
    still = Counter[tuple[str, str, str, str, int]]()
    every = Counter[str]()
    for each in (one for file in said for one in read_lines(file)):
        for found in each.findings:
            still[each.repository, each.commit, found.code, found.path, found.line] += 1
            every[found.code] += 1
    read, right = Counter[str](), Counter[str]()
    for label in _labels(labels):
        if still[label[:5]]:
            read[label.code] += 1
            right[label.code] += label.right
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["code", "read", "right", "findings"])
    out.writerows((code, read[code], right[code], every[code]) for code in sorted(every))


@main.command()
@click.argument("said", type=_FILE)
def count(said: Path) -> None:
    """Print how much is said about a change, for each repository and in all."""
    groups: dict[str, list[Reviewed]] = defaultdict(list)
    for each in read_lines(said):
        groups[each.repository].append(each)
        groups["all"].append(each)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["repository", "changes", "findings", "comments", "silent", "seconds", "crashes"])
    for name, every in sorted(groups.items(), key=lambda pair: (pair[0] == "all", pair[0])):
        found = [one for each in every for one in each.findings]
        silent = sum(not any(one.is_comment for one in each.findings) for each in every)
        seconds = sum(each.seconds for each in every) / len(every)
        crashes = sum(len(each.crashes) for each in every)
        comments = sum(one.is_comment for one in found)
        out.writerow([name, len(every), len(found), comments, silent, f"{seconds:.1f}", crashes])


if __name__ == "__main__":
    main()
