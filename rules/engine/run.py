"""Reviews: what whole files hold, or what a change introduces."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from types import MappingProxyType

import libcst as cst

from rules.engine import discover
from rules.engine.checklist_topics import topics
from rules.engine.config import Config
from rules.engine.finding import Crash, Deferred, Finding, Report, Skip, Suppressed, VerifiedFix
from rules.engine.fingerprint import numbered
from rules.engine.fix import verified_fixes
from rules.engine.index import ProjectIndex
from rules.engine.inspect import Ear, Inspection, Placed, inspect, inspect_change, inspect_unread
from rules.engine.noqa import NoqaComments
from rules.engine.options import options_of
from rules.engine.scope import PathFilter
from rules.engine.snapshot import Snapshot
from rules.engine.suppress import Suppressions
from rules.engine.target import frameworks_of, runs_on, target_of
from rules.facts.linters import Linters
from rules.kit import Change, Confidence, FileChange, Project, Rule, Severity

OnFile = Callable[[str], object]


def check(
    files: Iterable[tuple[str, bytes]],
    project: ProjectIndex,
    config: Config,
    rules: Sequence[Rule] | None = None,
    *,
    on_file: OnFile = str,
    skip: Mapping[str, str] = MappingProxyType({}),
) -> Report:
    """Review whole files, whoever wrote them.

    `on_file` hears the path of each file before it is parsed; files in `skip` are left out,
    with the reason given there.
    """
    chosen = discover.selected(config) if rules is None else tuple(rules)
    ear = Ear.of(chosen, options_of(config, chosen), discover.all_rules())
    paths = PathFilter(config)
    found = _Collected(config, chosen)
    started = perf_counter()
    for path, data in files:
        if paths.excludes(path):
            continue
        if path in skip:
            found.skipped.append(Skip(path, skip[path]))
            continue
        on_file(path)
        found.files += 1
        inspection = inspect(path, data, project, ear)
        found.take(inspection, inspection.placed, data, project, ear)
    on_file("")
    return found.report(perf_counter() - started, project)


def review(
    snapshot: Snapshot,
    config: Config,
    rules: Sequence[Rule] | None = None,
    *,
    on_file: OnFile = str,
    skip: Mapping[str, str] = MappingProxyType({}),
) -> Report:
    """Review what a change introduces: what reviewing the version before it would not find.

    `on_file` and `skip` as for `check`.
    """
    chosen = discover.selected(config) if rules is None else tuple(rules)
    ear = Ear.of(chosen, options_of(config, chosen), discover.all_rules())
    paths = PathFilter(config)
    found = _Collected(config, chosen)
    started = perf_counter()
    changes = []
    sides = []
    for each in snapshot.changes:
        if paths.excludes(each.path):
            continue
        if each.path in skip:
            found.skipped.append(Skip(each.path, skip[each.path]))
            continue
        on_file(each.path)
        changes.append(each)
        sides.append((each, *_both_sides(each, snapshot, ear)))
    new = _introduced([(c, b, a) for c, b, a in sides if a is not None], config)
    for change, _before, after in sides:
        if after is None:
            continue
        found.files += 1
        on_file(change.path)
        placed = [each for each in after.placed if id(each) in new]
        found.take(after, placed, change.after or b"", snapshot.after, ear)
    on_file("")
    trees = {c.path: (b.module if b else None, a.module if a else None) for c, b, a in sides}
    found.take_change(_as_change(snapshot, tuple(changes), trees), ear)
    read = [change for change, _, after in sides if after is None or after.skip is None]
    report = found.report(perf_counter() - started, snapshot.after)
    elsewhere = {each.code for each in report.deferred}
    told = topics(read, report.findings, ear, elsewhere, report.frameworks)
    return replace(report, topics=told)


def _both_sides(
    change: FileChange, snapshot: Snapshot, ear: Ear
) -> tuple[Inspection | None, Inspection | None]:
    before = after = None
    if change.status != "added":
        before = _side(change.old_path, change.before, snapshot.before, ear)
    if change.status != "removed":
        after = _side(change.path, change.after, snapshot.after, ear)
    return before, after


def _side(path: str, data: bytes | None, project: ProjectIndex, ear: Ear) -> Inspection | None:
    """One version of a file; of one that was not read, what its name and size say."""
    entry = project.tree.get(path)
    if data is not None:
        return inspect(path, data, project, ear, mode=entry.mode if entry else "")
    if entry is None or not entry.is_file:
        return None
    return inspect_unread(path, entry.size, project, ear)


def _as_change(
    snapshot: Snapshot,
    files: tuple[FileChange, ...],
    trees: Mapping[str, tuple[cst.Module | None, cst.Module | None]],
) -> Change:
    return Change(
        files,
        snapshot.before,
        snapshot.after,
        trees,
        snapshot.title,
        snapshot.body,
        snapshot.advisories,
        snapshot.commits,
    )


Sides = tuple[FileChange, Inspection | None, Inspection]


def _introduced(sides: Sequence[Sides], config: Config) -> frozenset[int]:
    """The ids of findings after the change that the version before does not account for.

    Within a file equal findings are counted against each other; what is left over may be
    accounted for by one that stood there before (the function around it has another name now,
    or an argument beside it another value), or by one that went away in another file of the
    change: moved code.
    """
    if config.review.scope != "introduced":
        return frozenset(
            id(each)
            for change, _, after in sides
            for each in after.placed
            if config.review.scope == "changed-files" or _touches(each, change.added)
        )
    left: list[Placed] = []
    gone: Counter[str] = Counter()
    for change, before, after in sides:
        if before is not None and before.skip is not None:
            continue  # what could not be read before is not blamed now
        old = Counter(each.key for each in before.placed) if before else Counter[str]()
        groups: dict[str, list[Placed]] = defaultdict(list)
        for each in after.placed:
            groups[each.key].append(each)
        for key, group in groups.items():
            surplus = len(group) - old[key]
            group.sort(key=lambda each: (not _touches(each, change.added), each.span))
            left.extend(group[: max(0, surplus)])
        lost = old - Counter({key: len(group) for key, group in groups.items()})
        if lost and before is not None:
            left = _without_old(left, before.placed, lost, change)
        gone += lost
    new = []
    for each in left:
        if gone[each.key] > 0:
            gone[each.key] -= 1
        else:
            new.append(each)
    return frozenset(id(each) for each in new)


def _without_old(
    left: list[Placed], before: Sequence[Placed], lost: Counter[str], change: FileChange
) -> list[Placed]:
    """Those that no lost finding accounts for; counts off the lost ones that do.

    One does that said the same on the same, untouched line, whatever the function is called
    now, or of what stood in this function where lines were rewritten.
    """
    old, new = _Lines.of(change.removed), _Lines.of(change.added)
    there: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for each in before:
        if lost[each.key] > 0:
            there[_standing(each, old)].append(each.key)
    kept = []
    for each in left:
        same = there.get(_standing(each, new)) if each.path == change.path else None
        if same:
            lost[same.pop()] -= 1
        else:
            kept.append(each)
    return kept


def _standing(placed: Placed, lines: _Lines) -> tuple[object, ...]:
    """Where a finding stands and what it says, in words that hold on both sides of a change."""
    line, said = placed.span.line, placed.flag.message
    for name in placed.scope.split("."):
        said = said.replace(f"`{name}`", "``")
    scope = placed.scope if line in lines.touched else None
    return placed.rule.code, lines.kept_above(line), scope, said


@dataclass(frozen=True)
class _Lines:
    """One side of a changed file: which lines only this side has."""

    touched: frozenset[int]
    in_order: tuple[int, ...]

    @classmethod
    def of(cls, touched: frozenset[int]) -> _Lines:
        return cls(touched, tuple(sorted(touched)))

    def kept_above(self, line: int) -> int:
        """How many lines above this one both sides have."""
        return line - 1 - bisect_left(self.in_order, line)


def _touches(placed: Placed, added: frozenset[int]) -> bool:
    return any(line in added for line in range(placed.span.line, placed.span.end_line + 1))


def _fixes_of_change(
    inspection: Inspection, said: Sequence[Placed], change: Change, ear: Ear
) -> Mapping[int, VerifiedFix]:
    """Those that leave the file without any finding that it did not have."""
    file = next((each for each in change.files if each.path == inspection.path), None)
    if file is None or file.after is None or not any(each.flag.fix for each in said):
        return {}
    alone = inspect(file.path, file.after, change.after, ear)
    beside = replace(alone, placed=(*alone.placed, *inspection.placed))
    return verified_fixes(beside, said, file.after, change.after, ear)


class _Collected:
    """Gathers what a review says, file by file."""

    def __init__(self, config: Config, rules: Sequence[Rule]) -> None:
        self.config = config
        self.rules = rules
        self.files = 0
        self.findings: list[Finding] = []
        self.skipped: list[Skip] = []
        self.crashes: list[Crash] = []
        self.suppressed: list[Suppressed] = []
        self.deferred: set[Deferred] = set()
        self._paths = PathFilter(config)

    def take(
        self,
        inspection: Inspection,
        placed: Sequence[Placed],
        data: bytes,
        project: ProjectIndex,
        ear: Ear,
    ) -> None:
        """Keep what `placed` says of a file; numbering counts all that the file holds."""
        self.crashes.extend(inspection.crashes)
        if inspection.skip is not None:
            self.skipped.append(inspection.skip)
        self.skipped.extend(Skip(inspection.path, note) for note in inspection.notes)
        linters = project.facts(Linters)
        said = [each for each in placed if self._is_wanted(each, linters)]
        said = self._without_noqa(said, inspection)
        silence = inspection.silence
        heard = [each for each in said if silence.silencing(each.rule, each.span) is None]
        tried = verified_fixes(inspection, heard, data, project, ear)
        fixes = self._known_to_python(tried, inspection.text, project)
        self._say(inspection.placed, said, silence, fixes)

    def take_change(self, change: Change, ear: Ear) -> None:
        """The rules on the change as a whole; what they flag is introduced by definition."""
        linters = change.after.facts(Linters)
        for inspection in inspect_change(change, ear):
            self.crashes.extend(inspection.crashes)
            said = [each for each in inspection.placed if self._is_wanted(each, linters)]
            said = self._without_noqa(said, inspection)
            silence = Suppressions.of(inspection.text, inspection.path)
            fixes = _fixes_of_change(inspection, said, change, ear)
            fixes = self._known_to_python(fixes, inspection.text, change.after)
            self._say(inspection.placed, said, silence, fixes)

    def _known_to_python(
        self, fixes: Mapping[int, VerifiedFix], text: str, project: Project
    ) -> Mapping[int, VerifiedFix]:
        if not fixes:
            return fixes
        target = target_of(self.config, project)
        return {key: fix for key, fix in fixes.items() if runs_on(target, fix, text)}

    def _without_noqa(self, said: list[Placed], inspection: Inspection) -> list[Placed]:
        if not said or not self.config.suppressions.honor_noqa:
            return said
        comments = NoqaComments(inspection.text, inspection.path)
        return [each for each in said if not comments.silences(each.rule, each.span)]

    def _say(
        self,
        every: Sequence[Placed],
        said: Sequence[Placed],
        silence: Suppressions,
        fixes: Mapping[int, VerifiedFix],
    ) -> None:
        keys = numbered([each.key for each in every])
        names = {id(each): key for each, key in zip(every, keys, strict=True)}
        for each in said:
            finding = self._finding(each, names[id(each)], fixes.get(id(each)))
            comment = silence.silencing(each.rule, each.span)
            if comment is None:
                self.findings.append(finding)
            else:
                self.suppressed.append(Suppressed(finding, comment.reason, comment.line))

    def _is_wanted(self, placed: Placed, linters: Linters) -> bool:
        if self.config.profile == "quiet" and placed.flag.severity is Severity.NOTICE:
            return False
        confidence = placed.flag.confidence or placed.rule.confidence
        if self.config.review.confidence == "proven" and confidence is Confidence.HOTSPOT:
            return False
        if self._paths.ignores(placed.path, placed.rule):
            return False
        if self.config.rules.defer_to_linters and placed.rule.defers:
            peers = placed.rule.peers if placed.flag.peers is None else placed.flag.peers
            peer = linters.covering(placed.path, peers)
            if peer:
                self.deferred.add(Deferred(placed.rule.code, peer))
                return False
        return True

    def _finding(self, placed: Placed, fingerprint: str, fix: VerifiedFix | None) -> Finding:
        rule, flag = placed.rule, placed.flag
        override = self.config.rules.severity.get(rule.code)
        severity = Severity(override) if override else flag.severity or rule.severity
        return Finding(
            code=rule.code,
            name=rule.name,
            category=rule.category,
            severity=severity,
            confidence=flag.confidence or rule.confidence,
            path=placed.path,
            span=placed.span,
            message=flag.message,
            fingerprint=fingerprint,
            url=discover.url_of(rule),
            summary=rule.summary,
            scope=placed.scope,
            cwe=rule.cwe,
            rule_version=rule.version,
            related=flag.related,
            fix=fix,
            file_level=placed.file_level,
            hides_match=rule.hides_match,
        )

    def report(self, seconds: float, project: Project) -> Report:
        target = target_of(self.config, project)
        order = sorted(self.findings, key=lambda f: (f.path, f.span, f.code, f.fingerprint))
        return Report(
            findings=tuple(order),
            skipped=tuple(sorted(self.skipped, key=lambda each: each.path)),
            crashes=tuple(sorted(self.crashes, key=lambda each: (each.path, each.rule))),
            suppressed=tuple(self.suppressed),
            deferred=tuple(sorted(self.deferred)),
            files=self.files,
            rules=len(self.rules),
            seconds={"review": seconds},
            python=f"{target[0]}.{target[1]}" if target is not None else "",
            frameworks=frameworks_of(self.config, project),
        )
