"""The checklist in the check run: what was looked after, what came of it, and what to ask."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from rules.engine.catalogue import checklist
from rules.engine.checklist_topics import home_of
from rules.engine.discover import CHECKLIST_URL
from rules.engine.finding import Finding, Question, Topic
from rules.kit import Severity
from worker.pull_request import PullRequest
from worker.render.text import code, prose

_MOST_ITEMS = 6
_MOST_CODES = 4


def checklist_part(
    topics: Sequence[Topic], findings: Sequence[Finding], pull_request: PullRequest
) -> str:
    """At most a screen; nothing where the change touches nothing of the checklist.

    Categories with findings or questions stand open, the others in a fold.
    """
    found: dict[str, list[Finding]] = defaultdict(list)
    for each in findings:
        found[home_of(each.category)].append(each)
    loud = [each for each in topics if each.questions or found[each.category]]
    clean = [each for each in topics if each.rows and not found[each.category]]
    parts = ["### Checklist"] if loud else []
    if any(found[each.category] for each in loud):
        parts.append(_table([each for each in loud if found[each.category]], found))
    asked = [_question(each, one, pull_request) for each in loud for one in each.questions]
    if asked:
        parts.append("\n".join(["Only a person can tell:", "", *asked]))
    if any(each.rows for each in topics):
        parts.append(_fold(topics, [_title(each).lower() for each in clean]))
    return "\n\n".join(parts)


def _table(topics: Sequence[Topic], found: Mapping[str, Sequence[Finding]]) -> str:
    rows = [
        f"| {_title(each)} | {_several(len(each.rows), 'point')}, "
        f"{_several(len(each.rules), 'rule')} | {_counted(found[each.category])} |"
        for each in topics
    ]
    return "\n".join(["| Checklist | Checked by Stet | Found |", "|--|--|--|", *rows])


def _counted(findings: Sequence[Finding]) -> str:
    count = Counter(each.severity for each in findings)
    words = ", ".join(
        _several(count[each], each.value) for each in reversed(Severity) if count[each]
    )
    gravest = sorted(findings, key=lambda each: -each.severity.rank)
    codes = [f"`{each}`" for each in dict.fromkeys(each.code for each in gravest)]
    rest = len(codes) - _MOST_CODES
    more = f" and {rest} more" if rest > 0 else ""
    return f"{words}: {', '.join(codes[:_MOST_CODES])}{more}"


def _question(topic: Topic, question: Question, pull_request: PullRequest) -> str:
    place = ""
    if question.path:
        shown = f"{question.path}:{question.line}" if question.line else question.path
        link = pull_request.permalink(question.path, question.line or 1)
        place = f", [{code(shown)}]({link})"
    return f"- **{_title(topic)}** {prose(question.text)} ({prose(question.because)}{place})"


def _fold(topics: Sequence[Topic], clean: Sequence[str]) -> str:
    items = {row.id: row.item for row in checklist()}
    checked = [each for each in topics if each.rows]
    points = f"{_several(sum(len(each.rows) for each in checked), 'point')} of the checklist"
    heading = f"{points} checked. Nothing found in: {', '.join(clean)}" if clean else points
    lines = []
    for each in checked:
        rest = len(each.rows) - _MOST_ITEMS
        more = f" · {rest} more" if rest > 0 else ""
        told = " · ".join(prose(items.get(row, row)) for row in each.rows[:_MOST_ITEMS])
        lines.append(f"- **{_title(each)}** {told}{more}")
    return "\n".join(
        [
            f"<details><summary>{heading}</summary>",
            "",
            *lines,
            "",
            f"[The whole checklist]({CHECKLIST_URL})",
            "",
            "</details>",
        ]
    )


def _title(topic: Topic) -> str:
    return topic.category.capitalize()


def _several(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
