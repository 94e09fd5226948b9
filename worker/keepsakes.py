"""Dismissals of which no thread tells, as hidden lines of a review of ours. Pure.

A deleted comment takes with it what was decided about it. GitHub keeps the review that it came
in, and changing the body of a review mails nobody. Each body holds all of them, with the moment
of writing: the newest counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import cast
from urllib.parse import quote, unquote

from worker.ledger import Dismissal, Kind, Ledger
from worker.pull_request import OwnReview

MOST_BYTES = 50_000  # of a body that may have 65,535
_MOST_REASON = 100
_HEAD = re.compile(r"<!-- stet:kept at=(?P<at>\d{1,16}) -->")
_LINE = re.compile(
    r"<!-- stet:gone fp=(?P<fp>[\w.:-]{1,128}) path=(?P<path>[^\s<>]+)"
    r" rule=(?P<code>[A-Z]{3}\d{3}) kind=(?P<kind>ignore|fp|deleted|gone)"
    r" clears=(?P<clears>[01]) by=(?P<by>[^\s<>]*) why=(?P<why>[^\s<>]*) -->"
)


def unshown(ledger: Ledger) -> dict[str, Dismissal]:
    """The dismissed findings that no comment of ours speaks about, as the ledger names them."""
    return {name: why for name, why in ledger.findings.items() if name not in ledger.said}


def keeping(body: str, kept: Mapping[str, Dismissal], at: int) -> str:
    """A body of a review with these behind its words; `at` in milliseconds, rising."""
    lines = [_line(name, why) for name, why in kept.items() if why.code]
    while sum(len(each) + 1 for each in lines) > MOST_BYTES:
        lines = lines[len(lines) // 10 + 1 :]
    return "\n".join([words_of(body), "", f"<!-- stet:kept at={at} -->", *lines]).lstrip("\n")


def words_of(body: str) -> str:
    """What people see of a body."""
    return body.partition("<!-- stet:kept ")[0].rstrip()


def holder(reviews: Iterable[OwnReview]) -> OwnReview | None:
    """The review that should hold them: the one that does, else the newest with words."""
    every = tuple(reviews)
    holding = [each for each in every if _at(each.body)]
    if holding:
        return max(holding, key=lambda each: _at(each.body))
    return next((each for each in reversed(every) if each.body), every[-1] if every else None)


def found(reviews: Iterable[OwnReview]) -> dict[str, Dismissal]:
    """What was kept the last time."""
    newest = max((each.body for each in reviews), key=_at, default="")
    return dict(_read(match) for match in _LINE.finditer(newest)) if _at(newest) else {}


def _at(body: str) -> int:
    match = _HEAD.search(body)
    return int(match["at"]) if match else 0


def _line(name: str, why: Dismissal) -> str:
    fingerprint, _, path = name.partition(" ")
    return (
        f"<!-- stet:gone fp={fingerprint} path={_coded(path)} rule={why.code} kind={why.kind}"
        f" clears={int(why.clears)} by={_coded(why.by)} why={_coded(why.reason[:_MOST_REASON])} -->"
    )


def _coded(text: str) -> str:
    """Without blanks and brackets, and without the two hyphens that would end the comment."""
    return quote(text, safe="/").replace("-", "%2D")


def _read(match: re.Match[str]) -> tuple[str, Dismissal]:
    path, by, reason = (unquote(match[name]) for name in ("path", "by", "why"))
    kind = cast("Kind", match["kind"])
    why = Dismissal(kind, by, reason, clears=match["clears"] == "1", code=match["code"])
    return f"{match['fp']} {path}", why
