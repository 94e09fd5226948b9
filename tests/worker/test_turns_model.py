"""The script of turns against a plain model of it, on a real Redis, under any order of steps."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from redis import Redis

from worker.request import CommandRequest, Errand, PullRequestKey, Reason, Request, ReviewRequest
from worker.turns import PREFIX, QUEUE, Turn, Turns

PULLS = [
    PullRequestKey(installation, 7, f"owner{installation}", "shop", number)
    for installation, number in ((1, 1), (1, 2), (11, 1))
]


@dataclass
class Pull:
    state: Literal["ready", "running", "later"] = "ready"
    generation: int = 0
    review: int = 0
    reason: Reason | None = None
    commands: list[Errand] = field(default_factory=list)
    holder: int | None = None
    taken: int = 0
    tries: int = 0
    pauses: int = 0


class Model:
    """What the queue promises, said as plainly as possible."""

    def __init__(self, most_of_one: int = 0) -> None:
        self.most_of_one = most_of_one
        self.pulls: dict[PullRequestKey, Pull] = {}
        self.seen: set[str] = set()
        self.lines: dict[int, deque[PullRequestKey]] = {}
        self.ring: deque[int] = deque()

    def enqueue(self, request: Request, delivery: str) -> str:
        if delivery in self.seen:
            return "repeated"
        self.seen.add(delivery)
        is_new = request.key not in self.pulls
        pull = self.pulls.setdefault(request.key, Pull())
        pull.generation += 1
        if isinstance(request, ReviewRequest):
            others = {pull.reason, request.reason} - {None}
            pull.reason = "event" if len(others) > 1 else request.reason
            pull.review = pull.generation
        else:
            pull.commands.append(request)
        if not is_new:
            return "coalesced"
        self.line_up(request.key)
        return "queued"

    def line_up(self, key: PullRequestKey) -> None:
        self.pulls[key].state, self.pulls[key].holder = "ready", None
        line = self.lines.setdefault(key.installation, deque())
        if not line:
            self.ring.append(key.installation)
        line.append(key)

    def free(self, installation: int) -> int:
        """How many more turns an installation may have at this moment."""
        running = sum(key.installation == installation for key in self.in_state("running"))
        return max(0, self.most_of_one - running) if self.most_of_one else len(PULLS)

    def next(self) -> PullRequestKey | None:
        for _ in range(len(self.ring)):
            installation = self.ring.popleft()
            if self.free(installation):
                key = self.lines[installation].popleft()
                if self.lines[installation]:
                    self.ring.append(installation)
                return key
            self.ring.append(installation)
        return None

    def takeable(self) -> int:
        return sum(min(self.free(each), len(self.lines[each])) for each in self.ring)

    def holds(self, turn: Turn) -> bool:
        pull = self.pulls.get(turn.key)
        return pull is not None and pull.state == "running" and pull.holder == turn.token

    def in_state(self, state: str) -> list[PullRequestKey]:
        return [key for key, pull in self.pulls.items() if pull.state == state]


class TurnsAgainstModel(RuleBasedStateMachine):
    turns_taken: Bundle[Turn] = Bundle("turns_taken")
    redis: Redis

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushall()
        self.turns = Turns(self.redis)
        self.model = Model()

    @initialize(most_of_one=st.integers(0, 2))
    def limits_are_set(self, most_of_one: int) -> None:
        self.turns = Turns(self.redis, most_of_one=most_of_one)
        self.model = Model(most_of_one)

    @rule(key=st.sampled_from(PULLS))
    def a_sweeper_suspects_work(self, key: PullRequestKey) -> None:
        request = ReviewRequest(key, "sweep")
        is_known = key in self.model.pulls
        delivery = f"sweep-{len(self.model.seen)}"
        expected = "coalesced" if is_known else self.model.enqueue(request, delivery)
        assert self.turns.ensure(request) == expected

    @rule(
        key=st.sampled_from(PULLS),
        delivery=st.integers(0, 200),
        kind=st.sampled_from(["opened", "synchronize", "rerequest", "command"]),
    )
    def an_event_comes(self, key: PullRequestKey, delivery: int, kind: str) -> None:
        request: Request = (
            CommandRequest(key, delivery, in_review_thread=False, sender="someone")
            if kind == "command"
            else ReviewRequest(key, cast("Reason", kind))
        )
        accepted = self.turns.enqueue(request, f"delivery-{delivery}")
        assert accepted == self.model.enqueue(request, f"delivery-{delivery}")

    @rule(target=turns_taken)
    def a_worker_takes(self) -> Turn:
        self.redis.lpop(f"rq:queue:{QUEUE}")  # a worker takes because it was woken
        turn, expected = self.turns.take(), self.model.next()
        if turn is None or expected is None:
            assert turn is None
            assert expected is None
            return multiple()  # type: ignore[return-value]
        pull = self.model.pulls[expected]
        pull.tries = pull.tries + 1 if pull.taken == pull.generation else 1
        pull.pauses = pull.pauses if pull.taken == pull.generation else 0
        pull.taken, pull.state, pull.holder = pull.generation, "running", turn.token
        assert (turn.key, turn.generation, turn.attempt) == (expected, pull.generation, pull.tries)
        assert turn.pauses == pull.pauses
        assert turn.reason == (pull.reason if pull.review else None)
        assert turn.commands == tuple(pull.commands)
        return turn

    @rule(turn=turns_taken)
    def a_worker_asks(self, turn: Turn) -> None:
        if self.model.holds(turn):
            newer = self.model.pulls[turn.key].review > turn.generation
            assert self.turns.standing(turn) == ("superseded" if newer else "held")
        else:
            assert self.turns.standing(turn) == "lost"
        assert self.turns.beat(turn) == self.model.holds(turn)

    @rule(turn=turns_taken, gives_up=st.booleans())
    def a_worker_finishes(self, turn: Turn, gives_up: bool) -> None:  # noqa: FBT001
        result = self.turns.give_up(turn, "why") if gives_up else self.turns.finish(turn)
        if not self.model.holds(turn):
            assert result == "lost"
            return
        pull = self.model.pulls[turn.key]
        if pull.generation == turn.generation:
            assert result == "done"
            del self.model.pulls[turn.key]
            return
        assert result == "again"
        pull.commands = pull.commands[len(turn.commands) :]
        if pull.review <= turn.generation:
            pull.review, pull.reason = 0, None
        self.model.line_up(turn.key)

    @rule(turn=consumes(turns_taken), failed=st.booleans(), pause=st.sampled_from([0.0, 1000.0]))
    def a_worker_gives_back(self, turn: Turn, failed: bool, pause: float) -> None:  # noqa: FBT001
        result = self.turns.give_back(turn, pause, failed=failed)
        if not self.model.holds(turn):
            assert result == "lost"
            return
        pull = self.model.pulls[turn.key]
        pull.tries -= 0 if failed else 1
        if pause:
            assert result == "later"
            pull.state, pull.holder = "later", None
            pull.pauses += 1
        else:
            assert result == "ready"
            self.model.line_up(turn.key)

    @rule(turn=turns_taken)
    def a_lease_runs_out(self, turn: Turn) -> None:
        if self.model.holds(turn):
            self._time_passes("leases", turn.key)
            assert self.turns.sweep().expired == 1
            self.model.line_up(turn.key)

    @rule(key=st.sampled_from(PULLS))
    def a_pause_is_over(self, key: PullRequestKey) -> None:
        if key in self.model.in_state("later"):
            self._time_passes("later", key)
            assert self.turns.sweep().due == 1
            self.model.line_up(key)

    @rule(installation=st.sampled_from([1, 11]), luck=st.integers(0, 9))
    def an_installation_goes(self, installation: int, luck: int) -> None:
        if luck < 9:  # seldom, or the queue would never fill
            return
        gone = [key for key in self.model.pulls if key.installation == installation]
        assert self.turns.forget(installation) == len(gone)
        for key in gone:
            del self.model.pulls[key]
        self.model.lines.pop(installation, None)
        if installation in self.model.ring:
            self.model.ring.remove(installation)

    def _time_passes(self, name: str, key: PullRequestKey) -> None:
        member = f"{key.installation}:{key.repository_id}:{key.number}"
        self.redis.zadd(f"{PREFIX}{name}", {member: 1}, xx=True)

    @invariant()
    def the_counts_agree(self) -> None:
        counts = self.turns.counts()
        ready, running, later = map(self.model.in_state, ("ready", "running", "later"))
        assert (counts.ready, counts.running, counts.later) == tuple(
            map(len, (ready, running, later))
        )
        assert counts.installations == len(self.model.ring)
        assert {row.key for row in self.turns.waiting()} == self.model.pulls.keys()

    @invariant()
    def whoever_may_be_taken_will_be_woken(self) -> None:
        assert self.redis.llen(f"rq:queue:{QUEUE}") >= self.model.takeable()

    @invariant()
    def nothing_is_left_of_what_is_done(self) -> None:
        kept = set(cast("list[str]", self.redis.keys(f"{PREFIX}pull:*")))
        assert len(kept) == len(self.model.pulls)


@pytest.mark.fault(12, 15, 21, 22)
def test_any_order_of_steps_agrees_with_the_model(redis_url: str) -> None:
    class OnRealRedis(TurnsAgainstModel):
        redis = Redis.from_url(redis_url, decode_responses=True)

    with OnRealRedis.redis:
        run_state_machine_as_test(
            OnRealRedis,
            settings=settings(
                max_examples=100,
                stateful_step_count=80,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
