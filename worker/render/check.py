"""The check run: a verdict, a short summary, the full list, and marks beside the code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rules.engine.config import ConfigProblem
from rules.engine.finding import Finding, Report
from rules.kit import Severity
from worker.matching import Said
from worker.outcomes import Record
from worker.placing import Reason, Unplaced
from worker.plan import Ignored, ReviewPlan
from worker.pull_request import OwnComment, PullRequest
from worker.render.checklist import checklist_part
from worker.render.dismissal import reason_of
from worker.render.text import clean, code, fence_for, fit, prose

MOST_BYTES = 65_000
MOST_ANNOTATIONS = 200
_MOST_ROWS = 50
_SEVERITIES = (Severity.ERROR, Severity.WARNING, Severity.NOTICE)


@dataclass(frozen=True, slots=True)
class Preview:
    """What the configuration that the pull request itself brings comes to."""

    problems: tuple[ConfigProblem, ...] = ()
    findings: int = 0
    instead_of: int = 0


@dataclass(frozen=True, slots=True)
class About:
    """What was run: shown in the footer of each check run."""

    config_origin: str
    engine: str
    rule_pack: str
    seconds: float
    problems: tuple[ConfigProblem, ...] = ()
    patch: str = ""
    demoted: Mapping[str, Record] = field(default_factory=dict)
    preview: Preview | None = None
    may_write: bool = False


@dataclass(frozen=True, slots=True)
class Annotation:
    """A mark beside a line. Columns only where it stands on one line, as GitHub wants it."""

    path: str
    start_line: int
    end_line: int
    level: Literal["notice", "warning", "failure"]
    title: str
    message: str
    start_column: int | None = None
    end_column: int | None = None


@dataclass(frozen=True, slots=True)
class Button:
    """One of at most three buttons on the page of a check run.

    GitHub's limits: 20 characters for the label and the identifier, 40 for the description.
    """

    label: str
    description: str
    identifier: str


REVIEW_AGAIN = Button("Re-review all", "Review this commit from the start", "review-full")
POST = Button("Post as comments", "Comment on what is only listed here", "post")
FIX = Button("Apply safe fixes", "One commit with every safe fix", "fix")


@dataclass(frozen=True, slots=True)
class CheckText:
    """All words of a finished check run."""

    title: str
    summary: str
    text: str
    annotations: tuple[Annotation, ...]
    buttons: tuple[Button, ...] = ()


def check_text(
    pull_request: PullRequest, report: Report, plan: ReviewPlan, about: About
) -> CheckText:
    """What the check run says at the end of a review."""
    parts = [
        _table(plan, report),
        _blocking(plan, pull_request),
        _not_shown(plan.unplaced, pull_request),
        _strayed(plan.moved, pull_request),
        _ignored(plan.ignored, pull_request),
        _suppressed(report, pull_request),
        _demoted(plan, about),
        checklist_part(report.topics, _standing(plan), pull_request),
        _unread(report),
        _configuration(about),
        _previewed(about.preview),
        _footer(report, about, plan),
    ]
    summary = "\n\n".join(part for part in parts if part)
    return CheckText(
        title=plan.title,
        summary=fit(summary, MOST_BYTES),
        text=_text(report.findings, pull_request, about.patch),
        annotations=_annotations(plan, _mistakes(about)),
        buttons=_buttons(report, plan, about),
    )


def _standing(plan: ReviewPlan) -> tuple[Finding, ...]:
    """What is found and not dismissed."""
    return (*plan.new, *(each.finding for each in plan.still_open))


def _buttons(report: Report, plan: ReviewPlan, about: About) -> tuple[Button, ...]:
    held_back = {Reason.CAP, Reason.DRAFT} & {each.reason for each in plan.unplaced}
    fixable = any(each.fix is not None and each.fix.safe for each in report.findings)
    wanted = (
        (REVIEW_AGAIN, bool(report.findings)),
        (POST, bool(held_back)),
        (FIX, about.may_write and fixable),
    )
    return tuple(button for button, is_wanted in wanted if is_wanted)


def _text(findings: Sequence[Finding], pull_request: PullRequest, patch: str) -> str:
    listed = fit(_full_list(findings, pull_request), MOST_BYTES)
    if not patch:
        return listed
    fence = fence_for(patch)
    block = "\n".join(
        ["", "### Every fix as one patch", "", f"{fence}diff", patch.rstrip("\n"), fence]
    )
    if len(listed.encode()) + len(block.encode()) > MOST_BYTES:
        return fit(f"{listed}\n\nThe fixes together are too long to show as a patch.", MOST_BYTES)
    return f"{listed}\n{block}"


def _table(plan: ReviewPlan, report: Report) -> str:
    columns = {
        "new": Counter(each.severity for each in plan.new),
        "still open": Counter(each.finding.severity for each in plan.still_open),
        "fixed": _severities_of(plan.fixed),
        "dismissed": Counter(
            finding.severity
            for finding in (
                *(said.finding for said in plan.dismissed),
                *(one.finding for one in plan.ignored),
            )
        ),
        "suppressed in code": Counter(each.finding.severity for each in report.suppressed),
    }
    rows = [s for s in _SEVERITIES if any(column[s] for column in columns.values())]
    if not rows:
        return ""
    head = f"| | {' | '.join(columns)} |\n|--|{'--:|' * len(columns)}"
    body = [f"| {s.value} | {' | '.join(str(c[s]) for c in columns.values())} |" for s in rows]
    return "\n".join([head, *body])


def _severities_of(comments: Iterable[OwnComment]) -> Counter[Severity]:
    """Our own title lines end with the severity."""
    count: Counter[Severity] = Counter()
    for comment in comments:
        word = comment.body.partition("\n")[0].rpartition(" · ")[2].strip("~ ")
        known = next((each for each in _SEVERITIES if each.value == word), Severity.NOTICE)
        count[known] += len(comment.markers)
    return count


def _line(finding: Finding, pull_request: PullRequest) -> str:
    link = pull_request.permalink(finding.path, finding.span.line)
    place = code(finding.path if finding.file_level else f"{finding.path}:{finding.span.line}")
    return f"- `{finding.code}` [{place}]({link}) {prose(finding.message)}"


def _list(heading: str, rows: Sequence[str]) -> str:
    if not rows:
        return ""
    rest = len(rows) - _MOST_ROWS
    more = [f"- and {rest} more"] if rest > 0 else []
    return "\n".join([f"### {heading}", *rows[:_MOST_ROWS], *more])


def _blocking(plan: ReviewPlan, pull_request: PullRequest) -> str:
    return _list("These fail the check", [_line(each, pull_request) for each in plan.blocking])


def _not_shown(unplaced: Sequence[Unplaced], pull_request: PullRequest) -> str:
    rows = [f"{_line(each.finding, pull_request)} ({each.reason.value})" for each in unplaced]
    return _list("Not shown as comments", rows)


def _strayed(moved: Sequence[Said], pull_request: PullRequest) -> str:
    page = f"{pull_request.web_url}/pull/{pull_request.key.number}"
    rows = [
        f"{_line(each.finding, pull_request)} ([comment]({page}#discussion_r{each.comment.id}))"
        for each in moved
    ]
    return _list("Said before, on lines that were edited or are no longer in the diff", rows)


def _ignored(ignored: Sequence[Ignored], pull_request: PullRequest) -> str:
    rows = [f"{_line(each.finding, pull_request)} ({reason_of(each.why)})" for each in ignored]
    return _list("Dismissed in this pull request", rows)


def _suppressed(report: Report, pull_request: PullRequest) -> str:
    rows = [
        f"- `{each.finding.code}` [{code(f'{each.finding.path}:{each.line}')}]"
        f"({pull_request.permalink(each.finding.path, each.line)}) "
        f"{prose(each.reason) or 'no reason given'}"
        for each in report.suppressed
    ]
    return _list("Silenced by comments in this pull request", rows)


def _demoted(plan: ReviewPlan, about: About) -> str:
    codes = {each.finding.code for each in plan.unplaced if each.reason is Reason.DEMOTED}
    rows = [
        f"- `{code}` was dismissed {record.unwanted} of {record.judged} times in this repository. "
        f'`keep = ["{code}"]` under `[rules]` brings its comments back.'
        for code, record in about.demoted.items()
        if code in codes
    ]
    return _list("Rules that are only told here", rows)


def _unread(report: Report) -> str:
    rows = [
        f"- {code(each.path) + ': ' if each.path else ''}{prose(each.reason)}"
        for each in report.skipped
    ]
    broken = [
        f"- {code(c.path)}: rule `{c.rule}` failed there; this is a fault of Stet"
        for c in report.crashes
    ]
    return _list("Not reviewed", [*rows, *broken])


def _configuration(about: About) -> str:
    if not about.problems:
        return ""
    rows = [f"- {code(f'{p.path}:{p.line}')} {prose(p.message)}" for p in about.problems]
    return _list("The configuration has a mistake; what is wrong was left out", rows)


def _previewed(preview: Preview | None) -> str:
    if preview is None:
        return ""
    if preview.problems:
        rows = [f"- {code(f'{p.path}:{p.line}')} {prose(p.message)}" for p in preview.problems]
        return _list("The configuration that this pull request brings has a mistake", rows)
    return (
        "The configuration that this pull request brings counts once it is merged. With it there "
        f"would be {preview.findings} findings here instead of {preview.instead_of}."
    )


def _mistakes(about: About) -> tuple[ConfigProblem, ...]:
    """What is wrong at the head is marked in the diff; elsewhere a mark has no line to stand on."""
    return about.preview.problems if about.preview else about.problems


def _footer(report: Report, about: About, plan: ReviewPlan) -> str:
    files = f"{report.files} {'file' if report.files == 1 else 'files'} reviewed"
    words = [files, f"{report.rules} rules", f"{about.seconds:.1f} s"]
    if plan.hotspots:
        words.insert(1, f"{plan.hotspots} for a person to judge, not shown")
    runs_on = [f"Python {report.python}"] if report.python else []
    runs_on += report.frameworks
    words += [f"project: {', '.join(runs_on)}"] if runs_on else []
    words += [f"configuration: {about.config_origin}"]
    words += [f"Stet {about.engine}, rule pack {about.rule_pack}"]
    return " · ".join(words)


def _full_list(findings: Sequence[Finding], pull_request: PullRequest) -> str:
    if not findings:
        return ""
    rows = [f"{_line(f, pull_request)} ({f.severity.value})" for f in findings]
    return "\n".join(["### Everything that this pull request introduces", *rows])


def _annotations(plan: ReviewPlan, problems: Sequence[ConfigProblem]) -> tuple[Annotation, ...]:
    mistakes = [
        Annotation(
            clean(p.path), p.line, p.line, "warning", "Stet's configuration", clean(p.message)
        )
        for p in problems
    ]
    return tuple([*mistakes, *map(_annotation, plan.annotations)][:MOST_ANNOTATIONS])


def _annotation(finding: Finding) -> Annotation:
    span = finding.span
    last = span.end_line - (span.end_column == 1 and span.end_line > span.line)
    columns = (span.column, span.end_column) if last == span.line == span.end_line else (None, None)
    level: dict[Severity, Literal["notice", "warning", "failure"]] = {
        Severity.ERROR: "failure",
        Severity.WARNING: "warning",
        Severity.NOTICE: "notice",
    }
    return Annotation(
        path=finding.path,
        start_line=span.line,
        end_line=last,
        level=level[finding.severity],
        title=clean(f"{finding.code} {finding.name}")[:255],
        message=clean(finding.message)[:2000],
        start_column=columns[0],
        end_column=columns[1],
    )
