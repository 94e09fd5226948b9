"""One check run for several pull requests that have the same head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from worker.plan import Conclusion
from worker.render.check import MOST_BYTES, CheckText
from worker.render.text import fit, prose
from worker.verdicts import Verdict

_WORST_FIRST: tuple[Conclusion, ...] = ("failure", "cancelled", "neutral", "success")


def worst(own: Conclusion, others: Sequence[Verdict]) -> Conclusion:
    """What the commit comes to: its check run stands in all of them."""
    said = {own, *(each.conclusion for each in others)}
    return next((each for each in _WORST_FIRST if each in said), own)


def with_others(text: CheckText, others: Sequence[Verdict]) -> CheckText:
    """The words of a check run, and those of the other pull requests."""
    if not others:
        return text
    rows = [f"- #{each.number}: {prose(each.title)}" for each in others]
    section = "\n".join(["### Other pull requests with this head commit", *rows])
    numbers = ", ".join(f"#{each.number}" for each in others if each.conclusion == "failure")
    title = f"{text.title}; {numbers} fails" if numbers else text.title
    return replace(text, title=title, summary=fit(f"{section}\n\n{text.summary}", MOST_BYTES))
