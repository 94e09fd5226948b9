"""What `stet check`, `stet review` and `stet config` do, apart from the command line itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from rules.engine import discover, local, origins
from rules.engine.config import (
    Config,
    ConfigError,
    ConfigProblem,
    Found,
    RulesConfig,
    from_files,
    pattern_problems,
)
from rules.engine.confined import Limits, OnFile, ReviewFailedError, Task, run_confined
from rules.engine.disk_cache import DiskCache, default_folder
from rules.engine.encodings import read_shown
from rules.engine.finding import Crash, Deferred, Finding, Report, Skip, Suppressed
from rules.engine.formats import json_format, line_formats
from rules.engine.git import GitError
from rules.engine.index import ProjectIndex
from rules.engine.layers import folder_problems, with_folders
from rules.engine.parse import SPECIMEN
from rules.engine.repair import Repaired, Reviewed, repair
from rules.engine.run import check as check_files
from rules.engine.run import review as review_change
from rules.kit import Severity

_FAILING = {each.value: each for each in Severity}
# A child that dies takes its files with it, to be read again; each one gathers the facts of the
# project for itself, which takes longer the larger that is.
_FEW_FILES, _MANY_FILES, _CHILDREN = 100, 400, 16
# No configuration at all: the project's other linters have no say either.
_ISOLATED = Config(rules=RulesConfig(defer_to_linters=False))
_MANY_PARTS = 4


@dataclass(frozen=True)
class Options:
    """What the person asked for."""

    format_: str = "text"
    output: Path | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    confidence: str | None = None
    config_file: Path | None = None
    isolated: bool = False
    fix: bool = False
    exit_zero: bool = False
    statistics: bool = False
    jobs: int = 1


@dataclass(frozen=True)
class Outcome:
    """What to print, what to say on stderr, and how to exit."""

    text: str = ""
    code: int = 0
    notes: tuple[str, ...] = field(default=())
    misuse: str = ""


def check(paths: Sequence[Path], options: Options) -> Outcome:
    """Review whole files on disk."""
    try:
        found, project = local.targets(paths, DiskCache(default_folder()))
        root = local.root_of(paths)
        config = _configured(_of_folder(root, project.paths), options)
    except (local.Unreadable, ConfigError) as problem:
        return Outcome(misuse=str(problem), code=2)
    shown = {each.path: each.shown for each in found}

    def reviewed() -> Reviewed:
        pairs = [(each.path, each.data) for each in found]
        return Reviewed(_check_all(pairs, project, config, options), dict(pairs))

    def again() -> Reviewed:
        nonlocal found, project
        found, project = local.targets(paths, DiskCache(default_folder()))
        return reviewed()

    try:
        done = Repaired(reviewed())
        if options.fix:
            done = repair(done.left, {each.path: Path(each.shown) for each in found}, again)
    except (local.Unreadable, ReviewFailedError) as problem:
        return Outcome(misuse=str(problem), code=2)
    texts = {shown.get(path, path): data for path, data in done.left.files.items()}
    done = replace(done, left=Reviewed(_renamed(done.left.report, shown), texts))
    return _outcome(done, config, options)


def review(repo: Path, base: str | None, head: str | None, options: Options) -> Outcome:
    """Review a change of a local repository."""
    if options.fix and head is not None:
        return Outcome(misuse="--fix changes the work tree: leave --head away", code=2)
    try:
        change = local.change_of(repo, base, head, DiskCache(default_folder()))
        paths = change.snapshot.after.paths

        def found() -> Config:
            own = from_files(*change.config_files)
            return with_folders(own, local.folder_files(local.root_of([repo]), paths))

        config = _configured(found, options)

        def again() -> Reviewed:
            changed = local.change_of(repo, base, head, DiskCache(default_folder()))
            return _review(changed, config)

        done = Repaired(_review(change, config))
        if options.fix:
            root = local.root_of([repo])
            places = {each.path: root / each.path for each in change.snapshot.changes}
            done = repair(done.left, places, again)
    except (GitError, ConfigError, ReviewFailedError) as problem:
        return Outcome(misuse=str(problem), code=2)
    return _outcome(done, config, options)


def _of_folder(root: Path, paths: Collection[str] = ()) -> Any:
    def read() -> Config:
        found = origins.found_at(root)
        own = found.config if found is not None else Config.default()
        return with_folders(own, local.folder_files(root, paths))

    return read


def _configured(found: Any, options: Options) -> Config:
    """The configuration that holds, the command line having the last word."""
    if options.config_file is not None:
        config = _named(options.config_file).config
    else:
        config = _ISOLATED if options.isolated else found()
    rules = config.rules
    if options.select:
        rules = msgspec.structs.replace(rules, select=options.select)
    if options.ignore:
        rules = msgspec.structs.replace(
            rules, extend_ignore=(*rules.extend_ignore, *options.ignore)
        )
    review_ = config.review
    if options.confidence:
        review_ = msgspec.structs.replace(review_, confidence=options.confidence)
    return msgspec.structs.replace(config, rules=rules, review=review_)


def _named(path: Path) -> Found:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(ConfigProblem(str(path), 1, "cannot be read")) from None
    return origins.found_as(path, text)


Pairs = Sequence[tuple[str, bytes]]


def children_for(files: int) -> int:
    """By how many children so many files are read."""
    each = min(max(_FEW_FILES, -(-files // _CHILDREN)), _MANY_FILES)
    return -(-files // each)


def _check_all(files: Pairs, project: ProjectIndex, config: Config, options: Options) -> Report:
    """In children that can be killed, the largest files first."""
    discover.all_rules()
    order = sorted(files, key=lambda each: len(each[1]), reverse=True)
    count = max(options.jobs * 2 if options.jobs > 1 else 1, children_for(len(order)))
    parts = [part for part in (order[start::count] for start in range(count)) if part]
    if not parts:
        return check_files([], project, config)

    def task(part: Pairs) -> Task:
        return lambda on_file, skip: check_files(part, project, config, on_file=on_file, skip=skip)

    if len(parts) > 1:  # what is made when first needed would be made in each child again
        check_files([("a.py", SPECIMEN)], ProjectIndex({}, {}), config)
    with _progress(len(parts)) as advance:
        tasks = [task(part) for part in parts]
        return _joined(run_confined(tasks, Limits(), jobs=options.jobs, on_done=advance))


def _review(change: local.LocalChange, config: Config) -> Reviewed:
    discover.all_rules()
    changes = change.snapshot.changes

    def task(on_file: OnFile, skip: Mapping[str, str]) -> Report:
        return review_change(change.snapshot, config, on_file=on_file, skip=skip)

    (report,) = run_confined([task], Limits())
    return Reviewed(report, {each.path: each.after for each in changes if each.after is not None})


@contextmanager
def _progress(parts: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr where a person watches and there is time to watch it."""
    if parts < _MANY_PARTS or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        row = bar.add_task("Reviewing", total=parts)
        yield lambda _: bar.advance(row)


def _joined(reports: Sequence[Report]) -> Report:
    findings: list[Finding] = []
    skipped: list[Skip] = []
    crashes: list[Crash] = []
    suppressed: list[Suppressed] = []
    deferred: set[Deferred] = set()
    for each in reports:
        deferred.update(each.deferred)
        findings += each.findings
        skipped += each.skipped
        crashes += each.crashes
        suppressed += each.suppressed
    return Report(
        tuple(sorted(findings, key=lambda f: (f.path, f.span, f.code, f.fingerprint))),
        tuple(sorted(skipped, key=lambda each: each.path)),
        tuple(crashes),
        tuple(suppressed),
        tuple(sorted(deferred)),
        sum(each.files for each in reports),
        max(each.rules for each in reports),
        {"review": max(each.seconds.get("review", 0.0) for each in reports)},
        python=reports[0].python,
        frameworks=reports[0].frameworks,
    )


def _renamed(report: Report, shown: dict[str, str]) -> Report:
    """Paths as the person gave them."""

    def other(path: str) -> str:
        return shown.get(path, path)

    findings = []
    for each in report.findings:
        fix = each.fix
        if fix is not None:
            edits = tuple(replace(edit, path=other(edit.path)) for edit in fix.edits)
            fix = replace(fix, edits=edits)
        related = tuple(replace(step, path=other(step.path)) for step in each.related)
        findings.append(replace(each, path=other(each.path), fix=fix, related=related))
    return replace(
        report,
        findings=tuple(findings),
        skipped=tuple(replace(each, path=other(each.path)) for each in report.skipped),
        crashes=tuple(replace(each, path=other(each.path)) for each in report.crashes),
    )


def _outcome(done: Repaired, config: Config, options: Options) -> Outcome:
    report, fixed = done.left.report, done.fixed
    notes = [f"{fixed} finding{'s' if fixed > 1 else ''} fixed"] if fixed else []
    notes += done.notes
    unknown = discover.unknown_selectors((*config.rules.select, *config.rules.ignore))
    notes += [f"{each.code} is left to {each.peer}" for each in report.deferred]
    notes += [f"the configuration names an unknown rule: {each}" for each in unknown]
    notes += [each.message for each in pattern_problems(config, "", "")]
    failing = _FAILING.get(config.check.fail_on)
    failed = failing is not None and bool(report.at_least(failing))
    return Outcome(_written(report, done.left.files, options), int(failed), tuple(notes))


def _written(report: Report, texts: Mapping[str, bytes], options: Options) -> str:
    def source(path: str) -> str | None:
        data = texts.get(path)
        return read_shown(path, data) if data is not None else None

    match options.format_:
        case "json":
            return json_format.write(report)
        case "sarif":
            from rules.engine.formats import sarif_format

            return sarif_format.write(report)
        case "rdjson":
            return line_formats.rdjson(report, source)
        case "github":
            return line_formats.github(report)
        case "markdown":
            return line_formats.markdown(report)

    colour = options.output is None and sys.stdout.isatty()
    from rules.engine.formats import text_format

    return text_format.write(report, source, colour=colour, with_statistics=options.statistics)


def config_rows(root: Path, file: Path | None, *, isolated: bool) -> list[dict[str, Any]]:
    """Each key with its value and origin. Raises ConfigError."""
    top = local.root_of([root])
    if isolated:
        alone = Found("--isolated", "", {"rules": {"defer_to_linters": False}})
        return origins.config_rows(_ISOLATED, alone, top)
    found = origins.found_at(top) if file is None else _named(file)
    config = found.config if found is not None else Config.default()
    rows = origins.config_rows(config, found, top)
    if file is None:
        origins.with_folder_files(config, rows, top)
    return rows


def config_notes(root: Path, file: Path | None) -> tuple[str, ...]:
    """What is written there and holds nowhere. Raises ConfigError."""
    top = local.root_of([root])
    found = origins.found_at(top) if file is None else _named(file)
    problems = () if found is None else pattern_problems(found.config, found.text, found.path)
    if file is None:
        files = local.folder_files(top, local.names_under(top, [top]))
        problems += folder_problems(files)
    return tuple(f"{each.path}:{each.line}: {each.message}" for each in problems)


__all__ = ["ConfigError", "Options", "Outcome", "check", "config_notes", "config_rows", "review"]
