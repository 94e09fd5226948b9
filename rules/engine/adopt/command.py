"""`stet init`, apart from the command line itself: says, asks, writes, shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rules.engine.adopt.layout import look_at
from rules.engine.adopt.past import Judged, judged, merged
from rules.engine.adopt.proposals import HOOKS, Proposal, proposals
from rules.kit import Severity

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_MOST_FINDINGS = 5
_LONGEST_SUBJECT = 66


@dataclass(frozen=True)
class Talk:
    """How to speak with the person. `ask` is given a question and answers it."""

    say: Callable[[str], None]
    ask: Callable[[str], bool]


def adopt(folder: Path, package: str, changes: int, talk: Talk) -> None:
    """Look, propose, write what is agreed to, and try the past. Raises GitError and OSError."""
    layout = look_at(folder)
    for line in layout.words():
        talk.say(_plain(line))
    talk.say("")
    for each in proposals(layout, package):
        _offer(layout.root, each, talk)
    if changes:
        _try_past(layout.root, changes, talk)


def _offer(root: Path, proposal: Proposal, talk: Talk) -> None:
    talk.say(f"{proposal.path}: {proposal.why}.")
    if proposal.obstacle:
        talk.say(f"  Left as it is: {proposal.obstacle}.")
        if proposal.path == HOOKS:
            talk.say(_indented(proposal.text.partition("\n")[2]))
        talk.say("")
        return
    talk.say(_indented(proposal.text))
    if talk.ask(f"Write {proposal.path}?"):
        _write(root, proposal)
        talk.say("  Written.")
    talk.say("")


def _write(root: Path, proposal: Proposal) -> None:
    """A new file; whatever stands there by now stays, and no link leads out of the repository."""
    path = root / proposal.path
    for parent in path.relative_to(root).parents:
        if (root / parent).is_symlink():
            raise OSError(f"{parent} is a link")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(proposal.text)


def _try_past(root: Path, count: int, talk: Talk) -> None:
    changes = merged(root, count)
    if not changes:
        talk.say("There is no merged change to try it on yet.")
        return
    noun = "change" if len(changes) == 1 else "changes"
    talk.say(f"What Stet would have said about the last {len(changes)} {noun}; nothing is posted.")
    talk.say("")
    told = []
    for each in judged(root, changes):
        told.append(each)
        _show(each, talk)
    _sum_up(told, talk)


def _show(each: Judged, talk: Talk) -> None:
    subject = _plain(each.change.subject)
    if len(subject) > _LONGEST_SUBJECT:
        subject = f"{subject[: _LONGEST_SUBJECT - 1]}…"
    talk.say(f"{each.change.sha[:9]} {subject}")
    if each.problem:
        talk.say(f"    could not be reviewed: {_plain(each.problem)}")
    elif not each.findings:
        talk.say("    nothing")
    for finding in each.findings[:_MOST_FINDINGS]:
        place = f"{finding.path}:{finding.span.line}"
        severity = finding.severity.name.lower()
        talk.say(f"    {_plain(place)}  {severity} {finding.code} {finding.name}")
    if len(each.findings) > _MOST_FINDINGS:
        talk.say(f"    and {len(each.findings) - _MOST_FINDINGS} more")


def _sum_up(told: list[Judged], talk: Talk) -> None:
    findings = [finding for each in told for finding in each.findings]
    spoken = sum(bool(each.findings) for each in told)
    failing = sum(any(f.severity is Severity.ERROR for f in each.findings) for each in told)
    counted = f"{len(findings)} {'finding' if len(findings) == 1 else 'findings'}"
    talk.say("")
    talk.say(f"{counted} in {spoken} of {len(told)}; {failing} would have failed the check.")


def _plain(text: str) -> str:
    return _CONTROL.sub(" ", text)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.rstrip("\n").split("\n"))
