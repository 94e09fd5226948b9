"""A finding as a comment: what, its consequence here, the cure, and a fold with the why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from rules.engine.finding import Finding
from worker.ledger import Ending
from worker.placing import FileComment, InlineComment
from worker.plan import ReviewPlan
from worker.pull_request import Marker, OwnComment, PullRequest
from worker.render.text import code, fence_for, fit, one_line, prose
from worker.suggest import Suggestion

Why = Callable[[str], str]
"""The explanation of a rule, Markdown of our own, by its code."""

MOST_BYTES = 65_000  # GitHub allows 65,535 characters
_MOST_PLACES = 20
_MOST_RELATED = 8
_NOW_AT = "Now at "
_ENDINGS: Mapping[Ending | None, str] = MappingProxyType(
    {"silenced": "Silenced by a comment in the code.", "off": "The rule is no longer enabled."}
)
_HERE = "this pull request: reply `/stet ignore <reason>` · wrong? `/stet fp <reason>`"


def inline_comment(comment: InlineComment, pull_request: PullRequest, why: Why) -> str:
    """The body of a comment on lines of the diff."""
    block = _suggestion(comment.suggestion) if comment.suggestion else []
    return _body(comment.finding, comment.also, block, pull_request, why)


def file_comment(comment: FileComment, pull_request: PullRequest, why: Why) -> str:
    """The body of a comment on a file; it links the line that the diff does not show."""
    finding = comment.finding
    place: list[str] = []
    if not finding.file_level:
        link = pull_request.permalink(finding.path, finding.span.line)
        place = [f"At [line {finding.span.line}]({link}), which the diff does not show."]
    return _body(finding, comment.also, place, pull_request, why)


def struck_comment(comment: OwnComment, head: str, ending: Ending | None = None) -> str:
    """What stays of a comment when its findings are gone and somebody has answered it."""
    title = comment.body.splitlines()[0].strip().strip("~") if comment.body else ""
    said = [_fixed(marker, head) for marker in comment.markers]
    words = _ENDINGS.get(ending, f"✅ fixed in {head[:7]}") if ending else f"✅ fixed in {head[:7]}"
    return "\n".join([f"~~{title}~~", words, *map(str, said)])


def moved_comment(comment: OwnComment, finding: Finding, pull_request: PullRequest) -> str:
    """The same words, with the place where the code is now; the first line stays the first.

    One that tells this place already stays as it is, though the link is to an earlier commit.
    """
    here = f"{_NOW_AT}[{code(f'{finding.path}:{finding.span.line}')}]("
    lines = comment.body.split("\n")
    if any(each.startswith(here) for each in lines):
        return comment.body
    lines = [each for each in lines if not each.startswith(_NOW_AT)]
    link = pull_request.permalink(finding.path, finding.span.line)
    return "\n".join([lines[0], f"{here}{link}).", *lines[1:]])


def restored_comment(finding: Finding, pull_request: PullRequest, why: Why) -> str:
    """The comment of a finding that was fixed and is back."""
    return _body(finding, (), [f"Back since {pull_request.head[:7]}."], pull_request, why)


def review_body(plan: ReviewPlan, head: str) -> str:
    """The one line of the review that carries the comments."""
    old = {each.finding for each in plan.relocated}
    placed: list[InlineComment | FileComment] = [*plan.inline, *plan.file_level]
    told = [f for each in placed for f in (each.finding, *each.also)]
    count = sum(finding not in old for finding in told)
    if not count:
        return f"Stet: comments brought to where the code is on {head[:7]}"
    return f"Stet: {count} new {'finding' if count == 1 else 'findings'} on {head[:7]}"


def finished_review_body(plan: ReviewPlan, head: str) -> str:
    """What stays of a review whose comments are gone."""
    if plan.off or plan.silenced:
        return f"Stet: nothing of this review is open any more, as of {head[:7]}"
    return f"Stet: every finding of this review is fixed, by {head[:7]}"


def emptied_review_body(head: str) -> str:
    """What stays of a review whose comments stand in a newer one."""
    return f"Stet: what was said here now stands in the review of {head[:7]}"


def title_of(finding: Finding) -> str:
    """The first line: readable in a mail and on a terminal."""
    return f"**{prose(finding.summary.rstrip('.'))}** · `{finding.code}` · {finding.severity.value}"


def _fixed(marker: Marker, head: str) -> Marker:
    return Marker(
        marker.fingerprint, marker.code, marker.version, marker.sha, marker.path, fixed=head
    )


def _body(
    finding: Finding,
    also: Sequence[Finding],
    middle: list[str],
    pull_request: PullRequest,
    why: Why,
) -> str:
    lines = [title_of(finding), f"{prose(finding.message)}{_where(finding)}", *middle]
    lines += ["<details><summary>Why, and how to silence</summary>", ""]
    lines += [f"{why(finding.code).strip()} [rule]({finding.url})", ""]
    lines += _related(finding, pull_request)
    if also:
        lines += [_also(also, finding.path, pull_request), ""]
    lines += [
        _silencing(finding),
        "</details>",
    ]
    said = "\n".join(map(str, _markers((finding, *also), pull_request.head, finding.path)))
    return fit("\n".join(lines), MOST_BYTES - len(said.encode()) - 1) + "\n" + said


def _silencing(finding: Finding) -> str:
    """What is on its own line in the code, and never in what is no Python at all."""
    if not finding.file_level:
        return f"Silence here: `# stet: ignore[{finding.code}] <reason>` · for {_HERE}"
    if finding.path.endswith(".py"):
        return f"Silence here: `# stet: ignore-file[{finding.code}] <reason>` · for {_HERE}"
    return f"Silence for {_HERE}"


def _where(finding: Finding) -> str:
    """The function or class; GitHub itself names the file."""
    if not finding.scope:
        return ""
    return f" ({code(f'{one_line(finding.path)} → {one_line(finding.scope)}')})"


def _suggestion(block: Suggestion) -> list[str]:
    fence = fence_for("\n".join(block.lines))
    # The file's own line ends: GitHub writes the block into the file as it stands here.
    end = block.eol.removesuffix("\n")
    return [f"{fence}suggestion", *(line + end for line in block.lines), fence]


def _related(finding: Finding, pull_request: PullRequest) -> list[str]:
    here = (finding.path, finding.span.line)
    rows = [
        f"- [{code(f'{each.path}:{each.line}')}]({pull_request.permalink(each.path, each.line)})"
        f" {prose(each.message)}"
        for each in finding.related
        if (each.path, each.line) != here
    ][:_MOST_RELATED]
    return [*rows, ""] if rows else []


def _also(also: Sequence[Finding], path: str, pull_request: PullRequest) -> str:
    shown = []
    for each in also[:_MOST_PLACES]:
        link = f"[L{each.span.line}]({pull_request.permalink(each.path, each.span.line)})"
        shown.append(link if each.path == path else f"{code(each.path)} {link}")
    rest = len(also) - len(shown)
    more = f", and {rest} more" if rest else ""
    return f"Also at: {', '.join(shown)}{more} ({len(also)} more in this pull request)"


def _markers(findings: Iterable[Finding], head: str, path: str) -> list[Marker]:
    return [
        Marker(f.fingerprint, f.code, f.rule_version, head, "" if f.path == path else f.path)
        for f in findings
    ]
