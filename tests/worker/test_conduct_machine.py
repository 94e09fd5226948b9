"""Whatever happens to a pull request, in whatever order: nobody is told twice, or against their word."""

from __future__ import annotations

import re
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from desk import MODELS, REPOSITORY, Desk
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis import Redis

from sandbox import faults
from sandbox.server import StandIn
from worker.request import DeletedComment

FUNCTIONS = ("rate_a", "rate_b", "rate_c")
PATHS = ("shop/rates.py", "shop/prices.py")
_NAMED = re.compile(r"→ (rate_[abc])")
functions = st.sampled_from(FUNCTIONS)


def source(bad: frozenset[str], above: int, blanks: int) -> str:
    """Three functions, some without a time-out, laid out in one of many ways."""
    parts = ["import requests\n" + "# a note\n" * above]
    for name in FUNCTIONS:
        timeout = "" if name in bad else ", timeout=10"
        space = " " * blanks
        parts.append(
            f"\n\ndef {name}(host):\n"
            f'    """Ask {name}."""\n'
            f"    answer = requests.get({space}host{timeout})\n"
            f"    answer.raise_for_status()\n"
            f"    return answer.json()\n"
        )
    return "".join(parts)


class Conduct(RuleBasedStateMachine):
    """One pull request, its author alice and the maintainer walter."""

    redis_url: str

    def __init__(self) -> None:
        super().__init__()
        self.opened = ExitStack()
        self.patch = self.opened.enter_context(pytest.MonkeyPatch.context())
        self.github = self.opened.enter_context(StandIn.start())
        self.redis = self.opened.enter_context(
            Redis.from_url(self.redis_url, decode_responses=True)
        )
        self.redis.flushall()
        self.bad: frozenset[str] = frozenset(FUNCTIONS[:2])
        self.path = PATHS[0]
        self.above = self.blanks = 0
        self.settled: dict[str, int] = {}
        self.was_deleted = False

    def teardown(self) -> None:
        violations = self.github.violations
        self.opened.close()
        assert violations == []

    @initialize()
    def open(self) -> None:
        folder = self.opened.enter_context(tempfile.TemporaryDirectory())
        key = Path(folder) / "key.pem"
        key.write_text(self.github.private_key_pem)
        key.chmod(0o600)
        for name, value in self.github.environment(key).items():
            self.patch.setenv(name, str(value))
        self.patch.setenv("STET_REDIS_URL", self.redis_url)
        self.github.create_repository(REPOSITORY)
        for login, role in (("alice", "read"), ("walter", "write")):
            self.github.create_user(login)
            self.github.set_permission(REPOSITORY, login, role)
        self.desk = Desk(self.github, self.redis, self.github.install([REPOSITORY]))
        base = {"shop/models.py": MODELS, self.path: source(frozenset(), 0, 0)}
        self.github.commit(REPOSITORY, "main", base)
        self.desk.open({self.path: source(self.bad, 0, 0)}, by="alice")
        self.desk.review()

    def standing(self) -> list[dict[str, Any]]:
        """Stet's words that still hold."""
        ours = [c for c in self.desk.comments() if c["user"]["login"] == self.github.bot_login]
        return [
            c for c in ours if c.get("in_reply_to_id") is None and not c["body"].startswith("~~")
        ]

    def about(self, name: str) -> dict[str, Any] | None:
        return next((c for c in self.standing() if name in _NAMED.findall(c["body"])), None)

    def settle(self, name: str, comment: int) -> None:
        """From now on nobody wants to hear of this function again."""
        self.settled.setdefault(name, comment)

    def push(self) -> None:
        files: dict[str, str | bytes | None] = dict.fromkeys(PATHS)
        files[self.path] = source(self.bad, self.above, self.blanks)
        self.desk.commit(files)
        self.desk.review()

    @rule(name=functions)
    def break_or_mend(self, name: str) -> None:
        self.bad ^= {name}
        self.push()

    @rule(above=st.integers(0, 6), blanks=st.integers(0, 2))
    def lay_out(self, above: int, blanks: int) -> None:
        self.above, self.blanks = above, blanks
        self.push()

    @rule()
    def rename(self) -> None:
        self.path = PATHS[1 - PATHS.index(self.path)]
        self.push()

    @rule()
    def redeliver(self) -> None:
        self.desk.review()

    @rule(name=functions)
    def ignore(self, name: str) -> None:
        comment = self.about(name)
        if comment is not None:
            self.redis.delete(*self.redis.keys("{stet}:rate:*") or ["none"])
            self.desk.ask("/stet ignore we know", "walter", thread=comment["id"])
            self.settle(name, comment["id"])

    @rule(name=functions)
    def resolve(self, name: str) -> None:
        comment = self.about(name)
        if comment is not None:
            self.github.resolve(REPOSITORY, self.desk.number, comment["id"], by="walter")
            self.settle(name, comment["id"])
            self.desk.review()

    @rule(name=functions, told=st.booleans())
    def delete(self, name: str, *, told: bool) -> None:
        comment = self.about(name)
        if comment is not None:
            number = self.desk.number
            self.github.delete_review_comment(REPOSITORY, number, comment["id"], by="walter")
            self.settle(name, comment["id"])
            self.was_deleted = True
            if told:
                self.desk.errand(DeletedComment(self.desk.key, comment["id"], "walter"))
            self.desk.review()

    @rule(name=functions)
    def answer(self, name: str) -> None:
        comment = self.about(name)
        if comment is not None:
            self.github.reply(REPOSITORY, self.desk.number, comment["id"], "Hm.", by="alice")

    @rule()
    def lose_an_answer(self) -> None:
        self.github.faults.add(
            faults.bad_gateway_after_success(), method="POST", path=r"/reviews$", times=1
        )
        self.push()
        self.github.faults.clear()

    @precondition(lambda self: not self.was_deleted)
    @rule()
    def lose_the_ledger(self) -> None:
        self.redis.delete(*self.redis.keys("{stet}:ledger:*") or ["none"])

    @invariant()
    def nothing_is_said_twice(self) -> None:
        if not hasattr(self, "desk"):
            return
        names = [name for c in self.standing() for name in _NAMED.findall(c["body"])]
        assert sorted(names) == sorted(set(names))

    @invariant()
    def what_was_settled_does_not_return(self) -> None:
        if not hasattr(self, "desk"):
            return
        for name, comment in self.settled.items():
            now = self.about(name)
            assert now is None or now["id"] == comment

    @invariant()
    def each_commit_has_one_review_and_a_verdict(self) -> None:
        if not hasattr(self, "desk"):
            return
        commits = [each["commit_id"] for each in self.desk.reviews() if each["body"]]
        ours = [c for c in commits if c is not None]
        assert len(ours) == len(set(ours))
        assert set(self.desk.mails()) <= {"review"}
        assert all(each["status"] == "completed" for each in self.desk.checks())


@pytest.mark.fault
@pytest.mark.timeout(600)
def test_no_sequence_of_events_makes_stet_repeat_itself(redis_url: str) -> None:
    Conduct.redis_url = redis_url
    run_state_machine_as_test(
        Conduct,
        settings=settings(
            max_examples=5,
            stateful_step_count=8,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
