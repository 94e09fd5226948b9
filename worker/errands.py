"""What waits with one pull request, from the first look to the last answer."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from types import MappingProxyType

from rules.engine.discover import find_rule
from worker import conversation, keepsakes
from worker.conversation import Heard, Room
from worker.github.commit import commit_fixes
from worker.github.errors import ForbiddenError, RefusedError
from worker.github.publish import Speaker
from worker.github.pulls import Opened, read_pull_request
from worker.ledger import Dismissal, Ledger, Ledgers
from worker.orders import Outcome
from worker.outcomes import Outcomes, tally
from worker.plan import Asked, Conclusion
from worker.pull_request import PullRequest
from worker.recall import recalled
from worker.render.answers import check_url, configuration_text
from worker.request import (
    ACTIONS,
    ButtonRequest,
    Closing,
    CommandRequest,
    DeletedComment,
    Errand,
    QueuedMerge,
)
from worker.review import Reviewed, SupersededError, Tools, configure, review_pull_request
from worker.turns import HeldTurn, PutBackError

log = logging.getLogger(__name__)

_SETTLING_SECONDS = 2.0
_QUEUED = (
    "The merge queue tries the pull request together with others. What Stet has to say of it "
    "stands in #{number}; nothing was reviewed again."
)
_IN_QUEUE: Mapping[str, tuple[Conclusion, str]] = MappingProxyType(
    {
        "success": ("success", "Reviewed in #{number}"),
        "failure": ("failure", "#{number} has findings that fail the check"),
    }
)
_NOT_REVIEWED: tuple[Conclusion, str] = ("neutral", "Not reviewed in #{number}")
_FORK = "The branch is in a fork, where Stet may not write. `/stet patch` gives the fixes."
_NOTHING_SAFE = (
    "There is no safe fix to commit. `/stet patch` gives every fix, the others included."
)
_NOT_TAKEN = (
    "GitHub did not take the commit: the branch has moved or is protected. Nothing was changed."
)


def _page(code: str) -> str:
    """The page of a rule as people read it; empty if there is none."""
    rule = find_rule(code)
    return f"**`{rule.code}` {rule.name}**\n\n{rule.doc.strip()}" if rule and rule.doc else ""


class Errands:
    """Everything that waits with one pull request: decided first, reviewed once, then answered.

    A crash in between does it again: what was decided is in the ledger, and nothing of it is
    done twice by being decided twice.
    """

    def __init__(
        self,
        held: HeldTurn,
        tools: Tools,
        ledgers: Ledgers,
        outcomes: Outcomes,
        organisation: Callable[[], bytes | None],
    ) -> None:
        self._organisation = organisation
        self._held = held
        self._tools = tools
        self._ledgers = ledgers
        self._outcomes = outcomes

    def run(self) -> None:
        key, client = self._held.turn.key, self._tools.client
        known = self._ledgers.read(key)
        opened = read_pull_request(client, recall=known is None)
        pull = opened.pull_request
        ledger = known or recalled(opened.remarks, pull.threads, opened.reviews, _page)
        before = keepsakes.unshown(ledger)
        ledger = ledger.seen(pull.said, self._deleter(pull))
        if pull.state == "closed":
            self._close(pull, ledger)
            return
        opened = replace(opened, organisation=self._organisation())
        room = self._room(opened)
        heard: list[Heard | None] = []
        for errand in self._held.turn.commands:
            one = self._hear(room, errand, ledger)
            ledger = one.outcome.ledger if one else ledger
            heard.append(one)
        has_lost = keepsakes.unshown(ledger) != before
        if has_lost:
            self._keep(pull, ledger)
        if ledger != known:
            self._tools.remember(ledger)
        for one in filter(None, heard):
            conversation.accept(room, one)
        reviewed = self._review(opened, heard, ledger, is_changed=has_lost)
        self._answer(room, opened, heard, reviewed)

    def _deleter(self, pull: PullRequest) -> Dismissal | None:
        """Who deleted what is missing, if an event has told."""
        for errand in self._held.turn.commands:
            if isinstance(errand, DeletedComment):
                is_author = errand.sender.lower() == pull.author.lower()
                return Dismissal("deleted", errand.sender, clears=not is_author)
        return None

    def _keep(self, pull: PullRequest, ledger: Ledger) -> None:
        """Before Redis remembers it: what stands in the ledger alone is lost with Redis."""
        client, gate = self._tools.client, self._tools.ensure_held
        Speaker(client, pull, gate, _page, keepsakes.unshown(ledger)).keep()

    def _room(self, opened: Opened) -> Room:
        configured = configure(opened)
        return Room(
            client=self._tools.client,
            pull_request=opened.pull_request,
            ledgers=self._ledgers,
            gate=self._tools.ensure_held,
            check_name=configured.config.check.name,
            authors_may_ignore=configured.config.commands.authors_may_ignore,
            explain=_page,
            configuration=lambda: configuration_text(configured),
        )

    def _hear(self, room: Room, errand: Errand, ledger: Ledger) -> Heard | None:
        match errand:
            case CommandRequest():
                return conversation.hear(room, errand, ledger)
            case ButtonRequest():
                return conversation.press(room, errand, ledger)
            case QueuedMerge(head=head):
                self._vouch(room, head)
            case _:
                pass  # a deletion is in the ledger already, a closing has its own way
        return None

    def _vouch(self, room: Room, head: str) -> None:
        """The queue merges what was reviewed: its commit needs the verdict, not a new review."""
        pull, checks = room.pull_request, self._tools.checks
        known = self._tools.verdicts.of(pull.key)
        if known is not None and known.head == pull.head and known.conclusion:
            said = known.conclusion
        else:
            said = checks.conclusion_of(room.check_name, pull.head)
        conclusion, title = _IN_QUEUE.get(said, _NOT_REVIEWED)
        number = pull.key.number
        why = _QUEUED.format(number=number)
        checks.vouch(room.check_name, head, conclusion, title.format(number=number), why)

    def _review(
        self,
        opened: Opened,
        heard: Sequence[Heard | None],
        ledger: Ledger,
        *,
        is_changed: bool,
    ) -> Reviewed | None:
        wants = {want for one in heard if one for want in one.outcome.wants}
        if not (wants or self._held.turn.wants_review or is_changed):
            return None
        fixes = next((one.outcome.fixes for one in heard if one and one.outcome.fixes), "")
        action = self._held.turn.reason or ""
        wish = Asked(
            full="full" in wants,
            everything="post" in wants,
            fixes=fixes,
            action="" if wants or action not in ACTIONS else action,
        )
        try:
            pull = opened.pull_request
            with nullcontext() if wants else self._tools.spending(pull):
                return review_pull_request(opened, self._tools, ledger, wish)
        except SupersededError as news:
            if news.comes_again:
                # The event that tells of the change may still be on its way.
                raise PutBackError(_SETTLING_SECONDS, str(news)) from None
            return None

    def _answer(
        self,
        room: Room,
        opened: Opened,
        heard: Sequence[Heard | None],
        reviewed: Reviewed | None,
    ) -> None:
        for one in heard:
            if one is not None:
                self._answer_one(room, opened, one, reviewed)
            self._held.answered()

    def _answer_one(
        self, room: Room, opened: Opened, one: Heard, reviewed: Reviewed | None
    ) -> None:
        ledger = reviewed.ledger if reviewed else one.outcome.ledger
        outcome = one.outcome
        if reviewed is not None and "fix" in outcome.wants:
            outcome = self._fix(opened.pull_request, reviewed, outcome)
        url = check_url(opened.pull_request, reviewed)
        outcome = replace(outcome, answer=outcome.answer.replace("{url}", url))
        after = conversation.close(room, replace(one, outcome=outcome), ledger)
        if after != ledger:
            self._tools.remember(after)

    def _fix(self, pull: PullRequest, reviewed: Reviewed, outcome: Outcome) -> Outcome:
        """Commit the safe fixes; the push that this is asks for the next review."""
        if pull.is_fork:
            return replace(outcome, is_refused=True, answer=_FORK)
        if not reviewed.patched:
            return replace(outcome, is_refused=True, answer=_NOTHING_SAFE)
        codes = sorted({code for each in reviewed.patched for code in each.codes})
        message = f"Apply the fixes of Stet for {', '.join(codes)}"
        client, gate = self._tools.client, self._tools.ensure_current
        try:
            commit_fixes(client, pull, reviewed.patched, message, gate)
        except (RefusedError, ForbiddenError) as error:
            log.info("%s: fixes refused: %s", pull.key, error)
            return replace(outcome, is_refused=True, answer=_NOT_TAKEN)
        return outcome

    def _close(self, pull: PullRequest, ledger: Ledger) -> None:
        """Nothing is said any more; what became of the findings is counted, once."""
        self._tools.verdicts.forget(pull.key)
        self._tools.checks.cancel_open("The pull request was closed", "neutral")
        closing = [each for each in self._held.turn.commands if isinstance(each, Closing)]
        if closing:
            counted = tally(pull, ledger, is_merged=closing[-1].is_merged)
            change = Counter(counted)
            change.subtract(ledger.counted)
            self._tools.remember(replace(ledger, counted=dict(counted)))
            self._outcomes.add(pull.key, change)
