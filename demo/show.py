"""Prints the demonstration as a person would read it on GitHub."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group
from rich.markdown import Markdown
from rich.padding import Padding
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from demo.compare import Comparison

_HIDDEN = re.compile(r"<!--.*?-->", re.DOTALL)
_FOLD = re.compile(r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", re.DOTALL)
_SUGGESTION = re.compile(r"^(`{3,})suggestion[^\n]*\n(.*?)^\1[ \t]*$", re.DOTALL | re.MULTILINE)
_TAGS = re.compile(r"</?(sub|sup|br|b|i|em|strong|code|kbd)\b[^>]*>")
_ENTITY = re.compile("\u200b|\u2060")
Row = Mapping[str, Any]


def opening(console: Console) -> None:
    console.print(
        "[bold]Stet reviews a pull request.[/] GitHub is a stand-in on this machine; git, Redis, "
        "the receiver, the worker and the review are real.\n"
    )


def pull_request(console: Console, url: str) -> None:
    console.print(f"\n[bold]Pull request[/] {url}")


def check(console: Console, run: Row) -> None:
    """The check run: verdict, title, summary."""
    colour = {"success": "green", "failure": "red"}.get(run["conclusion"], "yellow")
    output = run["output"]
    head = Text.assemble((f"{run['name']}: {run['conclusion']}", f"bold {colour}"), " \u00b7 ")
    head.append(output["title"] or "")
    console.print(Panel(Group(head, Markdown(_plain(output["summary"] or ""))), expand=True))


def comments(console: Console, rows: Sequence[Row]) -> None:
    """Each inline comment below the line that it is about."""
    ordered = sorted(rows, key=lambda each: (each["path"], each["line"] or 0))
    for each in ordered:
        line = each["line"]
        place = f"{each['path']}:{line}" if line else f"{each['path']} (the file)"
        parts: list[Any] = []
        if line:
            parts.append(_hunk(each["diff_hunk"]))
        parts += _body(each["body"])
        title = f"[bold]{each['user']['login']}[/] on {place}"
        console.print(Panel(Group(*parts), title=title, title_align="left"))


def _hunk(hunk: str) -> Syntax:
    return Syntax("\n".join(hunk.splitlines()[-3:]), "diff", theme="ansi_dark")


def _body(body: str) -> list[Any]:
    """Comment text, with suggestions as the green lines that GitHub shows."""
    text = _FOLD.sub(lambda match: f"\u25b8 *{match[1].strip()}*", body)
    parts: list[Any] = []
    at = 0
    for match in _SUGGESTION.finditer(text):
        parts.append(Markdown(_plain(text[at : match.start()])))
        lines = "\n".join(f"+ {line}" for line in match[2].rstrip("\n").split("\n"))
        parts.append(Padding(Text(f"Suggested change\n{lines}", "green"), (0, 2)))
        at = match.end()
    parts.append(Markdown(_plain(text[at:])))
    return parts


def _plain(text: str) -> str:
    return _ENTITY.sub("", _TAGS.sub("", _HIDDEN.sub("", text)))


def comparison(console: Console, result: Comparison) -> None:
    table = Table(title=result.title, title_justify="left", box=None, show_header=False)
    for each in result.lines:
        mark = "[green]\u2713[/]" if each.good else "[red]\u2717[/]"
        table.add_row(mark, Text(each.what, "bold"), Text(each.words))
    console.print()
    console.print(table)
    console.print()


def mails(console: Console, sent: Sequence[Any]) -> None:
    count = len([each for each in sent if each.author.endswith("[bot]")])
    console.print(f"Mail that a subscriber got from Stet: {count}.")


def ending(console: Console, seconds: float) -> None:
    console.print(f"Done in {seconds:.1f} s.")


def how_to_keep(console: Console) -> None:
    console.print("See the page in a browser: [bold]make demo KEEP=1[/]")
