"""What a worker does when it is woken: take a turn, answer commands, review, publish."""

from __future__ import annotations

import logging
from functools import partial

from rules.engine.discover import all_rules
from rules.engine.index import extractors
from worker import asked
from worker.allowance import Allowance
from worker.consequences import consequences
from worker.errands import Errands
from worker.facts_cache import FactsCache
from worker.github.app import app_of, tokens_of
from worker.github.client import Client
from worker.github.errors import GitHubError, RateLimitedError, UnavailableError
from worker.github.organisation import organisation_file
from worker.github.pulls import read_pull_request
from worker.journal import Detail, Journal
from worker.journal_entry import ended
from worker.ledger import Ledger, Ledgers
from worker.open_checks import OpenChecks
from worker.outcomes import Outcomes
from worker.pace import Pace
from worker.review import Tools, configure
from worker.seal import Seal
from worker.settings import WorkerSettings, load
from worker.turns import HeldTurn, PutBackError, Turns, hold_turn
from worker.verdicts import Verdicts
from worker.watch import Watch, watched

log = logging.getLogger(__name__)

_CRASHED = (
    "Stet failed several times on this commit and stopped trying. This is a fault of Stet, not of "
    "the code: nothing is known about it. A new push, or `/stet review`, starts another try."
)

_UNHEARD_SECONDS = 60.0

# A worker imports this module once and then forks for each job: what is loaded here is shared.
all_rules()
extractors()


def take_turn() -> None:
    """The job of the queue: work on the pull request whose turn it is, if there is one."""
    settings = load(WorkerSettings)
    turns = Turns(settings.redis(), most_of_one=settings.installation_turns)
    with (
        watched(settings) as watch,
        hold_turn(turns, most_seconds=settings.review_seconds) as held,
    ):
        if held is not None:
            watch.begin(held.turn)
            work(held, turns, settings, watch)


def work(held: HeldTurn, turns: Turns, settings: WorkerSettings, watch: Watch) -> None:
    """One turn."""
    key = held.turn.key
    redis = settings.redis_bytes()
    app = app_of(settings)
    ledgers, outcomes = Ledgers(redis), Outcomes(redis)
    pace = Pace(redis, key.installation, settings.write_seconds)

    def enter(detail: Detail) -> None:
        watch.note(detail)
        Journal(redis).write(detail)

    def remember(ledger: Ledger) -> None:
        held.ensure_held()
        ledgers.write(key, ledger)

    with (
        consequences(held, turns, redis),
        Client(app, key, tokens_of(app, redis), pace=pace.wait) as client,
        asked.counted(redis, key.installation, client.tally),
    ):
        tools = Tools(
            client=client,
            cache=FactsCache(redis, key.installation, seal=Seal(app.private_key, "facts")),
            ensure_current=held.ensure_current,
            ensure_held=held.ensure_held,
            open_checks=OpenChecks(redis),
            remember=remember,
            records=lambda: outcomes.of(key),
            attempt=held.turn.attempt,
            verdicts=Verdicts(redis),
            journal=enter,
            spending=Allowance(redis).spending,
        )
        if held.turn.is_exhausted:
            _give_up(held, tools)
        else:
            organisation = partial(organisation_file, app, key, redis)
            Errands(held, tools, ledgers, outcomes, organisation).run()


def _give_up(held: HeldTurn, tools: Tools) -> None:
    """All tries ended badly: say so where the author looks, and stop."""
    try:
        opened = read_pull_request(tools.client)
        check, head = configure(opened).config.check, opened.pull_request.head
        title = "Could not be analysed"
        tools.checks.abandon(check.name, head, check.on_error, title, _CRASHED)
        tools.journal(ended(opened.pull_request, "crashed", title))
    except RateLimitedError:
        raise
    except UnavailableError as error:
        # Silence would leave the check run open: told as soon as GitHub hears it.
        raise PutBackError(_UNHEARD_SECONDS, str(error)) from None
    except GitHubError as error:
        log.warning("%s: giving up could not be told: %s", held.turn.key, error)
        tools.open_checks.forget(held.turn.key)
    held.give_up("several tries failed; see the log")
