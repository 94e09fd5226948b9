"""What a review would have said about changes that were merged long ago. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rules.engine import discover, local
from rules.engine.config import Config, ConfigError, from_files
from rules.engine.confined import Limits, OnFile, ReviewFailedError, run_confined
from rules.engine.disk_cache import DiskCache, default_folder
from rules.engine.finding import Finding, Report
from rules.engine.git import GitError, Repository
from rules.engine.run import review
from rules.kit import Confidence


@dataclass(frozen=True, slots=True)
class Merged:
    """One change on its way to the main line."""

    sha: str
    subject: str


@dataclass(frozen=True)
class Judged:
    """What would have been said: what is proven, as the App comments on it."""

    change: Merged
    findings: tuple[Finding, ...]
    problem: str = ""


def merged(folder: Path, count: int) -> list[Merged]:
    """The newest changes of Python on the main line, merges as a whole. Raises GitError."""
    repository = Repository(folder)
    try:
        tip = repository.default_branch()
    except GitError:
        tip = repository.commit("HEAD")
    told = repository.run(
        "log", "-z", "--first-parent", "--min-parents=1", f"--max-count={count}",
        "--format=%H%x00%s", tip, "--", "*.py",
    )  # fmt: skip
    parts = told.decode("utf-8", "replace").split("\0")
    return [Merged(parts[i], parts[i + 1]) for i in range(0, len(parts) - 1, 2)]


def judged(folder: Path, changes: list[Merged]) -> Iterator[Judged]:
    """Each change as a review would have seen it, with the configuration of its day."""
    discover.all_rules()
    cache = DiskCache(default_folder())
    for each in changes:
        try:
            change = local.change_of(folder, f"{each.sha}^1", each.sha, cache)
            report = _report(change, _config_of(change))
        except (GitError, ReviewFailedError) as problem:
            yield Judged(each, (), str(problem))
            continue
        proven = (f for f in report.findings if f.confidence is Confidence.PROVEN)
        yield Judged(each, tuple(proven))


def _config_of(change: local.LocalChange) -> Config:
    try:
        return from_files(*change.config_files)
    except ConfigError:
        return Config.default()  # written for another version


def _report(change: local.LocalChange, config: Config) -> Report:
    def task(on_file: OnFile, skip: Mapping[str, str]) -> Report:
        return review(change.snapshot, config, on_file=on_file, skip=skip)

    (report,) = run_confined([task], Limits())
    return report
