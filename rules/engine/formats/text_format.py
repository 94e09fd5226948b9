"""What a person reads at a terminal: the place, the sentence, the line with a caret."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from io import StringIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rules.engine.finding import Finding, Question, Report
from rules.engine.fix import apply
from rules.kit import Severity

Sources = Callable[[str], str | None]
_STYLE = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTICE: "bold cyan"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_WIDTH = 100


def write(report: Report, sources: Sources, *, colour: bool, with_statistics: bool = False) -> str:
    """The report for a terminal. `sources` gives the text of a path, to quote from."""
    out = StringIO()
    console = Console(
        file=out, force_terminal=colour, no_color=not colour, width=_WIDTH, highlight=False,
        soft_wrap=True,
    )  # fmt: skip
    for each in report.findings:
        _finding(console, each, sources(each.path))
    for skip in report.skipped:
        console.print(Text.assemble((_plain(skip.path), "bold"), f": {_plain(skip.reason)}"))
    for crash in report.crashes:
        words = f"{crash.path}: rule {crash.rule} failed and was left out: {crash.error}"
        console.print(Text(_plain(words), "red"))
    if with_statistics and report.findings:
        _table(console, report)
    console.print(_verdict(report))
    if report.questions:
        asked = ", ".join(_plain(f"{each.row}{_place(each)}") for each in report.questions)
        console.print(Text(f"For a person to answer: {asked}", "dim"))
    return out.getvalue()


def _plain(text: str) -> str:
    """Without control characters: a file name must not drive the terminal."""
    return _CONTROL.sub("\ufffd", text)


def _finding(console: Console, finding: Finding, text: str | None) -> None:
    place = f"{_plain(finding.path)}:{finding.span.line}:{finding.span.column}"
    head = Text.assemble(
        (place, "bold"),
        "  ",
        (f"{finding.severity.value} {finding.code}", _STYLE[finding.severity]),
        f" {finding.name}",
    )
    console.print(head)
    lines = text.split("\n") if text is not None else []
    quotable = not finding.file_level and not finding.hides_match
    if quotable and 0 < finding.span.line <= len(lines):
        _excerpt(console, finding, lines)
    console.print(Text(f"    {_plain(finding.message)}"))
    for each in finding.related:
        console.print(Text(f"    {_plain(each.path)}:{each.line}: {_plain(each.message)}", "dim"))
    if finding.fix is not None and text is not None:
        _cure(console, finding, text)
    console.print()


def _excerpt(console: Console, finding: Finding, lines: list[str]) -> None:
    span = finding.span
    line = _plain(lines[span.line - 1].rstrip("\r").replace("\t", " "))
    end = span.end_column if span.end_line == span.line else len(line) + 1
    start = max(0, span.column - 60) if len(line) > 110 else 0
    gutter = f"{span.line:>5} | "
    console.print(Text.assemble((gutter, "dim"), line[start : start + 110]))
    width = max(1, min(end, start + 111) - span.column)
    blank = " " * (len(gutter) - 2) + "| " + " " * (span.column - 1 - start)
    console.print(Text.assemble((blank, "dim"), ("^" * width, _STYLE[finding.severity])))


def _cure(console: Console, finding: Finding, text: str) -> None:
    fix = finding.fix
    changed = apply(text, fix.edits) if fix is not None else None
    if fix is None or changed is None:
        return
    console.print(Text(f"    {'fix' if fix.safe else 'suggestion'}:", "green"))
    old, new = text.split("\n"), changed.split("\n")
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    for line in () if finding.hides_match else old[start : len(old) - end]:
        console.print(Text(f"      - {_plain(line)}", "red"))
    for line in new[start : len(new) - end]:
        console.print(Text(f"      + {_plain(line)}", "green"))


def _table(console: Console, report: Report) -> None:
    table = Table("Rule", "Name", "Findings", box=None)
    names = {each.code: each.name for each in report.findings}
    for code, count in Counter(each.code for each in report.findings).most_common():
        table.add_row(code, names[code], str(count))
    console.print(table)


def _verdict(report: Report) -> Text:
    files = _count(report.files, "file")
    if not report.findings:
        return Text(f"No findings in {files}.", "green")
    by = Counter(each.severity for each in report.findings)
    words = [_count(by[each], each.value) for each in reversed(Severity) if by[each]]
    cures = sum(1 for each in report.findings if each.fix is not None)
    more = f" {_count(cures, 'fix', 'fixes')} offered." if cures else ""
    return Text(f"{', '.join(words)} in {files}.{more}", "bold")


def _place(question: Question) -> str:
    if not question.path:
        return ""
    line = f":{question.line}" if question.line else ""
    return f" ({question.path}{line})"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
