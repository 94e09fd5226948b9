"""What the commands of one comment come to. Pure: who may what, and what Stet remembers of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from worker.commands import DISMISSING, HELP, UNKNOWN, Command, Verb, refusal
from worker.ledger import Dismissal, Ledger, Place

Want = Literal["review", "full", "post", "fix"]
NOTES: Mapping[str, str] = MappingProxyType(
    {
        "help": "<details><summary>Commands of Stet</summary>",
        "config": "<details><summary>The configuration that holds here</summary>",
    }
)
"""How the answers begin that stand once in a pull request, by their name."""
_CODE = re.compile(r"[A-Za-z]{3}\d{3}(?=\s|\Z)")
_MOST_REASON = 300

NO_REASON = "Say why in a few words: `/stet {verb} {what}reason`. The reason is shown in the check."
NO_RULE = (
    "Name the rule, as in `/stet {verb} SEC124 reason`, or answer in the thread of the finding."
)
NO_SUCH_RULE = "Stet has no rule `{code}`. `stet rules` lists them, and so does the documentation."
PATCH = (
    "Every fix as one patch stands in the details of the [check run]({url}), ready for `git apply`."
)
NOTHING_DISMISSED = "Nothing was dismissed here that could be taken back."


@dataclass(frozen=True)
class Scene:
    """Where a command was given, by whom, and what is known there.

    `may` says whether the person is allowed a verb. `thread` are the findings of the thread that
    the comment stands in, where Stet began it. `explain` gives the page of a rule, or nothing.
    """

    login: str
    may: Callable[[Verb], bool]
    ledger: Ledger
    explain: Callable[[str], str]
    configuration: Callable[[], str]
    thread: tuple[Place, ...] = ()
    may_write: bool = False


@dataclass(frozen=True)
class Outcome:
    """What the commands change and ask for.

    `answer` is said in a few words, or not at all. `note` names an answer that is kept once in
    a pull request and edited when it is asked for again.
    """

    ledger: Ledger
    wants: frozenset[Want] = frozenset()
    answer: str = ""
    note: str = ""
    is_refused: bool = False
    done: tuple[Verb, ...] = ()
    fixes: str = field(default="")

    @property
    def is_nothing(self) -> bool:
        return not (self.done or self.is_refused)


def obey(commands: Iterable[Command], scene: Scene) -> Outcome:
    """Do what this person may have; the first refusal is the one that is explained."""
    outcome = Outcome(scene.ledger)
    for command in commands:
        after = _one(command, replace(scene, ledger=outcome.ledger), outcome)
        outcome = after if not (outcome.is_refused and after.is_refused) else outcome
    return outcome


def _one(command: Command, scene: Scene, so_far: Outcome) -> Outcome:
    verb = command.verb
    if verb is None:
        words = UNKNOWN if scene.may(Verb.HELP) else ""
        return replace(so_far, is_refused=True, answer=words)
    if not scene.may(verb):
        return replace(so_far, is_refused=True, answer=refusal(verb))
    done = replace(so_far, done=(*so_far.done, verb))
    if verb in DISMISSING:
        return _dismissal(verb, command.argument, scene, done)
    return _PLAIN[verb](command.argument, scene, done)


def _review(_argument: str, _scene: Scene, done: Outcome) -> Outcome:
    return _wanting(done, "review")


def _full(_argument: str, _scene: Scene, done: Outcome) -> Outcome:
    return _wanting(done, "review", "full")


def _pause(_argument: str, scene: Scene, done: Outcome) -> Outcome:
    return _wanting(replace(done, ledger=replace(scene.ledger, paused_by=scene.login)), "review")


def _resume(_argument: str, scene: Scene, done: Outcome) -> Outcome:
    return _wanting(replace(done, ledger=replace(scene.ledger, paused_by="")), "review")


def _explain(argument: str, scene: Scene, done: Outcome) -> Outcome:
    code = _code_in(argument) or next((each.code for each in scene.thread), "")
    page = scene.explain(code) if code else ""
    if page:
        return replace(done, answer=page)
    words = NO_SUCH_RULE.format(code=code) if code else "Which rule? `/stet explain SEC124`."
    return _refused(done, words)


def _patch(_argument: str, _scene: Scene, done: Outcome) -> Outcome:
    return replace(_wanting(done, "review"), answer=PATCH)


def _fix(argument: str, scene: Scene, done: Outcome) -> Outcome:
    if not scene.may_write:
        words = "Stet may not write to this repository, so it cannot commit. `/stet patch` gives the fixes."
        return _refused(done, words)
    return replace(_wanting(done, "review", "fix"), fixes=_code_in(argument))


def _configuration(_argument: str, scene: Scene, done: Outcome) -> Outcome:
    return replace(done, answer=scene.configuration(), note="config")


def _help(_argument: str, _scene: Scene, done: Outcome) -> Outcome:
    return replace(done, answer=HELP, note="help")


_PLAIN: dict[Verb, Callable[[str, Scene, Outcome], Outcome]] = {
    Verb.REVIEW: _review,
    Verb.FULL: _full,
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
    Verb.EXPLAIN: _explain,
    Verb.PATCH: _patch,
    Verb.FIX: _fix,
    Verb.CONFIG: _configuration,
    Verb.HELP: _help,
}


def _dismissal(verb: Verb, argument: str, scene: Scene, done: Outcome) -> Outcome:
    code = _code_in(argument)
    reason = argument[len(code) :].strip()[:_MOST_REASON]
    if code and not scene.explain(code):
        return _refused(done, NO_SUCH_RULE.format(code=code))
    meant = tuple(each for each in scene.thread if code in ("", each.code))
    if not (meant or code):
        return _refused(done, NO_RULE.format(verb=verb.value))
    if verb is Verb.UNIGNORE:
        return _forgiven(code, meant, scene, done)
    if not reason:
        what = f"{code} " if code else ""
        return _refused(done, NO_REASON.format(verb=verb.value, what=what))
    kind: Literal["ignore", "fp"] = "fp" if verb is Verb.FALSE_POSITIVE else "ignore"
    why = Dismissal(kind, scene.login, reason, clears=True)
    ledger = scene.ledger
    ledger = ledger.dismiss(meant, why) if meant else ledger.dismiss_rule(code, why)
    return _wanting(replace(done, ledger=ledger), "review")


def _forgiven(code: str, meant: tuple[Place, ...], scene: Scene, done: Outcome) -> Outcome:
    ledger = scene.ledger.forgive(meant) if meant else scene.ledger.forgive_rule(code)
    if ledger == scene.ledger:
        return _refused(done, NOTHING_DISMISSED)
    return _wanting(replace(done, ledger=ledger), "review")


def _wanting(outcome: Outcome, *wants: Want) -> Outcome:
    return replace(outcome, wants=outcome.wants | frozenset(wants))


def _refused(outcome: Outcome, words: str) -> Outcome:
    return replace(outcome, is_refused=True, answer=words, done=outcome.done[:-1])


def _code_in(argument: str) -> str:
    found = _CODE.match(argument)
    return found[0].upper() if found else ""
